package segcache

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	pageBytes      = 4096
	slabFileSuffix = ".slab"
	maxSlabBytes   = 1 << 30 // one room is never larger; offsets in the chunk index are 32 bits wide
)

// A slab is a stretch of mapped memory that chunks live in. It is filled once from front to back by one arena and never
// used again: whoever can reach the slab may read what was committed in it for as long as it likes, and when nobody can
// reach it any more the collector has it unmapped (AddCleanup). So there are no reader counts, epochs or hazard pointers.
//
// Slices of the memory do not keep it mapped, only pointers to the slab do.
type slab struct {
	*mapping
	holds atomic.Int32 // arena and segments of the window that need it; readers are not counted
}

// A mapping is what a slab's cleanup needs: it must not point back at the slab.
type mapping struct {
	cache *Cache
	buf   []byte
	size  atomic.Int64 // bytes that count as mapped: len(buf) less the trimmed tail
	fd    int          // of the file behind buf; -1: none
	path  string       // file to remove; "": none
}

// makeSlab maps a slab of at least size bytes and touches every page, so that the writer meets no page fault. The slab
// is returned held once, for its arena. ErrMemory: the bound is reached.
func (c *Cache) makeSlab(size int) (*slab, error) {
	size = (size + pageBytes - 1) &^ (pageBytes - 1)
	if size <= 0 || size > maxSlabBytes {
		return nil, fmt.Errorf("slab of %d bytes: %w", size, ErrMemory)
	}
	if err := c.claim(int64(size)); err != nil {
		return nil, err
	}
	m, err := c.makeFn(size)
	if err != nil {
		c.live.Add(int64(-size))
		c.mapped.Add(int64(-size))
		return nil, fmt.Errorf("slab of %d bytes: %w", size, err)
	}
	m.cache = c
	m.size.Store(int64(size))
	c.slabs.Add(1)
	s := &slab{mapping: m}
	s.holds.Store(1)
	runtime.AddCleanup(s, (*mapping).unmap, m)
	return s, nil
}

// claim takes size bytes from the bounds, or returns ErrMemory.
func (c *Cache) claim(size int64) error {
	if c.live.Add(size) > c.config.Memory {
		c.live.Add(-size)
		return ErrMemory
	}
	if c.mapped.Add(size) <= c.config.Memory+c.config.Memory/4 {
		return nil
	}
	c.reclaim() // readers pin much, or the collector is late
	if c.mapped.Load() <= c.config.Memory+c.config.Memory/4 {
		return nil
	}
	c.live.Add(-size)
	c.mapped.Add(-size)
	return fmt.Errorf("%w: readers hold %d bytes", ErrMemory, c.mapped.Load()-c.live.Load())
}

// hold counts one more segment that needs the slab. Writers only.
func (s *slab) hold() {
	if s.holds.Add(1) == 1 { // its arena has gone on already, and this is its first segment
		s.cache.live.Add(s.size.Load())
	}
}

// release undoes one hold. When it was the last, the slab is the collector's, unless readers still have bodies in it.
func (s *slab) release() {
	if s.holds.Add(-1) == 0 {
		size := s.size.Load()
		s.cache.live.Add(-size)
		s.cache.evicted(size)
	}
}

// trim gives back the memory from off on, which was never reserved. Called once, by the arena while it holds the slab.
// What is given back stops counting here, and is returned to the system by the keeper.
func (s *slab) trim(off int) {
	off = (off + pageBytes - 1) &^ (pageBytes - 1)
	spare := int64(len(s.buf) - off)
	if s.fd < 0 || spare < minTrimBytes {
		return
	}
	s.size.Add(-spare)
	s.cache.live.Add(-spare)
	s.cache.mapped.Add(-spare)
	s.cache.do(chore{trim: s, off: off})
}

// unmap is the slab's cleanup: it runs when nothing can reach the slab.
func (m *mapping) unmap() {
	if m.fd >= 0 {
		_ = unix.Munmap(m.buf) // cannot fail: buf came from Mmap and is unmapped once
		_ = unix.Close(m.fd)
	}
	if m.path != "" {
		_ = os.Remove(m.path) // when it cannot be removed, the next start will try
	}
	m.cache.mapped.Add(-m.size.Load())
	m.cache.slabs.Add(-1)
}

// mapMemory maps and touches size bytes of a memfd, or of a file under Config.Dir.
func (c *Cache) mapMemory(size int) (*mapping, error) {
	m := &mapping{}
	var err error
	if c.config.Dir == "" {
		m.fd, err = memfd()
	} else {
		m.fd, m.path, err = slabFile(c.config.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err = unix.Ftruncate(m.fd, int64(size)); err == nil {
		err = allocate(m.fd, int64(size)) // a full disk is an error here, not a SIGBUS in the writer
	}
	if err == nil {
		m.buf, err = unix.Mmap(m.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err == nil {
		if err = populate(m.buf); err != nil {
			_ = unix.Munmap(m.buf)
		}
	}
	if err != nil {
		_ = unix.Close(m.fd)
		if m.path != "" {
			_ = os.Remove(m.path)
		}
		return nil, err
	}
	return m, nil
}

// slabFile makes an empty slab file in dir.
func slabFile(dir string) (fd int, path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return -1, "", err
	}
	f, err := os.CreateTemp(dir, "*"+slabFileSuffix)
	if err != nil {
		return -1, "", err
	}
	defer f.Close()
	fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		_ = os.Remove(f.Name())
		return -1, "", err
	}
	return fd, f.Name(), nil
}

// removeSlabFiles removes what an earlier process left behind.
func removeSlabFiles(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "*"+slabFileSuffix)) // the pattern is well formed
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// touch faults in every page of b by writing to it. b is new: nobody else sees it.
func touch(b []byte) {
	for i := 0; i < len(b); i += pageBytes {
		b[i] = 0
	}
}
