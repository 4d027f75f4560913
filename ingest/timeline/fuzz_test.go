package timeline

import (
	"encoding/binary"
	"math"
	"testing"
)

// A tape reads a fuzzer's bytes as a script.
type tape struct{ b []byte }

func (t *tape) byte() byte {
	if len(t.b) == 0 {
		return 0
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c
}

// number is small, near what is usual, or one of the ends of the world.
func (t *tape) number(usual int64) int64 {
	switch c := t.byte(); {
	case c < 128:
		return usual + int64(c)
	case c < 200:
		return usual + (int64(c)-164)*usual/64
	case c < 220:
		return usual + int64(int8(t.byte()))*second
	case c < 230:
		return -usual
	default:
		ends := [...]int64{
			0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, 1 << 53, -1 << 53, math.MaxInt32, math.MinInt32,
			math.MaxUint32, 1 << 40, -1 << 40, 1 << 62, -1 << 62,
		}
		if c >= 246 {
			var x [8]byte
			copy(x[:], t.b)
			t.b = t.b[min(8, len(t.b)):]
			return int64(binary.LittleEndian.Uint64(x[:]))
		}
		return ends[int(c-230)%len(ends)]
	}
}

// Whatever encoders, clocks and stores do, every sample is settled once, lists are in order, a piece of time takes a
// bounded amount of work, and nothing panics.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte{})
	for _, script := range [][]byte{
		{2, 0, 2, 1, 2, 2, 3, 0, 10, 3, 1, 10, 3, 2, 10, 5, 3, 0, 10, 3, 1, 10, 3, 2, 10, 5, 3, 0, 10, 3, 1, 10, 5, 6, 5, 3, 0, 10},
		{2, 0, 3, 0, 40, 3, 0, 40, 3, 0, 40, 5, 5, 5, 6, 3, 0, 40, 4, 0, 2, 0, 3, 0, 240, 3, 0, 40, 6, 3, 0, 40},
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1<<12 {
			return
		}
		play(t, &tape{script})
	})
}

type player struct {
	t     *testing.T
	tl    *Timeline
	check *checker
	tape  *tape
	now   int64
	next  uint64
	enc   [4]int64 // encoders send the same times, whoever they are
	needs []Event
}

func play(t *testing.T, script *tape) {
	cfg := config()
	if c := script.byte(); c&1 != 0 {
		cfg.GOP, cfg.Segment = script.number(2*second), script.number(2*second)
	} else if c&2 != 0 {
		cfg.Tracks = []string{"v1", "a"}
	}
	p := &player{t: t, tl: New(cfg, nil, nil), check: newChecker("fuzz", nil), tape: script, now: t0}
	for len(script.b) > 0 {
		p.step()
	}
	for range 50 { // let time pass
		p.now = max(p.now, min(p.now, math.MaxInt64-second)+second)
		p.tl.Tick(p.now)
		p.events()
	}
	for _, f := range p.check.faults {
		t.Error(f)
	}
}

var fuzzTracks = [...]elementary{
	{name: "v1", kind: Video, timescale: 12800},
	{name: "v2", kind: Video, timescale: 90000},
	{name: "a", kind: Audio, timescale: 48000, rate: 48000},
	{name: "t", kind: Sparse, timescale: 1000},
}

func (p *player) step() {
	tape := p.tape
	switch op := tape.byte() % 13; op {
	case 0, 1, 2: // open
		which := int(tape.byte()) % len(fuzzTracks)
		e := fuzzTracks[which]
		info := TrackInfo{Name: e.name, Kind: e.kind, Timescale: e.timescale, Rate: e.rate, Config: uint64(op)}
		if op == 1 {
			info.Timescale = uint32(tape.number(int64(info.Timescale)))
		}
		p.tl.Open(p.now, InputID(which+1), info)
	case 3, 7, 8:
		p.chunk(0)
	case 10: // another encoder opens a track
		which := int(tape.byte()) % len(fuzzTracks)
		e := fuzzTracks[which]
		info := TrackInfo{Name: e.name, Kind: e.kind, Timescale: e.timescale, Rate: e.rate, Source: "secondary", Rank: 1}
		p.tl.Open(p.now, InputID(secondInput+which+1), info)
	case 11:
		p.chunk(secondInput)
	case 12:
		h := Handover{
			Seq: int(tape.byte() % 16), Ordinal: int(tape.byte() % 3), Track: fuzzTracks[tape.byte()%4].name,
			N: uint64(tape.number(883612802)), Source: []string{"primary", "secondary", "x"}[tape.byte()%3],
		}
		p.tl.KnownHandover(p.now, &h)
	case 4:
		p.tl.Close(p.now, InputID(tape.byte()%5+tape.byte()%2*secondInput))
	case 5:
		p.now = tape.number(p.now)
		p.tl.Tick(p.now)
	case 6:
		p.answer()
	case 9:
		g := Generation{
			Ordinal: int(tape.byte() % 4), Master: "v1", MasterTimescale: 12800, Regular: tape.byte()&1 == 0, GOP: tape.number(25600),
			D: tape.number(25600), Phase: tape.number(0), K0: tape.number(883612800), N0: uint64(tape.number(883612800)),
			TargetDuration: 2, PartTarget: 333_000_000,
			Tracks: []Grid{
				{Name: "a", Kind: Audio, Timescale: 48000, Cadence: tape.number(1024)},
				{Name: "v1", Kind: Video, Timescale: 12800, Cadence: tape.number(512)},
			},
		}
		j := Join{Seq: int(tape.byte()), Time: tape.number(0), Scale: uint32(tape.number(12800)), At: tape.number(22620488000000), Late: tape.number(0)}
		if tape.byte()&1 == 0 {
			p.tl.Known(p.now, &g, nil)
		} else {
			p.tl.Known(p.now, nil, &j)
		}
	}
	p.events()
	if d := p.tl.NextDeadline(); d != 0 && tapeBit(tape) {
		p.now = max(p.now, d)
		p.tl.Tick(p.now)
		p.events()
	}
}

func tapeBit(t *tape) bool { return len(t.b) > 0 && t.b[0]&1 != 0 }

// secondInput is added to the inputs of the second encoder.
const secondInput = 8

func (p *player) chunk(encoder int) {
	which := int(p.tape.byte()) % len(fuzzTracks)
	e := &fuzzTracks[which]
	n := int(p.tape.byte())%64 + 1
	usual := int64(e.timescale) / 25
	c := Chunk{Time: p.enc[which]}
	if encoder != 0 && p.tape.byte() < 128 { // what the first has sent
		c.Time = max(0, c.Time-int64(n)*usual)
	}
	c.Print = uint64(p.tape.byte()) % 4
	if p.tape.byte() > 200 {
		c.Time = p.tape.number(p.enc[which])
	}
	end := c.Time
	odd := p.tape.byte()
	for i := range n {
		d := usual
		if odd > 240 && i%7 == 3 {
			d = p.tape.number(usual)
		}
		c.Durations = append(c.Durations, uint32(d))
		end += int64(uint32(d))
		if e.kind == Video && (p.enc[which]/usual+int64(i))%50 == 0 || odd == 7 {
			c.Syncs = append(c.Syncs, int32(i))
		}
	}
	if odd == 250 {
		c.Syncs = []int32{int32(p.tape.number(0)), int32(p.tape.number(5))}
	}
	p.enc[which] = max(p.enc[which], end)
	if encoder == 0 {
		p.enc[which] = end
	}
	p.now = add(p.now, scale(int64(n)*usual, second, 2*int64(e.timescale)))
	p.next++
	c.ID = p.next
	p.check.chunks[c.ID] = &settling{p: &packet{track: e, sess: &session{}, chunk: c}}
	p.tl.Chunk(p.now, InputID(encoder+which+1), &c)
}

func (p *player) answer() {
	if len(p.needs) == 0 {
		return
	}
	need := p.needs[0]
	p.needs = p.needs[1:]
	p.check.asked = 0
	if h := need.Handover; h != nil {
		switch p.tape.byte() % 4 {
		case 0:
			p.tl.ResolveFailed(p.now, nil, nil)
		case 1:
			other := *h
			other.N += uint64(p.tape.byte())
			p.tl.ResolveHandover(p.now, &other)
		default:
			p.tl.ResolveHandover(p.now, h)
		}
		return
	}
	switch p.tape.byte() % 4 {
	case 0:
		p.tl.ResolveFailed(p.now, need.Generation, need.Join)
	case 1:
		if g := need.Generation; g != nil {
			other := clone(g)
			other.N0 += uint64(p.tape.byte())
			other.K0 += int64(p.tape.byte())
			other.Phase += int64(p.tape.byte())
			p.tl.Resolve(p.now, other, nil)
			return
		}
		j := *need.Join
		j.At += int64(p.tape.byte()) * 512
		p.tl.Resolve(p.now, nil, &j)
	default:
		p.tl.Resolve(p.now, need.Generation, need.Join)
	}
}

func (p *player) events() {
	total := 0
	for events := p.tl.Events(); len(events) > 0; events = p.tl.Events() {
		total += len(events)
		p.check.asked = 0 // an unanswered request is asked again
		p.needs = append(p.needs, p.check.apply(p.now, events)...)
	}
	for _, c := range p.check.tracks { // the newest entry is what the next one is compared with
		if n := len(c.list); n > 1000 {
			c.list, c.at = c.list[n-1:], c.at[n-1:]
		}
	}
	if total > 100_000 {
		p.t.Fatalf("%d events at once", total)
	}
}
