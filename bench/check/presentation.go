package check

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// A presentation is one URL while it is judged.
type presentation struct {
	*session
	url    string // as given
	origin string // scheme and host, for comparing names across origins
	format string
	until  time.Time // when the watch ends

	manifests, segments, parts, tracks atomic.Int64
	bytes                              atomic.Int64
	live                               atomic.Bool

	mu   sync.Mutex
	err  error
	once map[string]bool // what is tested once
}

func newPresentation(s *session, raw string) *presentation {
	p := &presentation{session: s, url: raw, once: map[string]bool{}}
	if u, err := url.Parse(raw); err == nil {
		p.origin = u.Scheme + "://" + u.Host
	}
	return p
}

// run fetches the manifest, finds out what it is, and judges it.
func (p *presentation) run(ctx context.Context) {
	p.until = time.Now().Add(p.o.For)
	a, err := p.fetch.get(ctx, request{url: p.url, header: acceptGzip})
	switch {
	case err != nil:
		p.fail(err)
		return
	case a.status != 200:
		p.fail(fmt.Errorf("the manifest answers %d", a.status))
		return
	}
	p.whole(a, p.place("manifest", p.url, ""))
	body := bytes.TrimLeft(a.body, "\xef\xbb\xbf \t\r\n")
	switch {
	case bytes.HasPrefix(body, []byte("#EXTM3U")):
		p.format = "HLS"
		p.runHLS(ctx, a)
	case isXML(a.body, "MPD"):
		p.format = "DASH"
		p.runDASH(ctx, a)
	case isXML(a.body, "SmoothStreamingMedia"):
		p.format = "Smooth"
		p.runSmooth(ctx, a)
	case a.broken != nil:
		p.fail(a.broken)
	default:
		p.fail(fmt.Errorf("neither a playlist nor an MPD nor a Smooth manifest, but %d bytes of %q", len(a.body), short(a.header.Get("Content-Type"))))
	}
}

// isXML tells by the first element, roughly: its parser decides.
func isXML(b []byte, root string) bool {
	head := bytes.ReplaceAll(b[:min(len(b), 4096)], []byte{0}, nil) // UTF-16
	i := bytes.Index(head, []byte("<"+root))
	return i >= 0 && i+1+len(root) < len(head)
}

func (p *presentation) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// first reports whether something has not been asked for before.
func (p *presentation) first(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.once[what]
	p.once[what] = true
	return !was
}

func (p *presentation) summary() Presentation {
	s := Presentation{
		URL: redact(p.url), Format: p.format, Live: p.live.Load(), Tracks: int(p.tracks.Load()),
		Manifests: int(p.manifests.Load()), Segments: int(p.segments.Load()), Parts: int(p.parts.Load()), Bytes: p.bytes.Load(),
	}
	if p.err != nil {
		s.Error = redactText(p.err.Error())
	}
	return s
}

func (p *presentation) place(subject, url, at string) place {
	if p.format != "" {
		subject = p.format + " " + subject
	}
	return place{subject, url, at}
}

// watching reports whether a live presentation is to be watched further.
func (p *presentation) watching(ctx context.Context) bool {
	return ctx.Err() == nil && time.Now().Before(p.until)
}

// rest waits before a manifest is asked for again; false when the watch has ended meanwhile.
func (p *presentation) rest(ctx context.Context, d time.Duration) bool {
	return p.pause(ctx, max(restMin, min(d, time.Until(p.until))))
}

// pause waits; false when the watch has ended meanwhile.
func (p *presentation) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return p.watching(ctx)
	}
}

// firstSegments is how many segments of a track are read at first.
func (p *presentation) firstSegments(live bool) int {
	switch {
	case p.o.Segments > 0:
		return p.o.Segments
	case live:
		return 3
	}
	return 1000
}

// resolve is a reference seen from a manifest.
func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}
