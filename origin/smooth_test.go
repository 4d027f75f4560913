package origin

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
	"weir/segcache"
)

// clientManifest is what a Smooth client reads.
type clientManifest struct {
	Streams []struct {
		Name   string `xml:",attr"`
		Type   string `xml:",attr"`
		URL    string `xml:"Url,attr"`
		Levels []struct {
			Bitrate string `xml:",attr"`
			Private string `xml:"CodecPrivateData,attr"`
		} `xml:"QualityLevel"`
		Chunks []struct {
			T int64 `xml:"t,attr"`
			D int64 `xml:"d,attr"`
			R int   `xml:"r,attr"`
		} `xml:"c"`
	} `xml:"StreamIndex"`
}

func loadManifest(t testing.TB, s *Server) *clientManifest {
	t.Helper()
	a := ask(s, base+"manifest")
	if a.Status != 200 || a.ContentType != "text/xml" {
		t.Fatalf("GET manifest = %d %s %s", a.Status, a.ContentType, a.Bytes)
	}
	var m clientManifest
	if err := xml.Unmarshal(a.Bytes, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

// name is the URL that a client makes of the template, for the first level.
func (m *clientManifest) name(stream int, time int64) string {
	s := &m.Streams[stream]
	return base + strings.NewReplacer("{bitrate}", s.Levels[0].Bitrate, "{start time}", strconv.FormatInt(time, 10)).Replace(s.URL)
}

// times are the chunks of a stream.
func (m *clientManifest) times(stream int) (all []int64) {
	next := int64(0)
	for _, c := range m.Streams[stream].Chunks {
		if c.T != 0 {
			next = c.T
		}
		for range max(1, c.R) {
			all = append(all, next)
			next += c.D
		}
	}
	return all
}

// A fragment is what mp4ff reads of a Smooth fragment.
type fragment struct {
	moof  []byte
	traf  *mp4.TrafBox
	mdat  []byte
	tfxd  media.Span
	after []media.Span // tfrf
}

func readFragment(t testing.TB, b []byte) (f fragment) {
	t.Helper()
	r := bits.NewFixedSliceReader(b)
	first, err := mp4.DecodeBoxSR(0, r)
	if err != nil {
		t.Fatal(err)
	}
	f.moof = b[:first.Size()]
	f.traf = first.(*mp4.MoofBox).Traf
	for _, box := range f.traf.Children {
		u, ok := box.(*mp4.UUIDBox)
		switch {
		case ok && u.Tfxd != nil:
			f.tfxd = media.Span{Time: int64(u.Tfxd.FragmentAbsoluteTime), Duration: int64(u.Tfxd.FragmentAbsoluteDuration)}
		case ok && u.Tfrf != nil:
			for i := range u.Tfrf.FragmentAbsoluteTimes {
				f.after = append(f.after, media.Span{Time: int64(u.Tfrf.FragmentAbsoluteTimes[i]), Duration: int64(u.Tfrf.FragmentAbsoluteDurations[i])})
			}
		}
	}
	second, err := mp4.DecodeBoxSR(first.Size(), r)
	if err != nil {
		t.Fatal(err)
	}
	f.mdat = second.(*mp4.MdatBox).Data
	if int(first.Size()+second.Size()) != len(b) {
		t.Fatalf("%d bytes behind the mdat", len(b)-int(first.Size()+second.Size()))
	}
	return f
}

// TestSmoothFragment: one moof for all chunks, one mdat with their payload, the times of the manifest, and the nouns.
func TestSmoothFragment(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 5, false, tracks...)
	m := loadManifest(t, s)
	for i, r := range tracks {
		times := m.times(i)
		if want := []int64{r.start(firstN), r.start(firstN + 1), r.start(firstN + 2)}; !slices.Equal(times, want) {
			t.Fatalf("%s: chunks %v, want %v", r.Name, times, want)
		}
		name := m.name(i, times[1])
		a := ask(s, name)
		if a.Status != 200 || a.CacheControl != cacheImmutable || a.ContentType != mediaType(r.Kind) || a.Kind != KindFragment {
			t.Fatalf("GET %s = %d %s %s", name, a.Status, a.ContentType, a.CacheControl)
		}
		all := bodyBytes(a.Body)
		f := readFragment(t, all)
		span := func(n uint64) media.Span { return media.Span{Time: r.start(n), Duration: r.ticks} }
		if f.tfxd != span(firstN+1) || !slices.Equal(f.after, []media.Span{span(firstN + 2), span(firstN + 3)}) ||
			f.traf.Tfdt.BaseMediaDecodeTime() != uint64(times[1]) {
			t.Errorf("%s: tfxd %v, tfrf %v, tfdt %d", r.Name, f.tfxd, f.after, f.traf.Tfdt.BaseMediaDecodeTime())
		}
		if int(f.traf.Trun.SampleCount()) != len(r.samples) || !bytes.Equal(f.mdat, r.payload) {
			t.Errorf("%s: %d samples of %d bytes, want %d of %d", r.Name, f.traf.Trun.SampleCount(), len(f.mdat), len(r.samples), len(r.payload))
		}
		if at := bytes.Index(all, r.payload); int(f.traf.Trun.DataOffset) != at {
			t.Errorf("%s: data offset %d, want %d", r.Name, f.traf.Trun.DataOffset, at)
		}
		moof, mdat := ask(s, strings.Replace(name, "Fragments", "FragmentInfo", 1)), ask(s, strings.Replace(name, "Fragments", "RawFragments", 1))
		if !bytes.Equal(bodyBytes(moof.Body), f.moof) || !bytes.Equal(bodyBytes(mdat.Body), all[len(f.moof):]) {
			t.Errorf("%s: FragmentInfo and RawFragments are not the halves of the fragment", r.Name)
		}
		if moof.ETag == a.ETag || mdat.ETag == a.ETag || moof.ETag == mdat.ETag {
			t.Errorf("%s: one tag for two objects", r.Name)
		}
		cmaf := ask(s, name+".m4s")
		if whole, _ := r.Segment(firstN + 1).Body(); cmaf.Status != 200 || cmaf.Body != whole || cmaf.Kind != KindSegment {
			t.Errorf("%s: the name with .m4s is not the CMAF segment", r.Name)
		}
		for _, other := range []string{m.Streams[i].Type, r.Name, strings.ToUpper(r.Name)} {
			if b := ask(s, base+"QualityLevels("+m.Streams[i].Levels[0].Bitrate+")/Fragments("+other+"="+fmt.Sprint(times[1])+")"); b.Body != a.Body {
				t.Errorf("%s is not answered under the name %s: %d", r.Name, other, b.Status)
			}
		}
	}
}

// TestSmoothStatuses walks through a life: what is not yet, what is a gap, where the chain ends.
func TestSmoothStatuses(t *testing.T) {
	s, c, tracks := recorded(t)
	v := tracks[0]
	at := func(n uint64) string {
		return fmt.Sprintf("%sQualityLevels(3000000)/Fragments(video=%d)", base, v.start(n))
	}
	const (
		ok      = "200, " + cacheImmutable
		wait    = "412 MPE_FRAGMENT_NOT_READY, no-store"
		gap     = "404 MPE_MANIFEST_MEDIA_ENTRY_NOT_FOUND, public, max-age=2"
		noTrack = "404 MPE_EGRESS_TRACK_NOT_FOUND, public, max-age=1"
		noMedia = "404 MPE_LIVE_MEDIA_ENTRIES_NOT_FOUND, public, max-age=1"
	)
	expect := func(when string, want map[string]string) {
		t.Helper()
		for path, want := range want {
			a := ask(s, path)
			got := fmt.Sprint(a.Status)
			if a.Fault != nil {
				got += " " + a.Fault.Code
			}
			if got += ", " + a.CacheControl; got != want {
				t.Errorf("%s: GET %s = %s; want %s", when, path, got, want)
			}
		}
	}
	after := func(n uint64) (numbers []uint64) {
		t.Helper()
		for _, span := range readFragment(t, bodyBytes(ask(s, at(n)).Body)).after {
			numbers = append(numbers, uint64(span.Time/v.ticks))
		}
		return numbers
	}
	const n = firstN
	c.slots(0, 2, false, tracks...)
	expect("two segments", map[string]string{base + "manifest": noMedia, at(n): wait, at(n + 1): wait, at(n + 2): wait})
	c.slots(0, 3, false, tracks...)
	expect("five segments", map[string]string{
		base + "manifest": "200, public, max-age=1", base + "manifest(format=fmp4-v20)": "200, public, max-age=1",
		at(n): ok, at(n + 2): ok, at(n + 3): wait, at(n + 4): wait, at(n + 5): wait, at(n + 7): wait,
		at(n + 8):                              "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND, public, max-age=1",
		at(n - 1):                              "404 MPE_EGRESS_TIMESTAMP_NOT_FOUND, public, max-age=2",
		strings.Replace(at(n+1), "=", "=1", 1): "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND, public, max-age=1",
		strings.Replace(at(n+1), "video", "film", 1):             noTrack,
		strings.Replace(at(n+1), "3000000", "3000001", 1):        noTrack,
		strings.Replace(at(n+3), "Fragments", "FragmentInfo", 1): wait,
	})
	c.slots(0, 4, true, tracks...)
	expect("an outage", map[string]string{at(n + 2): ok, at(n + 3): wait, at(n + 4): wait, at(n + 5): gap, at(n + 8): gap, at(n + 9): wait})
	c.slots(0, 1, false, tracks...)
	expect("one segment after it", map[string]string{at(n + 3): ok, at(n + 4): wait, at(n + 9): wait})
	c.slots(0, 1, false, tracks...)
	expect("two segments after it", map[string]string{at(n + 4): ok, at(n + 9): wait})
	if got := after(n + 3); !slices.Equal(got, []uint64{n + 4, n + 9}) {
		t.Errorf("successors of the last but one before the hole: %v", got)
	}
	if got := after(n + 4); !slices.Equal(got, []uint64{n + 9, n + 10}) {
		t.Errorf("successors of the last before the hole: %v", got)
	}

	// The same decoder in another generation: the chain goes on.
	c.generations(1)
	for _, r := range tracks {
		r.SetInit(segcache.Init{Ordinal: 1, Media: r.media})
	}
	c.slots(1, 2, false, tracks...)
	if got := after(n + 10); !slices.Equal(got, []uint64{n + 11, n + 12}) {
		t.Errorf("successors across a generation: %v", got)
	}
	expect("another generation", map[string]string{at(n + 10): ok, at(n + 11): wait})

	// Another decoder: it ends.
	c.generations(2)
	other := c.record("other", 1, "avc-sar.mp4").media
	changed := *other
	changed.Timescale = v.media.Timescale
	v.SetInit(segcache.Init{Ordinal: 2, Media: &changed})
	c.slots(2, 1, false, tracks...)
	expect("another decoder", map[string]string{at(n + 11): ok, at(n + 12): ok, at(n + 13): wait})
	if a, b := after(n+11), after(n+12); !slices.Equal(a, []uint64{n + 12}) || len(b) != 0 {
		t.Errorf("successors at the end of a chain: %v, then %v", a, b)
	}

	c.slots(2, 2, false, tracks...)
	c.SetLive(false)
	<-c.publish()
	expect("at the end", map[string]string{base + "manifest": "200, public, max-age=60", at(n + 14): ok, at(n + 15): ok})
	if a, b := after(n+14), after(n+15); !slices.Equal(a, []uint64{n + 15}) || len(b) != 0 {
		t.Errorf("successors at the end: %v, then %v", a, b)
	}
}

// TestSmoothMadeOnce: a crowd gets one body, whatever it asks of the fragment first.
func TestSmoothMadeOnce(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 5, false, tracks...)
	name := loadManifest(t, s).name(0, tracks[0].start(firstN))
	names := []string{name, strings.Replace(name, "Fragments", "FragmentInfo", 1), strings.Replace(name, "Fragments", "RawFragments", 1)}
	var crowd sync.WaitGroup
	answers := make([]*Answer, 90)
	for i := range answers {
		crowd.Go(func() { answers[i] = ask(s, names[i%3]) })
	}
	crowd.Wait()
	for i, a := range answers {
		if a.Status != 200 || a.Body != answers[i%3].Body {
			t.Fatalf("viewer %d: %d, another body", i, a.Status)
		}
	}
}

// TestSmoothWalk: clients that load the manifest at some moment and then walk from fragment to fragment, through random
// holes and generations. A client is never told of a fragment that does not come, misses none of the media, and has to
// load the manifest again only where the decoder changes.
func TestSmoothWalk(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		s, c, tracks := recorded(t)
		v := tracks[0]
		decoders := []*media.Track{v.media, c.record("other", 1, "avc-sar.mp4").media}
		decoders[1] = &media.Track{Kind: media.Video, SampleEntry: "avc1", Codec: decoders[1].Codec, Timescale: v.media.Timescale, Init: decoders[1].Init, InitHash: decoders[1].InitHash}
		var walkers []*walker
		ordinal, gap, decoder, decoderOf := 0, false, 0, map[uint64]int{}
		for step := range 120 {
			if rnd.IntN(6) == 0 {
				gap = !gap
			}
			if rnd.IntN(15) == 0 {
				ordinal++
				c.generations(ordinal)
				if rnd.IntN(2) == 0 {
					decoder = 1 - decoder
				}
				v.SetInit(segcache.Init{Ordinal: ordinal, Media: decoders[decoder]})
				tracks[1].SetInit(segcache.Init{Ordinal: ordinal, Media: tracks[1].media})
			}
			if !gap {
				decoderOf[c.next] = decoder
			}
			c.slots(ordinal, 1, gap, tracks...)
			if ask(s, base+"manifest").Status == 200 && step%10 == 5 {
				walkers = append(walkers, newWalker(t, s, v))
			}
			for _, w := range walkers {
				w.walk(t, s, decoderOf)
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// A walker is a Smooth client of the video stream.
type walker struct {
	m     *clientManifest
	track *recordedTrack
	next  int64 // time of the fragment to ask for; 0: the chain is over
	last  uint64
}

func newWalker(t *testing.T, s *Server, track *recordedTrack) *walker {
	w := &walker{m: loadManifest(t, s), track: track}
	times := w.m.times(0)
	w.next = times[max(0, len(times)-4)]
	return w
}

func (w *walker) walk(t *testing.T, s *Server, decoderOf map[uint64]int) {
	for w.next != 0 {
		n := uint64(w.next / w.track.ticks)
		a := ask(s, w.m.name(0, w.next))
		if a.Status == 412 {
			return
		}
		if a.Status != 200 {
			if n+10 < w.track.channelNext() { // waited for longer than the window: told of before an outage
				w.next = 0
				return
			}
			t.Errorf("segment %d: %d %s", n, a.Status, a.Fault.Code)
			return
		}
		for k := w.last + 1; w.last > 0 && k < n; k++ {
			if _, ok := decoderOf[k]; ok {
				t.Errorf("the chain leads from %d past %d to %d", w.last, k, n)
			}
		}
		if w.last > 0 && decoderOf[w.last] != decoderOf[n] {
			t.Errorf("the chain leads from %d to %d, which another decoder is for", w.last, n)
		}
		w.last, w.next = n, 0
		if after := readFragment(t, bodyBytes(a.Body)).after; len(after) > 0 {
			w.next = after[0].Time
		} else if _, ok := decoderOf[n]; !ok {
			t.Errorf("the chain ends at %d", n)
		}
	}
}

func (r *recordedTrack) channelNext() uint64 { return r.c.next }

// TestSmoothDecodes: a client that makes an init segment of the manifest's CodecPrivateData, with nothing else to go by,
// and puts the fragments behind it, has a file that ffprobe counts all frames of and ffmpeg decodes without a word.
func TestSmoothDecodes(t *testing.T) {
	ffprobe, ffmpeg := tool(t, "ffprobe"), tool(t, "ffmpeg")
	s, c, tracks := recorded(t)
	tracks = append(tracks, c.record("hevc", 2_000_000, "hevc-hvc1.mp4"))
	c.slots(0, 6, false, tracks...)
	m := loadManifest(t, s)
	for i := range m.Streams {
		level := m.Streams[i].Levels[0]
		r := tracks[slices.IndexFunc(tracks, func(r *recordedTrack) bool { return fmt.Sprint(r.ID) == level.Bitrate })]
		private, err := hex.DecodeString(level.Private)
		if err != nil {
			t.Fatal(err)
		}
		file := initOf(t, r, private)
		frames := 0
		for _, at := range m.times(i) {
			file = append(file, bodyBytes(ask(s, m.name(i, at)).Body)...)
			frames += len(r.samples)
		}
		path := filepath.Join(t.TempDir(), "out.mp4")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(ffprobe, "-v", "warning", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", path).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != fmt.Sprint(frames) {
			t.Errorf("%s: ffprobe: %v, %q packets, want %d", r.Name, err, got, frames)
		}
		if out, err := exec.Command(ffmpeg, "-v", "warning", "-xerror", "-i", path, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: ffmpeg: %v\n%s", r.Name, err, out)
		}
	}
}

// initOf makes an init segment of a CodecPrivateData, with mp4ff.
func initOf(t *testing.T, r *recordedTrack, private []byte) []byte {
	t.Helper()
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(r.media.Timescale, r.media.Kind.String(), "und")
	var sets [64][][]byte
	for _, nal := range bytes.Split(private, []byte{0, 0, 0, 1}) {
		if len(nal) > 0 && r.media.SampleEntry == "avc1" {
			sets[nal[0]&31] = append(sets[nal[0]&31], nal)
		} else if len(nal) > 0 {
			sets[nal[0]>>1&63] = append(sets[nal[0]>>1&63], nal)
		}
	}
	var err error
	switch r.media.SampleEntry {
	case "avc1":
		err = init.Moov.Trak.SetAVCDescriptor("avc1", sets[7], sets[8], true)
	case "hvc1":
		err = init.Moov.Trak.SetHEVCDescriptor("hvc1", sets[32], sets[33], sets[34], nil, true)
	default:
		if err = init.Moov.Trak.SetAACDescriptor(2, int(r.media.SampleRate)); err == nil {
			init.Moov.Trak.Mdia.Minf.Stbl.Stsd.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig = private
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := init.Encode(&w); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

// tool finds a program, or skips the test; with WEIR_REQUIRE_TOOLS=1 it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed, and WEIR_REQUIRE_TOOLS=1 asks for it", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// TestSmoothHeld: a fragment whose successors are not known is waited for, a slot at most.
func TestSmoothHeld(t *testing.T) {
	for name, want := range map[string]int{"its successors come": 200, "they do not": 412} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c, tracks := recorded(t)
				c.slots(0, 5, false, tracks...)
				r := newRig(t, s, "GET", fmt.Sprintf("%sQualityLevels(3000000)/Fragments(Video=%d)", base, tracks[0].start(firstN+3)))
				began, answered := time.Now(), make(chan struct{})
				go func() {
					s.handle(&r.ctx)
					close(answered)
				}()
				synctest.Wait()
				time.Sleep(time.Second)
				if want == 200 {
					c.slots(0, 1, false, tracks...)
				}
				<-answered
				if got, took := r.ctx.Response.StatusCode(), time.Since(began); got != want || took != time.Second && want == 200 || took > testTarget*time.Second {
					t.Errorf("%d after %v, want %d", got, took, want)
				}
				_ = r.ctx.Response.CloseBodyStream()
			})
		})
	}
}
