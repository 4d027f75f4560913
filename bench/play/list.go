package play

import (
	"bytes"
	"errors"
	"net/url"
	"strconv"
)

// A tail is what a low-latency player reads off the end of a media playlist. The slices are of the playlist.
type tail struct {
	msn   int64  // of the segment that is open
	parts int64  // of it that are listed
	part  []byte // URI of the newest part; nil: none, or a GAP
	hint  []byte // URI of the part that comes next; nil: none
	ended bool
}

var errList = errors.New("no low-latency playlist")

// readTail looks at a playlist from its end. Thousands of players do so five times a second each, on one thread: it
// counts, and does not parse.
func readTail(text []byte) (tail, error) {
	var t tail
	_, after, ok := bytes.Cut(text, []byte("#EXT-X-MEDIA-SEQUENCE:"))
	if !ok || !bytes.HasPrefix(text, []byte("#EXTM3U")) {
		return t, errList
	}
	digits, _, _ := bytes.Cut(after, []byte("\n"))
	first, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 10, 62)
	if err != nil || first < 0 {
		return t, errList
	}
	const segment, part = "#EXTINF:", "#EXT-X-PART:"
	t.msn = first + int64(bytes.Count(text, []byte(segment)))
	t.parts = int64(bytes.Count(text[max(0, bytes.LastIndex(text, []byte(segment))):], []byte(part)))
	if i := bytes.LastIndex(text, []byte(part)); i >= 0 {
		if line := lineAt(text, i); !bytes.Contains(line, []byte("GAP=YES")) {
			t.part = uriOf(line)
		}
	}
	if i := bytes.LastIndex(text, []byte("#EXT-X-PRELOAD-HINT:TYPE=PART")); i >= 0 {
		t.hint = uriOf(lineAt(text, i))
	}
	t.ended = bytes.Contains(text, []byte("#EXT-X-ENDLIST"))
	return t, nil
}

func lineAt(text []byte, i int) []byte {
	line, _, _ := bytes.Cut(text[i:], []byte("\n"))
	return line
}

func uriOf(line []byte) []byte {
	_, rest, ok := bytes.Cut(line, []byte(`URI="`))
	uri, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed {
		return nil
	}
	return uri
}

// blocking is the path that waits for a part of a segment.
func blocking(path string, msn, part int64) string {
	separator := byte('?')
	if bytes.IndexByte([]byte(path), '?') >= 0 {
		separator = '&'
	}
	b := append(append(make([]byte, 0, len(path)+48), path...), separator)
	b = strconv.AppendInt(append(b, "_HLS_msn="...), msn, 10)
	return string(strconv.AppendInt(append(b, "&_HLS_part="...), part, 10))
}

// pathOf resolves a reference of a playlist at base. What leads to another server is refused: the connections are to one.
func pathOf(base *url.URL, ref string) (string, error) {
	u, err := base.Parse(ref)
	if err != nil {
		return "", err
	}
	if u.Host != base.Host || u.Scheme != base.Scheme {
		return "", errors.New("it leads to another server: " + u.Host)
	}
	return u.RequestURI(), nil
}
