package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// A sink is an HTTP server on in-memory connections, so that it can live on a fake clock. It keeps every body that it
// was sent and reads it with mp4ff, that is, not with what wrote it.
type sink struct {
	refuse func(n int, r *http.Request) int // status for the nth request instead of reading its body; 0 = read it

	mu     sync.Mutex
	down   bool // refuses connections
	bodies []*received
	accept chan net.Conn
}

// A received is one request: its top-level boxes with the time at which their last byte came.
type received struct {
	method, path string
	begin        time.Time
	boxes        []arrivedBox
	err          error // how the body ended: nil cleanly
}

type arrivedBox struct {
	at   time.Time
	kind string
	data []byte
}

// A chunk is a moof and its mdat as they came.
type chunk struct {
	at      time.Time // of its last byte
	start   int64     // decode time
	end     int64
	syncs   int // sync samples
	sync    bool
	bytes   []byte // moof and mdat
	payload []byte
	prft    *mp4.PrftBox
	seq     uint32
}

func newSink(t *testing.T) *sink {
	s := &sink{accept: make(chan net.Conn)}
	server := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() { _ = server.Serve(s); close(served) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return s
}

func (s *sink) Accept() (net.Conn, error) {
	c, ok := <-s.accept
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (s *sink) Close() error   { close(s.accept); return nil }
func (s *sink) Addr() net.Addr { return &net.TCPAddr{} }

// dial is for Options.dial.
func (s *sink) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	client, server := net.Pipe()
	select {
	case s.accept <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *sink) setDown(down bool) { s.mu.Lock(); s.down = down; s.mu.Unlock() }

// ServeHTTP reads a body box by box.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := &received{method: r.Method, path: r.URL.Path, begin: time.Now()}
	s.mu.Lock()
	s.bodies = append(s.bodies, body)
	n := len(s.bodies)
	s.mu.Unlock()
	if s.refuse != nil {
		if status := s.refuse(n, r); status != 0 {
			w.Header().Set("Connection", "close")
			w.WriteHeader(status)
			return
		}
	}
	for {
		box, err := readBox(r.Body)
		if err != nil {
			if err != io.EOF {
				s.mu.Lock()
				body.err = err
				s.mu.Unlock()
			}
			return
		}
		s.mu.Lock()
		body.boxes = append(body.boxes, box)
		s.mu.Unlock()
	}
}

func readBox(r io.Reader) (arrivedBox, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return arrivedBox{}, err
	}
	size := int(head[0])<<24 | int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if size < 8 {
		return arrivedBox{}, fmt.Errorf("box of %d bytes", size)
	}
	data := append(head[:], make([]byte, size-8)...)
	if _, err := io.ReadFull(r, data[8:]); err != nil {
		return arrivedBox{}, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return arrivedBox{time.Now(), string(head[4:]), data}, nil
}

// of returns the bodies of a path, in the order in which they began.
func (s *sink) of(path string) []*received {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*received
	for _, b := range s.bodies {
		if b.path == path {
			list = append(list, b)
		}
	}
	return list
}

// chunks reads the chunks of a body. The boxes must stand in the order [ftyp moov] ([prft] moof mdat)*.
func (b *received) chunks(t *testing.T) []chunk {
	t.Helper()
	var list []chunk
	var next chunk
	want := []string{"ftyp", "prft", "moof"}
	for i, box := range b.boxes {
		if !slices.Contains(want, box.kind) {
			t.Fatalf("%s: box %d is %q, want one of %q", b.path, i, box.kind, want)
		}
		decoded, err := mp4.DecodeBox(0, bytes.NewReader(box.data))
		if err != nil {
			t.Fatalf("%s: %s: %v", b.path, box.kind, err)
		}
		switch d := decoded.(type) {
		case *mp4.FtypBox:
			want = []string{"moov"}
		case *mp4.MoovBox:
			want = []string{"prft", "moof"}
		case *mp4.PrftBox:
			next.prft, want = d, []string{"moof"}
		case *mp4.MoofBox:
			want = []string{"mdat"}
			next.seq = d.Mfhd.SequenceNumber
			next.start = int64(d.Traf.Tfdt.BaseMediaDecodeTime())
			next.end = next.start
			if got, want := int(d.Traf.Trun.DataOffset), len(box.data)+8; got != want {
				t.Fatalf("%s: data offset %d, want %d", b.path, got, want)
			}
			for k, sample := range d.Traf.Trun.Samples {
				next.end += int64(sample.Dur)
				if sample.IsSync() {
					next.syncs++
					next.sync = next.sync || k == 0
				}
			}
			next.bytes = box.data
		case *mp4.MdatBox:
			want = []string{"prft", "moof"}
			next.at, next.payload = box.at, box.data[8:]
			next.bytes = slices.Concat(next.bytes, box.data)
			list = append(list, next)
			next = chunk{}
		}
	}
	return list
}

// demoTracks are two of the demo's files: package demo imports this one.
func demoTracks(t testing.TB, names ...string) *Tracks {
	t.Helper()
	var list []*Track
	for _, name := range names {
		file, err := os.ReadFile("../demo/" + name + ".mp4")
		if err != nil {
			t.Fatal(err)
		}
		tracks, err := Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		tracks[0].Name = name
		list = append(list, tracks[0])
	}
	ts, err := New(list...)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// source is the payload of a track's whole loop.
func (t *Track) source() []byte {
	var b []byte
	for _, s := range t.samples {
		b = append(b, t.data[s.offset:s.offset+int(s.size)]...)
	}
	return b
}
