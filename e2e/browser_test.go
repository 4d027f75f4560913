package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A player is an engine of the page with what it shall play.
type player struct {
	Name   string `json:"name"`
	Engine string `json:"engine"`
	URL    string `json:"url"`
}

// Every engine with every format that it plays.
var players = []player{
	{"hls.js", "hls", hlsPath},
	{"dash.js", "dash", dashPath},
	{"Shaka HLS", "shaka", hlsPath},
	{"Shaka DASH", "shaka", dashPath},
}

// smoothPlayer plays Smooth Streaming, which no other engine does.
var smoothPlayer = player{"dash.js Smooth", "dash", smoothPath}

// A watch is a page of headless Chromium with players side by side.
type watch struct {
	t       *testing.T
	process *process
	stdin   io.Closer

	mu      sync.Mutex
	viewers map[string]*viewer
	hosts   map[string]string // the player that asks a host
	trouble []string          // what the page throws or prints as an error
}

// A viewer is what a player has reported.
type viewer struct {
	name       string
	renditions []picture
	forced     []forced
	errors     []string
	notes      []string
	fatal      bool
	looks      []look
	frames     []frame
	requests   []request
	waits      []time.Time     // when the picture stopped for want of media, by the browser's word
	beeps      []time.Duration // where in the media each is heard
	seconds    []time.Duration // where in the media each second begins, by its picture
}

// A picture is a rendition as an engine lists it.
type picture struct{ Width, Height, Bitrate int }

// A forced is a rendition that was forced.
type forced struct {
	at     time.Time
	height int
}

// A frame is a frame counter that was read off the picture.
type frame struct {
	at       time.Time
	Frame    int     // -1: not readable
	Playhead float64 // what the player says of the same moment: UTC in ms
}

// A look is the state of a player at a time.
type look struct {
	at       time.Time
	Time     float64 // media seconds
	End      float64 // of what is buffered from the playhead on
	Ready    int
	Height   int
	Dropped  int
	Decoded  int
	Playhead float64 // UTC in ms; 0: unknown
	Paused   bool
	Seeking  bool
}

// A request is one of the browser's, as its own timing of resources has it.
type request struct {
	URL    string
	Status int
	at     time.Time // sent
	First  float64   // ms from then to the first byte
	Last   float64   // ms to the last one
	Size   int       // bytes of the body
}

// report is a line of browser/watch.mjs.
type report struct {
	Player     string
	At         float64
	Renditions []picture
	Forced     *picture
	Error      *string
	Note       *string
	Fatal      bool
	Look       *look
	Picture    *frame
	Request    *request
	Waits      bool
	Beep       *moment
	Second     *moment
	Console    *string
	Type       string
	Thrown     *string
}

// A moment is a place in the media, in seconds.
type moment struct{ Time float64 }

func (m *moment) at() time.Duration { return time.Duration(m.Time * float64(time.Second)) }

// open opens a page with players that stay some seconds behind, so that what they do is not a question of how busy this
// machine is; name is for logs. force are the times after the first frame at which a rendition is forced, the lowest, the
// highest, and so on in turn.
func open(t *testing.T, name string, r *recorder, list []player, force ...time.Duration) *watch {
	t.Helper()
	var times []string
	for _, d := range force {
		times = append(times, strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	}
	return openPage(t, name, r, list, url.Values{"force": {strings.Join(times, ",")}, "frames": {"1"}, "latency": {"normal"}})
}

// openPage opens browser/watch.html with players and a query.
func openPage(t *testing.T, name string, r *recorder, list []player, query url.Values) *watch {
	t.Helper()
	w := &watch{t: t, viewers: map[string]*viewer{}, hosts: map[string]string{}}
	apart := slices.Clone(list)
	for i, p := range list {
		w.viewers[p.Name] = &viewer{name: p.Name}
		// A browser opens six connections to a host at most, and low latency keeps four of a player's busy.
		host := fmt.Sprintf("p%d.localhost", i)
		apart[i].URL = strings.Replace(p.URL, "//127.0.0.1:", "//"+host+":", 1)
		w.hosts[host] = p.Name
	}
	asked, err := json.Marshal(apart)
	if err != nil {
		t.Fatal(err)
	}
	query.Set("players", string(asked))
	cmd := exec.Command("node", "browser/watch.mjs", r.url+"/e2e/watch.html?"+query.Encode(), filepath.Join(t.ArtifactDir(), name+".png"))
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
	w.stdin = stdin
	w.process = start(t, name, cmd)
	_ = out.Close()
	kept, err := os.Create(filepath.Join(t.ArtifactDir(), name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer func() { _, _ = in.Close(), kept.Close() }()
		for lines := bufio.NewScanner(io.TeeReader(in, kept)); lines.Scan(); {
			w.note(lines.Bytes())
		}
	}()
	t.Cleanup(func() {
		w.process.kill()
		<-read
	})
	return w
}

func chromium(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *watch) note(line []byte) {
	var r report
	if err := json.Unmarshal(line, &r); err != nil {
		r.Thrown = new(fmt.Sprintf("%v: %s", err, line))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Thrown != nil {
		w.trouble = append(w.trouble, "thrown: "+*r.Thrown)
	}
	if r.Console != nil && r.Type == "error" {
		w.trouble = append(w.trouble, "console: "+*r.Console)
	}
	if r.Request != nil {
		if u, err := url.Parse(r.Request.URL); err == nil {
			r.Player = w.hosts[u.Hostname()]
		}
	}
	v := w.viewers[r.Player]
	if v == nil {
		return
	}
	at := time.UnixMicro(int64(r.At * 1000))
	switch {
	case r.Request != nil:
		r.Request.at = at
		v.requests = append(v.requests, *r.Request)
	case r.Waits:
		v.waits = append(v.waits, at)
	case r.Look != nil:
		r.Look.at = at
		v.looks = append(v.looks, *r.Look)
	case r.Picture != nil:
		r.Picture.at = at
		v.frames = append(v.frames, *r.Picture)
	case r.Beep != nil:
		v.beeps = append(v.beeps, r.Beep.at())
	case r.Second != nil:
		v.seconds = append(v.seconds, r.Second.at())
	case r.Renditions != nil:
		v.renditions = r.Renditions
	case r.Forced != nil:
		v.forced = append(v.forced, forced{at, r.Forced.Height})
	case r.Note != nil:
		v.notes = append(v.notes, at.UTC().Format("15:04:05.000 ")+*r.Note)
	case r.Error != nil:
		v.errors = append(v.errors, at.UTC().Format("15:04:05.000 ")+*r.Error)
		v.fatal = v.fatal || r.Fatal
	}
}

// viewer returns a copy of what a player has reported so far.
func (w *watch) viewer(name string) viewer {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := *w.viewers[name]
	return v
}

// started waits until every player plays.
func (w *watch) started(limit time.Duration) {
	w.t.Helper()
	eventually(w.t, limit, "every player plays", func() error {
		if !w.process.running() {
			w.t.Fatalf("the browser has ended: %v\n%s", w.process.err, tail(w.process.log, 20))
		}
		for name := range w.viewers {
			if v := w.viewer(name); v.begun() < 0 {
				return fmt.Errorf("%s does not; errors %q", name, v.errors)
			}
		}
		return nil
	})
}

// close takes a picture of the page and closes the browser.
func (w *watch) close() {
	w.t.Helper()
	_ = w.stdin.Close()
	if err := w.process.wait(15 * time.Second); err != nil {
		w.t.Errorf("the browser does not end cleanly: %v", err)
	}
}
