package origin

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"weir/media"
	"weir/segcache"
)

// errNoKeyFrame: the segment begins with another picture.
var errNoKeyFrame = errors.New("no sync sample at the start")

// answerKeyFrame answers for the key frame of a segment, by number or by the segment's start: one moof and one mdat, of a
// picture that lasts as long as the segment.
func (p *Presentation) answerKeyFrame(r *Request, a *Answer) {
	v := p.channel.Version()
	view := viewOf(v, &r.target)
	switch {
	case view == nil:
		a.fail(trackFault(v), 0)
		return
	case view.Kind != media.Video:
		a.fail(faultNoPictures, 0)
		return
	}
	s := segmentOf(view, &r.target)
	if fault := unready(v, view, s, &r.target); fault != nil {
		a.fail(fault, targetDuration(v))
		return
	}
	body, err := derive(s, variantKeyFrame, func(whole segcache.Body) (segcache.Body, error) { return keyFrame(whole, s) })
	switch {
	case errors.Is(err, errNoKeyFrame):
		a.fail(faultNoKeyFrame, targetDuration(v))
	case err != nil:
		a.fail(faultInternal, 0)
	default:
		a.Status, a.ContentType, a.CacheControl = 200, mediaType(view.Kind), cacheImmutable
		a.ETag, a.Body, a.Ranges = body.ETag(), body, rangesBytes
		a.finish(r)
	}
}

// keyFrame makes the key frame of a segment: its first sample, where that is a sync sample, for all of its time.
func keyFrame(whole segcache.Body, s *segcache.Segment) (segcache.Body, error) {
	ix, err := media.IndexSegment(whole.Slices())
	runtime.KeepAlive(whole)
	if err != nil {
		return segcache.Body{}, fmt.Errorf("segment %d: %w", s.N, err)
	}
	data, ok := ix.Sample(0)
	if !ok || !media.IsSync(ix.Samples[0].Flags) {
		return segcache.Body{}, errNoKeyFrame
	}
	first := ix.Samples[0]
	first.Duration = uint32(min(max(s.Duration, 0), math.MaxUint32))
	m := media.Moof{Sequence: ix.Sequence, Time: ix.Time, Samples: []media.Sample{first}, DataBytes: int(data.N)}
	return whole.Derive(segcache.Piece{Own: m.Append(nil)}, segcache.Piece{Off: data.Off, N: data.N}), nil
}
