package check

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Bounds on what a report keeps.
const (
	maxFindings = 500
	maxEvidence = 400 // bytes of one text
)

// A judge collects findings and counts how often each assertion was put to the test. Safe for concurrent use.
type judge struct {
	now    func() time.Time
	ignore map[int]bool

	mu       sync.Mutex
	tested   map[int]int
	findings map[foldKey]*Finding
	dropped  int
}

// foldKey is what findings are folded by: the same assertion about the same thing in words that differ by numbers only.
type foldKey struct {
	assertion     int
	subject, text string
}

func newJudge(now func() time.Time, ignore []int) *judge {
	j := &judge{now: now, ignore: map[int]bool{}, tested: map[int]int{}, findings: map[foldKey]*Finding{}}
	for _, n := range ignore {
		j.ignore[n] = true
	}
	return j
}

// A place is where something was found.
type place struct {
	subject string // playlist, representation or stream
	url     string
	at      string // line, element, box and byte, header field
}

// test puts an assertion to the test once: where ok is false, it is a finding. said is what the origin says, truth what
// is true or due instead.
func (j *judge) test(assertion int, ok bool, p place, said, truth string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tested[assertion]++
	if ok || j.ignore[assertion] {
		return ok
	}
	a := byNumber[assertion]
	if a == nil {
		panic(fmt.Sprintf("check: assertion %d is not in the table", assertion))
	}
	said, truth = short(said), short(truth)
	key := foldKey{assertion, p.subject, withoutNumbers(truth)}
	now := j.now()
	if f := j.findings[key]; f != nil {
		f.Count++
		f.Last = now
		return false
	}
	if len(j.findings) == maxFindings {
		j.dropped++
		return false
	}
	j.findings[key] = &Finding{
		Assertion: a.Number, Name: a.Name, Severity: a.Severity, Source: a.Source,
		Subject: p.subject, URL: redact(p.url), At: short(p.at), Said: redactText(said), True: redactText(truth), Count: 1, First: now, Last: now,
	}
	return false
}

// fail is a test that has failed.
func (j *judge) fail(assertion int, p place, said, truth string) {
	j.test(assertion, false, p, said, truth)
}

// result returns the findings, those that bind most first, and how often each assertion was tested.
func (j *judge) result() (list []Finding, tested map[int]int, dropped int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range j.findings {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Assertion, b.Assertion), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.True, b.True), a.First.Compare(b.First))
	})
	return list, j.tested, j.dropped
}

var digits = regexp.MustCompile(`[0-9a-fA-F]*[0-9][0-9a-fA-F]*`)

func withoutNumbers(s string) string { return digits.ReplaceAllString(s, "#") }

func short(s string) string {
	if len(s) > maxEvidence {
		return s[:maxEvidence] + "…"
	}
	return s
}
