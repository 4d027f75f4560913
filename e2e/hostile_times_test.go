package e2e

import (
	"bytes"
	endian "encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A life is one encoder that goes wrong in the middle, on a channel of its own.
type life struct {
	t       *testing.T
	y       *yard
	channel int
	s       *numberedTrack
	p       *posting
	began   time.Time
}

// play sends chunks in real time up to a frame.
func (l *life) play(frame int) {
	for l.s.next < frame {
		<-time.After(time.Until(l.began.Add(l.s.due())))
		if !l.p.send(l.s.chunk()) {
			return
		}
	}
}

// send sends what is due now as the script wants it, and skips the frames that it stands for.
func (l *life) send(frames int, b ...[]byte) {
	l.s.next += frames
	<-time.After(time.Until(l.began.Add(l.s.length(l.s.next))))
	for _, b := range b {
		l.p.send(b)
	}
}

// An outcome is what a life must come to.
type outcome struct {
	answer          string // "": 200
	broken          bool   // frames are missing; else all are served, once, in order
	gaps            int    // at most
	discontinuities int
	last            int    // served up to this frame at least; 0: 190, of 225 sent
	metric          string // of the channel, which must not be 0
}

const (
	dropped = `weir_ingest_dropped_total\{channel="%s",reason="%s",track="v"\}`
	skipped = `weir_ingest_bad_fragments_total\{channel="%s",track="v"\}`
	differ  = `weir_ingest_duplicates_differ_total\{channel="%s",track="v"\}`
)

// middle is where lives go wrong: the fifth second, on a sync sample.
const middle = 100

// timeFamily sends streams whose times, order or pictures are wrong from the middle on. The rows are those of the
// catalogue.
func timeFamily(t *testing.T, y *yard) {
	withDurations := func(chunk []byte, d uint32) []byte {
		return patched(chunk, "tfhd", 12, endian.BigEndian.AppendUint32(nil, d)...)
	}
	var all group
	for name, c := range map[string]struct {
		start func(*numberedTrack)
		wrong func(*life)
		want  outcome
	}{
		"row 17: overlap of two frames": {
			wrong: func(l *life) { b := l.s.chunkOf(middle-2, 5); l.send(3, b) },
			want:  outcome{metric: fmt.Sprintf(dropped, "%s", "(?:duplicate|late)")},
		},
		"row 18: back to zero": {
			wrong: func(l *life) { l.s.base -= int64(l.s.next) * int64(l.s.frame) },
			want:  outcome{broken: true, gaps: 4},
		},
		"row 18: twenty seconds back, for one fragment": {
			wrong: func(l *life) { l.p.send(patchedTime(l.s.chunkOf(middle, 5), -20*12800)) },
			want:  outcome{},
		},
		"row 19: a second and a half is missing": {
			wrong: func(l *life) { l.s.next += 35 },
			want:  outcome{broken: true, gaps: 4},
		},
		"row 20: an hour ahead, for one fragment": {
			wrong: func(l *life) { l.p.send(patchedTime(l.s.chunkOf(middle, 5), 3600*12800)) },
			want:  outcome{},
		},
		"row 20: milliseconds since 1970": {
			start: func(s *numberedTrack) { s.base = 1_795_000_000_000 / 512 * 512 },
			want:  outcome{},
		},
		"row 20: a time beyond all times": {
			wrong: func(l *life) { l.p.send(patchedTime(l.s.chunkOf(middle, 5), 1<<62)) },
			want:  outcome{metric: skipped},
		},
		"row 21: negative times": {
			start: func(s *numberedTrack) { s.base = -10 * int64(s.frame) },
			want:  outcome{},
		},
		"row 22: the last two fragments again": {
			wrong: func(l *life) { l.p.send(l.s.chunkOf(middle-10, 5)); l.p.send(l.s.chunkOf(middle-5, 5)) },
			want:  outcome{metric: fmt.Sprintf(dropped, "%s", "(?:duplicate|late)")},
		},
		"row 22: again with other bytes": {
			wrong: func(l *life) { l.p.send(patched(l.s.chunkOf(middle-5, 5), "mdat", 20, 7)) },
			want:  outcome{metric: differ},
		},
		"row 23: again with other durations": {
			wrong: func(l *life) { l.p.send(withDurations(l.s.chunkOf(middle-5, 5), 100)) },
			want:  outcome{metric: differ},
		},
		"row 24: two fragments in the wrong order": {
			wrong: func(l *life) { l.send(10, l.s.chunkOf(middle+5, 5), l.s.chunkOf(middle, 5)) },
			want:  outcome{},
		},
		"row 25: a fragment without a time": {
			wrong: func(l *life) { l.send(5, bytes.Replace(l.s.chunkOf(middle, 5), []byte("tfdt"), []byte("free"), 1)) },
			want:  outcome{broken: true, gaps: 1, metric: skipped},
		},
		"row 27: durations of 0": {
			wrong: func(l *life) { l.send(5, withDurations(l.s.chunkOf(middle, 5), 0)) },
			want:  outcome{broken: true, gaps: 2},
		},
		"row 27: durations of 93 hours": {
			wrong: func(l *life) { l.send(5, withDurations(l.s.chunkOf(middle, 5), 1<<32-1)) },
			want:  outcome{broken: true, gaps: 2, metric: fmt.Sprintf(dropped, "%s", "bad_time")},
		},
		"row 28: a group without its sync sample": {
			wrong: func(l *life) {
				for range 5 {
					gop := l.s.gop
					l.s.gop = 1000
					b := l.s.chunkOf(l.s.next, 5)
					l.s.gop = gop
					l.send(5, b)
				}
			},
			want: outcome{broken: true, gaps: 3},
		},
		"row 30: flags call no sample a sync sample": {
			start: func(s *numberedTrack) { s.flags = func(int) bool { return false } },
			want:  outcome{},
		},
		"row 30: flags call every sample a sync sample": {
			start: func(s *numberedTrack) { s.flags = func(int) bool { return true } },
			want:  outcome{},
		},
		"row 31: start codes instead of lengths": {
			wrong: func(l *life) {
				for range 3 {
					b := l.s.chunkOf(l.s.next, 5)
					at := bytes.Index(b, []byte("mdat")) + 4
					for i := range 5 {
						copy(b[at+i*l.s.size:], []byte{0, 0, 0, 1, 0x67, 0xff, 0xff, 0xff, 0xff})
					}
					l.send(5, b)
				}
			},
			want: outcome{answer: "400 closed", broken: true, gaps: 20, last: middle - 25, metric: skipped},
		},
		"row 32: a NAL unit longer than its sample": {
			wrong: func(l *life) { l.send(5, patched(l.s.chunkOf(middle, 5), "mdat", 4, 0xff, 0xff, 0xff, 0xff)) },
			want:  outcome{broken: true, gaps: 1, metric: skipped},
		},
		"row 15: pictures of another size": {
			wrong: func(l *life) { l.s.sps = sps360; l.p.send(l.s.header()) },
			want:  outcome{broken: true, gaps: 3, discontinuities: 1},
		},
		"row 15: another timescale": {
			wrong: func(l *life) { l.s.timescale, l.s.frame = 25600, 1024; l.p.send(l.s.header()) },
			want:  outcome{broken: true, gaps: 2},
		},
		"row 14: another bitrate": {
			wrong: func(l *life) { l.s.bitrate = 300_000; l.p.send(l.s.header()) },
			want:  outcome{},
		},
		"row 40: late by half a second, then all at once": {
			wrong: func(l *life) { <-time.After(500 * time.Millisecond) },
			want:  outcome{},
		},
		"row 48: another encoder takes the stream over": {
			wrong: func(l *life) {
				before := l.p
				l.p = startPosting(l.t, l.y.node, "POST", token(l.channel), "Streams(v.cmfv)")
				l.p.send(l.s.header())
				l.p.send(l.s.chunkOf(middle-10, 5)) // what the one before had sent and weir had not read is lost
				l.p.send(l.s.chunkOf(middle-5, 5))
				<-before.ended
				if before.answer != "409 closed" {
					l.t.Errorf("the one before was answered %q, want 409", before.answer)
				}
			},
			want: outcome{},
		},
		"row 5: cut in the middle of a fragment, and back at once": {
			wrong: func(l *life) {
				b := l.s.chunkOf(middle, 5)
				l.p.send(b[:len(b)/2])
				_ = l.p.Close()
				l.p = startPosting(l.t, l.y.node, "POST", token(l.channel), "Streams(v.cmfv)")
				l.p.send(l.s.header())
				l.p.send(l.s.chunkOf(middle-10, 5)) // as encoders do, the last two again
				l.p.send(l.s.chunkOf(middle-5, 5))
			},
			want: outcome{},
		},
	} {
		channel := y.channel()
		all.add(name, func(t *testing.T) {
			l := &life{t: t, y: y, channel: channel, s: numberedVideo("v"), began: time.Now()}
			if c.start != nil {
				c.start(l.s)
			}
			l.p = startPosting(t, y.node, "POST", token(channel), "Streams(v.cmfv)")
			l.p.send(l.s.header())
			l.play(middle)
			if c.wrong != nil {
				c.wrong(l)
			}
			l.play(225)
			l.check(c.want)
		})
	}
	all.run(t)
}

// check compares what has become of a life with what should have.
func (l *life) check(want outcome) {
	l.t.Helper()
	if got := l.p.end(); got != orDefault(want.answer, "200") {
		l.t.Errorf("answered %q, want %q", got, orDefault(want.answer, "200"))
	}
	var v served
	eventually(l.t, 15*time.Second, "the stream is listed to its end", func() error {
		list, err := mediaListOf(l.y.node, locator(l.channel), "v")
		if err != nil {
			return err
		}
		if _, err := fetchPlaylist(list); err != nil {
			return err
		}
		v = servedFrames(l.t, l.y.node, locator(l.channel), l.s)
		if k := len(v.frames); k == 0 || v.frames[k-1] < orDefault(want.last, 190) {
			return fmt.Errorf("%d frames: %s", k, v.shape)
		}
		return nil
	})
	if err := v.unbroken(); err != nil && !want.broken {
		l.t.Error(err)
	}
	if !slices.IsSorted(v.frames) {
		l.t.Errorf("frames are served out of order: %s", v.shape)
	}
	if v.gaps > want.gaps || v.discontinuities != want.discontinuities {
		l.t.Errorf("%d GAPs and %d discontinuities, want %d at most and %d: %s", v.gaps, v.discontinuities, want.gaps, want.discontinuities, v.shape)
	}
	if want.metric != "" {
		pattern := fmt.Sprintf(want.metric, fmt.Sprintf("c%d", l.channel))
		if l.y.metric(pattern) == 0 {
			l.t.Errorf("%s is 0", pattern)
		}
	}
	l.t.Logf("%d frames of %d: %s", len(v.frames), l.s.next, v.shape)
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// patchedTime is a chunk with its decode time moved by so many ticks.
func patchedTime(chunk []byte, by int64) []byte {
	chunk = slices.Clone(chunk)
	at := bytes.Index(chunk, []byte("tfdt")) + 8
	endian.BigEndian.PutUint64(chunk[at:], uint64(int64(endian.BigEndian.Uint64(chunk[at:]))+by))
	return chunk
}
