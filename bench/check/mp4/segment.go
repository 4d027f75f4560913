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

	in *Init
}

// A Chunk is one moof with its mdat: what it holds of the track that is read.
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

// ReadSegment reads a media segment under its init segment; without one (nil, Smooth) it is of one track, whatever its
// id. What the format forbids stands in Faults; the chunks that can be read are there all the same. b is kept.
//
// Source: ISO/IEC 23000-19, 7.3.2 and 7.5.15 to 7.5.20; ISO/IEC 14496-12, 8.8.
func ReadSegment(b []byte, in *Init) *Segment {
	s := &Segment{Bytes: len(b), in: in}
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
			s.chunk(next)
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
func (s *Segment) chunk(c Chunk) {
	var f media.Fragment
	err := f.Parse(c.Moof.All, s.defaults)
	if err != nil {
		if _, timed := c.Moof.find("traf", "tfdt"); !timed {
			s.fault(62, c.Moof.String(), err.Error(), "each traf has a tfdt")
		} else {
			s.fault(65, c.Moof.String(), err.Error(), "a moof that can be read")
		}
		return
	}
	most := 1
	if s.in != nil {
		most = len(s.in.Tracks)
	}
	if len(f.Trafs) > most {
		s.fault(62, c.Moof.String(), fmt.Sprintf("%d track fragments", len(f.Trafs)), "a chunk has one")
	}
	at := -1
	for i := range f.Trafs {
		if id := f.Trafs[i].TrackID; s.in == nil || id == s.in.ID || len(s.in.Tracks) == 1 {
			at = i
			break
		}
		if !s.knows(f.Trafs[i].TrackID) {
			s.fault(66, c.Moof.String(), fmt.Sprintf("track_ID %d in tfhd", f.Trafs[i].TrackID), "a track of the init segment")
		}
	}
	if at < 0 {
		return // of the other tracks alone
	}
	c.Sequence, c.Traf = f.Sequence, f.Trafs[at]
	if s.in != nil && c.TrackID != s.in.ID {
		s.fault(66, c.Moof.String(), fmt.Sprintf("track_ID %d in tfhd", c.TrackID), fmt.Sprintf("%d: the init segment's", s.in.ID))
	}
	s.flags(&c)
	s.lay(&c, f.Trafs)
	s.Chunks = append(s.Chunks, c)
}

// defaults are those of a track in the init segment, also where it does not name the track.
func (s *Segment) defaults(id uint32) (media.Defaults, bool) {
	if s.in == nil {
		return media.Defaults{}, true
	}
	for i := range s.in.Tracks {
		if s.in.Tracks[i].ID == id {
			return s.in.Tracks[i].Defaults, true
		}
	}
	return s.in.Defaults, true
}

func (s *Segment) knows(id uint32) bool {
	for i := range s.in.Tracks {
		if s.in.Tracks[i].ID == id {
			return true
		}
	}
	return false
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

// lay cuts the mdat into samples: those of the moof's tracks lie one behind the other and fill it.
func (s *Segment) lay(c *Chunk, trafs []media.Traf) {
	payload := int64(c.Mdat.At + len(c.Mdat.All) - len(c.Mdat.Body) - c.Moof.At)
	next := payload
	for i := range trafs {
		t := &trafs[i]
		if t.DataOffset >= 0 && t.DataOffset != next {
			s.fault(65, c.Moof.String(), fmt.Sprintf("data offset %d", t.DataOffset), fmt.Sprintf("%d: where the payload, or what is left of it, begins", next))
			return
		}
		from := next - payload
		for _, sample := range t.Samples {
			next += int64(sample.Size)
		}
		if next-payload > int64(len(c.Mdat.Body)) {
			s.fault(65, c.Mdat.String(), fmt.Sprintf("samples of %d bytes", next-payload), fmt.Sprintf("%d bytes of payload", len(c.Mdat.Body)))
			return
		}
		if t.TrackID != c.TrackID {
			continue
		}
		rest := c.Mdat.Body[from:]
		for _, sample := range t.Samples {
			c.Payloads = append(c.Payloads, rest[:sample.Size])
			rest = rest[sample.Size:]
		}
	}
	if next-payload != int64(len(c.Mdat.Body)) {
		s.fault(65, c.Mdat.String(), fmt.Sprintf("samples of %d bytes", next-payload), fmt.Sprintf("%d bytes of payload", len(c.Mdat.Body)))
	}
}

// Times are those of a segment: decode time of its first sample, where its last sample ends, and the span of its
// presentation, in ticks; shift is taken off (an edit list's). What an edit list cuts off the start is not presented.
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
	t = Times{t.Decode - shift, t.DecodeEnd - shift, t.Present - shift, t.PresentEnd - shift}
	if shift > 0 && t.Present < 0 {
		t.Present = min(0, t.PresentEnd)
	}
	return t, ok
}

// DecodeTime is the decode time of the first sample: tfdt, or tfxd where there is none.
func (c *Chunk) DecodeTime() int64 {
	if c.HasTime {
		return c.Time
	}
	return c.TfxdTime
}
