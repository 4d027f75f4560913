package origin

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A cutReason says why an answer was broken off, other than by its client.
type cutReason uint8

const (
	cutSlow    cutReason = iota // its reader takes less than the least rate
	cutLong                     // it has taken longer than any answer may
	cutCrowded                  // it was slow, and readers pinned more memory than they may
	cutBroken                   // the segment that it followed broke off
	cutStalled                  // the segment that it followed did not grow
	cutReasons
)

// String is the label of the reason.
func (r cutReason) String() string {
	return [cutReasons]string{"slow", "long", "memory", "source", "stalled"}[r]
}

var (
	errBroken  = errors.New("origin: the segment broke off")
	errStalled = errors.New("origin: the segment does not grow")
	errLong    = errors.New("origin: the answer takes too long")
	errCrowded = errors.New("origin: readers pin too much memory")
)

// isReaders tells whether an answer was broken off because its reader took too little.
func isReaders(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errLong) || errors.Is(err, errCrowded)
}

// countCut counts an answer that was broken off by us, and hands its error on.
func (s *Server) countCut(x *exchange, err error) error {
	count := func(r cutReason) { s.metrics.cuts[r].Add(1) }
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(x.until):
		count(cutSlow)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errLong):
		count(cutLong)
	case errors.Is(err, errCrowded):
		count(cutCrowded)
	case errors.Is(err, errBroken):
		count(cutBroken)
	case errors.Is(err, errStalled):
		count(cutStalled)
	}
	return err
}

var descCut = prometheus.NewDesc("weir_origin_cut_answers_total",
	"Answers broken off by weir: their reader was slow, took too long, or was slow while readers pinned too much memory; their segment broke off, or did not grow.",
	[]string{"reason"}, nil)

func collectCuts(cuts *[cutReasons]atomic.Uint64, out chan<- prometheus.Metric) {
	for r := range cutReasons {
		out <- prometheus.MustNewConstMetric(descCut, prometheus.CounterValue, float64(cuts[r].Load()), r.String())
	}
}
