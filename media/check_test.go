package media

import (
	"strings"
	"testing"
)

func TestCheckSample(t *testing.T) {
	video := &Input{nal: nalAVC, nalSize: 4}
	short := &Input{nal: nalHEVC, nalSize: 2}
	sound := &Input{Track: Track{Codec: "mp4a.40.2"}}
	other := &Input{Track: Track{Codec: "ac-3"}}
	for name, c := range map[string]struct {
		in     *Input
		sample string
		want   string // part of the error; "": none
	}{
		"one unit":              {video, "\x00\x00\x00\x02\x65a", ""},
		"two units":             {video, "\x00\x00\x00\x02\x09a\x00\x00\x00\x01\x65", ""},
		"empty unit":            {video, "\x00\x00\x00\x00\x00\x00\x00\x01\x65", ""},
		"zeros behind":          {video, "\x00\x00\x00\x02\x65a\x00\x00\x00", ""},
		"no bytes":              {video, "", ""},
		"unit beyond the end":   {video, "\x00\x00\x00\x03\x65a", "NAL unit of 3 bytes"},
		"Annex B":               {video, "\x00\x00\x00\x01\x67\x42\x00\x1e\x00\x00\x00\x01\x65aaaa", "Annex B"},
		"Annex B, short":        {video, "\x00\x00\x01\x67\x42\x00\x1e", "Annex B"},
		"bytes behind":          {video, "\x00\x00\x00\x02\x65aXYZ", "behind the last NAL unit"},
		"lengths of two bytes":  {short, "\x00\x02\x26a\x00\x01b", ""},
		"AAC frame":             {sound, "abc", ""},
		"AAC frame of nothing":  {sound, "", "AAC frame of 0 bytes"},
		"AAC frame of 8 KiB":    {sound, strings.Repeat("a", 8<<10), ""},
		"AAC frame too large":   {sound, strings.Repeat("a", 8<<10+1), "AAC frame of 8193 bytes"},
		"what nothing is known": {other, "", ""},
	} {
		err := c.in.CheckSample([]byte(c.sample))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzCheckSample(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02\x65a\x00\x00\x00\x01\x65"))
	in := &Input{nal: nalAVC, nalSize: 4}
	f.Fuzz(func(t *testing.T, b []byte) {
		if in.CheckSample(b) != nil {
			return
		}
		if _, known := in.SyncSample(b); !known {
			return
		}
		if in.CheckSample(append([]byte{0, 0, 0, 0}, b...)) != nil {
			t.Fatal("an empty unit before a good sample makes it bad")
		}
	})
}

func TestCheckSampleDoesNotAllocate(t *testing.T) {
	in, b := &Input{nal: nalAVC, nalSize: 4}, []byte("\x00\x00\x00\x02\x65a")
	if n := testing.AllocsPerRun(100, func() { _ = in.CheckSample(b) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
