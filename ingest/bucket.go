package ingest

import "time"

// A bucket slows a channel's encoders down to a rate, with a burst of ten seconds' worth.
type bucket struct {
	rate int64 // bytes per second; 0: unlimited
	debt int64 // bytes taken that the rate has not paid for yet
	at   int64 // UTC ns of the last payment
}

const burstSeconds = 10

// take accounts n bytes at time now (UTC ns) and returns how long the taker should wait before reading on.
func (b *bucket) take(now int64, n int) time.Duration {
	if b.rate <= 0 {
		return 0
	}
	if elapsed := now - b.at; elapsed > 0 {
		elapsed = min(elapsed, 2*burstSeconds*int64(time.Second))
		b.debt = max(0, b.debt-elapsed/1000*b.rate/1_000_000)
		b.at = now
	}
	b.debt += int64(n)
	over := b.debt - burstSeconds*b.rate
	if over <= 0 {
		return 0
	}
	return time.Duration(over * int64(time.Second) / b.rate)
}
