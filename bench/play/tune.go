package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"weir/bench/check/m3u8"
	"weir/bench/check/mpd"
)

// get fetches a manifest. Answers beyond some megabytes are cut off.
func get(ctx context.Context, u *url.URL) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 8<<20))
}

// tuneHLS finds the media playlist to follow: the URL's own, or the first variant's.
func tuneHLS(ctx context.Context, u *url.URL) (string, error) {
	text, err := get(ctx, u)
	if err != nil {
		return "", err
	}
	list, err := m3u8.Parse(text)
	if err != nil {
		return "", err
	}
	if !list.Multivariant {
		return u.RequestURI(), nil
	}
	for _, v := range list.Variants {
		if !v.IFrame {
			return pathOf(u, v.URI)
		}
	}
	return "", errors.New("the playlist has no variant")
}

// A dashTarget names the segments of one representation. Used by one goroutine.
type dashTarget struct {
	base  *url.URL
	rep   *mpd.Representation
	from  mpd.Segment // segment 0 of the viewers' count
	first int64       // the number that viewers begin with
	last  int64       // the number that known names
	known string      // viewers all ask for the same
}

// tuneDASH finds the first video representation and its newest segment, which may still be growing.
func tuneDASH(ctx context.Context, u *url.URL) (*dashTarget, error) {
	text, err := get(ctx, u)
	if err != nil {
		return nil, err
	}
	m, err := mpd.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(m.Periods) == 0 {
		return nil, errors.New("the MPD has no Period")
	}
	rep := videoOf(m.Periods[len(m.Periods)-1])
	if rep == nil {
		return nil, errors.New("the MPD has no Representation")
	}
	segments := rep.Segments
	if !rep.Template.HasTimeline {
		segments = rep.Numbered(m, time.Now(), 1)
	}
	if len(segments) == 0 {
		return nil, errors.New("the MPD lists no segment")
	}
	return &dashTarget{base: u, rep: rep, from: segments[len(segments)-1], last: -1}, nil
}

// videoOf is the first representation of a Period's first video set, or of any set.
func videoOf(p *mpd.Period) *mpd.Representation {
	var other *mpd.Representation
	for _, set := range p.Sets {
		if len(set.Representations) == 0 || set.TrickMode != "" {
			continue
		}
		r := set.Representations[0]
		if set.ContentType == "video" || len(r.MimeType) > 5 && r.MimeType[:5] == "video" {
			return r
		}
		if other == nil {
			other = r
		}
	}
	return other
}

// path is where the nth segment from the first on is. All are taken to be as long as that one.
func (t *dashTarget) path(n int64) string {
	if n == t.last {
		return t.known
	}
	s := t.from
	s.Number, s.Time = s.Number+n, s.Time+n*s.Duration
	path, err := pathOf(t.base, t.rep.URLOf(s))
	if err != nil {
		path = fmt.Sprintf("/?%d", n) // refused, and seen in the report
	}
	t.last, t.known = n, path
	return path
}
