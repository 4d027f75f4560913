package mp4

import (
	"encoding/binary"
	"fmt"
	"slices"

	"weir/media"
)

// An Init is an init segment. Input is its track, the first of video where there are several (only HLS has such).
type Init struct {
	media.Input
	Tracks   []media.Input
	Brands   []string
	EditList bool   // an elst with an entry
	Color    string // VIDEO-RANGE that the header signals: SDR, PQ or HLG
	Faults   []Fault
}

// ReadInit reads an init segment. What the format forbids stands in Faults; an error means that nothing can
// be said of its media. b is kept.
//
// Source: ISO/IEC 23000-19, 7.3.1 and 7.5.
func ReadInit(b []byte) (*Init, error) {
	list, err := walk(b, 0, 1000)
	if err != nil {
		return nil, err
	}
	in := &Init{}
	var moov Box
	for i, box := range list {
		switch box.Type {
		case "ftyp":
			in.Brands = brands(box)
			in.check(i == 0, box, "ftyp is not the first box", "ftyp, then moov")
		case "moov":
			in.check(moov.Type == "", box, "a second moov", "there is one")
			moov = box
		case "moof", "mdat":
			in.check(false, box, "media", "an init segment has none")
		}
	}
	if moov.Type == "" {
		return nil, fmt.Errorf("init segment without moov")
	}
	in.check(in.Brands != nil, moov, "no ftyp before it", "ftyp, then moov")
	if in.Brands != nil {
		in.check(slices.ContainsFunc(in.Brands, modern), list[0], fmt.Sprintf("brands %v", in.Brands), "iso6 or later, or cmfc, is among the brands")
	}
	inputs, err := media.ParseInit(moov.All)
	if err != nil {
		return nil, err
	}
	in.check(len(inputs) == 1 || !slices.Contains(in.Brands, "cmfc"), moov, fmt.Sprintf("%d tracks", len(inputs)), "an init segment of CMAF has one track")
	in.Tracks, in.Input = inputs, inputs[0]
	if i := slices.IndexFunc(inputs, func(t media.Input) bool { return t.Kind == media.Video }); i > 0 {
		in.Input = inputs[i]
	}
	in.movie(moov)
	return in, nil
}

func modern(brand string) bool {
	switch brand {
	case "iso6", "iso7", "iso8", "iso9", "isoa", "isob", "isoc", "cmfc", "cmf2", "cmff", "dash", "msdh", "piff", "avc1":
		return brand != "avc1" && brand != "piff"
	}
	return false
}

func (in *Init) check(ok bool, b Box, said, truth string) {
	if !ok && len(in.Faults) < maxFaults {
		in.Faults = append(in.Faults, Fault{61, b.String(), said, truth})
	}
}

// movie judges what stands in moov: durations 0, tables empty, mvex last.
func (in *Init) movie(moov Box) {
	list, err := moov.children(0)
	if err != nil {
		return
	}
	mvex := -1
	for i, c := range list {
		switch c.Type {
		case "mvhd":
			in.duration(c, 12, 20)
		case "trak":
			in.track(c)
			if mvex >= 0 {
				in.check(false, list[mvex], "mvex before trak", "mvex follows the tracks")
			}
		case "mvex":
			mvex = i
		}
	}
	in.check(mvex >= 0, moov, "no mvex", "a fragmented movie has one")
}

func (in *Init) track(trak Box) {
	if b, ok := trak.find("tkhd"); ok {
		in.duration(b, 16, 24)
	}
	if b, ok := trak.find("mdia", "mdhd"); ok {
		in.duration(b, 12, 20)
	}
	if b, ok := trak.find("edts", "elst"); ok {
		if _, _, rest, ok := b.full(); ok && len(rest) >= 4 {
			in.EditList = binary.BigEndian.Uint32(rest) > 0
		}
	}
	stbl, ok := trak.find("mdia", "minf", "stbl")
	if !ok {
		return
	}
	tables, _ := stbl.children(0)
	for _, t := range tables {
		at := 0
		switch t.Type {
		case "stts", "stsc", "stco", "co64":
		case "stsz":
			at = 4
		case "stsd":
			in.color(t)
			continue
		default:
			continue
		}
		if _, _, rest, ok := t.full(); ok && len(rest) >= at+4 {
			n := binary.BigEndian.Uint32(rest[at:])
			in.check(n == 0, t, fmt.Sprintf("%d entries", n), "the header of a fragmented movie has no samples")
		}
	}
}

// duration judges that a header's duration says nothing: 0, or all ones. at is its place behind the version, in version 0
// and 1.
func (in *Init) duration(b Box, at0, at1 int) {
	version, _, rest, ok := b.full()
	if !ok {
		return
	}
	var d uint64
	switch {
	case version == 0 && len(rest) >= at0+4:
		if d = uint64(binary.BigEndian.Uint32(rest[at0:])); d == 1<<32-1 {
			d = 0
		}
	case version == 1 && len(rest) >= at1+8:
		if d = binary.BigEndian.Uint64(rest[at1:]); d == 1<<64-1 {
			d = 0
		}
	}
	in.check(d == 0, b, fmt.Sprintf("duration %d", d), "0: the length of a fragmented movie is in its fragments")
}

// color reads the transfer characteristics of a colr box in the sample entry.
//
// Source: ISO/IEC 23091-2, table 3: 16 is PQ, 18 is HLG.
func (in *Init) color(stsd Box) {
	in.Color = "SDR"
	entries, err := stsd.children(8)
	if err != nil || len(entries) == 0 || in.Kind != media.Video {
		return
	}
	list, _ := entries[0].children(78)
	for _, c := range list {
		if c.Type == "colr" && len(c.Body) >= 8 && string(c.Body[:4]) == "nclx" {
			switch binary.BigEndian.Uint16(c.Body[6:]) {
			case 16:
				in.Color = "PQ"
			case 18:
				in.Color = "HLG"
			}
		}
	}
}
