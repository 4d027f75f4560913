//go:build unix && !linux

package segcache

import (
	"os"

	"golang.org/x/sys/unix"
)

// memfd makes a temporary file without a name, the nearest thing to a memfd.
func memfd() (int, error) {
	fd, path, err := slabFile(os.TempDir())
	if err == nil {
		_ = os.Remove(path)
	}
	return fd, err
}

func allocate(int, int64) error { return nil }

func populate(b []byte) error {
	touch(b)
	return nil
}

func discard(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
