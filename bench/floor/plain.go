package floor

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A plain is the relay as it is written in an afternoon: net/http, a goroutine a connection, a fresh slice for each chunk.
type plain struct {
	keep time.Duration

	mu    sync.Mutex
	feeds map[string]*plainFeed
}

type plainFeed struct {
	mu      sync.Mutex
	header  []byte
	kept    []plainChunk // oldest first
	viewers map[chan []byte]struct{}
}

type plainChunk struct {
	at    time.Time
	bytes []byte
}

// Plain does what Relay does, and serves on ln until ctx ends, when it returns nil.
func Plain(ctx context.Context, ln net.Listener, keep time.Duration) error {
	p := &plain{keep: keep, feeds: map[string]*plainFeed{}}
	s := &http.Server{Handler: p}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	f := p.feeds[r.URL.Path]
	if f == nil {
		f = &plainFeed{viewers: map[chan []byte]struct{}{}}
		p.feeds[r.URL.Path] = f
	}
	p.mu.Unlock()
	if r.Method == http.MethodGet {
		f.view(w, r)
		return
	}
	for {
		chunk, kind, err := readChunk(r.Body)
		if err != nil {
			return
		}
		f.add(chunk, kind, p.keep)
	}
}

// readChunk reads boxes up to the end of a moov or an mdat.
func readChunk(r io.Reader) (chunk []byte, kind string, err error) {
	for kind != "moov" && kind != "mdat" {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, "", err
		}
		size := binary.BigEndian.Uint32(head[:])
		if size < 8 || size > 64<<20 {
			return nil, "", io.ErrUnexpectedEOF // 64-bit sizes are not for it
		}
		from := len(chunk)
		grown := make([]byte, from+int(size))
		copy(grown, chunk)
		copy(grown[from:], head[:])
		if _, err := io.ReadFull(r, grown[from+8:]); err != nil {
			return nil, "", err
		}
		chunk, kind = grown, string(head[4:])
	}
	return chunk, kind, nil
}

// add keeps a chunk for so long, and hands it to the viewers; one that is far behind misses it.
func (f *plainFeed) add(chunk []byte, kind string, keep time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kind == "moov" {
		f.header = chunk
	}
	now := time.Now()
	for len(f.kept) > 0 && now.Sub(f.kept[0].at) > keep {
		f.kept = f.kept[1:]
	}
	f.kept = append(f.kept, plainChunk{now, chunk})
	for v := range f.viewers {
		select {
		case v <- chunk:
		default:
		}
	}
}

func (f *plainFeed) view(w http.ResponseWriter, r *http.Request) {
	chunks := make(chan []byte, 64)
	f.mu.Lock()
	f.viewers[chunks] = struct{}{}
	header := f.header
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.viewers, chunks)
	}()
	for chunk := header; ; {
		if _, err := w.Write(chunk); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case chunk = <-chunks:
		case <-r.Context().Done():
			return
		}
	}
}
