package ingest

import "time"

// A Bucket slows a channel's encoders, or one connection, down to a rate, with a burst of ten seconds' worth. The zero value
// is full and unlimited. Not safe for concurrent use.
type Bucket struct {
	Rate int64 // bytes per second; 0: unlimited
	debt int64 // bytes taken that the rate has not paid for yet
	at   int64 // UTC ns of the last payment
}

const burstSeconds = 10

// Take accounts n bytes at time now (UTC ns) and returns how long the taker should wait before reading on.
func (b *Bucket) Take(now int64, n int) time.Duration {
	if b.Rate <= 0 {
		return 0
	}
	if elapsed := now - b.at; elapsed > 0 {
		elapsed = min(elapsed, 2*burstSeconds*int64(time.Second))
		b.debt = max(0, b.debt-elapsed/1000*b.Rate/1_000_000)
		b.at = now
	}
	b.debt += int64(n)
	over := b.debt - burstSeconds*b.Rate
	if over <= 0 {
		return 0
	}
	return time.Duration(over * int64(time.Second) / b.Rate)
}
