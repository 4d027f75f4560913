package xmltree

import (
	"strings"
	"testing"
	"unicode/utf16"
)

func TestParse(t *testing.T) {
	e, err := Parse([]byte("<?xml version=\"1.0\"?>\n<a x=\"1\">\n <b/><b y=\"2\"> text </b></a>"))
	if err != nil {
		t.Fatal(err)
	}
	b := e.All("b")
	if e.Get("x") != "1" || len(b) != 2 || b[1].Text != "text" || b[1].Path() != "a/b[2], line 3" || e.First("c") != nil {
		t.Errorf("got %+v, path %s", e, b[1].Path())
	}
}

func TestParseUTF16(t *testing.T) {
	text := "\ufeff<?xml version=\"1.0\" encoding=\"utf-16\"?><a x=\"ä\"/>"
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	e, err := Parse(b)
	if err != nil || e.Get("x") != "ä" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty":            "",
		"DTD":              `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`,
		"unknown entity":   `<a>&x;</a>`,
		"open":             "<a><b></a>",
		"two roots":        "<a/><b/>",
		"attribute twice":  `<a x="1" x="2"/>`,
		"deep":             strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100),
		"many attributes":  "<a" + manyAttributes() + "/>",
		"text without end": "<a>" + strings.Repeat("x", maxText+1) + "</a>",
	} {
		if e, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, e)
		}
	}
}

func manyAttributes() string {
	var b strings.Builder
	for i := range maxAttributes + 1 {
		b.WriteString(" a" + strings.Repeat("b", i) + `="1"`)
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8"?><a xmlns="u" x="1"><!-- c --><b>t</b><![CDATA[d]]></a>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err == nil {
			check(t, e, 1)
		}
	})
}

func check(t *testing.T, e *Element, depth int) {
	if depth > maxDepth || len(e.Attrs) > maxAttributes || len(e.Text) > maxText || e.Line < 1 {
		t.Fatalf("%s at depth %d, line %d", e.Name, depth, e.Line)
	}
	for _, c := range e.Children {
		if c.Parent != e {
			t.Fatalf("%s does not know its parent", c.Path())
		}
		check(t, c, depth+1)
	}
}
