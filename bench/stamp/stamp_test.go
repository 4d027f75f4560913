package stamp

import (
	"bytes"
	"testing"
	"time"
)

func TestFindWhatWasAppended(t *testing.T) {
	at := time.Unix(1764073183, 123456789)
	nal := Append(nil, at)
	if len(nal) != Size || bytes.Contains(nal[4:], []byte{0, 0}) {
		t.Errorf("% x: %d bytes, want %d without two zeros in a row", nal, len(nal), Size)
	}
	nanos, end, ok := Find(append([]byte("\x00\x00\x00\x02\x09\xf0"), nal...))
	if !ok || nanos != at.UnixNano() || end != 6+Size-1 {
		t.Errorf("Find = %d, %d, %v; want %d, %d, true", nanos, end, ok, at.UnixNano(), 6+Size-1)
	}
	for n := range Size - 1 {
		if _, _, ok := Find(nal[:n]); ok {
			t.Errorf("found in the first %d bytes", n)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(Append([]byte("before"), time.Unix(1, 2)))
	f.Add([]byte(id + "zzzzzzzzzzzzzzzz"))
	f.Fuzz(func(t *testing.T, b []byte) {
		nanos, end, ok := Find(b)
		if ok && (end > len(b) || nanos < 0) {
			t.Fatalf("Find = %d, %d of %d bytes", nanos, end, len(b))
		}
	})
}

func TestAppendDoesNotAllocate(t *testing.T) {
	b, at := make([]byte, 0, Size), time.Now()
	if n := testing.AllocsPerRun(100, func() { b = Append(b[:0], at); _, _, _ = Find(b) }); n > 1 { // the digits, as a string
		t.Errorf("%v allocations", n)
	}
}
