package media

import "testing"

func TestEdits(t *testing.T) {
	type want struct {
		shift int64
		cto   int32
		ok    bool
	}
	const scale, movie = 12800, 1000
	const empty, one = 0xffffffff, 1 << 16
	cases := map[string]struct {
		kind Kind
		elst []byte
		want want
	}{
		"none":                {Video, nil, want{0, 0, true}},
		"reordering":          {Video, words(0, 1, 0, 1024, one), want{0, -1024, true}},
		"reordering, 64 bits": {Video, words(1<<24, 1, 0, 0, 0, 1024, one), want{0, -1024, true}},
		"priming":             {Audio, words(0, 1, 0, 1024, one), want{1024, 0, true}},
		"a real cut":          {Video, words(0, 1, 0, 2*scale, one), want{2 * scale, 0, true}},
		"put off":             {Video, words(0, 2, 80, empty, one, 0, 1024, one), want{-1024, -1024, true}},
		"put off only":        {Audio, words(0, 1, 500, empty, one), want{-6400, 0, true}},
		"later edits":         {Audio, words(0, 2, 500, 7, one, 500, 9999, one), want{7, 0, true}},
		"cut short":           {Audio, words(0, 2, 500, 7, one), want{}},
		"too many":            {Audio, words(0, 1000), want{}},
		"off by a week":       {Audio, words(0, 1, 7*86400*movie, empty, one), want{}},
		"off by ages":         {Audio, words(1<<24, 1, 0x7fffffff, empty, empty, empty, one), want{}},
		"cuts ages":           {Audio, words(1<<24, 1, 0, 0, 0x7fffffff, 0, one), want{}},
	}
	for name, c := range cases {
		tr := trak{scale: scale, edits: c.elst}
		in := Input{Track: Track{Kind: c.kind}, Timescale: scale}
		off, start, err := tr.edit(movie)
		if err == nil {
			in.applyEdits(off, start)
		}
		if got := (want{in.Shift, in.Defaults.CTO, err == nil}); got != c.want {
			t.Errorf("%s: %+v (%v), want %+v", name, got, err, c.want)
		}
	}
}
