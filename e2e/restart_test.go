package e2e

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

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
