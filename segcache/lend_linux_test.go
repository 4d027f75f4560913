package segcache

import (
	"bytes"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLentBytesStay: bytes whose pages the kernel has are the same long after their slab has gone and its memory has been found,
// for what was lent is not used for other slabs.
func TestLentBytesStay(t *testing.T) {
	c := newCache(t, Config{Memory: 256 << 20})
	f := newFeed(t, c, 10, 1)
	f.layout = func(int, uint64) []int { return []int{300 << 10, 300 << 10, 300 << 10} }
	type lent struct {
		from *os.File
		want []byte
	}
	var queue []lent
	wrong, checked := 0, 0
	for n := range uint64(120) {
		f.slots(n, n+1)
		eventually(t, "nothing to collect", func() bool { return c.Stats().Pinned < 3<<20 })
		b := f.bodyOf(0, n)
		b = b.Range(b.Len()-40_000, 30_000)
		from, to, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		b.Lend()
		v := unix.Iovec{Base: &b.Slices()[0][0]}
		v.SetLen(int(b.Len()))
		if k, err := unix.Vmsplice(int(to.Fd()), []unix.Iovec{v}, 0); err != nil || k != int(b.Len()) {
			t.Fatalf("vmsplice: %d bytes, %v", k, err)
		}
		_ = to.Close()
		queue = append(queue, lent{from, read(b)})
		if len(queue) < 60 && n < 119 {
			continue
		}
		got, err := io.ReadAll(queue[0].from)
		if err != nil {
			t.Fatal(err)
		}
		_ = queue[0].from.Close()
		if checked++; !bytes.Equal(got, queue[0].want) {
			wrong++
		}
		queue = queue[1:]
	}
	for _, l := range queue {
		_ = l.from.Close()
	}
	if wrong > 0 {
		t.Errorf("%d of %d lent pieces were written over", wrong, checked)
	}
	b := f.bodyOf(0, 119)
	if n := testing.AllocsPerRun(100, b.Lend); n != 0 {
		t.Errorf("Lend allocates %v times", n)
	}
	Body{}.Lend()
}
