package e2e

import (
	"bytes"
	endian "encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// box is a box of a type; sized is one whose header lies about its size.
func box(kind string, payload ...[]byte) []byte {
	body := bytes.Join(payload, nil)
	return append(sized(uint32(8+len(body)), kind), body...)
}

func sized(size uint32, kind string) []byte {
	return append(endian.BigEndian.AppendUint32(nil, size), kind...)
}

func large(size uint64, kind string) []byte {
	return endian.BigEndian.AppendUint64(sized(1, kind), size)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// patched is b with the bytes at an offset behind the first occurrence of a box type overwritten.
func patched(b []byte, kind string, offset int, with ...byte) []byte {
	b = slices.Clone(b)
	at := bytes.Index(b, []byte(kind))
	if at < 0 {
		panic("no " + kind)
	}
	copy(b[at+offset:], with)
	return b
}

// moofOf is the moof of a chunk, mdatOf its mdat.
func moofOf(chunk []byte) []byte { return chunk[:endian.BigEndian.Uint32(chunk)] }
func mdatOf(chunk []byte) []byte { return chunk[endian.BigEndian.Uint32(chunk):] }

// boxFamily sends bodies that are no stream, or a broken one. The rows are those of the catalogue.
func boxFamily(t *testing.T, y *yard) {
	s := numberedVideo("v")
	header, good := s.header(), s.chunk()
	ftyp, moov := header[:endian.BigEndian.Uint32(header)], header[endian.BigEndian.Uint32(header):]
	moof, mdat := moofOf(good), mdatOf(good)
	ff := []byte{0xff, 0xff, 0xff, 0xff}
	thrice := func(b []byte) []byte { return join(header, b, b, b) }
	deep := []byte{}
	for range 5000 {
		deep = box("trak", deep)
	}
	traks := func(n int) []byte {
		trak := moov[bytes.Index(moov, []byte("trak"))-4:]
		trak = trak[:endian.BigEndian.Uint32(trak)]
		var all [][]byte
		for i := range n {
			all = append(all, patched(trak, "tkhd", 4+12, 0, 0, byte(i>>8), byte(i+1)))
		}
		return box("moov", all...)
	}
	const closed400, closed412, closed413, closed415 = "400 closed", "412 closed", "413 closed", "415 closed"
	channel := y.channel()
	var all group
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"row 1: size 0":                     {join(header, sized(0, "moof")), closed400},
		"row 1: size 2":                     {sized(2, "moov"), closed400},
		"row 1: size 7":                     {join(header, sized(7, "mdat")), closed400},
		"row 2: mdat to the end":            {join(header, moof, sized(0, "mdat"), mdat[8:]), closed400},
		"row 3: 64-bit size of 8":           {large(8, "moov"), closed400},
		"row 3: 64-bit size of 2^63":        {large(1<<63, "moov"), closed400},
		"row 3: 64-bit size of 2^62":        {large(1<<62, "moov"), closed413},
		"row 4: moov of 1 GB":               {join(ftyp, sized(1<<30, "moov")), closed413},
		"row 4: moof of 2 MiB":              {join(header, sized(2<<20, "moof")), closed413},
		"row 4: mdat of 65 MiB":             {join(header, moof, sized(65<<20, "mdat")), closed413},
		"row 4: mdat of an exabyte":         {join(header, moof, large(1<<60, "mdat")), closed413},
		"row 4: uuid of 2 MiB":              {join(ftyp, sized(2<<20, "uuid")), closed413},
		"row 4: free of 4 GB":               {join(header, sized(1<<32-1, "free")), closed413},
		"row 4: styp of 5 KB":               {join(header, sized(5000, "styp")), closed413},
		"row 4: prft of 100 bytes":          {join(header, sized(100, "prft")), closed413},
		"row 5: cut in a header":            {join(header, moof[:6]), closed400},
		"row 5: cut in a moof":              {join(header, moof[:40]), closed400},
		"row 5: cut before the mdat":        {join(header, moof), closed400},
		"row 5: cut in the payload":         {join(header, good[:len(good)-9]), closed400},
		"row 5: cut in the moov":            {header[:len(header)-5], closed400},
		"row 6: child beyond its parent":    {thrice(join(patched(moof, "tfhd", -4, 0, 1, 0, 0), mdat)), closed400},
		"row 6: 5000 traks in each other":   {box("moov", deep), closed415},
		"row 6: two tracks of one ID":       {box("moov", moov[8:], moov[bytes.Index(moov, []byte("trak"))-4:]), closed400},
		"row 7: 65 tracks":                  {join(ftyp, traks(65)), closed400},
		"row 7: 300 boxes in a moov":        {box("moov", bytes.Repeat(box("free"), 300)), closed400},
		"row 7: 300 boxes in a moof":        {thrice(join(box("moof", bytes.Repeat(box("free"), 300)), mdat)), closed400},
		"row 8: 2^32 samples":               {thrice(join(patched(moof, "trun", 8, ff...), mdat)), closed400},
		"row 8: sizes beyond the mdat":      {thrice(join(patched(moof, "tfhd", 16, ff...), mdat)), closed400},
		"row 8: data offset of 2 GB":        {thrice(join(patched(moof, "trun", 12, 0x7f, 0xff, 0xff, 0xff), mdat)), closed400},
		"row 8: negative data offset":       {thrice(join(patched(moof, "trun", 12, ff...), mdat)), closed400},
		"row 8: three times, then no more":  {join(header, patched(good, "trun", 8, ff...), patched(good, "trun", 8, ff...), good), "200"},
		"row 9: no durations anywhere":      {thrice(join(patched(moof, "tfhd", 12, 0, 0, 0, 0), mdat)), "200"},
		"row 10: mdat without moof":         {join(header, mdat, good), "200"},
		"row 10: mdat first of all":         {mdat, closed400},
		"row 10: moof without mdat":         {join(header, moof, good), closed400},
		"row 10: two mdats":                 {join(header, good, mdat, s.chunkOf(5, 5)), "200"},
		"row 11: unknown track":             {join(header, patched(good, "tfhd", 8, 0, 0, 0, 99)), "200"},
		"row 12: moof before moov":          {good, closed412},
		"row 13: the same moov again":       {join(header, good, header, s.chunkOf(5, 5), header), "200"},
		"row 16: unknown codec":             {bytes.Replace(header, []byte("avc1"), []byte("mjpg"), 1), closed415},
		"row 16: hint track alone":          {bytes.Replace(header, []byte("vide"), []byte("hint"), 1), closed415},
		"row 25: neither tfdt nor tfxd":     {thrice(bytes.Replace(good, []byte("tfdt"), []byte("free"), 1)), closed400},
		"row 33: pictures of 70,000 pixels": {join(ftyp, withSPS(moov, hugeSPS())), closed400},
		"row 33: SPS of one byte":           {patched(header, "avcC", 4+6, 0, 1, 0x67), closed400},
		"row 33: SPS beyond its box":        {patched(header, "avcC", 4+6, 0xff, 0xff), closed400},
		"row 33: forbidden zero bit":        {patched(header, "avcC", 4+8, 0xe7), closed400},
		"row 33: zero picture parameters":   {patched(header, "avcC", 4+8, 0, 0, 0, 0, 0, 0, 0, 0), closed400},
		"row 34: configuration cut short":   {numberedAudioHeaderCut(), closed400},
		"row 59: emsg without NUL":          {join(header, box("emsg", bytes.Repeat([]byte("a"), 200)), good), "200"},
		"row 59: emsg of 1 MiB and more":    {join(header, sized(1<<20+1, "emsg")), closed413},
		"row 65: mfra, then more":           {join(header, good, box("mfra"), s.chunkOf(5, 5)), "200"},
		"row 65: lmsg, then more":           {join(header, box("styp", []byte("msdh\x00\x00\x00\x00lmsg")), good, s.chunkOf(5, 5)), "200"},
		"endless free boxes":                {join(header, bytes.Repeat(box("free", make([]byte, 64<<10)), 40)), closed413},
		"endless uuid boxes":                {join(ftyp, bytes.Repeat(box("uuid", make([]byte, 64<<10)), 40)), closed413},
		"endless moovs":                     {bytes.Repeat(header, 4000), closed413},
		"endless empty boxes":               {join(header, bytes.Repeat(box("skip"), 300_000)), closed413},
		"timescale 0":                       {patched(header, "mdhd", 4+12, 0, 0, 0, 0), closed400},
		"track_ID 0":                        {patched(header, "tkhd", 4+12, 0, 0, 0, 0), closed400},
		"moov without tracks":               {join(ftyp, box("moov")), closed400},
		"ftyp alone":                        {ftyp, "200"},
		"zeros":                             {make([]byte, 4096), closed400},
		"text":                              {[]byte("<?xml version=\"1.0\"?><MPD/>"), closed400},
		"a file of mdat and moov":           {join(ftyp, box("mdat", make([]byte, 100)), moov), "200"},
	} {
		stream := "Streams(b" + strconv.Itoa(len(all.names)) + ")"
		all.add(name, func(t *testing.T) {
			if got := postBody(t, y.node, token(channel), stream, c.body); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
		})
	}
	all.run(t)
}

// hugeSPS is a sequence parameter set of 4375 by 4375 macroblocks.
func hugeSPS() []byte {
	bits := ""
	ue := func(v int) {
		b := strconv.FormatInt(int64(v+1), 2)
		bits += strings.Repeat("0", len(b)-1) + b
	}
	for _, v := range []int{0, 0, 2, 1} { // id, log2_max_frame_num, pic_order_cnt_type, max_num_ref_frames
		ue(v)
	}
	bits += "0"
	ue(4374)
	ue(4374)
	bits += "11001" // frames only, direct_8x8, no cropping, no VUI, stop bit
	bits += strings.Repeat("0", (8-len(bits)%8)%8)
	sps := []byte{0x67, 66, 0, 30}
	for ; bits != ""; bits = bits[8:] {
		b, _ := strconv.ParseUint(bits[:8], 2, 8)
		sps = append(sps, byte(b))
	}
	return sps
}

// withSPS is a moov with another sequence parameter set, which must not be longer: what is left of the old one is padding.
func withSPS(moov, sps []byte) []byte {
	const old = len(sps720) / 2
	return patched(moov, "avcC", 4+8, append(slices.Clone(sps), make([]byte, old-len(sps))...)...)
}

// numberedAudioHeaderCut has an AudioSpecificConfig of which nothing is left.
func numberedAudioHeaderCut() []byte {
	h := numberedAudio("a").header()
	at := bytes.Index(h, []byte{0x05, 0x80, 0x80, 0x80, 0x02})
	if at < 0 {
		at = bytes.Index(h, []byte{0x05, 0x02})
		h[at+1] = 0
		return h
	}
	h[at+4] = 0
	return h
}
