package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// A promise is a player and the age of the picture that it holds, from the encoder's camera to the screen.
type promise struct {
	player
	most time.Duration
}

// TestLowLatency is what viewers see: for 30 s without a stall, how old is the picture? The age is read off the picture
// itself, by its frame counter, and not asked of players, who know only what the origin tells them.
func TestLowLatency(t *testing.T) {
	needBrowser(t)
	need(t, "ffmpeg")
	n := newNode(t, settings{name: "demo", tracks: []string{"video540", "video360", "video240", "audio"}})
	pushDemo(t, n, func(o *push.Options) { o.Epoch = true })
	encoder := newNode(t, settings{name: "camera", tracks: []string{"stream0", "stream1"}})
	began := pushCamera(t, encoder, docsLowDASH)
	pair := []promise{
		{player{"hls.js", "hls", hlsPath}, 1500 * time.Millisecond},
		{player{"dash.js", "dash", lowDashPath}, 1200 * time.Millisecond},
	}
	t.Run("demo", func(t *testing.T) {
		viewLow(t, n, time.Unix(0, 0), pair).holds(t, 30*time.Second)
	})
	t.Run("ffmpeg", func(t *testing.T) {
		viewLow(t, encoder, began(), pair).holds(t, 30*time.Second)
	})
	t.Run("Shaka", func(t *testing.T) {
		viewLow(t, n, time.Unix(0, 0), []promise{ // docs/players.md says why it is behind
			{player{"Shaka HLS", "shaka", hlsPath}, 3 * time.Second},
			{player{"Shaka DASH", "shaka", numberPath}, 3 * time.Second},
		}).holds(t, 10*time.Second)
	})
}

// TestLatencyColumns measures what the settings of docs/low-latency.md for 2 and 4 seconds give: as TestLowLatency with the
// demo, with longer chunks and parts. It is no part of make test: WEIR_COLUMNS=1 asks for it.
func TestLatencyColumns(t *testing.T) {
	if os.Getenv("WEIR_COLUMNS") == "" {
		t.Skip("WEIR_COLUMNS=1 runs this")
	}
	needBrowser(t)
	goFirst(t)
	for _, c := range []struct{ column, part, segment time.Duration }{
		{time.Second, 200 * time.Millisecond, 2 * time.Second},
		{2 * time.Second, 500 * time.Millisecond, 2 * time.Second},
		{4 * time.Second, time.Second, 4 * time.Second},
	} {
		t.Run(c.column.String(), func(t *testing.T) {
			n := newNode(t, settings{name: "demo", part: c.part, segment: c.segment, tracks: []string{"video540", "video360", "video240", "audio"}})
			pushDemo(t, n, func(o *push.Options) { o.Epoch, o.Chunk = true, c.part })
			most := c.column + 500*time.Millisecond
			viewLow(t, n, time.Unix(0, 0), []promise{
				{player{"hls.js", "hls", hlsPath}, most},
				{player{"dash.js", "dash", lowDashPath}, most},
			}).hold(t, 30*time.Second)
		})
	}
}

// A lowViewing is players that promise a latency, side by side.
type lowViewing struct {
	promises []promise
	zero     time.Time // UTC of a frame 0
	r        *recorder
	w        *watch
	pulse    *pulse
}

func viewLow(t *testing.T, n *node, zero time.Time, promises []promise) *lowViewing {
	t.Helper()
	v := &lowViewing{promises: promises, zero: zero, r: record(t, n.base()), pulse: feelPulse(t)}
	listedSegments(t, n.base(), 2, 3)
	var list []player
	for _, p := range promises {
		p.URL = v.r.url + p.URL
		list = append(list, p.player)
	}
	v.w = openPage(t, "players", v.r, list, url.Values{"frames": {"5"}, "requests": {"1"}})
	v.w.started(30 * time.Second)
	return v
}

// An age is how old a picture was that was on the screen.
type age struct {
	at  time.Time
	age time.Duration
}

// ages returns how old a player's pictures were from a time on. The frame counter starts again with each loop of the
// demo: what is older than a loop looks younger.
func (v *lowViewing) ages(p *viewer, from time.Time) []age {
	const frame, loop = time.Second / demo.FrameRate, demo.Frames * time.Second / demo.FrameRate
	var list []age
	for _, f := range p.frames {
		if f.Frame < 0 || f.at.Before(from) {
			continue
		}
		old := (f.at.Sub(v.zero) - time.Duration(f.Frame)*frame) % loop
		list = append(list, age{f.at, old})
	}
	return list
}

// holds watches and judges.
func (v *lowViewing) holds(t *testing.T, length time.Duration) {
	t.Helper()
	v.hold(t, length)
	v.w.close()
	v.asked(t, length)
}

// hold waits until every player has kept its promise for so long in one piece. What this machine does to players (another
// process took the cores: timers came late, frames were dropped) begins the wait anew; a stall or a latency beyond the
// promise on a machine at ease fails the test.
func (v *lowViewing) hold(t *testing.T, length time.Duration) {
	t.Helper()
	const settle = 5 * time.Second // players start where they find themselves, and close up
	begun := time.Now()
	from := begun.Add(settle)
	disturbed := 0
	for tick := time.NewTicker(500 * time.Millisecond); ; <-tick.C {
		now := time.Now()
		worst, machine, why := v.judge(from, now)
		switch {
		case why != "" && machine:
			from = worst.Add(time.Second)
		case why == "" && now.Sub(from) >= length:
			if why = v.broken(from); why == "" {
				v.log(t, from)
				return
			}
			if machine = !v.atEase(from, now); machine {
				from = now.Add(-length / 2) // they may be closing up still
			}
		}
		if why != "" && !machine {
			v.log(t, from)
			t.Fatal(why)
		}
		if why != "" {
			disturbed++
			t.Logf("%s: this machine was busy elsewhere", why)
		}
		if now.Sub(begun) > 2*length+settle {
			v.log(t, begun)
			t.Skipf("this machine left no %v in peace: disturbed %d times in %v", length, disturbed, now.Sub(begun).Round(time.Second))
		}
	}
}

// broken says whose pictures have been older than promised since a time.
func (v *lowViewing) broken(from time.Time) string {
	for _, p := range v.promises {
		player := v.w.viewer(p.Name)
		ages := v.ages(&player, from)
		if len(ages) < 10 {
			return fmt.Sprintf("%s: the frame counter could be read %d times", p.Name, len(ages))
		}
		if got := quantile(ages, 0.95); got > p.most {
			return fmt.Sprintf("%s: the picture is %v old, want %v at most", p.Name, got, p.most)
		}
	}
	return ""
}

// atEase tells whether the machine ran all players as they wanted to for a while: hardly a frame was dropped, and the page's
// timers came in time.
func (v *lowViewing) atEase(from, to time.Time) bool {
	if v.pulse.worst(from, to) > 150*time.Millisecond {
		return false
	}
	for _, p := range v.promises {
		player := v.w.viewer(p.Name)
		late, first := 0, -1
		for i := 1; i < len(player.looks); i++ {
			a, b := player.looks[i-1], player.looks[i]
			if a.at.Before(from) || b.at.After(to) {
				continue
			}
			if first < 0 {
				first = i
			}
			if b.at.Sub(a.at) > 200*time.Millisecond { // one every 100 ms
				late++
			}
		}
		if first < 0 {
			return false
		}
		last := player.last()
		dropped, shown := last.Dropped-player.looks[first].Dropped, last.Decoded-player.looks[first].Decoded
		if late > 5 || dropped*200 > shown {
			return false
		}
	}
	return true
}

// judge looks for the last break of a promise since a time: a stall. It returns when it ended, whether the machine was to
// blame, and what it was.
func (v *lowViewing) judge(from, now time.Time) (last time.Time, machine bool, why string) {
	for _, p := range v.promises {
		player := v.w.viewer(p.Name)
		if len(player.errors) > 0 && player.fatal {
			return now, false, fmt.Sprintf("%s has given up: %q", p.Name, player.errors)
		}
		for _, s := range player.stalls() {
			end := s.at.Add(s.length)
			if end.Before(from) || end.Before(last) {
				continue
			}
			last, machine = end, s.buffered > inHand || v.busy(&player, s.at.Add(-time.Second), end)
			why = fmt.Sprintf("%s stalled for %v at %s, %.2f s buffered", p.Name, s.length.Round(time.Millisecond), clock(s.at), s.buffered)
			if !machine {
				return last, machine, why
			}
		}
	}
	return last, machine, why
}

// inHand is the media, in seconds, with which a player that stands still does so through no want of any.
const inHand = 0.35

// busy tells whether the machine ran something else when it should have run these players: timers came late, here or in
// the browser, or another player stood still too, with media in hand.
func (v *lowViewing) busy(p *viewer, from, to time.Time) bool {
	const late = 150 * time.Millisecond
	if p.passedOver(from.Add(time.Second)) {
		// hls.js 1.7 has been seen to pass over a segment's last part on busy machines, and to load nothing before its buffer had
		// run dry, seconds later (docs/players.md).
		from = from.Add(-10 * time.Second)
	}
	if v.pulse.worst(from, to) > late {
		return true
	}
	for i := 1; i < len(p.looks); i++ { // one every 100 ms
		if a, b := p.looks[i-1].at, p.looks[i].at; b.After(from) && a.Before(to) && b.Sub(a) > 100*time.Millisecond+2*late {
			return true
		}
	}
	for _, other := range v.promises {
		player := v.w.viewer(other.Name)
		for _, s := range player.stalls() {
			if s.buffered > inHand && s.at.Before(to) && s.at.Add(s.length).After(from) {
				return true
			}
		}
	}
	return false
}

// passedOver tells whether a player had for a second asked for no picture before a time, though playlists told it of more.
func (v *viewer) passedOver(at time.Time) bool {
	playlists, media := 0, 0
	for _, r := range v.requests {
		switch {
		case r.at.Before(at.Add(-1500*time.Millisecond)) || r.at.After(at.Add(-500*time.Millisecond)):
		case strings.Contains(r.URL, "_HLS_part=") && r.Status == 200:
			playlists++
		case strings.HasSuffix(r.URL, ".m4s") && !strings.Contains(r.URL, "(audio=") && !strings.Contains(r.URL, "(stream1="): // sound goes on
			media++
		}
	}
	return playlists >= 3 && media == 0
}

func (v *lowViewing) log(t *testing.T, from time.Time) {
	t.Helper()
	for _, p := range v.promises {
		player := v.w.viewer(p.Name)
		ages := v.ages(&player, from)
		last := player.last()
		t.Logf("%s: the picture is %v old (median; 95%%: %v, most: %v, %d readings); the player says %v; %.2f s buffered; %d of %d frames dropped; waited %d times; errors %q, notes %q",
			p.Name, quantile(ages, 0.5), quantile(ages, 0.95), quantile(ages, 1), len(ages), last.latency(),
			last.End-last.Time, last.Dropped, last.Decoded, len(player.waits), player.errors, player.notes)
		for _, s := range player.stalls() {
			t.Logf("%s stood still for %v at %s, %.2f s buffered, timers %v late", p.Name, s.length.Round(time.Millisecond), clock(s.at), s.buffered,
				v.pulse.worst(s.at.Add(-time.Second), s.at.Add(s.length)))
		}
	}
}

func quantile(list []age, q float64) time.Duration {
	var all []time.Duration
	for _, a := range list {
		all = append(all, a.age)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return all[min(len(all)-1, int(q*float64(len(all))))].Round(time.Millisecond)
}

// asked holds what the browser asked for against what each engine is to make use of: playlists that are held until the
// next part is there, parts that are asked for before they are, segments that come while they are made.
func (v *lowViewing) asked(t *testing.T, length time.Duration) {
	t.Helper()
	const held = 40 // ms; an answer that is there comes at once
	seconds := int(length / time.Second)
	for _, p := range v.promises {
		player := v.w.viewer(p.Name)
		reloads, hints, grown := 0, 0, 0
		for _, r := range player.requests {
			media := strings.HasSuffix(r.URL, ".m4s")
			switch {
			case r.Status >= 400:
				t.Errorf("%s: %d for %s", p.Name, r.Status, r.URL)
			case strings.Contains(r.URL, "_HLS_part=") && r.First > held:
				reloads++
			case media && strings.Contains(r.URL, ",part=") && r.First > held:
				hints++
			case media && r.Last-r.First > 500:
				grown++
			}
		}
		t.Logf("%s: %d requests; %d playlists held, %d parts held, %d segments taken while they grew", p.Name, len(player.requests), reloads, hints, grown)
		for _, c := range []struct {
			player, what string
			got, want    int
		}{
			{"hls.js", "blocking reloads", reloads, seconds},
			{"Shaka HLS", "parts asked for by hint", hints, seconds},
			{"dash.js", "segments taken while they grow", grown, seconds / 3},
			{"Shaka DASH", "segments taken while they grow", grown, seconds / 3},
		} {
			if c.player == p.Name && c.got < c.want {
				t.Errorf("%s: %d %s, want %d or more", p.Name, c.got, c.what, c.want)
			}
		}
	}
	for _, text := range v.r.refusals() {
		t.Errorf("refused: %s", text)
	}
}

// pushCamera has ffmpeg read the demo in real time like a camera, encode it, and push it with low latency, by the docs'
// command. What it returns waits until it is known when the camera showed frame 0: ffmpeg says so itself, in a second
// output that names each frame as it is read.
func pushCamera(t *testing.T, n *node, heading string) (began func() time.Time) {
	t.Helper()
	file, err := demoFile()
	if err != nil {
		t.Fatal(err)
	}
	feed := "INPUT='-re -stream_loop -1 -i " + file + " -map 0:v:0 -c copy -flush_packets 1 -f framecrc pipe:1'\n" +
		"V720='-map 0:v:0 -c:v libx264 -preset ultrafast -tune zerolatency -g 50 -keyint_min 50 -sc_threshold 0 -s 640x360 -b:v 700k'\n" +
		"SOUND='-map 0:a -c:a aac -b:a 96k'\nALL=\"$V720 $SOUND\"\n"
	cmd := ffmpegCommand(t, n.publishing(), n.live(), heading, feed)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = out
	c, read := &camera{}, make(chan struct{})
	t.Cleanup(func() { <-read }) // when ffmpeg has been killed
	start(t, "ffmpeg-"+n.name, cmd)
	_ = out.Close()
	go func() {
		defer close(read)
		c.watch(in)
	}()
	return func() time.Time {
		t.Helper()
		eventually(t, 20*time.Second, "ffmpeg has read two seconds of frames", func() error {
			if n := c.count(); n < 2*demo.FrameRate {
				return fmt.Errorf("%d frames", n)
			}
			return nil
		})
		return c.zero()
	}
}

// A camera is what ffmpeg says of the frames that it reads.
type camera struct {
	mu     sync.Mutex
	frames int
	began  time.Time // the earliest that frame 0 can have been, by any frame
}

// watch reads lines such as "0, 512, 512, 512, 1234, 0x…": stream, decode time, presentation time, duration, size, hash.
func (c *camera) watch(in io.ReadCloser) {
	defer func() { _ = in.Close() }()
	timescale := 0.0
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if _, base, ok := strings.Cut(lines.Text(), "#tb 0: 1/"); ok {
			timescale, _ = strconv.ParseFloat(base, 64)
			continue
		}
		fields := strings.Split(lines.Text(), ",")
		ticks, err := strconv.ParseFloat(strings.TrimSpace(fields[min(1, len(fields)-1)]), 64)
		if err != nil || timescale == 0 {
			continue
		}
		began := time.Now().Add(-time.Duration(ticks / timescale * float64(time.Second)))
		c.mu.Lock()
		if c.frames++; c.began.IsZero() || began.Before(c.began) {
			c.began = began
		}
		c.mu.Unlock()
	}
}

func (c *camera) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames
}

func (c *camera) zero() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began
}
