package e2e

import (
	"os"
	"sync"
	"testing"
	"time"
)

var hostileFamilies = map[string]func(*testing.T, *yard){
	"http": httpFamily, "slow": slowFamily, "boxes": boxFamily, "manifests": manifestFamily, "times": timeFamily, "crowds": crowdFamily, "admin": adminFamily, "smooth": smoothFamily,
}

// residentBound is what the process may have resident in TestHostile at most. It has 64 channels, hundreds of connections,
// and nobody sends much: what the program takes by itself is most of it.
const residentBound = 192 << 20

// TestHostile sends what the catalogue of bad input knows over real sockets to a real weir, all at once, while a healthy
// encoder pushes beside it. Every answer is the documented one (docs/encoders.md, docs/limits.md), every frame of the
// healthy stream is served, and memory stays below residentBound.
func TestHostile(t *testing.T) {
	t.Parallel()
	y := newYard(t, yardLimits, "384MiB")
	y.startHealthy()
	var families group
	for name, family := range hostileFamilies {
		families.add(name, func(t *testing.T) { family(t, y) })
	}
	families.run(t)
	y.account()
	if peak := y.peakResident(); peak > residentBound {
		t.Errorf("%d MiB were resident, want %d at most", peak>>20, residentBound>>20)
	} else {
		t.Logf("%d MiB resident at most, bound %d MiB", peak>>20, residentBound>>20)
	}
	if n := y.metric(`weir_ingest_errors_total\{kind="panic"\}`); n != 0 {
		t.Errorf("%v panics", n)
	}
}

// A group runs tests at the same time, all of them: they wait for a socket more than for a processor.
type group struct {
	names []string
	tests []func(*testing.T)
}

func (g *group) add(name string, f func(*testing.T)) {
	g.names, g.tests = append(g.names, name), append(g.tests, f)
}

func (g *group) run(t *testing.T) {
	var all sync.WaitGroup
	for i, name := range g.names {
		all.Go(func() { t.Run(name, g.tests[i]) })
	}
	all.Wait()
}

// TestHostileSoak goes on with what TestHostile does and no channel remembers, for a quarter of WEIR_SOAK (make soak):
// goroutines, file descriptors and memory level off, and the healthy stream loses no frame.
func TestHostileSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	if err != nil {
		t.Skip("make soak runs this")
	}
	postingLimit = length
	y := newYard(t, yardLimits, "384MiB")
	y.startHealthy()
	count := func() (goroutines, files float64) {
		return y.metric("go_goroutines"), y.metric("process_open_fds")
	}
	var goroutines, files float64
	rounds := 0
	for begun := time.Now(); time.Since(begun) < length/4 && !t.Failed(); rounds++ {
		y.given = 0
		var families group
		for name, family := range hostileFamilies {
			switch name {
			case "http", "slow", "manifests", "admin": // in the others it would show what a channel has lived through
				families.add(name, func(t *testing.T) { family(t, y) })
			}
		}
		families.add("resets", func(t *testing.T) { resets(t, y, y.channel()) })
		families.run(t)
		<-time.After(6 * time.Second) // keepAlive, and a little
		if rounds == 1 {
			goroutines, files = count()
		}
	}
	if g, f := count(); rounds > 2 && (g > goroutines+20 || f > files+20) {
		t.Errorf("after %d rounds %v goroutines and %v files, after two %v and %v", rounds, g, f, goroutines, files)
	}
	y.account()
	if peak := y.peakResident(); peak > residentBound {
		t.Errorf("%d MiB were resident, want %d at most", peak>>20, residentBound>>20)
	}
	t.Logf("%d rounds", rounds)
}
