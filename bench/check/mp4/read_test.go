package mp4

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func recorded(t testing.TB, kind string) (inits, segments [][]byte) {
	t.Helper()
	names, err := filepath.Glob("../testdata/clean/*/Fragments(" + kind + "*")
	if err != nil || len(names) < 4 {
		t.Fatalf("%d recorded objects: %v", len(names), err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".mp4") {
			inits = append(inits, b)
		} else {
			segments = append(segments, b)
		}
	}
	return inits, segments
}

func TestReadRecorded(t *testing.T) {
	for kind, want := range map[string]struct {
		codec    string
		duration int64
	}{"video240": {"avc1.4d4016", 25600}, "audio": {"mp4a.40.2", 0}} {
		inits, segments := recorded(t, kind)
		in, err := ReadInit(inits[0])
		if err != nil || len(in.Faults) > 0 || in.Codec != want.codec {
			t.Fatalf("ReadInit: %v, %+v", err, in)
		}
		for _, b := range segments {
			s := ReadSegment(b, in)
			if len(s.Faults) > 0 || len(s.Chunks) != 10 {
				t.Fatalf("%d chunks, %v", len(s.Chunks), s.Faults)
			}
			times, ok := s.Times(0)
			if !ok || want.duration > 0 && times.DecodeEnd-times.Decode != want.duration || times.Present != times.Decode {
				t.Errorf("times %+v", times)
			}
			for _, c := range s.Chunks {
				if len(c.Payloads) != len(c.Samples) {
					t.Errorf("%d payloads for %d samples", len(c.Payloads), len(c.Samples))
				}
			}
		}
	}
}

func FuzzReadInit(f *testing.F) {
	for _, kind := range []string{"video240", "audio"} {
		inits, _ := recorded(f, kind)
		f.Add(inits[0])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if in, err := ReadInit(b); err == nil && (in.Codec == "" || len(in.Faults) > maxFaults) {
			t.Fatalf("%+v", in)
		}
	})
}

func FuzzReadSegment(f *testing.F) {
	_, segments := recorded(f, "audio")
	f.Add(segments[0][:2800])
	_, segments = recorded(f, "video240")
	f.Add(segments[0][:12000])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := ReadSegment(b, nil)
		if len(s.Faults) > maxFaults || len(s.Faults) == 0 && len(s.Chunks) == 0 {
			t.Fatalf("%d chunks, %d faults", len(s.Chunks), len(s.Faults))
		}
		for _, c := range s.Chunks {
			size := 0
			for _, p := range c.Payloads {
				size += len(p)
			}
			if size > len(c.Mdat.Body) || c.Payloads != nil && size < len(c.Mdat.Body) && len(s.Faults) == 0 {
				t.Fatalf("payloads of %d bytes in %d", size, len(c.Mdat.Body))
			}
		}
		_, _ = s.Times(0)
	})
}
