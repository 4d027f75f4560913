package origin

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"weir/segcache"
)

var (
	templates = regexp.MustCompile(`media="([^"]+)">([^/]*(?:/[^/]*?)*?)</SegmentTimeline>`)
	entries   = regexp.MustCompile(`<S(?: t="([0-9]+)")? d="([0-9]+)"(?: r="([0-9]+)")?/>`)
)

// TestForeseen asks for everything that a low-latency MPD lists: it is there, or it is waited for; and for what it does not
// foresee, which is not.
func TestForeseen(t *testing.T) {
	for name, slots := range map[string]int{"a young channel": 1, "a window": 12} {
		t.Run(name, func(t *testing.T) {
			s, c := newTestServer(t, Config{}, 5000, 0)
			c.SetGenerations([]segcache.Generation{{
				Ordinal: 1, N0: c.next, K0: int64(c.next), DiscontinuitySequence: 1, Timescale: videoScale, SlotTicks: videoSegment,
				Regular: true, Epoch: true, TargetDuration: testTarget, PartTarget: 200_000_000, Burst: 200_000_000,
			}})
			c.list(1, slots, false)
			mpd := string(ask(s, base+"manifest(format=mpd-time-cmaf-ll)").Bytes)
			if !strings.Contains(mpd, "availabilityTimeOffset") {
				t.Fatalf("no low latency in\n%s", mpd)
			}
			there, waited := 0, 0
			for _, template := range templates.FindAllStringSubmatch(mpd, -1) {
				at, step := int64(0), int64(0)
				get := func(at int64) *Answer {
					return ask(s, base+strings.Replace(template[1], "$Time$", strconv.FormatInt(at, 10), 1))
				}
				for _, e := range entries.FindAllStringSubmatch(template[2], -1) {
					if e[1] != "" {
						at, _ = strconv.ParseInt(e[1], 10, 64)
					}
					step, _ = strconv.ParseInt(e[2], 10, 64)
					repeat, _ := strconv.Atoi("0" + e[3])
					for range repeat + 1 {
						switch a := get(at); {
						case a.wait != nil:
							waited++
						case a.Status == 200:
							there++
						case strings.Contains(template[1], "KeyFrames"):
						default:
							t.Errorf("%s lists %d: %d", template[1], at, a.Status)
						}
						at += step
					}
				}
				if a := get(at + step); a.wait != nil || a.Status < 400 {
					t.Errorf("%s does not list %d: %d", template[1], at+step, a.Status)
				}
				if a := get(at - 1); a.wait != nil || a.Status < 400 {
					t.Errorf("%s has no %d: %d", template[1], at-1, a.Status)
				}
			}
			if waited != 4 || there < 2*min(slots, 9) {
				t.Errorf("%d listed segments are there, %d are waited for; want 4", there, waited)
			}
			for n, waits := range []bool{true, true, false} {
				if a := ask(s, videoPath(c.next+uint64(n))); (a.wait != nil) != waits {
					t.Errorf("number %d after the newest waits: %v", n+1, a.wait != nil)
				}
			}
		})
	}
}

// FuzzOpenRange: a range of what grows starts in what is there, and is cut to that.
func FuzzOpenRange(f *testing.F) {
	for _, field := range []string{"bytes=0-", "bytes=5-9", "bytes=-5", "bytes= -5", "bytes=9-9007199254740991", "bytes=1-0", "b=0-1", "bytes=0-1,3-4"} {
		f.Add([]byte(field), int64(10))
	}
	f.Fuzz(func(t *testing.T, field []byte, size int64) {
		if size < 0 {
			return
		}
		s, ok := parseOpenRange(field, size)
		if ok && (s.off < 0 || s.n <= 0 || s.off >= size || s.n > size-s.off) {
			t.Fatalf("%q of %d bytes: %+v", field, size, s)
		}
		larger, again := parseOpenRange(field, size+1000)
		if ok && (!again || larger.off != s.off) && size < 1<<60 {
			t.Fatalf("%q: at %d of %d bytes, at %d of 1000 more (%v)", field, s.off, size, larger.off, again)
		}
	})
}
