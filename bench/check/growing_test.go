package check

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/media"
)

// A growing channel is the simulated one with low latency: slots of a second, each made as five parts of 200 ms, which
// are its chunks. What is there is a function of the clock. Playlists, parts and segments are held and grow as the
// standards say.
type growingOrigin struct {
	*simulated
	ends  time.Time // of the presentation; zero: never
	stops time.Time // of the source, without an end; zero: never
	short int64     // every so many slots the encoder breaks off behind the second part; 0: never

	// Faults.
	keep    int64         // slots whose parts are listed; 0: 4
	pairs   bool          // parts come by two
	behind  time.Duration // the sound's playlist
	gives   time.Duration // up, when nothing comes; 0: growHeld
	sticky  bool          // who waits is not told of the end
	skips   int64         // more slots than may be skipped
	trickle bool          // parts come half by half
	early   bool          // answers that grow end before the segment does
	closed  bool          // segments are there once they are over
	single  bool          // segments are one chunk
	past    bool          // the MPD lists what is over
}

const (
	growParts   = 5
	growPart    = time.Second / growParts
	growWindow  = 12 // slots
	numberPath  = "/manifest(format=mpd-number-cmaf)"
	growHeld    = 3 * time.Second
	growDefault = "public, max-age=31536000, immutable"
)

// made is how many parts have been made since 1970.
func (g *growingOrigin) made(now time.Time) int64 {
	for _, end := range []time.Time{g.ends, g.stops} {
		if !end.IsZero() && now.After(end) {
			now = end
		}
	}
	n := now.UnixMilli() / growPart.Milliseconds()
	if g.pairs {
		n -= n % 2
	}
	return n
}

// now is the time in a track's playlist.
func (g *growingOrigin) now(k simTrack) time.Time {
	if k.video {
		return time.Now()
	}
	return time.Now().Add(-g.behind)
}

func (g *growingOrigin) over(now time.Time) bool { return !g.ends.IsZero() && !now.Before(g.ends) }

// whole reports whether the encoder sends a slot to its end.
func (g *growingOrigin) whole(slot int64) bool { return g.short == 0 || slot%g.short != 0 }

// parts is how many parts of a slot there are.
func (g *growingOrigin) parts(slot, made int64) int64 {
	n := min(max(made-slot*growParts, 0), growParts)
	if !g.whole(slot) {
		n = min(n, 2)
	}
	return n
}

// chunk makes a part: a prft, a moof and its mdat.
func (g *growingOrigin) chunk(k simTrack, slot, part int64) []byte {
	frames := k.frames / growParts
	length := k.timescale / k.frames
	m := media.Moof{Sequence: uint32(slot*growParts + part), Time: slot*k.timescale + part*k.timescale/growParts}
	var payload []byte
	for i := part * frames; i < (part+1)*frames; i++ {
		body, flags := g.frame(k, slot, i)
		m.Samples = append(m.Samples, media.Sample{Duration: uint32(length), Size: uint32(len(body)), Flags: flags})
		payload = append(payload, body...)
	}
	m.DataBytes = len(payload)
	at := time.Unix(slot, 0).Add(time.Duration(part) * growPart)
	prft := media.Prft{Flags: 24, TrackID: 1, NTP: uint64(at.Unix()+2208988800)<<32 | uint64(at.Nanosecond())<<32/1e9, MediaTime: m.Time}
	return append(m.Append(prft.Append(nil)), payload...)
}

// hold waits until a moment; false where the client has gone.
func hold(ctx context.Context, until time.Time) bool {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// due is when so many parts have been made.
func due(made int64) time.Time { return time.UnixMilli(made * growPart.Milliseconds()) }

func (g *growingOrigin) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if q.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	for _, k := range simTracks {
		var slot, part int64
		switch {
		case q.URL.Path == "/"+k.name+"/list.m3u8":
			g.serveList(w, q, k)
			return
		case q.URL.Path == "/"+k.name+"/init.mp4":
		case scan(q.URL.Path, "/"+k.name+"/%d.%d.m4s", &slot, &part):
			g.servePart(w, q, k, slot, part)
			return
		case scan(q.URL.Path, "/"+k.name+"/%d.m4s", &slot):
			g.serveSegment(w, q, k, slot)
			return
		}
	}
	now := time.Now()
	switch q.URL.Path {
	case "/time":
		_, _ = w.Write([]byte(now.UTC().Format("2006-01-02T15:04:05.000Z")))
	case dashPath:
		(&object{body: g.mpd(g.made(now), true), kind: "application/dash+xml", cache: "public, max-age=1"}).serve(w, q)
	case numberPath:
		(&object{body: g.mpd(g.made(now), false), kind: "application/dash+xml", cache: "public, max-age=1"}).serve(w, q)
	default:
		g.simulated.ServeHTTP(w, q)
	}
}

func scan(path, form string, n ...any) bool {
	c, _ := fmt.Sscanf(path, form, n...)
	return c == len(n) && path == fmt.Sprintf(form, deref(n)...)
}

func deref(n []any) (list []any) {
	for _, p := range n {
		list = append(list, *p.(*int64))
	}
	return list
}

// refuse answers with an error that is kept for a moment.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "public, max-age=1")
	http.Error(w, "no", status)
}

// serveList answers by the table of blocking reloads.
func (g *growingOrigin) serveList(w http.ResponseWriter, q *http.Request, k simTrack) {
	kind, life := "application/vnd.apple.mpegurl", "public, max-age=1"
	query := q.URL.Query()
	msnText, partText := query.Get("_HLS_msn"), query.Get("_HLS_part")
	if q.Method == http.MethodGet && msnText+partText != "" && !g.over(time.Now()) {
		msn, err := strconv.ParseUint(msnText, 10, 53)
		if err != nil {
			refuse(w, 400)
			return
		}
		wanted := int64(msn+1) * growParts
		made := g.made(g.now(k))
		open := made / growParts
		if partText != "" {
			part, err := strconv.ParseUint(partText, 10, 53)
			last := int64(part) > made%growParts+3*growParts
			if err != nil || int64(msn) == open && last {
				refuse(w, 400)
				return
			}
			wanted = int64(msn)*growParts + min(int64(part), growParts) + 1
			if n := g.parts(int64(msn), int64(msn+1)*growParts); int64(part) >= n && !g.whole(int64(msn)) {
				wanted = int64(msn+1) * growParts
			}
		}
		if int64(msn) > open+2 {
			refuse(w, 400)
			return
		}
		life = "public, max-age=6"
		gives := growHeld
		if g.gives > 0 {
			gives = g.gives
		}
		for began := time.Now(); g.made(g.now(k)) < wanted && (g.sticky || !g.over(time.Now())); {
			until := due(wanted).Add(time.Since(g.now(k)))
			if g.pairs {
				until = until.Add(growPart)
			}
			if e := g.ends; !e.IsZero() && e.Before(until) && !g.sticky {
				until = e
			}
			if s := g.stops; g.sticky && g.ends.Before(until) || !s.IsZero() && s.Before(until) {
				until = began.Add(gives)
			}
			if !hold(q.Context(), until) {
				return
			}
			if time.Since(began) >= gives && g.made(g.now(k)) < wanted {
				w.Header().Set("Cache-Control", "no-store")
				http.Error(w, "nothing comes", http.StatusServiceUnavailable)
				return
			}
		}
	}
	body := g.list(k, g.now(k), query.Get("_HLS_skip") == "YES")
	(&object{body: body, kind: kind, cache: life}).serve(w, q)
}

// list writes a playlist; a delta update where that is asked for and something can be skipped.
func (g *growingOrigin) list(k simTrack, now time.Time, delta bool) []byte {
	made, over := g.made(now), g.over(now)
	end := made / growParts // the open slot
	first := end - growWindow
	skipped := int64(0)
	version := 6
	if delta && !over {
		version, skipped = 9, growWindow-6+g.skips
	}
	keep := g.keep
	if keep == 0 {
		keep = 4
	}
	b := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,PART-HOLD-BACK=0.6,HOLD-BACK=3.0\n"+
		"#EXT-X-PART-INF:PART-TARGET=0.20000\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n", version, first)
	if skipped > 0 {
		b = fmt.Appendf(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skipped)
	}
	b = append(b, "#EXT-X-MAP:URI=\"init.mp4\"\n"...)
	for n := first + skipped; n <= end; n++ {
		parts := g.parts(n, made)
		if n < end || parts > 0 {
			b = fmt.Appendf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", time.Unix(n, 0).UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		for p := int64(0); p < parts && n > end-keep; p++ {
			independent := ""
			if k.video && p == 0 {
				independent = ",INDEPENDENT=YES"
			}
			b = fmt.Appendf(b, "#EXT-X-PART:DURATION=0.20000,URI=\"%d.%d.m4s\"%s\n", n, p, independent)
		}
		if n < end {
			gap := ""
			if !g.whole(n) {
				gap = "#EXT-X-GAP\n"
			}
			b = fmt.Appendf(b, "%s#EXTINF:1.00000,\n%d.m4s\n", gap, n)
		}
	}
	if over {
		return append(b, "#EXT-X-ENDLIST\n"...)
	}
	b = fmt.Appendf(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%d.%d.m4s\"\n", end, g.parts(end, made))
	for _, o := range simTracks {
		if o.name != k.name {
			slot, part := end, g.parts(end, made)-1
			if part < 0 {
				slot--
				part = max(0, g.parts(slot, made)-1)
			}
			b = fmt.Appendf(b, "#EXT-X-RENDITION-REPORT:URI=\"../%s/list.m3u8\",LAST-MSN=%d,LAST-PART=%d\n", o.name, slot, part)
		}
	}
	return b
}

// servePart answers with a part; the one that comes next is waited for.
func (g *growingOrigin) servePart(w http.ResponseWriter, q *http.Request, k simTrack, slot, part int64) {
	made := g.made(time.Now())
	if part == g.parts(slot, made) && part < growParts && slot == made/growParts {
		if !g.whole(slot) && part == 2 || !g.stops.IsZero() {
			hold(q.Context(), due((slot+1)*growParts))
			refuse(w, 404)
			return
		}
		until := due(slot*growParts + part + 1)
		if e := g.ends; !e.IsZero() && e.Before(until) {
			until = e
		}
		if !hold(q.Context(), until) {
			return
		}
		made = g.made(time.Now())
	}
	if part >= g.parts(slot, made) || slot < made/growParts-2*growWindow {
		refuse(w, 404)
		return
	}
	if b := g.chunk(k, slot, part); g.trickle {
		w.Header().Set("Content-Type", kindOfTrack(k))
		w.Header().Set("Cache-Control", growDefault)
		w.Header().Set(flows, "yes")
		_, _ = w.Write(b[:len(b)/2])
		if hold(q.Context(), time.Now().Add(growPart*3/4)) {
			_, _ = w.Write(b[len(b)/2:])
		}
		return
	}
	(&object{body: g.chunk(k, slot, part), kind: kindOfTrack(k), cache: growDefault}).serve(w, q)
}

func kindOfTrack(k simTrack) string {
	if k.video {
		return "video/mp4"
	}
	return "audio/mp4"
}

// flows marks answers that are written while their segment grows, for the proxy.
const flows = "X-Flows"

// serveSegment answers with a segment, chunk by chunk where it is not over.
func (g *growingOrigin) serveSegment(w http.ResponseWriter, q *http.Request, k simTrack, slot int64) {
	made := g.made(time.Now())
	open := made / growParts
	switch {
	case slot < open && g.whole(slot) && slot >= open-2*growWindow:
		body := []byte(nil)
		if g.single {
			body = g.segment(k, slot, false)
		}
		for p := range int64(growParts) {
			if g.single {
				break
			}
			body = append(body, g.chunk(k, slot, p)...)
		}
		(&object{body: body, kind: kindOfTrack(k), cache: growDefault}).serve(w, q)
	case slot == open && q.Method == http.MethodGet && !g.over(time.Now()) && !g.closed:
		g.grow(w, q, k, slot)
	default:
		refuse(w, 404)
	}
}

func (g *growingOrigin) grow(w http.ResponseWriter, q *http.Request, k simTrack, slot int64) {
	h := w.Header()
	for p := int64(0); p < growParts; {
		for ; p < g.parts(slot, g.made(time.Now())); p++ {
			if p == 0 {
				h.Set("Content-Type", kindOfTrack(k))
				h.Set("Cache-Control", growDefault)
				h.Set(flows, "yes")
			}
			b := g.chunk(k, slot, p)
			if g.single {
				if b = nil; p == growParts-1 {
					b = g.segment(k, slot, false)
				}
			}
			if _, err := w.Write(b); err != nil {
				return
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
		}
		if p == growParts || g.early && p == 3 {
			return
		}
		until := due(slot*growParts + p + 1)
		if !g.whole(slot) && p == 2 || !g.stops.IsZero() {
			until = due((slot + 1) * growParts)
		}
		if !hold(q.Context(), until) {
			return
		}
		if g.parts(slot, g.made(time.Now())) == p { // nothing comes any more
			if p == 0 {
				refuse(w, 404)
				return
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// mpd writes the MPD, by time with the slot that is open and the next, or by number.
func (g *growingOrigin) mpd(made int64, byTime bool) []byte {
	open := made / growParts
	first := open - growWindow
	b := fmt.Appendf(nil, `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="%s" minimumUpdatePeriod="PT1S" timeShiftBufferDepth="PT12S" minBufferTime="PT1S" maxSegmentDuration="PT1S">
<ServiceDescription id="0"><Latency referenceId="1" target="1000" min="600" max="3000"/><PlaybackRate min="0.96" max="1.04"/></ServiceDescription>
<Period id="p1" start="PT1577836800S">
`, time.Unix(open, 0).UTC().Format("2006-01-02T15:04:05.000Z"))
	if !byTime {
		b = []byte(strings.Replace(string(b), time.Unix(open, 0).UTC().Format("2006-01-02T15:04:05.000Z"), "2026-01-01T00:00:00Z", 1))
	}
	for i, k := range simTracks {
		set, rep := `contentType="audio" mimeType="audio/mp4" lang="eng"`, `codecs="mp4a.40.2" audioSamplingRate="48000"`
		if k.video {
			set, rep = `contentType="video" mimeType="video/mp4"`, `codecs="avc1.4d4016" width="426" height="240" frameRate="25"`
		}
		b = fmt.Appendf(b, `<AdaptationSet id="%d" %s>
<ProducerReferenceTime id="%d" type="encoder" inband="true" wallClockTime="2020-01-01T00:00:00Z" presentationTime="%d"><UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="/time"/></ProducerReferenceTime>
<Resync type="1" dT="%d" marker="true"/>
<Representation id="%s" bandwidth="%d" %s>
<SegmentTemplate timescale="%d" presentationTimeOffset="%d" availabilityTimeOffset="0.800" availabilityTimeComplete="false" initialization="%s/init.mp4" `,
			k.id, set, i+1, 1577836800*k.timescale, k.timescale/growParts, k.name, 2*k.id, rep, k.timescale, 1577836800*k.timescale, k.name)
		if byTime {
			b = fmt.Appendf(b, "startNumber=\"%d\" media=\"%s/$Number$.m4s\"><SegmentTimeline>%s</SegmentTimeline></SegmentTemplate>\n", first, k.name, g.slots(k, first, open))
		} else {
			b = fmt.Appendf(b, "startNumber=\"1577836800\" duration=\"%d\" media=\"%s/$Number$.m4s\"/>\n", k.timescale, k.name)
		}
		b = append(b, "</Representation></AdaptationSet>\n"...)
	}
	return append(b, "</Period><UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"/time\"/></MPD>\n"...)
}

// slots is the S elements up to the slot behind the open one, as far as they are whole or may become so.
func (g *growingOrigin) slots(k simTrack, first, open int64) string {
	var b strings.Builder
	if g.past {
		open -= 2
	}
	for n := first; n <= open+1; n++ {
		if n >= open || g.whole(n) {
			run := int64(0)
			for n+run+1 <= open+1 && (n+run+1 >= open || g.whole(n+run+1)) {
				run++
			}
			fmt.Fprintf(&b, `<S t="%d" n="%d" d="%d" r="%d"/>`, n*k.timescale, n, k.timescale, run)
			n += run
		}
	}
	return b.String()
}

// A flow is an answer on its way: what a handler writes can be read meanwhile.
type flow struct {
	header http.Header
	status int
	ready  chan struct{}
	pipe   *io.PipeWriter
}

func (f *flow) Header() http.Header { return f.header }

func (f *flow) WriteHeader(status int) {
	if f.status == 0 {
		f.status = status
		close(f.ready)
	}
}

func (f *flow) Write(b []byte) (int, error) {
	f.WriteHeader(http.StatusOK)
	return f.pipe.Write(b)
}

// answerOf runs a handler and returns its answer once the header is there.
func answerOf(handler http.Handler, q *http.Request) (*http.Response, error) {
	out, in := io.Pipe()
	f := &flow{header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}, ready: make(chan struct{}), pipe: in}
	go func() {
		defer func() {
			if recover() == http.ErrAbortHandler {
				f.WriteHeader(http.StatusOK)
				in.CloseWithError(io.ErrUnexpectedEOF)
				return
			}
			f.WriteHeader(http.StatusOK)
			_ = in.Close()
		}()
		handler.ServeHTTP(f, q)
	}()
	select {
	case <-f.ready:
	case <-q.Context().Done():
		_ = out.Close()
		return nil, q.Context().Err()
	}
	return &http.Response{
		StatusCode: f.status, Header: f.header, Body: out, Request: q, ContentLength: -1,
		ProtoMajor: 1, ProtoMinor: 1, Status: http.StatusText(f.status),
	}, nil
}
