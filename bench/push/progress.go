package push

import (
	"log/slog"
	"time"
)

// reportEvery is how often a push says what it has sent.
const reportEvery = 10 * time.Second

// report logs a line of progress every ten seconds, and a last one when over is closed. It returns then.
func report(over <-chan struct{}, log *slog.Logger, stats *Stats, since time.Time) {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		text := "pushing"
		select {
		case <-ticker.C:
		case <-over:
			text = "push ends"
		}
		sum := stats.Sum()
		log.Info(text, "for", time.Since(since).Round(time.Second), "chunks", sum.Chunks, "bytes", sum.Bytes,
			"connections", sum.Connections, "lost", sum.Lost, "late", sum.Late.Round(time.Millisecond))
		if text == "push ends" {
			return
		}
	}
}
