//go:build !race

package rtmp

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/ingest/rtmp/chunk"
)

// A frame costs no allocation between its pieces and the window, but for what the end of a part and of a segment cost.
func TestFrameAllocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		v, a := &track{rate: 25, per: 1, key: every(50)}, &track{audio: true, rate: 48000, per: 1024}
		w := s.open("cam", v, a)
		s.play(20*time.Second, w)
		for v.frames%50 != 1 { // the first of a segment
			s.play(v.taken(v.frames+1), w)
		}
		least := 1e9
		body := append([]byte{0x27, 1, 0, 0, 0, 0, 0, 0, 96, 0x41}, make([]byte, 95)...)
		for range 4 { // parts of five frames: two that end none follow each other
			at := int64(v.frames) * 40
			least = min(least, testing.AllocsPerRun(1, func() {
				if err := s.try(w.f, chunk.Video, at, body); err != nil {
					t.Fatal(err)
				}
				at += 40
				v.frames++
			}))
		}
		if least != 0 {
			t.Errorf("%v allocations a frame", least)
		}
	})
}
