package ingest

import (
	"bytes"
	"testing"
	"time"
)

// camera is an elementary stream that comes frame by frame, by a clock of milliseconds.
type camera struct {
	*source
	rate, per int64 // frames: rate in per seconds
	frames    *Frames
	offset    int64 // ms: of frame 0's stamp
}

func newCamera(s *source, rate, per int64) *camera { return &camera{source: s, rate: rate, per: per} }

func (s *camera) stamp(i int) int64 { return s.offset + (int64(i)*1000*s.per+s.rate/2)/s.rate }

// done is when frame i has been taken whole, ns after the start.
func (s *camera) done(i int) int64 { return int64(i+1) * int64(time.Second) * s.per / s.rate }

// roll attaches the camera to a channel.
func (b *testbed) roll(s *camera) {
	b.t.Helper()
	stream, err := b.channel.Stream(s.name + "/rtmp")
	if err != nil {
		b.t.Fatal(err)
	}
	conn, err := stream.Attach(true, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	s.frames = conn.Frames(b.channel.Clock())
	in := parsed(b.t, s.source)[0]
	in.Timescale, in.Track.Timescale = 1000, 1000
	if err := s.frames.Declare(in, TrackHint{Name: s.name}); err != nil {
		b.t.Fatal(err)
	}
}

// take hands over the camera's next frame, in two pieces.
func (b *testbed) take(s *camera) {
	b.t.Helper()
	i := s.next
	s.next++
	s.size += i%7 - 3 // no two frames that follow each other have the same length
	f := s.payload(nil, i)
	s.size -= i%7 - 3
	if err := s.frames.Begin(len(f), s.stamp(i), 0, !s.video || i%s.gop == 0); err != nil {
		b.t.Fatal(err)
	}
	s.frames.Write(f[:10])
	s.frames.Write(f[10:])
	if err := s.frames.End(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *testbed) film(d time.Duration, cameras ...*camera) {
	b.t.Helper()
	for {
		first := cameras[0]
		for _, s := range cameras[1:] {
			if s.done(s.next) < first.done(first.next) {
				first = s
			}
		}
		if first.done(first.next) > int64(d) {
			return
		}
		b.now = max(b.now, testStart+first.done(first.next))
		b.take(first)
		b.settle()
	}
}

// Frames with stamps of milliseconds come out on the exact cadence, in parts that are listed with their last frame.
func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		rate, per int64
		gop       int
		cadence   uint64 // of 120000
	}{
		"23.976": {24000, 1001, 48, 5005},
		"25":     {25, 1, 50, 4800},
		"29.97":  {30000, 1001, 60, 4004},
		"50":     {50, 1, 100, 2400},
		"59.94":  {60000, 1001, 120, 2002},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, &memory{})
			vs, as := videoSource(), audioSource()
			vs.gop = c.gop
			v, a := newCamera(vs, c.rate, c.per), newCamera(as, 48000, 1024)
			v.offset = 21
			b.roll(v)
			b.roll(a)
			b.film(20*time.Second, v, a)
			bodies := b.bodies()
			if len(bodies["v"]) < 6 || len(bodies["a"]) < 6 {
				t.Fatalf("%d segments of video, %d of audio\n%s", len(bodies["v"]), len(bodies["a"]), b.log)
			}
			for _, s := range []*camera{v, a} {
				step := c.cadence
				if !s.video {
					step = 1024
				}
				lastTime, lastNumber := uint64(0), 0
				for n := b.view(s.name).First; n < b.view(s.name).End; n++ {
					times, numbers := b.frames(s.source, bodies[s.name][n])
					for i := range times {
						if lastTime != 0 && (times[i] != lastTime+step || numbers[i] != lastNumber+1) {
							t.Fatalf("%s: segment %d: frame %d at %d after %d at %d", s.name, n, numbers[i], times[i], lastNumber, lastTime)
						}
						lastTime, lastNumber = times[i], numbers[i]
					}
				}
			}
			if gaps := b.channel.tracks["v"].stats.Gaps.Load(); gaps != 0 {
				t.Errorf("%d gaps\n%s", gaps, b.log)
			}
		})
	}
}

// A part is listed with its last frame, not with the one after it; a chunk is as many frames as live.chunk holds, counted
// from the part's start, in moofs that lie right before their payload.
func TestFramesEndParts(t *testing.T) {
	b := newTestbed(t, &memory{})
	v, a := newCamera(videoSource(), 25, 1), newCamera(audioSource(), 48000, 1024)
	b.roll(v)
	b.roll(a)
	b.film(20*time.Second, v, a)
	for v.next%v.gop != 0 {
		b.film(time.Duration(v.done(v.next)), v, a)
	}
	live := b.channel.tracks["v"].live
	n := b.view("v").End - 1
	for i := range v.gop {
		b.film(time.Duration(v.done(v.next)), v, a)
		seg := live.Segment(n + 1)
		if i == v.gop-1 {
			if !b.has("v", n+1) {
				t.Fatalf("the segment is not listed with its last frame\n%s", b.log)
			}
			break
		}
		parts := 0
		if seg != nil {
			parts = len(seg.Parts())
		}
		if want := (i + 1) / 5; parts != want {
			t.Fatalf("%d parts are listed with frame %d of the segment, want %d\n%s", parts, i, want, b.log)
		}
	}
	body, _ := live.Segment(n + 1).Body()
	if got := bytes.Count(bytes.Join(body.Slices(), nil), []byte("moof")); got != 10*3 { // 2, 2 and 1 frames
		t.Errorf("%d chunks in ten parts of five frames, want 30", got)
	}
	if got := len(body.Slices()); got > 2 {
		t.Errorf("a segment of %d slices", got)
	}
}

// has tells whether the newest version lists segment n of the track.
func (b *testbed) has(track string, n uint64) bool {
	v := b.view(track)
	return n >= v.First && n < v.End
}
