package mp4

import (
	"encoding/binary"
	"fmt"

	"weir/media"
)

// A Segment is a media segment, or any run of chunks.
type Segment struct {
	Brands []string // of styp; nil where there is none
	Styp   Box
	Sidx   int // sidx boxes
	Chunks []Chunk
	Bytes  int
	Faults []Fault
}

// A Chunk is one moof with its mdat.
type Chunk struct {
	Moof, Mdat Box
	Sequence   uint32
	media.Traf
	Version  uint8 // of trun
	HasCTO   bool  // trun gives composition offsets
	Emsgs    []Emsg
	Prfts    []Prft
	Payloads [][]byte // one a sample; nil where the sizes do not fit the mdat
	HasTfrf  bool
}

// An Emsg is an event message before a moof.
type Emsg struct {
	Box
	media.Emsg
}

// A Prft is a producer reference time before a moof.
type Prft struct {
	Box
	media.Prft
}

// ReadSegment reads a media segment of the track with that id (0: whatever it is) and those defaults. What the format
// forbids stands in Faults; the chunks that can be read are there all the same. b is kept.
//
// Source: ISO/IEC 23000-19, 7.3.2 and 7.5.15 to 7.5.20; ISO/IEC 14496-12, 8.8.
func ReadSegment(b []byte, id uint32, defaults media.Defaults) *Segment {
	s := &Segment{Bytes: len(b)}
	list, err := walk(b, 0, maxBoxes)
	if err != nil {
		s.fault(65, fmt.Sprintf("byte %d", end(list)), err.Error(), "boxes fill the segment exactly")
	}
	var next Chunk // in the making
	for i, box := range list {
		switch box.Type {
		case "styp":
			if i == 0 {
				s.Styp, s.Brands = box, brands(box)
			} else if next.Moof.Type != "" {
				s.fault(69, box.String(), "styp between moof and mdat", "it stands before a moof")
			}
		case "sidx":
			s.Sidx++
		case "emsg":
			s.emsg(&next, box)
		case "prft":
			if p, err := media.ParsePrft(box.All); err != nil {
				s.fault(71, box.String(), err.Error(), "a prft that can be read")
			} else {
				next.Prfts = append(next.Prfts, Prft{box, p})
			}
		case "moof":
			if next.Moof.Type != "" {
				s.fault(65, next.Moof.String(), "no mdat behind it", "a chunk is a moof and its mdat")
				next = Chunk{}
			}
			next.Moof = box
		case "mdat":
			if next.Moof.Type == "" {
				s.fault(65, box.String(), "no moof before it", "a chunk is a moof and its mdat")
				continue
			}
			next.Mdat = box
			s.chunk(next, id, defaults)
			next = Chunk{}
		case "moov":
			s.fault(65, box.String(), "a movie header", "it stands in the init segment")
		}
	}
	if next.Moof.Type != "" {
		s.fault(65, next.Moof.String(), "no mdat behind it", "a chunk is a moof and its mdat")
	}
	if len(s.Chunks) == 0 && len(s.Faults) == 0 {
		s.fault(65, "byte 0", fmt.Sprintf("%d bytes without a chunk", len(b)), "a segment is one or more of moof and mdat")
	}
	return s
}

func end(list []Box) int {
	if n := len(list); n > 0 {
		return list[n-1].At + len(list[n-1].All)
	}
	return 0
}

func (s *Segment) fault(assertion int, at, said, truth string) {
	if len(s.Faults) < maxFaults {
		s.Faults = append(s.Faults, Fault{assertion, at, said, truth})
	}
}

func (s *Segment) emsg(next *Chunk, box Box) {
	if next.Moof.Type != "" {
		s.fault(70, box.String(), "emsg between moof and mdat", "it stands before a moof")
	}
	e, err := media.ParseEmsg(box.All)
	if err != nil {
		s.fault(70, box.String(), err.Error(), "an emsg that can be read")
		return
	}
	next.Emsgs = append(next.Emsgs, Emsg{box, e})
}

// chunk reads a moof and lays its samples over the mdat.
func (s *Segment) chunk(c Chunk, id uint32, defaults media.Defaults) {
	var f media.Fragment
	trafs := 0
	err := f.Parse(c.Moof.All, func(track uint32) (media.Defaults, bool) {
		if trafs++; id != 0 && track != id {
			s.fault(66, c.Moof.String(), fmt.Sprintf("track_ID %d in tfhd", track), fmt.Sprintf("%d: the init segment's", id))
		}
		return defaults, true
	})
	if err != nil {
		if _, timed := c.Moof.find("traf", "tfdt"); !timed {
			s.fault(62, c.Moof.String(), err.Error(), "each traf has a tfdt")
		} else {
			s.fault(65, c.Moof.String(), err.Error(), "a moof that can be read")
		}
		return
	}
	if len(f.Trafs) != 1 {
		s.fault(62, c.Moof.String(), fmt.Sprintf("%d track fragments", len(f.Trafs)), "a chunk has one")
	}
	c.Sequence, c.Traf = f.Sequence, f.Trafs[0]
	s.flags(&c)
	s.lay(&c)
	s.Chunks = append(s.Chunks, c)
}

// flags reads what media.Fragment does not keep.
func (s *Segment) flags(c *Chunk) {
	traf, ok := c.Moof.find("traf")
	if !ok {
		return
	}
	list, _ := traf.children(0)
	for _, b := range list {
		version, flags, _, _ := b.full()
		switch b.Type {
		case "tfhd":
			if flags&0x1 != 0 {
				s.fault(62, b.String(), "base-data-offset-present", "offsets count from the moof: default-base-is-moof, no absolute offset")
			} else if flags&0x020000 == 0 {
				s.fault(62, b.String(), fmt.Sprintf("flags 0x%06x", flags), "default-base-is-moof is set")
			}
		case "trun":
			c.Version = version
			c.HasCTO = flags&0x800 != 0
			if flags&0x1 == 0 {
				s.fault(65, b.String(), "no data offset", "trun says where its samples are")
			}
		case "uuid":
			c.HasTfrf = c.HasTfrf || len(b.Body) > 16 && binary.BigEndian.Uint32(b.Body) == 0xd4807ef2
		}
	}
}

// lay cuts the mdat into samples.
func (s *Segment) lay(c *Chunk) {
	var total int64
	for _, sample := range c.Samples {
		total += int64(sample.Size)
	}
	payload := c.Mdat.At + len(c.Mdat.All) - len(c.Mdat.Body) - c.Moof.At
	if c.DataOffset >= 0 && c.DataOffset != int64(payload) {
		s.fault(65, c.Moof.String(), fmt.Sprintf("data offset %d", c.DataOffset), fmt.Sprintf("%d: the first byte of the payload", payload))
		return
	}
	if total != int64(len(c.Mdat.Body)) {
		s.fault(65, c.Mdat.String(), fmt.Sprintf("samples of %d bytes", total), fmt.Sprintf("%d bytes of payload", len(c.Mdat.Body)))
		return
	}
	rest := c.Mdat.Body
	for _, sample := range c.Samples {
		c.Payloads = append(c.Payloads, rest[:sample.Size])
		rest = rest[sample.Size:]
	}
}

// Times are those of a segment: decode time of its first sample, where its last sample ends, and the span of its
// presentation, in ticks; shift is taken off (an edit list's).
type Times struct{ Decode, DecodeEnd, Present, PresentEnd int64 }

// Times sums the chunks up; ok is false for a segment without samples.
func (s *Segment) Times(shift int64) (t Times, ok bool) {
	for _, c := range s.Chunks {
		at := c.DecodeTime()
		for _, sample := range c.Samples {
			present := at + int64(sample.CTO)
			if !ok {
				t, ok = Times{Decode: at, Present: present}, true
			}
			at += int64(sample.Duration)
			t.Present = min(t.Present, present)
			t.PresentEnd = max(t.PresentEnd, present+int64(sample.Duration))
			t.DecodeEnd = at
		}
	}
	return Times{t.Decode - shift, t.DecodeEnd - shift, t.Present - shift, t.PresentEnd - shift}, ok
}

// DecodeTime is the decode time of the first sample: tfdt, or tfxd where there is none.
func (c *Chunk) DecodeTime() int64 {
	if c.HasTime {
		return c.Time
	}
	return c.TfxdTime
}
