package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A folderLock keeps a second weir out of a data folder. The kernel gives it free when the process ends, however it
// ends, so no stale lock is ever left behind.
type folderLock struct{ file *os.File }

// lockFolder makes the folder where there is none and takes its lock, or says who holds it.
func lockFolder(folder string) (*folderLock, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("data folder: lock %s: %w", f.Name(), err)
		}
		holder, _ := io.ReadAll(io.LimitReader(f, 20)) // only to make the message better
		return nil, fmt.Errorf("data folder %s is in use by another weir (process %s): stop it, or set another data.dir", folder, strings.TrimSpace(string(holder)))
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return &folderLock{f}, nil
}

func (l *folderLock) release() { l.file.Close() }
