//go:build linux

// Package epoll is a loop for thousands of sockets on one thread: what the benchmark's relay and its players stand on. A
// goroutine a socket costs kilobytes and a wake-up each, and both would be measured along. It knows no protocol. Start
// with Loop.
package epoll

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// A Sink is told when its descriptor is ready, or has failed. It reads and writes until EAGAIN or comes back later: the
// loop is level-triggered.
type Sink interface {
	Ready(events uint32)
}

// The events that a Sink may wait for.
const (
	In  = unix.EPOLLIN
	Out = unix.EPOLLOUT
)

// A Loop waits for many descriptors. All its methods but Do belong to the goroutine of Run, or to the time before it.
type Loop struct {
	fd     int
	wake   int // eventfd
	sinks  []Sink
	timers timers
	events [512]unix.EpollEvent
	do     chan func()
	ended  bool
}

// New makes a loop. The caller runs it, which also closes it.
func New() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	l := &Loop{fd: fd, wake: wake, do: make(chan func(), 16)}
	return l, l.Add(wake, In, wakeup{l})
}

// Add has s told of events of fd, which is non-blocking. The loop never closes it.
func (l *Loop) Add(fd int, events uint32, s Sink) error {
	for fd >= len(l.sinks) {
		l.sinks = append(l.sinks, nil)
	}
	l.sinks[fd] = s
	return unix.EpollCtl(l.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// Modify changes the events.
func (l *Loop) Modify(fd int, events uint32) error {
	return unix.EpollCtl(l.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// Remove forgets fd; call it before closing it.
func (l *Loop) Remove(fd int) {
	l.sinks[fd] = nil
	_ = unix.EpollCtl(l.fd, unix.EPOLL_CTL_DEL, fd, nil)
}

// After calls f in so long, to the millisecond.
func (l *Loop) After(d time.Duration, f func()) {
	heap.Push(&l.timers, timer{time.Now().Add(d), f})
}

// Do calls f on the loop's goroutine. It may be called from any.
func (l *Loop) Do(f func()) {
	l.do <- f
	l.ring()
}

func (l *Loop) ring() { _, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// Stop makes Run return.
func (l *Loop) Stop() { l.ended = true }

// Run serves until Stop or the end of ctx, and returns nil then. It holds on to its thread.
func (l *Loop) Run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() {
		_ = unix.Close(l.fd)
		_ = unix.Close(l.wake)
	}()
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { l.ring(); close(over) })
	defer func() {
		if !stop() {
			<-over // the bell is still ours to close
		}
	}()
	for !l.ended && ctx.Err() == nil {
		n, err := unix.EpollWait(l.fd, l.events[:], l.timers.wait())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, e := range l.events[:max(n, 0)] {
			if s := l.sinks[e.Fd]; s != nil { // nil: removed by one before it in this batch
				s.Ready(e.Events)
			}
		}
		l.timers.run(&l.ended)
	}
	return nil
}

// wakeup is the sink of the eventfd.
type wakeup struct{ l *Loop }

// Ready calls what Do has asked for.
func (w wakeup) Ready(uint32) {
	var count [8]byte
	_, _ = unix.Read(w.l.wake, count[:])
	for {
		select {
		case f := <-w.l.do:
			f()
		default:
			return
		}
	}
}
