// Package golden compares what manifest renders with files that were read and agreed to. It is for tests; nothing of it
// is linked into weir. make golden, or go test ./manifest/... -update, writes the files anew: read the difference as the
// change of behaviour that it is.
package golden

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Compare fails the test where got is not what the file holds, and shows the first line that differs. With update it
// writes the file.
func Compare(t *testing.T, update bool, path string, got []byte) {
	t.Helper()
	if update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make golden writes it)", err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(gotLines), len(wantLines)) {
		if g, w := line(gotLines, i), line(wantLines, i); g != w {
			t.Errorf("%s:%d:\n got %s\nwant %s", path, i+1, g, w)
			return
		}
	}
}

// line is line i of a file, or a word for none.
func line(lines [][]byte, i int) string {
	if i < len(lines) {
		return string(lines[i])
	}
	return "(end of file)"
}
