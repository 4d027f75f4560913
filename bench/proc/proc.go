// Package proc reads what the kernel knows of a process: the time that it spent on a core and the memory that it has. It
// needs Linux's /proc and starts nothing.
package proc

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU is the time that the process's threads have spent on a core, to the nanosecond. A thread that ends takes its time
// along; Go's threads and nginx's do not.
func CPU(pid int) (time.Duration, error) {
	files, err := filepath.Glob(path(pid, "task/*/schedstat"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("process %d: no schedstat (%w)", pid, err)
	}
	var sum time.Duration
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has just ended
		}
		ran, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// Kernel is how much of the process's time was spent in system calls and page faults, to 10 ms.
func Kernel(pid int) (time.Duration, error) {
	b, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d: no stime in %q", pid, b)
	}
	ticks, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(ticks) * 10 * time.Millisecond, err
}

// A Footprint is the memory of a process, in bytes.
type Footprint struct {
	RSS   int64 `json:"rss"`   // resident: Anon + File + Shmem
	Anon  int64 `json:"anon"`  // of it, private
	File  int64 `json:"file"`  // of it, mapped files
	Shmem int64 `json:"shmem"` // of it, shared memory
}

// Memory reads the process's footprint.
func Memory(pid int) (Footprint, error) {
	var m Footprint
	for name, to := range map[string]*int64{"VmRSS": &m.RSS, "RssAnon": &m.Anon, "RssFile": &m.File, "RssShmem": &m.Shmem} {
		kib, _, _ := strings.Cut(Field(path(pid, "status"), name), " ")
		n, err := strconv.ParseInt(kib, 10, 64)
		if err != nil {
			return m, fmt.Errorf("process %d: %s: %w", pid, name, err)
		}
		*to = n << 10
	}
	return m, nil
}

// Field returns what stands behind "name:" in a file of /proc, or "".
func Field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// LoadAverage is that of 1, 5 and 15 minutes.
func LoadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

func path(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }
