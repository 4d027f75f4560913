package m3u8

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func recorded(t testing.TB) [][]byte {
	t.Helper()
	names, err := filepath.Glob("../testdata/clean/*/*m3u8-cmaf*")
	more, _ := filepath.Glob("../testdata/clean/*m3u8-cmaf*")
	if names = append(names, more...); err != nil || len(names) < 3 {
		t.Fatalf("%d recorded playlists: %v", len(names), err)
	}
	var list [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

func TestParseRecorded(t *testing.T) {
	for _, b := range recorded(t) {
		p, err := Parse(b)
		if err != nil || len(p.Faults) > 0 {
			t.Errorf("Parse: %v, %v", err, p.Faults)
			continue
		}
		if p.Multivariant == (len(p.Segments) > 0) || !p.Multivariant && p.Segments[0].Map == nil {
			t.Errorf("multivariant %v with %d segments", p.Multivariant, len(p.Segments))
		}
	}
}

func TestParseMedia(t *testing.T) {
	p, err := Parse([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-VERSION:6\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n" +
		"#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"10@0\"\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@10\na.mp4\n#EXTINF:3.5,\n#EXT-X-BYTERANGE:50\na.mp4\n" +
		"#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXT-X-PROGRAM-DATE-TIME:2026-11-25T09:00:00.5+01:00\n#EXTINF:4,\nb.mp4\n#EXT-X-ENDLIST\n"))
	if err != nil || len(p.Faults) > 0 {
		t.Fatalf("Parse: %v, %v", err, p.Faults)
	}
	a, b, c := p.Segments[0], p.Segments[1], p.Segments[2]
	if a.Number != 7 || b.Range != (Range{110, 50}) || a.Map.Range != (Range{0, 10}) || b.Duration != 3500*time.Millisecond {
		t.Errorf("segments %+v %+v", a, b)
	}
	want := time.Date(2026, 11, 25, 8, 0, 0, 5e8, time.UTC)
	if !c.Gap || !c.Breaks || c.Discontinuity != 3 || !c.Start.Equal(want) || c.Number != 9 || !p.Ended || p.Needs != 6 {
		t.Errorf("segment %+v, needs %d", c, p.Needs)
	}
}

func TestParseParts(t *testing.T) {
	p, err := Parse([]byte("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,PART-HOLD-BACK=0.6\n" +
		"#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-MAP:URI=\"i.mp4\"\n" +
		"#EXT-X-PART:DURATION=0.2,URI=\"a\",BYTERANGE=\"9@3\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.15,URI=\"a\",BYTERANGE=\"5\"\n#EXTINF:0.35,\na\n" +
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-25T09:00:00Z\n#EXT-X-PART:DURATION=0.2,URI=\"b\",GAP=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"c\"\n" +
		"#EXT-X-RENDITION-REPORT:URI=\"d\",LAST-MSN=11,LAST-PART=1\n"))
	if err != nil || len(p.Faults) > 0 {
		t.Fatalf("Parse: %v, %v", err, p.Faults)
	}
	s, open := p.Segments[0], p.Open
	if s.Number != 10 || len(s.Parts) != 2 || !s.Parts[0].Independent || s.Parts[1].Range != (Range{12, 5}) || s.Parts[1].Duration != 150*time.Millisecond {
		t.Errorf("segment %+v", s)
	}
	if open == nil || open.Number != 11 || !open.Dated || open.Map == nil || len(open.Parts) != 1 || !open.Parts[0].Gap {
		t.Errorf("open segment %+v", open)
	}
	if p.Next() != (Position{11, 1}) || p.PartTarget() != 200*time.Millisecond || p.Hints[0].URI != "c" || p.Needs != 9 {
		t.Errorf("next %v, hints %v, needs %d", p.Next(), p.Hints, p.Needs)
	}
	for at, want := range map[Position]int{{11, 2}: 1, {12, 0}: 1, {10, 1}: -2, {10, 2}: -1, {9, 1}: -4} {
		if ahead, ok := p.Ahead(at); !ok || ahead != want {
			t.Errorf("%v is %d ahead, want %d", at, ahead, want)
		}
	}
	if part := p.At(Position{10, 2}); part == nil || part.URI != "b" {
		t.Errorf("behind the last part of 10 there is %v", part)
	}
}

func TestParseFaults(t *testing.T) {
	const head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"no number":            {head + "#EXTINF:four,\na.ts\n", 12},
		"exponent":             {head + "#EXTINF:4e0,\na.ts\n", 12},
		"no comma":             {head + "#EXTINF:4\na.ts\n", 12},
		"sequence no number":   {head + "#EXT-X-MEDIA-SEQUENCE:-1\n", 12},
		"sequence behind":      {head + "#EXTINF:4,\na.ts\n#EXT-X-MEDIA-SEQUENCE:1\n", 12},
		"EXTINF without URI":   {head + "#EXTINF:4,\n", 12},
		"date without zone":    {head + "#EXT-X-PROGRAM-DATE-TIME:2026-11-25T09:00:00\n#EXTINF:4,\na.ts\n", 23},
		"range of nothing":     {head + "#EXTINF:4,\n#EXT-X-BYTERANGE:0@0\na.ts\n", 12},
		"range out of nowhere": {head + "#EXTINF:4,\n#EXT-X-BYTERANGE:5\na.ts\n", 12},
		"map without URI":      {head + "#EXT-X-MAP:BYTERANGE=\"5@0\"\n#EXTINF:4,\na.ts\n", 14},
		"map behind a part":    {head + "#EXT-X-PART:DURATION=1,URI=\"a\"\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:4,\na\n", 14},
		"part without URI":     {head + "#EXT-X-PART:DURATION=1\n#EXTINF:4,\na\n", 12},
		"part out of nowhere":  {head + "#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"5\"\n#EXTINF:4,\na\n", 12},
		"hint without TYPE":    {head + "#EXT-X-PRELOAD-HINT:URI=\"a\"\n", 12},
		"skip of nothing":      {head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=0\n", 47},
		"quote left open":      {head + "#EXT-X-MAP:URI=\"a\n#EXTINF:4,\na.ts\n", 11},
		"lower-case name":      {"#EXTM3U\n#EXT-X-STREAM-INF:bandwidth=1\na\n", 11},
		"variant without URI":  {"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", 11},
		"both kinds":           {head + "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n", 12},
	} {
		p, err := Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !slices.ContainsFunc(p.Faults, func(f Fault) bool { return f.Assertion == c.want }) {
			t.Errorf("%s: no fault of assertion %d: %v", name, c.want, p.Faults)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range recorded(f) {
		f.Add(b)
	}
	f.Add([]byte("#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-PART:DURATION=0.2,URI=\"a\",BYTERANGE=\"9@0\"\n" +
		"#EXT-X-PART:DURATION=0.2,URI=\"a\",BYTERANGE=\"9\",INDEPENDENT=YES\n#EXTINF:0.4,\na\n#EXT-X-PART:DURATION=0.1,URI=\"b\",GAP=YES\n" +
		"#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"c\",BYTERANGE-START=5\n#EXT-X-RENDITION-REPORT:URI=\"d\",LAST-MSN=4,LAST-PART=1\n"))
	f.Add([]byte("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:9223372036854775807@1\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:9223372036854775807\na\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if len(p.Faults) > maxFaults || len(p.Lines) > maxLines {
			t.Fatalf("%d faults, %d lines", len(p.Faults), len(p.Lines))
		}
		for i, s := range p.Segments {
			if s.Number != p.Sequence+p.Skipped+uint64(i) || s.Line < s.First || s.First < 1 || s.Duration < 0 || s.Range.Length < 0 {
				t.Fatalf("segment %d: %+v", i, s)
			}
		}
		next := p.Next()
		if ahead, ok := p.Ahead(next); ok && ahead != 0 || p.At(next) != nil {
			t.Fatalf("the next part is %d ahead of the end", ahead)
		}
		for _, r := range p.Reports {
			p.Ahead(r.Position)
			p.At(r.Position)
		}
	})
}

// TestLateSequence: numbers follow from the sequence number wherever it stands.
func TestLateSequence(t *testing.T) {
	p, err := Parse([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\nb.ts\n"))
	if err != nil || p.Segments[0].Number != 7 || p.Segments[1].Number != 8 {
		t.Errorf("%v, %+v", err, p.Segments)
	}
}
