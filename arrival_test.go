package weir

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/ingest"
	"weir/ingest/timeline"
	"weir/media"
	"weir/origin"
	"weir/segcache"
)

// TestOrderOfArrival: a manifest is a function of what it lists, whatever came first (docs/time.md, section 7). Nodes that
// share a store are fed the same media, each track late by another time on each of them and under the slot's deadline. All
// that they say on the way, from the first version to the last, is compared byte by byte wherever two of them have come to
// the same: a media playlist and its delta update by its segment, its part and its GAPs, an MPD by its newest slot and GAPs.
//
// Everything is real (channel, window, presentation, manifests) but the encoders' sockets, the store's disk, and the clock.
func TestOrderOfArrival(t *testing.T) {
	const second = time.Second
	for _, c := range []camera{
		{name: "UTC, another decoder", utc: true, chunk: 5, sessions: []run{{0, 24 * second, 0}, {24 * second, 44 * second, 1}}},
		{name: "UTC, chunks across parts", utc: true, chunk: 7, sessions: []run{{0, 20 * second, 0}, {26 * second, 44 * second, 1}}},
		{name: "UTC, chunks of a second", utc: true, chunk: 25, sessions: []run{{0, 24 * second, 0}, {24 * second, 44 * second, 1}}},
		{name: "UTC, whole segments", utc: true, chunk: 50, sessions: []run{{0, 30 * second, 0}, {30 * second, 50 * second, 1}}},
		{name: "from zero, back with another decoder", chunk: 5, sessions: []run{{0, 23 * second, 0}, {26 * second, 46 * second, 1}}},
		{name: "from zero, another decoder at once", chunk: 5, sessions: []run{{0, 23 * second, 0}, {23 * second, 46 * second, 1}}},
		{name: "from zero, back as it was", chunk: 1, sessions: []run{{0, 22 * second, 0}, {27 * second, 44 * second, 0}}},
		{name: "from zero, scene cuts", cuts: true, chunk: 5, sessions: []run{{0, 30 * second, 0}, {30 * second, 54 * second, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				synctest.Test(t, func(t *testing.T) { c.compare(t, seed) })
			}
		})
	}
}

// A camera is an encoder of two renditions and sound.
type camera struct {
	name     string
	utc      bool // its times are UTC; else each run begins at zero
	chunk    int  // pictures
	cuts     bool // key frames stand where scenes begin
	sessions []run
}

// A run of a camera, on the true clock from the beginning on. The decoder is another where config is.
type run struct {
	from, to time.Duration
	config   byte
}

// zero is when cameras begin: bubbles of synctest do in 2000, the Periods of MPDs in 2020.
var zero = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// compare runs four nodes side by side.
func (c *camera) compare(t *testing.T, seed uint64) {
	time.Sleep(time.Until(zero.Add(-time.Minute)))
	records := &shared{tracks: map[string]ingest.TrackRecord{}}
	said := &sayings{t: t, seed: seed, by: map[string]saying{}, same: map[string]int{}}
	var arrivals []arrival
	var nodes []*packager
	for i := range 4 {
		n := newPackager(t, string(rune('a'+i)), records, said)
		nodes = append(nodes, n)
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		for _, e := range c.tracks() {
			last := time.Duration(0)
			for _, p := range e.packets {
				if late := time.Duration(random.Int64N(int64(300*time.Millisecond))) * time.Duration(i); p.at+late > last {
					last = p.at + late // of one connection, in order
				}
				arrivals = append(arrivals, arrival{at: last, node: n, packet: p})
			}
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	for _, a := range arrivals {
		time.Sleep(time.Until(zero.Add(a.at)))
		a.node.feed(t, a.packet)
	}
	time.Sleep(10 * time.Second) // deadlines pass
	for _, n := range nodes {
		n.close()
	}
	synctest.Wait()
	end := slices.MinFunc(nodes, func(a, b *packager) int { return cmp.Compare(a.newest, b.newest) }).newest
	for _, n := range nodes {
		if gaps, other := n.gapsBelow(end), nodes[0].gapsBelow(end); gaps == "" || gaps != other {
			t.Errorf("seed %d: node %s lists GAPs%s; node a%s\n%s", seed, n.name, gaps, other, n.log)
		}
	}
	least := map[string]int{"playlist": 400, "delta": 400, "mpd": 40, "mpd-low": 40}
	if c.utc {
		least["mpd-number"] = 40
	}
	for what, n := range least {
		if said.same[what] < n {
			t.Errorf("seed %d: %s: %d versions to compare, want %d\n%s", seed, what, said.same[what], n, nodes[0].log)
		}
	}
	if len(records.generations) < 1+int(c.sessions[1].config) {
		t.Errorf("seed %d: %d generations\n%s", seed, len(records.generations), nodes[0].log)
	}
	t.Logf("seed %d: said again by another node: %v; %d generations, %d joins", seed, said.same, len(records.generations), len(records.joins))
}

// An arrival is a packet that comes to a node.
type arrival struct {
	at   time.Duration // since zero
	node *packager
	packet
}

// A packet is what an encoder sends of a track at a time.
type packet struct {
	track string
	at    time.Duration // when its last byte leaves, since zero
	body  []byte
	first bool // of a connection: the body begins with the header
}

// An elementary is a track as a camera makes it.
type elementary struct {
	name                    string
	timescale, frame, chunk int                  // in ticks, and frames
	sync                    func(frame int) bool // nil: sound
	packets                 []packet
}

// tracks are the camera's, with all that they send.
func (c *camera) tracks() []*elementary {
	sync := func(i int) bool { return i%50 == 0 }
	if c.cuts {
		sync = func(i int) bool { return i%50 == 0 && i%150 != 100 || i%65 == 0 }
	}
	list := []*elementary{
		{name: "v1", timescale: 12800, frame: 512, chunk: c.chunk, sync: sync},
		{name: "v2", timescale: 90000, frame: 3600, chunk: c.chunk, sync: sync},
		{name: "a", timescale: 48000, frame: 1024, chunk: min(9*max(c.chunk/5, 1), 90)},
	}
	for _, e := range list {
		for i := range c.sessions {
			e.send(c, &c.sessions[i])
		}
	}
	return list
}

// lost tells what never leaves the encoder: of v2 a little more than a part, of all tracks a slot, of sound a chunk.
func (e *elementary) lost(from, to time.Duration) bool {
	in := func(begin, end time.Duration) bool { return from < end && to > begin }
	switch e.name {
	case "v2":
		return in(12500*time.Millisecond, 13100*time.Millisecond) || in(16*time.Second, 16900*time.Millisecond)
	case "a":
		return in(18300*time.Millisecond, 18500*time.Millisecond) || in(16*time.Second, 16900*time.Millisecond)
	}
	return in(16*time.Second, 16900*time.Millisecond)
}

// send makes the packets of a run.
func (e *elementary) send(c *camera, r *run) {
	base := int64(0)
	if c.utc {
		base = zero.Add(r.from).Unix() * int64(e.timescale)
	}
	after := func(frames int) time.Duration {
		return r.from + time.Duration(frames*e.frame)*time.Second/time.Duration(e.timescale)
	}
	first := true
	for next := 0; after(next+e.chunk) <= r.to; next += e.chunk {
		if e.lost(after(next), after(next+e.chunk)) {
			continue
		}
		p := packet{track: e.name, at: after(next + e.chunk), first: first}
		if first {
			p.body = e.header(r.config)
		}
		p.body = e.fragment(p.body, base, next, r.config)
		e.packets = append(e.packets, p)
		first = false
	}
}

// header is the ftyp and moov.
func (e *elementary) header(config byte) []byte {
	init := mp4.CreateEmptyInit()
	if e.sync != nil {
		init.AddEmptyTrack(uint32(e.timescale), "video", "und")
		pps := unhex("68b5df20")
		pps[3] ^= config
		if err := init.Moov.Trak.SetAVCDescriptor("avc1", [][]byte{unhex("67640020accac05005bb0169e0000003002000000c9c4c000432380008647c12401cb1c31380")}, [][]byte{pps}, true); err != nil {
			panic(err)
		}
	} else {
		init.AddEmptyTrack(uint32(e.timescale), "audio", "eng")
		if err := init.Moov.Trak.SetAACDescriptor(aac.AAClc, e.timescale); err != nil {
			panic(err)
		}
	}
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		panic(err)
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

// fragment appends a chunk; each frame's payload says which it is.
func (e *elementary) fragment(dst []byte, base int64, next int, config byte) []byte {
	const size = 24
	m := media.Moof{Sequence: uint32(next), Time: base + int64(next*e.frame), DataBytes: e.chunk * size}
	for i := range e.chunk {
		m.Samples = append(m.Samples, media.Sample{Duration: uint32(e.frame), Size: size, Flags: media.SyncFlags(e.sync == nil || e.sync(next+i))})
	}
	dst = m.Append(dst)
	for i := range e.chunk {
		frame := make([]byte, size)
		if e.sync != nil {
			frame[3], frame[4] = size-4, 0x41
			if e.sync(next + i) {
				frame[4] = 0x65
			}
		}
		frame[5] = config
		binary.BigEndian.PutUint32(frame[8:], uint32(next+i))
		dst = append(dst, frame...)
	}
	return dst
}

// A packager is one node: a channel, and what is said of it.
type packager struct {
	name    string
	channel *ingest.Channel
	server  *origin.Server
	conns   map[string]*ingest.Conn
	said    *sayings
	gaps    map[gap]bool // that were listed
	newest  uint64       // number up to which all tracks have listed
	log     *bytes.Buffer
	close   func()
}

const locator = "0a1b2c3d-0000-4000-8000-00000000abcd"

func newPackager(t *testing.T, name string, records *shared, said *sayings) *packager {
	t.Helper()
	cache := segcache.New(segcache.Config{Memory: 256 << 20})
	n := &packager{name: name, conns: map[string]*ingest.Conn{}, said: said, gaps: map[gap]bool{}, log: &bytes.Buffer{}}
	var err error
	n.channel, err = ingest.NewChannel(t.Context(), ingest.Config{
		Name: "live",
		Timeline: timeline.Config{
			Segment: int64(2 * time.Second), Part: int64(200 * time.Millisecond), Window: int64(24 * time.Second),
			Tracks: []string{"v1", "v2", "a"},
		},
		Limits: ingest.DefaultLimits(),
	}, ingest.Deps{
		Cache: cache, Records: records, Log: slog.New(slog.NewTextHandler(n.log, nil)),
		Now: func() int64 { return time.Now().UnixNano() },
	})
	if err != nil {
		t.Fatal(err)
	}
	p := origin.NewPresentation("live", n.channel.Live())
	n.server = origin.New(origin.Config{})
	n.server.SetRoutes(&origin.Routes{Locators: map[string]*origin.Locator{
		origin.Fold(locator): {ID: locator, Presentations: map[string]*origin.Presentation{"live": p}},
	}})
	n.channel.Live().OnPublish(n.look) // after the presentation's own: it says what the version lists
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.channel.Run(ctx) })
	n.close = func() {
		cancel()
		running.Wait()
		p.Close()
		n.channel.Live().Close()
		cache.Close()
	}
	return n
}

// feed hands a packet to the channel, over a new connection where it is the first of one.
func (n *packager) feed(t *testing.T, p packet) {
	t.Helper()
	if p.first {
		if old := n.conns[p.track]; old != nil {
			old.Detach()
		}
		stream, err := n.channel.Stream(p.track)
		if err != nil {
			t.Fatal(err)
		}
		if n.conns[p.track], err = stream.Attach(true, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.conns[p.track].ReadBody(bytes.NewReader(p.body)); err != nil {
		t.Fatal(err)
	}
}

// A gap is a slot that a track lists as missing.
type gap struct {
	track string
	n     uint64
}

func (n *packager) gapsBelow(end uint64) string {
	var list []string
	for g := range n.gaps {
		if g.n < end {
			list = append(list, fmt.Sprintf(" %s.%d", g.track, g.n))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "")
}

// look notes what the node says at a version.
func (n *packager) look(v *segcache.Version) {
	if len(v.Generations) == 0 {
		return
	}
	newest, all := ^uint64(0), ""
	for i := range v.Tracks {
		view := &v.Tracks[i]
		gaps := ""
		for k := view.First; k < view.End; k++ {
			if view.Segment(k).Gap {
				gaps += fmt.Sprint(" ", k)
				n.gaps[gap{view.Name, k}] = true
			}
		}
		newest, all = min(newest, view.End), all+view.Name+gaps+" "
		path := fmt.Sprintf("QualityLevels(%d)/Manifest(%s,format=m3u8-cmaf).m3u8", view.ID, view.Name)
		version := fmt.Sprintf(" of %s at %d.%d, GAPs%s", view.Name, view.End, view.Parts, gaps)
		n.say("playlist", version, path, "")
		n.say("delta", version, path, "_HLS_skip=YES")
	}
	n.newest = newest
	version := fmt.Sprintf(" at %d, GAPs of %s", newest, all)
	n.say("mpd", version, "manifest(format=mpd-time-cmaf)", "")
	// What a player may foresee ends where a generation begins that is known: publishTime says so.
	version += fmt.Sprintf("; generations %d", v.Generations[len(v.Generations)-1].Ordinal)
	n.say("mpd-low", version, "manifest(format=mpd-time-cmaf-ll)", "")
	n.say("mpd-number", version, "manifest(format=mpd-number-cmaf)", "")
}

// say notes a manifest under the version that it is of.
func (n *packager) say(what, version, path, query string) {
	r := origin.Request{
		Method: origin.MethodGet, Path: []byte("/" + locator + "/live.ism/" + path), Query: []byte(query),
		Now: time.Now(), Client: netip.MustParseAddr("192.0.2.1"),
	}
	var a origin.Answer
	n.server.Answer(&r, &a)
	if a.Status == 200 { // else there is nothing to play yet
		n.said.note(n.name, what, version, string(a.Bytes))
	}
}

// sayings are all that nodes have said, by what of which version.
type sayings struct {
	t    *testing.T
	seed uint64
	mu   sync.Mutex
	by   map[string]saying
	same map[string]int // how often one node said what another had
	bad  int
}

type saying struct{ node, text string }

func (s *sayings) note(node, what, version, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.by[what+version]
	switch {
	case !ok:
		s.by[what+version] = saying{node, text}
	case before.text != text:
		if s.bad++; s.bad <= 3 {
			s.t.Errorf("seed %d: %s%s: node %s says (-), node %s says (+)\n%s", s.seed, what, version, before.node, node, differing(before.text, text))
		}
	case before.node != node:
		s.same[what]++
	}
}

// differing are the lines that are not in both.
func differing(a, b string) string {
	var out strings.Builder
	list := func(sign string, of, without []string) {
		for _, line := range of {
			if !slices.Contains(without, line) {
				fmt.Fprintf(&out, "%s %s\n", sign, line)
			}
		}
	}
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	list("-", la, lb)
	list("+", lb, la)
	return out.String()
}

// shared is the store that all nodes write to: the first writer wins, some milliseconds later.
type shared struct {
	mu          sync.Mutex
	generations []timeline.Generation
	joins       []timeline.Join
	tracks      map[string]ingest.TrackRecord
}

func (s *shared) lock() func() {
	time.Sleep(3 * time.Millisecond)
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *shared) Load(context.Context, string) ([]timeline.Generation, []timeline.Join, []ingest.TrackRecord, error) {
	defer s.lock()()
	return slices.Clone(s.generations), slices.Clone(s.joins), slices.SortedFunc(maps.Values(s.tracks), func(a, b ingest.TrackRecord) int { return cmp.Compare(a.Name, b.Name) }), nil
}

func (s *shared) PutGeneration(_ context.Context, _ string, g timeline.Generation) (timeline.Generation, error) {
	defer s.lock()()
	if g.Ordinal >= len(s.generations) {
		s.generations = append(s.generations, g)
	}
	return s.generations[g.Ordinal], nil
}

func (s *shared) PutJoin(_ context.Context, _ string, j timeline.Join) (timeline.Join, error) {
	defer s.lock()()
	if j.Seq > len(s.joins) {
		s.joins = append(s.joins, j)
	}
	return s.joins[j.Seq-1], nil
}

func (*shared) Handovers(context.Context, string) ([]timeline.Handover, error) { return nil, nil }

func (*shared) PutHandover(_ context.Context, _ string, h timeline.Handover) (timeline.Handover, error) {
	return h, nil
}

func (*shared) Watch(context.Context, string, func(*timeline.Generation, *timeline.Join, *timeline.Handover)) error {
	return nil
}

func (s *shared) PutTrack(_ context.Context, _ string, r ingest.TrackRecord) (ingest.TrackRecord, error) {
	defer s.lock()()
	if _, ok := s.tracks[r.Name]; !ok {
		s.tracks[r.Name] = r
	}
	return s.tracks[r.Name], nil
}

func (s *shared) Headers(context.Context, string) ([]ingest.HeaderRecord, error) { return nil, nil }
func (s *shared) PutHeader(context.Context, string, ingest.HeaderRecord) error   { return nil }
