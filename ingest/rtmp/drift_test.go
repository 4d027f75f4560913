package rtmp

import (
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// An encoder's clock runs slow: nothing is lost, and sound and picture stay together; no generation opens before the clock
// is 4 s off, which 50 ppm take 22 hours for. Then it is anchored anew, once (docs/time.md, section 1). In make soak the test
// has a day of that; else half an hour of forty times as much.
func TestDrift(t *testing.T) {
	ppm, length := int64(2000), 30*time.Minute
	if os.Getenv("WEIR_SOAK") != "" {
		ppm, length = 50, 24*time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		v, a := &track{rate: 30000, per: 1001, key: every(60)}, &track{audio: true, rate: 48000, per: 1024}
		for _, k := range []*track{v, a} {
			k.at = func(i int) time.Duration { return k.exact(i) + k.exact(i)/1_000_000*time.Duration(ppm) }
			k.stamp = func(i int) int64 { return int64((k.exact(i) + time.Millisecond/2) / time.Millisecond) }
		}
		w := s.open("cam", v, a)
		next, anchored := 0, time.Duration(0)
		for at := 100 * time.Second; at <= length; at += 100 * time.Second {
			s.play(at, w)
			if n := len(s.records.gens); n == 2 && anchored == 0 && at > 22*time.Hour {
				anchored = at
			}
			if anchored != 0 && at < anchored+2*time.Minute { // what has been given up is still listed
				if l := s.listed("cam"); len(l.gaps) > 3 {
					t.Fatalf("after %v: gaps %v\n%s", at, l.gaps, s.log)
				}
				next = 1 << 30
				continue
			}
			video, audio := s.continuous("cam", 4004), s.continuous(audio48, 1024)
			s.inSync(v, video, a, audio, 25*time.Millisecond)
			if first := video.frames[0].number; first > next {
				t.Fatalf("after %v: frame %d is the first that is listed, %d was the last", at, first, next)
			}
			next = video.frames[len(video.frames)-1].number
			if n := len(s.records.gens); n != 1 && anchored == 0 || n > 2 {
				t.Fatalf("after %v: %d generations\n%s", at, n, s.log)
			}
		}
	})
}
