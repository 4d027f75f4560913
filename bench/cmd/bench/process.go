package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is a server under test.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string // file with its output
	done chan struct{}
	err  error // how it ended; valid once done is closed
}

// start starts a command with its output in a file. Its context ends it by SIGTERM, and after ten seconds by SIGKILL.
func start(name string, cmd *exec.Cmd, log string) (*process, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &process{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = f, f
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // gone already where this fails
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// ended returns an error with the end of the output if the process runs no more.
func (p *process) ended() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%s has ended (%v):\n%s", p.name, p.err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
}

func (p *process) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file)
}

// cpu is the time that the process's threads have spent on a core, to the nanosecond. A thread that ends takes its time
// along; Go's threads and nginx's do not.
func (p *process) cpu() (time.Duration, error) {
	files, err := filepath.Glob(p.proc("task/*/schedstat"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("%s: no schedstat (%w)", p.name, err)
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

// kernel is how much of the process's time was spent in system calls and page faults, to 10 ms.
func (p *process) kernel() (time.Duration, error) {
	b, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%s: no stime in %q", p.name, b)
	}
	ticks, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(ticks) * 10 * time.Millisecond, err
}

// A footprint is the memory of a process, in bytes.
type footprint struct {
	RSS   int64 `json:"rss"`   // resident: Anon + File + Shmem
	Anon  int64 `json:"anon"`  // of it, private
	File  int64 `json:"file"`  // of it, mapped files
	Shmem int64 `json:"shmem"` // of it, shared memory: mapped memfds
	Memfd int64 `json:"memfd"` // memory behind the open memfds, mapped or not: more than Shmem is memory that RSS hides
}

// memory reads the process's footprint.
func (p *process) memory() (footprint, error) {
	var m footprint
	for name, to := range map[string]*int64{"VmRSS": &m.RSS, "RssAnon": &m.Anon, "RssFile": &m.File, "RssShmem": &m.Shmem} {
		kib, _, _ := strings.Cut(field(p.proc("status"), name), " ")
		n, err := strconv.ParseInt(kib, 10, 64)
		if err != nil {
			return m, fmt.Errorf("%s: %s: %w", p.name, name, err)
		}
		*to = n << 10
	}
	files, err := filepath.Glob(p.proc("fd/*"))
	if err != nil {
		return m, err
	}
	for _, file := range files {
		if name, err := os.Readlink(file); err != nil || !strings.HasPrefix(name, "/memfd:") {
			continue
		}
		var stat unix.Stat_t
		if unix.Stat(file, &stat) == nil {
			m.Memfd += stat.Blocks * 512
		}
	}
	return m, nil
}
