package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// parseSound reads an audio sample entry, from behind data_reference_index.
//
// Source: ISO/IEC 14496-12, 12.2.3; ISO/IEC 14496-14, 5.6; ETSI TS 102 366, F (AC-3); Opus and FLAC in ISO BMFF.
func (e *entry) parseSound(b []byte, scale uint32) error {
	if len(b) < 20 {
		return errTruncated
	}
	if v := binary.BigEndian.Uint16(b); v != 0 {
		return fmt.Errorf("QuickTime sound description of version %d: %w", v, ErrUnsupported)
	}
	e.channels = int(binary.BigEndian.Uint16(b[8:]))
	e.sampleRate = binary.BigEndian.Uint32(b[16:]) >> 16
	name := fourCC(e.kind)
	want, read := "", (func(*entry, []byte, uint32) ([]byte, error))(nil)
	switch name {
	case "mp4a":
		want, read = "esds", (*entry).readEsds
	case "ac-3":
		want, read = "dac3", (*entry).readDac3
	case "ec-3":
		want, read = "dec3", (*entry).readDec3
	case "Opus":
		want, read = "dOps", (*entry).readDOps
	case "fLaC":
		want, read = "dfLa", (*entry).readDfLa
	default:
		return ErrUnsupported
	}
	c, err := e.readChildren(b[20:], want, "chnl")
	if err != nil {
		return err
	}
	record, err := read(e, c.body, scale)
	if err != nil {
		return fmt.Errorf("%s: %w", want, err)
	}
	if e.sampleRate == 0 || e.channels == 0 {
		return errors.New("no sample rate or no channels")
	}
	w := writer{}
	box := w.open(name)
	w.zero(6)
	w.u16(1)
	w.zero(8)
	w.u16(uint16(min(e.channels, 0xffff)))
	w.u16(16)
	w.u32(0)
	rate := e.sampleRate
	if rate > 0xffff { // does not fit: decoders take it from the configuration
		rate = 0
	}
	w.u32(rate << 16)
	if want == "esds" {
		w.bytes(record)
	} else {
		child := w.open(want)
		w.bytes(record)
		w.close(child)
	}
	w.bytes(c.kept)
	w.close(box)
	e.published = w.b
	return nil
}

// readEsds reads what mp4a holds: AAC of all sorts, and MP3. Source of the codec strings: RFC 6381, 3.3.
func (e *entry) readEsds(b []byte, scale uint32) ([]byte, error) {
	c, err := parseEsds(b)
	if err != nil {
		return nil, err
	}
	if e.bitrate == 0 {
		e.bitrate = c.bitrate
	}
	switch c.object {
	case 0x40, 0x66, 0x67, 0x68:
		a, err := parseASC(c.asc)
		if err != nil {
			return nil, err
		}
		a.imply(e.sampleRate, scale)
		e.frame = a.frame()
		e.sampleRate, e.codec = a.sampleRate, fmt.Sprintf("mp4a.40.%d", a.object)
		if c.object != 0x40 && a.object == 2 {
			e.codec = fmt.Sprintf("mp4a.%x", c.object)
		}
		if a.channels > 0 {
			e.channels = a.channels
		}
	case 0x69, 0x6b:
		e.codec = fmt.Sprintf("mp4a.%x", c.object)
	default:
		return nil, fmt.Errorf("object type %#02x: %w", c.object, ErrUnsupported)
	}
	return appendEsds(nil, c.object, c.asc), nil
}

var ac3Rates = [...]uint32{48000, 44100, 32000, 0}

// ac3Channels is the number of full channels by acmod.
var ac3Channels = [...]int{2, 1, 2, 3, 3, 4, 4, 5}

func (e *entry) readDac3(b []byte, _ uint32) ([]byte, error) {
	r := &bitReader{b: b}
	rate := ac3Rates[r.u(2)]
	r.skip(5 + 3)
	channels := ac3Channels[r.u(3)] + int(r.u(1))
	if r.bad || rate == 0 {
		return nil, errTruncated
	}
	e.codec, e.sampleRate, e.channels = "ac-3", rate, channels
	return b, nil
}

// ec3Pairs are the bits of chan_loc that stand for two channels: Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw, Lvh/Rvh.
const ec3Pairs = 0b001110011

func (e *entry) readDec3(b []byte, _ uint32) ([]byte, error) {
	r := &bitReader{b: b}
	r.skip(13)
	r.u(3) // independent substreams minus one: the first is the programme
	rate := ac3Rates[r.u(2)]
	r.skip(5 + 1 + 1 + 3)
	channels := ac3Channels[r.u(3)] + int(r.u(1))
	r.skip(3)
	if dependent := r.u(4); dependent > 0 {
		where := r.u(9) // chan_loc, table F.6.1
		channels += bits.OnesCount32(where) + bits.OnesCount32(where&ec3Pairs)
	}
	if r.bad || rate == 0 {
		return nil, errTruncated
	}
	e.codec, e.sampleRate, e.channels = "ec-3", rate, channels
	return b, nil
}

func (e *entry) readDOps(b []byte, _ uint32) ([]byte, error) {
	if len(b) < 11 || b[1] == 0 {
		return nil, errTruncated
	}
	e.codec, e.sampleRate, e.channels = "opus", 48000, int(b[1])
	return b, nil
}

func (e *entry) readDfLa(b []byte, _ uint32) ([]byte, error) {
	if len(b) < 4+4+34 || b[4]&0x7f != 0 {
		return nil, errTruncated
	}
	r := &bitReader{b: b[8+10:]}
	e.codec, e.sampleRate, e.channels = "fLaC", r.u(20), int(r.u(3))+1
	return b, nil
}
