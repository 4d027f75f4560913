package e2e

import (
	"bufio"
	"bytes"
	"context"
	bits "encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/bench/push"
	"weir/media"
)

// A speaker is an encoder's text track: at each second of UTC a cue that names it, for speech long.
type speaker struct {
	name     string
	entry    string // stpp or wvtt
	language string
	role     string
	every    int64 // seconds between cues
}

const speech = 700 // ms

func (s speaker) header(t *testing.T) []byte {
	t.Helper()
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(1000, map[string]string{"stpp": "subt", "wvtt": "text"}[s.entry], s.language)
	trak := init.Moov.Trak
	var err error
	if s.entry == "stpp" {
		err = trak.SetStppDescriptor("http://www.w3.org/ns/ttml", "", "")
	} else {
		err = trak.SetWvttDescriptor("WEBVTT")
	}
	if err != nil {
		t.Fatal(err)
	}
	udta := &mp4.UdtaBox{}
	udta.AddChild(&mp4.KindBox{SchemeURI: "urn:mpeg:dash:role:2011", Value: s.role})
	trak.AddChild(udta)
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fragment is the cue of a second.
func (s speaker) fragment(second int64) []byte {
	words := fmt.Sprintf("cue %d", second)
	var sample []byte
	if s.entry == "stpp" {
		clock := func(ms int64) string {
			return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
		}
		sample = fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xml:lang=%q>
 <head><layout><region xml:id="r" tts:origin="10%% 80%%" tts:extent="80%% 15%%"/></layout></head>
 <body><div><p region="r" begin=%q end=%q>%s</p></div></body>
</tt>`, s.language, clock(second*1000), clock(second*1000+speech), words)
	} else {
		sample = bits.BigEndian.AppendUint32(nil, uint32(16+len(words)))
		sample = bits.BigEndian.AppendUint32(append(sample, "vttc"...), uint32(8+len(words)))
		sample = append(append(sample, "payl"...), words...)
	}
	m := media.Moof{Time: second * 1000, DataBytes: len(sample), Samples: []media.Sample{
		{Duration: speech, Size: uint32(len(sample)), Flags: media.SyncFlags(true)},
	}}
	return append(m.Append(nil), sample...)
}

// speak pushes a text track in one POST until the test ends: its header at once, then each cue as it begins.
func speak(t *testing.T, n *node, s speaker) {
	t.Helper()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.publishing()+"/Streams("+s.name+".cmft)", r)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
		}
	}()
	header := s.header(t)
	spoken := make(chan struct{})
	go func() {
		defer close(spoken)
		if _, err := w.Write(header); err != nil {
			return
		}
		for second := time.Now().Unix() + 1; ; second++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(time.Unix(second, 0))):
			}
			if second%s.every == 0 {
				if _, err := w.Write(s.fragment(second)); err != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = r.CloseWithError(io.ErrClosedPipe)
		<-spoken
		<-answered
	})
}

// A listener is what a player of browser/text.html has said.
type listener struct {
	tracks         []textTrack
	heard          map[string]int // cue: how often it was shown
	wrong          []string       // cues that were not shown at their time
	silent, spoken int            // looks at a time without a cue, and at one with
	missed         int            // looks at a time with a cue that was not shown
	keyFrames      []string
	errors         []string
	fatal          bool
}

type textTrack struct{ Language, Kind, Label string }

// listen plays HLS and DASH in all engines with their text on, then has them play key frames. It goes on for up to half a
// minute until enough has been seen: a busy machine starts one engine late.
func listen(t *testing.T, r *recorder, every int64, plays, tricks time.Duration, enough func(map[string]*listener) bool) map[string]*listener {
	t.Helper()
	query := url.Values{"hls": {hlsPath}, "dash": {dashPath}, "trick": {fmt.Sprint(plays.Seconds())}}
	cmd := exec.Command("node", "browser/watch.mjs", r.url+"/e2e/text.html?"+query.Encode(), filepath.Join(t.ArtifactDir(), "text.png"))
	cmd.Env = append(os.Environ(), "CHROMIUM="+chromium(t))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = out
	p := start(t, "text", cmd)
	_ = out.Close()
	kept, err := os.Create(filepath.Join(t.ArtifactDir(), "text.json"))
	if err != nil {
		t.Fatal(err)
	}
	least := time.Now().Add(plays + tricks + 6*time.Second) // with the time that the browser takes to begin
	over := time.AfterFunc(time.Until(least)+30*time.Second, func() { _ = stdin.Close() })
	all := map[string]*listener{}
	for lines := bufio.NewScanner(io.TeeReader(in, kept)); lines.Scan(); {
		var line struct {
			Player string
			Tracks []textTrack
			Cue    *struct {
				Text     string
				Playhead float64
			}
			KeyFrames []string
			Error     *string
			Fatal     bool
			Thrown    *string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("the page: %v: %s", err, lines.Bytes())
			continue
		}
		if line.Thrown != nil { // minified Shaka throws at trickPlay's seek and at WebVTT in HLS, and goes on; what counts is what is shown
			t.Logf("the page: %s", lines.Bytes())
			continue
		}
		if line.Player == "" {
			continue
		}
		l := all[line.Player]
		if l == nil {
			l = &listener{heard: map[string]int{}}
			all[line.Player] = l
		}
		if time.Now().After(least) && enough(all) && over.Stop() {
			_ = stdin.Close()
		}
		switch {
		case line.Tracks != nil:
			l.tracks = line.Tracks
		case line.Cue != nil && line.Cue.Playhead > 0:
			l.look(line.Cue.Text, int64(line.Cue.Playhead), every)
		case line.KeyFrames != nil:
			l.keyFrames = line.KeyFrames
		case line.Error != nil:
			l.errors, l.fatal = append(l.errors, *line.Error), l.fatal || line.Fatal
		}
	}
	_, _ = in.Close(), kept.Close()
	if err := p.wait(15 * time.Second); err != nil {
		t.Errorf("the browser does not end cleanly: %v", err)
	}
	return all
}

// look takes note of what is shown at a playhead (UTC, ms). Near to where a cue begins or ends anything may be.
func (l *listener) look(text string, playhead, every int64) {
	const slack = 250
	second, ms := playhead/1000, playhead%1000
	want, sure := "", ms > speech+slack && ms < 1000-slack
	if second%every == 0 && ms > slack && ms < speech-slack {
		want, sure = fmt.Sprintf("cue %d", second), true
	} else if second%every != 0 && (ms > slack || (second-1)%every != 0) && (ms < 1000-slack || (second+1)%every != 0) {
		sure = true
	}
	switch {
	case !sure:
	case text == want && want == "":
		l.silent++
	case text == want:
		l.spoken++
		l.heard[text]++
	case text == "":
		l.missed++
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%q at %d, want %q", text, playhead, want))
	}
}

// TestText: text tracks of a small encoder beside the demo, TTML that comes now and then and WebVTT, played by every engine
// with its text on: each cue is on the screen when the picture is of its time. What an engine cannot do (docs/players.md) is
// not asked of it. Then key frames are played by those who can.
func TestText(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	for _, c := range []struct {
		speaker
		shown  []string // who shows it
		tricks time.Duration
	}{
		{speaker{"subtitles", "stpp", "deu", "subtitle", 2}, []string{"hls.js", "dash.js", "Shaka DASH"}, 5 * time.Second},
		{speaker{"captions", "wvtt", "eng", "caption", 1}, []string{"dash.js", "Shaka DASH"}, 0},
	} {
		t.Run(c.entry, func(t *testing.T) {
			n := newNode(t, settings{})
			speak(t, n, c.speaker)
			pushDemo(t, n, func(o *push.Options) { o.Epoch = true })
			r := record(t, n.base())
			listedSegments(t, n.base(), 4, 3)
			c.checkSegments(t, r)
			all := listen(t, r, c.every, 10*time.Second, c.tricks, func(all map[string]*listener) bool {
				for _, name := range c.shown {
					if l := all[name]; l == nil || len(l.heard) < 2 || c.tricks > 0 && name != "dash.js" && len(l.keyFrames) == 0 {
						return false
					}
				}
				return true
			})
			for _, name := range []string{"hls.js", "dash.js", "Shaka HLS", "Shaka DASH"} {
				l := all[name]
				if l == nil {
					t.Errorf("%s says nothing", name)
					continue
				}
				t.Logf("%s: tracks %v; %d cues shown in %d looks, %d missed, %d looks at nothing, %d wrong %q; %d key frames; errors %q",
					name, l.tracks, len(l.heard), l.spoken, l.missed, l.silent, len(l.wrong), l.wrong, len(l.keyFrames), l.errors)
				if len(l.tracks) != 1 || !sameLanguage(l.tracks[0].Language, c.language) {
					t.Errorf("%s lists the text tracks %v", name, l.tracks)
				}
				if !slices.Contains(c.shown, name) { // Shaka's HLS shows TTML, and in one session of three 0.6 s late
					continue
				}
				if len(l.wrong) > (l.spoken+l.silent)/4 { // a busy browser is late to take a cue off
					t.Errorf("%s shows cues at a wrong time", name)
				}
				if len(l.heard) < 2 {
					t.Errorf("%s does not show cues", name)
				}
				if l.fatal {
					t.Errorf("%s: %q", name, l.errors)
				}
			}
			for _, name := range []string{"hls.js", "Shaka DASH"} {
				if l := all[name]; c.tricks > 0 && l != nil && len(l.keyFrames) == 0 {
					t.Errorf("%s loaded the key frames %v", name, l.keyFrames)
				}
			}
		})
	}
}

func sameLanguage(said, sent string) bool {
	return said == sent || said == map[string]string{"deu": "de", "eng": "en"}[sent]
}

// checkSegments has ffprobe read what the text's playlist lists: every segment is whole slots of samples, without a hole.
func (s speaker) checkSegments(t *testing.T, r *recorder) {
	t.Helper()
	main, err := r.get(hlsPath)
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := strings.Cut(string(main), "TYPE=SUBTITLES")
	if !ok {
		t.Fatalf("no subtitles in\n%s", main)
	}
	line, _, _ = strings.Cut(line, "\n")
	if caption := strings.Contains(line, "public.accessibility.transcribes-spoken-dialog"); caption != (s.role == "caption") {
		t.Errorf("%s", line)
	}
	_, uri, _ := strings.Cut(line, `URI="`)
	uri, _, _ = strings.Cut(uri, `"`)
	folder := "/" + locatorID + "/live.ism/"
	list, err := r.get(folder + uri)
	if err != nil {
		t.Fatal(err)
	}
	folder += uri[:strings.IndexByte(uri, '/')+1]
	var file []byte
	segments := 0
	for l := range strings.Lines(string(list)) {
		name := strings.TrimSpace(l)
		if _, init, ok := strings.Cut(name, `#EXT-X-MAP:URI="`); ok {
			name = strings.TrimSuffix(init, `"`)
		} else if strings.HasPrefix(name, "#") {
			if name == "#EXT-X-GAP" {
				t.Errorf("text has a GAP:\n%s", list)
			}
			continue
		} else {
			segments++
		}
		b, err := r.get(folder + name)
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, b...)
	}
	path := filepath.Join(t.ArtifactDir(), s.name+".mp4")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		t.Errorf("ffprobe: %v: %s", err, out)
	}
	times := strings.Fields(string(out))
	if len(times) < segments || segments < 3 {
		t.Errorf("%d samples in %d segments", len(times), segments)
	}
	for i := 1; i < len(times); i++ {
		var before, at int64
		fmt.Sscan(times[i-1]+" "+times[i], &before, &at)
		if at <= before || at-before > 2000 {
			t.Errorf("a sample at %d ms after one at %d", at, before)
		}
	}
}
