package check

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/media"
)

var (
	acceptGzip = map[string]string{"Accept-Encoding": "gzip"}
	fromPage   = map[string]string{"Origin": "https://player.example"}
)

// objectClass tells what the rules for an object's header depend on.
type objectClass uint8

const (
	classManifest objectClass = iota // a manifest
	classMedia                       // a segment or an init segment
)

// whole: the body is as long as its header says, and can be decoded.
func (p *presentation) whole(a *answer, at place) bool {
	said := ""
	if a.broken != nil {
		said = a.broken.Error()
	}
	return p.judge.test(111, a.broken == nil, at, said, "a body that is whole and as its header says")
}

// header: the fields that every answer has.
func (p *presentation) header(a *answer, at place, class objectClass) {
	if class == classMedia { // what one segment says, all say: findings fold
		at.subject = p.place("segments", "", "").subject
	}
	at.at = "Date"
	_, err := http.ParseTime(a.header.Get("Date"))
	p.judge.test(54, err == nil, at, strconv.Quote(a.header.Get("Date")), "the time of the answer, always")
	at.at = "Age"
	p.judge.test(54, a.header.Get("Age") == "", at, a.header.Get("Age"), "no Age from an origin: players take it for staleness")
	at.at = "Set-Cookie"
	p.judge.test(54, a.header.Get("Set-Cookie") == "", at, "a cookie", "none: caches would keep it or not cache at all")
	at.at = "Access-Control-Allow-Origin"
	p.judge.test(59, a.header.Get("Access-Control-Allow-Origin") != "", at, "no such field", "players on other sites may read it")
	at.at = "Cache-Control"
	cache := a.header.Get("Cache-Control")
	if !p.judge.test(53, cache != "", at, "no such field", "how long a cache may keep it") {
		return
	}
	if class == classMedia {
		age, ok := maxAge(cache)
		p.judge.test(53, ok && age > 0, at, cache, "a segment never changes: caches may keep it")
	}
}

// maxAge reads max-age in seconds; no-store and no-cache are 0.
func maxAge(field string) (int, bool) {
	for _, d := range strings.Split(strings.ToLower(field), ",") {
		d = strings.TrimSpace(d)
		if d == "no-store" || d == "no-cache" {
			return 0, true
		}
		if v, ok := strings.CutPrefix(d, "max-age="); ok {
			n, err := strconv.Atoi(v)
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}

// manifestHeader: what a manifest's answer must say. life is how long its content stands, 0 for what has ended.
func (p *presentation) manifestHeader(a *answer, at place, types []string, life time.Duration) {
	p.header(a, at, classManifest)
	at.at = "Content-Type"
	is, _, _ := strings.Cut(strings.ToLower(a.header.Get("Content-Type")), ";")
	ok := false
	for _, t := range types {
		ok = ok || strings.TrimSpace(is) == t
	}
	p.judge.test(52, ok, at, a.header.Get("Content-Type"), types[0])
	at.at = "Content-Encoding"
	if len(a.body) > 1400 { // what fits into a packet need not be compressed
		p.judge.test(52, a.header.Get("Content-Encoding") == "gzip", at, strconv.Quote(a.header.Get("Content-Encoding")), "gzip, which was asked for")
	}
	if a.header.Get("Content-Encoding") == "gzip" {
		at.at = "Vary"
		p.judge.test(52, varies(a.header), at, strconv.Quote(a.header.Get("Vary")), "Accept-Encoding: caches keep both forms apart")
	}
	if life > 0 {
		if age, ok := maxAge(a.header.Get("Cache-Control")); ok {
			at.at = "Cache-Control"
			p.judge.test(53, time.Duration(age)*time.Second <= life, at, a.header.Get("Cache-Control"), fmt.Sprintf("at most %v: it changes as often", life))
		}
	}
}

func varies(h http.Header) bool {
	for _, v := range h.Values("Vary") {
		if v == "*" || strings.Contains(strings.ToLower(v), "accept-encoding") {
			return true
		}
	}
	return false
}

// mediaType: the type says what is in the segment.
func (t *track) mediaType(a *answer, k media.Kind, p place) {
	p.at = "Content-Type"
	is, _, _ := strings.Cut(strings.ToLower(a.header.Get("Content-Type")), ";")
	ok := true
	want := "application/mp4"
	switch k {
	case media.Video:
		ok, want = is == "video/mp4" || is == "video/iso.segment", "video/mp4"
	case media.Audio:
		ok, want = is == "audio/mp4" || is == "video/mp4" || is == "audio/iso.segment" || is == "video/iso.segment", "audio/mp4"
	case media.Text, media.Metadata:
		ok = is == "application/mp4" || is == "video/mp4"
	}
	t.judge.test(112, ok, p, strconv.Quote(is), want)
}

// An example is an object of each class, for the probes.
type example struct {
	manifest, segment string
	places            place
	types             []string
	missing           []missing
}

// missing is something that is not there, and what it may answer.
type missing struct {
	url, what string
	number    int // of the assertion
	statuses  []int
}

// probe asks what players and caches ask now and then, once a presentation.
func (p *presentation) probe(ctx context.Context, e example) {
	ctx, cancel := context.WithTimeout(ctx, max(probeTime, time.Until(p.until)))
	defer cancel()
	p.probeManifest(ctx, e)
	if e.segment != "" {
		p.probeSegment(ctx, e)
	}
	p.probeMissing(ctx, e)
	p.probeStrange(ctx, e)
}

// ask is get for probes: what cannot be asked any more (the run is over) is no finding.
func (p *presentation) ask(ctx context.Context, assertion int, at place, r request) *answer {
	a, err := p.fetch.get(ctx, r)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		p.judge.fail(assertion, at, err.Error(), "an answer")
		return nil
	}
	return a
}

func (p *presentation) probeManifest(ctx context.Context, e example) {
	at := e.places
	at.url = e.manifest
	if a := p.ask(ctx, 52, at, request{url: e.manifest, header: map[string]string{"Accept-Encoding": "identity"}}); a != nil {
		at.at = "Content-Encoding"
		p.judge.test(52, a.header.Get("Content-Encoding") == "", at, a.header.Get("Content-Encoding"), "none: identity was asked for")
		at.at = ""
		p.whole(a, at)
	}
	head := p.ask(ctx, 56, at, request{url: e.manifest, method: http.MethodHead, header: acceptGzip})
	get := p.ask(ctx, 56, at, request{url: e.manifest, header: acceptGzip})
	if head != nil && get != nil {
		p.same(head, get, at, []string{"Content-Type", "Cache-Control", "Vary", "Access-Control-Allow-Origin"})
	}
	if get != nil {
		p.conditional(ctx, e.manifest, get, at, false)
	}
	preflight := map[string]string{
		"Origin": "https://player.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range",
	}
	if a := p.ask(ctx, 59, at, request{url: e.manifest, method: http.MethodOptions, header: preflight}); a != nil {
		at.at = "OPTIONS"
		p.judge.test(59, a.status/100 == 2, at, fmt.Sprintf("status %d", a.status), "a preflight is answered 200 or 204")
		p.judge.test(59, a.header.Get("Access-Control-Allow-Origin") != "", at, "no Access-Control-Allow-Origin", "players on other sites may read it")
	}
}

func (p *presentation) same(head, get *answer, at place, fields []string) {
	at.at = "HEAD"
	p.judge.test(56, head.status == get.status, at, fmt.Sprintf("status %d", head.status), fmt.Sprintf("GET has %d", get.status))
	for _, f := range fields {
		at.at = "HEAD, " + f
		p.judge.test(56, head.header.Get(f) == get.header.Get(f), at, strconv.Quote(head.header.Get(f)), "GET has "+strconv.Quote(get.header.Get(f)))
	}
}

// conditional asks again with the ETag. fixed is set for what never changes.
func (p *presentation) conditional(ctx context.Context, url string, get *answer, at place, fixed bool) {
	tag := get.header.Get("Etag")
	at.at = "ETag"
	if !p.judge.test(58, tag != "", at, "no such field", "a tag by which to ask whether it has changed") {
		return
	}
	header := map[string]string{"If-None-Match": tag}
	if !fixed {
		header["Accept-Encoding"] = "gzip"
	}
	a := p.ask(ctx, 58, at, request{url: url, header: header, limit: maxMedia})
	if a == nil || !fixed && a.status == 200 && a.header.Get("Etag") != tag { // it has changed meanwhile
		return
	}
	at.at = "If-None-Match"
	p.judge.test(58, a.status == http.StatusNotModified && len(a.body) == 0, at, fmt.Sprintf("status %d with %d bytes", a.status, len(a.body)), "304 without a body")
}

func (p *presentation) probeSegment(ctx context.Context, e example) {
	at := e.places
	at.url = e.segment
	get := p.ask(ctx, 57, at, request{url: e.segment, limit: maxMedia})
	if get == nil || get.status != 200 {
		return // it may have left the window
	}
	if head := p.ask(ctx, 56, at, request{url: e.segment, method: http.MethodHead}); head != nil {
		p.same(head, get, at, []string{"Content-Type", "Content-Length", "Etag", "Cache-Control", "Access-Control-Allow-Origin"})
	}
	p.conditional(ctx, e.segment, get, at, true)
	size := len(get.body)
	if size < 2 {
		return
	}
	ranges := get.header.Get("Accept-Ranges") == "bytes"
	for _, r := range []struct {
		field    string
		from, to int
	}{{"bytes=0-0", 0, 1}, {"bytes=-2", size - 2, size}, {fmt.Sprintf("bytes=1-%d", size*2), 1, size}} {
		at.at = "Range: " + r.field
		a := p.ask(ctx, 57, at, request{url: e.segment, header: map[string]string{"Range": r.field}, limit: maxMedia})
		if a == nil {
			continue
		}
		if a.status == 200 {
			p.judge.test(57, !ranges, at, "status 200", "206: Accept-Ranges says bytes")
			continue
		}
		want := fmt.Sprintf("bytes %d-%d/%d", r.from, r.to-1, size)
		p.judge.test(57, a.status == 206, at, fmt.Sprintf("status %d", a.status), "206")
		p.judge.test(57, a.header.Get("Content-Range") == want, at, strconv.Quote(a.header.Get("Content-Range")), want)
		p.judge.test(57, string(a.body) == string(get.body[r.from:r.to]), at, fmt.Sprintf("%d bytes", len(a.body)), fmt.Sprintf("bytes %d to %d of the segment", r.from, r.to-1))
	}
	at.at = fmt.Sprintf("Range: bytes=%d-", size)
	if a := p.ask(ctx, 57, at, request{url: e.segment, header: map[string]string{"Range": fmt.Sprintf("bytes=%d-", size)}, limit: maxMedia}); a != nil && a.status != 200 {
		p.judge.test(57, a.status == 416, at, fmt.Sprintf("status %d", a.status), "416: the range starts behind the end")
	}
}

// probeMissing asks for what is not there.
func (p *presentation) probeMissing(ctx context.Context, e example) {
	list := append(e.missing, missing{resolve(e.manifest, "weir-check-no-such-object.mp4"), "a name that nobody listed", 113, []int{400, 403, 404, 410}})
	for _, m := range list {
		at := e.places
		at.url, at.at = m.url, m.what
		a := p.ask(ctx, m.number, at, request{url: m.url, header: fromPage, limit: maxProbe})
		if a == nil {
			continue
		}
		ok := false
		for _, s := range m.statuses {
			ok = ok || a.status == s
		}
		p.judge.test(m.number, ok, at, fmt.Sprintf("status %d", a.status), fmt.Sprintf("one of %v", m.statuses))
		at.at = m.what + ", Access-Control-Allow-Origin"
		p.judge.test(59, a.header.Get("Access-Control-Allow-Origin") != "", at, "no such field", "errors are for players too")
		if age, ok := maxAge(a.header.Get("Cache-Control")); ok && a.status >= 400 {
			at.at = m.what + ", Cache-Control"
			p.judge.test(53, age <= 60, at, a.header.Get("Cache-Control"), "an error is kept for a minute at most")
		}
	}
}

// probeStrange asks for what no player asks: no input makes an origin fail.
func (p *presentation) probeStrange(ctx context.Context, e example) {
	base := strings.TrimSuffix(e.manifest, "/")
	if i := strings.IndexByte(base, '?'); i >= 0 {
		base = base[:i]
	}
	for _, s := range []struct{ what, url string }{
		{"a path of 8 KB", resolve(base, strings.Repeat("a", 8192))},
		{"%00 in the path", base + "%00"},
		{".. in the path", strings.TrimSuffix(base, "/") + "/%2e%2e/%2e%2e/%2e%2e/etc/passwd"},
		{"a query of 8 KB", base + "?" + strings.Repeat("a=b&", 2048)},
		{"keys twice", base + "?_HLS_msn=1&_HLS_msn=-1&_HLS_part=x"},
		{"a broken escape", base + "?%zz"},
	} {
		at := e.places
		at.url, at.at = p.url, s.what
		a, err := p.fetch.get(ctx, request{url: s.url, limit: maxProbe})
		if err == nil { // an origin may close on what it does not want to read
			p.judge.test(108, a.status < 500, at, fmt.Sprintf("status %d", a.status), "no request makes an origin fail")
		}
	}
}
