package play

import (
	"time"

	"weir/bench/histogram"
)

// A Kind is what the connections of a load do.
type Kind string

// The kinds of load.
const (
	Pull    Kind = "pull"    // GET one URL again and again
	Chunked Kind = "chunked" // GET one URL whose answer never ends, of chunks with stamps
	DASH    Kind = "dash"    // play the open segments of an MPD, chunk by chunk
	Reload  Kind = "reload"  // play the parts of an HLS playlist as blocking reloads list them
	Hint    Kind = "hint"    // play the parts of an HLS playlist, asked for as soon as they are hinted
	Wait    Kind = "wait"    // reload an HLS playlist, blocking, all at once, and be released all at once by its next part
	Hold    Kind = "hold"    // the same with floor.Bare: its /hold and /release
)

// A Spec says what a load does.
type Spec struct {
	Kind    Kind          `json:"kind"`
	URL     string        `json:"url"` // http; of the object, the MPD, a playlist (multivariant or media) or, for Hold, the server
	Players int           `json:"players"`
	Rate    float64       `json:"rate,omitempty"` // Pull: requests per second, of all together; 0: as many as can be
	Warm    time.Duration `json:"warm"`           // before anything counts
	For     time.Duration `json:"for"`            // how long it counts; Wait and Hold: until Rounds are through
	Rounds  int           `json:"rounds,omitempty"`
	Server  int           `json:"server,omitempty"` // process ID of the server, if its costs are to be read here
}

// A Result is what a load saw.
type Result struct {
	Seconds float64        `json:"seconds"` // that counted
	Answers int            `json:"answers"` // whole answers, or chunks, or parts
	Bytes   int64          `json:"bytes"`   // read from sockets, headers included
	Wrong   map[string]int `json:"wrong,omitempty"`

	First  *histogram.Histogram `json:"first,omitempty"`  // from the sending of a chunk to its first byte here
	Last   *histogram.Histogram `json:"last,omitempty"`   // to its last byte; Pull: from asking to the last byte; Wait: to the release
	Listed *histogram.Histogram `json:"listed,omitempty"` // Reload: to the end of the playlist that lists the part

	ServerCPU time.Duration `json:"serverCPU,omitempty"`
	LoadCPU   time.Duration `json:"loadCPU,omitempty"`
	Rounds    []Round       `json:"rounds,omitempty"`
}

// A Round is one release of all that wait.
type Round struct {
	Waiters int           `json:"waiters"`
	Asking  time.Duration `json:"askingCPU"`  // of the server, until all wait
	Release time.Duration `json:"releaseCPU"` // of the server, from then until the last is answered
	Took    time.Duration `json:"took"`       // both together
	Memory  int64         `json:"memory"`     // RSS of the server while all wait
	First   time.Duration `json:"first"`      // from the sending of the chunk that releases to the first answer
	P999    time.Duration `json:"p999"`
	Last    time.Duration `json:"last"`
}

// WrongAnswers counts what went wrong.
func (r *Result) WrongAnswers() int {
	n := 0
	for _, k := range r.Wrong {
		n += k
	}
	return n
}
