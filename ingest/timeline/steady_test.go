package timeline

import (
	"fmt"
	"testing"
)

// A treadmill feeds a running channel chunk by chunk, as cheaply as it can: three video tracks and audio.
type treadmill struct {
	tl     *Timeline
	now    int64
	video  Chunk
	audio  Chunk
	step   int64
	frames int64
	sample int64
	gop    int64
	seen   int
	listed int
}

// newTreadmill makes a channel of 25 frames a second in chunks of n frames, and 48 kHz, past its start.
func newTreadmill(n int) *treadmill {
	m := &treadmill{tl: New(config(), nil, nil), now: t0}
	m.video.Durations, m.audio.Durations = make([]uint32, n), nil
	for i := range m.video.Durations {
		m.video.Durations[i] = 512
	}
	m.step = int64(n)
	m.gop = 50
	for i, name := range []string{"v1", "v2", "v3"} {
		m.tl.Open(m.now, InputID(i+1), TrackInfo{Name: name, Kind: Video, Timescale: 12800, Config: 1})
	}
	m.tl.Open(m.now, 4, TrackInfo{Name: "a", Kind: Audio, Timescale: 48000, Rate: 48000, Config: 2})
	for m.now < t0+20*second {
		m.turn()
	}
	return m
}

// turn is the time of one video chunk: four chunks or so.
func (m *treadmill) turn() {
	at := m.frames
	m.frames += m.step
	m.now = t0 + m.frames*second/25
	m.video.Time, m.video.Syncs = at*512, m.video.Syncs[:0]
	for i := range m.step {
		if (at+i)%m.gop == 0 {
			m.video.Syncs = append(m.video.Syncs, int32(i))
			m.video.Hash = uint64(at + i + 1)
		}
	}
	for id := range InputID(3) {
		m.tl.Chunk(m.now, id+1, &m.video)
		m.answer()
	}
	m.audio.Time = m.sample
	m.audio.Durations = m.audio.Durations[:0]
	for m.sample+1024 <= m.frames*48000/25 {
		m.audio.Durations = append(m.audio.Durations, 1024)
		m.sample += 1024
	}
	if len(m.audio.Durations) > 0 {
		m.tl.Chunk(m.now, 4, &m.audio)
		m.answer()
	}
	if d := m.tl.NextDeadline(); d != 0 && d <= m.now {
		m.tl.Tick(m.now)
		m.answer()
	}
}

func (m *treadmill) answer() {
	for events := m.tl.Events(); len(events) > 0; events = m.tl.Events() {
		for i := range events {
			m.seen++
			switch ev := &events[i]; ev.Kind {
			case Need:
				m.tl.Resolve(m.now, ev.Generation, ev.Join)
			case Listed:
				if ev.Gap {
					panic(fmt.Sprintf("GAP on a treadmill: %s %d at %d, lag %d, %+v", ev.Track, ev.N-m.tl.gens[0].N0, (m.now-t0)/1e6, m.tl.lag, m.tl.tracks[0].late))
				}
				m.listed++
			case Dropped:
				if ev.Reason != BeforeStart {
					panic("dropped on a treadmill: " + string(ev.Reason))
				}
			case Placed, PartListed, Completed, Opened, Note:
			}
		}
	}
}

func BenchmarkChunk(b *testing.B) {
	for name, n := range map[string]int{"40 ms": 1, "200 ms": 5, "2 s": 50} {
		b.Run(name, func(b *testing.B) {
			m := newTreadmill(n)
			b.ReportAllocs()
			chunks := 0
			for b.Loop() {
				m.turn()
				chunks += 4
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(chunks), "ns/chunk")
		})
	}
}

// Sixty days in slots: numbers and times neither drift nor skip.
func TestSixtyDays(t *testing.T) {
	m := newTreadmill(50)
	g := m.tl.gen()
	const days = 60
	listed := m.listed
	for range days * 43200 {
		m.turn()
	}
	if got, want := m.listed-listed, 4*days*43200; got < want-8 || got > want+8 {
		t.Errorf("%d entries listed, want %d", got, 4*days*43200)
	}
	for _, tr := range m.tl.tracks {
		want := g.number(g.slotAt(scale(m.now, int64(g.MasterTimescale), second) - g.D/2))
		if tr.next < want || tr.next > want+1 {
			t.Errorf("%s is at number %d, want %d", tr.name, tr.next, want)
		}
	}
	if m.tl.Lag() < 0 || m.tl.Lag() > 5*second/2 { // its audio comes with the chunk after
		t.Errorf("lag %d", m.tl.Lag())
	}
}
