package dash

import (
	"strconv"

	"weir/manifest"
	"weir/media"
)

// Trick mode: the key frames of a set of video as an AdaptationSet of their own, one frame a segment, each a resource that
// lasts as long as the segment it was taken from, with the same times. Players who do not know its EssentialProperty have to
// leave the set alone. A key frame is there when its segment is whole, which a clock cannot tell to a low-latency player:
// there is none in MPDs by $Number$.
//
// Source: DASH-IF IOP 4.3, 3.2.9 (trick mode); ISO/IEC 23009-1, 5.3.7 (@maxPlayoutRate, @codingDependency).

// tricks tells whether the set that track i opens has one of key frames beside it.
func tricks(p *manifest.Presentation, pd *period, i int) bool {
	m := pd.listed(&p.Tracks[i])
	return m != nil && m.Kind == media.Video && !pd.numbered && pd.generation.KeyFrames() && opens(p, pd, i)
}

// trickID is the AdaptationSet@id of the key frames of a set: as stable as that one's, and another.
func trickID(main uint32) uint32 { return hash(hash(hashBasis, "keyframes")^main, "") >> 1 }

// appendTrickSet appends the AdaptationSet of key frames of the set that track i opens.
func appendTrickSet(dst []byte, p *manifest.Presentation, pd *period, i int) []byte {
	m := pd.listed(&p.Tracks[i])
	main := setID(m)
	dst = append(dst, `  <AdaptationSet id="`...)
	dst = strconv.AppendUint(dst, uint64(trickID(main)), 10)
	dst = append(dst, `" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1"`...)
	if lang := manifest.Language(m); lang != "und" {
		dst = manifest.AppendAttribute(dst, "lang", lang)
	}
	dst = appendLargest(dst, p, pd, i)
	dst = manifest.AppendNumber(dst, "maxPlayoutRate", pd.trickRate(m))
	dst = append(dst, " codingDependency=\"false\">\n   <EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/trickmode\" value=\""...)
	dst = strconv.AppendUint(dst, uint64(main), 10)
	dst = append(dst, "\"/>\n"...)
	for j := i; j < len(p.Tracks); j++ {
		if o := pd.listed(&p.Tracks[j]); o != nil && sameSet(o, m) {
			dst = appendTrickRepresentation(dst, pd, &p.Tracks[j], o)
		}
	}
	return append(dst, "  </AdaptationSet>\n"...)
}

// trickRate is how much faster than real time key frames can play before they come faster than pictures do.
func (pd *period) trickRate(m *media.Track) int64 {
	g, r := pd.generation, m.FrameRate
	if r.Num == 0 || r.Den == 0 || g.Timescale == 0 {
		r = media.Ratio{Num: 25, Den: 1}
	}
	slot := manifest.Floor(g.SlotTicks, g.Timescale, 1000) // ms
	return min(max(slot*int64(r.Num)/int64(r.Den)/1000, 2), 1000)
}

// appendTrickRepresentation appends the key frames of a track. @bandwidth is the track's: a bound, as in HLS.
func appendTrickRepresentation(dst []byte, pd *period, t *manifest.Track, m *media.Track) []byte {
	dst = append(dst, `   <Representation id="`...)
	dst = manifest.AppendEscaped(dst, t.Name)
	dst = append(dst, '_')
	dst = strconv.AppendInt(dst, t.ID, 10)
	dst = append(dst, `_k"`...) // the ids of tracks end with a number
	if m.Codec != "" {
		dst = manifest.AppendAttribute(dst, "codecs", m.Codec)
	}
	dst = manifest.AppendNumber(dst, "bandwidth", bandwidth(t))
	dst = appendSize(dst, "width", m.Width, "height", m.Height)
	g := pd.generation
	d := gcd(int64(g.Timescale), g.SlotTicks)
	if d > 0 && g.SlotTicks > 0 { // a frame a slot
		dst = manifest.AppendNumber(dst, "frameRate", int64(g.Timescale)/d)
		if den := g.SlotTicks / d; den != 1 {
			dst = append(dst[:len(dst)-1], '/')
			dst = append(strconv.AppendInt(dst, den, 10), '"')
		}
	}
	dst = append(dst, " sar=\"1:1\">\n"...)
	dst = appendTemplate(dst, pd, t, m, 0, manifest.AppendKeyFrameTemplate)
	return append(dst, "   </Representation>\n"...)
}
