package e2e

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/bench/push"
)

// TestSmoothPlays plays Smooth Streaming by dash.js beside the other formats, and through a restart of the encoder.
func TestSmoothPlays(t *testing.T) {
	needBrowser(t)
	n := newNode(t, settings{})
	var away atomic.Bool
	pushDemo(t, n, func(o *push.Options) {
		o.Epoch = true
		o.Fault = func(push.Chunk) push.Fault { return push.Fault{Drop: away.Load()} }
	})
	r := record(t, n.base())
	// dash.js sets out the window and the buffer of a session by the chunks that it finds at its start.
	eventually(t, 40*time.Second, "a manifest of eight chunks", func() error { return listsChunks(n, 8) })
	e := watchEdge(t, n)
	w := open(t, "players", r, []player{smoothPlayer, players[0], players[1]}, 3*time.Second, 11*time.Second)
	w.started(30 * time.Second)
	// The encoder is away for a while in the middle. Smooth is so far behind that it meets the hole when the 20 s are over.
	const watched = 20 * time.Second
	<-time.After(watched / 2)
	away.Store(true)
	<-time.After(3 * time.Second)
	away.Store(false)
	back := time.Now()
	<-time.After(watched/2 - 3*time.Second)
	v := w.viewer(smoothPlayer.Name)
	v.check(t, w, e, demoHeights, watched)
	v.checkClock(t)
	eventually(t, 40*time.Second, "dash.js plays what came after the restart", func() error {
		v = w.viewer(smoothPlayer.Name)
		if v.fatal || len(v.errors) > 0 {
			t.Fatalf("it has given up: %q", v.errors)
		}
		if played := time.UnixMilli(int64(v.last().Playhead)).Sub(back); played < 4*time.Second {
			return fmt.Errorf("playhead %v after the restart", played)
		}
		return nil
	})
	w.close()
	v.log(t)
	for _, s := range v.stalls() {
		if s.at.After(back.Add(-3 * time.Second)) {
			t.Logf("stood still for %v at %s, %.2f s buffered, playhead %s", s.length.Round(time.Millisecond), clock(s.at), s.buffered, clock(s.playhead))
		}
	}
	for _, text := range r.refusals() {
		if strings.Contains(text, "Fragment") && !strings.Contains(text, ".m4s") {
			t.Errorf("refused: %s", text)
		}
	}
}

// A clientManifest is what Smooth Streaming lists.
type clientManifest struct {
	Streams []struct {
		Type   string `xml:",attr"`
		URL    string `xml:"Url,attr"`
		Chunks int    `xml:",attr"`
		Levels []struct {
			Bitrate string `xml:",attr"`
		} `xml:"QualityLevel"`
		C []struct {
			T int64 `xml:"t,attr"`
			D int64 `xml:"d,attr"`
			R int   `xml:"r,attr"`
		} `xml:"c"`
	} `xml:"StreamIndex"`
}

func fetchClientManifest(base string) (*clientManifest, error) {
	text, err := get(base + smoothPath)
	if err != nil {
		return nil, err
	}
	m := new(clientManifest)
	return m, xml.Unmarshal(text, m)
}

// listsChunks reports whether the client manifest has a video stream of so many chunks, and one of audio.
func listsChunks(n *node, chunks int) error {
	m, err := fetchClientManifest(n.base())
	if err != nil {
		return err
	}
	if len(m.Streams) != 2 || m.Streams[0].Type != "video" || m.Streams[0].Chunks < chunks {
		return fmt.Errorf("lists %+v", m.Streams)
	}
	return nil
}

// fragments returns the URLs of the fragments that a node's client manifest lists; none while it has none.
func fragments(t *testing.T, base string) (urls []string) {
	t.Helper()
	m, err := fetchClientManifest(base)
	if hasStatus(err, 404) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Streams {
		at := int64(0)
		for _, c := range s.C {
			if c.T != 0 {
				at = c.T
			}
			for range max(1, c.R) {
				for _, l := range s.Levels {
					name := strings.NewReplacer("{bitrate}", l.Bitrate, "{start time}", strconv.FormatInt(at, 10)).Replace(s.URL)
					urls = append(urls, resolve(base+smoothPath, name))
				}
				at += c.D
			}
		}
	}
	return urls
}
