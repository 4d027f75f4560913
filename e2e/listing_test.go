package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// listedSegments waits until every media playlist lists as many segments of media, and returns their URLs.
func listedSegments(t *testing.T, base string, playlists, segments int) []string {
	t.Helper()
	var urls []string
	eventually(t, 30*time.Second, "media is listed", func() error {
		var err error
		urls, err = listing(base, playlists, segments)
		return err
	})
	return urls
}

// mediaURLs returns the URLs of a node's media playlists.
func mediaURLs(base string) ([]string, error) { return mediaURLsOf(base + hlsPath) }

func mediaURLsOf(multivariant string) ([]string, error) {
	text, err := get(multivariant)
	if err != nil {
		return nil, err
	}
	var urls []string
	for _, uri := range mediaPlaylists(string(text)) {
		urls = append(urls, resolve(multivariant, uri))
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("no media playlist in\n%s", text)
	}
	return urls, nil
}

func fetchPlaylist(url string) (*playlist, error) {
	text, err := get(url)
	if err != nil {
		return nil, err
	}
	return parsePlaylist(string(text))
}

// listing returns the URLs of the media that a node's playlists list, and an error while there are fewer playlists, or
// fewer segments in one of them, than wanted, or no MPD.
func listing(base string, playlists, segments int) ([]string, error) {
	lists, err := mediaURLs(base)
	if err != nil {
		return nil, err
	}
	if len(lists) < playlists {
		return nil, fmt.Errorf("%d media playlists: %v", len(lists), lists)
	}
	var urls []string
	for _, list := range lists {
		p, err := fetchPlaylist(list)
		if err != nil {
			return nil, err
		}
		if len(p.media()) < segments {
			return nil, fmt.Errorf("%s lists %d segments", list, len(p.media()))
		}
		for _, s := range p.media() {
			urls = append(urls, resolve(list, s.uri))
		}
	}
	text, err := get(base + dashPath)
	if err != nil {
		return nil, err
	}
	if _, list, err := parseMPD(text); err != nil || len(list) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%d segments in the MPD", len(list)))
	}
	return urls, nil
}
