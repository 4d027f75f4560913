package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A Segment is the index of a segment as weir publishes it: the samples of all its chunks in order, and where their
// bytes lie. What is derived from a segment (one moof for all of it, a key frame alone) is written from this index.
type Segment struct {
	Sequence uint32    // mfhd sequence number of the first chunk
	Time     int64     // decode time of the first sample, ticks of the published timescale since the Unix epoch
	Samples  []Sample  // each one's duration leads to the next one's decode time
	Data     []Stretch // the samples' bytes within the segment, in order: no sample lies in two of them

	end int64
}

// A Stretch is N bytes from byte Off of a segment on.
type Stretch struct{ Off, N int64 }

// IndexSegment reads the index of a published segment out of its bytes, given as the slices that they lie in; a box
// header or moof lies in one slice as a whole, a payload in any number. It keeps nothing of b.
//
// An error means that this is no segment of weir's: it was not made by Moof, or is not whole.
func IndexSegment(b [][]byte) (*Segment, error) {
	s := &Segment{}
	var (
		f   Fragment
		cur []byte // what is left of the slice before b[0]
		at  int64  // bytes of the segment before cur
		due int64  // bytes of the mdat that a moof asks for
	)
	for {
		for len(cur) == 0 && len(b) > 0 {
			cur, b = b[0], b[1:]
		}
		if len(cur) == 0 {
			break
		}
		box, err := ReadBox(cur)
		if err != nil {
			return nil, err
		}
		switch kind := binary.BigEndian.Uint32(cur[4:]); {
		case kind == boxMoof && due > 0:
			return nil, errNoMdat
		case kind == boxMoof && box.Size > int64(len(cur)):
			return nil, within(kind, errTruncated)
		case kind == boxMoof:
			due, err = s.add(&f, cur[:box.Size])
		case kind == boxMdat:
			err = s.addData(Stretch{at + int64(box.Head), box.Size - int64(box.Head)}, due)
			due = 0
		}
		if err != nil {
			return nil, err
		}
		at += box.Size
		left := box.Size
		for ; left > int64(len(cur)); cur, b = b[0], b[1:] {
			if left -= int64(len(cur)); len(b) == 0 {
				return nil, fmt.Errorf("box %q: %w", box.Type, errTruncated)
			}
		}
		cur = cur[left:]
	}
	if due > 0 {
		return nil, errNoMdat
	}
	return s, nil
}

var errNoMdat = errors.New("moof without mdat")

// add appends the samples of a chunk. It returns how many bytes they have.
func (s *Segment) add(f *Fragment, moof []byte) (bytes int64, err error) {
	own := func(id uint32) (Defaults, bool) { return Defaults{}, id == 1 } // published moofs leave nothing to trex
	if err := f.Parse(moof, own); err != nil {
		return 0, err
	}
	if len(f.Trafs) != 1 || !f.Trafs[0].HasTime {
		return 0, errors.New("moof is not of one track with a decode time")
	}
	t := &f.Trafs[0]
	if len(s.Samples) == 0 {
		s.Sequence, s.Time, s.end = f.Sequence, t.Time, t.Time
	} else if t.Time != s.end { // the last sample lasts until the chunk starts, as in a player
		last := &s.Samples[len(s.Samples)-1]
		s.end -= int64(last.Duration)
		last.Duration = uint32(min(max(t.Time-s.end, 0), math.MaxUint32))
		s.end += int64(last.Duration)
	}
	s.Samples = append(s.Samples, t.Samples...)
	for i := range t.Samples {
		s.end += int64(t.Samples[i].Duration)
		bytes += int64(t.Samples[i].Size)
	}
	return bytes, nil
}

// addData notes where the samples of the last chunk lie, which have due bytes.
func (s *Segment) addData(d Stretch, due int64) error {
	if d.N != due {
		return fmt.Errorf("mdat of %d bytes for samples of %d", d.N, due)
	}
	if d.N > 0 {
		s.Data = append(s.Data, d)
	}
	return nil
}

// End is where the last sample ends, in ticks.
func (s *Segment) End() int64 { return s.end }

// Bytes is how many bytes all samples have.
func (s *Segment) Bytes() (bytes int64) {
	for i := range s.Data {
		bytes += s.Data[i].N
	}
	return bytes
}

// Sample is where the bytes of sample i lie; false where the index has no such sample.
func (s *Segment) Sample(i int) (Stretch, bool) {
	if i < 0 || i >= len(s.Samples) {
		return Stretch{}, false
	}
	skip := int64(0)
	for k := range i {
		skip += int64(s.Samples[k].Size)
	}
	n := int64(s.Samples[i].Size)
	for _, d := range s.Data {
		if skip+n <= d.N {
			return Stretch{d.Off + skip, n}, true
		}
		skip -= d.N
	}
	return Stretch{}, n == 0
}
