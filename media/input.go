package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUnsupported means that the header is sound, but names a codec that weir does not carry: answer 415.
var ErrUnsupported = errors.New("not supported")

// An Input is one track as an encoder's header describes it. It is immutable once made.
type Input struct {
	Track            // as published, but for Timescale, Init and InitHash, which Publish sets
	ID        uint32 // the encoder's track_ID
	Timescale uint32 // the encoder's ticks per second
	Shift     int64  // ticks to take off the fragments' times (edit list); may be negative
	Defaults  Defaults

	FrameSamples uint32 // audio: samples of a frame, at SampleRate, where the configuration tells; else 0

	entry       []byte // sample entry as published
	shown       [2]int // video: pixels shown, for tkhd
	nal         nalFormat
	nalSize     int // bytes of the length before each NAL unit
	handlerType uint32
	blank       []byte // text: a sample that shows nothing
}

// ParseInit reads a complete moov box, header included: the tracks that carry video, audio, text or metadata, in its
// order. Tracks of other kinds (time code, hints) are passed over. b is not kept.
//
// errors.Is(err, ErrUnsupported) tells a codec that weir does not carry; any other error means a header that is not in
// order. What is read allocates in proportion to b, never by a size that b declares.
//
// Source: ISO/IEC 14496-12, 8.2 to 8.8.3.
func ParseInit(moov []byte) ([]Input, error) {
	body, err := payload(moov, boxMoov)
	if err != nil {
		return nil, err
	}
	var (
		h      header
		traks  [][]byte
		extend []byte
	)
	w := boxes{b: body}
	for w.next() {
		switch w.kind {
		case boxMvhd:
			if h.timescale, err = parseMvhd(w.body); err != nil {
				return nil, within(boxMvhd, err)
			}
		case boxTrak:
			if traks = append(traks, w.body); len(traks) > MaxTracks {
				return nil, fmt.Errorf("more than %d tracks", MaxTracks)
			}
		case boxMvex:
			extend = w.body
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	if h.defaults, err = parseMvex(extend); err != nil {
		return nil, within(boxMvex, err)
	}
	return h.inputs(traks)
}

// header is what the tracks of a moov share.
type header struct {
	timescale uint32 // of the movie: edit lists count in it
	defaults  map[uint32]Defaults
}

func (h *header) inputs(traks [][]byte) ([]Input, error) {
	var inputs []Input
	seen := make(map[uint32]bool, len(traks))
	for i, b := range traks {
		in, ok, err := h.parseTrak(b)
		if err != nil {
			return nil, fmt.Errorf("track %d: %w", i+1, err)
		}
		if !ok {
			continue
		}
		if seen[in.ID] {
			return nil, fmt.Errorf("track %d: track_ID %d for the second time", i+1, in.ID)
		}
		seen[in.ID] = true
		inputs = append(inputs, in)
	}
	if len(inputs) == 0 {
		if len(traks) == 0 {
			return nil, errors.New("moov without tracks")
		}
		return nil, fmt.Errorf("none of %d tracks carries video, audio, text or metadata: %w", len(traks), ErrUnsupported)
	}
	return inputs, nil
}

// parseMvhd reads the movie's timescale. Source: ISO/IEC 14496-12, 8.2.2.
func parseMvhd(b []byte) (uint32, error) {
	version, _, b, err := fullBox(b)
	if err != nil {
		return 0, err
	}
	skip := 8
	if version > 0 {
		skip = 16
	}
	if len(b) < skip+4 {
		return 0, errTruncated
	}
	return binary.BigEndian.Uint32(b[skip:]), nil
}

// parseMvex reads the defaults of each track. Source: ISO/IEC 14496-12, 8.8.1 and 8.8.3.
func parseMvex(b []byte) (map[uint32]Defaults, error) {
	defaults := map[uint32]Defaults{}
	w := boxes{b: b}
	for w.next() {
		if w.kind != boxTrex {
			continue
		}
		if len(w.body) < 24 {
			return nil, within(boxTrex, errTruncated)
		}
		f := w.body[4:]
		defaults[binary.BigEndian.Uint32(f)] = Defaults{
			Duration: binary.BigEndian.Uint32(f[8:]),
			Size:     binary.BigEndian.Uint32(f[12:]),
			Flags:    binary.BigEndian.Uint32(f[16:]),
		}
	}
	return defaults, w.err
}
