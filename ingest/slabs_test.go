package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"weir/ingest/smooth"
)

// Tracks of one request share slabs, fragment by fragment. What was admitted for them all is enough, for as long as they
// run, also where one of them falls silent and its newest segment stays behind.
func TestSmoothTracksShareSlabs(t *testing.T) {
	const videoBytes, audioBytes, rate = 5000, 300, 3 * 1_200_000
	manifest := `<smil><video systemBitrate="1200000" trackID="1" trackName="video"/><video systemBitrate="1199000" trackID="2" trackName="video"/>` +
		`<audio systemBitrate="120000" trackID="3" trackName="audio"/></smil>`
	b := newTestbed(t, &memory{}, "video_1200000", "video_1199000", "audio_120000")
	r := readRecording(t, "all.ismv")
	moov := r.header[bytes.Index(r.header, []byte("moov"))-4:]
	q := b.post("all", b.now, slices.Concat(box("uuid", smooth.UUID[:], words(0), []byte(manifest)), moov))

	gop := func(track uint32, n int64) recorded {
		times := make([]int64, 0, 121)
		for i := range int64(61) {
			times = append(times, (n*60+i)*10_010_000/30)
		}
		return fragmentOf(track, times, videoBytes)
	}
	sound := func(from, to int64) recorded {
		var times []int64
		for i := from; i <= to; i++ {
			times = append(times, i*1024*10_000_000/48000)
		}
		return fragmentOf(3, times, audioBytes)
	}
	var most int64
	for n := range int64(100) { // 200 s: four times as long as bytes stay
		if n < 40 {
			q.play(gop(1, n))
		}
		q.play(gop(2, n), sound(n*94, n*94+94))
		if stats := b.cache.Stats(); n > 30 {
			most = max(most, stats.Window)
		}
	}
	stats := b.cache.Stats()
	const retention = 2*20 + 3*2 // seconds: live.window of the testbed, and three target durations
	slab := int64(2 << 20)
	need := int64(rate)/8*retention*9/8 + 3*slab
	t.Logf("%d bytes of slabs at most, %d admitted; now %d, %d of media", most, need, stats.Window, stats.Media)
	if most > need {
		t.Errorf("%d bytes of slabs are in use, %d were admitted", most, need)
	}
	if stats.Failed != 0 || stats.Refused != 0 {
		t.Errorf("%d chunks were lost for want of memory, %d inputs refused", stats.Failed, stats.Refused)
	}
	if b.now < testStart+int64(190*time.Second) {
		t.Errorf("only %v", time.Duration(b.now-testStart))
	}
	if stats.Window > need*2/3 { // one of two pictures has gone
		t.Errorf("%d bytes of slabs are in use after one rendition has gone", stats.Window)
	}
}

// fragmentOf makes a fragment of samples that start at times, in units of 100 ns; the last is where it ends.
func fragmentOf(track uint32, times []int64, size int) recorded {
	n := len(times) - 1
	var table, payload []byte
	s := source{video: track != 3, size: size, gop: n}
	for i := range n {
		table = append(table, words(uint32(times[i+1]-times[i]), uint32(size))...)
		payload = s.payload(payload, i)
	}
	first, others := uint32(0x02000000), uint32(0x01010000)
	if track == 3 {
		others = first
	}
	tfxd := binary.BigEndian.AppendUint64(words(1<<24), uint64(times[0]))
	tfxd = binary.BigEndian.AppendUint64(tfxd, uint64(times[n]-times[0]))
	head := func(offset uint32) []byte {
		return box("moof", box("mfhd", words(0, 1)), box("traf",
			box("tfhd", words(0x20, track, others)),
			box("trun", words(0x305, uint32(n), offset, first), table),
			box("uuid", unhex("6d1d9b0542d544e680e2141daff757b2"), tfxd)))
	}
	if len(payload) != n*size {
		panic(fmt.Sprint(len(payload)))
	}
	moof := head(uint32(len(head(0)) + 8))
	return recorded{track: track, time: times[0], end: times[n], bytes: slices.Concat(moof, box("mdat", payload))}
}
