package media

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomSegment is a published segment of some chunks, and its index.
func randomSegment(rnd *rand.Rand) (all []byte, want Segment) {
	want = Segment{Sequence: rnd.Uint32(), Time: rnd.Int64N(1 << 50)}
	want.end = want.Time
	prft := Prft{TrackID: 1, Version: 1}
	for k := range rnd.IntN(6) {
		if rnd.IntN(3) == 0 {
			all = prft.Append(all)
		}
		m := Moof{Sequence: want.Sequence + uint32(k), Time: want.end}
		for range 1 + rnd.IntN(20) {
			s := Sample{Duration: 1 + rnd.Uint32N(3000), Size: rnd.Uint32N(300), Flags: flagsNonSync, CTO: rnd.Int32N(3) * 512}
			if len(want.Samples) == 0 && len(m.Samples) == 0 {
				s.Flags = flagsSync
			}
			m.Samples = append(m.Samples, s)
			m.DataBytes += int(s.Size)
			want.end += int64(s.Duration)
		}
		all = m.Append(all)
		if m.DataBytes > 0 {
			want.Data = append(want.Data, Stretch{int64(len(all)), int64(m.DataBytes)})
		}
		for i := range m.DataBytes {
			all = append(all, byte(i*7+k))
		}
		want.Samples = append(want.Samples, m.Samples...)
	}
	if len(want.Samples) == 0 {
		return nil, Segment{}
	}
	return all, want
}

// inSlices cuts a segment at random places of its payloads, as slabs do.
func inSlices(rnd *rand.Rand, all []byte, data []Stretch) (out [][]byte) {
	from := 0
	for _, d := range data {
		for range rnd.IntN(3) {
			if cut := int(d.Off + rnd.Int64N(d.N+1)); cut >= from {
				out, from = append(out, all[from:cut]), cut
			}
		}
	}
	return append(out, all[from:])
}

func TestIndexSegment(t *testing.T) {
	const seed = 3
	rnd := rand.New(rand.NewPCG(seed, seed))
	for round := range 1000 {
		all, want := randomSegment(rnd)
		got, err := IndexSegment(inSlices(rnd, all, want.Data))
		if err != nil {
			t.Fatalf("seed %d round %d: %v", seed, round, err)
		}
		if got.Sequence != want.Sequence || got.Time != want.Time || got.End() != want.end ||
			!slices.Equal(got.Samples, want.Samples) || !slices.Equal(got.Data, want.Data) {
			t.Fatalf("seed %d round %d: %+v\nwant %+v", seed, round, got, want)
		}
		var payload, samples []byte
		for _, d := range got.Data {
			payload = append(payload, all[d.Off:d.Off+d.N]...)
		}
		for i := range got.Samples {
			d, ok := got.Sample(i)
			if !ok || d.N != int64(got.Samples[i].Size) {
				t.Fatalf("seed %d round %d: sample %d lies in %+v, %v", seed, round, i, d, ok)
			}
			samples = append(samples, all[d.Off:d.Off+d.N]...)
		}
		if !bytes.Equal(payload, samples) || int64(len(payload)) != got.Bytes() {
			t.Fatalf("seed %d round %d: samples are not the payload", seed, round)
		}
		if _, ok := got.Sample(len(got.Samples)); ok {
			t.Fatalf("seed %d round %d: a sample behind the last", seed, round)
		}
	}
}

// TestIndexSegmentLeads: a sample lasts until the next chunk starts.
func TestIndexSegmentLeads(t *testing.T) {
	chunk := func(dst []byte, at int64, durations ...uint32) []byte {
		m := Moof{Time: at}
		for _, d := range durations {
			m.Samples = append(m.Samples, Sample{Duration: d, Size: 1})
			m.DataBytes++
		}
		return append(m.Append(dst), make([]byte, m.DataBytes)...)
	}
	for name, c := range map[string]struct {
		second int64
		want   []uint32
	}{
		"as due":        {120, []uint32{10, 10, 10, 10}},
		"later":         {125, []uint32{10, 15, 10, 10}},
		"earlier":       {117, []uint32{10, 7, 10, 10}},
		"far too early": {50, []uint32{10, 0, 10, 10}},
	} {
		s, err := IndexSegment([][]byte{chunk(chunk(nil, 100, 10, 10), c.second, 10, 10)})
		if err != nil {
			t.Fatal(err)
		}
		var got []uint32
		sum := int64(100)
		for i := range s.Samples {
			got, sum = append(got, s.Samples[i].Duration), sum+int64(s.Samples[i].Duration)
		}
		if !slices.Equal(got, c.want) || s.End() != sum {
			t.Errorf("%s: durations %v, end %d, want %v", name, got, s.End(), c.want)
		}
	}
}

func TestIndexSegmentRefuses(t *testing.T) {
	m := Moof{Samples: []Sample{{Duration: 1, Size: 4}}, DataBytes: 4}
	head := m.Append(nil)
	whole := append(slices.Clone(head), "data"...)
	moof := head[:len(head)-8]
	for name, b := range map[string][][]byte{
		"half a payload":      {whole[:len(whole)-2]},
		"half, then the rest": {whole[:20], whole[20:]},
		"no mdat":             {moof},
		"two moofs":           {moof, moof},
		"another size":        {moof, boxOf("mdat", []byte("more data"))},
		"mdat alone":          {boxOf("mdat", []byte("data"))},
		"no box":              {[]byte("\x00\x00\x00\x04moof")},
		"two tracks":          {boxOf("moof", moof[8:], moof[24:]), boxOf("mdat", []byte("datadata"))},
	} {
		if s, err := IndexSegment(b); err == nil {
			t.Errorf("%s: taken for %+v", name, s)
		}
	}
	if _, err := IndexSegment([][]byte{whole, whole}); err != nil {
		t.Errorf("two chunks: %v", err)
	}
}

// FuzzIndexSegment: whatever the bytes are, an index that is given leads to bytes that are there.
func FuzzIndexSegment(f *testing.F) {
	for seed := range uint64(4) {
		all, _ := randomSegment(rand.New(rand.NewPCG(seed, 0)))
		f.Add(all, uint16(100))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		at := min(int(cut), len(b))
		s, err := IndexSegment([][]byte{b[:at], b[at:]})
		if err != nil {
			return
		}
		for _, i := range []int{0, len(s.Samples) / 2, len(s.Samples) - 1} {
			if d, ok := s.Sample(i); len(s.Samples) > 0 && (!ok || d.Off < 0 || d.Off+d.N > int64(len(b))) {
				t.Fatalf("sample %d of %+v lies in %+v, %v", i, s, d, ok)
			}
		}
	})
}
