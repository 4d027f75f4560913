package ingest

import (
	"bytes"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
)

// Whatever chunks an encoder sends, the parts of a segment are its bytes from end to end, each begins where it is said to
// and with a moof, and one that is independent with a sync sample; numbers of moofs count up.
func TestPartsAreTheSegment(t *testing.T) {
	for _, frames := range []int{1, 3, 5, 12, 50} {
		b := newTestbed(t, &memory{})
		v, a := videoSource(), audioSource()
		v.gop, v.perChunk = 25, frames // two groups of pictures a segment
		a.perChunk = frames
		b.attach(v)
		b.attach(a)
		b.run(testStart, 18*time.Second, v, a)
		for _, name := range []string{"v", "a"} {
			view := b.view(name)
			if view.End-view.First < 4 {
				t.Fatalf("%d segments\n%s", view.End-view.First, b.log)
			}
			for n := view.First; n < view.End; n++ {
				s := view.Segment(n)
				parts := s.Parts()
				if len(parts) < 8 {
					t.Fatalf("chunks of %d: %s: segment %d has %d parts", frames, name, n, len(parts))
				}
				whole, _ := s.Body()
				var all []byte
				pos, sequence := s.Start, uint32(0)
				for k, p := range parts {
					body, ok := s.Part(k)
					if !ok || body.Arrived() == 0 {
						t.Fatalf("%s: part %d of segment %d is not there", name, k, n)
					}
					var buf bytes.Buffer
					if _, err := body.WriteTo(&buf); err != nil {
						t.Fatal(err)
					}
					all = append(all, buf.Bytes()...)
					if p.Start != pos {
						t.Fatalf("%s: part %d of segment %d starts at %d, want %d", name, k, n, p.Start, pos)
					}
					pos = p.End
					checkPart(t, buf.Bytes(), p, &sequence)
				}
				if pos != s.Start+s.Duration {
					t.Errorf("%s: segment %d ends at %d, its parts at %d", name, n, s.Start+s.Duration, pos)
				}
				var buf bytes.Buffer
				if _, err := whole.WriteTo(&buf); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(all, buf.Bytes()) {
					t.Fatalf("%s: the parts are not segment %d", name, n)
				}
			}
		}
	}
}

// checkPart decodes a part as a stranger would.
func checkPart(t *testing.T, b []byte, p media.Part, sequence *uint32) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	at := uint64(p.Start)
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			if frag.Moof.Mfhd.SequenceNumber <= *sequence {
				t.Fatalf("moof %d after %d", frag.Moof.Mfhd.SequenceNumber, *sequence)
			}
			*sequence = frag.Moof.Mfhd.SequenceNumber
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range samples {
				if s.DecodeTime != at {
					t.Fatalf("sample at %d, want %d", s.DecodeTime, at)
				}
				if at == uint64(p.Start) && p.Independent != s.IsSync() {
					t.Errorf("part at %d: independent %v, its first sample %v", p.Start, p.Independent, s.IsSync())
				}
				at += uint64(s.Dur)
			}
		}
	}
	if at != uint64(p.End) {
		t.Fatalf("media of part [%d,%d) ends at %d", p.Start, p.End, at)
	}
}
