package segcache

import (
	"errors"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

const slabFileSuffix = ".slab"

// mapMemory maps and touches size bytes: of anonymous memory, or of a file where there is a Config.Dir.
//
// Anonymous memory, because it can have huge pages, and slabs are never reused: getting and giving back a KiB costs 1000
// to 1150 ns of CPU in a memfd, 450 to 600 in small anonymous pages and 45 to 90 in huge ones, where reading it from a
// socket costs 260 (measured on a guest with nested paging). Those who want to send by sendfile set a Dir on a tmpfs.
func (c *Cache) mapMemory(size int) (*mapping, error) {
	m := &mapping{file: -1}
	var err error
	if c.config.Dir == "" {
		err = m.anonymous(size)
	} else {
		err = m.ofFile(c.config.Dir, size)
	}
	if err == nil {
		err = populate(m.buf)
	}
	if err != nil {
		unmapMemory(m)
		return nil, err
	}
	return m, nil
}

// anonymous maps anonymous memory, aligned for huge pages where size is a multiple of them.
func (m *mapping) anonymous(size int) (err error) {
	spare := 0
	if size%hugeBytes == 0 {
		spare = hugeBytes // never touched: it takes addresses, not memory
	}
	m.all, err = unix.Mmap(-1, 0, size+spare, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	off := 0
	if spare > 0 {
		off = -int(uintptr(unsafe.Pointer(unsafe.SliceData(m.all)))) & (hugeBytes - 1)
		_ = unix.Madvise(m.all, unix.MADV_HUGEPAGE) // a kernel without them gives small pages
	}
	m.buf = m.all[off : off+size : off+size]
	return nil
}

// ofFile maps a file in dir.
func (m *mapping) ofFile(dir string, size int) (err error) {
	if m.file, err = slabFile(dir); err != nil {
		return err
	}
	if err = unix.Ftruncate(m.file, int64(size)); err != nil {
		return err
	}
	if err = allocate(m.file, int64(size)); err != nil { // a full disk is an error here, not a SIGBUS in the writer
		return err
	}
	m.all, err = unix.Mmap(m.file, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	m.buf = m.all
	return err
}

// unmapMemory gives all that m has back to the system. Neither call can fail: both things are m's own, and end once.
func unmapMemory(m *mapping) {
	if m.all != nil {
		_ = unix.Munmap(m.all)
	}
	if m.file >= 0 {
		_ = unix.Close(m.file)
	}
}

// discard gives the pages of m from off on, and the blocks of the file behind them, back to the system. A file system
// that cannot punch holes keeps them until the slab goes.
func discard(m *mapping, off int) {
	if m.file >= 0 {
		_ = unix.Madvise(m.buf[off:], unix.MADV_REMOVE)
	} else {
		_ = unix.Madvise(m.buf[off:], unix.MADV_DONTNEED)
	}
}

// slabFile makes an empty file in dir, and takes its name away.
func slabFile(dir string) (fd int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return -1, err
	}
	f, err := os.CreateTemp(dir, "*"+slabFileSuffix)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return -1, err
	}
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// removeSlabFiles removes what a process that died between making a slab file and unlinking it left behind.
func removeSlabFiles(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "*"+slabFileSuffix)) // a bad pattern matches nothing
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// allocate makes sure that the file's blocks exist, where the file system can.
func allocate(fd int, size int64) error {
	err := unix.Fallocate(fd, 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

// populateBytes is how much of a slab is faulted in ahead of its use: all of it up to 64 Mbit/s. A larger one is made for a
// chunk whose size is no more than a promise, and the rest of it takes memory as bytes come.
const populateBytes = 16 << 20

// populate faults in what of b is worth it.
func populate(b []byte) error {
	b = b[:min(len(b), populateBytes)]
	err := unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.14
		touch(b)
		return nil
	}
	return err
}
