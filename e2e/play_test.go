package e2e

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// TestPlay is the main job: an encoder pushes, every player plays.
func TestPlay(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	t.Run("ffmpeg", func(t *testing.T) {
		n := newNode(t, settings{})
		pushFFmpeg(t, n)
		play(t, n, ffmpegHeights)
	})
	t.Run("demo", func(t *testing.T) {
		n := newNode(t, settings{})
		pushDemo(t, n, func(o *push.Options) { o.Epoch = true })
		w := play(t, n, demoHeights)
		for _, p := range players {
			v := w.viewer(p.Name)
			v.checkClock(t)
		}
	})
}

// checkClock holds the UTC that a player gives for its picture against the picture: pushed by the epoch, the demo shows at
// UTC t the frame of t modulo its length. Whether the origin maps time truly shows here, and not in what players say.
func (v *viewer) checkClock(t *testing.T) {
	t.Helper()
	const frame, loop = 1000.0 / demo.FrameRate, demo.Frames * 1000.0 / demo.FrameRate // ms
	var off []float64
	for _, f := range v.frames {
		if f.Frame >= 0 && f.Playhead > 0 {
			off = append(off, math.Abs(math.Remainder(f.Playhead-float64(f.Frame)*frame, loop)))
		}
	}
	slices.Sort(off)
	if len(off) < 10 {
		t.Errorf("%s: the frame counter could be read %d times of %d", v.name, len(off), len(v.frames))
		return
	}
	// A busy browser reads its clock apart from its picture now and then, a wrong origin always.
	usual := off[len(off)*3/4]
	t.Logf("%s: %d frame counters read of %d; the player's clock is off by %.0f ms, %.0f ms at most", v.name, len(off), len(v.frames), usual, off[len(off)-1])
	if usual > 150 {
		t.Errorf("%s: the picture is not of the time that the player believes: off by %.0f ms; frames %v", v.name, usual, v.frames)
	}
}

// play plays a channel of three renditions and audio for 22 s in all players together, and in ffmpeg.
func play(t *testing.T, n *node, heights []int) *watch {
	t.Helper()
	const watched = 22 * time.Second
	r := record(t, n.base())
	listedSegments(t, n.base(), 4, 3)
	edge := watchEdge(t, n)
	hls := decode(t, "decode-hls", r.url+hlsPath, 12*time.Second)
	dash := decode(t, "decode-dash", r.url+dashPath, 12*time.Second, "-re")
	w := open(t, "players", r, players, 3*time.Second, 14*time.Second)
	w.started(30 * time.Second)
	<-time.After(watched)
	w.close()
	for _, p := range players {
		v := w.viewer(p.Name)
		v.check(t, w, edge, heights, watched)
	}
	for _, text := range w.trouble {
		t.Errorf("browser: %s", text)
	}
	hls.check(t, 4)
	dash.check(t, 4)
	for _, text := range r.refusals() {
		t.Errorf("refused: %s", text)
	}
	return w
}

// check judges a viewer who has watched for a while: no error, no stall while there was something to show, all
// renditions listed, each forced rendition on the screen before the next.
func (v *viewer) check(t *testing.T, w *watch, e *edge, heights []int, watched time.Duration) {
	t.Helper()
	v.log(t)
	for _, text := range v.errors {
		t.Errorf("%s: error: %s", v.name, text)
	}
	begun := v.begun()
	if begun < 0 {
		t.Errorf("%s never played", v.name)
		return
	}
	first, last := v.looks[begun], v.last()
	if got, want := last.Time-first.Time, 0.5*last.at.Sub(first.at).Seconds(); got < want || last.at.Sub(first.at) < watched-2*time.Second {
		t.Errorf("%s played %.1f s of media in %v", v.name, got, last.at.Sub(first.at))
	}
	for _, s := range v.stalls() {
		say := t.Errorf
		why := "stalled"
		switch {
		case e.starved(s):
			say, why = t.Logf, "had nothing to play"
		case s.buffered > 1 && w.slow(v.name, s):
			say, why = t.Logf, "stood still as all players did: this machine was too busy"
		}
		say("%s: %s for %v at %s, %.2f s buffered, playhead %s, media listed up to %s", v.name, why, s.length.Round(time.Millisecond),
			clock(s.at), s.buffered, clock(s.playhead), clock(e.at(s.at)))
	}
	var got []int
	for _, r := range v.renditions {
		got = append(got, r.Height)
	}
	if !slices.Equal(got, heights) {
		t.Errorf("%s lists renditions of %v lines, want %v", v.name, got, heights)
	}
	if len(v.forced) != 2 || v.forced[0].height != heights[0] || v.forced[1].height != heights[len(heights)-1] {
		t.Errorf("%s: forced %v, want lowest and highest", v.name, v.forced)
	}
	for i, f := range v.forced {
		until := last.at
		if i+1 < len(v.forced) {
			until = v.forced[i+1].at
		}
		if !v.shown(f.height, f.at, until) {
			t.Errorf("%s: no picture of %d lines within %v of forcing it", v.name, f.height, until.Sub(f.at))
		}
	}
	if latency := last.latency(); latency < 0 || latency > 20*time.Second {
		t.Errorf("%s: latency %v", v.name, latency)
	}
}

// log says in a few lines what a viewer saw.
func (v *viewer) log(t *testing.T) {
	t.Helper()
	var b strings.Builder
	height := 0
	for _, l := range v.looks {
		if l.Height != height {
			height = l.Height
			fmt.Fprintf(&b, " %s:%d", clock(l.at), height)
		}
	}
	last := v.last()
	t.Logf("%s: renditions %v; on screen%s; at the end %s at %.2f, %.2f s buffered, latency %v, %d of %d frames dropped; errors %q, notes %q",
		v.name, v.renditions, b.String(), clock(last.at), last.Time, last.End-last.Time, last.latency(), last.Dropped, last.Decoded, v.errors, v.notes)
}

// latency is how old the picture is, by the player's own word.
func (l look) latency() time.Duration {
	return l.at.Sub(time.UnixMilli(int64(l.Playhead))).Round(time.Millisecond)
}

func clock(at time.Time) string { return at.UTC().Format("15:04:05.000") }

// An edge knows up to where media was listed at any time.
type edge struct {
	mu    sync.Mutex
	marks []mark // each is newer than the one before
}

// A mark says that media up to end was listed by the time seen.
type mark struct{ seen, end time.Time }

// watchEdge looks at a media playlist until the test ends.
func watchEdge(t *testing.T, n *node) *edge {
	t.Helper()
	urls, err := mediaURLs(n.base())
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			if p, err := fetchPlaylist(urls[0]); err == nil {
				e.note(time.Now(), p.end())
			}
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return e
}

func (e *edge) note(seen, end time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := len(e.marks); k == 0 || end.After(e.marks[k-1].end) {
		e.marks = append(e.marks, mark{seen, end})
	}
}

// at returns up to where media was listed at a time.
func (e *edge) at(when time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	var end time.Time
	for _, m := range e.marks {
		if !m.seen.After(when) {
			end = m.end
		}
	}
	return end
}

// starved reports whether a player that stood still had nothing more to play: neither buffered nor listed.
func (e *edge) starved(s stall) bool {
	return s.buffered < 0.3 && !e.at(s.at).After(s.playhead.Add(300*time.Millisecond))
}

// mediaURLs returns the URLs of a node's media playlists.
func mediaURLs(base string) ([]string, error) {
	text, err := get(base + hlsPath)
	if err != nil {
		return nil, err
	}
	var urls []string
	for _, uri := range mediaPlaylists(string(text)) {
		urls = append(urls, resolve(base+hlsPath, uri))
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("no media playlist in\n%s", text)
	}
	return urls, nil
}

func fetchPlaylist(url string) (*playlist, error) {
	text, err := get(url)
	if err != nil {
		return nil, err
	}
	return parsePlaylist(string(text))
}

// listing returns the URLs of the media that a node's playlists list, and an error while there are fewer playlists, or
// fewer segments in one of them, than wanted, or no MPD.
func listing(base string, playlists, segments int) ([]string, error) {
	lists, err := mediaURLs(base)
	if err != nil {
		return nil, err
	}
	if len(lists) < playlists {
		return nil, fmt.Errorf("%d media playlists: %v", len(lists), lists)
	}
	var urls []string
	for _, list := range lists {
		p, err := fetchPlaylist(list)
		if err != nil {
			return nil, err
		}
		if len(p.media()) < segments {
			return nil, fmt.Errorf("%s lists %d segments", list, len(p.media()))
		}
		for _, s := range p.media() {
			urls = append(urls, resolve(list, s.uri))
		}
	}
	text, err := get(base + dashPath)
	if err != nil {
		return nil, err
	}
	if _, list, err := parseMPD(text); err != nil || len(list) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%d segments in the MPD", len(list)))
	}
	return urls, nil
}
