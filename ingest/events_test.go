package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"weir/ingest/smooth"
	"weir/ingest/timeline"
)

func words(v ...uint32) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

// sparseHeader is what an encoder sends before timed metadata: ftyp, Live Server Manifest, moov.
func sparseHeader(entry string) []byte {
	manifest := `<smil><body><switch><textstream systemBitrate="0" trackID="1" trackName="scte35" Subtype="DATA" ` +
		`Scheme="urn:scte:scte35:2013:bin" parentTrackName="video"/></switch></body></smil>`
	matrix := words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
	stsd := box("stsd", words(0, 1), box(entry, make([]byte, 6), []byte{0, 1}))
	trak := box("trak",
		box("tkhd", words(7, 0, 0, 1, 0, 0, 0, 0, 0, 0), matrix, words(0, 0)),
		box("mdia",
			box("mdhd", words(0, 0, 0, 10_000_000, 0, 0x55c40000)),
			box("hdlr", words(0, 0), []byte("meta"), words(0, 0, 0), []byte{0}),
			box("minf", box("nmhd", words(0)), box("stbl", stsd))))
	moov := box("moov",
		box("mvhd", words(0, 0, 0, 10_000_000, 0, 0x10000, 0x1000000, 0, 0), matrix, words(0, 0, 0, 0, 0, 0, 2)),
		trak, box("mvex", box("trex", words(0, 1, 1, 0, 0, 0))))
	return slices.Concat(box("ftyp", []byte("isml"), words(0x200), []byte("piff")),
		box("uuid", smooth.UUID[:], words(0), []byte(manifest)), moov)
}

// sparseFragment is one event; time and duration in units of 100 ns.
func sparseFragment(at, duration int64, data string) []byte {
	tfxd := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(words(1<<24), uint64(at)), uint64(duration))
	moof := func(offset uint32) []byte {
		return box("moof", box("mfhd", words(0, 1)), box("traf",
			box("tfhd", words(0, 1)),
			box("trun", words(0x201, 1, offset, uint32(len(data)))),
			box("uuid", unhex("6d1d9b0542d544e680e2141daff757b2"), tfxd)))
	}
	n := uint32(len(moof(0)))
	return slices.Concat(moof(n+8), box("mdat", []byte(data)))
}

// Short requests of a sparse track beside a channel: they are kept on the channel's time, and nothing waits for them.
func TestSparse(t *testing.T) {
	for _, entry := range []string{"scte", "urim"} {
		t.Run(entry, func(t *testing.T) {
			header := sparseHeader(entry)
			if entry == "urim" {
				header = bytes.Replace(header, []byte("Scheme="), []byte("scheme="), 1)
			}
			b := newSmoothbed(t)
			r := readRecording(t, "all.ismv")
			q := b.post("all", b.now, r.header)
			say := func(at, duration int64, data string) {
				body := sparseFragment(at, duration, data)
				b.post("scte", b.now, slices.Concat(header, body)).conn.Detach()
			}
			b.post("scte", b.now, header).conn.Detach() // at the start, to say that the track is there
			say(0, 0, "before any clock is known")
			q.play(r.fragments[:15]...)
			say(110_000_000, 20_000_000, "splice")
			say(110_000_000, 20_000_000, "splice") // again, as after a reconnect
			say(120_000_000, 0, "to be changed")
			say(120_000_000, 0, "changed")
			say(100_000_000_000_000, 0, "of another clock")
			q.play(r.fragments[15:]...)
			b.checkSmooth(5)

			base := b.records.gens[0].Anchor * int64(time.Second/25)
			var got []string
			for _, ev := range b.channel.Events() {
				got = append(got, fmt.Sprintf("%s %s %v %v %s", ev.Track, ev.Scheme, time.Duration(ev.Time-base), time.Duration(ev.Duration), ev.Data))
			}
			want := []string{
				"scte35 urn:scte:scte35:2013:bin 0s 0s before any clock is known",
				"scte35 urn:scte:scte35:2013:bin 11s 2s splice",
				"scte35 urn:scte:scte35:2013:bin 12s 0s changed",
			}
			if !slices.Equal(got, want) {
				t.Errorf("events:\n%q, want\n%q", got, want)
			}
			if len(b.records.gens[0].Tracks) != 3 {
				t.Errorf("the generation has %d tracks", len(b.records.gens[0].Tracks))
			}
			if n := b.dropped("scte35", timeline.Duplicate); n != 1 {
				t.Errorf("%d duplicates are counted", n)
			}
			if len(b.channel.events.waiting) != 1 {
				t.Errorf("%d events wait", len(b.channel.events.waiting))
			}
			b.now += 2 * eventWait
			b.settle()
			if len(b.channel.events.waiting) != 0 || b.dropped("scte35", timeline.OffTime) != 1 {
				t.Errorf("%d events wait for ever", len(b.channel.events.waiting))
			}
		})
	}
}

// However much a sparse track says, the channel keeps what is stated and no more.
func TestSparseBounds(t *testing.T) {
	b := newSmoothbed(t)
	r := readRecording(t, "all.ismv")
	q := b.post("all", b.now, r.header)
	q.play(r.fragments[:15]...)
	s := b.post("scte", b.now, sparseHeader("scte"))
	bound := func() {
		t.Helper()
		bytes := 0
		for _, ev := range b.channel.Events() {
			bytes += len(ev.Data)
		}
		for _, ev := range b.channel.events.waiting {
			bytes += len(ev.Data)
		}
		if n := len(b.channel.Events()) + len(b.channel.events.waiting); n > maxEvents || bytes > maxEventBytes || bytes != b.channel.events.bytes {
			t.Fatalf("%d events of %d bytes, counted as %d", n, bytes, b.channel.events.bytes)
		}
	}
	for i := range int64(3000) {
		s.send(sparseFragment(100_000_000+i, 0, "x"))
	}
	bound()
	large := string(make([]byte, maxEventData))
	for i := range int64(40) {
		s.send(sparseFragment(90_000_000-i, 0, large))
		s.send(sparseFragment(100_000_000_000_000+i, 0, large)) // these wait
	}
	bound()
	s.send(sparseFragment(1, 0, large+"y"))
	if n := b.dropped("scte35", ReasonEventSize); n != 1 {
		t.Errorf("%d too large events are counted", n)
	}
	b.now += 2 * eventWait
	b.settle()
	bound()
}
