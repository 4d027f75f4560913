package reconcile

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/control/state"
	"weir/ingest"
	"weir/ingest/timeline"
	"weir/media"
)

func openStore(t *testing.T, c state.Config) *state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestRecordsOutliveTheStore: what was put is loaded after a restart, in order.
func TestRecordsOutliveTheStore(t *testing.T) {
	folder := t.TempDir()
	store, err := state.Open(t.Context(), state.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	r, ctx := Records{store}, t.Context()
	var generations []timeline.Generation
	var joins []timeline.Join
	for i := range 12 { // more than nine: the order is of numbers, not of text
		g := timeline.Generation{Ordinal: i, Anchor: int64(i) * 25, Master: "v.1", N0: uint64(100 * i), Tracks: []timeline.Grid{{Name: "v.1", Timescale: 90000}}}
		generations = append(generations, g)
		j := timeline.Join{Seq: i + 1, Hash: 1<<63 + uint64(i), At: -int64(i)}
		joins = append(joins, j)
		if _, err := r.PutGeneration(ctx, "a", g); err != nil {
			t.Fatal(err)
		}
		if _, err := r.PutJoin(ctx, "a", j); err != nil {
			t.Fatal(err)
		}
	}
	tracks := []ingest.TrackRecord{{Name: "audio~1", ID: 96000, Kind: media.Audio}, {Name: "v.1", ID: 1, Bandwidth: 2, Kind: media.Video}}
	for _, k := range []int{1, 0} {
		if _, err := r.PutTrack(ctx, "a", tracks[k]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.PutTrack(ctx, "ab", ingest.TrackRecord{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	store.Close()

	r = Records{openStore(t, state.Config{Folder: folder})}
	g, j, tr, err := r.Load(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	for name, diff := range map[string]string{"generations": cmp.Diff(generations, g), "joins": cmp.Diff(joins, j), "tracks": cmp.Diff(tracks, tr)} {
		if diff != "" {
			t.Errorf("%s (- put, + loaded):\n%s", name, diff)
		}
	}
	if g, j, tr, err := r.Load(ctx, "none"); err != nil || len(g)+len(j)+len(tr) != 0 {
		t.Errorf("a channel without records has %v %v %v, %v", g, j, tr, err)
	}
}

// TestFirstNodeWins: two nodes that share a store put different records under one number, and both get the same back.
func TestFirstNodeWins(t *testing.T) {
	first := openStore(t, state.Config{Folder: t.TempDir(), Listen: "127.0.0.1:0"})
	second := openStore(t, state.Config{URL: "nats://" + first.Addr()})
	nodes := []Records{{first}, {second}}
	for round := range 10 {
		var won [2][3]int64
		var wg sync.WaitGroup
		for i, r := range nodes {
			wg.Go(func() {
				ours := int64(1000*round + i + 1)
				ctx := context.Background()
				g, err1 := r.PutGeneration(ctx, "a", timeline.Generation{Ordinal: round, Anchor: ours})
				j, err2 := r.PutJoin(ctx, "a", timeline.Join{Seq: round, At: ours})
				k, err3 := r.PutTrack(ctx, "a", ingest.TrackRecord{Name: fmt.Sprint(round), ID: ours})
				if err1 != nil || err2 != nil || err3 != nil {
					t.Error(err1, err2, err3)
				}
				won[i] = [3]int64{g.Anchor, j.At, k.ID}
			})
		}
		wg.Wait()
		if won[0] != won[1] || won[0][0] == 0 {
			t.Fatalf("round %d: one node got %v, the other %v", round, won[0], won[1])
		}
	}
}

// TestNodesSeeEachOthersRecords: what a node stores is told to the other, once it is written; a store of one's own tells nothing.
func TestNodesSeeEachOthersRecords(t *testing.T) {
	first := openStore(t, state.Config{Folder: t.TempDir(), Listen: "127.0.0.1:0"})
	second := openStore(t, state.Config{URL: "nats://" + first.Addr()})
	writer, watcher := Records{first}, Records{second}
	ctx := t.Context()
	told := make(chan string, 8)
	go func() {
		_ = watcher.Watch(ctx, "a", func(g *timeline.Generation, j *timeline.Join, h *timeline.Handover) {
			switch {
			case g != nil:
				told <- fmt.Sprint("generation ", g.Ordinal)
			case j != nil:
				told <- fmt.Sprint("join ", j.Seq)
			case h != nil:
				told <- fmt.Sprintf("handover %d %s %s", h.Seq, h.Track, h.Source)
			}
		})
	}()
	if _, err := writer.PutGeneration(ctx, "a", timeline.Generation{Ordinal: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.PutTrack(ctx, "a", ingest.TrackRecord{Name: "v"}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		h, err := writer.PutHandover(ctx, "a", timeline.Handover{Seq: 1, Track: "v", N: 7, Source: []string{"secondary", "primary"}[i]})
		if err != nil || h.Source != "secondary" {
			t.Fatalf("%+v, %v: the first one stands", h, err)
		}
	}
	if _, err := writer.PutJoin(ctx, "a", timeline.Join{Seq: 9}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"generation 3", "handover 1 v secondary", "join 9"} {
		if got := <-told; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
	if list, err := watcher.Handovers(ctx, "a"); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if err := (Records{openStore(t, state.Config{Folder: t.TempDir()})}).Watch(ctx, "a", nil); err != nil {
		t.Error(err)
	}
}

// The newest header counts, and the same again is not written.
func TestHeadersAreReplaced(t *testing.T) {
	r, ctx := Records{openStore(t, state.Config{Folder: t.TempDir()})}, t.Context()
	put := func(stream, moov string) {
		t.Helper()
		if err := r.PutHeader(ctx, "a", ingest.HeaderRecord{Stream: stream, Path: stream + "/init.mp4", Moov: []byte(moov)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, moov := range []string{"one", "two", "two", "three"} {
		put("v", moov)
	}
	put("a.b", "four")
	got, err := r.Headers(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	want := []ingest.HeaderRecord{
		{Stream: "a.b", Path: "a.b/init.mp4", Moov: []byte("four")}, {Stream: "v", Path: "v/init.mp4", Moov: []byte("three")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	log, err := r.Store.Log(ctx, state.NewKey("channel", "a", "header", "v"))
	if err != nil || len(log) != 3 {
		t.Errorf("%d entries of a header that was put four times, three of them another: %v", len(log), err)
	}
}
