package segcache

import "time"

var began = time.Now()

// Clock is the clock of Chunk.Arrived: nanoseconds since the process began, whatever becomes of the time of day; never 0.
// Anybody.
func Clock() int64 { return int64(time.Since(began)) + 1 }
