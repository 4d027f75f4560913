package segcache

import (
	"errors"

	"golang.org/x/sys/unix"
)

// memfd makes an anonymous file in memory.
func memfd() (int, error) { return unix.MemfdCreate("weir-slab", unix.MFD_CLOEXEC) }

// allocate makes sure that the file's blocks exist, where the file system can.
func allocate(fd int, size int64) error {
	err := unix.Fallocate(fd, 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return err
}

// populate faults in all of b.
func populate(b []byte) error {
	err := unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.14
		touch(b)
		return nil
	}
	return err
}

// discard gives the pages of b, and the blocks of the file behind them, back to the system.
func discard(b []byte) { _ = unix.Madvise(b, unix.MADV_REMOVE) }
