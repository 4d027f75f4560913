package cmaf

import "strings"

// Hints are what an encoder's manifests say of one stream. Zero fields are not said.
type Hints struct {
	Bitrate  int64    // Representation@bandwidth, bits per second
	Variant  int64    // BANDWIDTH of an HLS variant: with its audio, and a peak
	Language string   // RFC 5646
	Roles    []string // urn:mpeg:dash:role:2011
}

// said keeps what manifests say of a stream, by kind of manifest.
type said struct {
	stream        string
	mpd, playlist Hints
}

// playlist is a media playlist: what it says of its objects, and what a multivariant playlist says of it.
type playlist struct {
	path string
	init string // path of its header; "" until it has come itself
	hint Hints
}

// Hints returns what manifests have said of a stream so far.
func (b *Book) Hints(stream string) (mpd, playlist Hints) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.said {
		if b.said[i].stream == stream {
			return b.said[i].mpd, b.said[i].playlist
		}
	}
	return Hints{}, Hints{}
}

// MPD takes an MPD under that path into the book, and returns the names of the streams that it tells of. A Representation
// whose header is named is the stream of that header, else the stream of the name that is its id.
func (b *Book) MPD(path string, m *MPD) (streams []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	folder := folderOf(path)
	for i := range m.Tracks {
		r := &m.Tracks[i]
		stream := r.ID
		if init, ok := resolve(folder, r.Init); ok {
			stream = StreamOf(init)
			if media, ok := resolve(folder, r.Media.Prefix+"0"); ok && r.Media.Suffix != "" {
				b.note(path, Pattern{Prefix: media[:len(media)-1], Suffix: r.Media.Suffix}, init)
			}
		}
		if ValidName(stream) {
			b.about(stream).mpd = Hints{Bitrate: r.Bitrate, Language: r.Language, Roles: r.Roles}
			streams = append(streams, stream)
		}
	}
	return streams
}

// Playlist takes a playlist under that path into the book, and returns the names of the streams that more is known of now:
// a multivariant playlist names media playlists, these name headers, and they come in any order.
func (b *Book) Playlist(path string, p *Playlist) (streams []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	folder := folderOf(path)
	tell := func(l *playlist) {
		if stream := StreamOf(l.init); l.init != "" && ValidName(stream) {
			b.about(stream).playlist = l.hint
			streams = append(streams, stream)
		}
	}
	for i := range p.Renditions {
		r := &p.Renditions[i]
		if at, ok := resolve(folder, r.URI); ok {
			l := b.playlist(at)
			if r.Bandwidth != 0 {
				l.hint.Variant = r.Bandwidth
			} else {
				l.hint.Language, l.hint.Roles = r.Language, r.Roles
			}
			tell(l)
		}
	}
	init, ok := resolve(folder, p.Init)
	if !ok {
		return streams
	}
	for _, uri := range p.Media {
		if media, ok := resolve(folder, uri); ok {
			if pattern, ok := patternOf(path, media); ok {
				b.note(path, pattern, init)
			}
		}
	}
	l := b.playlist(path)
	l.init = init
	tell(l)
	return streams
}

// patternOf guesses how a playlist's segments are named, from one of them: the playlist's own name with a number behind it
// (ffmpeg's way), else the last number in the name is the segment's.
func patternOf(playlist, media string) (p Pattern, ok bool) {
	stem, _, _ := cutLast(playlist)
	name, ext, found := cutLast(media)
	if !found {
		return p, false
	}
	if number, ok := strings.CutPrefix(name, stem); ok && digits(number) {
		return Pattern{Prefix: stem, Suffix: "." + ext}, true
	}
	prefix := strings.TrimRight(name, "0123456789")
	return Pattern{Prefix: prefix, Suffix: "." + ext}, len(prefix) < len(name)
}

// cutLast divides a path at the dot before its extension.
func cutLast(path string) (stem, ext string, found bool) {
	if i := strings.LastIndexByte(path, '.'); i > strings.LastIndexByte(path, '/') {
		return path[:i], path[i+1:], true
	}
	return path, "", false
}

// about finds or makes the place for what is said of a stream. Called with mu held; the pointer is good until the next call.
func (b *Book) about(stream string) *said {
	for i := range b.said {
		if b.said[i].stream == stream {
			return &b.said[i]
		}
	}
	b.said = append(drop(b.said, maxTracks), said{stream: stream})
	return &b.said[len(b.said)-1]
}

// playlist finds or makes the note of a media playlist. Called with mu held; the pointer is good until the next call.
func (b *Book) playlist(path string) *playlist {
	for i := range b.playlists {
		if b.playlists[i].path == path {
			return &b.playlists[i]
		}
	}
	b.playlists = append(drop(b.playlists, maxTracks), playlist{path: path})
	return &b.playlists[len(b.playlists)-1]
}
