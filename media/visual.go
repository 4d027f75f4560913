package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// keepVisual are the children of a visual sample entry that say how pictures look, and are published.
var keepVisual = []string{
	"pasp", "colr", "clap", "fiel", "mdcv", "clli", "SmDm", "CoLL", "amve", "dvcC", "dvvC", "dvwC", "ccst", "lhvC", "vexu", "hfov",
}

// parseVisual reads a visual sample entry, from behind data_reference_index.
//
// Source: ISO/IEC 14496-12, 12.1.3; ISO/IEC 14496-15; AV1 and VP9 in ISO BMFF.
func (e *entry) parseVisual(b []byte) error {
	if len(b) < 70 {
		return errTruncated
	}
	width, height := int(binary.BigEndian.Uint16(b[16:])), int(binary.BigEndian.Uint16(b[18:]))
	name := fourCC(e.kind)
	want, read := "", (func(*entry, []byte, string) ([]byte, error))(nil)
	switch name {
	case "avc1", "avc3":
		want, read = "avcC", (*entry).readAvcC
	case "hvc1", "hev1", "dvh1", "dvhe":
		want, read = "hvcC", (*entry).readHvcC
	case "av01":
		want, read = "av1C", (*entry).readAv1C
	case "vp08", "vp09":
		want, read = "vpcC", (*entry).readVpcC
	default:
		return ErrUnsupported
	}
	c, err := e.readChildren(b[70:], want, keepVisual...)
	if err != nil {
		return err
	}
	given := e.picture.aspect
	record, err := read(e, c.body, name)
	if err != nil {
		return fmt.Errorf("%s: %w", want, err)
	}
	if e.picture.width == 0 { // the configuration does not say
		if err := e.picture.crop(int64(width), int64(height), 0, 0, 0, 0); err != nil {
			return err
		}
	}
	if e.picture.aspect == (Ratio{}) {
		e.picture.aspect = given
	}
	if name == "dvh1" || name == "dvhe" {
		if e.codec, err = dolbyVision(name, c.kept); err != nil {
			return err
		}
	}
	e.shown[0], e.shown[1] = e.picture.shown()
	e.rate = e.picture.rate
	e.published = e.appendVisual(nil, name, want, record, c.kept)
	return nil
}

// appendVisual writes the entry anew: the size as decoded, no compressor name.
func (e *entry) appendVisual(dst []byte, name, want string, record, kept []byte) []byte {
	w := writer{dst}
	box := w.open(name)
	w.zero(6)
	w.u16(1)
	w.zero(16)
	w.u16(uint16(e.picture.width))
	w.u16(uint16(e.picture.height))
	w.u32(72 << 16)
	w.u32(72 << 16)
	w.u32(0)
	w.u16(1)
	w.zero(32)
	w.u16(24)
	w.u16(0xffff)
	child := w.open(want)
	w.bytes(record)
	w.close(child)
	w.bytes(kept)
	w.close(box)
	return w.b
}

func (e *entry) readAvcC(b []byte, name string) ([]byte, error) {
	c, err := parseAvcC(b)
	if err != nil {
		return nil, err
	}
	e.nal, e.nalSize = nalAVC, c.nalSize
	if c.sps == nil && name == "avc1" {
		return nil, errors.New("no SPS")
	}
	if c.sps != nil {
		aspect := e.picture.aspect
		if e.picture, err = parseAvcSPS(c.sps); err != nil {
			return nil, err
		}
		if e.picture.aspect == (Ratio{}) {
			e.picture.aspect = aspect
		}
		c.profile, c.compat, c.level = c.sps[1], c.sps[2], c.sps[3]
	}
	e.codec = fmt.Sprintf("%s.%02x%02x%02x", name, c.profile, c.compat, c.level)
	return b[:c.size], nil
}

func (e *entry) readHvcC(b []byte, name string) ([]byte, error) {
	c, err := parseHvcC(b)
	if err != nil {
		return nil, err
	}
	e.nal, e.nalSize = nalHEVC, c.nalSize
	if c.sps == nil && name == "hvc1" {
		return nil, errors.New("no SPS")
	}
	if c.sps != nil {
		aspect := e.picture.aspect
		if e.picture, err = parseHevcSPS(c.sps); err != nil {
			return nil, err
		}
		if e.picture.aspect == (Ratio{}) {
			e.picture.aspect = aspect
		}
	}
	e.codec = c.codec(name)
	return c.record, nil
}

// readAv1C reads an AV1 configuration record. Source: AV1 Codec ISO Media File Format Binding, 2.3.3 and 5.
func (e *entry) readAv1C(b []byte, name string) ([]byte, error) {
	if len(b) < 4 {
		return nil, errTruncated
	}
	if b[0] != 0x81 {
		return nil, fmt.Errorf("marker and version %#02x", b[0])
	}
	profile, level, tier := b[1]>>5, b[1]&31, "M"
	if b[2]&0x80 != 0 {
		tier = "H"
	}
	depth := 8
	if b[2]&0x40 != 0 {
		depth = 10
		if profile == 2 && b[2]&0x20 != 0 {
			depth = 12
		}
	}
	e.codec = fmt.Sprintf("%s.%d.%02d%s.%02d", name, profile, level, tier, depth)
	return b, nil
}

// readVpcC reads a VP codec configuration. Source: VP Codec ISO Media File Format Binding, 1.0.
func (e *entry) readVpcC(b []byte, name string) ([]byte, error) {
	if len(b) < 12 || len(b) < 12+int(binary.BigEndian.Uint16(b[10:])) {
		return nil, errTruncated
	}
	f := b[4:]
	e.codec = fmt.Sprintf("%s.%02d.%02d.%02d", name, f[0], f[1], f[2]>>4)
	colours := [...]uint8{f[2] >> 1 & 7, f[3], f[4], f[5], f[2] & 1}
	if colours[1] > 2 || colours[2] > 2 || colours[3] > 2 || colours[4] != 0 || colours[0] > 1 {
		for _, c := range colours {
			e.codec += "." + pad2(c)
		}
	}
	return b, nil
}

// dolbyVision is the codec string of a stream that only a Dolby Vision decoder can show: entry.profile.level.
//
// Source: Dolby Vision Streams Within the ISO Base Media File Format, 2.2 and 3.2.
func dolbyVision(entry string, children []byte) (string, error) {
	for w := (boxes{b: children}); w.next(); {
		switch fourCC(w.kind) {
		case "dvcC", "dvvC", "dvwC":
			if len(w.body) < 4 {
				return "", within(w.kind, errTruncated)
			}
			v := binary.BigEndian.Uint16(w.body[2:])
			return entry + "." + pad2(uint8(v>>9)) + "." + pad2(uint8(v>>3&63)), nil
		}
	}
	return "", errors.New("no dvcC")
}

func pad2(v uint8) string {
	if v < 10 {
		return "0" + strconv.Itoa(int(v))
	}
	return strconv.Itoa(int(v))
}
