package hls

import (
	"bytes"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// TestVersions follows the playlists of channels through random lives. From one version to the next:
//
//   - the media sequence and the number of segments before the newest never go back;
//   - a slot keeps its URI, duration, time, GAP, init segment and discontinuity sequence number;
//   - segments go at the head and come at the end, nothing else changes;
//   - the TARGETDURATION stays;
//   - a slot has the same discontinuity sequence number in every track, and its time differs by a frame or two.
func TestVersions(t *testing.T) {
	for seed := range uint64(8) {
		ch := sample.NewChannel(seed)
		old, read := map[string][]byte{}, map[string]*mediaPlaylist{}
		for step := range 300 {
			p := ch.Step()
			slots := map[uint64]segment{}
			for i := range p.Tracks {
				if len(p.Tracks[i].Runs) == 0 {
					continue
				}
				name, b := p.Tracks[i].Name, Media(nil, p, i)
				if !bytes.Equal(b, old[name]) {
					pl := checkMedia(t, b)
					if before := read[name]; before != nil {
						checkFollows(t, before, pl)
					}
					checkRuns(t, &p.Tracks[i], pl)
					if isVideo(p, i) {
						checkKeyFrames(t, p, i, pl, checkMedia(t, KeyFrames(nil, p, i)))
					}
					old[name], read[name] = b, pl
				}
				checkSlots(t, slots, read[name])
			}
			checkMultivariant(t, Multivariant(nil, p))
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// checkFollows compares two versions of a playlist.
func checkFollows(t *testing.T, before, now *mediaPlaylist) {
	t.Helper()
	end := func(pl *mediaPlaylist) uint64 { return pl.sequence + uint64(len(pl.segments)) }
	if now.sequence < before.sequence || end(now) < end(before) || now.target != before.target ||
		now.discontinuities < before.discontinuities {
		t.Errorf("after [%d,%d) with discontinuity sequence %d comes [%d,%d) with %d",
			before.sequence, end(before), before.discontinuities, now.sequence, end(now), now.discontinuities)
		return
	}
	for n := now.sequence; n < end(before); n++ {
		if a, b := before.segments[n-before.sequence], now.segments[n-now.sequence]; a != b {
			t.Errorf("segment %d was %+v, now is %+v", n, a, b)
		}
	}
}

func isVideo(p *manifest.Presentation, track int) bool {
	m := p.Tracks[track].Newest()
	return m != nil && m.Kind == media.Video
}

// checkKeyFrames compares a track's I-frame playlist with its media playlist: the same entries, but for what they lead to,
// and GAPs where segments need not begin with a key frame.
func checkKeyFrames(t *testing.T, p *manifest.Presentation, track int, whole, frames *mediaPlaylist) {
	t.Helper()
	if whole.keyFrames || !frames.keyFrames || frames.target != whole.target || frames.sequence != whole.sequence ||
		frames.discontinuities != whole.discontinuities || frames.ended != whole.ended || len(frames.segments) != len(whole.segments) {
		t.Errorf("I-frame playlist %+v beside %+v", frames, whole)
		return
	}
	for _, r := range p.Tracks[track].Runs {
		for n := r.N; n < r.End(); n++ {
			want, got := whole.segments[n-whole.sequence], frames.segments[n-frames.sequence]
			want.uri = string(manifest.AppendKeyFrame(nil, p.Tracks[track].Name, n))
			want.gap = want.gap || p.Generation(r.Ordinal).Dependent
			if got != want {
				t.Errorf("I-frame %d is %+v, want %+v", n, got, want)
			}
		}
	}
}

// checkRuns compares a playlist with what it was made of.
func checkRuns(t *testing.T, track *manifest.Track, pl *mediaPlaylist) {
	t.Helper()
	var total int
	for _, r := range track.Runs {
		for n := r.N; n < r.End(); n++ {
			s := pl.segments[n-pl.sequence]
			if s.gap != r.Gap || s.number != n || s.uri != string(segmentName(track.Name, n)) {
				t.Errorf("segment %d of run %+v is %+v", n, r, s)
			}
			total++
		}
	}
	if total != len(pl.segments) {
		t.Errorf("%d segments listed, of %d", len(pl.segments), total)
	}
}

// segmentName is the name that a segment has for ever.
func segmentName(track string, n uint64) []byte { return manifest.AppendSegment(nil, track, n) }

// checkSlots compares the playlist's segments with those of other tracks in the same slots.
func checkSlots(t *testing.T, slots map[uint64]segment, pl *mediaPlaylist) {
	t.Helper()
	for _, s := range pl.segments {
		other, ok := slots[s.number]
		if !ok {
			slots[s.number] = s
			continue
		}
		if off := s.at.Sub(other.at).Abs().Milliseconds(); s.discontinuity != other.discontinuity || off > 25 {
			t.Errorf("slot %d is %+v in one track and %+v in another", s.number, s, other)
		}
	}
}
