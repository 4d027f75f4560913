package media

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares got with testdata/name, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// A recording is an encoder's stream out of testdata, taken apart.
type recording struct {
	moov   []byte
	inputs []Input
	chunks []piece
}

// A piece is one moof and the payload of its mdat.
type piece struct{ moof, payload []byte }

func (r *recording) defaults(id uint32) (Defaults, bool) {
	for i := range r.inputs {
		if r.inputs[i].ID == id {
			return r.inputs[i].Defaults, true
		}
	}
	return Defaults{}, false
}

func record(t testing.TB, name string) *recording {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{}
	for len(b) > 0 {
		box, err := ReadBox(b)
		if err != nil {
			t.Fatal(err)
		}
		one := b[:box.Size]
		switch string(box.Type[:]) {
		case "moov":
			r.moov = one
			if r.inputs, err = ParseInit(one); err != nil {
				t.Fatal(err)
			}
		case "moof":
			r.chunks = append(r.chunks, piece{moof: one})
		case "mdat":
			r.chunks[len(r.chunks)-1].payload = one[box.Head:]
		}
		b = b[box.Size:]
	}
	return r
}

// recordings are all streams of testdata.
func recordings(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.mp4", "*.ismv"} {
		paths, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			names = append(names, filepath.Base(p))
		}
	}
	if len(names) < 10 {
		t.Fatalf("only %d streams in testdata", len(names))
	}
	return names
}
