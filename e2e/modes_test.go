package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A mode is a way in which ffmpeg pushes, by the docs.
type mode struct {
	name    string
	docs    string                  // heading of the command in docs/encoders.md
	feed    func(*testing.T) string // what is pushed
	heights []int
	shift   time.Duration // ffmpeg shows the pictures later by it: decoding.check says why
	smooth  bool          // dash.js also plays Smooth
	late    bool          // a player also starts in the hole of the restart
	alone   bool          // ffmpeg encodes, which takes a core: no other mode is tested meanwhile
	long    bool          // make soak tests it
}

var modes = []mode{
	{name: "CMAF", docs: docsCMAF, feed: encoded, heights: ffmpegHeights, shift: 80 * time.Millisecond, late: true, alone: true},
	{name: "RTMP", docs: docsRTMP, feed: copied, heights: demoHeights, smooth: true, long: true},
	{name: "Smooth-one", docs: docsSmoothOne, feed: copied, heights: demoHeights, smooth: true},
	{name: "Smooth-each", docs: docsSmoothEach, feed: copied, heights: demoHeights, long: true},
	{name: "DASH", docs: docsDASH, feed: copied, heights: demoHeights},
	{name: "DASH-low-latency", docs: docsLowDASH, feed: copied, heights: demoHeights},
	{name: "HLS", docs: docsHLS, feed: copied, heights: demoHeights},
}

// TestModes is the main job: ffmpeg pushes in each of its ways, every player plays, and audio and video are in step. Then
// ffmpeg is cut in the middle and started again some seconds later: a new connection, new headers, times from zero.
// Players go on without a reload, and all is in step again; the recorder sees to names and numbers.
func TestModes(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			if m.long {
				longForm(t)
			}
			if !m.alone {
				t.Parallel() // mostly they wait: two at a time fit on two cores
			}
			m.test(t, m.begin(t))
		})
	}
}

// A channel is a node with its encoder. ffmpeg's reader of MPDs begins a minute before the live edge, which must not be where
// the window ends: it would read as fast as that edge moves.
type channel struct {
	n       *node
	encoder *process
}

func (m mode) begin(t *testing.T) *channel {
	t.Helper()
	c := &channel{n: newNode(t, settings{name: m.name, window: 2 * time.Minute})}
	m.push(t, c)
	return c
}

func (m mode) push(t *testing.T, c *channel) {
	t.Helper()
	c.encoder = pushFFmpeg(t, c.n, m.docs, m.feed(t))
}

func (m mode) test(t *testing.T, c *channel) {
	n := c.n
	list := players
	if m.smooth {
		list = append(slices.Clip(list), smoothPlayer)
	}
	v := view(t, n, list)
	v.check(t, m.heights, m.shift)

	c.encoder.kill()
	<-time.After(3 * time.Second)
	again := time.Now()
	m.push(t, c)
	lists := listedAfter(t, n, again)
	var late *watch
	if m.late { // the newest media is not yet as far from the hole as players stay behind
		late = open(t, "late", v.r, players[:1])
	}
	v.goesOn(t, again)
	if late != nil {
		late.started(20 * time.Second)
		late.close()
		came := late.viewer(players[0].Name)
		came.log(t)
	}
	hls := decode(t, "decode-hls-again", v.r.url+hlsPath, 6*time.Second)
	dash := v.decodeNewest(t)
	hls.check(t, 4, m.shift)
	dash.check(t, 4, m.shift)
	v.w.close()
	v.verdict.clean(t)
	for _, text := range v.r.refusals() {
		t.Errorf("refused: %s", text)
	}
	for _, url := range lists {
		p, err := fetchPlaylist(url)
		if err == nil {
			err = oneHole(p)
		}
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	text, err := get(n.base() + dashPath)
	if err == nil {
		err = oneJump(text)
	}
	if err != nil {
		t.Errorf("the MPD: %v", err)
	}
}

// goesOn waits until every player has reached media that was made after a restart, and has played on for a while.
func (v *viewing) goesOn(t *testing.T, again time.Time) {
	t.Helper()
	const steady = 5 * time.Second
	eventually(t, 40*time.Second, "players go on", func() error {
		for _, p := range v.players {
			player := v.w.viewer(p.Name)
			if player.fatal {
				t.Fatalf("%s has given up: %q", p.Name, player.errors)
			}
			last := player.last()
			if played := time.UnixMilli(int64(last.Playhead)).Sub(again); played < steady {
				return fmt.Errorf("%s: playhead %v after the restart; errors %q", p.Name, played, player.errors)
			}
		}
		return nil
	})
	for _, p := range v.players {
		player := v.w.viewer(p.Name)
		player.log(t)
		for _, s := range player.stalls() {
			t.Logf("%s stood still for %v at %s, %.2f s buffered, playhead %s", player.name, s.length.Round(time.Millisecond), clock(s.at), s.buffered, clock(s.playhead))
		}
	}
}

// decodeNewest decodes what the MPD lists behind its last hole. ffmpeg's own reader of MPDs begins a minute before the
// live edge.
func (v *viewing) decodeNewest(t *testing.T) *decoding {
	t.Helper()
	text, err := v.r.get(dashPath)
	if err != nil {
		t.Fatal(err)
	}
	_, list, err := parseMPD(text)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	tracks := map[string][]timed{}
	for _, s := range list {
		if strings.Contains(s.uri, "/KeyFrames(") { // trick mode
			continue
		}
		got := tracks[s.representation]
		if got == nil {
			order = append(order, s.representation)
		} else if last := got[len(got)-1]; last.start+last.duration != s.start {
			got = nil
		}
		tracks[s.representation] = append(got, s)
	}
	var videos, audios []string
	for _, track := range order {
		segments := tracks[track][:min(4, len(tracks[track]))]
		uris := []string{segments[0].init}
		for _, s := range segments {
			uris = append(uris, s.uri)
		}
		var file []byte
		for _, uri := range uris {
			b, err := get(resolve(v.r.url+dashPath, uri))
			if err != nil {
				t.Fatal(err)
			}
			file = append(file, b...)
		}
		path := filepath.Join(t.ArtifactDir(), "newest-"+track+".mp4")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if segments[0].content == "audio" {
			audios = append(audios, path)
		} else {
			videos = append(videos, path)
		}
	}
	if len(videos) != 3 || len(audios) != 1 {
		t.Fatalf("the MPD has videos %q, audio %q", videos, audios)
	}
	return decodeFiles(t, "decode-newest", 7*time.Second, [3]string(videos), audios[0])
}

// listedAfter waits until a node lists media from after a time, and returns its media playlists.
func listedAfter(t *testing.T, n *node, after time.Time) []string {
	t.Helper()
	lists, err := mediaURLs(n.base())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "media from after the restart is listed", func() error {
		p, err := fetchPlaylist(lists[0])
		if err == nil && p.end().Before(after) {
			err = fmt.Errorf("%s ends at %v", p.shape(), p.end())
		}
		return err
	})
	return lists
}

// oneHole checks that a playlist has media, then GAPs, then media, and no discontinuity.
func oneHole(p *playlist) error {
	turns := 0
	for i, s := range p.segments {
		if s.discontinuity || p.discontinuity != 0 {
			return fmt.Errorf("discontinuity at segment %d", s.n)
		}
		if i > 0 && s.gap != p.segments[i-1].gap {
			turns++
		}
	}
	if n := len(p.segments); n == 0 || turns != 2 || p.segments[0].gap || p.segments[n-1].gap {
		return fmt.Errorf("media and GAP take turns %d times, want 2: %s", turns, p.shape())
	}
	return nil
}

// oneJump checks that an MPD has one Period, in which each track has one hole.
func oneJump(text []byte) error {
	m, list, err := parseMPD(text)
	if err != nil || len(m.Periods) != 1 {
		return errors.Join(err, fmt.Errorf("%d Periods", len(m.Periods)))
	}
	jumps, ends := map[string]int{}, map[string]int64{}
	for _, s := range list {
		if end, ok := ends[s.representation]; !ok {
			jumps[s.representation] = 0
		} else if end != s.start {
			jumps[s.representation]++
		}
		ends[s.representation] = s.start + s.duration
	}
	for track, n := range jumps {
		if n != 1 {
			return fmt.Errorf("%s jumps %d times:\n%s", track, n, text)
		}
	}
	return nil
}
