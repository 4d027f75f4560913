package ingest

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/ingest/smooth"
	"weir/ingest/timeline"
	"weir/media"
)

// smoothBox reads Live Server Manifests as ingest/web does.
var smoothBox = ManifestBox{UUID: smooth.UUID, Bytes: smooth.MaxBytes, Parse: func(b []byte) ([]TrackHint, error) {
	tracks, err := smooth.Parse(b)
	var hints []TrackHint
	for _, t := range tracks {
		hints = append(hints, TrackHint{TrackID: t.ID, Kind: t.Kind, Name: t.Identity(), Bitrate: t.Bitrate, Language: t.Language, Scheme: t.Scheme})
	}
	return hints, err
}}

// The tracks of testdata/all.ismv.
const (
	highSmooth  = "video_40000"
	lowSmooth   = "video_20000"
	audioSmooth = "audio_16000"
)

// A recording is what ffmpeg sent as Smooth.
type recording struct {
	header    []byte // ftyp, Live Server Manifest, moov
	fragments []recorded
	end       []byte // mfra
}

// recorded is a moof and its mdat. Times are in units of 100 ns from the encoder's start.
type recorded struct {
	track     uint32
	time, end int64
	bytes     []byte
}

func readRecording(t testing.TB, name string) *recording {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{}
	var frag media.Fragment
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		switch string(b[4:8]) {
		case "moof":
			if err := frag.Parse(b[:n], func(uint32) (media.Defaults, bool) { return media.Defaults{}, true }); err != nil {
				t.Fatal(err)
			}
			traf := &frag.Trafs[0]
			f := recorded{track: traf.TrackID, time: traf.TfxdTime, end: traf.TfxdTime, bytes: b[: n+binary.BigEndian.Uint32(b[n:]) : n+binary.BigEndian.Uint32(b[n:])]}
			for _, s := range traf.Samples {
				f.end += int64(s.Duration)
			}
			r.fragments = append(r.fragments, f)
			n = uint32(len(f.bytes))
		case "mfra":
			r.end = b[:n]
		default:
			r.header = append(r.header, b[:n]...)
		}
		b = b[n:]
	}
	return r
}

// of are the fragments of some tracks.
func (r *recording) of(tracks ...uint32) []recorded {
	var out []recorded
	for _, f := range r.fragments {
		if slices.Contains(tracks, f.track) {
			out = append(out, f)
		}
	}
	return out
}

// A request is a POST of a Smooth encoder that began to run at start.
type request struct {
	b     *testbed
	conn  *Conn
	start int64
}

func (b *testbed) post(stream string, start int64, header []byte) *request {
	b.t.Helper()
	s, err := b.channel.Stream(stream)
	if err != nil {
		b.t.Fatal(err)
	}
	conn, err := s.Attach(true, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	conn.ReadManifests(&smoothBox)
	q := &request{b: b, conn: conn, start: start}
	q.send(header)
	return q
}

func (q *request) send(body []byte) {
	q.b.t.Helper()
	if err := q.conn.ReadBody(bytes.NewReader(body)); err != nil {
		q.b.t.Fatal(err)
	}
}

// play sends fragments as they get whole.
func (q *request) play(fragments ...recorded) {
	q.b.t.Helper()
	for _, f := range fragments {
		at := max(q.b.now, q.start+f.end*100)
		for q.b.now+int64(100*time.Millisecond) < at { // deadlines on the way
			q.b.now += int64(100 * time.Millisecond)
			q.b.settle()
		}
		q.b.now = at
		q.send(f.bytes)
		q.b.settle()
	}
}

// playAll sends the fragments of several requests in the order in which they get whole.
func playAll(feeds map[*request][]recorded) {
	for {
		var next *request
		for q, left := range feeds {
			if len(left) > 0 && (next == nil || q.start+left[0].end*100 < next.start+feeds[next][0].end*100) {
				next = q
			}
		}
		if next == nil {
			return
		}
		next.play(feeds[next][0])
		feeds[next] = feeds[next][1:]
	}
}

// checkSmooth holds what is listed against the exact cadence: every sample follows the one before, no slot is a GAP.
func (b *testbed) checkSmooth(least int) {
	b.t.Helper()
	views := b.channel.Live().Version().Tracks
	if len(views) != 3 {
		b.t.Fatalf("%d tracks\n%s", len(views), b.log)
	}
	bodies := b.bodies()
	for _, view := range views {
		cadence, timescale := uint64(4004), uint32(120000)
		if view.Name == audioSmooth {
			cadence, timescale = 1024, 48000
		}
		if got := view.Inits[0].Media.Timescale; got != timescale {
			b.t.Errorf("%s has a timescale of %d, want %d", view.Name, got, timescale)
		}
		next := uint64(0)
		for n := view.First; n < view.End; n++ {
			body, ok := bodies[view.Name][n]
			if !ok {
				b.t.Errorf("%s: segment %d is a GAP\n%s", view.Name, n, b.log)
				next = 0
				continue
			}
			for _, s := range samplesOf(b.t, body) {
				if next != 0 && s.DecodeTime != next || uint64(s.Dur) != cadence {
					b.t.Fatalf("%s segment %d: a sample at %d of %d, want it at %d of %d", view.Name, n, s.DecodeTime, s.Dur, next, cadence)
				}
				next = s.DecodeTime + cadence
			}
		}
		if got := int(view.End - view.First); got < least {
			b.t.Errorf("%s lists %d segments, want %d\n%s", view.Name, got, least, b.log)
		}
	}
}

func samplesOf(t testing.TB, segment []byte) (all []mp4.FullSample) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, samples...)
		}
	}
	return all
}

func newSmoothbed(t testing.TB) *testbed {
	return newTestbed(t, &memory{}, highSmooth, lowSmooth, audioSmooth)
}

func TestSmoothInOnePost(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	q := b.post("all", b.now, r.header)
	q.play(r.fragments...)
	q.send(r.end)
	b.checkSmooth(5)
	want := map[string]int64{highSmooth: 40000, lowSmooth: 20000, audioSmooth: 16000}
	for name, id := range want {
		if got := b.records.tracks[name]; got.ID != id {
			t.Errorf("%s is recorded as %+v", name, got)
		}
	}
	if first := b.channel.Live().Version().Tracks[0]; first.Name == audioSmooth && first.First == first.End {
		t.Error("no audio")
	}
}

// A broken connection: the encoder comes back with its header boxes and the last two fragments of each track, and goes on.
func TestSmoothReconnect(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	q := b.post("all", b.now, r.header)
	q.play(r.fragments[:12]...)
	cut := r.fragments[12].bytes
	if err := q.conn.ReadBody(bytes.NewReader(cut[:len(cut)-9])); err == nil {
		t.Fatal("a cut is no clean end")
	}
	q.conn.Detach()
	b.now += int64(300 * time.Millisecond)
	again := b.post("all", q.start, r.header)
	again.play(r.fragments[6:]...) // two of each again
	b.checkSmooth(5)
	if len(b.records.gens) != 1 || len(b.records.joins) != 0 {
		t.Errorf("%d generations, %d joins", len(b.records.gens), len(b.records.joins))
	}
	for _, name := range []string{highSmooth, lowSmooth, audioSmooth} {
		if n := b.dropped(name, timeline.Duplicate); n < 2 {
			t.Errorf("%s: %d duplicates are counted, want 2 at least", name, n)
		}
	}
}

func (b *testbed) dropped(track string, why timeline.Reason) int64 {
	return b.channel.tracks[track].stats.Dropped[slices.Index(reasons, why)].Load()
}

// The same audio in a request of its own, cut elsewhere: one track, and what either of the two loses the other brings.
func TestSmoothRedundantAudio(t *testing.T) {
	all, own := readRecording(t, "all.ismv"), readRecording(t, "audio.ismv")
	audio := all.of(3)
	without := func(f []recorded, lost ...int) (left []recorded) {
		for i := range f {
			if !slices.Contains(lost, i) {
				left = append(left, f[i])
			}
		}
		return left
	}
	for name, c := range map[string]struct{ main, extra []recorded }{
		"both whole":          {audio, own.fragments},
		"the long one loses":  {without(audio, 2, 4), own.fragments},
		"the short one loses": {audio, without(own.fragments, 7, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSmoothbed(t)
			q, extra := b.post("all", b.now, all.header), b.post("audio", b.now, own.header)
			pictures := all.of(1, 2)
			playAll(map[*request][]recorded{q: merge(pictures, c.main), extra: c.extra})
			b.checkSmooth(5)
			if n := b.dropped(audioSmooth, timeline.Duplicate); n == 0 {
				t.Error("no duplicates are counted")
			}
		})
	}
}

// merge puts fragments into the order in which they get whole.
func merge(a, b []recorded) []recorded {
	out := slices.Concat(a, b)
	slices.SortStableFunc(out, func(x, y recorded) int { return int(x.end - y.end) })
	return out
}

// What Smooth encoders send beside: a second manifest, boxes of Microsoft's, other uuids, an empty request.
func TestSmoothBeside(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	stream := box("uuid", unhex("3c2fe51befee40a3ae815300199dc378"), []byte("<x/>"))
	at := bytes.Index(r.header, []byte("moov")) - 4
	header := slices.Concat(r.header[:at], stream, box("uuid", make([]byte, 16)), box("free"), r.header[at:])
	q := b.post("all", b.now, header)
	b.post("all", b.now, nil).conn.Detach()
	q.play(r.fragments...)
	b.checkSmooth(5)
}

// Manifests that are none end the body; those that are too large, before they are read.
func TestSmoothManifestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		payload []byte
		want    error
	}{
		"a DTD":     {[]byte("\x00\x00\x00\x00<!DOCTYPE x><x/>"), ErrMalformed},
		"too large": {make([]byte, smooth.MaxBytes+1), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSmoothbed(t)
			q := b.post("all", b.now, nil)
			err := q.conn.ReadBody(bytes.NewReader(box("uuid", smooth.UUID[:], c.payload)))
			if err == nil || !strings.Contains(err.Error(), c.want.Error()) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// box makes a box of parts.
func box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}

// splitFragment cuts a fragment into n, as an encoder with shorter ones sends it.
func splitFragment(t testing.TB, f *recorded, n int) (parts []recorded) {
	t.Helper()
	var frag media.Fragment
	moof := f.bytes[:binary.BigEndian.Uint32(f.bytes)]
	if err := frag.Parse(moof, func(uint32) (media.Defaults, bool) { return media.Defaults{}, true }); err != nil {
		t.Fatal(err)
	}
	samples, data, at := frag.Trafs[0].Samples, f.bytes[frag.Trafs[0].DataOffset:], f.time
	each := (len(samples) + n - 1) / n
	for some := range slices.Chunk(samples, each) {
		var table []byte
		size, length := 0, int64(0)
		for _, s := range some {
			table = append(table, words(s.Duration, s.Size)...)
			size, length = size+int(s.Size), length+int64(s.Duration)
		}
		tfxd := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(words(1<<24), uint64(at)), uint64(length))
		head := func(offset uint32) []byte {
			return box("moof", box("mfhd", words(0, 1)), box("traf",
				box("tfhd", words(0x20, f.track, frag.Trafs[0].Samples[0].Flags)),
				box("trun", words(0x301, uint32(len(some)), offset), table),
				box("uuid", unhex("6d1d9b0542d544e680e2141daff757b2"), tfxd)))
		}
		moof := head(uint32(len(head(0)) + 8))
		parts = append(parts, recorded{
			track: f.track, time: at, end: at + length, bytes: slices.Concat(moof, box("mdat", data[:size])),
		})
		data, at = data[size:], at+length
	}
	return parts
}

// Two tracks that their encoders name alike are no copies of one: an operator is told.
func TestSmoothNamesAlike(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	b.post("all", b.now, r.header)
	b.post("copy", b.now, r.header)
	if strings.Contains(b.log.String(), "one name") {
		t.Errorf("a copy is warned of\n%s", b.log)
	}
	swapped := string(r.header)
	for _, change := range [][2]string{{"40000", "?????"}, {"20000", "40000"}, {"?????", "20000"}} {
		swapped = strings.ReplaceAll(swapped, `Bitrate="`+change[0], `Bitrate="`+change[1])
	}
	b.post("other", b.now, []byte(swapped))
	if n := strings.Count(b.log.String(), "one name"); n != 4 {
		t.Errorf("%d warnings, want one for each of two tracks and two streams\n%s", n, b.log)
	}
}
