package media

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// reference reads the tracks of a moof with mp4ff.
func reference(t testing.TB, moof []byte, r *recording) []Traf {
	t.Helper()
	box, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(moof))
	if err != nil {
		t.Fatal(err)
	}
	var out []Traf
	for _, traf := range box.(*mp4.MoofBox).Trafs {
		got := Traf{TrackID: traf.Tfhd.TrackID, HasTime: traf.Tfdt != nil}
		if got.HasTime {
			got.Time = int64(traf.Tfdt.BaseMediaDecodeTime())
		}
		d, _ := r.defaults(got.TrackID)
		trex := &mp4.TrexBox{DefaultSampleDuration: d.Duration, DefaultSampleSize: d.Size, DefaultSampleFlags: d.Flags}
		for _, trun := range traf.Truns {
			trun.AddSampleDefaultValues(traf.Tfhd, trex)
			for _, s := range trun.Samples {
				got.Samples = append(got.Samples, Sample{s.Dur, s.Size, s.Flags, s.CompositionTimeOffset + d.CTO})
			}
		}
		out = append(out, got)
	}
	return out
}

// TestFragmentAgainstMp4ff: the streams of every encoder read the same here and there, and their samples fill the mdat.
func TestFragmentAgainstMp4ff(t *testing.T) {
	for _, name := range recordings(t) {
		r := record(t, name)
		var f Fragment
		for n, c := range r.chunks {
			if err := f.Parse(c.moof, r.defaults); err != nil {
				t.Fatalf("%s chunk %d: %v", name, n, err)
			}
			want := reference(t, c.moof, r)
			if len(f.Trafs) != len(want) {
				t.Fatalf("%s chunk %d: %d tracks, want %d", name, n, len(f.Trafs), len(want))
			}
			at := int64(len(c.moof) + 8)
			for i, got := range f.Trafs {
				if got.TrackID != want[i].TrackID || got.HasTime != want[i].HasTime || got.Time != want[i].Time {
					t.Errorf("%s chunk %d: track_ID %d time %d; want %d, %d", name, n, got.TrackID, got.Time, want[i].TrackID, want[i].Time)
				}
				if !equalSamples(got.Samples, want[i].Samples) {
					t.Errorf("%s chunk %d track_ID %d:\n%v\nwant\n%v", name, n, got.TrackID, got.Samples, want[i].Samples)
				}
				if got.DataOffset != at {
					t.Errorf("%s chunk %d track_ID %d: data at %d, want %d", name, n, got.TrackID, got.DataOffset, at)
				}
				for _, s := range got.Samples {
					at += int64(s.Size)
				}
			}
			if at != int64(len(c.moof)+8+len(c.payload)) {
				t.Errorf("%s chunk %d: samples end at %d of %d", name, n, at, len(c.moof)+8+len(c.payload))
			}
		}
	}
}

func equalSamples(a, b []Sample) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestEditListPresentation: whatever ffmpeg does about its B-frames and its priming, the first picture is shown where the
// segment starts, and the same amount after the start of the audio.
func TestEditListPresentation(t *testing.T) {
	cases := map[string]struct {
		track uint32
		start int64 // presentation of the first sample, ticks
	}{
		"avc-cmaf.mp4":    {1, 0},
		"avc-edit.mp4":    {1, 0},
		"av-absolute.mp4": {1, 0},
		"aac-edit.mp4":    {1, -1024},
		"aac-cmaf.mp4":    {1, 0}, // empty_moov with cmaf: ffmpeg loses the priming
	}
	for name, c := range cases {
		r := record(t, name)
		var f Fragment
		if err := f.Parse(r.chunks[0].moof, r.defaults); err != nil {
			t.Fatal(err)
		}
		traf := f.Trafs[0]
		if got := traf.Time - r.inputs[0].Shift + int64(traf.Samples[0].CTO); traf.TrackID != c.track || got != c.start {
			t.Errorf("%s: starts at %d, want %d", name, got, c.start)
		}
	}
}

func TestFragmentSmooth(t *testing.T) {
	r := record(t, "smooth.ismv")
	var f Fragment
	var times []int64
	for _, c := range r.chunks {
		if err := f.Parse(c.moof, r.defaults); err != nil {
			t.Fatal(err)
		}
		traf := f.Trafs[0]
		if traf.HasTime || !traf.HasTfxd || traf.TfxdDuration <= 0 {
			t.Errorf("%+v", traf)
		}
		if traf.TrackID == 2 {
			times = append(times, traf.TfxdTime)
		}
	}
	if len(times) == 0 || times[0] != -213333 {
		t.Errorf("audio starts at %v, want -213333", times)
	}
}

// boxOf builds a box for tests.
func boxOf(kind string, parts ...[]byte) []byte {
	w := writer{}
	at := w.open(kind)
	for _, p := range parts {
		w.bytes(p)
	}
	w.close(at)
	return w.b
}

// words builds big-endian 32-bit fields for tests.
func words(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

func TestFragmentLayouts(t *testing.T) {
	d := func(id uint32) (Defaults, bool) {
		return Defaults{Duration: 10, Size: 5, Flags: flagsNonSync}, id == 1 || id == 2
	}
	tfhd := func(flags uint32, v ...uint32) []byte { return boxOf("tfhd", words(append([]uint32{flags}, v...)...)) }
	tfdt := boxOf("tfdt", words(0, 1000))
	trun := func(flags uint32, v ...uint32) []byte { return boxOf("trun", words(append([]uint32{flags}, v...)...)) }
	moof := func(parts ...[]byte) []byte {
		return boxOf("moof", append([][]byte{boxOf("mfhd", words(0, 7))}, parts...)...)
	}
	traf := func(parts ...[]byte) []byte { return boxOf("traf", parts...) }
	tfxd := boxOf("uuid", uuidTfxd[:], words(0, 900, 77))
	const size = 8 + 16 // moof and mfhd

	good := map[string]struct {
		moof    []byte
		offsets []int64
		first   []Sample
	}{
		"defaults of trex": {
			moof(traf(tfhd(tfhdBaseIsMoof, 1), tfdt, trun(trunOffset, 2, 200))),
			[]int64{200},
			[]Sample{{10, 5, flagsNonSync, 0}, {10, 5, flagsNonSync, 0}},
		},
		"first sample flags": {
			moof(traf(tfhd(tfhdBaseIsMoof|tfhdDuration, 1, 20), tfdt, trun(trunFirstFlags, 2, flagsSync))),
			[]int64{-1},
			[]Sample{{20, 5, flagsSync, 0}, {20, 5, flagsNonSync, 0}},
		},
		"two runs": {
			moof(traf(tfhd(tfhdBaseIsMoof, 1), tfdt, trun(trunOffset, 2, 200), trun(trunOffset|trunSize, 1, 210, 9))),
			[]int64{200},
			[]Sample{{10, 5, flagsNonSync, 0}, {10, 5, flagsNonSync, 0}, {10, 9, flagsNonSync, 0}},
		},
		"tracks one behind the other": { // neither base: the second counts from the end of the first
			moof(traf(tfhd(0, 1), tfdt, trun(trunOffset, 2, 300)), traf(tfhd(0, 2), tfdt, trun(0, 1))),
			[]int64{300, 310},
			[]Sample{{10, 5, flagsNonSync, 0}, {10, 5, flagsNonSync, 0}},
		},
		"absolute, from the moof": {
			moof(traf(tfhd(tfhdBase, 1, 0, 5000), tfdt, trun(trunOffset, 2, 300)), traf(tfhd(tfhdBase, 2, 0, 5000), tfdt, trun(trunOffset, 1, 310))),
			[]int64{300, 310},
			nil,
		},
		"absolute, from the payload": {
			moof(traf(tfhd(tfhdBase, 1, 0, 5000), tfdt, trun(0, 2)), traf(tfhd(tfhdBase, 2, 0, 5010), tfdt, trun(0, 1))),
			[]int64{size + 2*(8+24+16+16) + 8, size + 2*(8+24+16+16) + 18},
			nil,
		},
		"unknown track left out": {
			moof(traf(tfhd(tfhdBaseIsMoof, 9), trun(0, 4096)), traf(tfhd(tfhdBaseIsMoof, 1), tfdt, trun(trunOffset, 1, 400))),
			[]int64{400},
			[]Sample{{10, 5, flagsNonSync, 0}},
		},
		"no samples": {moof(traf(tfhd(tfhdBaseIsMoof|0x10000, 1))), []int64{-1}, []Sample{}},
	}
	for name, c := range good {
		var f Fragment
		if err := f.Parse(c.moof, d); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.Trafs) != len(c.offsets) || f.Sequence != 7 {
			t.Errorf("%s: sequence %d, %d tracks", name, f.Sequence, len(f.Trafs))
			continue
		}
		for i, want := range c.offsets {
			if f.Trafs[i].DataOffset != want {
				t.Errorf("%s: track %d at %d, want %d", name, i, f.Trafs[i].DataOffset, want)
			}
		}
		if c.first != nil && !equalSamples(f.Trafs[0].Samples, c.first) {
			t.Errorf("%s: %v, want %v", name, f.Trafs[0].Samples, c.first)
		}
	}

	none := func(uint32) (Defaults, bool) { return Defaults{}, true }
	bad := map[string]struct {
		moof []byte
		want string
	}{
		"no traf":            {moof(), "without traf"},
		"empty traf":         {moof(traf()), "empty"},
		"tfhd late":          {moof(traf(tfdt, tfhd(0, 1))), "not tfhd"},
		"tfhd short":         {moof(traf(tfhd(tfhdDuration, 1))), "truncated"},
		"description":        {moof(traf(tfhd(tfhdDescription, 1, 2))), "sample description 2"},
		"no time":            {moof(traf(tfhd(tfhdDuration|tfhdSize, 1, 1, 1), trun(0, 1))), "no decode time"},
		"no durations":       {moof(traf(tfhd(tfhdSize, 1, 1), tfdt, trun(0, 1))), "without durations"},
		"no sizes":           {moof(traf(tfhd(tfhdDuration, 1, 1), tfdt, trun(0, 1))), "without sizes"},
		"too many":           {moof(traf(tfhd(tfhdDuration|tfhdSize, 1, 1, 1), tfdt, trun(0, 0xffffffff))), "more than"},
		"too many in all":    {moof(traf(tfhd(tfhdDuration|tfhdSize, 1, 1, 1), tfdt, trun(0, MaxSamples), trun(0, 1))), "more than"},
		"table short":        {moof(traf(tfhd(0, 1), tfdt, trun(trunSize|trunDuration, 2, 1, 1, 1))), "12 bytes are there"},
		"runs apart":         {moof(traf(tfhd(tfhdDuration|tfhdSize, 1, 1, 1), tfdt, trun(trunOffset, 1, 100), trun(trunOffset, 1, 200))), "does not follow"},
		"time beyond reason": {moof(traf(tfhd(0, 1), boxOf("tfdt", words(1<<24, 0x7fffffff, 0)))), "out of range"},
		"child too large":    {moof(traf(tfhd(0, 1), []byte("\x00\x00\x01\x00trun"))), "exceeds its container"},
	}
	for name, c := range bad {
		var f Fragment
		if err := f.Parse(c.moof, none); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}

	var f Fragment // a sparse track: the duration of its only sample stands in tfxd
	if err := f.Parse(moof(traf(tfhd(tfhdSize, 1, 30), trun(0, 1), tfxd)), none); err != nil || f.Trafs[0].Samples[0].Duration != 77 || f.Trafs[0].TfxdTime != 900 {
		t.Errorf("sparse: %+v, %v", f.Trafs, err)
	}
	tfrf := boxOf("uuid", uuidTfrf[:], []byte{1, 0, 0, 0, 2}, bytes.Repeat(words(0, 5), 4))
	if err := f.Parse(moof(traf(tfhd(tfhdSize, 1, 30), trun(0, 1), tfxd, tfrf)), none); err != nil || len(f.Trafs[0].Lookahead) != 2 || f.Trafs[0].Lookahead[1] != (Span{5, 5}) {
		t.Errorf("lookahead: %+v, %v", f.Trafs, err)
	}
}

// FuzzFragment: what Parse accepts stays in bounds, and written by Moof reads the same again.
func FuzzFragment(f *testing.F) {
	for _, name := range recordings(f) {
		f.Add(record(f, name).chunks[0].moof)
	}
	d := func(id uint32) (Defaults, bool) { return Defaults{Duration: 512, Size: 10}, id < 8 }
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, again Fragment
		if got.Parse(b, d) != nil {
			return
		}
		total := 0
		for i := range got.Trafs {
			traf := &got.Trafs[i]
			total += len(traf.Samples)
			if traf.DataOffset < -1 || len(traf.Lookahead) > 255*MaxTracks {
				t.Fatalf("%+v", traf)
			}
			m := Moof{Sequence: got.Sequence, Time: max(0, traf.Time), Samples: traf.Samples}
			out := m.Append(nil)
			if len(out) != m.Size() {
				t.Fatalf("Append wrote %d bytes, Size says %d", len(out), m.Size())
			}
			if err := again.Parse(out[:len(out)-8], d); err != nil {
				t.Fatalf("written again: %v", err)
			}
			if got := again.Trafs[0]; got.Time != m.Time || got.DataOffset != int64(len(out)) || !equalSamples(got.Samples, traf.Samples) {
				t.Fatalf("written again: %+v, want %+v", got, traf)
			}
		}
		if total > MaxSamples {
			t.Fatalf("%d samples", total)
		}
	})
}
