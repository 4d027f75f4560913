package media

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ParseConfig describes a track whose protocol carries no boxes, by the decoder configuration alone. entry is the sample
// entry that the media would have in a file, config the codec's record as it comes on the wire:
//
//	avc1  AVCDecoderConfigurationRecord       hvc1  HEVCDecoderConfigurationRecord
//	av01  AV1CodecConfigurationRecord         mp4a  AudioSpecificConfig
//	Opus  the identification header ("OpusHead")
//
// The track is the one that ParseInit finds where the same record stands in a header: init segments and hashes agree. Its
// track_ID is 1, and timescale is that of the protocol's clock. Errors as ParseInit. config is not kept.
func ParseConfig(entry string, config []byte, timescale uint32) (Input, error) {
	if len(config) > maxConfig {
		return Input{}, fmt.Errorf("configuration of %d bytes", len(config))
	}
	if timescale == 0 {
		return Input{}, errors.New("timescale 0")
	}
	kind, handler := Video, "vide"
	var box []byte
	var err error
	switch entry {
	case "avc1":
		box = visualEntry(entry, "avcC", config, 0, 0)
	case "hvc1":
		box = visualEntry(entry, "hvcC", config, 0, 0)
	case "av01":
		var width, height int
		if width, height, err = av1Size(config); err == nil {
			box = visualEntry(entry, "av1C", config, width, height)
		}
	case "mp4a", "Opus":
		kind, handler = Audio, "soun"
		box, err = soundEntry(entry, config)
	default:
		err = ErrUnsupported
	}
	if err != nil {
		return Input{}, fmt.Errorf("%s: %w", entry, err)
	}
	e, err := parseStsd(append([]byte{0, 0, 0, 0, 0, 0, 0, 1}, box...), kind, timescale)
	if err != nil {
		return Input{}, err
	}
	in := e.input(kind)
	in.ID, in.Timescale, in.Track.Timescale = 1, timescale, timescale
	in.handlerType, in.Language = binary.BigEndian.Uint32([]byte(handler)), "und"
	in.ConfigHash = in.configHash()
	return in, nil
}

// visualEntry is a visual sample entry with that configuration. Where the configuration tells the size of the pictures, the
// entry's counts for nothing.
func visualEntry(name, child string, config []byte, width, height int) []byte {
	w := writer{}
	box := w.open(name)
	w.zero(6)
	w.u16(1)
	w.zero(16)
	w.u16(uint16(width))
	w.u16(uint16(height))
	w.zero(70 - 20)
	c := w.open(child)
	w.bytes(config)
	w.close(c)
	w.close(box)
	return w.b
}

// soundEntry is an audio sample entry with that configuration.
func soundEntry(name string, config []byte) ([]byte, error) {
	rate, channels := uint32(48000), 2
	var child []byte
	if name == "mp4a" {
		c, err := parseASC(config)
		if err != nil {
			return nil, err
		}
		rate, channels = c.sampleRate, c.channels
		child = appendEsds(nil, 0x40, config)
	} else {
		var err error
		if child, err = appendDOps(nil, config); err != nil {
			return nil, err
		}
	}
	w := writer{}
	box := w.open(name)
	w.zero(6)
	w.u16(1)
	w.zero(8)
	w.u16(uint16(channels))
	w.u16(16)
	w.u32(0)
	if rate > 0xffff {
		rate = 0
	}
	w.u32(rate << 16)
	w.bytes(child)
	w.close(box)
	return w.b, nil
}

// appendDOps turns an identification header of Ogg into the box of ISO BMFF: the same fields, big-endian.
//
// Source: RFC 7845, 5.1; Encapsulation of Opus in ISO Base Media File Format, 4.3.2.
func appendDOps(dst, head []byte) ([]byte, error) {
	if len(head) < 19 || string(head[:8]) != "OpusHead" {
		return nil, errors.New("no OpusHead")
	}
	if head[8]>>4 != 0 {
		return nil, fmt.Errorf("OpusHead of version %d", head[8])
	}
	le := binary.LittleEndian
	w := writer{dst}
	box := w.open("dOps")
	w.u8(0)
	w.u8(head[9])
	w.u16(le.Uint16(head[10:]))
	w.u32(le.Uint32(head[12:]))
	w.u16(le.Uint16(head[16:]))
	w.u8(head[18])
	if head[18] != 0 { // a mapping table
		n := 2 + int(head[9])
		if len(head) < 19+n {
			return nil, errTruncated
		}
		w.bytes(head[19 : 19+n])
	}
	w.close(box)
	return w.b, nil
}
