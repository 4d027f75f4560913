package m3u8

import (
	"fmt"
	"strings"
)

// An Attribute is one NAME=VALUE of a tag.
type Attribute struct {
	Name   string
	Value  string // without quotes
	Quoted bool
}

// Attributes are those of one tag, in order.
type Attributes []Attribute

// Get returns the value of an attribute, "" where it is not there.
func (a Attributes) Get(name string) string {
	v, _ := a.Find(name)
	return v
}

// Find returns the value of an attribute and whether it is there.
func (a Attributes) Find(name string) (string, bool) {
	for i := range a {
		if a[i].Name == name {
			return a[i].Value, true
		}
	}
	return "", false
}

// parseAttributes reads an attribute list. Source: RFC 8216bis, 4.2.
func parseAttributes(s string) (list Attributes, err error) {
	for rest := s; rest != ""; {
		if len(list) == maxAttributes {
			return list, fmt.Errorf("more than %d attributes", maxAttributes)
		}
		name, after, ok := strings.Cut(rest, "=")
		if !ok || !isName(name) {
			return list, fmt.Errorf("%q is no NAME=VALUE", cut(rest))
		}
		a := Attribute{Name: name}
		if strings.HasPrefix(after, `"`) {
			end := strings.IndexByte(after[1:], '"')
			if end < 0 {
				return list, fmt.Errorf("%s: no closing quote", name)
			}
			a.Value, a.Quoted, after = after[1:1+end], true, after[2+end:]
		} else {
			end := strings.IndexByte(after, ',')
			if end < 0 {
				end = len(after)
			}
			a.Value, after = after[:end], after[end:]
			if a.Value == "" || strings.ContainsAny(a.Value, " \t\"") {
				return list, fmt.Errorf("%s: %q is no value", name, cut(a.Value))
			}
		}
		if _, twice := list.Find(name); twice {
			return list, fmt.Errorf("%s for the second time", name)
		}
		list = append(list, a)
		if after == "" {
			break
		}
		if after[0] != ',' || len(after) == 1 {
			return list, fmt.Errorf("%q after the value of %s", cut(after), name)
		}
		rest = after[1:]
	}
	return list, nil
}

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// cut keeps messages short.
func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
