package smooth

import (
	"bytes"
	"fmt"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
)

// TestVersions follows the manifests of channels through random lives. In every version:
//
//   - each level of a stream has each chunk that the stream lists, as media, in one configuration, with its time;
//   - what a chunk's successors are is settled: two more media segments of the same track are listed, or a change of
//     configuration is;
//   - the newest chunk is there as soon as it may be.
//
// And from version to version a chunk keeps its time and, where it says one, its duration.
func TestVersions(t *testing.T) {
	for seed := range uint64(12) {
		ch := sample.NewChannel(seed)
		said := map[string]int64{}
		for step := range 300 {
			p := ch.Step()
			b := Manifest(nil, p, true)
			if again := Manifest(nil, p, true); !bytes.Equal(b, again) {
				t.Fatalf("seed %d, step %d: two renderings differ", seed, step)
			}
			m := check(t, b)
			for i := range m.Streams {
				checkStream(t, p, &m.Streams[i], said)
			}
			checkNewest(t, p, m)
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// segments are all media segments of a track, with what follows each.
func segments(t *manifest.Track) (all []manifest.Run) {
	for _, r := range t.Runs {
		for n := r.N; n < r.End() && !r.Gap && t.Init(r.Ordinal) != nil; n++ {
			all = append(all, r.Cut(n, n+1))
		}
	}
	return all
}

func checkStream(t *testing.T, p *manifest.Presentation, s *streamIndex, said map[string]int64) {
	t.Helper()
	list, _ := s.list()
	for _, q := range s.Levels {
		track := trackOf(p, q.Bitrate)
		all := segments(track)
		for _, c := range list {
			at := -1
			for i, r := range all {
				if r.Start == c.time {
					at = i
				}
			}
			if at < 0 || c.duration != 0 && c.duration != all[at].Duration {
				t.Errorf("%s at %d lists %v, which is no segment", s.Name, q.Bitrate, c)
				continue
			}
			own := track.Init(all[at].Ordinal)
			if private := string(appendPrivateData(nil, own)); private != q.Private {
				t.Errorf("%s at %d: %v is of another configuration", s.Name, q.Bitrate, c)
			}
			if at+Lookahead >= len(all) && Continues(own, track.Init(all[len(all)-1].Ordinal)) {
				t.Errorf("%s at %d lists %v before its successors", s.Name, q.Bitrate, c)
			}
			key := fmt.Sprint(q.Bitrate, c.time)
			if was, ok := said[key]; ok && c.duration != 0 && was != c.duration {
				t.Errorf("%s: duration of %v was %d", key, c, was)
			}
			if c.duration != 0 {
				said[key] = c.duration
			}
		}
	}
}

// checkNewest: where all tracks have listed the same slots, each track that could be offered at its newest is, or stands
// back behind one that has more.
func checkNewest(t *testing.T, p *manifest.Presentation, m *client) {
	t.Helper()
	for i := range p.Tracks {
		if p.Tracks[i].End() != p.Tracks[0].End() {
			return
		}
	}
	for i := range p.Tracks {
		track := &p.Tracks[i]
		all := segments(track)
		if len(all) <= Lookahead {
			continue
		}
		last := all[len(all)-1-Lookahead]
		if !Continues(track.Init(last.Ordinal), track.Init(all[len(all)-1].Ordinal)) {
			continue
		}
		for j := range m.Streams {
			s := &m.Streams[j]
			if len(s.Levels) != 1 || s.Levels[0].Bitrate != track.ID {
				continue
			}
			list, _ := s.list()
			if list[len(list)-1].time < last.Start {
				t.Errorf("%s ends with %v, and %+v could be there", s.Name, list[len(list)-1], last)
			}
		}
	}
}

func trackOf(p *manifest.Presentation, id int64) *manifest.Track {
	for i := range p.Tracks {
		if p.Tracks[i].ID == id {
			return &p.Tracks[i]
		}
	}
	panic(fmt.Sprint("no track of ", id))
}
