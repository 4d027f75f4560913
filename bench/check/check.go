package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what is judged and for how long. URLs is required.
type Options struct {
	// URLs of manifests: HLS multivariant or media playlists, MPDs, Smooth client manifests. What they have in common is
	// compared too: instants across formats, bytes of the same names across origins.
	URLs []string

	For      time.Duration // how long a live presentation is watched; 0: one pass
	Segments int           // of each track to read at first, the newest; 0: 3 live, 1000 ended
	Requests int           // at a time; 0: 6
	Ignore   []int         // assertions that are tested and not reported

	Log       *slog.Logger      // progress; nil discards
	Transport http.RoundTripper // tests: instead of sockets
}

// Run judges the URLs and returns what it found. An error means options that cannot work; what cannot be reached or read
// stands in the report (Presentation.Error). It blocks until done or ctx ends, which cuts the watch short; nothing that
// it starts outlives it.
func Run(ctx context.Context, o Options) (Report, error) {
	if len(o.URLs) == 0 {
		return Report{}, errors.New("check: no URL")
	}
	if len(o.URLs) > maxURLs {
		return Report{}, fmt.Errorf("check: %d URLs: more than %d", len(o.URLs), maxURLs)
	}
	for _, n := range o.Ignore {
		if byNumber[n] == nil {
			return Report{}, fmt.Errorf("check: there is no assertion %d", n)
		}
	}
	s := newSession(o)
	defer s.fetch.close()
	report := Report{Began: time.Now(), Presentations: make([]Presentation, len(o.URLs))}
	watch, watched := context.WithCancel(ctx)
	var progress sync.WaitGroup
	progress.Go(func() { s.progress(watch) })
	var group sync.WaitGroup
	for i, url := range o.URLs {
		group.Go(func() {
			p := newPresentation(s, url)
			p.run(ctx)
			report.Presentations[i] = p.summary()
		})
	}
	group.Wait()
	watched()
	progress.Wait()
	s.judgeTallies()
	s.frames.compare(s.judge)
	s.names.compare(s.judge)
	report.Ended = time.Now()
	var tested map[int]int
	report.Findings, tested, report.Dropped = s.judge.result()
	for n, times := range tested {
		report.Tested = append(report.Tested, Tested{n, byNumber[n].Name, times})
	}
	slices.SortFunc(report.Tested, func(a, b Tested) int { return cmp.Compare(a.Assertion, b.Assertion) })
	return report, nil
}

// Bounds on one run.
const (
	maxURLs      = 16
	maxTracks    = 64 // playlists, representations or quality levels that are read, a presentation
	maxPassBytes = 2 << 30
	maxKept      = 256 << 20 // bytes of parts, to be compared with their segments
	maxPart      = 16 << 20
	restMin      = 200 * time.Millisecond // between two requests for a manifest, whatever it says
)

// A session is what the presentations of a run share.
type session struct {
	o      Options
	fetch  *fetcher
	judge  *judge
	names  *names
	frames *frames
	log    *slog.Logger

	mu      sync.Mutex
	tallies []*tally
	dashes  atomic.Int32 // presentations of DASH
	kept    atomic.Int64 // bytes of parts
}

func newSession(o Options) *session {
	if o.Requests <= 0 {
		o.Requests = 6
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &session{
		o: o, fetch: newFetcher(o.Requests, o.Transport, time.Now), judge: newJudge(time.Now, o.Ignore),
		names: newNames(), frames: newFrames(), log: o.Log,
	}
}
