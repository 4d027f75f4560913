package media

import "testing"

// TestSyncSamples: what the NAL units say is what ffmpeg's flags say, in every stream whose samples tell.
func TestSyncSamples(t *testing.T) {
	for _, name := range recordings(t) {
		r := record(t, name)
		var f Fragment
		for n, c := range r.chunks {
			if err := f.Parse(c.moof, r.defaults); err != nil {
				t.Fatal(err)
			}
			for _, traf := range f.Trafs {
				in := &r.inputs[traf.TrackID-1]
				at := traf.DataOffset - int64(len(c.moof)) - 8
				for i, s := range traf.Samples {
					sync, known := in.SyncSample(c.payload[at : at+int64(s.Size)])
					if known != (in.nal != nalNone) || known && sync != IsSync(s.Flags) {
						t.Errorf("%s chunk %d track_ID %d sample %d: sync %v, known %v, flags %#x", name, n, in.ID, i, sync, known, s.Flags)
					}
					at += int64(s.Size)
				}
			}
		}
	}
}

func TestSyncSampleOdd(t *testing.T) {
	avc, hevc := &Input{nal: nalAVC, nalSize: 4}, &Input{nal: nalHEVC, nalSize: 2}
	recovery := "\x00\x00\x00\x05\x06\x06\x01\xc4\x80" // recovery_frame_cnt 0
	cases := map[string]struct {
		in          *Input
		sample      string
		sync, known bool
	}{
		"IDR":                   {avc, "\x00\x00\x00\x02\x09\x10\x00\x00\x00\x02\x65\x88", true, true},
		"picture":               {avc, "\x00\x00\x00\x02\x41\x9a", false, true},
		"open GOP":              {avc, recovery + "\x00\x00\x00\x02\x41\x9a", false, false},
		"slow recovery":         {avc, "\x00\x00\x00\x05\x06\x06\x01\x44\x80\x00\x00\x00\x02\x41\x9a", false, true},
		"SEI without end":       {avc, "\x00\x00\x00\x05\x06\xff\xff\xff\xff\x00\x00\x00\x02\x41\x9a", false, true},
		"Annex B":               {avc, "\x00\x00\x00\x01\x67\x64\x00\x1f\xac\xd9\x40", false, false},
		"length beyond the end": {avc, "\x00\x00\x00\x09\x65\x88", false, false},
		"empty":                 {avc, "", false, false},
		"empty units":           {avc, "\x00\x00\x00\x00\x00\x00\x00\x00", false, false},
		"CRA":                   {hevc, "\x00\x03\x2a\x01\x00", true, true},
		"trailing":              {hevc, "\x00\x03\x02\x01\x00", false, true},
		"HEVC parameter sets":   {hevc, "\x00\x03\x40\x01\x00", false, false},
		"other codec":           {&Input{}, "\x00\x00\x00\x02\x65\x88", false, false},
	}
	for name, c := range cases {
		if sync, known := c.in.SyncSample([]byte(c.sample)); sync != c.sync || known != c.known {
			t.Errorf("%s: %v, %v; want %v, %v", name, sync, known, c.sync, c.known)
		}
	}
}

func TestSampleFlags(t *testing.T) {
	for _, sync := range []bool{true, false} {
		if IsSync(SyncFlags(sync)) != sync {
			t.Errorf("SyncFlags(%v) = %#x", sync, SyncFlags(sync))
		}
	}
}

func FuzzSyncSample(f *testing.F) {
	f.Add(uint8(4), []byte("\x00\x00\x00\x02\x65\x88"))
	f.Add(uint8(2), []byte("\x00\x05\x06\x06\x01\xc4\x80\x00\x02\x41\x9a"))
	f.Fuzz(func(t *testing.T, size uint8, b []byte) {
		for _, nal := range []nalFormat{nalAVC, nalHEVC} {
			in := &Input{nal: nal, nalSize: []int{1, 2, 4}[size%3]}
			if sync, known := in.SyncSample(b); sync && !known {
				t.Fatal("sync, but not known")
			}
		}
	})
}
