package check

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// A Report is what a run found.
type Report struct {
	Began         time.Time      `json:"began"`
	Ended         time.Time      `json:"ended"`
	Presentations []Presentation `json:"presentations"`
	Findings      []Finding      `json:"findings"`
	Dropped       int            `json:"dropped,omitempty"` // findings beyond what a report keeps
	Tested        []Tested       `json:"tested"`
}

// A Presentation is one of the URLs that were judged.
type Presentation struct {
	URL       string `json:"url"`
	Format    string `json:"format"` // HLS, DASH or Smooth; empty where it could not be judged
	Live      bool   `json:"live"`
	Tracks    int    `json:"tracks"`
	Manifests int    `json:"manifests"`       // versions that were read
	Segments  int    `json:"segments"`        // read box by box
	Parts     int    `json:"parts,omitempty"` // of LL-HLS, and segments of LL-DASH while they grew
	Bytes     int64  `json:"bytes"`
	Error     string `json:"error,omitempty"` // why it could not be judged
}

// A Finding is one assertion that does not hold, with evidence: the first place where it was seen, and how often.
type Finding struct {
	Assertion int       `json:"assertion"`
	Name      string    `json:"name"`
	Severity  Severity  `json:"severity"`
	Source    string    `json:"source"`
	Subject   string    `json:"subject"`
	URL       string    `json:"url"`
	At        string    `json:"at,omitempty"`
	Said      string    `json:"said"`
	True      string    `json:"true"`
	Count     int       `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
}

// Tested says how often an assertion was put to the test: one that was never tested has not been found true.
type Tested struct {
	Assertion int    `json:"assertion"`
	Name      string `json:"name"`
	Times     int    `json:"times"`
}

// Clean reports whether everything could be judged and nothing was found.
func (r *Report) Clean() bool { return len(r.Findings) == 0 && r.Judged() }

// Judged reports whether every URL could be judged.
func (r *Report) Judged() bool {
	for _, p := range r.Presentations {
		if p.Error != "" {
			return false
		}
	}
	return len(r.Presentations) > 0
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteText writes the report for a person.
func (r *Report) WriteText(w io.Writer) error {
	p := &printer{w: w}
	for _, s := range r.Presentations {
		if s.Error != "" {
			p.line("%s\n  could not be judged: %s", s.URL, s.Error)
			continue
		}
		state := "ended"
		if s.Live {
			state = "live"
		}
		parts := ""
		if s.Parts > 0 {
			parts = fmt.Sprintf(" %d parts,", s.Parts)
		}
		p.line("%s\n  %s, %s: %d tracks, %d manifests, %d segments,%s %.1f MB", s.URL, s.Format, state, s.Tracks, s.Manifests, s.Segments, parts, float64(s.Bytes)/1e6)
	}
	for _, f := range r.Findings {
		p.line("")
		p.finding(&f)
	}
	p.line("")
	p.summary(r)
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) finding(f *Finding) {
	count := ""
	if f.Count > 1 {
		count = fmt.Sprintf(" (%d times, last at %s)", f.Count, f.Last.UTC().Format("15:04:05.000"))
	}
	p.line("%d %s: %s [%s]%s", f.Assertion, f.Severity, f.Name, f.Source, count)
	p.line("  where  %s: %s", f.Subject, f.URL)
	if f.At != "" {
		p.line("         %s", f.At)
	}
	p.line("  said   %s", f.Said)
	p.line("  true   %s", f.True)
}

func (p *printer) summary(r *Report) {
	tests := 0
	for _, t := range r.Tested {
		tests += t.Times
	}
	verdict := "clean"
	switch {
	case !r.Judged():
		verdict = "not judged"
	case len(r.Findings) > 0:
		verdict = fmt.Sprintf("%d findings", len(r.Findings)+r.Dropped)
	}
	p.line("%s: %d assertions put to the test %d times in %v", verdict, len(r.Tested), tests, r.Ended.Sub(r.Began).Round(100*time.Millisecond))
}
