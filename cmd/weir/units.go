package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Duration is a length of time as the configuration writes it: 2s, 200ms, 1m30s.
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration reads; a bare number has no unit and is refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no length of time, such as 200ms, 2s or 1m30s", text)
	}
	*d = Duration(v)
	return nil
}

// String writes the shortest form: 2s, 1m30s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Bytes is an amount of memory or data as the configuration writes it: 2GiB, 64KiB, 125MB, 4096.
type Bytes int64

// byteUnits from the longest spelling to the shortest.
var byteUnits = []struct {
	name string
	size int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}

// UnmarshalText reads a whole number and a unit, in any case; without a unit it is bytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	fault := fmt.Errorf("%q is no size, such as 4096, 64KiB, 512MiB or 2GiB", text)
	for _, u := range byteUnits {
		if !strings.HasSuffix(strings.ToLower(string(text)), strings.ToLower(u.name)) {
			continue
		}
		number := strings.TrimSpace(string(text[:len(text)-len(u.name)]))
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > (1<<63-1)/u.size {
			return fault
		}
		*b = Bytes(n * u.size)
		return nil
	}
	return fault
}

// String writes the largest binary unit that holds the amount exactly.
func (b Bytes) String() string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		for _, unit := range byteUnits {
			if unit.name == u && b != 0 && int64(b)%unit.size == 0 {
				return strconv.FormatInt(int64(b)/unit.size, 10) + u
			}
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
