// Package xmltree reads an XML document of a stranger into a tree that the checker can point into: elements with their
// place, attributes with their text. It bounds everything (bytes, depth, elements, attributes), refuses document types
// and entities, and knows no schema. Start with Parse.
package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// Bounds on what is believed of a document.
const (
	MaxBytes      = 16 << 20
	maxDepth      = 24
	maxElements   = 300_000
	maxAttributes = 64
	maxText       = 32 << 10 // bytes of text of one element
)

// An Element is one element of the document.
type Element struct {
	Name     string // local name
	Space    string // namespace
	Attrs    []xml.Attr
	Children []*Element
	Text     string // character data, trimmed
	Line     int
	Parent   *Element
	index    int // among its siblings of the same name, from 1
}

// Attr returns the value of an attribute without a namespace, and whether it is there.
func (e *Element) Attr(name string) (string, bool) {
	for i := range e.Attrs {
		if e.Attrs[i].Name.Local == name && e.Attrs[i].Name.Space == "" {
			return e.Attrs[i].Value, true
		}
	}
	return "", false
}

// Get returns the value of an attribute, "" where it is not there.
func (e *Element) Get(name string) string {
	v, _ := e.Attr(name)
	return v
}

// All returns the children of that name.
func (e *Element) All(name string) []*Element {
	var list []*Element
	for _, c := range e.Children {
		if c.Name == name {
			list = append(list, c)
		}
	}
	return list
}

// First returns the first child of that name, nil where there is none.
func (e *Element) First(name string) *Element {
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Path says where the element is: MPD/Period[1]/AdaptationSet[2], line 14.
func (e *Element) Path() string {
	var parts []string
	for p := e; p != nil; p = p.Parent {
		if p.Parent == nil {
			parts = append(parts, p.Name)
		} else {
			parts = append(parts, fmt.Sprintf("%s[%d]", p.Name, p.index))
		}
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
		if i > 0 {
			b.WriteByte('/')
		}
	}
	fmt.Fprintf(&b, ", line %d", e.Line)
	return b.String()
}

// Parse reads a document. Any error means that it is not well-formed, or beyond the limits.
func Parse(b []byte) (*Element, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("document of %d bytes: more than %d", len(b), MaxBytes)
	}
	b, err := decode(b)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = true
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if l := strings.ToLower(label); l == "utf-16" || l == "utf8" || l == "us-ascii" {
			return in, nil // utf-16 has been decoded above
		}
		return nil, fmt.Errorf("character set %q", label)
	}
	return build(d)
}

func build(d *xml.Decoder) (*Element, error) {
	var root, at *Element
	elements, depth := 0, 0
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		if errors.Is(err, io.EOF) {
			if root == nil {
				return nil, errors.New("no element")
			}
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			elements++
			depth++
			switch {
			case elements > maxElements:
				return nil, fmt.Errorf("line %d: more than %d elements", line, maxElements)
			case depth > maxDepth:
				return nil, fmt.Errorf("line %d: nested more than %d deep", line, maxDepth)
			case len(t.Attr) > maxAttributes:
				return nil, fmt.Errorf("line %d: more than %d attributes", line, maxAttributes)
			case at == nil && root != nil:
				return nil, fmt.Errorf("line %d: a second root element", line)
			}
			if err := twice(t.Attr); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			e := &Element{Name: t.Name.Local, Space: t.Name.Space, Attrs: t.Attr, Line: line, Parent: at, index: 1}
			if at == nil {
				root = e
			} else {
				e.index = at.next(e.Name)
				at.Children = append(at.Children, e)
			}
			at = e
		case xml.EndElement:
			depth--
			at.Text = strings.TrimSpace(at.Text)
			at = at.Parent
		case xml.CharData:
			if at != nil && len(bytes.TrimSpace(t)) > 0 {
				if len(at.Text)+len(t) > maxText {
					return nil, fmt.Errorf("line %d: more than %d bytes of text", line, maxText)
				}
				at.Text += string(t)
			}
		case xml.Directive:
			return nil, fmt.Errorf("line %d: a document type declaration", line)
		}
	}
}

// next is the index of the next child of that name. It looks back over the children: long runs are of one name, and are
// found at once.
func (e *Element) next(name string) int {
	for i := len(e.Children) - 1; i >= max(0, len(e.Children)-64); i-- {
		if e.Children[i].Name == name {
			return e.Children[i].index + 1
		}
	}
	return 1
}

func twice(list []xml.Attr) error {
	for i := range list {
		for j := range i {
			if list[i].Name == list[j].Name {
				return fmt.Errorf("attribute %s for the second time", list[i].Name.Local)
			}
		}
	}
	return nil
}

// decode turns UTF-16, in which Smooth manifests were often written, into UTF-8.
func decode(b []byte) ([]byte, error) {
	little := bytes.HasPrefix(b, []byte{0xff, 0xfe})
	if !little && !bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return b, nil
	}
	if len(b)%2 != 0 {
		return nil, errors.New("half a character of UTF-16")
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 2; i < len(b); i += 2 {
		lo, hi := b[i+1], b[i]
		if little {
			lo, hi = hi, lo
		}
		units = append(units, uint16(hi)<<8|uint16(lo))
	}
	return []byte(string(utf16.Decode(units))), nil
}
