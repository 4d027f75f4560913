//go:build !race

package origin

import (
	"fmt"
	"testing"

	"weir/segcache"
)

// TestHotPathDoesNotAllocate runs what players and CDNs ask all day through the handler and fasthttp's writer.
func TestHotPathDoesNotAllocate(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 1_000_000, 10)
	for name, q := range hotRequests {
		r := newRig(t, s, "GET", q.path, q.fields...)
		if got := r.run(t); got != q.status { // renders, and grows what is kept
			t.Errorf("%s: GET %s = %d, want %d", name, q.path, got, q.status)
		}
		if n := testing.AllocsPerRun(200, func() { r.run(t) }); n != 0 {
			t.Errorf("%s: GET %s allocates %v times a request, want 0", name, q.path, n)
		}
	}
}

// TestSocketDoesNotAllocate does the same over a real socket, so that the library's loop and the kernel's side count too.
func TestSocketDoesNotAllocate(t *testing.T) {
	s, _ := newTestServer(t, Config{}, 300_000, 10)
	c := dialRaw(t, serve(t, s))
	for name, q := range hotRequests {
		request := "GET " + q.path + " HTTP/1.1\r\nHost: x\r\n"
		for i := 0; i < len(q.fields); i += 2 {
			request += q.fields[i] + ": " + q.fields[i+1] + "\r\n"
		}
		b := []byte(request + "\r\n")
		c.roundTrip(t, b)
		if n := testing.AllocsPerRun(200, func() { c.roundTrip(t, b) }); n != 0 {
			t.Errorf("%s: GET %s allocates %v times a request, want 0", name, q.path, n)
		}
	}
}

// TestVariantDoesNotAllocate: a derived body that is there costs nothing to be had again.
func TestVariantDoesNotAllocate(t *testing.T) {
	_, c := newTestServer(t, Config{}, 5000, 3)
	s, made, sum := c.video.Segment(firstN), 0, int64(0)
	ask := func() {
		b, _ := derive(s, variantSmooth, func(whole segcache.Body) (segcache.Body, error) {
			made++
			return whole.Derive(segcache.Piece{Own: []byte("head")}, segcache.Piece{N: 100}), nil
		})
		sum += b.Len()
	}
	ask()
	if n := testing.AllocsPerRun(200, ask); n != 0 || made != 1 || sum != 104*202 {
		t.Errorf("a variant that is there allocates %v times, want 0; made %d times", n, made)
	}
}

// TestKeyFrameDoesNotAllocate: key frames and their playlist, once they are there.
func TestKeyFrameDoesNotAllocate(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 5, false, tracks...)
	for path, status := range map[string]int{
		keyFramePath(firstN): 200,
		fmt.Sprintf("%sQualityLevels(3000000)/KeyFrames(Video=%d).m4s", base, tracks[0].start(firstN+1)): 200,
		base + "QualityLevels(3000000)/Manifest(Video,format=m3u8-cmaf,type=keyframes).m3u8":             200,
		keyFramePath(firstN + 5): 412,
	} {
		r := newRig(t, s, "GET", path)
		if got := r.run(t); got != status {
			t.Errorf("GET %s = %d, want %d", path, got, status)
		}
		if n := testing.AllocsPerRun(200, func() { r.run(t) }); n != 0 {
			t.Errorf("GET %s allocates %v times a request, want 0", path, n)
		}
	}
}

// TestSmoothDoesNotAllocate: manifests, fragments and their halves, and what is not yet, under every name.
func TestSmoothDoesNotAllocate(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 5, false, tracks...)
	at := func(noun, name string, n uint64) string {
		return fmt.Sprintf("%sQualityLevels(3000000)/%s(%s=%d)", base, noun, name, tracks[0].start(n))
	}
	for path, status := range map[string]int{
		base + "manifest":                        200,
		base + "manifest(format=fmp4-v20)":       200,
		at("Fragments", "Video", firstN):         200,
		at("FragmentInfo", "Video", firstN):      200,
		at("RawFragments", "Video", firstN):      200,
		at("Fragments", "video", firstN+3):       412,
		at("Fragments", "no-such", firstN):       404,
		at("Fragments", "video_3000000", firstN): 200,
	} {
		method := "GET"
		if status == 412 { // a GET would be held
			method = "HEAD"
		}
		r := newRig(t, s, method, path)
		if got := r.run(t); got != status {
			t.Errorf("GET %s = %d, want %d", path, got, status)
		}
		if n := testing.AllocsPerRun(200, func() { r.run(t) }); n != 0 {
			t.Errorf("GET %s allocates %v times a request, want 0", path, n)
		}
	}
}

// TestOpenDoesNotAllocate: a chunk for one more viewer of an open segment costs no memory, measured or not.
func TestOpenDoesNotAllocate(t *testing.T) {
	s, c := newTestServer(t, Config{}, 900_000, 3)
	c.grow(0)
	r := newRig(t, s, "GET", videoPath(c.next))
	s.handle(&r.ctx)
	b, _ := c.video.Segment(c.next).Grow(0)
	send := func() {
		if err := r.conn.sendCommit(b, false); err != nil {
			t.Fatal(err)
		}
	}
	send()
	if n := testing.AllocsPerRun(200, send); n != 0 {
		t.Errorf("a chunk allocates %v times, want 0", n)
	}
	if b.Arrived() == 0 {
		t.Error("the chunk has no arrival: nothing was measured")
	}
}
