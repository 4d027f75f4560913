package web

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/ingest"
	"weir/ingest/timeline"
	"weir/segcache"
)

// noRecords is a store that takes everything and keeps nothing: enough for one life of a channel.
type noRecords struct{}

func (noRecords) Load(context.Context, string) ([]timeline.Generation, []timeline.Join, []ingest.TrackRecord, error) {
	return nil, nil, nil, nil
}

func (noRecords) PutGeneration(_ context.Context, _ string, g timeline.Generation) (timeline.Generation, error) {
	return g, nil
}

func (noRecords) PutJoin(_ context.Context, _ string, j timeline.Join) (timeline.Join, error) {
	return j, nil
}

func (noRecords) Handovers(context.Context, string) ([]timeline.Handover, error) { return nil, nil }

func (noRecords) PutHandover(_ context.Context, _ string, h timeline.Handover) (timeline.Handover, error) {
	return h, nil
}

func (noRecords) Watch(context.Context, string, func(*timeline.Generation, *timeline.Join, *timeline.Handover)) error {
	return nil
}

func (noRecords) PutTrack(_ context.Context, _ string, t ingest.TrackRecord) (ingest.TrackRecord, error) {
	return t, nil
}

func (noRecords) Headers(context.Context, string) ([]ingest.HeaderRecord, error) { return nil, nil }

func (noRecords) PutHeader(context.Context, string, ingest.HeaderRecord) error { return nil }

// A bench is an encoder listener with one channel behind the token "good".
type bench struct {
	t       testing.TB
	server  *Server
	channel *ingest.Channel
	addr    string
}

func newBench(t testing.TB, limits ingest.Limits) *bench {
	t.Helper()
	return newBenchAt(t, limits, func() int64 { return time.Now().UnixNano() })
}

// newBenchAt is newBench with a clock of its own.
func newBenchAt(t testing.TB, limits ingest.Limits, now func() int64) *bench {
	t.Helper()
	cache := segcache.New(segcache.Config{Memory: 64 << 20})
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	channel, err := ingest.NewChannel(t.Context(), ingest.Config{
		Name: "live", Limits: limits,
		Timeline: timeline.Config{Segment: int64(time.Second), Part: int64(200 * time.Millisecond), Window: int64(10 * time.Second)},
	}, ingest.Deps{Cache: cache, Records: noRecords{}, Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	doors := new(ingest.DoorTable)
	doors.Store(ingest.NewDoors(map[string]*ingest.Door{"good": {Channel: channel}}))
	b := &bench{t: t, channel: channel, server: New(Config{Limits: limits, Log: log}, doors)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- b.server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = b.server.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
		cache.Close()
	})
	return b
}

// metric is the sum of a metric of the listener over its labels.
func (b *bench) metric(name string) (sum float64) {
	b.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.server)
	families, err := registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// A wire is a raw connection to the listener.
type wire struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (b *bench) dial() *wire {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return &wire{Conn: c, t: b.t, r: bufio.NewReader(c)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// answer is the next status within limit; 0 where the connection ends without one.
func (w *wire) answer(limit time.Duration) int {
	w.t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(limit))
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			w.t.Fatalf("no answer within %v", limit)
		}
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// post is the head of a request with a chunked body.
func post(token, path string) string {
	return "POST /" + token + "/ingest.isml/" + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
}

const probe = "POST /good/ingest.isml HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

// free is the smallest box that a body may begin with.
const free = "\x00\x00\x00\x08free"

// chunkOf frames bytes as one HTTP chunk.
func chunkOf(b string) string {
	return strconv.FormatInt(int64(len(b)), 16) + "\r\n" + b + "\r\n"
}
