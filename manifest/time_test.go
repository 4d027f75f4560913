package manifest_test

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"weir/manifest"
)

// TestScale compares Floor and Nearest with exact arithmetic, over all timescales and times until 2200.
func TestScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	scales := []uint32{1, 1000, 12800, 44100, 48000, 90000, 120000, 1e6, 1e7, 1e9, 1<<32 - 1}
	half := big.NewRat(1, 2)
	for range 20000 {
		from, to := scales[rng.IntN(len(scales))], scales[rng.IntN(len(scales))]
		if uint64(to)*7_258_118_400 > 1<<63-1 {
			continue // the result would not fit
		}
		limit := min(7_258_118_400, (1<<63-1)/int64(from))
		ticks := rng.Int64N(limit)*int64(from) + rng.Int64N(int64(from))
		if rng.IntN(4) == 0 {
			ticks = -ticks
		}
		exact := new(big.Rat).Mul(big.NewRat(ticks, 1), big.NewRat(int64(to), int64(from)))
		if got, want := manifest.Floor(ticks, from, to), floor(exact); got != want {
			t.Fatalf("Floor(%d, %d, %d) = %d, want %d", ticks, from, to, got, want)
		}
		if from%2 == 0 { // half a tick is a number
			if got, want := manifest.Nearest(ticks, from, to), floor(exact.Add(exact, half)); got != want {
				t.Fatalf("Nearest(%d, %d, %d) = %d, want %d", ticks, from, to, got, want)
			}
		}
	}
	if got := manifest.Floor(5, 0, 1000); got != 0 {
		t.Errorf("Floor with no timescale = %d, want 0", got)
	}
}

func floor(r *big.Rat) int64 {
	return new(big.Int).Div(r.Num(), r.Denom()).Int64() // Euclidean; the denominator is positive
}

func TestAppendDateTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 5000 {
		millis := rng.Int64N(253_402_300_800_000) // until the year 10000
		want := time.UnixMilli(millis).UTC().Format("2006-01-02T15:04:05.000Z")
		if got := string(manifest.AppendDateTime(nil, millis)); got != want {
			t.Fatalf("AppendDateTime(%d) = %s, want %s", millis, got, want)
		}
	}
}

func TestAppendFixed(t *testing.T) {
	for _, c := range []struct {
		value  int64
		digits int
		want   string
	}{
		{1920000, 6, "1.920000"},
		{29970, 3, "29.970"},
		{5, 3, "0.005"},
		{0, 2, "0.00"},
		{1795348800920000001, 9, "1795348800.920000001"},
	} {
		if got := string(manifest.AppendFixed(nil, c.value, c.digits)); got != c.want {
			t.Errorf("AppendFixed(%d, %d) = %s, want %s", c.value, c.digits, got, c.want)
		}
	}
}
