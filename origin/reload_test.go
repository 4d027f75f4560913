package origin

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/media"
	"weir/segcache"
)

const (
	partsOfSegment = 10 // of 200 ms
	openParts      = 3  // of the segment that is open when a test begins
	openN          = firstN + 5
)

// part commits and lists part k of segment n of a track.
func (c *testChannel) part(t *segcache.Track, n uint64, k int) {
	c.t.Helper()
	ticks := int64(videoSegment)
	if t == c.audio {
		ticks = audioSegment
	}
	room, err := c.arena.Reserve(8, 992)
	if err != nil {
		c.t.Fatal(err)
	}
	copy(room.Payload(), fmt.Sprintf("part %d of %d of %s", k, n, t.Name))
	start := int64(n)*ticks + int64(k)*ticks/partsOfSegment
	end := start + ticks/partsOfSegment
	if err := t.Commit(segcache.Chunk{
		N: n, Slot: int64(n), Part: k, Start: start, End: end, Sync: k == 0, First: k == 0, Arrived: segcache.Clock(),
		Extents: [2]segcache.Extent{room.Extent(0, 1000)}, NumExtents: 1,
	}); err != nil {
		c.t.Fatal(err)
	}
	if err := t.ListPart(segcache.PartEntry{N: n, Part: k, Start: start, End: end}); err != nil {
		c.t.Fatal(err)
	}
}

// end makes segment n of a track whole, or a GAP, and lists it.
func (c *testChannel) end(t *segcache.Track, n uint64, gap bool) {
	c.t.Helper()
	ticks := int64(videoSegment)
	if t == c.audio {
		ticks = audioSegment
	}
	start := int64(n) * ticks
	if !gap {
		if err := t.Complete(n, start, start+ticks); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := t.List(segcache.Entry{N: n, Slot: int64(n), Start: start, End: start + ticks, Gap: gap}); err != nil {
		c.t.Fatal(err)
	}
}

// newLowServer is a server whose channel has five segments of ten parts, and three parts of the sixth.
func newLowServer(t testing.TB) (*Server, *testChannel) {
	t.Helper()
	s, c := newTestServer(t, Config{}, 5000, 0)
	for n := uint64(firstN); n <= openN; n++ {
		for _, track := range []*segcache.Track{c.video, c.audio} {
			for k := range partsOfSegment {
				if n < openN || k < openParts {
					c.part(track, n, k)
				}
			}
			if n < openN {
				c.end(track, n, false)
			}
		}
	}
	<-c.publish()
	return s, c
}

const videoList = base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf).m3u8"

func partPath(n uint64, k int) string {
	return fmt.Sprintf("%sQualityLevels(3000000)/Fragments(Video=n%d,part=%d).m4s", base, n, k)
}

// A row is one of the decision table of blocking reload: a request, and what is answered when.
type row struct {
	name  string
	path  string // videoList, unless given
	query string
	held  bool                 // it waits first
	then  func(c *testChannel) // what happens to one that waits; nil: nothing, until its patience is over
	want  int
	holds string // what the answer contains
	cache string
}

const msn = "_HLS_msn="

// rows are the table of RFC 8216bis, 6.2.5.2 and what follows from it.
func rows() []row {
	open := fmt.Sprint(openN)
	next := func(c *testChannel) { c.part(c.video, openN, openParts); <-c.publish() }
	whole := func(c *testChannel) {
		for k := openParts; k < partsOfSegment; k++ {
			c.part(c.video, openN, k)
		}
		c.end(c.video, openN, false)
		<-c.publish()
	}
	gap := func(c *testChannel) { c.end(c.video, openN, true); <-c.publish() }
	over := func(c *testChannel) { c.SetLive(false); <-c.publish() }
	gone := func(c *testChannel) { c.Close() }
	const brief, version = "public, max-age=1", "public, max-age=12"
	return []row{
		{name: "plain", want: 200, holds: fmt.Sprintf("part=%d", openParts), cache: brief},
		{name: "1: unknown", path: base + "QualityLevels(1)/Manifest(x,format=m3u8-cmaf).m3u8", query: msn + open, want: 404, cache: brief},
		{name: "2: letters", query: msn + "abc", want: 400, cache: brief},
		{name: "2: negative", query: msn + "-1", want: 400, cache: brief},
		{name: "2: exponent", query: msn + "1e3", want: 400, cache: brief},
		{name: "2: too large", query: msn + "1180591620717411303424", want: 400, cache: brief},
		{name: "2: empty", query: msn, want: 400, cache: brief},
		{name: "2: twice", query: msn + "1&" + msn + "1", want: 400, cache: brief},
		{name: "2: bad part", query: msn + open + "&_HLS_part=x", want: 400, cache: brief},
		{name: "2: a broken escape", query: msn + "1%3", want: 400, cache: brief},
		{name: "2: an escape that is no digit", query: msn + "1%41", want: 400, cache: brief},
		{name: "7: percent-encoded", query: "%5FHLS%5fmsn=" + strings.ReplaceAll(open, "8", "%38") + "&_HLS_p%61rt=%32", want: 200, holds: "#EXTM3U", cache: version},
		{name: "3: part alone, percent-encoded", query: "%5fHLS_part=1", want: 400, cache: brief},
		{name: "3: part alone", query: "_HLS_part=1", want: 400, cache: brief},
		{name: "5: three ahead", query: msn + fmt.Sprint(openN+3), want: 400, cache: brief},
		{name: "5: two ahead", query: msn + fmt.Sprint(openN+2), held: true, want: 503, cache: brief},
		{name: "6: parts ahead", query: msn + open + "&_HLS_part=18", want: 400, cache: brief},
		{name: "6: the most parts ahead", query: msn + open + "&_HLS_part=17", held: true, want: 503, cache: brief},
		{name: "7: long ago", query: msn + "1", want: 200, holds: "#EXTM3U", cache: version},
		{name: "7: there", query: msn + fmt.Sprint(openN-1) + "&_HLS_part=4", want: 200, holds: "#EXTM3U", cache: version},
		{name: "7: the last part", query: msn + open + "&_HLS_part=2", want: 200, holds: "#EXTM3U", cache: version},
		{name: "8: a segment", query: msn + open, held: true, then: whole, want: 200, holds: fmt.Sprintf("=n%d).m4s", openN), cache: version},
		{name: "9: behind the last part", query: msn + fmt.Sprint(openN-1) + "&_HLS_part=10", want: 200, holds: "#EXTM3U", cache: version},
		{name: "10: a part", query: msn + open + "&_HLS_part=3", held: true, then: next, want: 200, holds: "part=3).m4s", cache: version},
		{name: "10: or what is later", query: msn + open + "&_HLS_part=3", held: true, then: whole, want: 200, holds: fmt.Sprintf("=n%d).m4s", openN), cache: version},
		{name: "10: or a GAP", query: msn + open + "&_HLS_part=3", held: true, then: gap, want: 200, holds: "#EXT-X-GAP", cache: version},
		{name: "11: nothing comes", query: msn + open + "&_HLS_part=3", held: true, want: 503, cache: brief},
		{name: "12: the end", query: msn + open + "&_HLS_part=3", held: true, then: over, want: 200, holds: "#EXT-X-ENDLIST", cache: "public, max-age=60"},
		{name: "13: deleted", query: msn + open + "&_HLS_part=3", held: true, then: gone, want: 404, cache: brief},
		{name: "others are ignored", query: "a=b&_HLS_x=y&" + msn + open + "&_HLS_part=2&=&&token=%ff", want: 200, holds: "#EXTM3U", cache: version},
		{name: "part that is there", path: partPath(openN, 2), want: 200, holds: fmt.Sprintf("part 2 of %d", openN), cache: cacheImmutable},
		{name: "part of a whole segment", path: partPath(openN-2, 9), want: 200, holds: "part 9", cache: cacheImmutable},
		{name: "part hinted at", path: partPath(openN, 3), held: true, then: next, want: 200, holds: fmt.Sprintf("part 3 of %d", openN), cache: cacheImmutable},
		{name: "part hinted at, of a GAP", path: partPath(openN, 3), held: true, then: gap, want: 404, cache: brief},
		{name: "part hinted at, at the end", path: partPath(openN, 3), held: true, then: over, want: 404, cache: brief},
		{name: "part hinted at, late", path: partPath(openN, 3), held: true, want: 503, cache: brief},
		{name: "part of the next segment, before its time", path: partPath(openN+1, 0), want: 404, cache: brief},
		{name: "part ahead of the hint", path: partPath(openN, 4), want: 404, cache: brief},
		{name: "part that never was", path: partPath(openN-1, 10), want: 404, cache: brief},
		{name: "part of what left", path: partPath(3, 0), want: 404, cache: "public, max-age=2"},
	}
}

func (r *row) request(s *Server) *Request {
	path := r.path
	if path == "" {
		path = videoList
	}
	return &Request{
		Method: MethodGet, Path: []byte(path), Query: []byte(r.query), Now: s.config.Now(), Client: netip.MustParseAddr("192.0.2.1"),
	}
}

func (r *row) check(t *testing.T, status int, cache string, b []byte) {
	t.Helper()
	if status != r.want || !bytes.Contains(b, []byte(r.holds)) || cache != r.cache {
		t.Errorf("%d, %s, %.2000q; want %d, %s, with %q", status, cache, b, r.want, r.cache, r.holds)
	}
}

// TestReload has each row of the table answered on a virtual clock: at once, when its time has come, or when the patience
// is over, to the nanosecond.
func TestReload(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := newLowServer(t)
				if r.path == "" {
					asked := *r.request(s)
					asked.Method = MethodHead
					var a Answer
					if s.Answer(&asked, &a); a.wait != nil {
						t.Error("HEAD waits")
					}
				}
				conn := &conn{exchange: exchange{request: *r.request(s)}, server: s}
				s.Answer(&conn.request, &conn.answer)
				if (conn.answer.wait != nil) != r.held {
					t.Fatalf("held: %t, status %d", !r.held, conn.answer.Status)
				}
				began := time.Now()
				const after = 150 * time.Millisecond
				done := make(chan struct{})
				if r.held && r.then != nil {
					time.AfterFunc(after, func() { r.then(c); close(done) })
				} else {
					close(done)
				}
				if r.held {
					s.hold(conn)
				}
				want := time.Duration(0)
				switch {
				case r.then != nil:
					want = after
				case r.held:
					want = 3 * testTarget * time.Second
				}
				if took := time.Since(began); took != want {
					t.Errorf("answered after %v, want %v", took, want)
				}
				<-done // the channel has one writer at a time
				a := &conn.answer
				var b bytes.Buffer
				_, _ = a.writeTo(&b)
				r.check(t, a.Status, a.CacheControl, b.Bytes())
			})
		})
	}
}

// TestReloadOverSocket has each row answered to a client of HTTP/1.1.
func TestReloadOverSocket(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s, c := newLowServer(t)
			addr := serve(t, s)
			path := r.path
			if path == "" {
				path = videoList
			}
			answered := make(chan struct{})
			var resp *http.Response
			var b []byte
			go func() {
				defer close(answered)
				resp, b = get(t, "GET", "http://"+addr+path+"?"+r.query)
			}()
			if r.held {
				select {
				case <-answered:
					t.Fatalf("answered at once: %d %.100q", resp.StatusCode, b)
				case <-time.After(100 * time.Millisecond):
				}
				if r.then != nil {
					r.then(c)
				}
			}
			<-answered
			r.check(t, resp.StatusCode, resp.Header.Get("Cache-Control"), b)
			if retry := resp.Header.Get("Retry-After"); (r.want == 503) != (retry == "1") {
				t.Errorf("Retry-After %q", retry)
			}
		})
	}
}

// TestReloadBehindLastPart: a part that a whole segment does not have is the first of the next one.
//
// Source: RFC 8216bis, 6.2.5.2.
func TestReloadBehindLastPart(t *testing.T) {
	s, c := newLowServer(t)
	for k := openParts; k < partsOfSegment; k++ {
		c.part(c.video, openN, k)
	}
	c.end(c.video, openN, false)
	<-c.publish()
	r := row{query: fmt.Sprintf("%s%d&_HLS_part=%d", msn, openN, partsOfSegment)}
	ask := func() (a Answer) {
		s.Answer(r.request(s), &a)
		return a
	}
	a := ask()
	if a.wait == nil {
		t.Fatalf("answered with %d before the next part is there", a.Status)
	}
	c.part(c.video, openN+1, 0)
	<-c.publish()
	<-a.wait
	if a = ask(); a.wait != nil || a.Status != 200 {
		t.Fatalf("answered with %d", a.Status)
	}
}

// TestOneRendering: however many wait for a version, it is rendered once, and they are all given the same bytes; who waits
// for another track is not woken.
func TestOneRendering(t *testing.T) {
	s, c := newLowServer(t)
	addr := serve(t, s)
	const waiters = 300
	url := "http://" + addr + videoList + fmt.Sprintf("?%s%d&_HLS_part=%d", msn, openN, openParts)
	bodies := make([]string, waiters)
	tags := make([]string, waiters)
	var all sync.WaitGroup
	for i := range waiters {
		all.Go(func() {
			resp, b := get(t, "GET", url)
			bodies[i], tags[i] = string(b), resp.Header.Get("ETag")
		})
	}
	for s.conns() < waiters {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // they have sent what they ask
	before := s.metrics.renders.Load()
	c.part(c.audio, openN, openParts)
	<-c.publish()
	if n := s.metrics.renders.Load() - before; n != 0 {
		t.Errorf("%d renderings for a version that nobody waits for", n)
	}
	c.part(c.video, openN, openParts)
	<-c.publish()
	all.Wait()
	if n := s.metrics.renders.Load() - before; n != 1 {
		t.Errorf("%d renderings for %d waiters", n, waiters)
	}
	for i := range bodies {
		if bodies[i] != bodies[0] || tags[i] != tags[0] || !strings.Contains(bodies[i], "part=3).m4s") {
			t.Fatalf("waiter %d has %q %.200q, the first %q", i, tags[i], bodies[i], tags[0])
		}
	}
}

// TestCarriedOver: what would say the same is not rendered again.
func TestCarriedOver(t *testing.T) {
	s, c := newLowServer(t)
	paths := []string{videoList, base + "manifest(format=m3u8-cmaf)", base + "manifest(format=mpd-time-cmaf)"}
	tags := map[string]string{}
	for _, path := range paths {
		tags[path] = ask(s, path).ETag
	}
	before := s.metrics.renders.Load()
	c.part(c.audio, openN, openParts)
	<-c.publish()
	for _, path := range paths {
		if a := ask(s, path); a.Status != 200 || a.ETag != tags[path] {
			t.Errorf("GET %s = %d %s, was %s", path, a.Status, a.ETag, tags[path])
		}
	}
	if n := s.metrics.renders.Load() - before; n != 0 {
		t.Errorf("a part of sound costs %d renderings of others", n)
	}
}

// TestHeldEndsWithServer: nobody who waits keeps the server from ending.
func TestHeldEndsWithServer(t *testing.T) {
	s, _ := newLowServer(t)
	addr := serve(t, s)
	done := make(chan int)
	go func() {
		resp, _ := get(t, "GET", "http://"+addr+partPath(openN, openParts))
		done <- resp.StatusCode
	}()
	time.Sleep(50 * time.Millisecond)
	s.stopOnce.Do(func() { close(s.stop) })
	if status := <-done; status != 503 {
		t.Errorf("status %d, want 503", status)
	}
}

// FuzzDirectives: no query panics, and what is read is within its bounds.
func FuzzDirectives(f *testing.F) {
	for _, q := range []string{"", "_HLS_msn=1&_HLS_part=2&_HLS_skip=YES", "_HLS_part=1", "_HLS_msn=9007199254740993", "&&=&_HLS_msn"} {
		f.Add([]byte(q))
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		var d directives
		if ok := d.parse(query); ok && (d.msn > maxNumber || d.part > maxNumber || d.part < -1 || d.part >= 0 && !d.asked) {
			t.Errorf("%q: %+v", query, d)
		}
	})
}

// TestPartOfNextSegment: where the open segment has all its parts and is not listed yet, the hint is the first part of the
// next, and that is waited for.
func TestPartOfNextSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLowServer(t)
		for k := openParts; k < partsOfSegment; k++ {
			c.part(c.video, openN, k)
		}
		<-c.publish()
		path := partPath(openN+1, 0)
		if a := ask(s, videoList); !bytes.Contains(a.Bytes, fmt.Appendf(nil, "TYPE=PART,URI=\"Fragments(Video=n%d,part=0).m4s\"", openN+1)) {
			t.Errorf("the hint is another:\n%s", a.Bytes)
		}
		conn := &conn{exchange: exchange{request: *(&row{path: path}).request(s)}, server: s}
		if s.Answer(&conn.request, &conn.answer); conn.answer.wait == nil {
			t.Fatalf("%s is not held: %d", path, conn.answer.Status)
		}
		done := make(chan struct{})
		time.AfterFunc(50*time.Millisecond, func() {
			c.end(c.video, openN, false)
			<-c.publish()
			c.part(c.video, openN+1, 0)
			<-c.publish()
			close(done)
		})
		s.hold(conn)
		<-done
		if a := &conn.answer; a.Status != 200 || a.Body.Len() != 1000 {
			t.Errorf("%s = %d, %d bytes", path, a.Status, a.Body.Len())
		}
	})
}

// TestHintBeforeGeneration: a generation that is known may end the open segment early. Then too the part that playlists hint
// at is waited for.
func TestHintBeforeGeneration(t *testing.T) {
	s, c := newLowServer(t)
	const early = 8 // parts of the open segment, which ends there
	c.SetGenerations([]segcache.Generation{{
		Ordinal: 1, N0: openN + 1, K0: openN + 1, DiscontinuitySequence: 1, Timescale: videoScale, SlotTicks: videoSegment,
		PhaseTicks: -videoSegment / partsOfSegment * (partsOfSegment - early), Regular: true, Epoch: true, TargetDuration: testTarget,
	}})
	c.video.SetInit(segcache.Init{Ordinal: 1, Media: testInit(media.Video, 1), Cadence: videoScale / 25})
	for k := openParts; k < early; k++ {
		c.part(c.video, openN, k)
	}
	<-c.publish()
	if a := ask(s, videoList); !bytes.Contains(a.Bytes, fmt.Appendf(nil, "TYPE=PART,URI=\"Fragments(Video=n%d,part=0).m4s\"", openN+1)) {
		t.Errorf("the hint is another:\n%s", a.Bytes)
	}
	if a := ask(s, partPath(openN+1, 0)); a.wait == nil {
		t.Errorf("the part that is hinted at is answered with %d", a.Status)
	}
}
