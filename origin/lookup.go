package origin

// Answer finds the answer to a request. It reads the routing snapshot and the live window, takes no lock that a writer
// holds, and allocates nothing for a stored segment or a manifest that is rendered already; a manifest that is not is
// rendered by the first request that needs it while the others wait for that one.
//
// a is overwritten. Its bytes may be held for as long as they are needed. Safe for concurrent use.
func (s *Server) Answer(r *Request, a *Answer) {
	*a = Answer{}
	page := isPage(r.Path)
	if page {
		a.Kind = KindPage
	}
	switch r.Method {
	case MethodGet, MethodHead:
	case MethodOptions:
		a.Status = 204
		return
	case MethodOther:
		a.fail(faultMethod, 0)
		return
	}
	switch {
	case page:
		s.answerPage(r, a)
	case string(r.Path) == "/time":
		r.answerTime(a)
	default:
		s.answerMedia(r, a)
	}
}

// answerTime says what time it is, for players that set their clock by UTCTiming.
//
// Source: ISO/IEC 23009-1, 5.8.4.11 (urn:mpeg:dash:utc:http-xsdate).
func (r *Request) answerTime(a *Answer) {
	a.Kind, a.Status = KindTime, 200
	a.ContentType, a.CacheControl = typeText, cacheNever
	a.Bytes = r.Now.UTC().AppendFormat(r.scratch[:0], "2006-01-02T15:04:05.000Z")
}

// answerMedia answers for what lies below a locator.
func (s *Server) answerMedia(r *Request, a *Answer) {
	t := &r.target
	var fault *Fault
	if r.folded, fault = t.parse(r.folded, r.Path); fault != nil {
		a.fail(fault, 0)
		return
	}
	f, formatFault := t.parseFormat()
	a.Kind = t.kind(f)
	p, fault := s.route(r)
	if fault == nil {
		fault = formatFault
	}
	if fault != nil {
		a.fail(fault, 0)
		return
	}
	switch {
	case t.smooth():
		p.answerSmooth(r, a)
	case t.object == objectFragment:
		p.answerFragment(r, a)
	case t.object == objectKeyFrame:
		p.answerKeyFrame(r, a)
	default:
		p.answerManifest(r, a, f, &s.metrics)
	}
}

// route finds the presentation of a target and checks who asks, and when.
func (s *Server) route(r *Request) (*Presentation, *Fault) {
	l := s.Routes().Locators[string(r.target.locator)]
	if l == nil || !l.validAt(r.Now) {
		return nil, faultUnauthorized
	}
	if !l.admits(r.Client) {
		return nil, faultAddress
	}
	p := l.Presentations[string(r.target.name)]
	if p == nil {
		return nil, faultNotFound
	}
	return p, nil
}

// A protocol is a family of manifests.
type protocol uint8

const (
	protocolNone protocol = iota
	protocolHLS
	protocolDASH
	protocolDASHLow // lists segments that are still to come
	protocolDASHNumber
	protocolSmooth   // version 2.2: runs of equal chunks are said once
	protocolSmooth20 // version 2.0
)

// parseFormat reads format=, encryption= and what else chooses a form of the object: a protocol that is served, or the
// fault that says what to ask for instead. Segments by number have one form for all protocols; by time see smooth.
//
// Source: the streaming URLs of AMS v3 (format and encryption tags).
func (t *target) parseFormat() (protocol, *Fault) {
	p, fault := protocolNone, (*Fault)(nil)
	switch string(t.format) {
	case "m3u8-cmaf":
		p = protocolHLS
	case "mpd-time-cmaf":
		p = protocolDASH
	case "mpd-time-cmaf-ll":
		p = protocolDASHLow
	case "mpd-number-cmaf":
		p = protocolDASHNumber
	case "":
		switch t.object {
		case objectManifest:
			p = protocolSmooth
		case objectPlaylist:
			p = protocolHLS
		}
	case "fmp4-v20":
		p = protocolSmooth20
	case "mpd-time-csf",
		"m3u8-aapl", "m3u8-aapl-v3", "m3u8-aapl-v4", "m3u8-aapl-v8":
		fault = faultFormatUnbuilt
	default:
		fault = faultFormatUnknown
	}
	switch {
	case fault != nil:
	case t.object == objectPlaylist && p != protocolHLS:
		fault = faultFormatUnknown
	case len(t.filter) > 0:
		fault = faultFilter
	case len(t.encryption) > 0:
		fault = t.encryptionFault()
	}
	return p, fault
}

// encryptionFault tells apart what weir's streaming policies do not set from what nobody knows.
func (t *target) encryptionFault() *Fault {
	switch string(t.encryption) {
	case "cbc", "cenc", "cbcs-aapl", "piff":
		return faultEncryptionNotSet
	}
	return faultEncryptionUnknown
}

// kind is the label that the answer is counted under, faults included.
func (t *target) kind(p protocol) Kind {
	switch {
	case t.object == objectPlaylist:
		return KindPlaylist
	case t.smooth():
		return KindFragment
	case t.object == objectFragment && (t.selector == byHash || t.selector == byInit):
		return KindInit
	case t.object == objectFragment && t.part >= 0:
		return KindPart
	case t.object == objectFragment:
		return KindSegment
	case t.object == objectKeyFrame:
		return KindKeyFrame
	case p == protocolHLS:
		return KindMultivariant
	case p == protocolDASH || p == protocolDASHLow || p == protocolDASHNumber:
		return KindMPD
	case p == protocolSmooth || p == protocolSmooth20:
		return KindSmooth
	}
	return KindOther
}
