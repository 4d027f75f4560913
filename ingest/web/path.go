package web

import (
	"net/url"
	"strings"

	"weir/ingest"
)

// A target is what an encoder's URL names.
type target struct {
	token  string
	stream string // name of the stream, where the URL says it
	path   string // of objects and manifests: below the publishing point
	kind   targetKind
	source string // which of several encoders pushes; "": not said
}

type targetKind uint8

const (
	point    targetKind = iota + 1 // the publishing point: probes
	whole                          // Streams(name): one long body per track
	segment                        // Streams(name)/{file}: one body per segment
	object                         // a file of the encoder's own naming: which stream it belongs to is looked for
	manifest                       // an MPD or playlist of the encoder's
)

const maxFolders = 4 // of an object below the publishing point

// parsePath reads the path of an encoder's request:
//
//	/{token}[/ingest.isml]                                the publishing point, or one long body of all tracks
//	/{token}/ingest.isml/Streams(name[.cmfv])             one long body per track
//	/{token}/ingest.isml/Switching(id)/Streams(name)      the same, with a switching set
//	/{token}/ingest.isml/Events(id)/Streams(name)         the same, with an event as Smooth encoders number them
//	/{token}/ingest.isml/Streams(name)/{file}             one body per segment or header
//	/{token}/ingest.isml/[{folder}/…]{file}               an object: one body per segment or header, or one long body
//	/{token}/ingest.isml/[{folder}/…]{file}.mpd|.m3u8     a manifest
//
// A folder before the publishing point names the source: /{token}/secondary/ingest.isml/…. (A query does as well: ?src=.)
// Keywords match in any case; parentheses may be percent-encoded. ok is false where the path is none of these.
//
// Source: DASH-IF Live Media Ingest 1.2, 6.2 (URL forms); AMS v3 ingest URLs.
func parsePath(raw string) (t target, ok bool) {
	path, err := url.PathUnescape(raw)
	if err != nil || len(path) < 2 || path[0] != '/' {
		return target{}, false
	}
	parts := strings.Split(strings.TrimSuffix(path[1:], "/"), "/")
	t.token = parts[0]
	if !ingest.ValidName(t.token) {
		return target{}, false
	}
	parts = parts[1:]
	if len(parts) > 1 && isPoint(parts[1]) && !isPoint(parts[0]) {
		if t.source = parts[0]; !ingest.ValidName(t.source) {
			return target{}, false
		}
		parts = parts[1:]
	}
	if len(parts) > 0 && isPoint(parts[0]) {
		parts = parts[1:]
	}
	if len(parts) > 0 {
		if _, ok := keyword(parts[0], "events"); ok {
			parts = parts[1:]
		}
	}
	if len(parts) > 0 {
		if _, ok := keyword(parts[0], "switching"); ok {
			parts = parts[1:]
			if len(parts) == 0 {
				return target{}, false
			}
		}
	}
	if len(parts) == 0 {
		t.kind = point
		return t, true
	}
	file := parts[len(parts)-1]
	if name, ok := keyword(parts[0], "streams"); ok && len(parts) <= 2 {
		if t.kind, t.stream = whole, trimExtension(name); len(parts) == 2 {
			t.kind = segment
		}
		return t, ingest.ValidName(t.stream) && (len(parts) == 1 || ingest.ValidName(file))
	}
	if len(parts) > maxFolders+1 {
		return target{}, false
	}
	for _, part := range parts {
		if !ingest.ValidName(part) {
			return target{}, false
		}
	}
	t.kind, t.path = object, strings.Join(parts, "/")
	switch extension(file) {
	case "mpd", "m3u8":
		t.kind = manifest
	}
	return t, true
}

// isPoint tells whether a part of a path is that of a publishing point.
func isPoint(part string) bool { return strings.HasSuffix(strings.ToLower(part), ".isml") }

// keyword returns what stands in the parentheses of word(…).
func keyword(s, word string) (string, bool) {
	n := len(word)
	if len(s) < n+2 || !strings.EqualFold(s[:n], word) || s[n] != '(' || s[len(s)-1] != ')' {
		return "", false
	}
	return s[n+1 : len(s)-1], true
}

func extension(s string) string {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return strings.ToLower(s[i+1:])
	}
	return ""
}

// trimExtension removes the extension of a media file; other dots belong to the name.
func trimExtension(s string) string {
	switch extension(s) {
	case "cmfv", "cmfa", "cmft", "cmfm", "mp4", "m4v", "m4a", "m4s", "ismv", "isma":
		return s[:strings.LastIndexByte(s, '.')]
	}
	return s
}
