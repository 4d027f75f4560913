//go:build linux

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"weir/bench/proc"
)

// cpus are where things run: the server under test on one core, all that makes load on another.
type cpus struct {
	Server int `json:"server"`
	Load   int `json:"load"`
}

// takeCPUs chooses the cores and moves this process to the load's, at a niceness that its children inherit. Their cores
// have to be told them: see pinned.
func takeCPUs(nice int) (cpus, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return cpus{}, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var free []int
	for n := 0; n < 1024 && len(free) < 2; n++ {
		if set.IsSet(n) {
			free = append(free, n)
		}
	}
	switch len(free) {
	case 0:
		return cpus{}, errors.New("no core to run on")
	case 1:
		free = append(free, free[0])
	}
	c := cpus{Server: free[0], Load: free[1]}
	set.Zero()
	set.Set(c.Load)
	// Threads inherit core and niceness of the one that starts them; two passes also get those started meanwhile.
	for range 2 {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return cpus{}, err
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return cpus{}, fmt.Errorf("sched_setaffinity: %w", err)
			}
			if nice == 0 {
				continue
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, tid, nice); err != nil && !errors.Is(err, unix.ESRCH) {
				return cpus{}, fmt.Errorf("niceness %d: %w (below 0 it takes root)", nice, err)
			}
		}
	}
	runtime.GOMAXPROCS(1)
	if nice != 0 {
		// Sessions are scheduled against each other as groups, where the kernel does so: niceness within one is not enough.
		_, _ = unix.Setsid() // fails for a session's first process, whose session it is
		_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(nice)), 0)
	}
	return c, nil
}

// pinned is a command on one core.
func pinned(ctx context.Context, cpu int, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(cpu), name}, args...)...)
}

// Machine tells what kind of machine the figures come from, and nothing of whose it is.
type Machine struct {
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"`
	MemoryGiB   int    `json:"memoryGiB"`
	Kernel      string `json:"kernel"`
	Go          string `json:"go"`
	Nginx       string `json:"nginx,omitempty"`
	LoadAverage string `json:"loadAverage"` // before: 1, 5 and 15 minutes
}

func describeMachine(ctx context.Context) Machine {
	m := Machine{CPU: proc.Field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Go: runtime.Version(), LoadAverage: proc.LoadAverage()}
	kib, _, _ := strings.Cut(proc.Field("/proc/meminfo", "MemTotal"), " ")
	if n, err := strconv.Atoi(kib); err == nil {
		m.MemoryGiB = (n + 1<<19) >> 20
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		release := unix.ByteSliceToString(name.Release[:])
		m.Kernel, _, _ = strings.Cut(release, "-")
	}
	if out, err := exec.CommandContext(ctx, "nginx", "-v").CombinedOutput(); err == nil {
		_, m.Nginx, _ = strings.Cut(strings.TrimSpace(string(out)), "nginx/")
	}
	return m
}
