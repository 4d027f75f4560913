package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/ingest/timeline"
	"weir/media"
)

// textSource is an encoder's text track: a cue every so often.
type textSource struct {
	name   string
	entry  string // stpp or wvtt
	every  int64  // ms
	lasts  int64  // ms
	next   int64  // ms
	conn   *Conn
	silent bool // sends its header alone
	pad    int  // bytes more in each cue
	filled bool // WebVTT: its chunks have a blank before and after the cue
}

func (s *textSource) header(t testing.TB) []byte {
	t.Helper()
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(1000, map[string]string{"stpp": "subt", "wvtt": "text"}[s.entry], "deu")
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
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cue is the sample of the cue at ms, as it is published by a clock that is shift ms ahead.
func (s *textSource) cue(ms, shift int64) []byte {
	words := fmt.Sprintf("cue %d", ms) + strings.Repeat(".", s.pad)
	if s.entry == "stpp" {
		at := ms + shift
		return fmt.Appendf(nil, `<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="de"><body><div><p begin="%02d:%02d:%02d.%03d">%s</p></div></body></tt>`,
			at/3_600_000, at/60_000%60, at/1000%60, at%1000, words)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(words)))
	b = append(b, "vttc"...)
	b = binary.BigEndian.AppendUint32(b, uint32(8+len(words)))
	return append(append(b, "payl"...), words...)
}

// chunk is the next cue's.
func (s *textSource) chunk() []byte {
	sample := s.cue(s.next, 0)
	m := media.Moof{Time: s.next, DataBytes: len(sample), Samples: []media.Sample{
		{Duration: uint32(s.lasts), Size: uint32(len(sample)), Flags: media.SyncFlags(true)},
	}}
	if s.filled {
		rest := uint32(s.every - s.lasts)
		blank := media.Sample{Size: 8, Flags: media.SyncFlags(true)}
		m.Samples = []media.Sample{blank, m.Samples[0], blank}
		m.Samples[0].Duration, m.Samples[2].Duration = rest/2, rest-rest/2
		m.Time -= int64(rest / 2)
		m.DataBytes += 16
		sample = []byte("\x00\x00\x00\x08vtte" + string(sample) + "\x00\x00\x00\x08vtte")
	}
	s.next += s.every
	return append(m.Append(nil), sample...)
}

func (b *testbed) attachText(s *textSource) {
	b.t.Helper()
	stream, err := b.channel.Stream(s.name)
	if err != nil {
		b.t.Fatal(err)
	}
	if s.conn, err = stream.Attach(true, nil); err != nil {
		b.t.Fatal(err)
	}
	if err := s.conn.ReadBody(bytes.NewReader(s.header(b.t))); err != nil {
		b.t.Fatal(err)
	}
}

// runText is run with text that is sent as it begins.
func (b *testbed) runText(started int64, d time.Duration, text *textSource, sources ...*source) {
	b.t.Helper()
	for step := b.now - started; step < int64(d); step += int64(100 * time.Millisecond) {
		for !text.silent && text.next*int64(time.Millisecond) <= step {
			b.now = max(b.now, started+text.next*int64(time.Millisecond))
			if err := text.conn.ReadBody(bytes.NewReader(text.chunk())); err != nil {
				b.t.Fatal(err)
			}
			b.settle()
		}
		b.run(started, time.Duration(step), sources...)
	}
}

// A shown is a sample of a text segment.
type shown struct {
	start, end uint64
	text       string
}

func (b *testbed) shown(segment []byte) (all []shown) {
	b.t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(segment))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				b.t.Fatal(err)
			}
			for _, s := range samples {
				all = append(all, shown{s.DecodeTime, s.DecodeTime + uint64(s.Dur), string(s.Data)})
			}
		}
	}
	return all
}

// Every slot of a text track is covered by samples from its first tick to its last: the cues that last there, as the
// encoder sent them, and blanks. A second process that shares the records, and came later, has the same bytes.
func TestTextCoversItsSlots(t *testing.T) {
	cases := map[string]textSource{
		"TTML, a document a slot":  {entry: "stpp", every: 2000, lasts: 2000},
		"TTML, one in 5 s":         {entry: "stpp", every: 5000, lasts: 3000},
		"WebVTT, several a slot":   {entry: "wvtt", every: 700, lasts: 400},
		"WebVTT, one in 7 s, 5 s":  {entry: "wvtt", every: 7000, lasts: 5000},
		"WebVTT, with own blanks":  {entry: "wvtt", every: 900, lasts: 500, filled: true},
		"WebVTT, nothing but moov": {entry: "wvtt", silent: true},
		"TTML, nothing but moov":   {entry: "stpp", silent: true},
		"TTML, of a millisecond":   {entry: "stpp", every: 100, lasts: 1},
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			records := &memory{}
			b := newTestbed(t, records)
			v, a := videoSource(), audioSource()
			text.name = "t"
			b.attach(v)
			b.attach(a)
			b.attachText(&text)
			b.runText(testStart, 20*time.Second, &text, v, a)

			bodies := b.bodies()
			if len(bodies["t"]) < 6 {
				t.Fatalf("%d segments of text\n%s", len(bodies["t"]), b.log)
			}
			pos, cues := uint64(0), 0
			view := b.view("t")
			for n := view.First; n < view.End; n++ {
				body, seg := bodies["t"][n], view.Segment(n)
				if body == nil {
					t.Fatalf("segment %d is a GAP\n%s", n, b.log)
				}
				all := b.shown(body)
				if pos == 0 {
					pos = uint64(seg.Start)
				}
				if all[0].start != uint64(seg.Start) || all[len(all)-1].end != uint64(seg.Start+seg.Duration) {
					t.Errorf("segment %d [%d,%d): samples from %d to %d", n, seg.Start, seg.Start+seg.Duration, all[0].start, all[len(all)-1].end)
				}
				for _, s := range all {
					if s.start != pos || s.end <= s.start {
						t.Errorf("segment %d: a sample [%d,%d) after %d", n, s.start, s.end, pos)
					}
					pos = s.end
					switch at := b.encoderTime(s.start); {
					case strings.Contains(s.text, "cue"):
						cues++
						began := at / text.every * text.every
						if s.text != string(text.cue(began, records.gens[0].Anchor*40)) || at-began > text.lasts {
							t.Errorf("%d ms: %q", at, s.text)
						}
					case s.text != string(b.channel.tracks["t"].descs[b.channel.tracks["t"].grid.Config].Blank()):
						t.Errorf("%d ms: %q is neither a cue nor a blank", at, s.text)
					case !text.silent && at%text.every < text.lasts:
						t.Errorf("%d ms: a blank in place of %q", at, text.cue(at/text.every*text.every, 0))
					}
				}
				if text.entry == "wvtt" && bytes.Count(body, []byte("moof")) != 1 {
					t.Errorf("segment %d has %d chunks", n, bytes.Count(body, []byte("moof")))
				}
				if text.entry == "stpp" && bytes.Count(body, []byte("mdat")) != len(all) {
					t.Errorf("segment %d has several documents in an mdat", n)
				}
			}
			if cues == 0 && !text.silent {
				t.Error("no cue was shown")
			}
		})
	}
}

// encoderTime is the encoder's time of a channel time of text, in ms.
func (b *testbed) encoderTime(ticks uint64) int64 {
	b.t.Helper()
	g := b.records.gens[0]
	return int64(ticks) - g.Anchor*40
}

// A process that is started again has the same text under the same numbers.
func TestTextAfterRestart(t *testing.T) {
	for _, entry := range []string{"stpp", "wvtt"} {
		records := &memory{}
		whole := newTestbed(t, records)
		v, a, s := videoSource(), audioSource(), &textSource{name: "t", entry: entry, every: 1000, lasts: 600}
		whole.attach(v)
		whole.attach(a)
		whole.attachText(s)
		whole.runText(testStart, 20*time.Second, s, v, a)

		again := newTestbed(t, records)
		v2, a2, s2 := videoSource(), audioSource(), &textSource{name: "t", entry: entry, every: 1000, lasts: 600, next: 7000}
		again.now = testStart + int64(7*time.Second)
		v2.next, a2.next = 7*25/5*5, 7*48000/1024/9*9
		again.attach(v2)
		again.attach(a2)
		again.attachText(s2)
		again.runText(testStart, 20*time.Second, s2, v2, a2)

		want, got := whole.bodies()["t"], again.bodies()["t"]
		same := 0
		for n, body := range got {
			if other, ok := want[n]; ok && !bytes.Equal(body, other) {
				t.Errorf("%s: segment %d has other bytes after the restart: %v and %v", entry, n, whole.shown(other), again.shown(body))
			}
			same++
		}
		if same < 4 {
			t.Errorf("%s: %d segments to compare\n%s", entry, same, again.log)
		}
	}
}

// What a text track writes in a slot is bounded: of the rest there are blanks.
func TestTextIsBounded(t *testing.T) {
	for _, entry := range []string{"stpp", "wvtt"} {
		b := newTestbed(t, &memory{})
		v, a, s := videoSource(), audioSource(), &textSource{name: "t", entry: entry, every: 200, lasts: 200, pad: 100_000}
		b.attach(v)
		b.attach(a)
		b.attachText(s)
		b.runText(testStart, 12*time.Second, s, v, a)
		bodies := b.bodies()["t"]
		if len(bodies) < 3 {
			t.Fatalf("%d segments\n%s", len(bodies), b.log)
		}
		for n, body := range bodies {
			if len(body) > maxTextSegment+4096 || len(body) < 200_000 {
				t.Errorf("%s: segment %d has %d bytes", entry, n, len(body))
			}
		}
		if b.channel.tracks["t"].stats.Dropped[reasonIndex(t, timeline.Overflow)].Load() == 0 {
			t.Errorf("%s: nothing is counted as dropped", entry)
		}
	}
}

func reasonIndex(t *testing.T, why timeline.Reason) int {
	t.Helper()
	for i, r := range reasons {
		if r == why {
			return i
		}
	}
	t.Fatalf("no reason %s", why)
	return 0
}

// A text track that the records know, and no encoder has described since the start, is GAP: nobody knows its format.
func TestTextUndescribed(t *testing.T) {
	records := &memory{}
	b := newTestbed(t, records)
	v, a, s := videoSource(), audioSource(), &textSource{name: "t", entry: "wvtt", every: 1000, lasts: 600}
	b.attach(v)
	b.attach(a)
	b.attachText(s)
	b.runText(testStart, 8*time.Second, s, v, a)

	again := newTestbed(t, records)
	v2, a2 := videoSource(), audioSource()
	again.now = testStart + int64(10*time.Second)
	v2.next, a2.next = 10*25/5*5, 10*48000/1024/9*9
	again.attach(v2)
	again.attach(a2)
	again.run(testStart, 20*time.Second, v2, a2)
	view := again.view("t")
	if view.End-view.First < 2 || len(again.bodies()["t"]) != 0 {
		t.Fatalf("%d entries, %d of them media", view.End-view.First, len(again.bodies()["t"]))
	}
	s.next = 20_000
	again.attachText(s)
	again.runText(testStart, 26*time.Second, s, v2, a2)
	if n := len(again.bodies()["t"]); n < 2 {
		t.Fatalf("%d segments once it is described\n%s", n, again.log)
	}
	if n := strings.Count(again.log.String(), "level=WARN msg=window"); n != 0 {
		t.Errorf("%d complaints of the window\n%s", n, again.log)
	}
}
