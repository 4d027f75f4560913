package e2e

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// TestPlay plays the built-in source, which sends the time since 1970 and shows it. TestModes plays what ffmpeg pushes.
func TestPlay(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	n := newNode(t, settings{})
	pushDemo(t, n, func(o *push.Options) { o.Epoch = true })
	v := view(t, n, players)
	v.check(t, demoHeights, 0)
	v.w.close()
	v.verdict.clean(t)
	for _, p := range players {
		player := v.w.viewer(p.Name)
		player.checkClock(t)
	}
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

// A viewing is players, ffmpeg and weir check on one node: three renditions and audio.
type viewing struct {
	n         *node
	players   []player
	r         *recorder
	edge      *edge
	w         *watch
	hls, dash *decoding
	verdict   *verdict
}

// view waits until a node lists media and begins to watch it.
func view(t *testing.T, n *node, list []player) *viewing {
	t.Helper()
	v := &viewing{n: n, players: list, r: record(t, n.base())}
	listedSegments(t, n.base(), 4, 3)
	if len(list) > len(players) { // Smooth: a session in dash.js keeps the window that it finds (docs/players.md)
		eventually(t, 40*time.Second, "a Smooth manifest of sixteen chunks", func() error { return listsChunks(n, 16) })
	}
	v.verdict = judge(t, 30*time.Second, n)
	v.edge = watchEdge(t, n)
	v.hls = decode(t, "decode-hls", v.r.url+hlsPath, 12*time.Second)
	v.dash = decode(t, "decode-dash", v.r.url+dashPath, 12*time.Second, "-re")
	v.w = open(t, "players", v.r, list, 2*time.Second, 14*time.Second)
	v.w.started(30 * time.Second)
	return v
}

// check watches for 22 s and judges what was seen; shift is as in decoding.check.
func (v *viewing) check(t *testing.T, heights []int, shift time.Duration) {
	t.Helper()
	const watched = 22 * time.Second
	<-time.After(watched)
	for _, p := range v.players {
		player := v.w.viewer(p.Name)
		player.check(t, v.w, v.edge, heights, watched)
	}
	v.w.mu.Lock()
	for _, text := range v.w.trouble {
		t.Errorf("browser: %s", text)
	}
	v.w.mu.Unlock()
	v.hls.check(t, 4, shift)
	v.dash.check(t, 4, shift)
	for _, text := range v.r.refusals() {
		t.Errorf("refused: %s", text)
	}
}

// check judges a viewer who has watched for a while: no error, no stall while there was something to show, all
// renditions listed, each forced rendition on the screen before the next.
func (v *viewer) check(t *testing.T, w *watch, e *edge, heights []int, watched time.Duration) {
	t.Helper()
	v.log(t)
	for _, text := range v.errors {
		// At its normal latency hls.js asks for the playlist with the last part of the next segment, gives it up after 0.8 of
		// TARGETDURATION, and asks again.
		// And it may say that it gave up a request itself when a rendition was forced.
		if strings.Contains(text, "LoadTimeOut") && strings.Contains(text, "_HLS_part=") || strings.HasSuffix(text, "aborted Aborted") {
			t.Logf("%s: %s", v.name, text)
			continue
		}
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
	most := 20 * time.Second
	if v.name == smoothPlayer.Name { // behind by its own choice (docs/players.md)
		most = 30 * time.Second
	}
	if latency := last.latency(); latency < 0 || latency > most {
		t.Errorf("%s: latency %v", v.name, latency)
	}
}
