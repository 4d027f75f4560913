package segcache

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// modelSegment is what the plain model knows of one segment.
type modelSegment struct {
	bytes    []byte
	chunks   int
	whole    bool
	gap      bool
	duration int64
	etag     string // as first seen
}

// modelTrack is the plain model of a track: a map, and integer slots.
type modelTrack struct {
	segments   map[uint64]*modelSegment
	first, end uint64
	listed     bool
	gone       uint64
	passed     uint64 // number+1 of the newest media left of the list
	kept       uint64 // number+1 of the segment that is held though it is older than gone
}

const (
	modelWindow    = 5
	modelRetention = 2*modelWindow + targetsBehind
)

// publish applies the law of lists and retention to all tracks: slots last one second, and so does TARGETDURATION.
func publishModel(tracks []*modelTrack) {
	newest := int64(-1)
	for _, m := range tracks {
		if m.listed {
			newest = max(newest, int64(m.end))
		}
	}
	if newest < 0 {
		return
	}
	for _, m := range tracks {
		edge := newest - modelWindow
		if m.listed {
			edge = max(edge, int64(m.end))
		}
		for m.first < m.end && int64(m.first)+1 <= edge-modelWindow {
			m.pass()
		}
		m.evict(edge - modelRetention)
	}
}

func (m *modelTrack) pass() {
	if !m.segments[m.first].gap {
		m.passed = m.first + 1
	}
	m.first++
}

func (m *modelTrack) evict(cut int64) {
	top := uint64(0)
	for n := range m.segments {
		top = max(top, n+1)
	}
	for n := m.gone; n < top && int64(n)+1 <= cut; n++ {
		m.gone = n + 1
		s := m.segments[n]
		if s == nil {
			continue
		}
		if s.whole && !s.gap && m.kept > 0 && m.kept < n+1 && m.kept < m.passed {
			delete(m.segments, m.kept-1)
			m.kept = 0
		}
		if m.passed == n+1 {
			m.kept = n + 1
			continue
		}
		delete(m.segments, n)
	}
}

// held is a body that a reader holds, and what it must say for ever.
type heldBody struct {
	body Body
	want []byte
	etag string
}

// TestModel makes the same random calls to a channel and to plain maps, and compares every answer.
func TestModel(t *testing.T) {
	for seed := range uint64(12) {
		if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
			seed = s
		}
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { runModel(t, seed) })
	}
}

func runModel(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	c := newCache(t, Config{Memory: 256 << 20})
	f := newFeed(t, c, modelWindow, 2)
	f.layout = func(track int, n uint64) []int {
		r := rand.New(rand.NewPCG(n, uint64(track)))
		sizes := make([]int, 1+r.IntN(24))
		for i := range sizes {
			sizes[i] = 1 + r.IntN(4000)
		}
		return sizes
	}
	models := []*modelTrack{{segments: map[uint64]*modelSegment{}}, {segments: map[uint64]*modelSegment{}}}
	var bodies []heldBody
	for step := range 3000 {
		i := rnd.IntN(2)
		m, track := models[i], f.tracks[i]
		n := m.end + uint64(rnd.IntN(3))
		if rnd.IntN(10) == 0 {
			n = m.end - min(m.end, uint64(rnd.IntN(20)))
		}
		switch op := rnd.IntN(20); {
		case op < 9:
			m.commit(t, f, i, n)
		case op < 13:
			m.complete(t, track, n)
		case op < 16:
			leap := uint64(0)
			if rnd.IntN(50) == 0 {
				leap = uint64(rnd.IntN(30))
			}
			m.list(t, f, i, m.end+leap, rnd.IntN(4) == 0)
		case op < 18:
			f.ch.Publish()
			publishModel(models)
			compareVersion(t, f, models)
		default:
			if s := track.Segment(n); s != nil {
				if b, ok := s.Body(); ok {
					bodies = append(bodies, heldBody{b, bytes.Clone(m.segments[n].bytes), b.ETag()})
				}
			}
		}
		if step%50 == 0 {
			compareSegments(t, f, models, rnd)
		}
	}
	for _, h := range bodies {
		if !bytes.Equal(read(h.body), h.want) || h.body.ETag() != h.etag {
			t.Fatal("I1, I3: a held body changed")
		}
	}
}

func (m *modelTrack) commit(t *testing.T, f *feed, i int, n uint64) {
	t.Helper()
	s := m.segments[n]
	layout := f.layout(i, n)
	switch {
	case s != nil && s.whole:
		wantError(t, f.chunk(i, n, 0), ErrWhole)
	case s != nil && s.chunks == len(layout):
	case s == nil && n < m.gone:
		wantError(t, f.chunk(i, n, 0), ErrLate)
	default:
		if s == nil {
			s = &modelSegment{}
			m.segments[n] = s
		}
		wantError(t, f.chunk(i, n, s.chunks), nil)
		s.bytes = pattern(s.bytes, i, n, s.chunks, layout[s.chunks])
		s.chunks++
	}
}

func (m *modelTrack) complete(t *testing.T, track *Track, n uint64) {
	t.Helper()
	err := track.Complete(n, int64(n)*1000, int64(n)*1000+900)
	switch s := m.segments[n]; {
	case s == nil || s.chunks == 0:
		wantError(t, err, ErrNotWhole)
	case s.whole:
		wantError(t, err, ErrWhole)
	default:
		wantError(t, err, nil)
		s.whole = true
		if !s.gap {
			s.duration = 900
		}
	}
}

func (m *modelTrack) list(t *testing.T, f *feed, i int, n uint64, gap bool) {
	t.Helper()
	err := f.list(i, n, gap)
	s := m.segments[n]
	if n < m.gone {
		if gap || s == nil || !s.whole {
			wantError(t, err, ErrLate)
			return
		}
	}
	var want error
	if !gap && (s == nil || !s.whole) {
		gap, want = true, ErrNotWhole
	}
	if gap {
		if s == nil {
			s = &modelSegment{}
			m.segments[n] = s
		}
		s.gap, s.duration = true, 1000
	}
	if !m.listed || n > m.end {
		if m.listed {
			want = ErrOrder
			for m.first < m.end {
				m.pass()
			}
		}
		m.first = n
	}
	wantError(t, err, want)
	m.listed, m.end = true, n+1
}

func compareVersion(t *testing.T, f *feed, models []*modelTrack) {
	t.Helper()
	v := f.ch.Version()
	for i, m := range models {
		view := v.View(f.tracks[i])
		if view.First != m.first || view.End != m.end {
			t.Fatalf("track %d lists [%d,%d), want [%d,%d)", i, view.First, view.End, m.first, m.end)
		}
		for n := view.First; n < view.End; n++ {
			s := view.Segment(n)
			if s == nil || s.N != n || s.Gap != m.segments[n].gap || !s.Gap && !s.whole() {
				t.Fatalf("I4: track %d lists %d, and holds %+v", i, n, s)
			}
		}
		want := uint64(0)
		if m.first < m.end && m.segments[m.first].gap {
			want = m.passed
		}
		if got := view.Kept; (got == nil) != (want == 0) || got != nil && (got.N+1 != want || view.Segment(got.N) != got) {
			t.Fatalf("I4: track %d keeps %+v, want number %d", i, got, int64(want)-1)
		}
	}
}

func compareSegments(t *testing.T, f *feed, models []*modelTrack, rnd *rand.Rand) {
	t.Helper()
	held := int64(0)
	for i, m := range models {
		top := m.end + 5
		for n := range top {
			s, want := f.tracks[i].Segment(n), m.segments[n]
			if (s == nil) != (want == nil) {
				t.Fatalf("segment %d: held %v, want %v", n, s != nil, want != nil)
			}
			if s == nil {
				continue
			}
			held += int64(len(want.bytes))
			if s.N != n || s.Gap != want.gap || s.Duration != want.duration || s.Start != int64(n)*1000 {
				t.Fatalf("segment %d: %+v, want %+v", n, s, want)
			}
			if at := f.tracks[i].SegmentAt(s.Start); at != s {
				t.Fatalf("segment at %d: %+v, want %+v", s.Start, at, s)
			}
			if f.tracks[i].SegmentAt(s.Start+1) != nil {
				t.Fatal("a segment at a time where none starts")
			}
			compareBytes(t, s, want, rnd)
		}
	}
	if got := f.cache.Stats().Media; got != held {
		t.Fatalf("Stats.Media %d, want %d", got, held)
	}
}

func compareBytes(t *testing.T, s *Segment, want *modelSegment, rnd *rand.Rand) {
	t.Helper()
	b, ok := s.Body()
	if ok != want.whole {
		t.Fatalf("segment %d: body %v, want %v", s.N, ok, want.whole)
	}
	if ok {
		if want.etag == "" {
			want.etag = b.ETag()
		}
		if b.ETag() != want.etag || len(want.etag) != 18 {
			t.Fatalf("I3: ETag %s, was %s", b.ETag(), want.etag)
		}
	}
	off := rnd.Int64N(int64(len(want.bytes)) + 2)
	g, whole := s.Grow(off)
	rest := want.bytes[min(off, int64(len(want.bytes))):]
	if whole != want.whole || !bytes.Equal(read(g), rest) {
		t.Fatalf("segment %d: growth from %d is wrong", s.N, off)
	}
	n := rnd.Int64N(int64(len(rest)) + 2)
	if got := bytes.Join(g.Range(0, n).Slices(), nil); !bytes.Equal(got, rest[:min(n, int64(len(rest)))]) {
		t.Fatalf("segment %d: range is wrong", s.N)
	}
}
