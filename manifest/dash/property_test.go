package dash

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
)

// TestVersions follows the MPDs of channels through random lives. From one version to the next:
//
//   - publishTime grows whenever the bytes change;
//   - a Period keeps its start, a Representation its AdaptationSet, its template and its presentationTimeOffset;
//   - what is listed are media segments at their very start, and between the first and the newest slot that all tracks
//     have listed none is left out;
//   - what is foreseen comes so or not at all;
//   - by number, segments start within a frame of where their number puts them.
func TestVersions(t *testing.T) {
	for seed := range uint64(16) {
		ch := sample.NewChannel(seed)
		if seed%2 == 1 {
			ch.Burst = 200e6
		}
		timed, numbered := newHistory(), newHistory()
		for step := range 300 {
			p := ch.Step()
			l := newLayout(p, byTimeLow, nil)
			if len(l.periods[0].generationTracks(p)) == 0 {
				continue // nothing is listed by all yet
			}
			if m := timed.next(t, Low(nil, p)); m != nil {
				for i := range m.Periods {
					timed.checkFixed(t, &m.Periods[i])
					timed.checkForeseen(t, &m.Periods[i])
					checkListed(t, p, &m.Periods[i])
				}
				if foresees := l.foreseen() > l.limit; foresees != (ch.Burst > 0) && l.next == nil {
					t.Errorf("segments are foreseen: %v", foresees)
				}
			}
			if m := numbered.next(t, Numbered(nil, p)); m != nil {
				for i := range m.Periods {
					numbered.checkFixed(t, &m.Periods[i])
					checkNumbers(t, p, &m.Periods[i])
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// A history is what the versions of an MPD have said.
type history struct {
	bytes     []byte
	published string
	fixed     map[string]string
	spans     map[string][]span // of each Representation
}

func newHistory() *history {
	return &history{fixed: map[string]string{}, spans: map[string][]span{}}
}

// next checks an MPD, and that it is younger than the one before; nil where it is that one.
func (h *history) next(t *testing.T, b []byte) *mpd {
	t.Helper()
	if bytes.Equal(b, h.bytes) {
		return nil
	}
	m := checkMPD(t, b)
	if m.PublishTime <= h.published {
		t.Errorf("publishTime %s after %s:\n%s\n%s", m.PublishTime, h.published, h.bytes, b)
	}
	h.bytes, h.published = b, m.PublishTime
	return m
}

// checkForeseen checks that no segment overlaps with another that was ever said.
func (h *history) checkForeseen(t *testing.T, pd *mpdPeriod) {
	t.Helper()
	for i := range pd.Sets {
		for j := range pd.Sets[i].Representations {
			r := &pd.Sets[i].Representations[j]
			key := pd.ID + r.ID
			spans, _ := r.spans()
			for _, s := range spans {
				if k := slices.IndexFunc(h.spans[key], func(o span) bool {
					return o.start < s.start+s.duration && s.start < o.start+o.duration
				}); k < 0 {
					h.spans[key] = append(h.spans[key], s)
				} else if h.spans[key][k] != s {
					t.Errorf("%s in %s lists %v, and before %v", r.ID, pd.ID, s, h.spans[key][k])
				}
			}
		}
	}
}

// checkNumbers compares what a Period by number says with the snapshot's segments.
func checkNumbers(t *testing.T, p *manifest.Presentation, pd *mpdPeriod) {
	t.Helper()
	g := generationOf(p, pd)
	for i := range pd.Sets {
		for j := range pd.Sets[i].Representations {
			r := &pd.Sets[i].Representations[j]
			for k := range p.Tracks {
				track := &p.Tracks[k]
				m := track.Init(g.Ordinal)
				if fmt.Sprintf("%s_%d", track.Name, track.ID) != r.ID {
					continue
				}
				for _, run := range track.Runs {
					if run.Gap || run.Ordinal != g.Ordinal {
						continue
					}
					said := r.Template.Offset + (int64(run.N)-r.Template.StartNumber)*r.Template.Duration
					if off := float64(run.Start)/float64(m.Timescale) - float64(said)/float64(r.Template.Timescale); off < -1e-3 || off > 0.025 {
						t.Errorf("%s in %s: segment %d starts %v s beside its number's place", r.ID, pd.ID, run.N, off)
					}
				}
			}
		}
	}
}

// generationOf is the generation that is a Period.
func generationOf(p *manifest.Presentation, pd *mpdPeriod) *manifest.Generation {
	for i := range p.Generations {
		g := &p.Generations[i]
		if own := (&period{generation: g, start: periodStart(g)}); fmt.Sprintf("p%d", own.startNanos()/1e6) == pd.ID {
			return g
		}
	}
	return nil
}

// generationTracks names the tracks that the period lists.
func (pd *period) generationTracks(p *manifest.Presentation) (names []string) {
	for i := range p.Tracks {
		if pd.listed(&p.Tracks[i]) != nil {
			names = append(names, p.Tracks[i].Name)
		}
	}
	return names
}

// checkFixed compares a Period with what was said of it before.
func (h *history) checkFixed(t *testing.T, pd *mpdPeriod) {
	t.Helper()
	same := func(key, value string) {
		if was, ok := h.fixed[key]; ok && was != value {
			t.Errorf("%s was %s, now is %s", key, was, value)
		}
		h.fixed[key] = value
	}
	same("start of "+pd.ID, pd.Start)
	same("Period at "+pd.Start, pd.ID)
	for i := range pd.Sets {
		for j := range pd.Sets[i].Representations {
			r := &pd.Sets[i].Representations[j]
			same("set of "+r.ID, fmt.Sprint(pd.Sets[i].ID))
			same("media of "+r.ID, r.Template.Media)
			same("template of "+r.ID+" in "+pd.ID, fmt.Sprint(r.Template.Timescale, r.Template.Offset, r.Template.Initialization, r.Codecs))
		}
	}
}

// checkListed compares a Period with the snapshot that it was made of.
func checkListed(t *testing.T, p *manifest.Presentation, pd *mpdPeriod) {
	t.Helper()
	for i := range pd.Sets {
		for j := range pd.Sets[i].Representations {
			r := &pd.Sets[i].Representations[j]
			spans, _ := r.spans()
			want := truth(p, pd, r)
			at := slices.Index(want, spans[0])
			if at >= 0 && !strings.HasSuffix(r.ID, "_k") && p.Burst > 0 {
				spans = spans[:min(len(spans), len(want)-at)] // less what is foreseen
			}
			if at < 0 || !slices.Equal(spans, want[at:]) {
				t.Errorf("%s in %s lists %v of %v", r.ID, pd.ID, spans, want)
			}
			// Beside the kept one: what others may have let go, the slot that the window's edge lies in, and one that a
			// track is behind which the newest generation does not know yet.
			if ticks := int64(0); at > 1 {
				for _, s := range want[1:at] {
					ticks += s.duration
				}
				if ticks > (longestSegment(p)/1e6+4010)*r.Template.Timescale/1000 {
					t.Errorf("%s in %s leaves out %v", r.ID, pd.ID, want[:at])
				}
			}
		}
	}
}

// truth returns the media segments of a Representation in its Period, up to what all tracks of the generation have
// listed, the kept one before them.
func truth(p *manifest.Presentation, pd *mpdPeriod, r *representation) (spans []span) {
	ordinal, limit := generationOf(p, pd).Ordinal, ^uint64(0)
	for i := range p.Tracks {
		if t := &p.Tracks[i]; t.Init(ordinal) != nil || t.Newest() != nil && t.Runs[len(t.Runs)-1].Ordinal >= ordinal {
			limit = min(limit, t.End())
		}
	}
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if fmt.Sprintf("%s_%d", t.Name, t.ID) != strings.TrimSuffix(r.ID, "_k") {
			continue
		}
		for _, run := range append([]manifest.Run{t.Kept}, t.Runs...) {
			for n := run.N; n < min(run.End(), limit) && run.Ordinal == ordinal && !run.Gap; n++ {
				one := run.Cut(n, n+1)
				spans = append(spans, span{one.Start, one.Duration})
			}
		}
	}
	return spans
}
