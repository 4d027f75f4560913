package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// memory is a store that first writers win, as the real one, without a disk.
type memory struct {
	mu     sync.Mutex
	gens   []timeline.Generation
	joins  []timeline.Join
	hands  []timeline.Handover
	tracks map[string]TrackRecord
	inits  map[string]HeaderRecord
	fail   error
}

func (m *memory) Load(context.Context, string) ([]timeline.Generation, []timeline.Join, []TrackRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tracks []TrackRecord
	for _, t := range m.tracks {
		tracks = append(tracks, t)
	}
	return append([]timeline.Generation(nil), m.gens...), append([]timeline.Join(nil), m.joins...), tracks, m.fail
}

func (m *memory) PutGeneration(_ context.Context, _ string, g timeline.Generation) (timeline.Generation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return g, m.fail
	}
	for _, old := range m.gens {
		if old.Ordinal == g.Ordinal {
			return old, nil
		}
	}
	m.gens = append(m.gens, g)
	return g, nil
}

func (m *memory) PutJoin(_ context.Context, _ string, j timeline.Join) (timeline.Join, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return j, m.fail
	}
	for _, old := range m.joins {
		if old.Seq == j.Seq {
			return old, nil
		}
	}
	m.joins = append(m.joins, j)
	return j, nil
}

func (m *memory) Handovers(context.Context, string) ([]timeline.Handover, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]timeline.Handover(nil), m.hands...), m.fail
}

func (m *memory) PutHandover(_ context.Context, _ string, h timeline.Handover) (timeline.Handover, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return h, m.fail
	}
	for _, old := range m.hands {
		if old.Seq == h.Seq {
			return old, nil
		}
	}
	m.hands = append(m.hands, h)
	return h, nil
}

func (m *memory) Watch(context.Context, string, func(*timeline.Generation, *timeline.Join, *timeline.Handover)) error {
	return nil
}

func (m *memory) PutTrack(_ context.Context, _ string, t TrackRecord) (TrackRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return t, m.fail
	}
	if old, ok := m.tracks[t.Name]; ok {
		return old, nil
	}
	if m.tracks == nil {
		m.tracks = map[string]TrackRecord{}
	}
	m.tracks[t.Name] = t
	return t, nil
}

func (m *memory) Headers(context.Context, string) (list []HeaderRecord, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.inits {
		list = append(list, h)
	}
	return list, m.fail
}

func (m *memory) PutHeader(_ context.Context, _ string, h HeaderRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inits == nil {
		m.inits = map[string]HeaderRecord{}
	}
	m.inits[h.Stream] = h
	return m.fail
}

// testbed is one channel on a clock that the test moves.
type testbed struct {
	t       testing.TB
	now     int64
	records *memory
	cache   *segcache.Cache
	channel *Channel
	log     *bytes.Buffer
	tracks  []string // declared
	hostile *Channel // a second channel on the same memory, where a test has one
}

const (
	testStart = int64(1_795_000_000) * int64(time.Second) // a day in November 2026
)

// newTestbed makes a channel that declares these tracks; v and a, where none are named.
func newTestbed(t testing.TB, records *memory, tracks ...string) *testbed {
	t.Helper()
	if tracks == nil {
		tracks = []string{"v", "a"}
	}
	b := &testbed{t: t, now: testStart, records: records, log: &bytes.Buffer{}, tracks: tracks}
	b.cache = segcache.New(segcache.Config{Memory: 512 << 20})
	t.Cleanup(func() { b.cache.Close() })
	b.open()
	return b
}

func (b *testbed) open() {
	b.t.Helper()
	c, err := NewChannel(context.Background(), Config{
		Name: "live",
		Timeline: timeline.Config{
			Segment: int64(2 * time.Second), Part: int64(200 * time.Millisecond), Window: int64(20 * time.Second), Chunk: int64(100 * time.Millisecond),
			Tracks: b.tracks,
		},
		Limits: DefaultLimits(),
	}, Deps{
		Cache: b.cache, Records: b.records, Now: func() int64 { return b.now },
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Live().Close) // else its notifier keeps the slabs: a fuzzer has thousands of channels a second
	b.channel = c
}

// settle does what Run does, once: records, deadlines.
func (b *testbed) settle() {
	b.t.Helper()
	if err := b.channel.putRecords(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	b.channel.Tick()
}

// source is one track of an encoder: frames with a content that tells their place.
type source struct {
	name      string
	video     bool
	timescale uint32
	frame     uint32 // ticks
	gop       int    // frames; video
	perChunk  int
	next      int   // frame
	base      int64 // decode time of frame 0
	conn      *Conn
	size      int // bytes of a frame
	source    string
	mark      byte // stands in each frame: encoders with different ones are not bit-exact
}

func videoSource() *source {
	return &source{name: "v", video: true, timescale: 12800, frame: 512, gop: 50, perChunk: 5, size: 400}
}

func audioSource() *source {
	return &source{name: "a", timescale: 48000, frame: 1024, perChunk: 9, size: 64}
}

// header is the track's ftyp and moov.
func (s *source) header(t testing.TB) []byte {
	t.Helper()
	init := mp4.CreateEmptyInit()
	if s.video {
		init.AddEmptyTrack(s.timescale, "video", "und")
		sps := unhex("67640020accac05005bb0169e0000003002000000c9c4c000432380008647c12401cb1c31380")
		if err := init.Moov.Trak.SetAVCDescriptor("avc1", [][]byte{sps}, [][]byte{unhex("68b5df20")}, true); err != nil {
			t.Fatal(err)
		}
	} else {
		init.AddEmptyTrack(s.timescale, "audio", "eng")
		if err := init.Moov.Trak.SetAACDescriptor(aac.AAClc, 48000); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// payload is frame i: for video a NAL unit of the right kind, then bytes that name the frame.
func (s *source) payload(dst []byte, i int) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, s.size)...)
	f := dst[at:]
	if s.video {
		binary.BigEndian.PutUint32(f, uint32(s.size-4))
		f[4] = 0x41
		if i%s.gop == 0 {
			f[4] = 0x65
		}
		f = f[5:]
	}
	binary.BigEndian.PutUint32(f, uint32(i))
	f[4] = s.mark
	return dst
}

// chunk appends the next chunk to dst.
func (s *source) chunk(dst []byte) []byte {
	m := media.Moof{Sequence: uint32(s.next), Time: s.base + int64(s.next)*int64(s.frame), DataBytes: s.perChunk * s.size}
	for i := range s.perChunk {
		m.Samples = append(m.Samples, media.Sample{
			Duration: s.frame, Size: uint32(s.size), Flags: media.SyncFlags(!s.video || (s.next+i)%s.gop == 0),
		})
	}
	dst = m.Append(dst)
	for i := range s.perChunk {
		dst = s.payload(dst, s.next+i)
	}
	s.next += s.perChunk
	return dst
}

// end is the time at which the chunk that comes next will be whole, ns after the encoder's start.
func (s *source) end() int64 {
	return int64(s.next+s.perChunk) * int64(s.frame) * int64(time.Second) / int64(s.timescale)
}

func (b *testbed) attach(s *source) {
	b.t.Helper()
	stream, err := b.channel.SourceStream(s.name, s.source)
	if err != nil {
		b.t.Fatal(err)
	}
	if s.conn, err = stream.Attach(true, nil); err != nil {
		b.t.Fatal(err)
	}
	b.feed(s, s.header(b.t))
}

func (b *testbed) feed(s *source, body []byte) {
	b.t.Helper()
	if err := s.conn.ReadBody(bytes.NewReader(body)); err != nil {
		b.t.Fatal(err)
	}
}

// run pushes all sources in the order in which a live encoder would, until the encoder has run for d.
func (b *testbed) run(started int64, d time.Duration, sources ...*source) {
	b.t.Helper()
	for {
		first := sources[0]
		for _, s := range sources[1:] {
			if s.end() < first.end() {
				first = s
			}
		}
		if first.end() > int64(d) {
			return
		}
		b.now = max(b.now, started+first.end())
		b.feed(first, first.chunk(nil))
		b.settle()
	}
}

// bodies are all segments that the newest version lists as media, by track and number.
func (b *testbed) bodies() map[string]map[uint64][]byte {
	b.t.Helper()
	out := map[string]map[uint64][]byte{}
	for _, view := range b.channel.Live().Version().Tracks {
		out[view.Name] = map[uint64][]byte{}
		for n := view.First; n < view.End; n++ {
			seg := view.Segment(n)
			if seg == nil {
				b.t.Fatalf("%s: segment %d is listed and not there", view.Name, n)
			}
			if seg.Gap {
				continue
			}
			body, ok := seg.Body()
			if !ok {
				b.t.Fatalf("%s: segment %d is listed and has no body", view.Name, n)
			}
			var buf bytes.Buffer
			if _, err := body.WriteTo(&buf); err != nil {
				b.t.Fatal(err)
			}
			out[view.Name][n] = buf.Bytes()
		}
	}
	return out
}

// frames decodes a segment with mp4ff, as a stranger would, and returns times and frame numbers.
func (b *testbed) frames(s *source, segment []byte) (times []uint64, numbers []int) {
	b.t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(segment))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				b.t.Fatal(err)
			}
			for _, sample := range samples {
				data := sample.Data
				if s.video {
					data = data[5:]
				}
				times = append(times, sample.DecodeTime)
				numbers = append(numbers, int(binary.BigEndian.Uint32(data)))
			}
		}
	}
	return times, numbers
}

// errCut is what a body that ends inside a box gives.
var errCut = io.ErrUnexpectedEOF

// parsed are the descriptions of sources, as ParseInit gives them.
func parsed(t testing.TB, sources ...*source) []media.Input {
	t.Helper()
	var all []media.Input
	for _, s := range sources {
		b := s.header(t)
		in, err := media.ParseInit(b[binary.BigEndian.Uint32(b):])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, in...)
	}
	return all
}

// view is a track of the newest version.
func (b *testbed) view(name string) *segcache.View {
	b.t.Helper()
	v := b.channel.Live().Version()
	for i := range v.Tracks {
		if v.Tracks[i].Name == name {
			return &v.Tracks[i]
		}
	}
	b.t.Fatalf("no track %s\n%s", name, b.log)
	return nil
}
