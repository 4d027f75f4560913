package check

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"weir/bench/check/m3u8"
)

var playlistTypes = []string{"application/vnd.apple.mpegurl", "audio/mpegurl", "application/x-mpegurl"}

// hls is an HLS presentation while it is judged.
type hls struct {
	*presentation
	base         string         // URL of the manifest after redirects
	multivariant *m3u8.Playlist // nil: the URL is that of a media playlist
	lists        []*hlsList

	mu     sync.Mutex
	starts map[uint64]started // where segments start by number, in the first playlist that listed them
	dates  map[string]string  // EXT-X-DATERANGE by id
}

type started struct {
	at   time.Time
	list string
}

// hlsList is one media playlist while it is watched.
type hlsList struct {
	*track
	h       *hls
	url     string
	iframes bool
	line    int // in the multivariant playlist
	group   string

	playlist *m3u8.Playlist // the newest version
	fetched  time.Time
	grown    time.Time // when it last had a new segment
	read     uint64    // number up to which segments have been read
	rounds   int
	ended    string // the bytes at EXT-X-ENDLIST
	looks    int    // at the playlist since it ended
	answer   *answer
	dropped  []drop    // what has left the list, oldest first
	before   time.Time // when the version before was fetched
	judged   time.Time // when a version was last judged as a whole

	edge *liveEdge // parts, where there are any
}

// A drop is a segment that has left the list and must be there until then.
type drop struct {
	url   string
	until time.Time
}

// runHLS judges what the URL answered, then every playlist that it names, each in a goroutine of its own.
func (p *presentation) runHLS(ctx context.Context, a *answer) {
	h := &hls{presentation: p, base: a.url, starts: map[uint64]started{}, dates: map[string]string{}}
	list, err := m3u8.Parse(a.body)
	if err != nil {
		p.fail(err)
		return
	}
	if list.Multivariant {
		p.manifests.Add(1)
		h.multivariant = list
		at := p.place("multivariant", a.url, "")
		p.manifestHeader(a, at, playlistTypes, time.Minute)
		h.judgeMultivariant(list, at)
	} else {
		h.add(a.url, 0, false, "")
	}
	if len(h.lists) == 0 {
		p.fail(fmt.Errorf("the multivariant playlist names no playlist"))
		return
	}
	p.tracks.Store(int64(len(h.lists)))
	var first, group sync.WaitGroup
	first.Add(len(h.lists))
	for _, l := range h.lists {
		group.Go(func() { l.run(ctx, first.Done) })
	}
	group.Go(func() {
		first.Wait() // each has been read once
		h.judgeTogether()
		h.judgeAlike()
		h.probeHLS(ctx)
	})
	group.Wait()
	h.judgeBitrates()
	h.judgeSets()
}

// add adds a playlist unless it is there; nil beyond the bound.
func (h *hls) add(url string, line int, iframes bool, group string) *hlsList {
	for _, l := range h.lists {
		if l.url == url {
			return l
		}
	}
	if len(h.lists) == maxTracks {
		return nil
	}
	name := url[strings.LastIndexByte(url, '/')+1:]
	name, _, _ = strings.Cut(name, "?")
	l := &hlsList{h: h, url: url, iframes: iframes, line: line, group: group}
	l.track = &track{presentation: h.presentation, subject: redact(name), trick: iframes}
	l.edge = newLiveEdge(l)
	h.lists = append(h.lists, l)
	return l
}

// run watches a playlist by the rules of reloading; first is called when it has been read once.
//
// Source: RFC 8216bis, 6.3.4.
func (l *hlsList) run(ctx context.Context, first func()) {
	var once sync.Once
	defer once.Do(first)
	for {
		changed := l.load(ctx)
		l.readNew(ctx)
		once.Do(first)
		l.follow(ctx)
		p := l.playlist
		if p != nil && p.Ended {
			l.looks++
		}
		if !l.watching(ctx) || l.looks > 2 {
			return
		}
		wait := 2 * time.Second
		if p != nil {
			if wait = time.Duration(p.Target) * time.Second; !changed {
				wait /= 2
			}
			if p.Ended {
				wait = time.Second // twice more, to see that it stays
			}
		}
		if !l.rest(ctx, wait-time.Since(l.fetched)) {
			return
		}
	}
}

// load fetches the playlist and judges it, alone and against the version before; it reports whether it has changed.
func (l *hlsList) load(ctx context.Context) bool {
	at := l.place(l.subject, l.url, "")
	a, err := l.fetch.get(ctx, request{url: l.url, header: acceptGzip})
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		l.before, l.fetched = l.fetched, time.Now()
		l.judge.fail(110, at, err.Error(), "a playlist that can be fetched")
		return false
	}
	p := l.parse(a, at)
	return p != nil && l.take(a, p, at, target(p))
}

// parse reads an answer for the playlist; nil where it is none.
func (l *hlsList) parse(a *answer, at place) *m3u8.Playlist {
	l.before, l.fetched = l.fetched, a.sent
	if !l.judge.test(11, a.status == 200, at, fmt.Sprintf("status %d", a.status), "a URI of a playlist answers 200") || !l.whole(a, at) {
		return nil
	}
	p, err := m3u8.Parse(a.body)
	if err != nil {
		l.judge.fail(1, at, err.Error(), "a playlist")
		return nil
	}
	if p.Multivariant {
		l.judge.fail(12, at, "a multivariant playlist", "a media playlist")
		return nil
	}
	l.manifests.Add(1)
	return p
}

func target(p *m3u8.Playlist) time.Duration { return time.Duration(p.Target) * time.Second }

// take judges a version that was read, alone and against the one before; life is how long caches may keep it at most. It
// reports whether the list of segments has changed.
func (l *hlsList) take(a *answer, p *m3u8.Playlist, at place, life time.Duration) bool {
	if p.HasSkip {
		l.judge.fail(47, at, "EXT-X-SKIP", "a delta update is for those who ask for it")
		return false
	}
	l.answer = a
	if p.Ended {
		life = 0
	} else {
		life = max(time.Second, life)
		l.live.Store(true)
	}
	l.manifestHeader(a, at, playlistTypes, life)
	was := l.playlist
	changed := was == nil || p.End() != was.End() || p.Ended != was.Ended
	if changed || p.Sequence != was.Sequence || len(p.Faults) > 0 || a.sent.Sub(l.judged) > time.Second { // parts alone need not be told all again
		l.judged = a.sent
		l.judgePlaylist(p, at)
		if was != nil {
			l.judgeSuccessor(was, p, at)
		}
	}
	l.judgeParts(p, at)
	if was != nil {
		l.judgePartSuccessor(was, p, at)
	}
	if changed && was != nil && p.End() > was.End() || was == nil {
		l.grown = l.fetched
	}
	if p.Ended && l.ended == "" {
		l.ended = string(a.body)
	}
	l.mu.Lock()
	l.playlist = p
	l.mu.Unlock()
	l.sighted(a, p)
	return changed
}

// readNew reads the segments that have not been read: the newest few at first, then all that come.
func (l *hlsList) readNew(ctx context.Context) {
	p := l.playlist
	if p == nil || l.answer == nil {
		return
	}
	l.rounds++
	from := l.read
	if l.rounds == 1 {
		if from = p.Sequence; !p.Ended || l.o.Segments > 0 {
			from = max(from, p.End()-min(uint64(len(p.Segments)), uint64(l.firstSegments(!p.Ended))))
		}
	}
	base := l.answer.url
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Number < from || ctx.Err() != nil || l.rounds > 1 && !l.watching(ctx) {
			continue
		}
		l.readSegment(ctx, base, s, false)
		l.read = s.Number + 1
	}
	l.read = max(l.read, p.End())
	if l.rounds%3 == 2 && len(p.Segments) > 0 && l.watching(ctx) { // the oldest is there still
		l.readSegment(ctx, base, &p.Segments[0], true)
		l.readDropped(ctx)
	}
}

func (l *hlsList) readSegment(ctx context.Context, base string, s *m3u8.Segment, again bool) {
	if s.Gap {
		l.last.known = false
		return
	}
	if s.Key != nil && s.Key.Get("METHOD") == "AES-128" {
		return // bytes that say nothing without the key
	}
	if s.Map == nil {
		return // judgePlaylist has said so, or it is a transport stream
	}
	in := l.readInit(ctx, resolve(base, s.Map.URI), s.Map.Range.Offset, s.Map.Range.Length, fmt.Sprintf("line %d", s.Map.Line))
	if in == nil {
		return
	}
	c := claim{
		pieces: l.pieces(s),
		url:    resolve(base, s.URI), from: s.Range.Offset, len: s.Range.Length, at: fmt.Sprintf("line %d", s.Line),
		number: int64(s.Number), breaks: s.Breaks, again: again, length: s.Duration, slack: time.Millisecond,
	}
	if in.Timescale > 0 {
		c.slack += time.Second / time.Duration(in.Timescale)
	}
	if c.slack < 25*time.Millisecond {
		c.slack = 25 * time.Millisecond // a frame or so: players add them up, see judgeSums
	}
	if s.Dated {
		start, scale := s.Start, int64(in.Timescale)
		c.utc = func(ticks, first int64) time.Time { return start.Add(ticksToTime(ticks-first, scale)) }
	}
	l.track.read(ctx, in, c)
}

// readDropped asks for the oldest segment that has left the list and must still be there: as long as the list was.
func (l *hlsList) readDropped(ctx context.Context) {
	for len(l.dropped) > 0 && !time.Now().Before(l.dropped[0].until) {
		l.dropped = l.dropped[1:]
	}
	if len(l.dropped) == 0 {
		return
	}
	at := l.place(l.subject, l.dropped[0].url, "just removed from the playlist")
	a, err := l.fetch.get(ctx, request{url: l.dropped[0].url, limit: maxMedia})
	if err == nil && ctx.Err() == nil {
		l.judge.test(118, a.status == 200, at, fmt.Sprintf("status %d", a.status), "200 for the length of the playlist and of itself")
	}
}
