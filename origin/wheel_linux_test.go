package origin

import (
	"math/rand/v2"
	"testing"
)

// TestWheel plays the wheel against a plain list of deadlines.
func TestWheel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var w wheel
	w.at = 1000
	sockets := make([]socket, 50)
	due := map[*socket]int64{}
	now := w.at
	for range 20_000 {
		s := &sockets[random.IntN(len(sockets))]
		switch random.IntN(4) {
		case 0:
			w.remove(s)
			delete(due, s)
		case 1, 2:
			at := now + random.Int64N([]int64{3, 100, 5000}[random.IntN(3)])
			w.set(s, at)
			due[s] = at
		case 3:
			now += random.Int64N(20)
			for s := w.next(now); s != nil; s = w.next(now) {
				if at, ok := due[s]; !ok || at > now {
					t.Fatalf("a socket comes at %d whose deadline is %d (there: %t)", now, at, ok)
				}
				delete(due, s)
			}
			for _, at := range due {
				if at < now {
					t.Fatalf("at %d a deadline of %d has not come", now, at)
				}
			}
		}
	}
}
