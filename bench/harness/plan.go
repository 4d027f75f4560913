//go:build linux

package harness

import "time"

// A plan is how much is measured.
type plan struct {
	name     string
	settle   time.Duration // at least, after encoders begin
	latency  []latencyCase
	waiting  []waitingCase
	beside   besideCase
	ingest   []ingestCase
	burst    *burstCase
	idle     idleCase
	delivery deliveryCase
	memory   memoryCase
}

// A latencyCase is so many players at a time, of one track.
type latencyCase struct {
	players int
	bits    int           // per second
	chunk   time.Duration // length of a chunk
	rounds  int
	warm    time.Duration // players tune in
	each    time.Duration // of each way, in each round
}

// A waitingCase is so many requests that wait at the same time.
type waitingCase struct {
	waiters  int
	settle   time.Duration // until the window slides: memory is then the waiters'
	rounds   int
	releases int // in a round
}

// A besideCase is a number of streams that weir and relays take in at the same time.
type besideCase struct {
	streams, bits int
	chunk         time.Duration
	settle        time.Duration
	rounds        int
	each          time.Duration
}

// An ingestCase is a number of channels with one video track each, pushed in real time. Chunks of different channels are
// due at different times, evenly spread.
type ingestCase struct {
	name     string
	channels int
	bits     int           // per second and channel
	chunk    time.Duration // length of a chunk
	settle   time.Duration // before measuring: the cadence is learnt, segments are listed
	measure  time.Duration
}

// A burstCase is one channel whose encoder is held up and then sends what it owes as fast as the socket takes it.
type burstCase struct {
	bits         int
	chunk        time.Duration
	settle, hold time.Duration
	repeats      int
}

// An idleCase is a number of channels that are fed for a while and then left alone.
type idleCase struct {
	channels, bits int
	feed, settle   time.Duration
	rounds         int
	each           time.Duration
}

// A deliveryCase compares the answers to GET with those of nginx and of the bare server.
type deliveryCase struct {
	window  time.Duration // live.window: sets the playlist's length
	fill    time.Duration // before measuring: so that the playlist is as long as it gets
	rounds  int
	warm    time.Duration
	each    time.Duration // of load on one server
	objects []deliveryObject
}

// A deliveryObject is what is asked for, with the bounds of its CPU efficiency and of its rate against nginx.
type deliveryObject struct {
	name              string
	object            string // playlist, part or segment
	channel           int    // of deliveryBits
	connections       int
	must, aim         float64
	mustRate, aimRate float64 // 0: no bound
}

// A memoryCase fills a live window, looks at the process, and then has requests wait at it.
type memoryCase struct {
	channels int
	window   time.Duration // live.window
	media    int64         // bytes that playlists shall list, all channels together
	steady   time.Duration // to watch when the window is full
	waiters  int           // of the releases; 0: none
	rounds   int
	releases int
}

var deliveryObjects = []deliveryObject{
	{"playlist", "playlist", 1, 64, 1.1, 1.4, 0, 0},
	{"playlist", "playlist", 1, 256, 1.1, 1.4, 0, 0},
	{"part of 60 KB", "part", 0, 64, 0.85, 1, 0, 0},
	{"segment of 1 MB", "segment", 1, 64, 0.6, 0.9, 1, 1.3},
	{"segment of 4 MB", "segment", 2, 64, 0.6, 1, 0, 0},
}

func fullPlan() plan {
	const settle = 25 * time.Second // until the shortest window is full and slides: what is evicted pays for what comes
	return plan{
		name: "full", settle: settle,
		latency: []latencyCase{
			{1, 1_000_000, 40 * time.Millisecond, 5, 800 * time.Millisecond, 4 * time.Second},
			{100, 1_000_000, 200 * time.Millisecond, 5, 1200 * time.Millisecond, 3 * time.Second},
			{1000, 1_000_000, 200 * time.Millisecond, 5, 2 * time.Second, 3 * time.Second},
		},
		waiting: []waitingCase{{1000, settle, 5, 3}, {10_000, settle, 5, 3}},
		beside:  besideCase{10, 4_000_000, 200 * time.Millisecond, settle, 9, 3 * time.Second},
		ingest: []ingestCase{
			{"few large", 8, 100_000_000, 200 * time.Millisecond, settle, 15 * time.Second},
			{"usual", 100, 4_000_000, 200 * time.Millisecond, settle, 15 * time.Second},
			{"frame by frame", 100, 4_000_000, 40 * time.Millisecond, settle, 15 * time.Second},
			{"many small", 200, 400_000, 40 * time.Millisecond, settle, 15 * time.Second},
		},
		burst: &burstCase{bits: 400_000_000, chunk: 200 * time.Millisecond, settle: 8 * time.Second, hold: 5 * time.Second, repeats: 5},
		idle:  idleCase{100, 400_000, 10 * time.Second, 12 * time.Second, 5, 4 * time.Second},
		delivery: deliveryCase{
			window: ingestWindow, fill: 10 * time.Second, rounds: 5, warm: 300 * time.Millisecond, each: 1500 * time.Millisecond, objects: deliveryObjects,
		},
		memory: memoryCase{channels: 10, window: time.Minute, media: 2 << 30, steady: 20 * time.Second, waiters: 1000, rounds: 5, releases: 3},
	}
}

func quickPlan() plan {
	return plan{
		name: "quick", settle: 5 * time.Second,
		latency: []latencyCase{
			{1, 1_000_000, 40 * time.Millisecond, 2, 500 * time.Millisecond, 2 * time.Second},
			{100, 1_000_000, 200 * time.Millisecond, 2, time.Second, 2 * time.Second},
		},
		waiting: []waitingCase{{1000, 4 * time.Second, 2, 1}},
		beside:  besideCase{10, 4_000_000, 200 * time.Millisecond, 22 * time.Second, 5, 2 * time.Second}, // the window slides by then
		ingest: []ingestCase{
			{"usual", 25, 4_000_000, 200 * time.Millisecond, 6 * time.Second, 2 * time.Second},
		},
		idle:     idleCase{25, 400_000, 6 * time.Second, 2 * time.Second, 5, 500 * time.Millisecond},
		delivery: deliveryCase{window: ingestWindow, fill: 7 * time.Second, rounds: 2, warm: 100 * time.Millisecond, each: 500 * time.Millisecond, objects: deliveryObjects},
		memory:   memoryCase{channels: 4, window: 6 * time.Second, media: 64 << 20, steady: 3 * time.Second},
	}
}
