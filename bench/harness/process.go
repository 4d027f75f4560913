//go:build linux

package harness

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"weir/bench/proc"
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

// cpu is the time that the process's threads have spent on a core.
func (p *process) cpu() (time.Duration, error) { return proc.CPU(p.pid()) }

// memory is the process's footprint.
func (p *process) memory() (proc.Footprint, error) { return proc.Memory(p.pid()) }

func (p *process) pid() int { return p.cmd.Process.Pid }
