package web

import (
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"

	"weir/ingest"
	"weir/ingest/cmaf"
	"weir/media"
)

// manifest takes an encoder's MPD or playlist: what it says of names, bitrates and languages helps, and nothing depends on it.
func (s *Server) manifest(ctx *fasthttp.RequestCtx, door *ingest.Door, t target) (status int, text string) {
	leave, err := door.Channel.Visit(2 * cmaf.MaxManifest)
	if err != nil {
		return s.refuse(ctx, door, t, err)
	}
	defer leave()
	r := s.bodyOf(ctx, loose{time.Now().Add(s.cfg.Limits.Idle), s.cfg.Limits.Idle})
	body, status, text := readManifest(string(ctx.Request.Header.Peek("Content-Encoding")), r)
	if status != 0 {
		if status >= 400 {
			s.metrics.failure("manifest")
		}
		return status, text
	}
	b := s.book(door.Channel)
	streams, err := b.read(door.Channel, t.path, body)
	if err != nil {
		s.metrics.failure("manifest")
		return 400, err.Error() + "\n"
	}
	for _, name := range streams {
		if stream := door.Channel.KnownSource(name, t.source); stream != nil {
			b.hint(stream, name)
		}
	}
	return 200, ""
}

// read parses a manifest and takes it into the book.
func (b *book) read(channel *ingest.Channel, path string, body []byte) (streams []string, err error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if extension(path) == "m3u8" {
		p, err := cmaf.ParsePlaylist(body)
		if err != nil {
			return nil, err
		}
		return b.Playlist(path, p), nil
	}
	m, err := cmaf.ParseMPD(body)
	if err != nil {
		return nil, err
	}
	if m.HasStart {
		channel.Announce(m.Start)
	}
	return b.MPD(path, m), nil
}

// hint tells a stream what manifests say of it. A variant's BANDWIDTH is its video's, with the audio and a margin on top: it
// is used for want of anything better.
func (b *book) hint(stream *ingest.Stream, name string) {
	mpd, playlist := b.Hints(name)
	stream.SetHints(ingest.MPD, []ingest.TrackHint{
		{Bitrate: int(mpd.Bitrate), Language: mpd.Language, Roles: roles(mpd.Roles)},
	})
	stream.SetHints(ingest.Playlist, []ingest.TrackHint{
		{Kind: media.Video, Bitrate: int(playlist.Variant)},
		{Kind: media.Audio, Language: playlist.Language, Roles: roles(playlist.Roles)},
		{Kind: media.Text, Language: playlist.Language, Roles: roles(playlist.Roles)},
	})
}

func roles(values []string) (list []media.Role) {
	for _, v := range values {
		list = append(list, media.Role{Scheme: "urn:mpeg:dash:role:2011", Value: v})
	}
	return list
}

// readManifest reads a body of at most cmaf.MaxManifest bytes, packed and unpacked. A status other than 0 is the answer.
func readManifest(encoding string, r io.Reader) (body []byte, status int, text string) {
	const large = "manifest larger than 1 MiB\n"
	packed := &io.LimitedReader{R: r, N: cmaf.MaxManifest + 1}
	r = packed
	switch encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(packed)
		if errors.Is(err, io.EOF) {
			return nil, 200, ""
		}
		if err != nil {
			return nil, 400, "Content-Encoding is gzip, the body is not\n"
		}
		r = io.LimitReader(z, cmaf.MaxManifest+1)
	default:
		return nil, 415, "Content-Encoding: manifests may be packed with gzip only\n"
	}
	body, err := io.ReadAll(r)
	switch {
	case len(body) > cmaf.MaxManifest || packed.N <= 0:
		return nil, 413, large
	case errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum):
		return nil, 400, "Content-Encoding is gzip, the body is not\n"
	case err != nil:
		status, _ = statusOf(err)
		return nil, max(status, 400), err.Error() + "\n" // 400: cut, and most likely nobody is there to answer
	case len(body) == 0:
		return nil, 200, ""
	}
	return body, 0, ""
}
