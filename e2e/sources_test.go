package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// Two encoders of one programme, as far as they are alike.
type likeness string

const (
	bitExact likeness = "bit-exact"        // the same bytes for the same times
	oneTime  likeness = "of one time"      // the same times, other pictures
	apart    likeness = "without one time" // each counts from its own zero
	switches          = 5                  // short form of the proof
	mourning          = 5 * time.Second    // how long an encoder stays dead
	peace             = 8 * time.Second    // how long both live before the other dies: less than what a return takes
)

// A duo is a node with two encoders, of which the served one dies in turn.
type duo struct {
	t        *testing.T
	n        *node
	like     likeness
	valves   [2]*valve
	switched int
}

var duoSources = [2]string{"primary", "secondary"}

func newDuo(t *testing.T, like likeness, format push.Format) *duo {
	t.Helper()
	d := &duo{t: t, like: like}
	s := settings{name: strings.ReplaceAll(string(like), " ", "-"), window: 3 * time.Minute}
	if format == push.CMAF {
		s.tracks = []string{"video540", "video360", "video240", "audio"}
	}
	d.n = newNode(t, s)
	for i := range d.valves {
		d.valves[i] = throttle(t, d.n)
		pushDemo(t, d.n, func(o *push.Options) {
			o.URL, o.Format = d.valves[i].publishing(duoSources[i]), format
			o.Epoch = like != apart
			o.Stamp = like == oneTime // the time of sending: bytes that are each encoder's own
			if like == apart {
				o.Start = time.Now().Add(-time.Duration(i*777_700+330) * time.Millisecond)
			}
		})
	}
	return d
}

// served is the source of the newest segment of a track.
func (d *duo) served(track string) string {
	for _, s := range duoSources {
		if metricOf(d.t, d.n, "weir_ingest_source_served", `track="`+track+`"`, `source="`+s+`"`) == 1 {
			return s
		}
	}
	return ""
}

// ready waits until both encoders are known to the channel.
func (d *duo) ready() {
	d.t.Helper()
	listedSegments(d.t, d.n.base(), 4, 3)
	pause(4 * time.Second)
}

// quarrel kills the served encoder again and again, and brings it back.
func (d *duo) quarrel() {
	d.t.Helper()
	for d.switched < switches {
		was := d.served(d.track())
		i := 0
		if was == duoSources[1] {
			i = 1
		}
		how := death(d.switched % int(alive))
		at := time.Now()
		d.t.Logf("%s: %s dies by %s", clock(at), was, how)
		d.valves[i].shut(how)
		eventually(d.t, 8*time.Second, "the other encoder is served after the "+how.String()+" of the "+was, func() error {
			if got := d.served(d.track()); got == was || got == "" {
				return fmt.Errorf("%q is", got)
			}
			return nil
		})
		d.t.Logf("%s: the other is listed after %v", clock(time.Now()), time.Since(at).Round(10*time.Millisecond))
		d.switched++
		pause(time.Until(at.Add(mourning)))
		d.valves[i].open()
		pause(peace)
	}
}

// track is one that encoders bring in any format.
func (d *duo) track() string {
	d.t.Helper()
	text, err := get("http://" + d.n.admin + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	m := servedTrack.FindStringSubmatch(string(text))
	if m == nil {
		d.t.Fatal("no video track is known")
	}
	return m[1]
}

var servedTrack = regexp.MustCompile(`weir_ingest_source_served\{channel="live",source="[a-z]+",track="(video[^"]*)"\} 1`)

// holes counts the GAPs and the discontinuities of each playlist, the most of them.
func (d *duo) holes() (gaps, discontinuities int) {
	d.t.Helper()
	urls, err := mediaURLs(d.n.base())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, url := range urls {
		p, err := fetchPlaylist(url)
		if err != nil {
			d.t.Fatal(err)
		}
		g, c, line := 0, 0, ""
		for i, s := range p.segments {
			mark := "m"
			if s.gap {
				g++
				mark = "."
			}
			if s.discontinuity && i > 0 {
				c++
				mark = "|" + mark
			}
			line += mark
		}
		d.t.Logf("%s: %s", url[strings.LastIndexByte(url, '(')+1:], line)
		gaps, discontinuities = max(gaps, g), max(discontinuities, c)
	}
	return gaps, discontinuities
}

// judge holds what the playlists have against what was promised.
func (d *duo) judge() {
	d.t.Helper()
	gaps, discontinuities := d.holes()
	mostGaps, wantDiscontinuities := 0, 0
	switch d.like {
	case oneTime:
		mostGaps = 2 * d.switched
	case apart:
		mostGaps, wantDiscontinuities = 3*d.switched, d.switched
	case bitExact:
	}
	if gaps > mostGaps || discontinuities != wantDiscontinuities {
		d.t.Errorf("%d GAPs and %d discontinuities after %d deaths, want %d at most and %d", gaps, discontinuities, d.switched, mostGaps, wantDiscontinuities)
	}
	changes := 0.0
	for _, why := range []string{"closed", "silent", "other_time"} {
		changes += metricOf(d.t, d.n, "weir_ingest_source_changes_total", `track="`+d.track()+`"`, `why="`+why+`"`)
	}
	if int(changes) != d.switched {
		d.t.Errorf("%v changes of source are counted, there were %d", changes, d.switched)
	}
	for _, s := range duoSources {
		if n := metricOf(d.t, d.n, "weir_ingest_source_segments_total", `track="`+d.track()+`"`, `source="`+s+`"`); n < 5 {
			d.t.Errorf("%v segments of the %s are counted", n, s)
		}
	}
}

// TestSources: two encoders, of which the served one dies by TCP reset, silence, a stalled body and a kill in turn. Bit-exact
// ones leave no trace, and weir check finds nothing; those that share no time cost one discontinuity each.
func TestSources(t *testing.T) {
	longForm(t)
	t.Parallel()
	for name, c := range map[string]struct {
		like   likeness
		format push.Format
	}{
		"bit-exact Smooth": {bitExact, push.Smooth}, "apart": {apart, push.CMAF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDuo(t, c.like, c.format)
			d.ready()
			if c.like == apart { // between two generations a playlist may stand still for up to two slots and a half (docs/encoders.md)
				d.quarrel()
				d.judge()
				return
			}
			verdict := judgeURLs(t, 2*time.Minute, d.n.base()+hlsPath, d.n.base()+dashPath)
			d.quarrel()
			d.judge()
			verdict.stop()
			verdict.clean(t)
		})
	}
}

// TestSourcesPlayed: what viewers see of it, in hls.js and dash.js with low latency and in Shaka. Bit-exact encoders: no
// stall. Encoders that share time: no stall over one slot, and every picture is right, by its frame counter.
func TestSourcesPlayed(t *testing.T) {
	longForm(t)
	needBrowser(t)
	for name, c := range map[string]struct {
		like likeness
		most time.Duration // of a stall
	}{
		"bit-exact": {bitExact, 500 * time.Millisecond}, "one time": {oneTime, 2500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDuo(t, c.like, push.CMAF)
			d.ready()
			v := viewLow(t, d.n, time.Unix(0, 0), []promise{
				{player{"hls.js", "hls", hlsPath}, 0}, {player{"dash.js", "dash", lowDashPath}, 0}, {player{"Shaka HLS", "shaka", hlsPath}, 0},
			})
			pause(6 * time.Second) // players start where they find themselves, and close up
			from := time.Now()
			d.quarrel()
			to := time.Now()
			v.w.close()
			d.judge()
			v.log(t, from)
			for _, p := range v.promises {
				player := v.w.viewer(p.Name)
				if player.fatal {
					t.Errorf("%s has given up: %q", p.Name, player.errors)
				}
				if last := player.last(); last.at.Before(to.Add(-time.Second)) || last.Paused {
					t.Errorf("%s does not play in the end", p.Name)
				}
				stood := false
				for _, s := range player.stalls() {
					if s.at.Before(from) || s.length <= c.most {
						continue
					}
					if p.Name == "hls.js" && c.like == oneTime && s.buffered < inHand { // docs/players.md
						t.Logf("hls.js stood still for %v at %s before a hole in the pictures", s.length, clock(s.at))
						stood = true
						continue
					}
					if player.passedOver(s.at) { // docs/players.md
						t.Logf("%s stood still for %v at %s: it asked for no media, though playlists told it of more", p.Name, s.length, clock(s.at))
						continue
					}
					if s.length < 5*time.Second && (s.buffered > inHand && c.like == bitExact || v.busy(&player, s.at.Add(-time.Second), s.at.Add(s.length))) {
						t.Logf("%s stood still for %v at %s: this machine was busy elsewhere", p.Name, s.length, clock(s.at))
						continue
					}
					t.Errorf("%s stalled for %v at %s, %.2f s buffered", p.Name, s.length.Round(time.Millisecond), clock(s.at), s.buffered)
				}
				if right, wrong, dark := player.rightPictures(from); right < 50 && !stood || wrong > 0 || dark*10 > right {
					t.Errorf("%s: %d pictures were of their time, %d of another, and %d could not be read", p.Name, right, wrong, dark)
				}
			}
		})
	}
}

// rightPictures counts the pictures since a time whose frame counter is that of the media's time, those of another time, and
// those that could not be read. A picture that stays while the player's clock goes on, over a hole, is none of them. Media at
// UTC t is the loop at t modulo its length.
func (v *viewer) rightPictures(from time.Time) (right, wrong, dark int) {
	const near = demo.FrameRate / 2 // frames: what players say of their playhead is not to the frame
	last := -1
	for _, f := range v.frames {
		stays := f.Frame == last
		last = f.Frame
		switch {
		case f.at.Before(from) || f.Playhead == 0 || stays && f.Frame >= 0:
		case f.Frame < 0:
			dark++
		default:
			want := int(f.Playhead*demo.FrameRate/1000) % demo.Frames
			if d := (f.Frame - want + demo.Frames) % demo.Frames; d <= near || d >= demo.Frames-near {
				right++
			} else {
				wrong++
			}
		}
	}
	return right, wrong, dark
}
