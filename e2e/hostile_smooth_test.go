package e2e

import (
	endian "encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// liveServerManifest is the uuid box in which Smooth encoders describe their tracks.
func liveServerManifest(payload string) []byte {
	return box("uuid", unhex("a5d40b30e81411ddba2f0800200c9a66"), make([]byte, 4), []byte(payload))
}

// smoothFamily sends Live Server Manifests that no encoder writes, and mixes the ways to push on one stream.
func smoothFamily(t *testing.T, y *yard) {
	s := numberedVideo("v")
	header, good := s.header(), s.chunk()
	ftyp, moov := header[:endian.BigEndian.Uint32(header)], header[endian.BigEndian.Uint32(header):]
	smil := func(body string) string {
		return `<?xml version="1.0"?><smil xmlns="http://www.w3.org/2001/SMIL20/Language"><body><switch>` + body + `</switch></body></smil>`
	}
	const video = `<video systemBitrate="200000"><param name="trackID" value="1"/><param name="trackName" value="%s"/></video>`
	wide := utf16.Encode([]rune(smil(fmt.Sprintf(video, "v"))))
	var utf16le strings.Builder
	for _, u := range wide {
		utf16le.Write([]byte{byte(u), byte(u >> 8)})
	}
	const bad = "400 closed"
	channel := y.channel()
	var all group
	for name, c := range map[string]struct{ manifest, want string }{
		"as it should be":             {smil(fmt.Sprintf(video, "v")), "200"},
		"UTF-16 without a mark":       {utf16le.String(), "200"},
		"nothing":                     {"", "200"},
		"no XML":                      {"hello", "200"}, // names no track
		"document type":               {`<!DOCTYPE smil [<!ENTITY a "aaaaaaaa">]>` + smil("&a;"), bad},
		"entity that is not declared": {smil("&x;"), bad},
		"nested 1,000 deep":           {strings.Repeat("<a>", 1000), bad},
		"3,000 elements":              {smil(strings.Repeat("<a/>", 3000)), bad},
		"65 tracks":                   {smil(strings.Repeat(fmt.Sprintf(video, "v"), 65)), bad},
		"1,000 attributes":            {smil("<video " + strings.Repeat(`a="b" `, 1000) + "/>"), bad},
		"64 KiB and more":             {smil(strings.Repeat(" ", 64<<10)), "413 closed"},
		"not closed":                  {"<smil><body>", bad},
		"another encoding":            {`<?xml version="1.0" encoding="utf-7"?><smil/>`, bad},
		"a name that leads elsewhere": {smil(fmt.Sprintf(video, "../../etc/passwd")), "200"},
		"a name of 10 KB":             {smil(fmt.Sprintf(video, strings.Repeat("v", 10<<10))), "200"},
		"a name with a line feed":     {smil(fmt.Sprintf(video, "v&#10;level=ERROR")), "200"},
		"numbers beyond all numbers":  {smil(`<video systemBitrate="99999999999999999999"><param name="trackID" value="-1"/><param name="timeScale" value="0"/></video>`), "200"},
	} {
		path := "Streams(s" + strconv.Itoa(len(all.names)) + ")"
		all.add(name, func(t *testing.T) {
			if got := postBody(t, y.node, token(channel), path, join(ftyp, liveServerManifest(c.manifest), moov, good)); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
		})
	}
	mixed := y.channel()
	all.add("one stream by four ways", func(t *testing.T) {
		chunk := func() []byte { return s.chunkOf(0, 5) }
		for _, step := range []struct {
			method, path string
			body         []byte
			want         string
		}{
			{"POST", "Streams(v)", join(ftyp, liveServerManifest(smil(fmt.Sprintf(video, "v"))), moov, chunk(), box("mfra")), "200"},
			{"PUT", "Streams(v.cmfv)", join(header, chunk()), "200"},
			{"PUT", "Streams(v.cmfv)/1.cmfv", chunk(), "200"},
			{"PUT", "v/init.cmfv", header, "200"},
			{"PUT", "v/2.cmfv", chunk(), "200"},
			{"POST", "Events(1)/Streams(v)", join(header, chunk()), "200"},
			{"POST", "", join(header, chunk()), "200"},
			{"PUT", "live.mpd", []byte(`<MPD><Period><AdaptationSet><SegmentTemplate initialization="v/init.cmfv" media="v/$Number$.cmfv"/><Representation id="v"/></AdaptationSet></Period></MPD>`), "200"},
			{"PUT", "w/3.cmfv", chunk(), "412 closed"},
			{"DELETE", "v/2.cmfv", nil, "200"},
		} {
			p := startPosting(t, y.node, step.method, token(mixed), step.path)
			if len(step.body) > 0 {
				p.send(step.body)
			}
			if got := p.end(); got != step.want {
				t.Errorf("%s %s was answered %q, want %q", step.method, step.path, got, step.want)
			}
		}
	})
	all.run(t)
}
