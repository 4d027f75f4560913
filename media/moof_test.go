package media

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// TestMoofRoundTrip: what Moof writes, Fragment and mp4ff read back alike, whatever the samples share.
func TestMoofRoundTrip(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	pick := func(v ...uint32) uint32 { return v[rnd.IntN(len(v))] }
	var f Fragment
	d := func(uint32) (Defaults, bool) { return Defaults{Duration: 9, Size: 9, Flags: 9}, true }
	for round := range 2000 {
		m := Moof{Sequence: rnd.Uint32(), Time: rnd.Int64N(1 << 60)}
		durations, sizes, flags, offsets := pick(1, 2), pick(1, 2), pick(1, 2, 3), pick(1, 2)
		for i := range rnd.IntN(20) {
			s := Sample{Duration: 512, Size: 100, Flags: flagsNonSync}
			if durations == 2 {
				s.Duration = rnd.Uint32N(3)
			}
			if sizes == 2 {
				s.Size = rnd.Uint32N(1000)
			}
			if flags == 2 && i == 0 || flags == 3 && rnd.IntN(2) == 0 {
				s.Flags = flagsSync
			}
			if offsets == 2 {
				s.CTO = rnd.Int32N(3000) - 1500
			}
			m.DataBytes += int(s.Size)
			m.Samples = append(m.Samples, s)
		}
		if m.HasTfxd = rnd.IntN(2) == 0; m.HasTfxd {
			m.Tfxd = Span{m.Time, rnd.Int64N(1 << 40)}
		}
		for range rnd.IntN(4) {
			m.Lookahead = append(m.Lookahead, Span{rnd.Int64N(1 << 60), rnd.Int64N(1 << 40)})
		}
		out := m.Append(nil)
		if len(out) != m.Size() || !bytes.Equal(out, m.Append(make([]byte, 0, 4))) {
			t.Fatalf("seed %d round %d: %d bytes, Size %d", seed, round, len(out), m.Size())
		}
		moof := out[:len(out)-8]
		if err := f.Parse(moof, d); err != nil {
			t.Fatalf("seed %d round %d: %v", seed, round, err)
		}
		got := f.Trafs[0]
		if f.Sequence != m.Sequence || got.Time != m.Time || !got.HasTime || got.TrackID != 1 || !equalSamples(got.Samples, m.Samples) ||
			got.DataOffset != int64(len(out)) || got.HasTfxd != m.HasTfxd || (Span{got.TfxdTime, got.TfxdDuration}) != m.Tfxd ||
			!slices.Equal(got.Lookahead, m.Lookahead) {
			t.Fatalf("seed %d round %d: %+v, want %+v", seed, round, got, m)
		}
		mdat, err := ReadBox(out[len(moof):])
		if err != nil || mdat != (Box{[4]byte{'m', 'd', 'a', 't'}, 8, int64(8 + m.DataBytes)}) {
			t.Fatalf("seed %d round %d: %+v, %v", seed, round, mdat, err)
		}
		checkMp4ff(t, moof, &m)
	}
}

func checkMp4ff(t *testing.T, moof []byte, m *Moof) {
	t.Helper()
	box, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(moof))
	if err != nil {
		t.Fatal(err)
	}
	b := box.(*mp4.MoofBox)
	traf := b.Traf
	if b.Mfhd.SequenceNumber != m.Sequence || len(b.Trafs) != 1 || !traf.Tfhd.DefaultBaseIfMoof() || traf.Tfhd.HasBaseDataOffset() ||
		traf.Tfdt.Version != 1 || traf.Trun.Version != 1 || traf.Tfdt.BaseMediaDecodeTime() != uint64(m.Time) {
		t.Fatalf("mp4ff reads %+v", b)
	}
	var spans []Span // tfxd, then tfrf
	for _, child := range traf.Children {
		if u, ok := child.(*mp4.UUIDBox); ok && u.Tfxd != nil {
			spans = append(spans, Span{int64(u.Tfxd.FragmentAbsoluteTime), int64(u.Tfxd.FragmentAbsoluteDuration)})
		} else if ok && u.Tfrf != nil {
			for i := range u.Tfrf.FragmentAbsoluteTimes {
				spans = append(spans, Span{int64(u.Tfrf.FragmentAbsoluteTimes[i]), int64(u.Tfrf.FragmentAbsoluteDurations[i])})
			}
		}
	}
	want := m.Lookahead
	if m.HasTfxd {
		want = append([]Span{m.Tfxd}, want...)
	}
	if !slices.Equal(spans, want) {
		t.Fatalf("mp4ff reads tfxd and tfrf as %+v, want %+v", spans, want)
	}
	traf.Trun.AddSampleDefaultValues(traf.Tfhd, nil)
	for i, s := range traf.Trun.Samples {
		if got := (Sample{s.Dur, s.Size, s.Flags, s.CompositionTimeOffset}); got != m.Samples[i] {
			t.Fatalf("mp4ff reads sample %d as %+v, want %+v", i, got, m.Samples[i])
		}
	}
}

// TestMoofCompact: a group of pictures repeats nothing; equal audio frames but for their sizes are 4 bytes each.
func TestMoofCompact(t *testing.T) {
	gop := make([]Sample, 50)
	for i := range gop {
		gop[i] = Sample{Duration: 512, Size: uint32(i), Flags: flagsNonSync}
	}
	gop[0].Flags = flagsSync
	equal := Moof{Samples: make([]Sample, 50)}
	const fixed = 8 + 16 + 8 + 16 + 4 + 20 + 20 + 8
	for _, c := range []struct {
		m    Moof
		want int
	}{
		{Moof{Samples: gop}, fixed + 4 + 4 + 50*4}, // duration once, first flags once, sizes
		{Moof{Samples: gop[1:]}, fixed + 4 + 49*4}, // duration once, sizes
		{Moof{Samples: gop[:1]}, fixed + 4 + 4},    // all in tfhd
		{Moof{HasTfxd: true, Lookahead: make([]Span, 2)}, fixed + 4 + 4 + 44 + 29 + 2*16},
		{equal, fixed + 4 + 4},                           // all in tfhd
		{Moof{DataBytes: math.MaxInt32 * 4}, fixed + 16}, // mdat with a 64-bit size
	} {
		if got := c.m.Size(); got != c.want {
			t.Errorf("Size of %d samples = %d, want %d", len(c.m.Samples), got, c.want)
		}
	}
	huge := Moof{DataBytes: math.MaxInt32 * 4}
	if out := huge.Append(nil); len(out) != huge.Size() {
		t.Errorf("64-bit mdat: %d bytes, Size %d", len(out), huge.Size())
	} else if box, err := ReadBox(out[len(out)-16:]); err != nil || box.Size != int64(huge.DataBytes)+16 {
		t.Errorf("64-bit mdat: %+v, %v", box, err)
	}
}

func BenchmarkFragmentParse(b *testing.B) {
	for name, file := range map[string]string{"video": "avc-cmaf.mp4", "audio": "aac-cmaf.mp4"} {
		b.Run(name, func(b *testing.B) {
			r := record(b, file)
			moof := r.chunks[0].moof
			d := r.defaults
			var f Fragment
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Parse(moof, d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(f.Trafs[0].Samples)), "samples")
		})
	}
}

func BenchmarkMoofAppend(b *testing.B) {
	for name, file := range map[string]string{"video": "avc-cmaf.mp4", "audio": "aac-cmaf.mp4"} {
		b.Run(name, func(b *testing.B) {
			r := record(b, file)
			var f Fragment
			if err := f.Parse(r.chunks[0].moof, r.defaults); err != nil {
				b.Fatal(err)
			}
			m := Moof{Time: 1 << 50, Samples: f.Trafs[0].Samples, DataBytes: 100000}
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out = m.Append(out[:0])
			}
			b.ReportMetric(float64(len(m.Samples)), "samples")
		})
	}
}
