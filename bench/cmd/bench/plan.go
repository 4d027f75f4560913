package main

import "time"

// A plan is how much is measured.
type plan struct {
	name     string
	ingest   []ingestCase
	burst    *burstCase
	delivery deliveryCase
	memory   memoryCase
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

// A deliveryCase compares the answers to GET with those of nginx.
type deliveryCase struct {
	bits        int           // of the video: a segment is two seconds of it
	window      time.Duration // live.window: sets the playlist's length
	fill        time.Duration // before measuring: so that the playlist is as long as it gets
	connections int
	rounds      int
	each        time.Duration // of load on one server
	warm        time.Duration // of load on each server before the first round
}

// A memoryCase fills a live window and looks at the process.
type memoryCase struct {
	channels int
	window   time.Duration // live.window
	media    int64         // bytes that shall be cached, all channels together
	steady   time.Duration // to watch when the window is full
}

func fullPlan() plan {
	const settle = 25 * time.Second // until the shortest window is full and slides: what is evicted pays for what comes
	return plan{
		name: "full",
		ingest: []ingestCase{
			{"few large", 8, 100_000_000, 200 * time.Millisecond, settle, 15 * time.Second},
			{"usual", 100, 4_000_000, 200 * time.Millisecond, settle, 15 * time.Second},
			{"frame by frame", 100, 4_000_000, 40 * time.Millisecond, settle, 15 * time.Second},
			{"many small", 200, 400_000, 40 * time.Millisecond, settle, 15 * time.Second},
		},
		burst:    &burstCase{bits: 400_000_000, chunk: 200 * time.Millisecond, settle: 8 * time.Second, hold: 5 * time.Second, repeats: 5},
		delivery: deliveryCase{bits: 4_000_000, window: 38 * time.Second, fill: 42 * time.Second, connections: 64, rounds: 9, each: 3 * time.Second, warm: time.Second},
		memory:   memoryCase{channels: 10, window: 15 * time.Second, media: 2 << 30, steady: 40 * time.Second},
	}
}

func quickPlan() plan {
	return plan{
		name: "quick",
		ingest: []ingestCase{
			{"usual", 25, 4_000_000, 200 * time.Millisecond, 6 * time.Second, 2 * time.Second},
		},
		delivery: deliveryCase{bits: 4_000_000, window: 6 * time.Second, fill: 6 * time.Second, connections: 64, rounds: 2, each: time.Second, warm: 200 * time.Millisecond},
		memory:   memoryCase{channels: 4, window: 6 * time.Second, media: 128 << 20, steady: 3 * time.Second},
	}
}
