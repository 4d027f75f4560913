package media

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// TestPrivateData compares with what mp4ff reads in the published init segments: every parameter set, every byte of an
// AudioSpecificConfig, and nothing for codecs that have neither.
func TestPrivateData(t *testing.T) {
	code := []byte{0, 0, 0, 1}
	kinds := map[string]int{}
	for _, name := range recordings(t) {
		for _, in := range record(t, name).inputs {
			pub, err := in.Publish(90000)
			if err != nil {
				t.Fatal(err)
			}
			file, err := mp4.DecodeFileSR(bits.NewFixedSliceReader(pub.Init))
			if err != nil {
				t.Fatal(err)
			}
			stsd, want, length := file.Init.Moov.Trak.Mdia.Minf.Stbl.Stsd, []byte(nil), 0
			switch {
			case stsd.AvcX != nil:
				c := stsd.AvcX.AvcC
				for _, nal := range append(c.SPSnalus, c.PPSnalus...) {
					want = append(append(want, code...), nal...)
				}
				length = 4
			case stsd.HvcX != nil:
				for _, array := range stsd.HvcX.HvcC.NaluArrays {
					for _, nal := range array.Nalus {
						want = append(append(want, code...), nal...)
					}
				}
				length = 4
			case stsd.Mp4a != nil:
				want = stsd.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig
			}
			got, ok := pub.AppendPrivateData([]byte("x"))
			if !bytes.Equal(got[1:], want) || ok != (len(want) > 0) {
				t.Errorf("%s %s: %x, %v, want %x", name, pub.Codec, got[1:], ok, want)
			}
			if n := pub.NALUnitLength(); n != length {
				t.Errorf("%s %s: NAL unit lengths of %d bytes, want %d", name, pub.Codec, n, length)
			}
			if ok {
				kinds[pub.SampleEntry]++
			}
		}
	}
	for _, kind := range []string{"avc1", "hvc1", "hev1", "mp4a"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among the recordings", kind)
		}
	}
}

// FuzzPrivateData: whatever stands in an init segment, nothing panics, and what comes out is no longer than what went in.
func FuzzPrivateData(f *testing.F) {
	for _, name := range recordings(f) {
		for _, in := range record(f, name).inputs {
			pub, err := in.Publish(90000)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(pub.Init)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Track{Init: b}
		got, ok := m.AppendPrivateData(nil)
		if ok != (len(got) > 0) || len(got) > 3*len(b) {
			t.Fatalf("%d bytes, %v, of %d", len(got), ok, len(b))
		}
		if n := m.NALUnitLength(); n < 0 || n > 4 {
			t.Fatalf("NAL unit lengths of %d bytes", n)
		}
	})
}
