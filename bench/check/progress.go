package check

import (
	"context"
	"time"
)

// progressEvery is how often a run says how far it is.
const progressEvery = 5 * time.Second

// progress logs how far the session is until ctx ends.
func (s *session) progress(ctx context.Context) {
	began := time.Now()
	for tick := time.NewTicker(progressEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			checks, findings := s.judge.count()
			s.log.Info("checking", "for", time.Since(began).Round(time.Second), "of", s.o.For, "requests", s.fetch.count.Load(),
				"bytes", s.fetch.bytes.Load(), "checks", checks, "findings", findings)
		}
	}
}

// count is how often an assertion was put to the test so far, and how many findings there are.
func (j *judge) count() (checks, findings int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range j.tested {
		checks += n
	}
	return checks, len(j.findings)
}
