package web

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/google/go-cmp/cmp"

	"weir/ingest"
)

// A recording is an object that ffmpeg has PUT. Its file is named after when the request began and ended, in milliseconds,
// and after the object's path, with + for /.
type recording struct {
	path       string
	begin, end time.Duration
	body       []byte
}

func recordings(t *testing.T, mode string) (list []recording) {
	t.Helper()
	files, err := filepath.Glob("testdata/ffmpeg/" + mode + "/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, file := range files {
		var begin, end int
		var name string
		if _, err := fmt.Sscanf(filepath.Base(file), "%d-%d-%s", &begin, &end, &name); err != nil {
			t.Fatal(file, err)
		}
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, recording{
			strings.ReplaceAll(name, "+", "/"), time.Duration(begin) * time.Millisecond, time.Duration(end) * time.Millisecond, body,
		})
	}
	return list
}

// replay sends recordings as ffmpeg did: requests begin when they began, stay open and silent, and bring their bodies when
// they ended. Time is the channel's own.
func (b *bench) replay(now *atomic.Int64, start time.Time, list []recording) {
	b.t.Helper()
	type event struct {
		at  time.Duration
		run func()
	}
	var events []event
	var answers sync.WaitGroup
	defer answers.Wait()
	for _, r := range list {
		w := new(*wire)
		events = append(events, event{r.begin, func() {
			*w = b.dial()
			(*w).send(strings.Replace(post("good", r.path), "POST", "PUT", 1))
		}}, event{r.end, func() {
			(*w).send(chunkOf(string(r.body)) + "0\r\n\r\n")
			answered := make(chan struct{})
			answers.Go(func() {
				defer close(answered)
				if status := (*w).answer(5 * time.Second); status != 200 {
					b.t.Errorf("PUT %s: %d", r.path, status)
				}
				_ = (*w).Close()
			})
			select { // a segment that overtakes its header is answered when that has come
			case <-answered:
			case <-time.After(50 * time.Millisecond):
			}
		}})
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	for i, e := range events {
		now.Store(start.Add(e.at).UnixNano())
		e.run()
		if i+1 < len(events) && events[i+1].at-e.at < 100*time.Millisecond {
			continue
		}
		answers.Wait()
		b.channel.Tick()
		time.Sleep(20 * time.Millisecond) // the channel's own goroutine stores records
	}
}

// What ffmpeg's muxers PUT, byte for byte, becomes tracks under the names that the rule gives them, and every frame is there.
func TestFFmpegPuts(t *testing.T) {
	for mode, want := range map[string][]string{
		"dash":      {"stream0", "stream1", "stream2"},
		"low-dash":  {"stream0", "stream1", "stream2"},
		"hls":       {"stream0", "stream1", "stream2"},
		"muxed-hls": {"v0_audio", "v0_video", "v1_audio", "v1_video"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			start := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
			var now atomic.Int64
			now.Store(start.UnixNano())
			b := newBenchAt(t, ingest.DefaultLimits(), now.Load)
			go func() { _ = b.channel.Run(t.Context()) }()
			b.replay(&now, start, recordings(t, mode))
			var names []string
			for _, track := range b.channel.Live().Version().Tracks {
				names = append(names, track.Name)
				var next uint64
				media := 0
				for n := track.First; n < track.End; n++ {
					seg := track.Segment(n)
					if seg == nil || seg.Gap {
						t.Errorf("%s: segment %d is not there", track.Name, n)
						continue
					}
					media++
					body, _ := seg.Body()
					var buf bytes.Buffer
					if _, err := body.WriteTo(&buf); err != nil {
						t.Fatal(err)
					}
					next = follows(t, track.Name, buf.Bytes(), next)
				}
				if media < 3 {
					t.Errorf("%s lists %d segments", track.Name, media)
				}
			}
			slices.Sort(names)
			if diff := cmp.Diff(want, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// follows checks that each sample of a segment starts where the one before ended, and returns where the last one ends.
func follows(t *testing.T, track string, segment []byte, next uint64) uint64 {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range file.Segments {
		for _, frag := range seg.Fragments {
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range samples {
				if next != 0 && s.DecodeTime != next {
					t.Fatalf("%s: a sample at %d, want %d", track, s.DecodeTime, next)
				}
				next = s.DecodeTime + uint64(s.Dur)
			}
		}
	}
	return next
}
