package segcache

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// status is a line of /proc/self/status in bytes.
func status(t testing.TB, field string) int64 {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), field+":"); found {
			kb := int64(0)
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Skip("no " + field)
	return 0
}

// TestSlabsAreUnmapped: memory really goes back to the system, soon while media flows, and all of it in the end.
func TestSlabsAreUnmapped(t *testing.T) {
	c := newCache(t, Config{Memory: 128 << 20, Dir: t.TempDir()}) // of files, which the heap's own memory does not blur
	f := newFeed(t, c, 10, 1)
	f.layout = func(int, uint64) []int { return []int{300 << 10} }
	resident := func() int64 { return status(t, "RssShmem") + status(t, "RssFile") }
	before, most := resident(), int64(0)
	for n := range uint64(100) { // 30 MB through a window of 7 MB
		f.slots(n, n+1)
		f.settle()
		most = max(most, resident()-before)
	}
	if limit := c.Stats().Media + 5<<20; most > limit {
		t.Errorf("I7: %d bytes were resident for %d of media", most, c.Stats().Media)
	}
	f.ch.Close()
	f.arenas[0].Close()
	f.arenas, f.tracks = nil, nil
	eventually(t, "no slab", func() bool { return c.slabs.Load() == 0 && c.mapped.Load() == 0 && c.live.Load() == 0 })
	if left := resident() - before; left > 1<<20 {
		t.Errorf("I7: %d bytes are resident after everything was closed", left)
	}
}

// settle waits until the collector has done what it was nudged to do. A real writer is slower than it by orders of
// magnitude; this one fills a window in a blink.
func (f *feed) settle() {
	c := f.cache
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		if len(c.nudge) == 0 && c.Stats().Pinned <= max(c.garbage(), minNudgeBytes) && c.spares.bytes.Load() <= c.room() {
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// TestResidentMemory: at a steady window, 60 s of four streams of 4 Mb/s, the slabs take at most a tenth more than the
// media that they hold. BenchmarkResident2GiB does the same at full size, for the whole process.
func TestResidentMemory(t *testing.T) {
	r := newResident(t, 4, 4_000_000)
	worst := r.run(280, 160)
	t.Logf("worst: %.3f bytes resident per byte of media, at %d MB of media", worst, r.f.cache.Stats().Media>>20)
	if worst > 1.10 {
		t.Errorf("%.3f bytes resident per byte of media, want at most 1.10", worst)
	}
}

// resident feeds streams of so many bit/s in chunks of 100 ms, as fast as it can.
type resident struct {
	f      *feed
	base   int64
	second uint64
	chunk  []byte
}

func newResident(t testing.TB, tracks, bits int) *resident {
	for range 3 { // what earlier tests left goes first
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	c := newCache(t, Config{Memory: int64(tracks) * int64(bits) / 8 * 180})
	r := &resident{chunk: make([]byte, bits/8/10), base: status(t, "VmRSS")}
	r.f = newFeed(t, c, 60, tracks)
	for i := range r.f.arenas {
		r.f.arenas[i] = c.NewArena(bits)
	}
	return r
}

// run feeds until second end, and returns the worst ratio of resident memory to media from second from on.
func (r *resident) run(end, from uint64) (worst float64) {
	f := r.f
	for ; r.second < end; r.second++ {
		n := r.second
		for k := range 10 {
			for i, track := range f.tracks {
				room, err := f.arenas[i].Reserve(600, len(r.chunk))
				if err != nil {
					f.t.Fatal(err)
				}
				copy(room.Payload(), r.chunk)
				err = track.Commit(Chunk{
					N: n, Start: int64(n) * 1000, First: k == 0, NumExtents: 1,
					Extents: [2]Extent{room.Extent(100, room.Len())}, // headroom for a moof that became smaller
				})
				if err != nil {
					f.t.Fatal(err)
				}
			}
		}
		for i, track := range f.tracks {
			if err := track.Complete(n, int64(n)*1000, int64(n+1)*1000); err != nil {
				f.t.Fatal(err)
			}
			if err := f.list(i, n, false); err != nil {
				f.t.Fatal(err)
			}
		}
		f.ch.Publish()
		f.settle()
		if n >= from {
			worst = max(worst, float64(status(f.t, "VmRSS")-r.base)/float64(f.cache.Stats().Media))
		}
	}
	return worst
}

// BenchmarkResident2GiB fills a window of 2 GiB and reports what the process takes per byte of media in it.
func BenchmarkResident2GiB(b *testing.B) {
	for _, mbits := range []int{2, 4, 8, 20} {
		b.Run(fmt.Sprintf("%dMbps", mbits), func(b *testing.B) {
			for b.Loop() {
				r := newResident(b, 140/mbits, mbits*1_000_000)
				worst := r.run(200, 150)
				s := r.f.cache.Stats()
				b.ReportMetric(worst, "worst-RSS/media")
				b.ReportMetric(float64(s.Media)/(1<<30), "GiB-media")
				b.ReportMetric(float64(s.Slabs), "slabs")
				b.ReportMetric(float64(s.Collects), "collections")
				r.f.ch.Close()
				for _, a := range r.f.arenas {
					a.Close()
				}
				c := r.f.cache
				r.f.tracks, r.f.arenas, r = nil, nil, nil
				eventually(b, "no slab", func() bool { return c.slabs.Load() == 0 })
			}
		})
	}
}

// TestSlabFiles: with a folder, slabs are files in it that have no name once they are made, and what a crash left goes.
func TestSlabFiles(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "1234"+slabFileSuffix)
	foreign := filepath.Join(dir, "keep.txt")
	for _, path := range []string{stale, foreign} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := newCache(t, Config{Memory: 64 << 20, Dir: dir})
	f := newFeed(t, c, 4, 1)
	f.slots(0, 30)
	if got := read(f.bodyOf(0, 29)); string(got) != string(f.segment(0, 29)) {
		t.Fatal("bytes from a file are wrong")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "keep.txt" {
		t.Fatalf("folder has %v", entries)
	}
	// A folder that cannot be used shows where memory is asked for.
	bad := newCache(t, Config{Memory: 64 << 20, Dir: foreign})
	if _, err := bad.NewArena(0).Reserve(0, 1); err == nil || bad.Stats().Failed != 1 || bad.Stats().Window != 0 {
		t.Fatalf("error %v, %+v", err, bad.Stats())
	}
}
