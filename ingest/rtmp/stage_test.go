package rtmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/ingest"
	"weir/ingest/rtmp/chunk"
	"weir/ingest/timeline"
	"weir/segcache"
)

// memory is a store without a disk: first writers win.
type memory struct {
	mu    sync.Mutex
	gens  []timeline.Generation
	joins []timeline.Join
	track map[string]ingest.TrackRecord
}

func (m *memory) Load(context.Context, string) ([]timeline.Generation, []timeline.Join, []ingest.TrackRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tracks []ingest.TrackRecord
	for _, t := range m.track {
		tracks = append(tracks, t)
	}
	return slices.Clone(m.gens), slices.Clone(m.joins), tracks, nil
}

func (m *memory) PutGeneration(_ context.Context, _ string, g timeline.Generation) (timeline.Generation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
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
	for _, old := range m.joins {
		if old.Seq == j.Seq {
			return old, nil
		}
	}
	m.joins = append(m.joins, j)
	return j, nil
}

func (*memory) Handovers(context.Context, string) ([]timeline.Handover, error) { return nil, nil }

func (*memory) PutHandover(_ context.Context, _ string, h timeline.Handover) (timeline.Handover, error) {
	return h, nil
}

func (*memory) Watch(context.Context, string, func(*timeline.Generation, *timeline.Join, *timeline.Handover)) error {
	return nil
}

func (m *memory) PutTrack(_ context.Context, _ string, t ingest.TrackRecord) (ingest.TrackRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.track[t.Name]; ok {
		return old, nil
	}
	if m.track == nil {
		m.track = map[string]ingest.TrackRecord{}
	}
	m.track[t.Name] = t
	return t, nil
}

func (*memory) Headers(context.Context, string) ([]ingest.HeaderRecord, error) { return nil, nil }
func (*memory) PutHeader(context.Context, string, ingest.HeaderRecord) error   { return nil }

// A stage is a channel on the clock of a synctest bubble.
type stage struct {
	t       *testing.T
	records *memory
	channel *ingest.Channel
	log     *bytes.Buffer
	start   time.Time
	stop    func()
	client  netip.Addr // of what is published
	from    int        // frames before that are not looked at
}

// newStage makes a stage. Close it before the bubble's function returns.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, records: &memory{}, log: &bytes.Buffer{}, start: time.Now()}
	cache := segcache.New(segcache.Config{Memory: 256 << 20})
	channel, err := ingest.NewChannel(context.Background(), ingest.Config{
		Name: "live", Limits: ingest.DefaultLimits(),
		Timeline: timeline.Config{
			Segment: int64(2 * time.Second), Part: int64(200 * time.Millisecond), Chunk: int64(100 * time.Millisecond),
			Window: int64(2 * time.Minute),
		},
	}, ingest.Deps{
		Cache: cache, Records: s.records, Now: func() int64 { return time.Now().UnixNano() },
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.channel = channel
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = channel.Run(ctx)
	}()
	s.stop = func() {
		cancel()
		<-done
		channel.Live().Close()
		cache.Close()
	}
	return s
}

// publish opens a publication under that name, which may have a query.
func (s *stage) publish(name string) *feed {
	s.t.Helper()
	u, err := url.Parse(name)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := openFeed(&publish{
		door: &ingest.Door{Channel: s.channel}, name: u.Path, query: u.Query(), client: s.client,
		log: slog.New(slog.NewTextHandler(s.log, nil)), kick: func() {},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return f.(*feed)
}

// A track is audio or video as an encoder sends it.
type track struct {
	audio     bool
	rate, per int64                     // rate frames in per seconds
	key       func(i int) bool          // nil: all
	cto       func(i int) int           // ms, of frame i in order of decoding
	stamp     func(i int) int64         // ms; nil: exact, rounded
	at        func(i int) time.Duration // when frame i has been taken; nil: exact
	late      time.Duration             // it comes that much later than it is stamped
	frames    int                       // next frame
	until     int                       // frames that there are; 0: no end
	first     int                       // frames of the scene before its own first
	content   uint32                    // put into each frame beside its number
}

func (k *track) exact(i int) time.Duration {
	return time.Duration(int64(i)*int64(time.Second)/k.rate*k.per + int64(i)*int64(time.Second)%k.rate*k.per/k.rate)
}

func (k *track) taken(i int) time.Duration {
	if k.at != nil {
		return k.at(i)
	}
	return k.exact(i)
}

func (k *track) ms(i int) int64 {
	if k.stamp != nil {
		return k.stamp(i)
	}
	return int64((k.taken(i) + time.Millisecond/2) / time.Millisecond)
}

func every(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }

// avcC is a configuration of 1280 by 720 pixels.
var avcC = func() []byte {
	sps, _ := hex.DecodeString("67640020accac05005bb0169e0000003002000000c9c4c000432380008647c12401cb1c31380")
	pps, _ := hex.DecodeString("68b5df20")
	b := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1, 0, byte(len(sps))}
	b = append(b, sps...)
	b = append(b, 1, 0, byte(len(pps)))
	b = append(b, pps...)
	return append(b, 0xfd, 0xf8, 0xf8, 0)
}()

// message hands over a message in pieces of up to 128 bytes, as the wire does.
func (s *stage) message(f *feed, kind chunk.Kind, ms int64, b []byte) {
	s.t.Helper()
	if err := s.try(f, kind, ms, b); err != nil {
		s.t.Fatalf("%v\n%s", err, s.log)
	}
}

func (s *stage) try(f *feed, kind chunk.Kind, ms int64, b []byte) error {
	if err := f.begin(chunk.Header{Kind: kind, Stream: 1, Time: uint32(ms), Length: len(b)}); err != nil {
		return err
	}
	for len(b) > 0 {
		n := min(len(b), 128)
		if err := f.piece(kind, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return f.end(kind)
}

// header sends a track's decoder configuration.
func (s *stage) header(f *feed, k *track) {
	s.t.Helper()
	if k.audio {
		rate := map[int64]byte{48000: 3, 44100: 4}[k.rate]
		s.message(f, chunk.Audio, 0, []byte{0xaf, 0, 2<<3 | rate>>1, rate<<7 | 2<<3})
		return
	}
	s.message(f, chunk.Video, 0, append([]byte{0x17, 0, 0, 0, 0}, avcC...))
}

// frame sends the track's next frame.
func (s *stage) frame(f *feed, k *track) {
	s.t.Helper()
	i := k.frames
	k.frames++
	body := make([]byte, 150+i%90)
	if k.audio {
		binary.BigEndian.PutUint32(body, uint32(i))
		binary.BigEndian.PutUint32(body[4:], k.content)
		s.message(f, chunk.Audio, k.ms(i), append([]byte{0xaf, 1}, body...))
		return
	}
	binary.BigEndian.PutUint32(body, uint32(len(body)-4))
	key := k.key == nil || k.key(i)
	cto, first, nal := 0, byte(0x27), byte(0x41)
	if key {
		first, nal = 0x17, 0x65
	}
	if k.cto != nil {
		cto = k.cto(i)
	}
	body[4] = nal
	binary.BigEndian.PutUint32(body[5:], uint32(i))
	binary.BigEndian.PutUint32(body[9:], k.content)
	s.message(f, chunk.Video, k.ms(i), append([]byte{first, 1, byte(cto >> 16), byte(cto >> 8), byte(cto)}, body...))
}

// A show is a publication and what it sends.
type show struct {
	f      *feed
	tracks []*track
}

// play sends the frames of all shows as they are taken, until a time after the stage's start.
func (s *stage) play(until time.Duration, shows ...*show) {
	s.t.Helper()
	for {
		var of *show
		var next *track
		var at time.Duration
		for _, w := range shows {
			for _, k := range w.tracks {
				if k.until != 0 && k.frames >= k.until {
					continue
				}
				if t := k.taken(k.frames+1) + k.late; next == nil || t < at {
					of, next, at = w, k, t
				}
			}
		}
		if next == nil || at > until {
			time.Sleep(time.Until(s.start.Add(until)))
			return
		}
		time.Sleep(time.Until(s.start.Add(at)))
		s.frame(of.f, next)
	}
}

// open publishes under a name and sends the headers.
func (s *stage) open(name string, tracks ...*track) *show {
	s.t.Helper()
	w := &show{f: s.publish(name), tracks: tracks}
	for _, k := range tracks {
		s.header(w.f, k)
	}
	return w
}

// A seen is a frame as it is published.
type seen struct {
	number  int
	content uint32
	time    int64 // ticks
	length  uint32
	cto     int32
	sync    bool
	segment uint64
}

// A listing is what the newest version says of a track.
type listing struct {
	frames []seen
	media  int
	gaps   []uint64
	ends   uint64
}

// listed reads all that the newest version lists of a track, and checks that segments follow each other.
func (s *stage) listed(name string) listing {
	s.t.Helper()
	var out listing
	v := s.channel.Live().Version()
	for i := range v.Tracks {
		view := &v.Tracks[i]
		if view.Name != name {
			continue
		}
		out.ends = view.End
		for n := view.First; n < view.End; n++ {
			seg := view.Segment(n)
			if seg.Gap {
				out.gaps = append(out.gaps, n)
				continue
			}
			out.media++
			body, ok := seg.Body()
			if !ok {
				s.t.Fatalf("%s: segment %d has no body", name, n)
			}
			frames := s.decode(name, bytes.Join(body.Slices(), nil), n)
			if len(frames) == 0 || frames[0].time != seg.Start {
				s.t.Fatalf("%s: segment %d starts at %d, its %d frames elsewhere: %+v", name, n, seg.Start, len(frames), frames)
			}
			out.frames = append(out.frames, frames...)
		}
		return out
	}
	s.t.Fatalf("no track %s\n%s", name, s.log)
	return out
}

func (s *stage) decode(name string, b []byte, n uint64) (out []seen) {
	s.t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				s.t.Fatal(err)
			}
			for _, m := range samples {
				data := m.Data
				if name[:min(len(name), 5)] != "audio" {
					data = data[5:]
				}
				out = append(out, seen{
					number: int(binary.BigEndian.Uint32(data)), content: binary.BigEndian.Uint32(data[4:]), time: int64(m.DecodeTime), length: m.Dur,
					cto: m.CompositionTimeOffset, sync: m.IsSync(), segment: n,
				})
			}
		}
	}
	return out
}
