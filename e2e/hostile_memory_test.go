package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestMemoryPressure: an input that does not fit is refused at the door; one that declares little and sends much is stopped
// when it needs what others were admitted with; and the encoder that was there before loses no frame. Row 64.
func TestMemoryPressure(t *testing.T) {
	t.Parallel()
	y := newYard(t, yardLimits, "32MiB")
	y.startHealthy()

	large := numberedVideo("v")
	large.bitrate = 50_000_000
	if got := postBody(t, y.node, token(y.channel()), "Streams(v)", join(large.header(), large.chunk())); got != "503 closed" {
		t.Errorf("50 Mbit/s into 32 MiB: answered %q, want 503", got)
	}

	liar := numberedVideo("v")
	liar.bitrate, liar.size = 10_000, 100_000
	p := startPosting(t, y.node, "POST", token(y.channel()), "Streams(v)")
	p.send(liar.header())
	begun := time.Now()
	for sent := 0; sent < 400 && time.Since(begun) < 20*time.Second; sent++ { // 200 MB
		if !p.send(liar.chunk()) {
			break
		}
		if sent > 50 { // a moment's start, and then as fast as the clock lets it
			<-time.After(10 * time.Millisecond)
		}
	}
	if got := p.end(); !strings.HasPrefix(got, "503") && got != "" { // the reset may overtake the answer
		t.Errorf("who declares 10 kbit/s and sends 200 MB: answered %q, want 503", got)
	}
	if n := y.metric(`weir_ingest_errors_total\{kind="memory"\}`); n < 2 {
		t.Errorf("%v inputs were refused for want of memory, want 2", n)
	}
	<-time.After(2 * time.Second)
	y.account()
}
