package check

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"weir/bench/check/ism"
	"weir/bench/check/mp4"
	"weir/bench/check/mpd"
)

var smoothTypes = []string{"text/xml", "application/xml", "application/vnd.ms-sstr+xml"}

// smooth is a Smooth Streaming presentation while it is judged.
type smooth struct {
	*presentation
	base   string // URL of the manifest after redirects
	loaded time.Time
	levels []*level

	mu       sync.Mutex
	manifest *ism.Manifest // the newest version
}

// level is one quality level while its fragments are walked: from the manifest to the newest, and on by what each
// fragment says of its successors.
type level struct {
	*track
	s      *smooth
	stream *ism.Stream
	level  *ism.Level
	header *mp4.Init
	live   bool
	ahead  int // LookaheadCount

	number    int64
	next      int64           // time of the fragment to read next
	announced map[int64]int64 // duration by time, as a tfrf before said
	listed    map[int64]int64 // duration by time, as the manifest says; 0 where it does not
	newest    ism.Chunk       // the newest that was read
	over      bool            // the chain has ended: the manifest says how it goes on
}

// runSmooth judges a client manifest and walks its fragments, each level in a goroutine of its own.
func (p *presentation) runSmooth(ctx context.Context, a *answer) {
	s := &smooth{presentation: p, base: a.url, loaded: a.sent}
	if !s.version(a) {
		p.fail(fmt.Errorf("the manifest cannot be read"))
		return
	}
	for _, st := range s.manifest.Streams {
		for _, l := range st.Levels {
			if len(s.levels) < maxTracks && !st.Sparse {
				s.levels = append(s.levels, s.newLevel(st, l))
			}
		}
	}
	if len(s.levels) == 0 {
		p.fail(fmt.Errorf("the manifest offers nothing"))
		return
	}
	p.tracks.Store(int64(len(s.levels)))
	var first, group sync.WaitGroup
	first.Add(len(s.levels))
	for _, l := range s.levels {
		group.Go(func() { l.run(ctx, first.Done) })
	}
	group.Go(func() {
		first.Wait()
		s.probeSmooth(ctx)
	})
	if s.newestManifest().Live {
		group.Go(func() { s.reload(ctx) })
	}
	group.Wait()
	s.judgeSets()
}

func (s *smooth) newLevel(st *ism.Stream, l *ism.Level) *level {
	v := &level{s: s, stream: st, level: l, live: s.manifest.Live, ahead: s.manifest.Lookahead, announced: map[int64]int64{}, listed: map[int64]int64{}}
	v.track = &track{presentation: s.presentation, subject: fmt.Sprintf("%s %d", st.Name, l.Bitrate), smooth: true}
	for i := range st.Chunks {
		v.listed[st.Chunks[i].Time] = st.Chunks[i].Told()
	}
	return v
}

// run reads the newest fragments that the manifest lists, then walks on.
func (l *level) run(ctx context.Context, first func()) {
	var once sync.Once
	defer once.Do(first)
	l.judgeHeader()
	list := l.stream.Chunks
	from := 0
	if l.live || l.o.Segments > 0 {
		from = max(0, len(list)-l.firstSegments(l.live))
	}
	for i := range list[from:] {
		if ctx.Err() == nil {
			l.readFragment(ctx, list[from+i], nil)
		}
	}
	once.Do(first)
	if l.live {
		l.walk(ctx)
	}
}

// walk follows the announcements to the end of the watch.
func (l *level) walk(ctx context.Context) {
	for l.watching(ctx) {
		if l.over && !l.resume(ctx) {
			return
		}
		duration, ok := l.announced[l.next]
		if !ok {
			return // the fragment that would say could not be read
		}
		c := ism.Chunk{Element: l.stream.Element, Time: l.next, Duration: duration, Said: duration > 0}
		a := l.await(ctx, c)
		if a == nil {
			return
		}
		was := l.newest.Time
		if l.readFragment(ctx, c, a); l.newest.Time == was {
			return // reported
		}
	}
}

// resume goes on where the chain of announcements has ended: by the manifest, once it lists something later. A client
// has to load it again then, so there must be a reason: another decoder configuration.
func (l *level) resume(ctx context.Context) bool {
	for l.rest(ctx, time.Second) {
		m := l.s.newestManifest()
		if !m.Live {
			return false
		}
		for _, st := range m.Streams {
			for _, q := range st.Levels {
				if !strings.EqualFold(st.Name, l.stream.Name) || q.Bitrate != l.level.Bitrate {
					continue
				}
				for _, c := range st.Chunks {
					if c.Time >= l.newest.Time+l.newest.Duration && l.announced[c.Time] == 0 {
						at := l.place(l.subject, l.s.base, c.Element.Path())
						l.judge.test(101, !bytes.Equal(q.Private, l.level.Private), at, fmt.Sprintf("t=%d follows the end of the chain", c.Time), "fragments announce what follows while the decoder configuration stays")
						l.stream, l.level, l.over, l.next = st, q, false, c.Time
						l.announced[c.Time] = c.Duration
						l.judgeHeader()
						return true
					}
				}
			}
		}
	}
	return false
}

// patience is how long a fragment that was announced may fail to come before that is a finding: an encoder may be away
// meanwhile, and nothing else in Smooth says so.
const patience = 20 * time.Second

// await polls for a fragment until it is there; nil at the end of the watch, or where it does not come.
func (l *level) await(ctx context.Context, c ism.Chunk) *answer {
	began := time.Now()
	url := resolve(l.s.base, l.stream.Fragment(l.level, c.Time))
	at := l.place(l.subject, url, "announced by tfrf")
	length := mpd.Ticks(c.Duration, l.stream.TimeScale)
	for {
		listed, passed := l.whereabouts(c.Time)
		a, err := l.fetch.get(ctx, request{url: url, limit: maxMedia})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			l.judge.fail(110, at, err.Error(), "what is announced comes")
		case a.status == 200:
			return a
		default:
			l.judge.test(102, a.status == 412 || a.status == 404 || a.status == 425, at, fmt.Sprintf("status %d", a.status), "412 for what is not there yet")
			said := fmt.Sprintf("status %d", a.status)
			if !l.judge.test(101, !passed, at, said, "what was announced comes: the manifest lists later fragments") ||
				!l.judge.test(110, !listed, at, said, "the manifest lists it: status 200") {
				return nil
			}
		}
		if stood := time.Since(began); stood > max(patience, 8*length) {
			l.judge.fail(116, at, fmt.Sprintf("not there after %v", stood.Round(time.Second)), "a live stream goes on")
			return nil
		}
		if !l.rest(ctx, max(length/4, restMin)) {
			return nil
		}
	}
}

// whereabouts reports whether the newest manifest lists the fragment of a time, or has passed it over.
func (l *level) whereabouts(at int64) (listed, passed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, listed = l.listed[at]; listed {
		return true, false
	}
	for t := range l.listed {
		passed = passed || t > at
	}
	return false, passed
}

// readFragment fetches a fragment and judges it.
func (l *level) readFragment(ctx context.Context, c ism.Chunk, got *answer) {
	l.number++
	if c.Time != l.newest.Time+l.newest.Duration { // a hole, or the first
		l.number++
	}
	url := resolve(l.s.base, l.stream.Fragment(l.level, c.Time))
	at := c.Element.Path()
	cl := claim{url: url, at: at, number: l.number, got: got}
	if c.Said {
		cl.ticks, cl.start, cl.duration = true, c.Time, c.Duration
	}
	scale := l.stream.TimeScale
	cl.utc = func(ticks, _ int64) time.Time { return time.Unix(0, 0).Add(ticksToTime(ticks, scale)) }
	seg := l.read(ctx, l.header, cl)
	if seg == nil || len(seg.Chunks) == 0 {
		return
	}
	l.newest = ism.Chunk{Time: c.Time, Duration: c.Told()}
	if seg.Chunks[0].HasTfxd {
		l.newest.Duration = seg.Chunks[0].TfxdDuration
	}
	l.judgeFragment(seg, c, l.place(l.subject, url, at))
}

// reload fetches the manifest now and then: clients that come later read what it says then.
func (s *smooth) reload(ctx context.Context) {
	at := s.place("manifest", s.base, "")
	wait := 4 * time.Second
	if st := s.newestManifest().Streams[0]; len(st.Chunks) > 0 {
		wait = max(time.Second, 2*mpd.Ticks(st.Chunks[0].Duration, st.TimeScale))
	}
	for round := 0; s.rest(ctx, min(wait, 10*time.Second)); round++ {
		a, err := s.fetch.get(ctx, request{url: s.url, header: acceptGzip})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.judge.fail(110, at, err.Error(), "a manifest that can be fetched")
			continue
		}
		if s.judge.test(110, a.status == 200, at, fmt.Sprintf("status %d", a.status), "a manifest that can be fetched") && s.whole(a, at) {
			was := s.newestManifest()
			if !s.version(a) {
				continue
			}
			is := s.newestManifest()
			s.judgeSuccessor(was, is, at)
			s.relist(is)
			if round%3 == 1 {
				s.readOldest(ctx, is)
			}
			if !is.Live {
				return
			}
		}
	}
}

// relist tells the levels what the newest manifest lists.
func (s *smooth) relist(m *ism.Manifest) {
	for _, l := range s.levels {
		for _, st := range m.Streams {
			if strings.EqualFold(st.Name, l.stream.Name) {
				l.mu.Lock()
				for i := range st.Chunks {
					if len(l.listed) < maxNames {
						l.listed[st.Chunks[i].Time] = st.Chunks[i].Told()
					}
				}
				l.mu.Unlock()
			}
		}
	}
}

// readOldest asks for the oldest fragment that is listed: it is there still.
func (s *smooth) readOldest(ctx context.Context, m *ism.Manifest) {
	for _, st := range m.Streams {
		if len(st.Chunks) == 0 || len(st.Levels) == 0 || st.Sparse {
			continue
		}
		c := st.Chunks[0]
		url := resolve(s.base, st.Fragment(st.Levels[0], c.Time))
		t := &track{presentation: s.presentation, subject: fmt.Sprintf("%s %d", st.Name, st.Levels[0].Bitrate)}
		t.object(ctx, s.place(t.subject, url, c.Element.Path()), url, 0, 0, nil)
	}
}

func (s *smooth) newestManifest() *ism.Manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.manifest
}
