package cmaf

import (
	"bytes"
	"fmt"
	"strings"
)

// A Playlist is what an encoder's HLS playlist says: of its renditions, where it is a multivariant one, or of its
// objects.
type Playlist struct {
	Renditions []Rendition
	Init       string   // URI of the last EXT-X-MAP, as written
	Media      []string // the last URIs of segments, as written
}

// A Rendition is a media playlist that a multivariant playlist names.
type Rendition struct {
	URI       string // as written
	Bandwidth int64  // of the variant; 0 for what EXT-X-MEDIA names
	Language  string
	Roles     []string
}

const lastSegments = 4 // of a playlist: enough to see how they are named

// ParsePlaylist reads a playlist of at most MaxManifest bytes. Unknown tags, and URIs that lead elsewhere, do no harm:
// nothing is fetched.
//
// Source: RFC 8216, 4.
func ParsePlaylist(b []byte) (*Playlist, error) {
	if len(b) > MaxManifest {
		return nil, fmt.Errorf("%w: playlist larger than %d bytes", ErrManifest, MaxManifest)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	p := &Playlist{}
	var variant *Rendition // that the next URI belongs to
	for n := 0; n == 0 || len(b) > 0; n++ {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		line = bytes.TrimSpace(line)
		if n == 0 {
			if string(line) != "#EXTM3U" {
				return nil, fmt.Errorf("%w: playlist: it does not begin with #EXTM3U", ErrManifest)
			}
			continue
		}
		if n >= maxLines || len(line) > maxLine {
			return nil, fmt.Errorf("%w: playlist: line %d: too many lines, or a line too long", ErrManifest, n+1)
		}
		if len(line) == 0 {
			continue
		}
		tag, value, _ := strings.Cut(string(line), ":")
		switch {
		case line[0] != '#':
			variant = p.uri(string(line), variant)
		case tag == "#EXT-X-STREAM-INF":
			variant = streamInf(value)
		case tag == "#EXT-X-MEDIA":
			if r := mediaTag(value); r.URI != "" && len(p.Renditions) < maxTracks {
				p.Renditions = append(p.Renditions, r)
			}
		case tag == "#EXT-X-MAP":
			attributes(value, func(name, value string) {
				if name == "URI" {
					p.Init = value
				}
			})
		}
	}
	return p, nil
}

// uri takes a line that is a URI: of the variant that the line before has described, or of a segment.
func (p *Playlist) uri(uri string, variant *Rendition) *Rendition {
	switch {
	case variant != nil:
		if variant.URI = uri; len(p.Renditions) < maxTracks {
			p.Renditions = append(p.Renditions, *variant)
		}
	case len(p.Media) == lastSegments:
		copy(p.Media, p.Media[1:])
		p.Media[lastSegments-1] = uri
	default:
		p.Media = append(p.Media, uri)
	}
	return nil
}

func streamInf(value string) *Rendition {
	r := &Rendition{}
	attributes(value, func(name, value string) {
		if name == "BANDWIDTH" {
			r.Bandwidth = bitrate(value)
		}
	})
	return r
}

func mediaTag(value string) (r Rendition) {
	attributes(value, func(name, value string) {
		switch name {
		case "URI":
			r.URI = value
		case "LANGUAGE":
			r.Language = language(value)
		case "CHARACTERISTICS":
			r.Roles = characteristics(value)
		}
	})
	return r
}

// characteristics are the DASH roles of what HLS calls characteristics.
func characteristics(list string) (roles []string) {
	for name := range strings.SplitSeq(list, ",") {
		role := ""
		switch strings.TrimSpace(name) {
		case "public.accessibility.describes-video":
			role = "description"
		case "public.accessibility.transcribes-spoken-dialog":
			role = "caption"
		case "public.easy-to-read":
			role = "easyreader"
		}
		if role != "" && len(roles) < maxRoles {
			roles = append(roles, role)
		}
	}
	return roles
}

// attributes calls f for each attribute of a list, quotes taken off.
func attributes(list string, f func(name, value string)) {
	for list != "" {
		name, rest, found := strings.Cut(list, "=")
		if !found {
			return
		}
		value := ""
		if strings.HasPrefix(rest, `"`) {
			if value, rest, found = strings.Cut(rest[1:], `"`); !found {
				return
			}
			_, list, _ = strings.Cut(rest, ",")
		} else {
			value, list, _ = strings.Cut(rest, ",")
		}
		f(strings.TrimSpace(name), value)
	}
}
