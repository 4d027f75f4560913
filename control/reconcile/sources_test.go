package reconcile

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
	"weir/control/state"
	"weir/ingest"
	"weir/ingest/timeline"
	"weir/ingest/web"
	"weir/segcache"
)

// A station is a node as far as ingest goes: its channel, and where encoders push.
type station struct {
	channel *ingest.Channel
	addr    string
	log     *bytes.Buffer
}

func newStation(t *testing.T, store *state.Store) *station {
	t.Helper()
	cache := segcache.New(segcache.Config{Memory: 256 << 20})
	s := &station{log: &bytes.Buffer{}}
	config := Config{
		Timeline: timeline.Config{Segment: int64(2 * time.Second), Part: int64(200 * time.Millisecond), Window: int64(time.Minute)},
		Limits:   ingest.DefaultLimits(),
	}
	event := `{"liveEvents":[{"name":"a","properties":{"input":{"streamingProtocol":"FragmentedMP4","accessToken":"` + guidOf(1) + `"},
		"weir":{"tracks":["video540","video360","video240","audio"]}}}]}`
	log := slog.New(slog.NewTextHandler(&locked{w: s.log}, nil))
	p, err := New(t.Context(), resources(t, event), config, store, ingest.Deps{Cache: cache, Log: log, Now: func() int64 { return time.Now().UnixNano() }})
	if err != nil {
		t.Fatal(err)
	}
	doors := new(ingest.DoorTable)
	doors.Store(p.Doors())
	server := web.New(web.Config{Limits: config.Limits, Log: log, Gate: ingest.NewGate(config.Limits, nil)}, doors)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.channel, s.addr = p.Channels()[0], ln.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(ln) })
	group.Go(func() { _ = p.Run(ctx) })
	t.Cleanup(func() {
		stop()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		group.Wait()
		p.Close()
		cache.Close()
	})
	return s
}

// locked is a writer for several goroutines.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// segments are a track's, by number; nil for a GAP.
func (s *station) segments(t *testing.T, track string) map[uint64][]byte {
	t.Helper()
	out := map[uint64][]byte{}
	for _, view := range s.channel.Live().Version().Tracks {
		if view.Name != track {
			continue
		}
		for n := view.First; n < view.End; n++ {
			seg := view.Segment(n)
			if seg.Gap {
				out[n] = nil
				continue
			}
			body, ok := seg.Body()
			if !ok {
				t.Fatalf("segment %d has no body", n)
			}
			var b bytes.Buffer
			if _, err := body.WriteTo(&b); err != nil {
				t.Fatal(err)
			}
			out[n] = b.Bytes()
		}
	}
	return out
}

// TestNodesServeOneSource: two nodes on one store, each fed by two encoders that share time and not bits. The primary's way to
// one node breaks: both nodes go over to the secondary at the same segment, though the primary still comes to the other one.
func TestNodesServeOneSource(t *testing.T) {
	if testing.Short() {
		t.Skip("real time")
	}
	t.Parallel()
	first := openStore(t, state.Config{Folder: t.TempDir(), Listen: "127.0.0.1:0"})
	second := openStore(t, state.Config{URL: "nats://" + first.Addr()})
	nodes := []*station{newStation(t, first), newStation(t, second)}
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	feed := func(s *station, source string) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		chunk := map[string]time.Duration{"primary": 200 * time.Millisecond, "secondary": 120 * time.Millisecond}[source]
		go func() {
			done <- push.Run(ctx, push.Options{
				URL: fmt.Sprintf("http://%s/%s/%s/ingest.isml", s.addr, guidOf(1), source), Tracks: tracks, Epoch: true,
				Chunk: chunk, // so its bytes are its own, and the same at both nodes
			})
		}()
		once := sync.OnceFunc(func() {
			cancel()
			<-done
		})
		t.Cleanup(once)
		return once
	}
	cut := feed(nodes[0], "primary")
	feed(nodes[0], "secondary")
	feed(nodes[1], "secondary")
	feed(nodes[1], "primary")
	wait := func(what string, ok func() bool) {
		t.Helper()
		for begun := time.Now(); !ok(); <-time.After(50 * time.Millisecond) {
			if time.Since(begun) > 40*time.Second {
				t.Fatalf("%s: not in 40 s\n%s\n%s", what, nodes[0].log, nodes[1].log)
			}
		}
	}
	media := func(s *station) (n int) {
		for _, b := range s.segments(t, "video240") {
			if b != nil {
				n++
			}
		}
		return n
	}
	wait("two segments each", func() bool { return media(nodes[0]) >= 2 && media(nodes[1]) >= 2 })
	cut()
	have := [2]int{media(nodes[0]), media(nodes[1])}
	wait("three more segments each", func() bool { return media(nodes[0]) >= have[0]+3 && media(nodes[1]) >= have[1]+3 })

	handovers, err := (Records{first}).Handovers(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	from := uint64(0)
	for _, h := range handovers {
		if h.Track == "video240" && h.Source == "secondary" {
			from = h.N
		}
	}
	if from == 0 {
		t.Fatalf("no handover of video240: %+v", handovers)
	}
	x, y := nodes[0].segments(t, "video240"), nodes[1].segments(t, "video240")
	before, behind := 0, 0
	for n, body := range x {
		other, listed := y[n]
		if !listed || body == nil || other == nil {
			continue
		}
		if !bytes.Equal(body, other) {
			t.Errorf("segment %d differs (handover at %d)", n, from)
		}
		if n < from {
			before++
		} else {
			behind++
		}
	}
	if before == 0 || behind == 0 {
		t.Errorf("%d segments to compare before the handover, %d behind it", before, behind)
	}
}
