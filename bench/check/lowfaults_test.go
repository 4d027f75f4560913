package check

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A lowFault is one seeded fault of a low-latency origin: in what passes the proxy, or in the origin itself.
type lowFault struct {
	liveFault
	origin func(g *growingOrigin)
	length time.Duration // to watch; 0: 7 s
}

const (
	lists    = "/list.m3u8"
	sound    = "/audio/list.m3u8"
	manifest = "/manifest(format=mpd-"
)

// swapped replaces what a pattern matches.
func swapped(pattern, with string) func([]byte) []byte {
	re := regexp.MustCompile(pattern)
	return func(b []byte) []byte { return re.ReplaceAll(b, []byte(with)) }
}

// said changes what manifests say, from the beginning.
func said(part string, change func([]byte) []byte, want int, says string) lowFault {
	return lowFault{liveFault: liveFault{body: after(0, part, change), want: want, says: says}}
}

// of is a fault of the origin.
func of(change func(g *growingOrigin), want int, says string) lowFault {
	return lowFault{origin: change, liveFault: liveFault{want: want, says: says}}
}

// asked changes the directives of a request.
func asked(change func(msn, part string) (string, string), want int, says string) lowFault {
	return lowFault{liveFault: liveFault{want: want, says: says, ask: func(q *http.Request, _ time.Duration) {
		if !strings.HasSuffix(q.URL.Path, lists) || q.URL.RawQuery == "" {
			return
		}
		v := q.URL.Query()
		msn, part := change(v.Get("_HLS_msn"), v.Get("_HLS_part"))
		for name, value := range map[string]string{"_HLS_msn": msn, "_HLS_part": part} {
			if v.Del(name); value != "" {
				v.Set(name, value)
			}
		}
		q.URL.RawQuery = v.Encode()
	}}}
}

// replied changes an answer by what was asked.
func replied(query string, change func(status int, b []byte) (int, []byte), want int, says string) lowFault {
	return lowFault{liveFault: liveFault{want: want, says: says, reply: func(q *http.Request, _ time.Duration, status int, b []byte) (int, []byte) {
		if strings.HasSuffix(q.URL.Path, lists) && strings.Contains(q.URL.RawQuery, query) {
			return change(status, b)
		}
		return status, b
	}}}
}

// flowing changes what is written while a segment grows.
func flowing(change func(body io.ReadCloser) io.Reader, want int, says string) lowFault {
	return lowFault{liveFault: liveFault{want: want, says: says, flow: func(_ string, body io.ReadCloser) io.ReadCloser {
		return struct {
			io.Reader
			io.Closer
		}{change(body), body}
	}}}
}

// lazy reads everything before it gives anything.
type lazy struct {
	from io.Reader
	have *bytes.Reader
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.have == nil {
		b, err := io.ReadAll(l.from)
		if err != nil {
			return 0, err
		}
		l.have = bytes.NewReader(b)
	}
	return l.have.Read(p)
}

func text2(change func(b []byte) []byte) func(int, []byte) (int, []byte) {
	return func(status int, b []byte) (int, []byte) { return status, change(b) }
}

// onParts changes parts, from an age on.
func onParts(age time.Duration, change func([]byte) []byte) func(*proxy, string, time.Duration, int, []byte) []byte {
	form := regexp.MustCompile(`^/video240/\d+\.\d\.m4s$`)
	return func(_ *proxy, path string, now time.Duration, _ int, b []byte) []byte {
		if now >= age && form.MatchString(path) {
			return change(b)
		}
		return b
	}
}

// msnOf reads a number; -1 where there is none.
func msnOf(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 62)
	if err != nil {
		return -1
	}
	return n
}

var partFaults = map[string]lowFault{
	"parts without their target":        said(lists, dropLines("#EXT-X-PART-INF"), 15, "PART-TARGET"),
	"no PART-HOLD-BACK":                 said(lists, text("PART-HOLD-BACK=0.6,", ""), 15, "PART-HOLD-BACK"),
	"no blocking reload":                said(lists, text("CAN-BLOCK-RELOAD=YES,", ""), 15, "CAN-BLOCK-RELOAD"),
	"parts longer than their target":    said(lists, text("PART-TARGET=0.20000", "PART-TARGET=0.15000"), 16, "at most"),
	"parts much shorter":                said(lists, text("PART-TARGET=0.20000", "PART-TARGET=0.30000"), 16, "at least"),
	"parts that are not the segment":    said(lists, swapped(`DURATION=0.20000,(URI="\d+\.2)`, "DURATION=0.19000,$1"), 17, "its parts last"),
	"other bytes than the segment":      {liveFault: liveFault{body: onParts(later, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), want: 17, says: "its parts are"}},
	"PART-HOLD-BACK too short":          said(lists, text("PART-HOLD-BACK=0.6", "PART-HOLD-BACK=0.4"), 18, "PART-TARGET"),
	"CAN-SKIP-UNTIL too short":          said(lists, text("CAN-SKIP-UNTIL=6.0", "CAN-SKIP-UNTIL=5.0"), 18, "at least 6"),
	"parts stay for ever":               of(func(g *growingOrigin) { g.keep = 12 }, 19, ""),
	"no hint":                           said(lists, dropLines("#EXT-X-PRELOAD-HINT"), 20, "hints at the next"),
	"two hints":                         said(lists, swapped(`(#EXT-X-PRELOAD-HINT.*\n)`, "$1$1"), 20, "one of each"),
	"hint of no type":                   said(lists, text("TYPE=PART", "TYPE=PARTS"), 20, "PART or MAP"),
	"hint at another part":              said(lists, swapped(`(HINT:TYPE=PART,URI="\d+\.)`, "${1}1"), 21, "hinted at"),
	"hint that is refused":              {liveFault: liveFault{status: firstPart(404), want: 21, says: "is answered when it is there"}},
	"no reports":                        said(video, dropLines("#EXT-X-RENDITION-REPORT"), 22, "reported once"),
	"report twice":                      said(video, swapped(`(#EXT-X-RENDITION.*\n)`, "$1$1"), 22, "reported once"),
	"report by a whole URL":             said(video, text(`REPORT:URI="..`, `REPORT:URI="http://origin.example`), 22, "relative"),
	"report of nothing":                 said(video, text(`REPORT:URI="../audio`, `REPORT:URI="../sound`), 22, "names"),
	"report without LAST-PART":          said(video, swapped(`,LAST-PART=\d`, ""), 22, "LAST-PART: "),
	"report of the past":                said(video, shift("LAST-MSN=", -1), 22, "to a part"),
	"report of the future":              said(video, shift("LAST-MSN=", 1), 22, "to a part"),
	"every part independent":            said(video, swapped(`(#EXT-X-PART:.*)m4s"\n`, "${1}m4s\",INDEPENDENT=YES\n"), 26, ""),
	"no part independent":               said(video, text(",INDEPENDENT=YES", ""), 26, ""),
	"gap in a segment that is whole":    said(video, swapped(`(\.1\.m4s")\n`, "$1,GAP=YES\n"), 27, ""),
	"PART-TARGET changes":               {liveFault: liveFault{body: after(later, lists, text("PART-TARGET=0.20000", "PART-TARGET=0.20001")), want: 29, says: "it was 0.20000"}},
	"each has its server control":       said(video, text("PART-HOLD-BACK=0.6", "PART-HOLD-BACK=0.8"), 29, "list.m3u8 says"),
	"parts rewritten":                   {liveFault: liveFault{body: after(later, lists, text("DURATION=0.20000", "DURATION=0.2000")), want: 32, says: "it was #EXT-X-PART"}},
	"parts vanish":                      {liveFault: liveFault{body: after(later, lists, func(b []byte) []byte { return swapped(`#EXT-X-PART:.*\.1\.m4s".*\n`, "")(b) }), want: 32, says: "parts come at the end"}},
	"parts go with their segment's end": said(lists, swapped(`(#EXT-X-PROGRAM.*\n)(#EXT-X-PART:.*\n){5}`, "$1"), 32, "it had"),
	"date behind the parts":             said(lists, swapped(`(#EXT-X-PROGRAM.*\n)((#EXT-X-PART:.*\n)+)`, "$2$1"), 14, "before the first part"),
	"parts come by two":                 of(func(g *growingOrigin) { g.pairs = true }, 33, "new part"),
	"sound is behind":                   of(func(g *growingOrigin) { g.behind = 3 * growPart }, 34, "within a part"),
	"part time jumps":                   {liveFault: liveFault{body: onParts(later, everySecond), want: 63, says: "the part before"}},
	"part as long as it is not":         said(video, text("#EXT-X-PART:DURATION=0.20000", "#EXT-X-PART:DURATION=0.15000"), 117, "to a frame"),
	"part that is not there":            {liveFault: liveFault{status: everyPart(404), want: 110}},
	"part of other bytes at times": {liveFault: liveFault{body: func(_ *proxy, path string, _ time.Duration, n int, b []byte) []byte {
		if strings.HasSuffix(path, "m4s") && strings.Count(path, ".") == 2 && strings.HasPrefix(path, "/video240/") {
			b[len(b)-1] ^= byte(n)
		}
		return b
	}, also: true, want: 109}, length: 12 * time.Second},
}

func everySecond(b []byte) []byte {
	if decodeTime(b)/2560%2 == 0 {
		return b
	}
	return addTo("tfdt", 4, 512)(b)
}

// firstPart gives a status to the first request for a part.
func firstPart(status int) func(string, time.Duration, int) int {
	form := regexp.MustCompile(`/\d+\.\d\.m4s$`)
	return func(path string, _ time.Duration, n int) int {
		if n == 0 && form.MatchString(path) {
			return status
		}
		return 0
	}
}

func everyPart(status int) func(string, time.Duration, int) int {
	form := regexp.MustCompile(`/\d+\.\d\.m4s$`)
	return func(path string, _ time.Duration, _ int) int {
		if form.MatchString(path) {
			return status
		}
		return 0
	}
}

// from now is an end or a stop in so many seconds.
func soon(seconds float64) time.Time {
	return time.Now().Add(time.Duration(seconds * float64(time.Second)))
}

var blockingFaults = map[string]lowFault{
	"a part of any segment": asked(func(msn, part string) (string, string) {
		if msn == "" {
			part = ""
		}
		return msn, part
	}, 37, ""),
	"any number will do": asked(func(msn, part string) (string, string) {
		if msnOf(msn) < 0 {
			msn, part = "", ""
		}
		return msn, part
	}, 38, ""),
	"numbers far ahead will do": asked(func(msn, part string) (string, string) {
		if msnOf(msn) > newest(time.Now())+3 {
			return "", ""
		}
		return msn, part
	}, 39, "more than two"),
	"far ahead is waited for": {liveFault: liveFault{want: 39, says: "at once", ask: func(q *http.Request, _ time.Duration) {
		if msnOf(q.URL.Query().Get("_HLS_msn")) > newest(time.Now())+3 {
			hold(q.Context(), time.Now().Add(3*time.Second))
		}
	}}},
	"near ahead will not do": asked(func(msn, part string) (string, string) {
		if part == "" && msnOf(msn) == newest(time.Now())+2 {
			return "x", part
		}
		return msn, part
	}, 39, "two ahead"),
	"parts far ahead will do": asked(func(msn, part string) (string, string) {
		if msnOf(part) > 15 {
			return "", ""
		}
		return msn, part
	}, 40, ""),
	"the past is not there": {liveFault: liveFault{want: 41, says: "200 at once", reply: func(q *http.Request, _ time.Duration, status int, b []byte) (int, []byte) {
		if n := msnOf(q.URL.Query().Get("_HLS_msn")); n >= 0 && n < newest(time.Now())-30 {
			return 404, nil
		}
		return status, b
	}}},
	"directives are not heard": asked(func(string, string) (string, string) { return "", "" }, 42, "what was asked for"),
	"reloads are refused": asked(func(msn, part string) (string, string) {
		if part != "" && msnOf(part) < 5 {
			return "x", ""
		}
		return msn, part
	}, 42, "follows the last"),
	"the last but one part is refused": asked(func(msn, part string) (string, string) {
		if part == "5" {
			return "x", ""
		}
		return msn, part
	}, 43, ""),
	"a segment before it is whole": asked(func(msn, part string) (string, string) {
		if part == "" && msnOf(msn) == newest(time.Now())+1 {
			return "", ""
		}
		return msn, part
	}, 44, ""),
	"given up at once":           {origin: func(g *growingOrigin) { g.stops, g.gives = soon(2.3), 100*time.Millisecond }, liveFault: liveFault{want: 45, says: "may come"}},
	"never given up":             {origin: func(g *growingOrigin) { g.stops, g.gives = soon(2.3), time.Hour }, liveFault: liveFault{want: 45, says: "at the latest"}, length: 14 * time.Second},
	"held through the end":       {origin: func(g *growingOrigin) { g.ends, g.sticky = soon(3.4), true }, liveFault: liveFault{want: 46}, length: 10 * time.Second},
	"skips too much":             of(func(g *growingOrigin) { g.skips = 2 }, 47, "is skipped"),
	"skips what it must not say": replied("_HLS_skip", text2(text("EXTINF:1.00000", "EXTINF:0.99999")), 47, "whole playlist says of"),
	"skips in version 6":         replied("_HLS_skip", text2(text("VERSION:9", "VERSION:6")), 47, "9 at least"),
	"skips nothing":              replied("_HLS_skip", text2(swapped("SKIPPED-SEGMENTS=[0-9]+", "SKIPPED-SEGMENTS=0")), 47, "at least 1"),
	"promises to skip": {liveFault: liveFault{want: 47, says: "is skipped", ask: func(q *http.Request, _ time.Duration) {
		q.URL.RawQuery = strings.ReplaceAll(q.URL.RawQuery, "&_HLS_skip=YES", "")
	}}},
	"skips for all": {liveFault: liveFault{want: 47, says: "who ask", ask: func(q *http.Request, age time.Duration) {
		if age > time.Second && strings.HasSuffix(q.URL.Path, lists) && !strings.Contains(q.URL.RawQuery, "skip") {
			q.URL.RawQuery = strings.TrimPrefix(q.URL.RawQuery+"&_HLS_skip=YES", "&")
		}
	}}},
	"delta of another server": replied("_HLS_skip", text2(text("HOLD-BACK=3.0", "HOLD-BACK=3.1")), 47, "says TARGETDURATION"),
	"skips after the end": {origin: func(g *growingOrigin) { g.ends = soon(0) }, liveFault: liveFault{want: 48, reply: func(q *http.Request, _ time.Duration, status int, b []byte) (int, []byte) {
		if strings.Contains(q.URL.RawQuery, "_HLS_skip") {
			b = text("#EXT-X-MAP", "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXT-X-MAP")(text("VERSION:6", "VERSION:9")(b))
		}
		return status, b
	}}},
	"hint after the end": {origin: func(g *growingOrigin) { g.ends = soon(2) }, liveFault: liveFault{body: after(0, lists, text("#EXT-X-ENDLIST\n", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"x\"\n#EXT-X-ENDLIST\n")), want: 20, says: "has ended"}},
	"hinted parts come late": {liveFault: liveFault{want: 50, says: "is answered when", ask: func(q *http.Request, _ time.Duration) {
		var slot, part int64
		if scan(q.URL.Path, "/video240/%d.%d.m4s", &slot, &part) {
			if at := due(slot*growParts + part + 1); at.After(time.Now()) {
				hold(q.Context(), at.Add(3*growPart))
			}
		}
	}}},
	"parts come bit by bit": of(func(g *growingOrigin) { g.trickle = true }, 50, "in one go"),
	"errors are kept for an hour": {liveFault: liveFault{want: 53, says: "a minute at most", header: func(path string, _ time.Duration, h http.Header) {
		if strings.HasSuffix(path, lists) && h.Get("Etag") == "" {
			h.Set("Cache-Control", "public, max-age=3600")
		}
	}}},
}

var growingFaults = map[string]lowFault{
	"ends within a box":                  flowing(func(b io.ReadCloser) io.Reader { return io.LimitReader(b, 700) }, 60, "breaks off itself"),
	"ends behind three chunks":           of(func(g *growingOrigin) { g.early = true }, 60, "the segment has"),
	"breaks off often":                   flowing(func(b io.ReadCloser) io.Reader { return io.MultiReader(io.LimitReader(b, 700), failing{}) }, 60, "only where its source"),
	"segments only once they are over":   of(func(g *growingOrigin) { g.closed = true }, 85, "availability time on"),
	"the MPD lists what is over":         of(func(g *growingOrigin) { g.past = true }, 88, "are listed then"),
	"segments of the future":             {liveFault: liveFault{want: 85, status: ahead(200)}},
	"complete, it says":                  said(manifest, text(` availabilityTimeComplete="false"`, ""), 87, "goes with"),
	"incomplete, and never early":        said(manifest, text(` availabilityTimeOffset="0.800"`, ""), 87, "goes with"),
	"sound without an offset":            said(manifest, swapped(`(initialization="video240.*(?s:.*))availabilityTimeOffset="0.800" availabilityTimeComplete="false"`, "$1"), 87, "all AdaptationSets"),
	"no time for the first chunk":        said(manifest, text(`"0.800"`, `"0.950"`), 87, "leaves time"),
	"earlier than its start":             said(manifest, text(`"0.800"`, `"1.200"`), 87, "less than a segment"),
	"all chunks at the end":              flowing(func(b io.ReadCloser) io.Reader { return &lazy{from: b} }, 88, "each chunk comes"),
	"one chunk":                          of(func(g *growingOrigin) { g.single = true }, 88, "several chunks"),
	"no ServiceDescription":              said(manifest, swapped(`<ServiceDescription.*\n`, ""), 89, "what latency is meant"),
	"no target":                          said(manifest, text(`target="1000"`, ""), 89, "in milliseconds"),
	"minimum above the target":           said(manifest, text(`min="600"`, `min="1600"`), 89, "in this order"),
	"rates of nothing":                   said(manifest, text(`max="1.04"`, `max="0.99"`), 89, "rates about 1"),
	"reference to nothing":               said(manifest, text(`referenceId="1"`, `referenceId="7"`), 89, "the id of a"),
	"references of one id":               said(manifest, text(`ProducerReferenceTime id="2"`, `ProducerReferenceTime id="1"`), 89, "unique"),
	"reference by no clock":              said(manifest, swapped(`(<ProducerReferenceTime[^>]*>)<UTCTiming[^>]*>`, "$1"), 89, "which clock"),
	"reference of another kind":          said(manifest, text(`type="encoder"`, `type="application"`), 89, "captured"),
	"reference of another minute":        said(manifest, text(`wallClockTime="2020-01-01T00:00:00Z"`, `wallClockTime="2020-01-01T00:01:00Z"`), 89, "off"),
	"reference without a time":           said(manifest, text(` wallClockTime="2020-01-01T00:00:00Z"`, ""), 81, "required"),
	"no Resync":                          said(manifest, swapped(`<Resync.*\n`, ""), 90, "may join"),
	"Resync without marks":               said(manifest, text(`marker="true"`, `marker="false"`), 90, "can be told"),
	"Resync further than the latency":    said(manifest, swapped(`dT="\d+"`, `dT="99999"`), 90, "at most the latency"),
	"Resync closer than the chunks":      said(manifest, swapped(`dT="\d+"`, `dT="600"`), 90, "no chunk is longer"),
	"prft that does not come":            {liveFault: liveFault{body: after(0, "/video240/1", text("prft", "free")), flow: filtered(text("prft", "free")), want: 71, says: "each segment"}},
	"prft of another minute":             {liveFault: liveFault{flow: filtered(addTo("prft", 8, 60<<32)), want: 71, says: "clock"}},
	"what grows is not what is there":    {liveFault: liveFault{flow: filtered(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), want: 109}},
	"first bytes come long after":        flowing(func(b io.ReadCloser) io.Reader { return &late{Reader: b} }, 85, "first bytes"),
	"nothing comes of what is announced": {origin: func(g *growingOrigin) { g.stops = soon(1.3) }, liveFault: liveFault{want: 85}, length: 20 * time.Second},
}

// late waits before it gives the first bytes.
type late struct {
	io.Reader
	waited bool
}

func (l *late) Read(p []byte) (int, error) {
	if !l.waited {
		l.waited = true
		time.Sleep(780 * time.Millisecond)
	}
	return l.Reader.Read(p)
}

// filtered changes each write of what grows: the origin writes chunk by chunk.
func filtered(change func([]byte) []byte) func(string, io.ReadCloser) io.ReadCloser {
	return func(path string, body io.ReadCloser) io.ReadCloser {
		if !strings.HasPrefix(path, "/video240/") {
			return body
		}
		return &filter{body, change}
	}
}

type filter struct {
	io.ReadCloser
	change func([]byte) []byte
}

func (f *filter) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 {
		copy(p, f.change(bytes.Clone(p[:n])))
	}
	return n, err
}

// ahead gives a status to segments that are far ahead.
func ahead(status int) func(string, time.Duration, int) int {
	return func(path string, _ time.Duration, _ int) int {
		var n int64
		if scan(path, "/video240/%d.m4s", &n) && n > newest(time.Now())+3 {
			return status
		}
		return 0
	}
}

func TestLowLatencyFaults(t *testing.T) {
	long(t)
	s := newSimulated(t)
	for kind, table := range map[string]map[string]lowFault{"parts": partFaults, "blocking": blockingFaults, "growing": growingFaults} {
		paths := lowFormats[:1]
		if kind == "growing" {
			paths = lowFormats[1:]
		}
		for name, f := range table {
			t.Run(kind+"/"+strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				create := func() *growingOrigin {
					g := &growingOrigin{simulated: s}
					if f.origin != nil {
						f.origin(g)
					}
					return g
				}
				report := watchGrowing(t, create, cmp.Or(f.length, 7*time.Second), f.liveFault, paths...)
				if !slices.ContainsFunc(report.Findings, func(g Finding) bool { return g.Assertion == f.want && strings.Contains(g.True, f.says) }) {
					t.Errorf("assertion %d (%s) is not among the findings", f.want, f.says)
					logReport(t, &report)
				}
			})
		}
	}
}
