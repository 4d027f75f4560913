package push

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/media"
)

// TestRunSmooth pushes a loop and a half as Smooth, loses the connection once, and reads what came with what weir reads
// encoders with.
func TestRunSmooth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(t)
		tracks := demoTracks(t, "240p", "audio")
		for i, track := range tracks.List() {
			track.Bitrate = 100_000 * (i + 1)
		}
		cut := func(c Chunk) Fault {
			if c.Track == "audio" && c.Media >= 10*time.Second && c.Media < 10*time.Second+200*time.Millisecond {
				return Fault{Cut: Reset}
			}
			return Fault{}
		}
		err := Run(t.Context(), Options{URL: base, Tracks: tracks, Format: Smooth, Length: 24 * time.Second, Fault: cut, dial: s.dial})
		if err != nil {
			t.Fatal(err)
		}
		for _, track := range tracks.List() {
			bodies := s.of("/token/ingest.isml/Streams(" + track.Name + ")")
			want := map[string]int{"240p": 1, "audio": 2}[track.Name]
			if len(bodies) != want {
				t.Fatalf("%s: %d requests, want %d", track.Name, len(bodies), want)
			}
			var before []fragment
			for i, body := range bodies {
				fragments := body.smooth(t, track)
				if i == 0 {
					if fragments[0].time != 0 {
						t.Errorf("%s begins at %d", track.Name, fragments[0].time)
					}
				} else {
					repeated := before[len(before)-2:]
					if fragments[0] != repeated[0] || fragments[1] != repeated[1] {
						t.Errorf("%s comes back with %+v, not with the last two again: %+v", track.Name, fragments[:2], repeated)
					}
					fragments = fragments[2:]
				}
				before = fragments
				for j, f := range fragments {
					// The sum of dithered durations is exact: times are those of the track's own clock, to the nearest.
					own := float64(f.time) * float64(track.Timescale) / smoothScale
					if off := own - float64(int64(own+0.5)); off > 0.01 || off < -0.01 {
						t.Fatalf("%s: fragment at %d is at %f ticks", track.Name, f.time, own)
					}
					if j > 0 && f.time != fragments[j-1].end {
						t.Fatalf("%s: fragment at %d follows one that ends at %d", track.Name, f.time, fragments[j-1].end)
					}
				}
			}
		}
	})
}

// A fragment is what its boxes say, in 10 MHz.
type fragment struct{ time, end int64 }

func (b *received) smooth(t *testing.T, track *Track) (list []fragment) {
	t.Helper()
	var kinds []string
	var frag media.Fragment
	var whole fragment
	for _, box := range b.boxes {
		if len(kinds) < 4 {
			kinds = append(kinds, box.kind)
		}
		switch box.kind {
		case "uuid":
			text := string(box.data)
			for _, want := range []string{`systemBitrate="` + map[string]string{"240p": "100000", "audio": "200000"}[track.Name] + `"`, `name="trackName"`} {
				if !strings.Contains(text, want) {
					t.Errorf("the manifest has no %s:\n%s", want, text)
				}
			}
		case "moov":
			in, err := media.ParseInit(box.data)
			if err != nil || in[0].Timescale != smoothScale {
				t.Fatalf("moov: %v, %+v", err, in)
			}
		case "moof":
			if bytes.Contains(box.data, []byte("tfdt")) {
				t.Fatal("a tfdt")
			}
			if err := frag.Parse(box.data, func(uint32) (media.Defaults, bool) { return media.Defaults{}, true }); err != nil {
				t.Fatal(err)
			}
			traf := &frag.Trafs[0]
			f := fragment{time: traf.TfxdTime, end: traf.TfxdTime}
			for _, s := range traf.Samples {
				f.end += int64(s.Duration)
			}
			if f.end-f.time != traf.TfxdDuration || traf.DataOffset != int64(binary.BigEndian.Uint32(box.data))+8 {
				t.Fatalf("tfxd of %d, samples of %d; data at %d", traf.TfxdDuration, f.end-f.time, traf.DataOffset)
			}
			whole = f
		case "mdat":
			list = append(list, whole)
		}
	}
	if got := strings.Join(kinds, " "); got != "ftyp uuid moov moof" {
		t.Fatalf("the body begins with %s", got)
	}
	return list
}
