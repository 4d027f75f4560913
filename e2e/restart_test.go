package e2e

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestEncoderRestart cuts ffmpeg in the middle and starts it again some seconds later: a new connection, new headers, times
// from zero. Players go on without a reload; the recorder sees to names and numbers.
func TestEncoderRestart(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	n := newNode(t, settings{})
	r := record(t, n.base())
	first := pushFFmpeg(t, n, docsCMAF, encoded(t))
	listedSegments(t, n.base(), 4, 3)
	w := open(t, "players", r, players)
	w.started(30 * time.Second)
	<-time.After(6 * time.Second)

	first.kill()
	<-time.After(3 * time.Second)
	again := time.Now()
	pushFFmpeg(t, n, docsCMAF, encoded(t))

	// Who comes now starts in the hole: the newest media is not yet as far from it as players stay behind.
	lists := listedAfter(t, n, again)
	late := open(t, "late", r, players[:1])

	// Every player must reach media that was made after the restart, and then play on for a while.
	const steady = 6 * time.Second
	eventually(t, 40*time.Second, "players go on", func() error {
		for _, p := range players {
			v := w.viewer(p.Name)
			if v.fatal {
				t.Fatalf("%s has given up: %q", p.Name, v.errors)
			}
			last := v.last()
			played := time.UnixMilli(int64(last.Playhead)).Sub(again)
			if played < steady {
				return fmt.Errorf("%s: playhead %v after the restart; errors %q", p.Name, played, v.errors)
			}
		}
		return nil
	})
	w.close()
	late.started(20 * time.Second)
	late.close()
	came := late.viewer(players[0].Name)
	came.log(t)
	for _, p := range players {
		v := w.viewer(p.Name)
		v.log(t)
		for _, s := range v.stalls() {
			t.Logf("%s stood still for %v at %s, %.2f s buffered, playhead %s", v.name, s.length.Round(time.Millisecond), clock(s.at), s.buffered, clock(s.playhead))
		}
	}
	for _, text := range r.refusals() {
		t.Errorf("refused: %s", text)
	}

	for _, url := range lists {
		p, err := fetchPlaylist(url)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := oneHole(p); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
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

// shape shows a playlist as one letter a segment: m for media, G for GAP.
func (p *playlist) shape() string {
	b := []byte(fmt.Sprintf("%d ", p.sequence))
	for _, s := range p.segments {
		if s.gap {
			b = append(b, 'G')
		} else {
			b = append(b, 'm')
		}
	}
	return string(b)
}

// TestNodeKilled ends weir by kill -9 while a zero-based encoder pushes, and starts it again: the numbers, the names and
// the mapping of time go on.
func TestNodeKilled(t *testing.T) {
	t.Parallel()
	n := newNode(t, settings{})
	r := record(t, n.base())
	pushDemo(t, n, nil)
	fetchAll := func() {
		for _, url := range slices.Concat(listedSegments(t, r.url, 4, 3), inits(t, r.url)) {
			if _, err := get(url); err != nil {
				t.Errorf("listed, and not there: %v", err)
			}
		}
	}
	fetchAll()
	before := snapshot(t, r.url)

	n.process.kill()
	n.start()

	fetchAll()
	after := snapshot(t, r.url)
	if after.multivariant != before.multivariant {
		t.Errorf("the multivariant playlist was\n%s\nand is\n%s", before.multivariant, after.multivariant)
	}
	for list, was := range before.playlists {
		is := after.playlists[list]
		if is == nil {
			t.Errorf("%s is gone", list)
			continue
		}
		if is.sequence <= was.last() {
			t.Errorf("%s: lists from %d on, after %d had been listed", list, is.sequence, was.last())
		}
		if is.target != was.target || is.discontinuity != was.discontinuity {
			t.Errorf("%s: target %d, discontinuity sequence %d; was %d, %d", list, is.target, is.discontinuity, was.target, was.discontinuity)
		}
		if a, b := was.segments[0], is.segments[0]; a.init != b.init {
			t.Errorf("%s: init segment %s, was %s", list, b.init, a.init)
		}
		for _, s := range is.segments {
			if s.gap || s.discontinuity {
				t.Errorf("%s: %s", list, is.shape())
				break
			}
		}
		if err := sameGrid(was, is); err != nil {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// sameGrid checks that two playlists of a track number time alike: segment N+k starts k slots of two seconds after
// segment N, to an audio frame.
func sameGrid(a, b *playlist) error {
	if len(a.segments) == 0 || len(b.segments) == 0 {
		return errors.New("no segments")
	}
	x, y := a.segments[0], b.segments[0]
	want := time.Duration(y.n-x.n) * 2 * time.Second
	if got := y.start.Sub(x.start); got < want-22*time.Millisecond || got > want+22*time.Millisecond {
		return fmt.Errorf("segment %d starts %v after segment %d, want %v", y.n, got, x.n, want)
	}
	return nil
}

// A picture of what a node lists.
type listings struct {
	multivariant string
	playlists    map[string]*playlist // by path below the node
}

func snapshot(t *testing.T, base string) listings {
	t.Helper()
	text, err := get(base + hlsPath)
	if err != nil {
		t.Fatal(err)
	}
	s := listings{multivariant: string(text), playlists: map[string]*playlist{}}
	for _, uri := range mediaPlaylists(s.multivariant) {
		p, err := fetchPlaylist(resolve(base+hlsPath, uri))
		if err != nil {
			t.Fatal(err)
		}
		s.playlists[uri] = p
	}
	return s
}
