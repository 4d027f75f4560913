package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// nalFormat tells how samples are cut into NAL units.
type nalFormat uint8

const (
	nalNone nalFormat = iota
	nalAVC
	nalHEVC
)

// entry is a sample entry: what it says of the track, and how weir writes it.
type entry struct {
	kind       uint32 // its type
	codec      string
	picture    picture
	shown      [2]int
	rate       Ratio
	sampleRate uint32
	channels   int
	frame      uint32
	bitrate    int
	nal        nalFormat
	nalSize    int
	published  []byte // the box: a function of the decoder configuration alone
}

// parseStsd reads the sample description, which must have one entry. scale is the track's timescale.
//
// Source: ISO/IEC 14496-12, 8.5.2; ISO/IEC 23000-19, 7.5.10 (one entry).
func parseStsd(b []byte, kind Kind, scale uint32) (*entry, error) {
	_, _, b, err := fullBox(b)
	if err != nil || len(b) < 4 {
		return nil, errTruncated
	}
	if n := binary.BigEndian.Uint32(b); n != 1 {
		return nil, fmt.Errorf("%d sample entries: %w", n, ErrUnsupported)
	}
	w := boxes{b: b[4:]}
	if !w.next() {
		if w.err == nil {
			w.err = errTruncated
		}
		return nil, w.err
	}
	e := &entry{kind: w.kind}
	if len(w.body) < 8 {
		return nil, within(e.kind, errTruncated)
	}
	body := w.body[8:] // after reserved and data_reference_index
	switch kind {
	case Video:
		err = e.parseVisual(body)
	case Audio:
		err = e.parseSound(body, scale)
	case Text, Metadata:
		err = e.parseTimed(body, kind)
	}
	if err != nil {
		return nil, within(e.kind, err)
	}
	if len(e.published) > maxEntry {
		return nil, within(e.kind, fmt.Errorf("%d bytes: more than %d", len(e.published), maxEntry))
	}
	return e, nil
}

// input is the track as far as the entry tells.
func (e *entry) input(kind Kind) Input {
	return Input{
		Track: Track{
			Kind: kind, SampleEntry: fourCC(e.kind), Codec: e.codec, Width: e.shown[0], Height: e.shown[1], FrameRate: e.rate,
			SampleRate: e.sampleRate, Channels: e.channels, Bitrate: e.bitrate,
		},
		FrameSamples: e.frame, entry: e.published, shown: e.shown, nal: e.nal, nalSize: e.nalSize,
	}
}

// config is the codec configuration box of an entry, and the other children that are published with it.
type config struct {
	body []byte // of the configuration box; nil where there is none
	kept []byte // other children as they came, in their order
}

// readChildren takes the children of a sample entry apart: the configuration box named want, btrt, and what keep names.
// Everything else (an encoder's own boxes) is left out. The end of the entry may hold the four zero bytes of QuickTime.
func (e *entry) readChildren(b []byte, want string, keep ...string) (c config, err error) {
	if len(b) == 4 && binary.BigEndian.Uint32(b) == 0 {
		b = nil
	}
	w := boxes{b: b}
	for w.next() {
		name := fourCC(w.kind)
		if name == "btrt" && len(w.body) >= 12 {
			e.bitrate = nominal(binary.BigEndian.Uint32(w.body[8:]), binary.BigEndian.Uint32(w.body[4:]))
			continue
		}
		if name == want {
			if c.body != nil {
				return c, fmt.Errorf("%s for the second time", want)
			}
			if c.body = w.body; len(w.body) > maxConfig {
				return c, fmt.Errorf("%s of %d bytes", want, len(w.body))
			}
			continue
		}
		for _, k := range keep {
			if name == k && len(w.all) <= maxConfig {
				c.kept = append(c.kept, w.all...)
			}
		}
		if name == "pasp" && len(w.body) >= 8 {
			e.picture.aspect = Ratio{binary.BigEndian.Uint32(w.body), binary.BigEndian.Uint32(w.body[4:])}.reduced()
		}
		if len(c.kept) > maxConfig {
			return c, errors.New("too many boxes")
		}
	}
	if w.err != nil {
		return c, w.err
	}
	if want != "" && c.body == nil {
		return c, fmt.Errorf("no %s", want)
	}
	return c, nil
}

// nominal is the bitrate that a header declares: the average, else the peak; 0 where that is no bitrate.
func nominal(average, peak uint32) int {
	if average == 0 {
		average = peak
	}
	if average > 1<<31-1 {
		return 0
	}
	return int(average)
}
