package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a program that a test starts and ends. Its output goes to a file, the end of which is shown when the test
// fails. It gets a process group of its own, so that nothing outlives the test.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	log  string        // path
	done chan struct{} // closed when it has ended
	err  error         // how; valid once done
}

// start starts a program, which ends with the test at the latest. name is for logs.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := launch(t, name, cmd)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the end of %s's output:\n%s", name, tail(p.log, 40))
		}
	})
	return p
}

// launch starts a program that the caller ends.
func launch(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, log: filepath.Join(t.ArtifactDir(), name+".log"), done: make(chan struct{})}
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stdout == nil {
		cmd.Stdout = file
	}
	cmd.Stderr = file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // also where the tests are killed
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		_ = file.Close()
		close(p.done)
	}()
	return p
}

// kill ends the process and what it started, as kill -9 does, and waits.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the group is gone where it has ended
	<-p.done
}

// stop asks the process to end and returns how it did. One that takes longer than limit is killed, and an error.
func (p *process) stop(limit time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	return p.wait(limit)
}

// wait waits until the process ends of its own accord.
func (p *process) wait(limit time.Duration) error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(limit):
		p.kill()
		return errors.New("still running after " + limit.String())
	}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
