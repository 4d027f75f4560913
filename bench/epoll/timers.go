//go:build linux

package epoll

import (
	"container/heap"
	"time"
)

type timer struct {
	at time.Time
	f  func()
}

// timers is a heap, the earliest first.
type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }

// Push is heap's.
func (t *timers) Push(x any) { *t = append(*t, x.(timer)) }

// Pop is heap's.
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	(*t)[len(*t)-1] = timer{}
	*t = (*t)[:len(*t)-1]
	return last
}

// wait is how long to sleep for the earliest, in milliseconds rounded up; -1: for ever.
func (t timers) wait() int {
	if len(t) == 0 {
		return -1
	}
	return int(max(0, (time.Until(t[0].at)+time.Millisecond-1)/time.Millisecond))
}

// run calls those that are due, unless ended is or becomes true.
func (t *timers) run(ended *bool) {
	if len(*t) == 0 {
		return
	}
	for now := time.Now(); len(*t) > 0 && !*ended && !(*t)[0].at.After(now); {
		heap.Pop(t).(timer).f()
	}
}
