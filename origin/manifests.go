package origin

import (
	"weir/manifest/dash"
	"weir/media"
)

// answerManifest answers for a multivariant playlist, an MPD, a client manifest or a media playlist.
func (p *Presentation) answerManifest(r *Request, a *Answer, f protocol, m *metrics) {
	s := p.current.Load()
	which, fault := s.which(&r.target, f)
	if fault != nil {
		a.fail(fault, s.presentation.TargetDuration)
		return
	}
	zipped := acceptsGzip(r.AcceptEncoding)
	form := s.form(which, zipped, m)
	if len(form.bytes) == 0 {
		a.fail(faultNoMedia, 0)
		return
	}
	live, target := s.presentation.Live, s.presentation.TargetDuration
	switch which {
	case documentMultivariant:
		a.ContentType, a.CacheControl = typePlaylist, cacheMultivariant(live)
	case documentMPD, documentMPDNumber:
		a.ContentType, a.CacheControl = typeMPD, cacheManifest(live, target)
	case documentSmooth, documentSmooth20:
		a.ContentType, a.CacheControl = typeSmooth, cacheManifest(live, target)
	default:
		a.ContentType, a.CacheControl = typePlaylist, cacheManifest(live, target)
	}
	a.setForm(form, zipped, true)
	a.finish(r)
}

// which is the place of a target's document, or the fault that it is not there.
func (s *snapshot) which(t *target, f protocol) (int, *Fault) {
	tracks := s.presentation.Tracks
	if len(tracks) == 0 {
		return 0, faultNoMedia
	}
	switch {
	case t.object == objectPlaylist:
		for i := range tracks {
			if tracks[i].ID != t.id || !equalFolded(t.track, tracks[i].Name) {
				continue
			}
			if !t.keyframes {
				return documentPlaylists + i, nil
			}
			if m := tracks[i].Newest(); m == nil || m.Kind != media.Video {
				return 0, faultNoPictures
			}
			return documentPlaylists + len(tracks) + i, nil
		}
		return 0, faultTrack
	case f == protocolHLS:
		return documentMultivariant, nil
	case f == protocolDASH:
		return documentMPD, nil
	case f == protocolDASHNumber && !dash.Numbers(&s.presentation):
		return 0, faultNumbers
	case f == protocolDASHNumber:
		return documentMPDNumber, nil
	case f == protocolSmooth:
		return documentSmooth, nil
	case f == protocolSmooth20:
		return documentSmooth20, nil
	}
	return 0, faultFormatUnknown
}
