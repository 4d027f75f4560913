package e2e

import (
	"bytes"
	"cmp"
	bits "encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/bench/check"
)

// A scene is what a generated encoder films: rate frames in per seconds, with stamps of milliseconds. Its pictures show
// nothing; they are counted, timed and cut.
type scene struct {
	rate, per     int64
	gop           int
	cto           func(i int) int           // ms, in order of decoding
	at            func(i int) time.Duration // nil: exact
	silent, blind bool
	ignore        []int                               // assertions of the checker
	sound         int64                               // Hz; 0: 48000
	late          time.Duration                       // of the sound
	clock         func(d time.Duration) time.Duration // what the encoder's clock shows; nil: the truth
	drift         int64                               // parts per million that it runs slow
	before        time.Duration                       // until the first segment, beyond the usual
}

func (s *scene) exact(i int, rate, per int64) time.Duration {
	return time.Duration(int64(i)*per/rate*int64(time.Second) + int64(i)*per%rate*int64(time.Second)/rate)
}

// scenes are those that issue and standards speak of.
var scenes = map[string]scene{
	"23.976":         {rate: 24000, per: 1001, gop: 48},
	"25":             {rate: 25, per: 1, gop: 50},
	"29.97":          {rate: 30000, per: 1001, gop: 60, sound: 44100},
	"50":             {rate: 50, per: 1, gop: 100},
	"59.94":          {rate: 60000, per: 1001, gop: 120},
	"GOP of 3.7 s":   {rate: 30, per: 1, gop: 111},
	"GOP of 20 s":    {rate: 25, per: 1, gop: 500, before: 60 * time.Second},
	"video alone":    {rate: 25, per: 1, gop: 50, silent: true},
	"audio alone":    {blind: true},
	"audio 2 s late": {rate: 25, per: 1, gop: 50, late: 2 * time.Second, ignore: []int{34}}, // pictures that are there may be listed 0.4 s before the sound (docs/time.md, section 4)
	"50 ppm":         {rate: 25, per: 1, gop: 50, drift: 50},
	"B-frames": {rate: 25, per: 1, gop: 50, cto: func(i int) int {
		switch j := i % 50; {
		case j == 0 || j == 49:
			return 40
		case j%3 == 1:
			return 120
		}
		return 0
	}},
	// The checker takes the time of an HLS segment for that of the first picture that is shown of it; leading pictures are shown
	// before the key frame that it is the time of.
	"open GOPs": {ignore: []int{106}, rate: 25, per: 1, gop: 48, cto: func(i int) int { return map[int]int{0: 120}[i%48%3] }},
	"variable frame rate": {rate: 24, per: 1, gop: 48, at: func(i int) time.Duration {
		return time.Duration(i/6)*250*time.Millisecond + [...]time.Duration{0, 31, 80, 117, 150, 211}[i%6]*time.Millisecond
	}},
	"the clock wraps": {rate: 30000, per: 1001, gop: 60, clock: func(d time.Duration) time.Duration {
		return d + (1<<32-25_000)*time.Millisecond
	}},
	"a jump of 10 s":  {rate: 25, per: 1, gop: 50, clock: jump(10 * time.Second)},
	"a jump of -10 s": {rate: 25, per: 1, gop: 50, clock: jump(-10 * time.Second)},
	"a jump of 7 h":   {rate: 25, per: 1, gop: 50, clock: jump(7 * time.Hour)},
}

// jump is a clock that jumps after 25 s.
func jump(by time.Duration) func(time.Duration) time.Duration {
	return func(d time.Duration) time.Duration {
		if d >= 24980*time.Millisecond {
			d += by
		}
		return d
	}
}

// The decoder configuration of the scenes: H.264 of 1280 by 720 pixels.
var sceneAvcC = func() []byte {
	sps, _ := hex.DecodeString("67640020accac05005bb0169e0000003002000000c9c4c000432380008647c12401cb1c31380")
	b := append([]byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1, 0, byte(len(sps))}, sps...)
	return append(b, 1, 0, 4, 0x68, 0xb5, 0xdf, 0x20, 0xfd, 0xf8, 0xf8, 0)
}()

// film sends the scene until the test ends.
func (s *scene) film(p *publisher, done <-chan struct{}) error {
	if s.sound == 0 {
		s.sound = 48000
	}
	start := time.Now()
	p.message(4, 18, 1, 0, amf("@setDataFrame", "onMetaData", [][2]any{{"videodatarate", 400}, {"audiodatarate", 128}}))
	if !s.blind {
		_ = p.video(0, "\x17\x00\x00\x00\x00", sceneAvcC)
	}
	if !s.silent {
		rate := map[int64]byte{48000: 3, 44100: 4}[s.sound]
		_ = p.audio(0, "\xaf\x00", []byte{2<<3 | rate>>1, rate<<7 | 2<<3})
	}
	for v, a := 0, 0; ; {
		taken := func(i int) time.Duration {
			if s.at != nil {
				return s.at(i)
			}
			return s.exact(i, s.rate, s.per)
		}
		picture := !s.blind && (s.silent || taken(v+1) <= s.exact(a+1, s.sound, 1024)+s.late)
		var at, came time.Duration
		if picture {
			at, came = taken(v), taken(v+1)
		} else {
			at, came = s.exact(a, s.sound, 1024), s.exact(a+1, s.sound, 1024)+s.late
		}
		came += came / 1_000_000 * time.Duration(s.drift)
		select {
		case <-done:
			return nil
		case <-time.After(time.Until(start.Add(came))):
		}
		if s.clock != nil {
			at = s.clock(at)
		}
		stamp := int64((at + time.Millisecond/2) / time.Millisecond)
		if !picture {
			body := make([]byte, 150+a%90)
			bits.BigEndian.PutUint32(body, uint32(a))
			if err := p.audio(stamp, "\xaf\x01", body); err != nil {
				return err
			}
			a++
			continue
		}
		body := make([]byte, 900+v%90)
		bits.BigEndian.PutUint32(body, uint32(len(body)-4))
		head, nal, cto := byte(0x27), byte(0x41), 0
		if v%s.gop == 0 {
			head, nal = 0x17, 0x65
		}
		if s.cto != nil {
			cto = s.cto(v)
		}
		body[4] = nal
		bits.BigEndian.PutUint32(body[5:], uint32(v))
		if err := p.video(stamp, string([]byte{head, 1, byte(cto >> 16), byte(cto >> 8), byte(cto)}), body); err != nil {
			return err
		}
		v++
	}
}

// TestLowLatencyRTMP is TestLowLatency for an ffmpeg that publishes one rendition: what viewers see is as young, and the checker
// finds nothing.
func TestLowLatencyRTMP(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	n := newNode(t, settings{name: "rtmp", tracks: []string{"v720", "audio_96000"}})
	began := pushCamera(t, n, docsOneRTMP)
	v := viewLow(t, n, began(), []promise{
		{player{"hls.js", "hls", hlsPath}, 1500 * time.Millisecond},
		{player{"dash.js", "dash", lowDashPath}, 1200 * time.Millisecond},
	})
	verdict := judgeWith(t, check.Options{
		For: 20 * time.Second, URLs: []string{n.base() + hlsPath, n.base() + dashPath, n.base() + smoothPath},
		Ignore: []int{74}, // what is advertised is what the encoder says of its audio: in a segment with a beep it takes a quarter more
	})
	v.holds(t, 30*time.Second)
	verdict.clean(t)
}

// TestGeneratedRTMP publishes what encoders at hand do not send, and has the checker judge all that is made of it.
func TestGeneratedRTMP(t *testing.T) {
	longForm(t)
	names, number := slices.Sorted(maps.Keys(scenes)), map[string]int{}
	slices.SortStableFunc(names, func(a, b string) int { // what something happens in comes first, what needs time last
		return cmp.Or(cmp.Compare(scenes[a].before, scenes[b].before), b2i(scenes[a].clock == nil)-b2i(scenes[b].clock == nil))
	})
	n := manyChannels(t, len(names), 2*time.Minute)
	done := make(chan struct{})
	var filming sync.WaitGroup
	t.Cleanup(func() { close(done); filming.Wait() })
	for i, name := range names {
		s := scenes[name]
		number[name] = i
		p := publishTo(t, n.liveTo(i), "cam")
		filming.Go(func() {
			if err := s.film(p, done); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	began := time.Now()
	for len(names) > 0 { // a few at a time: the checker takes a share of a core for each
		group := names[:min(len(names), 4)]
		names = names[len(group):]
		verdicts := map[string]*verdict{}
		for _, name := range group {
			<-time.After(time.Until(began.Add(scenes[name].before)))
			base := n.base() + channelPath(number[name])
			eventually(t, 60*time.Second, "three segments of "+name, func() error {
				lists, err := mediaURLsOf(base + "manifest(format=m3u8-cmaf)")
				if err != nil {
					return err
				}
				p, err := fetchPlaylist(lists[0])
				if err == nil && len(p.segments) < 3 {
					err = fmt.Errorf("%s", p.shape())
				}
				return err
			})
			length := 10 * time.Second
			if scenes[name].clock != nil {
				length = 25 * time.Second
			}
			verdicts[name] = judgeWith(t, check.Options{
				For: length, Ignore: scenes[name].ignore,
				URLs: []string{base + "manifest(format=m3u8-cmaf)", base + "manifest(format=mpd-time-cmaf)"},
			})
		}
		for _, name := range group {
			t.Run(name, verdicts[name].clean)
		}
	}
}

// HEVC comes by Enhanced RTMP, which no encoder here speaks: what ffmpeg has made is sent by a client of the tests. ffmpeg
// plays it.
func TestHEVCByRTMP(t *testing.T) {
	longForm(t)
	need(t, "ffmpeg")
	path := filepath.Join(t.TempDir(), "hevc.mp4")
	if err := run(".", "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", "20", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=50:min-keyint=50:scenecut=0:bframes=3", "-tag:v", "hvc1",
		"-c:a", "aac", "-b:a", "96k", "-movflags", "frag_keyframe+empty_moov+default_base_moof+delay_moov", path); err != nil {
		t.Fatal(err)
	}
	film := readTagged(t, path)
	n := newNode(t, settings{})
	p := publishTo(t, n.live(), "hevc?videodatarate=400&audiodatarate=128")
	done := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		if err := film.send(p, done); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { close(done); sending.Wait() })
	eventually(t, 20*time.Second, "three segments", func() error {
		lists, err := mediaURLs(n.base())
		if err != nil {
			return err
		}
		list, err := fetchPlaylist(lists[0])
		if err == nil && len(list.segments) < 3 {
			err = fmt.Errorf("%s", list.shape())
		}
		return err
	})
	v := judgeURLs(t, 8*time.Second, n.base()+hlsPath, n.base()+dashPath)
	text, err := get(n.base() + hlsPath)
	if err != nil || !strings.Contains(string(text), `CODECS="hvc1.`) || !strings.Contains(string(text), "320x180") {
		t.Errorf("%v\n%s", err, text)
	}
	player := start(t, "ffplay-hevc", exec.Command("ffmpeg", "-v", "error", "-nostdin", "-xerror", "-i", n.base()+hlsPath, "-t", "6", "-f", "null", "-"))
	if err := player.wait(40 * time.Second); err != nil {
		t.Error(err)
	}
	if said := tail(player.log, 10); said != "" {
		t.Errorf("ffmpeg says:\n%s", said)
	}
	v.clean(t)
}

// A tagged film is a file's frames as messages of Enhanced RTMP, in order of time.
type tagged struct {
	hvcC, asc []byte
	frames    []taggedFrame
	length    time.Duration
}

type taggedFrame struct {
	at    time.Duration
	audio bool
	head  string
	data  []byte
}

func readTagged(t *testing.T, path string) *tagged {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out := &tagged{length: 20 * time.Second}
	for _, trak := range f.Moov.Traks {
		scale := time.Duration(trak.Mdia.Mdhd.Timescale)
		entry := trak.Mdia.Minf.Stbl.Stsd
		audio := entry.HvcX == nil
		trex, _ := f.Moov.Mvex.GetTrex(trak.Tkhd.TrackID)
		if audio {
			out.asc = entry.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig
		} else {
			var hvcC bytes.Buffer
			if err := entry.HvcX.HvcC.Encode(&hvcC); err != nil {
				t.Fatal(err)
			}
			out.hvcC = hvcC.Bytes()[8:]
		}
		for _, segment := range f.Segments {
			for _, fragment := range segment.Fragments {
				samples, err := samplesOf(fragment, trex)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range samples {
					frame := taggedFrame{at: time.Duration(s.DecodeTime) * time.Second / scale, audio: audio, data: s.Data, head: "\xaf\x01"}
					if !audio {
						kind := byte(0xa1)
						if s.IsSync() {
							kind = 0x91
						}
						cto := time.Duration(s.CompositionTimeOffset) * time.Second / scale / time.Millisecond
						frame.head = string([]byte{kind, 'h', 'v', 'c', '1', byte(cto >> 16), byte(cto >> 8), byte(cto)})
					}
					out.frames = append(out.frames, frame)
				}
			}
		}
	}
	slices.SortStableFunc(out.frames, func(a, b taggedFrame) int { return int(a.at - b.at) })
	return out
}

// samplesOf are the samples of one track of a fragment.
func samplesOf(f *mp4.Fragment, trex *mp4.TrexBox) ([]mp4.FullSample, error) {
	for _, traf := range f.Moof.Trafs {
		if traf.Tfhd.TrackID == trex.TrackID {
			return f.GetFullSamples(trex)
		}
	}
	return nil, nil
}

// send sends the film again and again, in real time.
func (f *tagged) send(p *publisher, done <-chan struct{}) error {
	_ = p.video(0, "\x90hvc1", f.hvcC)
	_ = p.audio(0, "\xaf\x00", f.asc)
	began := time.Now()
	for loop := time.Duration(0); ; loop++ {
		for _, frame := range f.frames {
			at := loop*f.length + frame.at
			select {
			case <-done:
				return nil
			case <-time.After(time.Until(began.Add(at))):
			}
			say := p.video
			if frame.audio {
				say = p.audio
			}
			if err := say(int64((at+time.Millisecond/2)/time.Millisecond), frame.head, frame.data); err != nil {
				return err
			}
		}
	}
}
