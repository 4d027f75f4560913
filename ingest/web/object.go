package web

import (
	"sync"

	"weir/ingest"
	"weir/ingest/cmaf"
)

// A book is what is known of the names under one publishing point.
type book struct {
	cmaf.Book
	reading sync.Mutex // one manifest at a time is parsed: what that costs is the channel's own
}

// maxBooks is for how many channels books are kept. They are cheap to write anew: manifests come again and again, and
// so do headers.
const maxBooks = 4096

// book finds or makes the book of a channel. It is kept by name: what a channel's encoder has said holds when the channel is
// made anew.
func (s *Server) book(channel *ingest.Channel) *book {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.books[channel.Name()]
	if b == nil {
		if len(s.books) >= maxBooks {
			clear(s.books)
		}
		b = &book{}
		for _, path := range channel.Headers() { // of an earlier life
			b.Header(path, false)
		}
		s.books[channel.Name()] = b
	}
	return b
}

// A place is where a body belongs.
type place struct {
	stream    string
	exclusive bool // the body carries the whole stream, and replaces whoever does
	header    bool // a header comes, as far as its name tells
	route     ingest.Route
}

// placeOf decides which stream a body belongs to, as far as its URL tells. Where that says no more than a file's name, the
// body looks for its stream again when its first bytes come.
func (s *Server) placeOf(door *ingest.Door, t target) place {
	if t.kind != object {
		return place{stream: t.stream, exclusive: t.kind != segment, header: true}
	}
	b := s.book(door.Channel)
	if cmaf.IsHeader(t.path) {
		return place{stream: b.Header(t.path, false), header: true, route: ingest.Route{Path: t.path}}
	}
	stream, whole, ok := b.Find(t.path)
	if !ok {
		stream = cmaf.StreamOf(t.path) // a header of any name, perhaps with media behind it
	}
	return place{stream: stream, exclusive: whole, header: whole, route: ingest.Route{
		Path: t.path,
		Find: func() (string, bool) {
			stream, _, ok := b.Find(t.path)
			return stream, ok
		},
		Header: func(media bool) {
			if !ok {
				b.Header(t.path, media)
			}
		},
	}}
}
