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
	live, target := s.presentation.Live, s.presentation.TargetDuration
	switch which {
	case documentMultivariant:
		s.answerDocument(which, typePlaylist, cacheMultivariant(live), r, a, m)
	case documentMPD, documentMPDLow, documentMPDNumber:
		s.answerDocument(which, typeMPD, cacheManifest(live, target), r, a, m)
	case documentSmooth, documentSmooth20:
		s.answerDocument(which, typeSmooth, cacheManifest(live, target), r, a, m)
	default:
		s.answerPlaylist(which, r, a, m)
	}
}

// answerDocument answers with one of the snapshot's documents.
func (s *snapshot) answerDocument(which int, contentType, cache string, r *Request, a *Answer, m *metrics) {
	zipped := acceptsGzip(r.AcceptEncoding)
	form := s.form(which, zipped, m)
	if len(form.bytes) == 0 {
		a.fail(faultNoMedia, 0)
		return
	}
	a.ContentType, a.CacheControl = contentType, cache
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
	case f == protocolDASHLow:
		return documentMPDLow, nil
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
