//go:build linux

package harness

import (
	"fmt"
	"math"
)

// A goal is a figure with the bounds that the project has set itself: what it must reach, and what it aims for.
type goal struct {
	Part  string  `json:"part"`
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	More  bool    `json:"more"` // more is better
	Must  float64 `json:"must"`
	Aim   float64 `json:"aim"`
	Value spread  `json:"value"` // one figure a round
}

// A verdict is what may be concluded from a goal's rounds.
type verdict string

// The verdicts.
const (
	aimMet  verdict = "aim met"
	mustMet verdict = "must met"
	missed  verdict = "missed"
	unclear verdict = "nothing: the rounds disagree"
	once    verdict = "nothing: too few rounds"
	empty   verdict = "not measured"
)

// enough is how many rounds a conclusion takes, and agreeing the share of them that must lie on the median's side.
const (
	enough   = 5
	agreeing = 0.8
)

// single are figures that do not scatter with the load of the machine, and are measured over a while as one: memory, and
// what stands still.
func (g goal) single() bool { return len(g.Value.All) == 1 }

// verdict tells what may be concluded, and says it in words.
func (g goal) verdict() (verdict, string) {
	n := len(g.Value.All)
	switch {
	case n == 0 || math.IsNaN(g.Value.Median):
		return empty, string(empty)
	case n < enough && !g.single():
		return once, fmt.Sprintf("%s (%d of %d)", once, n, enough)
	}
	must, aim := g.agree(g.Must), g.agree(g.Aim)
	switch {
	case g.meets(g.Value.Median, g.Aim) && aim >= agreeing:
		return aimMet, string(aimMet)
	case g.meets(g.Value.Median, g.Must) && must >= agreeing && g.meets(g.Value.Median, g.Aim):
		return mustMet, string(mustMet) + "; whether the aim is, the rounds do not tell"
	case g.meets(g.Value.Median, g.Must) && must >= agreeing:
		return mustMet, string(mustMet)
	case !g.meets(g.Value.Median, g.Must) && 1-must >= agreeing:
		return missed, fmt.Sprintf("**missed** by %s", g.distance())
	}
	return unclear, string(unclear)
}

// distance tells how far the median is from the must.
func (g goal) distance() string {
	if g.Must == 0 {
		return digits(g.Value.Median)
	}
	return fmt.Sprintf("%.0f %%", 100*math.Abs(g.Value.Median/g.Must-1))
}

func (g goal) meets(v, bound float64) bool {
	if g.More {
		return v >= bound
	}
	return v <= bound
}

// agree is the share of rounds that meet a bound.
func (g goal) agree(bound float64) float64 {
	n := 0
	for _, v := range g.Value.All {
		if g.meets(v, bound) {
			n++
		}
	}
	return float64(n) / float64(len(g.Value.All))
}

// goal notes a figure with its bounds.
func (r *report) goal(part, name, unit string, more bool, must, aim float64, all []float64) {
	r.Goals = append(r.Goals, goal{part, name, unit, more, must, aim, newSpread(all)})
}
