//go:build !race

package origin

import (
	"strconv"
	"testing"
	"testing/synctest"
)

// TestReleaseDoesNotAllocate: a waiter that is released costs nothing but its answer: fifty cost what one costs.
func TestReleaseDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newLowServer(t)
		one, many := releases(t, s, c, 1), releases(t, s, c, 51)
		if perWaiter := (many - one) / 50; perWaiter > 0.05 { // a rare growth of a ring or a slab
			t.Errorf("%v allocations a released waiter, want 0; %v for one, %v for 51", perWaiter, one, many)
		}
	})
}

// releases is how much is allocated when waiters wait for the next part and its hinted bytes, and are released.
func releases(t *testing.T, s *Server, c *testChannel, waiters int) float64 {
	n, k := uint64(openN), openParts
	if view := c.Version().View(c.video); view != nil {
		n, k = view.End, view.Parts
	}
	rigs := make([]*rig, waiters)
	ask, done := make(chan []byte), make(chan int)
	for i := range rigs {
		rigs[i] = newRig(t, s, "GET", videoList)
		go func() {
			for uri := range ask {
				rigs[i].ctx.Request.SetRequestURIBytes(uri)
				done <- rigs[i].run(t)
			}
		}()
	}
	defer close(ask)
	var uri []byte
	return testing.AllocsPerRun(100, func() {
		uri = append(append(uri[:0], videoList...), "?_HLS_msn="...)
		uri = strconv.AppendUint(uri, n, 10)
		uri = strconv.AppendInt(append(uri, "&_HLS_part="...), int64(k), 10)
		for range rigs {
			ask <- uri
		}
		synctest.Wait()
		c.part(c.video, n, k)
		if k++; k == partsOfSegment {
			c.end(c.video, n, false)
			n, k = n+1, 0
		}
		c.Publish()
		for range rigs {
			if status := <-done; status != 200 {
				t.Errorf("status %d", status)
			}
		}
	})
}
