package push

import (
	"bytes"
	"testing"
	"time"

	"weir/media"
)

// TestLoopOfAnyLength: whatever the chunk length and the frame rate, the loop has no seam: times follow on each other,
// each chunk lies in one segment, and the samples are the source's, over and over.
func TestLoopOfAnyLength(t *testing.T) {
	for name, tc := range map[string]struct {
		timescale, duration uint32
		frames, gop         int
		chunk               time.Duration
	}{
		"25 fps":                  {12800, 512, 100, 50, 200 * time.Millisecond},
		"29.97 fps":               {30000, 1001, 90, 30, 200 * time.Millisecond},
		"23.976 fps, odd chunk":   {24000, 1001, 72, 48, 170 * time.Millisecond},
		"50 fps, one frame":       {90000, 1800, 96, 96, time.Millisecond},
		"59.94 fps, whole":        {60000, 1001, 240, 120, 0},
		"chunk longer than a GOP": {12800, 512, 50, 10, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			video := &Track{Name: "v", Kind: media.Video, Timescale: tc.timescale, data: make([]byte, tc.frames)}
			for i := range tc.frames {
				video.data[i] = byte(i)
				video.samples = append(video.samples, sample{
					at: int64(i) * int64(tc.duration), offset: i, size: 1, duration: tc.duration, sync: i%tc.gop == 0,
				})
			}
			video.ticks = int64(tc.frames) * int64(tc.duration)
			audio := &Track{Name: "a", Kind: media.Audio, Timescale: 44100, frame: 1024, data: []byte{1}}
			for i := range video.ticks * 44100 / int64(tc.timescale) / 1024 {
				audio.samples = append(audio.samples, sample{at: i * 1024, size: 1, duration: 1024, sync: true})
			}
			audio.ticks = int64(len(audio.samples)) * 1024
			ts, err := New(video, audio)
			if err != nil {
				t.Fatal(err)
			}
			for _, track := range ts.List() {
				l, r, end, segment, payload := newLoop(ts, track, tc.chunk, place{}), run{}, int64(0), int64(-1), []byte(nil)
				for end < 10*int64(track.Timescale) {
					l.next(&r)
					if r.start != end || r.end <= r.start {
						t.Fatalf("%s: chunk [%d,%d) after %d", track.Name, r.start, r.end, end)
					}
					if r.first != (r.segment != segment) || r.first && r.segment != segment+1 {
						t.Fatalf("%s: chunk at %d: first %v in segment %d after %d", track.Name, r.start, r.first, r.segment, segment)
					}
					if track == video && r.first != r.samples[0].sync {
						t.Fatalf("chunk at %d: first %v, sync %v", r.start, r.first, r.samples[0].sync)
					}
					for i, s := range r.samples {
						payload = append(payload, track.data[s.offset])
						if track == video && s.sync && i > 0 {
							t.Fatalf("chunk at %d reaches into the next segment", r.start)
						}
					}
					end, segment = r.end, r.segment
				}
				if track == video && !bytes.HasPrefix(bytes.Repeat(video.data, len(payload)/tc.frames+1), payload) {
					t.Error("the samples are not the source's, over and over")
				}
			}
		})
	}
}

func TestTicks(t *testing.T) {
	for _, tc := range []struct {
		ticks     int64
		timescale uint32
		want      time.Duration
	}{{12800, 12800, time.Second}, {1001, 30000, 33366667}, {-512, 12800, -40 * time.Millisecond}, {21e8 * 48000, 48000, 21e8 * time.Second}} {
		if got := toDuration(tc.ticks, tc.timescale); got != tc.want {
			t.Errorf("toDuration(%d, %d) = %v, want %v", tc.ticks, tc.timescale, got, tc.want)
		}
	}
	if got := toTicks(200*time.Millisecond, 12800); got != 2560 {
		t.Errorf("toTicks = %d, want 2560", got)
	}
}
