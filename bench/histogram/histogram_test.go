package histogram

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestQuantiles compares with a sorted list.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h, half Histogram
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(math.Exp(r.Float64()*12) * 1000)
		all = append(all, d)
		if i%2 == 0 {
			h.Add(d)
		} else {
			half.Add(d)
		}
	}
	text, err := json.Marshal(&half)
	if err != nil {
		t.Fatal(err)
	}
	var other Histogram
	if err := json.Unmarshal(text, &other); err != nil {
		t.Fatal(err)
	}
	h.Merge(&other)
	h.Merge(nil)
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		got, want := h.Quantile(q), all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
		if e := float64(got)/float64(want) - 1; e < -0.012 || e > 0.012 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	for _, i := range []int{0, 10_000, 19_990, 19_999} {
		want := len(all) - 1 - i
		if got := h.Over(all[i]); got < want-want/50-20 || got > want {
			t.Errorf("%d are over %v, want %d", got, all[i], want)
		}
	}
	if h.Count() != len(all) || h.Max() != all[len(all)-1] || h.Quantile(1) != h.Max() {
		t.Errorf("%d of %d, max %v of %v", h.Count(), len(all), h.Max(), all[len(all)-1])
	}
}

func TestExtremes(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	h.Add(-time.Second)
	h.Add(0)
	h.Add(math.MaxInt64)
	if h.Count() != 3 || h.Quantile(1) != math.MaxInt64 {
		t.Errorf("%d, %v", h.Count(), h.Quantile(1))
	}
	if err := json.Unmarshal([]byte(`{"counts":[[4000000000,1]]}`), &h); err == nil {
		t.Error("a bucket out of bounds is taken")
	}
}
