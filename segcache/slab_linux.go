package segcache

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const slabFileSuffix = ".slab"

// mapMemory maps and touches size bytes of a memfd, or of a file under Config.Dir.
func (c *Cache) mapMemory(size int) (*mapping, error) {
	fd, err := slabFile(c.config.Dir)
	if err != nil {
		return nil, err
	}
	m := &mapping{file: fd}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		err = allocate(fd, int64(size)) // a full disk is an error here, not a SIGBUS in the writer
	}
	if err == nil {
		m.buf, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err == nil {
		if err = populate(m.buf); err != nil {
			_ = unix.Munmap(m.buf)
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return m, nil
}

// unmapMemory gives all of m back to the system. Neither call can fail: both things are m's own, and end once.
func unmapMemory(m *mapping) {
	_ = unix.Munmap(m.buf)
	_ = unix.Close(m.file)
}

// slabFile makes an empty file without a name: in dir, or in memory where dir is "".
func slabFile(dir string) (fd int, err error) {
	if dir == "" {
		return unix.MemfdCreate("weir-slab", unix.MFD_CLOEXEC)
	}
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

// populate faults in all of b.
func populate(b []byte) error {
	err := unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.14
		touch(b)
		return nil
	}
	return err
}

// discard gives the pages of b, and the blocks of the file behind them, back to the system. A file system that cannot
// punch holes keeps them until the slab goes.
func discard(b []byte) { _ = unix.Madvise(b, unix.MADV_REMOVE) }
