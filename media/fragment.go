package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Fragment is the index of one moof. Its slices are reused by the next Parse, so that a connection that keeps its
// Fragment allocates nothing per chunk at steady state. Not safe for concurrent use.
type Fragment struct {
	Sequence uint32 // mfhd sequence number, as the encoder counts
	Trafs    []Traf // in order of the moof; tracks that defaults does not know are left out

	budget int // samples that the moof may still claim
}

// A Traf is one track's part of a moof. All times are ticks of the encoder's timescale, edit list not applied.
type Traf struct {
	TrackID      uint32
	Time         int64 // decode time of the first sample, from tfdt
	HasTime      bool
	TfxdTime     int64 // Smooth's decode time; negative for the priming of an audio encoder
	TfxdDuration int64
	HasTfxd      bool
	Lookahead    []Span // tfrf: the fragments that follow, where a Smooth encoder tells
	Samples      []Sample
	DataOffset   int64 // bytes from the first byte of the moof to the first sample; -1: not said, the mdat starts with it
}

// Parse reads a complete moof box, header included. defaults gives the trex of a track, false for a track that the
// header does not name.
//
// The samples come out complete: what they leave open is filled from tfhd, then trex. Parse checks what it can see
// without the mdat; whether the samples lie inside the mdat is the caller's to check (Traf.DataOffset, Sample.Size). An
// error means that the chunk cannot be used: skip it with its mdat; what f holds then is of no use. b is not kept.
//
// Source: ISO/IEC 14496-12, 8.8.4 to 8.8.8 and 8.8.12; [MS-SSTR] 2.2.4 for uuid boxes.
func (f *Fragment) Parse(moof []byte, defaults func(trackID uint32) (Defaults, bool)) error {
	f.trim()
	f.Sequence, f.Trafs, f.budget = 0, f.Trafs[:0], MaxSamples
	body, err := payload(moof, boxMoof)
	if err != nil {
		return err
	}
	base := base{moof: int64(len(moof))}
	w := boxes{b: body}
	for w.next() {
		switch w.kind {
		case boxMfhd:
			if len(w.body) < 8 {
				return within(boxMfhd, errTruncated)
			}
			f.Sequence = binary.BigEndian.Uint32(w.body[4:])
		case boxTraf:
			if err := f.parseTraf(w.body, defaults, &base); err != nil {
				return within(boxTraf, err)
			}
		}
	}
	if w.err != nil {
		return w.err
	}
	if base.trafs == 0 {
		return errors.New("moof without traf")
	}
	return nil
}

// trim lets go of what earlier moofs needed where that is more than one moof can: 64 tracks may each have had the most
// samples in turn.
func (f *Fragment) trim() {
	kept, all := 0, f.Trafs[:cap(f.Trafs)]
	for i := range all {
		kept += cap(all[i].Samples)
	}
	if kept > 2*MaxSamples {
		f.Trafs = nil
	}
}

// grow appends a Traf, taking back the slices of an earlier one where there is one.
func (f *Fragment) grow(trackID uint32) *Traf {
	n := len(f.Trafs)
	if n < cap(f.Trafs) {
		f.Trafs = f.Trafs[:n+1]
	} else {
		f.Trafs = append(f.Trafs, Traf{})
	}
	t := &f.Trafs[n]
	*t = Traf{TrackID: trackID, DataOffset: -1, Samples: t.Samples[:0], Lookahead: t.Lookahead[:0]}
	return t
}

// base finds where the samples of a moof's tracks start, counted from the moof.
type base struct {
	moof  int64 // size of the moof in bytes
	trafs int
	first int64 // base-data-offset of the first traf that has one
	given bool
	shift int64 // what turns first into an offset from the moof
	end   int64 // end of the data of the traf before; 0 where there is none or it is not known
}

func (f *Fragment) parseTraf(b []byte, defaults func(uint32) (Defaults, bool), at *base) error {
	if at.trafs++; at.trafs > MaxTracks {
		return fmt.Errorf("more than %d in a moof", MaxTracks)
	}
	w := boxes{b: b}
	if !w.next() {
		if w.err != nil {
			return w.err
		}
		return errors.New("empty")
	}
	if w.kind != boxTfhd {
		return fmt.Errorf("starts with %q, not tfhd", fourCC(w.kind))
	}
	h, err := parseTfhd(w.body)
	if err != nil {
		return within(boxTfhd, err)
	}
	d, known := defaults(h.trackID)
	if !known {
		at.end = 0
		return nil
	}
	h.fill(d)
	t := f.grow(h.trackID)
	var runs runs
	for w.next() {
		switch w.kind {
		case boxTfdt:
			err = t.parseTfdt(w.body)
		case boxTrun:
			err = f.parseTrun(t, w.body, &h, &runs)
		case boxUUID:
			err = t.parseUUID(w.body)
		}
		if err != nil {
			return fmt.Errorf("track_ID %d: %w", h.trackID, within(w.kind, err))
		}
	}
	if w.err != nil {
		return fmt.Errorf("track_ID %d: %w", h.trackID, w.err)
	}
	if err := t.finish(&h); err != nil {
		return fmt.Errorf("track_ID %d: %w", h.trackID, err)
	}
	if !at.place(t, &h, &runs) {
		return fmt.Errorf("track_ID %d: samples before the moof", h.trackID)
	}
	return nil
}

// place turns the data offset of a track's runs into one that counts from the moof. It reports false for one that cannot
// be.
//
// Source: ISO/IEC 14496-12, 8.8.7.1. A base-data-offset counts from a start of file that a live stream does not have:
// the first one in a moof is taken for the moof's own place, as all encoders mean it, or for that of the payload where
// the runs would else lie inside the moof.
func (at *base) place(t *Traf, h *tfhd, r *runs) bool {
	offset, known := r.offset, r.hasOffset
	switch {
	case h.flags&tfhdBase != 0:
		if !at.given {
			at.given, at.first = true, h.base
			if offset < at.moof {
				at.shift = at.moof + 8
			}
		}
		offset, known = offset+h.base-at.first+at.shift, true
	case h.flags&tfhdBaseIsMoof == 0 && at.trafs > 1:
		offset, known = offset+at.end, at.end > 0
	}
	at.end = 0
	if !known || offset < 0 {
		return !known
	}
	t.DataOffset = offset
	at.end = offset + r.bytes
	return true
}

// finish checks that samples have times, durations and sizes.
func (t *Traf) finish(h *tfhd) error {
	if len(t.Samples) == 0 {
		return nil
	}
	if !t.HasTime && !t.HasTfxd {
		return errors.New("neither tfdt nor tfxd: no decode time")
	}
	if h.sizeless {
		return errors.New("samples without sizes")
	}
	if h.timeless {
		if len(t.Samples) != 1 || !t.HasTfxd || t.TfxdDuration > 1<<32-1 { // 0 is a sparse event without a length
			return errors.New("samples without durations")
		}
		t.Samples[0].Duration = uint32(t.TfxdDuration)
	}
	return nil
}
