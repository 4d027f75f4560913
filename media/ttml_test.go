package media

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAppendTTML(t *testing.T) {
	const (
		zero = 1_795_000_000_400_000 // where the encoder's 0 is laid: 498611 h 6 min 40.4 s
		s    = 1_000_000
	)
	encoder := TextTime{Start: 100 * s, Duration: 2 * s, Zero: zero, At: zero + 100*s}
	body := func(b string) string { return `<tt xmlns="http://www.w3.org/ns/ttml"><head/>` + b + `</tt>` }
	for name, c := range map[string]struct {
		at       TextTime
		doc, out string // empty: as it came
	}{
		"cues":                         {encoder, body(`<body><div><p begin="00:01:40.000" end="101.5s">a</p><p end='102s' begin="101500ms"/></div></body>`), body(`<body><div><p begin="498611:08:20.400" end="498611:08:21.900">a</p><p end='498611:08:22.400' begin="498611:08:21.900"/></div></body>`)},
		"the body alone":               {encoder, body(`<body begin="100s"><p begin="1s" end="2s">a</p></body>`), body(`<body begin="498611:08:20.400"><p begin="1s" end="2s">a</p></body>`)},
		"a div, and a cue":             {encoder, body(`<body><div begin="100s"><p begin="1s"/></div><p begin="101s"/></body>`), body(`<body><div begin="498611:08:20.400"><p begin="1s"/></div><p begin="498611:08:21.400"/></body>`)},
		"no begin":                     {encoder, body(`<body><p end="102s">a</p></body>`), body(`<body><p begin="498611:06:40.400" end="498611:08:22.400">a</p></body>`)},
		"a sequence":                   {encoder, body(`<body timeContainer="seq"><p dur="101s"/><p dur="1s"/></body>`), body(`<body begin="498611:06:40.400" timeContainer="seq"><p dur="101s"/><p dur="1s"/></body>`)},
		"no times":                     {encoder, body(`<body><p>a</p></body>`), ""},
		"nothing":                      {encoder, body(`<body/>`), ""},
		"prefixes":                     {encoder, `<x:tt xmlns:x="u" xmlns:p="v" p:frameRate="25"><x:body><x:p begin="00:01:40:05"/></x:body></x:tt>`, `<x:tt xmlns:x="u" xmlns:p="v" p:frameRate="25"><x:body><x:p begin="498611:08:20.600"/></x:body></x:tt>`},
		"NTSC frames":                  {encoder, `<tt p:frameRate="30" p:frameRateMultiplier="1000 1001"><body><p begin="3003f"/></body></tt>`, `<tt p:frameRate="30" p:frameRateMultiplier="1000 1001"><body><p begin="498611:08:20.600100"/></body></tt>`},
		"ticks":                        {encoder, `<tt p:tickRate="10000000"><body><p begin="1001234567t"/></body></tt>`, `<tt p:tickRate="10000000"><body><p begin="498611:08:20.523456"/></body></tt>`},
		"comments and such":            {encoder, `<?xml version="1.0"?><!-- <p begin="1s"> --><tt><body><![CDATA[<p begin="1s">]]><p begin="100s">1 &gt; 0</p></body></tt>`, `<?xml version="1.0"?><!-- <p begin="1s"> --><tt><body><![CDATA[<p begin="1s">]]><p begin="498611:08:20.400">1 &gt; 0</p></body></tt>`},
		"a > in quotes":                {encoder, body(`<body><p id="a>b" begin="100s"/></body>`), body(`<body><p id="a>b" begin="498611:08:20.400"/></body>`)},
		"times in the head":            {encoder, `<tt><head><metadata begin="1s"/></head><body><p begin="100s"/></body></tt>`, `<tt><head><metadata begin="1s"/></head><body><p begin="498611:08:20.400"/></body></tt>`},
		"from the sample's start":      {encoder, body(`<body><p begin="0s" end="1.5s"/></body>`), body(`<body><p begin="498611:08:20.400" end="498611:08:21.900"/></body>`)},
		"UTC":                          {TextTime{Start: zero, Duration: 2 * s, At: zero}, body(`<body><p begin="498611:06:40.400" end="498611:06:41"/></body>`), ""},
		"UTC, from the sample's start": {TextTime{Start: zero, Duration: 2 * s, At: zero}, body(`<body><p begin="0s" end="1s"/></body>`), body(`<body><p begin="498611:06:40.400" end="498611:06:41.400"/></body>`)},
		"a cue since long":             {encoder, body(`<body><p begin="30s" end="101s"/></body>`), body(`<body><p begin="498611:07:10.400" end="498611:08:21.400"/></body>`)},
		"SMPTE":                        {encoder, `<tt t:timeBase="smpte"><body><p begin="100s"/></body></tt>`, ""},
		"a DTD":                        {encoder, `<!DOCTYPE tt><tt><body><p begin="100s"/></body></tt>`, ""},
		"no TTML":                      {encoder, `<html><body><p begin="100s"/></body></html>`, ""},
		"cut":                          {encoder, `<tt><body><p begin="100s"/></body>`, ""},
		"no time":                      {encoder, body(`<body><p begin="wallclock(1)"/></body>`), ""},
		"a time of years":              {encoder, body(`<body><p begin="999999999999h"/></body>`), ""},
		"no XML":                       {encoder, "cue 1\n", ""},
	} {
		want := c.out
		if want == "" {
			want = c.doc
		}
		if got := string(AppendTTML([]byte("x"), []byte(c.doc), c.at)); got != "x"+want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// FuzzAppendTTML: whatever comes, nothing but values of times changes, and XML stays XML.
func FuzzAppendTTML(f *testing.F) {
	f.Add([]byte(`<tt><body><div><p begin="00:01:40.000" end="101.5s">a</p><p dur="1f"/></div></body></tt>`), int64(100_000_000), int64(2_000_000), int64(5))
	f.Add([]byte(`<?x?><!--->--><tt a:tickRate="1" b:frameRateMultiplier="1:1"><body timeContainer='seq'/></tt>`), int64(0), int64(-1), int64(1)<<52)
	f.Add([]byte(`<tt><body begin = "9:00:00:99.9"end="1t"></body></tt>`), int64(1), int64(1), int64(-7))
	f.Fuzz(func(t *testing.T, doc []byte, start, duration, zero int64) {
		const most = 1 << 53
		start, duration, zero = start%most, duration%most, zero%most
		got := AppendTTML(nil, doc, TextTime{Start: start, Duration: duration, Zero: zero, At: zero + start})
		if len(got) > len(doc)*2+32*maxTTMLs {
			t.Fatalf("%d bytes become %d", len(doc), len(got))
		}
		before, errBefore := outline(doc)
		after, errAfter := outline(got)
		if errBefore == nil && (errAfter != nil || before != after) {
			t.Fatalf("%q becomes %q: %s, then %s, %v", doc, got, before, after, errAfter)
		}
	})
}

// outline is a document without the times in it.
func outline(doc []byte) (string, error) {
	var b strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch e := token.(type) {
		case xml.StartElement:
			b.WriteString("<" + e.Name.Local)
			for _, a := range e.Attr {
				if n := a.Name.Local; n != "begin" && n != "end" {
					b.WriteString(" " + n + "=" + a.Value)
				}
			}
		case xml.EndElement:
			b.WriteString(">")
		case xml.CharData:
			b.Write(e)
		}
	}
}
