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
//     have listed none is left out.
func TestVersions(t *testing.T) {
	for seed := range uint64(8) {
		ch := sample.NewChannel(seed)
		var old []byte
		var published string
		fixed := map[string]string{}
		for step := range 300 {
			p := ch.Step()
			b := MPD(nil, p)
			if len(newLayout(p, nil).periods[0].generationTracks(p)) == 0 {
				continue // nothing is listed by all yet
			}
			if bytes.Equal(b, old) {
				continue
			}
			m := checkMPD(t, b)
			if m.PublishTime <= published {
				t.Errorf("publishTime %s after %s:\n%s\n%s", m.PublishTime, published, old, b)
			}
			old, published = b, m.PublishTime
			for i := range m.Periods {
				checkFixed(t, fixed, &m.Periods[i])
				checkListed(t, p, &m.Periods[i])
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
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
func checkFixed(t *testing.T, fixed map[string]string, pd *mpdPeriod) {
	t.Helper()
	same := func(key, value string) {
		if was, ok := fixed[key]; ok && was != value {
			t.Errorf("%s was %s, now is %s", key, was, value)
		}
		fixed[key] = value
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
	ordinal, limit := -1, ^uint64(0)
	for _, g := range p.Generations {
		if own := (&period{generation: &g, start: periodStart(&g)}); fmt.Sprintf("p%d", own.startNanos()/1e6) == pd.ID {
			ordinal = g.Ordinal
		}
	}
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
