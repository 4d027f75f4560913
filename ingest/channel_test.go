package ingest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/media"
)

// Every frame that was sent stands once in the listed segments, in order, at an even pace, under numbers without a hole.
func TestFramesArriveOnceAndInOrder(t *testing.T) {
	b := newTestbed(t, &memory{})
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 18*time.Second, v, a)

	bodies := b.bodies()
	for _, s := range []*source{v, a} {
		view := b.channel.Live().Version()
		var all []int
		var last uint64
		for _, tr := range view.Tracks {
			if tr.Name != s.name {
				continue
			}
			if tr.End-tr.First < 6 {
				t.Fatalf("%s lists %d segments of 18 s, want at least 6\n%s", s.name, tr.End-tr.First, b.log)
			}
			for n := tr.First; n < tr.End; n++ {
				times, numbers := b.frames(s, bodies[s.name][n])
				for i, at := range times {
					if step := at - last; last != 0 && step != uint64(s.frame)*uint64(s.publishedScale(b))/uint64(s.timescale) {
						t.Fatalf("%s segment %d sample %d: %d ticks after the one before", s.name, n, i, step)
					}
					last = at
				}
				if s.video && numbers[0]%s.gop != 0 {
					t.Errorf("segment %d starts with frame %d, not a sync sample", n, numbers[0])
				}
				all = append(all, numbers...)
			}
		}
		for i := range all {
			if all[i] != all[0]+i {
				t.Fatalf("%s: frame %d follows %d", s.name, all[i], all[i-1])
			}
		}
	}
}

// publishedScale is the track's timescale in the window.
func (s *source) publishedScale(b *testbed) uint32 {
	for _, view := range b.channel.Live().Version().Tracks {
		if view.Name == s.name {
			return view.Inits[len(view.Inits)-1].Media.Timescale
		}
	}
	return 0
}

// A process that is killed and started again with its records gives the same bytes under the same names.
func TestRestartKeepsNamesAndBytes(t *testing.T) {
	records := &memory{}
	whole := newTestbed(t, records)
	v, a := videoSource(), audioSource()
	whole.attach(v)
	whole.attach(a)
	whole.run(testStart, 20*time.Second, v, a)

	again := newTestbed(t, records)
	v2, a2 := videoSource(), audioSource()
	again.now = testStart + int64(7*time.Second)
	v2.next, a2.next = 7*25/5*5, 7*48000/1024/9*9
	again.attach(v2)
	again.attach(a2)
	again.run(testStart, 20*time.Second, v2, a2)

	want, got := whole.bodies(), again.bodies()
	same := 0
	for name, segments := range got {
		for n, body := range segments {
			other, ok := want[name][n]
			if !ok {
				t.Errorf("%s: number %d was not used by the first run", name, n)
				continue
			}
			if !bytes.Equal(body, other) {
				t.Errorf("%s: segment %d has other bytes after the restart", name, n)
			}
			same++
		}
	}
	if same < 8 {
		t.Fatalf("only %d segments to compare\n%s", same, again.log)
	}
	w, g := whole.channel.Live().Version(), again.channel.Live().Version()
	for i := range w.Tracks {
		if w.Tracks[i].End != g.Tracks[i].End {
			t.Errorf("%s ends at %d and %d", w.Tracks[i].Name, w.Tracks[i].End, g.Tracks[i].End)
		}
	}
}

// With the store away media waits; it is not lost when the store comes back in time.
func TestStoreAway(t *testing.T) {
	records := &memory{fail: errors.New("no store")}
	b := newTestbed(t, &memory{})
	b.records = records
	b.channel.deps.Records = records
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 8*time.Second, v, a)
	if n := len(b.bodies()["v"]); n != 0 {
		t.Fatalf("%d segments are listed without a record", n)
	}
	records.mu.Lock()
	records.fail = nil
	records.mu.Unlock()
	b.run(testStart, 20*time.Second, v, a)
	if n := len(b.bodies()["v"]); n < 3 {
		t.Fatalf("%d segments after the store came back\n%s", n, b.log)
	}
}

func TestNewestConnectionWins(t *testing.T) {
	b := newTestbed(t, &memory{})
	stream, err := b.channel.Stream("v")
	if err != nil {
		t.Fatal(err)
	}
	kicked := 0
	header := bytes.NewReader(videoSource().header(t))
	first, err := stream.Attach(true, func() { kicked++ })
	if err != nil {
		t.Fatal(err)
	}
	if err := first.ReadBody(header); err != nil {
		t.Fatal(err)
	}
	probe, err := stream.Attach(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := probe.ReadBody(bytes.NewReader(nil)); err != nil {
		t.Fatal(err)
	}
	probe.Detach()
	if kicked != 0 || !stream.open {
		t.Fatalf("an empty probe kicked %d times, and the stream is open: %v", kicked, stream.open)
	}
	second, err := stream.Attach(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	header.Reset(videoSource().header(t))
	if err := second.ReadBody(header); err != nil {
		t.Fatal(err)
	}
	if kicked != 1 || !errors.Is(first.Err(), ErrReplaced) {
		t.Fatalf("kicked %d times, err %v", kicked, first.Err())
	}
	if err := first.ReadBody(bytes.NewReader(videoSource().header(t))); !errors.Is(err, ErrReplaced) {
		t.Fatalf("the replaced connection reads on: %v", err)
	}
	b.channel.Drain()
	if _, err := stream.Attach(true, nil); !errors.Is(err, ErrDraining) {
		t.Fatalf("attach while draining: %v", err)
	}
}

// What a hostile or broken encoder sends is answered with the right error, and with the byte at which it went wrong.
func TestBadInput(t *testing.T) {
	header := videoSource().header(t)
	good := videoSource().chunk(nil)
	moof := bytes.Index(good, []byte("mdat")) - 4
	cases := map[string]struct {
		body []byte
		want error
		text string
	}{
		"nothing":             {nil, nil, ""},
		"text":                {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ErrMalformed, "byte 0"},
		"fragment first":      {good, ErrNoInit, "byte 0"},
		"box size 7":          {[]byte{0, 0, 0, 7, 'm', 'o', 'o', 'v'}, ErrMalformed, "byte 0"},
		"size to end":         {[]byte{0, 0, 0, 0, 'm', 'o', 'o', 'v'}, ErrMalformed, ""},
		"moov too large":      {[]byte{0x7f, 0, 0, 0, 'm', 'o', 'o', 'v'}, ErrTooLarge, "moov"},
		"moof without mdat":   {append(append([]byte{}, header...), append(good[:moof:moof], 0, 0, 0, 8, 'f', 'r', 'e', 'e')...), ErrMalformed, "mdat"},
		"mdat of 8 exabytes":  {append(append([]byte{}, header...), append(good[:moof:moof], 0, 0, 0, 1, 'm', 'd', 'a', 't', 0x7f, 0, 0, 0, 0, 0, 0, 0)...), ErrTooLarge, "mdat"},
		"cut in the payload":  {append(append([]byte{}, header...), good[:len(good)-3]...), errCut, ""},
		"garbage inside moov": {append([]byte{0, 0, 0, 40, 'm', 'o', 'o', 'v'}, make([]byte, 32)...), ErrMalformed, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, &memory{})
			stream, err := b.channel.Stream("v")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := stream.Attach(true, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = conn.ReadBody(bytes.NewReader(c.body))
			conn.Detach()
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("got %v, want %v with %q", err, c.want, c.text)
			}
		})
	}
}

// A fragment that cannot be read is skipped; three in a row end the stream; the next good one starts the count anew.
func TestBadFragments(t *testing.T) {
	b := newTestbed(t, &memory{})
	v := videoSource()
	b.attach(v)
	broken := v.chunk(nil)
	at := bytes.Index(broken, []byte("trun")) + 8
	copy(broken[at:], []byte{0xff, 0xff, 0xff, 0xff}) // sample count
	good := v.chunk(nil)
	b.feed(v, broken)
	b.feed(v, broken)
	b.feed(v, good)
	b.feed(v, broken)
	b.feed(v, broken)
	if err := v.conn.ReadBody(bytes.NewReader(broken)); !errors.Is(err, ErrMalformed) {
		t.Fatalf("third bad fragment in a row: %v", err)
	}
	if got := b.channel.tracks["v"].stats.BadFragment.Load(); got != 5 {
		t.Errorf("%d bad fragments counted, want 5", got)
	}
}

// An encoder that invents a new name for every connection cannot fill the channel.
func TestNamesDoNotPileUp(t *testing.T) {
	b := newTestbed(t, &memory{})
	for i := range 3 * b.channel.limits.ChannelTracks {
		v := videoSource()
		v.name = "v" + strings.Repeat("x", i%100) + string(rune('a'+i/100))
		b.attach(v)
		v.conn.Detach()
	}
	if n := len(b.channel.streams); n > b.channel.limits.ChannelTracks {
		t.Errorf("%d streams are kept", n)
	}
	if n := len(b.channel.tracks); n > b.channel.limits.ChannelTracks {
		t.Errorf("%d tracks are kept", n)
	}
}

func TestTrackNames(t *testing.T) {
	smooth := []TrackHint{
		{TrackID: 1, Kind: media.Video, Name: "video_und_500000"},
		{TrackID: 2, Kind: media.Video, Name: "audio_eng_96000"}, // the header says that this is audio
		{TrackID: 3, Kind: media.Video, Name: "video_und_500000"},
	}
	cases := map[string]struct {
		hints  []TrackHint
		tracks []*source
		want   []string
	}{
		"one":   {nil, []*source{videoSource()}, []string{"cam"}},
		"two":   {nil, []*source{videoSource(), audioSource()}, []string{"cam_video", "cam_audio"}},
		"three": {nil, []*source{videoSource(), audioSource(), videoSource()}, []string{"cam_video1", "cam_audio", "cam_video2"}},
		"named, and one twice": {
			smooth,
			[]*source{videoSource(), audioSource(), videoSource()},
			[]string{"video_und_500000", "cam_audio", "video_und_500000_2"},
		},
		"another track_ID":   {[]TrackHint{{TrackID: 7, Kind: media.Video, Name: "v"}}, []*source{videoSource()}, []string{"v"}},
		"no name":            {[]TrackHint{{TrackID: 1, Name: "a/b"}}, []*source{videoSource()}, []string{"cam"}},
		"which one is meant": {[]TrackHint{{TrackID: 7, Name: "v"}, {TrackID: 8, Name: "w"}}, []*source{videoSource()}, []string{"cam"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := &Stream{name: "cam"}
			s.hints[InBody] = c.hints
			descs := parsed(t, c.tracks...)
			for i := range descs {
				descs[i].ID = uint32(i + 1)
			}
			if diff := cmp.Diff(c.want, s.trackNames(descs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Run puts records and acts on deadlines by itself, and ends with its context.
func TestRun(t *testing.T) {
	b := newTestbed(t, &memory{})
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.channel.Run(ctx) }()
	stop := errors.New("stop")
	cancel(stop)
	if err := <-done; !errors.Is(err, stop) {
		t.Fatalf("Run returned %v", err)
	}
}

// A fault of weir's own in one channel is logged, and ends neither the process nor the channel's goroutine.
func TestPanicStaysInItsChannel(t *testing.T) {
	b := newTestbed(t, &memory{})
	b.channel.tl = nil
	if next := b.channel.Tick(); next != b.now+int64(time.Second) {
		t.Errorf("the next deadline is %d", next)
	}
	b.channel.resolve(need{}, need{}, nil, errors.New("no store"))
	if n := strings.Count(b.log.String(), "please report it"); n != 2 {
		t.Errorf("%d panics are in the log, want 2\n%s", n, b.log)
	}
}
