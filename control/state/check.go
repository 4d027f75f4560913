package state

import (
	"fmt"
	"regexp"
	"strings"
)

// Names as the official clients check them (section 1.3 of the reference).
var (
	sourceName    = regexp.MustCompile(`^[a-zA-Z0-9_~-][a-zA-Z0-9._~-]{0,127}$`) // as encoders' URLs have it
	liveEventName = regexp.MustCompile(`^[a-zA-Z0-9]+(-*[a-zA-Z0-9])*$`)         // of live outputs too
	guidText      = regexp.MustCompile(`^(?i)([0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
	manifestName  = regexp.MustCompile(`^[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,199}$`)
)

const nameForbids = "<>%&:\\?/*+.'"

// A checker collects what is wrong with a resource under its path.
type checker struct {
	faults []Fault
	root   *checker // where faults are collected; nil: here
	path   string
}

// at is a checker for the resource at path; its faults go to c.
func (c *checker) at(format string, args ...any) *checker {
	return &checker{root: c, path: fmt.Sprintf(format, args...)}
}

func (c *checker) fault(path, format string, args ...any) {
	c.root.faults = append(c.root.faults, Fault{c.path + "." + path, fmt.Sprintf(format, args...)})
}

// name checks a name that the API holds to its general rule alone.
func (c *checker) name(path, name string) {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if name == "" || len(name) > 260 || strings.ContainsAny(name, nameForbids) || strings.ContainsFunc(name, control) {
		c.fault(path, "%q: 1 to 260 characters, none of %s", name, nameForbids)
	}
}

func (c *checker) guid(path, text, purpose string) {
	if text == "" {
		c.fault(path, "is missing: a GUID (uuidgen makes one), %s", purpose)
	} else if !guidText.MatchString(text) {
		c.fault(path, "%q is no GUID: 32 hexadecimal digits, with or without hyphens", text)
	}
}
