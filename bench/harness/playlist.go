//go:build linux

package harness

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A playlist is an HLS media playlist as weir served it.
type playlist struct {
	url      string
	text     []byte
	segments []string // URLs of the listed segments, GAPs left out, oldest first
	parts    []string // URLs of the listed parts, oldest first
	seconds  float64  // sum of the listed segments' durations
}

// playlist fetches the media playlist of a channel's only track.
func (n *node) playlist(ctx context.Context, channel int) (*playlist, error) {
	master := n.presentation(channel) + "manifest(format=m3u8-cmaf)"
	text, err := fetch(ctx, master)
	if err != nil {
		return nil, err
	}
	uris, _ := playlistURIs(string(text))
	if len(uris) == 0 {
		return nil, fmt.Errorf("%s lists no playlist", master)
	}
	p := new(playlist)
	if p.url, err = resolve(master, uris[0]); err != nil {
		return nil, err
	}
	if p.text, err = fetch(ctx, p.url); err != nil {
		return nil, err
	}
	uris, gaps := playlistURIs(string(p.text))
	for i, uri := range uris {
		if gaps[i] {
			continue
		}
		segment, err := resolve(p.url, uri)
		if err != nil {
			return nil, err
		}
		p.segments = append(p.segments, segment)
	}
	for line := range strings.Lines(string(p.text)) {
		if d, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			d, _, _ = strings.Cut(d, ",")
			v, err := strconv.ParseFloat(d, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.url, err)
			}
			p.seconds += v
		}
		if _, uri, ok := strings.Cut(line, `URI="`); ok && strings.HasPrefix(line, "#EXT-X-PART:") {
			uri, _, _ = strings.Cut(uri, `"`)
			part, err := resolve(p.url, uri)
			if err != nil {
				return nil, err
			}
			p.parts = append(p.parts, part)
		}
	}
	return p, nil
}

// playlistURIs returns the lines of a playlist that are URIs, and which of them stand under EXT-X-GAP.
func playlistURIs(text string) (uris []string, gaps []bool) {
	gap := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "#EXT-X-GAP":
			gap = true
		case line != "" && line[0] != '#':
			uris, gaps = append(uris, line), append(gaps, gap)
			gap = false
		}
	}
	return uris, gaps
}

func resolve(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}
