package media

import (
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

func sidxs(t testing.TB) [][]byte {
	var out [][]byte
	for version := range byte(2) {
		out = append(out, encoded(t, &mp4.SidxBox{
			Version: version, ReferenceID: 1, Timescale: 12800, EarliestPresentationTime: 25600, FirstOffset: 4,
			SidxRefs: []mp4.SidxRef{
				{ReferencedSize: 1000, SubSegmentDuration: 25600, StartsWithSAP: 1, SAPType: 1},
				{ReferenceType: 1, ReferencedSize: 2000, SubSegmentDuration: 12800, SAPDeltaTime: 9},
			},
		}))
	}
	return out
}

func TestSidx(t *testing.T) {
	for version, b := range sidxs(t) {
		s, err := ParseSidx(b)
		if err != nil {
			t.Fatal(err)
		}
		if s.ReferenceID != 1 || s.Timescale != 12800 || s.Earliest != 25600 || s.FirstOffset != 4 || s.Len() != 2 ||
			s.At(0) != (Reference{false, 1000, 25600, true, 1, 0}) || s.At(1) != (Reference{true, 2000, 12800, false, 0, 9}) {
			t.Errorf("version %d: %+v, %+v, %+v", version, s, s.At(0), s.At(1))
		}
		b[len(b)-25] = 3 // claims a reference more
		if _, err := ParseSidx(b); err == nil {
			t.Errorf("version %d: three references accepted where there are two", version)
		}
	}
}

func FuzzSidx(f *testing.F) {
	for _, b := range sidxs(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSidx(b)
		if err != nil {
			return
		}
		if s.Len()*12 > len(b) || s.Timescale == 0 || s.FirstOffset < 0 {
			t.Fatalf("%+v out of %d bytes", s, len(b))
		}
		for i := range s.Len() {
			s.At(i)
		}
	})
}
