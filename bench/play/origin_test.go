//go:build linux

package play

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// An origin is a low-latency origin as small as can be: each chunk that is posted is a part, five are a segment.
type origin struct {
	mu     sync.Mutex
	chunks [][]byte
	more   chan struct{} // closed with the next chunk
	over   chan struct{} // closed when the test ends
}

const perSegment = 5

// newOrigin starts an origin that is fed with a stamped track in real time, in chunks of some length, and returns its URL
// once it has media.
func newOrigin(t *testing.T, chunk time.Duration) string {
	o := &origin{more: make(chan struct{}), over: make(chan struct{})}
	s := httptest.NewServer(o)
	t.Cleanup(func() { close(o.over); s.CloseClientConnections(); s.Close() })
	feed(t, s.URL+"/in", chunk)
	o.wait(2)
	return s.URL
}

// feed pushes a stamped track in real time until the test ends.
func feed(t *testing.T, url string, chunk time.Duration) {
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	if tracks, err = tracks.Inflate("v", 1_000_000, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() {
		over <- push.Run(t.Context(), push.Options{URL: url, Tracks: tracks, Chunk: chunk, Stamp: true})
	}()
	t.Cleanup(func() {
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// wait returns when n chunks have come, or after a while.
func (o *origin) wait(n int) [][]byte {
	for end := time.After(4 * time.Second); ; {
		o.mu.Lock()
		chunks, more := o.chunks, o.more
		o.mu.Unlock()
		if len(chunks) >= n {
			return chunks
		}
		select {
		case <-more:
		case <-o.over:
			return chunks
		case <-end:
			return chunks
		}
	}
}

// chunk waits for one chunk; the connection breaks where it does not come.
func (o *origin) chunk(at int) []byte {
	chunks := o.wait(at + 1)
	if at >= len(chunks) {
		panic(http.ErrAbortHandler)
	}
	return chunks[at]
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n, k int
	switch {
	case r.Method == "POST":
		o.take(r.Body)
	case r.URL.Path == "/master.m3u8":
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/list.m3u8\n")
	case r.URL.Path == "/v/list.m3u8":
		q := r.URL.Query()
		msn, _ := strconv.Atoi(q.Get("_HLS_msn"))
		part, _ := strconv.Atoi(q.Get("_HLS_part"))
		fmt.Fprint(w, list(len(o.wait(msn*perSegment+part+1))))
	case r.URL.Path == "/live.mpd":
		fmt.Fprintf(w, `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"><Period start="PT0S"><AdaptationSet contentType="video" mimeType="video/mp4">
<SegmentTemplate timescale="1" media="s$Number$" startNumber="%d"><SegmentTimeline><S t="0" d="1"/></SegmentTimeline></SegmentTemplate><Representation id="v" bandwidth="1"/></AdaptationSet></Period></MPD>`, (len(o.wait(1))-1)/perSegment)
	case scan(r.URL.Path, "/v/p%d.%d", &n, &k):
		_, _ = w.Write(o.chunk(n*perSegment + k))
	case scan(r.URL.Path, "/s%d", &n):
		if len(o.wait(0)) < n*perSegment {
			http.NotFound(w, r)
			return
		}
		for at := n * perSegment; at < (n+1)*perSegment; at++ {
			_, _ = w.Write(o.chunk(at))
			_ = http.NewResponseController(w).Flush()
		}
	default:
		http.NotFound(w, r)
	}
}

func scan(path, format string, to ...any) bool {
	n, err := fmt.Sscanf(path, format, to...)
	return err == nil && n == len(to)
}

// list is the playlist after so many chunks.
func list(chunks int) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-MEDIA-SEQUENCE:0\n")
	for i := range chunks {
		fmt.Fprintf(&b, "#EXT-X-PART:DURATION=0.2,URI=\"p%d.%d\"\n", i/perSegment, i%perSegment)
		if i%perSegment == perSegment-1 {
			fmt.Fprintf(&b, "#EXTINF:2.0,\ns%d\n", i/perSegment)
		}
	}
	fmt.Fprintf(&b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p%d.%d\"\n", chunks/perSegment, chunks%perSegment)
	return b.String()
}

// take cuts a body into chunks.
func (o *origin) take(r io.Reader) {
	var chunk bytes.Buffer
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		chunk.Write(head[:])
		if _, err := io.CopyN(&chunk, r, int64(binary.BigEndian.Uint32(head[:]))-8); err != nil {
			return
		}
		switch string(head[4:]) {
		case "moov":
			chunk.Reset()
		case "mdat":
			o.mu.Lock()
			o.chunks = append(o.chunks, bytes.Clone(chunk.Bytes()))
			close(o.more)
			o.more = make(chan struct{})
			o.mu.Unlock()
			chunk.Reset()
		}
	}
}
