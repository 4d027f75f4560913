package cmaf

import (
	"strings"
	"sync"
)

// A Book knows which stream an object belongs to that an encoder PUTs under a name of its own choosing: by the headers
// that have come, and by what manifests say. One book serves one publishing point.
//
// A stream's name is made of the path of its header alone. Manifests only help a segment to find its header, so that a
// stream has the same name whether they came before, after or never, and after a restart of either side.
//
// All methods are safe for concurrent use. What a book holds is bounded: the oldest goes.
type Book struct {
	mu        sync.Mutex
	headers   []header
	patterns  []named
	playlists []playlist
	said      []said
}

// header is a header that has been announced: its request has begun.
type header struct {
	object
	key    string
	stream string
	whole  bool // media follows in the same body
}

// named is what a manifest says: paths like this belong to the stream of that header.
type named struct {
	media Pattern
	init  string // "" where manifests contradict each other
	by    string // the manifest's path
}

const (
	maxHeaders  = 256
	maxPatterns = 512
)

// IsHeader tells whether an object is a header by its name: it has "init" or the like in it.
func IsHeader(path string) bool { return parse(path).header }

// StreamOf is the name of the stream whose header has that path.
func StreamOf(path string) string {
	o := parse(path)
	return o.streamName()
}

// Header takes note of a header under that path, which is below the publishing point, and returns its stream's name. whole
// tells that media follows in the same body.
func (b *Book) Header(path string, whole bool) (stream string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.header(path); h != nil {
		h.whole = whole
		return h.stream
	}
	h := header{object: parse(path), whole: whole}
	h.key = key(h.words)
	h.stream = h.streamName()
	b.headers = append(drop(b.headers, maxHeaders), h)
	return h.stream
}

// Find returns the stream that a segment's path belongs to. ok is false where no header that has come fits, or more than
// one does. whole tells that the path is that of a header with media behind it.
//
// In order: a header under the same path; what manifests say; the header whose name is the segment's without its number;
// the only header in the folder.
func (b *Book) Find(path string) (stream string, whole, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.header(path); h != nil {
		return h.stream, h.whole, true
	}
	if h := b.named(path); h != nil {
		return h.stream, false, true
	}
	o := parse(path)
	var best *header
	top := 0
	for i := range b.headers {
		h := &b.headers[i]
		switch rank := o.rank(h); {
		case rank > top:
			best, top = h, rank
		case rank == top && best != nil && best.stream != h.stream:
			best = nil // more than one; a better one may come
		}
	}
	if best == nil {
		return "", false, false
	}
	return best.stream, false, true
}

// header finds an announced header. Called with mu held; the pointer is good until the next call.
func (b *Book) header(path string) *header {
	for i := range b.headers {
		if b.headers[i].path == path {
			return &b.headers[i]
		}
	}
	return nil
}

// named finds the header that manifests name for a segment's path. Called with mu held.
func (b *Book) named(path string) (found *header) {
	for i := range b.patterns {
		p := &b.patterns[i]
		if p.init == "" || !p.media.Match(path) {
			continue
		}
		h := b.header(p.init)
		if h != nil && found != nil && found.stream != h.stream {
			return nil // out_111: the first of eleven, or the eleventh of one
		}
		if h != nil {
			found = h
		}
	}
	return found
}

// rank tells how well a segment's name fits a header's: 0 is not at all.
func (o *object) rank(h *header) int {
	n := len(o.words)
	if o.folder != h.folder {
		if n <= 1 && h.key != "" && o.folder == strings.TrimPrefix(h.folder+"/"+h.key, "/") {
			return 2 // v1/17.m4s, and its header init_v1.mp4 beside the folder
		}
		return 0
	}
	if n == 0 {
		return max(fit("", h.key, 6), 1)
	}
	rank := 0
	last := o.words[n-1]
	stem := strings.TrimRight(last, "0123456789")
	switch {
	case stem == "": // the number is a word of its own
		rank = fit(key(o.words[:n-1]), h.key, 6)
	case len(stem) < len(last):
		rank = fit(o.keyWith(stem), h.key, 4)
	}
	for cut := len(stem) + 1; cut < len(last); cut++ { // the number follows another: out_0 and 10
		rank = max(rank, fit(o.keyWith(last[:cut]), h.key, 2))
	}
	if h.key == "" || n == 1 && stem == "" {
		rank = max(rank, 1) // init.mp4 with anything, init_0.mp4 with index7.m4s: where it is the only one
	}
	return rank
}

// keyWith is the key with another last word.
func (o *object) keyWith(last string) string {
	n := len(o.words) - 1
	return key(append(o.words[:n:n], last))
}

// fit compares a segment's key with a header's: the same, or the same last word where the header has a number only
// (stream_0 and 0).
func fit(key, header string, rank int) int {
	switch {
	case key == header:
		return rank + 1
	case digits(header) && strings.HasSuffix(key, "_"+header):
		return rank
	}
	return 0
}

// note keeps a pattern. Manifests that claim one pattern for two headers are not believed. Called with mu held.
func (b *Book) note(by string, media Pattern, init string) {
	for i := range b.patterns {
		p := &b.patterns[i]
		if p.media != media {
			continue
		}
		if p.by != by && p.init != init {
			init = ""
		}
		p.init, p.by = init, by
		return
	}
	b.patterns = append(drop(b.patterns, maxPatterns), named{media: media, init: init, by: by})
}

// drop makes room for one more by giving up the oldest.
func drop[T any](list []T, most int) []T {
	if len(list) < most {
		return list
	}
	return append(list[:0], list[1:]...)
}
