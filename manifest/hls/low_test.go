package hls

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/golden"
	"weir/manifest/internal/sample"
)

// lowCases are presentations of low latency that golden files are kept of, by name.
func lowCases() map[string]*manifest.Presentation {
	all := sample.LowCases()
	for _, p := range all {
		sample.Open(p, 3, 1)
	}
	sample.Open(all["low-late"], 0, 9, 10, 0)
	all["low-start"] = sample.Open(sample.Turning())
	all["low-turned"] = sample.Open(sample.Turning(), 2, 0)
	return all
}

func TestLowGolden(t *testing.T) {
	cases := lowCases()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			p := cases[name]
			for i := range p.Tracks {
				got := Media(nil, p, i)
				golden.Compare(t, *update, filepath.Join("testdata", name, p.Tracks[i].Name+".m3u8"), got)
				full := checkLow(t, got, false)
				delta := Delta(nil, p, i)
				if d := checkLow(t, delta, false); d.skipped > 0 {
					golden.Compare(t, *update, filepath.Join("testdata", name, p.Tracks[i].Name+".delta.m3u8"), delta)
					checkMerged(t, full, d, full)
				} else if !bytes.Equal(got, delta) {
					t.Errorf("a delta that skips nothing differs:\n%s", delta)
				}
			}
		})
	}
}

// TestLowIsMore takes what is of low latency out of playlists: what was there before stays as it was. Where it is over, or
// not offered, nothing is said of it, and I-frame playlists never do.
func TestLowIsMore(t *testing.T) {
	for name, p := range lowCases() {
		over := *p
		over.Live = false
		for i := range p.Tracks {
			low, without := Media(nil, p, i), Media(nil, plain(p), i)
			var kept []string
			for l := range strings.Lines(string(low)) {
				tag, _, _ := strings.Cut(l, ":")
				switch tag {
				case "#EXT-X-SERVER-CONTROL", "#EXT-X-PART-INF", "#EXT-X-PART", "#EXT-X-PRELOAD-HINT", "#EXT-X-RENDITION-REPORT":
				default:
					kept = append(kept, l)
				}
			}
			if got, _ := strings.CutPrefix(strings.Join(kept, ""), string(without)); got == strings.Join(kept, "") || strings.Contains(got, "EXTINF") {
				t.Errorf("%s: without low latency, the playlist of %s goes on with\n%s", name, p.Tracks[i].Name, got)
			}
			ended := Media(nil, &over, i)
			if want := append(slices.Clone(without), "#EXT-X-ENDLIST\n"...); !bytes.Equal(ended, want) || !bytes.Equal(Delta(nil, &over, i), want) {
				t.Errorf("%s: ended:\n%s", name, ended)
			}
			if !bytes.Equal(KeyFrames(nil, p, i), KeyFrames(nil, plain(p), i)) || !bytes.Equal(Delta(nil, plain(p), i), without) {
				t.Errorf("%s: low latency where none is offered", name)
			}
		}
	}
}

// TestHoldBack: players stay behind an encoder's bursts.
func TestHoldBack(t *testing.T) {
	for burst, want := range map[int64]int64{0: 600_000, 200e6: 600_000, 200e6 + 1: 600_001, 1920e6: 2_320_000} {
		if got := holdBack(&manifest.Presentation{PartTarget: 200e6, Burst: burst}); got != want {
			t.Errorf("bursts of %d ns: %d µs, want %d", burst, got, want)
		}
	}
	if got := partTarget(&manifest.Presentation{PartTarget: 266_933_333}); got != 266_934 {
		t.Errorf("a PART-TARGET of 266.933333 ms is %d µs", got)
	}
}

// checkLow reads a playlist of low latency. Parts keep to PART-TARGET, unless frames are longer than that.
func checkLow(t *testing.T, b []byte, long bool) *mediaPlaylist {
	t.Helper()
	pl := checkMedia(t, b)
	if err := pl.checkControl(); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	if !long && pl.longest > number(pl.partTarget) {
		t.Fatalf("a part of %v with PART-TARGET %s in\n%s", pl.longest, pl.partTarget, b)
	}
	return pl
}

// checkMerged holds what a client makes of the playlist that it has and a delta update against the whole playlist.
func checkMerged(t *testing.T, before, delta, whole *mediaPlaylist) {
	t.Helper()
	merged := *delta
	merged.skipped = 0
	merged.segments = nil
	for n := delta.sequence; n < delta.sequence+uint64(delta.skipped); n++ {
		if n < before.sequence || n >= before.sequence+uint64(len(before.segments)) {
			t.Errorf("segment %d is skipped, and was not listed", n)
			return
		}
		merged.segments = append(merged.segments, before.segments[n-before.sequence])
	}
	off := uint64(0)
	if n := len(merged.segments); n > 0 { // discontinuities count on from those that the client knows
		off = merged.segments[n-1].discontinuity - delta.discontinuities
	}
	for _, s := range delta.segments {
		s.discontinuity += off
		merged.segments = append(merged.segments, s)
	}
	if merged.open.parts != "" {
		merged.open.discontinuity += off
	}
	for i := range merged.segments { // parts go with age
		if whole.segments[i].parts == "" {
			merged.segments[i].parts = ""
		}
	}
	if got, want := fmt.Sprintf("%+v", merged), fmt.Sprintf("%+v", *whole); got != want {
		t.Errorf("merged:\n%s\nwhole:\n%s", got, want)
	}
}

// A follower reads every version of a track's playlist.
type follower struct {
	whole *mediaPlaylist
	kept  map[uint64]int // parts that GAPs had when they became so
}

// TestParts follows the playlists of channels through random lives, part by part. From one version to the next:
//
//   - lines of segments and parts that stay are the same, byte for byte; only parts go, with age;
//   - the parts of a segment sum to it, each within PART-TARGET;
//   - what the hint said comes next;
//   - the version before and a delta update make the whole playlist;
//   - the bytes are the same whatever the other tracks have listed;
//   - reports say the last part of the other track that ends by then.
func TestParts(t *testing.T) {
	for seed := range uint64(4) {
		ch, ahead := sample.NewChannel(seed), sample.NewChannel(seed)
		ch.Window, ahead.Window = 40e9, 40e9
		rng := rand.New(rand.NewPCG(seed, 1))
		ahead.Step()
		followers := map[string]*follower{}
		for range 120 {
			p, next := ch.Step(), ahead.Step()
			for i := range p.Tracks {
				p.Tracks[i].Inits = next.Tracks[i].Inits
				if f := followers[p.Tracks[i].Name]; f == nil {
					followers[p.Tracks[i].Name] = &follower{kept: map[uint64]int{}}
				}
			}
			for _, g := range next.Generations {
				if p.Generation(g.Ordinal) == nil && g.Ordinal > p.Generations[len(p.Generations)-1].Ordinal {
					p.Generations = append(p.Generations, g)
				}
			}
			for i := range p.Tracks {
				if t := &p.Tracks[i]; next.Tracks[i].End() > t.End() && len(t.Runs) > 0 {
					grow(rng, p, next, i, followers)
				}
			}
			for i := range p.Tracks {
				tr := &p.Tracks[i]
				if len(tr.Runs) == 0 || next.Tracks[i].End() == tr.End() {
					continue
				}
				parts := tr.Parts
				open := parts[len(parts)-1].Parts
				for k := range len(open) + 1 {
					tr.Parts = append(parts[:len(parts)-1:len(parts)-1], parts[len(parts)-1])
					tr.Parts[len(parts)-1].Parts = open[:k]
					followers[tr.Name].version(t, rng, p, i)
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// grow gives all tracks the parts of their newest segments, and track i those of the segment that it will list next.
func grow(rng *rand.Rand, p, next *manifest.Presentation, i int, followers map[string]*follower) {
	for j := range p.Tracks {
		t := &p.Tracks[j]
		t.Parts = nil
		for _, r := range t.Runs {
			for n := max(r.N, t.End()-min(t.End(), 3)); n < r.End(); n++ {
				s := r.Cut(n, n+1)
				parts := sample.Parts(t.Grid(r.Ordinal), p.PartTarget, s.Start, s.EndTicks())
				if r.Gap {
					parts = parts[:min(len(parts), followers[t.Name].kept[n])]
				}
				if len(parts) > 0 {
					t.Parts = append(t.Parts, manifest.SegmentParts{N: n, Ordinal: r.Ordinal, Parts: parts})
				}
			}
		}
	}
	t, r := &p.Tracks[i], next.Tracks[i].Runs[len(next.Tracks[i].Runs)-1]
	s := r.Cut(r.End()-1, r.End())
	parts := sample.Parts(t.Grid(s.Ordinal), p.PartTarget, s.Start, s.EndTicks())
	if s.Gap && len(parts) > 0 {
		parts = parts[:rng.IntN(len(parts))]
		followers[t.Name].kept[s.N] = len(parts)
	}
	t.Parts = append(t.Parts, manifest.SegmentParts{N: s.N, Ordinal: s.Ordinal, Parts: parts})
}

func (f *follower) version(t *testing.T, rng *rand.Rand, p *manifest.Presentation, track int) {
	t.Helper()
	b := Media(nil, p, track)
	long := slices.ContainsFunc(p.Tracks[track].Inits, func(i manifest.Init) bool {
		return i.Cadence > 0 && i.PartLength(p.PartTarget)*1e9/int64(i.Media.Timescale) > p.PartTarget
	})
	whole, before := checkLow(t, b, long), f.whole
	f.whole = whole
	checkReports(t, p, track, whole)

	other := *p
	other.Tracks = slices.Clone(p.Tracks)
	for i := range other.Tracks {
		if o := &other.Tracks[i]; i != track && len(o.Runs) > 0 && rng.IntN(2) == 0 {
			o.Parts = nil
			o.Runs = append([]manifest.Run(nil), o.Runs[0])
		}
	}
	if got := Media(nil, &other, track); !bytes.Equal(got, b) {
		t.Errorf("other tracks are elsewhere, and the playlist is not\n%s\nbut\n%s", b, got)
	}
	if before == nil {
		return
	}
	if delta := checkLow(t, Delta(nil, p, track), long); delta.sequence >= before.sequence {
		checkMerged(t, before, delta, whole)
	}
	end := func(pl *mediaPlaylist) uint64 { return pl.sequence + uint64(len(pl.segments)) }
	for n := max(whole.sequence, before.sequence); n < end(before); n++ {
		a, b := before.segments[n-before.sequence], whole.segments[n-whole.sequence]
		if b.parts == "" && n+3 < end(whole) {
			a.parts = ""
		}
		if a != b {
			t.Errorf("segment %d was %+v, now is %+v", n, a, b)
		}
	}
	now := whole.open
	if end(whole) > end(before) {
		now = whole.segments[end(before)-whole.sequence]
	}
	if before.open.parts != "" {
		if !strings.HasPrefix(now.parts, before.open.parts) || !now.at.Equal(before.open.at) || now.init != before.open.init || now.discontinuity != before.open.discontinuity {
			t.Errorf("open was %+v, now is %+v", before.open, now)
		}
	}
	was, is := partURIs(before.open.parts), partURIs(now.parts)
	if len(is) == len(was) { // what grew is the segment after it
		was, is = nil, partURIs(whole.open.parts)
		if end(whole) == end(before) || now.gap {
			return
		}
		if len(is) == 0 && before.open.parts != "" && whole.hint != "" && whole.hint != before.hint { // none: the track is not of a new generation
			t.Errorf("nothing has come but the segment, hinted was %q and now is %q", before.hint, whole.hint)
		}
	}
	if len(is) > len(was) && is[len(was)] != before.hint {
		t.Errorf("after %q comes %q, hinted was %q", was, is[len(was)], before.hint)
	}
}

// checkReports compares reports with the parts that the grids give.
func checkReports(t *testing.T, p *manifest.Presentation, track int, pl *mediaPlaylist) {
	t.Helper()
	l := list{presentation: p, track: &p.Tracks[track], low: true}
	n, _, ordinal, end := l.last()
	at := float64(end) / float64(l.timescale())
	want := 0
	for i := range p.Tracks {
		o := &p.Tracks[i]
		if i == track || len(o.Runs) == 0 || o.Grid(ordinal) == nil {
			continue
		}
		want++
		uri := "../" + string(manifest.AppendPlaylist(nil, o.ID, o.Name))
		k := slices.IndexFunc(pl.reports, func(r report) bool { return r.uri == uri })
		if k < 0 {
			t.Errorf("no report of %s in %+v", o.Name, pl.reports)
			continue
		}
		r, msn, part := pl.reports[k], int64(-1), int64(-1)
		for m := n - min(n, 2); m <= n; m++ {
			g := p.GenerationAt(m)
			if g == nil || o.Grid(g.Ordinal) == nil {
				continue
			}
			from, _ := g.Edge(o.Grid(g.Ordinal), m)
			to, _ := p.EndOf(o, m)
			scale := float64(o.Grid(g.Ordinal).Media.Timescale)
			slack := 2/scale + 1/float64(l.timescale())
			parts := sample.Parts(o.Grid(g.Ordinal), p.PartTarget, from, to)
			if len(parts) == 0 && float64(to)/scale <= at+slack {
				msn = int64(m)
			}
			for k, q := range parts {
				if float64(q.End)/scale <= at+slack {
					msn, part = int64(m), int64(k)
				}
			}
		}
		if msn >= 0 && (r.msn != msn || r.part != part) {
			t.Errorf("%s is at %d, part %d, by the grids %d, %d", o.Name, r.msn, r.part, msn, part)
		}
	}
	if want != len(pl.reports) {
		t.Errorf("%d reports, want %d", len(pl.reports), want)
	}
}
