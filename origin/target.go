package origin

import "bytes"

// maxPath is the longest path that is looked at, in bytes as sent. A canonical name is under 300.
const maxPath = 2048

// An object is what a target names.
type object uint8

const (
	objectManifest object = iota + 1 // multivariant playlist, MPD or client manifest, by format
	objectPlaylist                   // HLS media playlist
	objectFragment                   // media or init segment
	objectMoof                       // FragmentInfo: the moof of a Smooth fragment alone
	objectMdat                       // RawFragments: the mdat of a Smooth fragment alone
	objectKeyFrame                   // the first picture of a segment alone
)

// A selector says how a fragment is named.
type selector uint8

const (
	byNumber selector = iota + 1 // n123: canonical
	byTime                       // 123456: start in ticks of the track, as DASH and Smooth ask
	byHash                       // i0123456789abcdef: init segment
	byInit                       // i: init segment without a hash, the older formats' spelling
)

// A target is a URL path taken apart. All names are in lower case, for the grammar is blind to case; the slices point
// into the buffer that parse was given and live as long as that.
type target struct {
	object  object
	locator []byte
	name    []byte // manifest name, without .ism
	id      int64  // QualityLevels({id})
	track   []byte

	selector selector
	number   uint64 // byNumber
	time     int64  // byTime
	hash     []byte // byHash
	cmaf     bool   // the name ends in .m4s

	format     []byte // value of format=, empty when absent
	encryption []byte
	filter     []byte
	keyframes  bool // type=keyframes: the I-frame playlist
	part       int  // part=…; -1: the whole segment
}

// parse takes apart a request path (no query, no host) and reports whether it speaks the grammar: nil, or the fault to
// answer with. It decodes into buf's capacity and returns the grown buffer for the next call; without growth it does
// not allocate. Unknown parameters are ignored, known ones may stand in any order, and a known one twice is a fault.
//
// Source: the streaming URLs of AMS v3, [MS-SSTR] 2.2.3, and the names that package manifest writes.
func (t *target) parse(buf, path []byte) ([]byte, *Fault) {
	*t = target{part: -1}
	if len(path) > maxPath {
		return buf, faultTooLong
	}
	buf, ok := appendFolded(buf[:0], path)
	if !ok || len(buf) == 0 || buf[0] != '/' {
		return buf, faultSyntax
	}
	var rest []byte
	t.locator, rest = cutSlash(buf[1:])
	t.name, rest = cutSlash(rest)
	if name, ok := bytes.CutSuffix(t.name, []byte(".ism")); ok {
		t.name = name
	} else if name, ok := bytes.CutSuffix(t.name, []byte(".isml")); ok {
		t.name = name
	} else {
		return buf, faultNotFound
	}
	if len(t.locator) == 0 || len(t.name) == 0 {
		return buf, faultNotFound
	}
	return buf, t.parseObject(rest)
}

// parseObject takes apart what follows {manifestName}.ism/.
func (t *target) parseObject(rest []byte) *Fault {
	first, rest := cutSlash(rest)
	noun, arguments, _, ok := cutCall(first)
	if !ok {
		return faultSyntax
	}
	switch string(noun) {
	case "manifest":
		if rest != nil { // a slash behind it would mislead what is relative to it
			return faultSyntax
		}
		t.object = objectManifest
		return t.parseArguments(arguments)
	case "qualitylevels":
	default:
		return faultNotFound
	}
	id, _, _ := bytes.Cut(arguments, comma) // custom attributes of MS-SSTR may follow
	if t.id, ok = parseTicks(id); !ok {
		return faultSyntax
	}
	second, rest := cutSlash(rest)
	noun, arguments, ext, ok := cutCall(second)
	if !ok || rest != nil {
		return faultSyntax
	}
	t.cmaf = string(ext) == "m4s"
	switch string(noun) {
	case "manifest":
		t.object = objectPlaylist
	case "fragments":
		t.object = objectFragment
	case "fragmentinfo":
		t.object = objectMoof
	case "rawfragments":
		t.object = objectMdat
	case "keyframes":
		t.object = objectKeyFrame
	default:
		return faultNotFound
	}
	if fault := t.parseArguments(arguments); fault != nil {
		return fault
	}
	if len(t.track) == 0 {
		return faultSyntax
	}
	return nil
}

var (
	comma  = []byte(",")
	equals = []byte("=")
)

// parseArguments reads what stands between the parentheses: for a playlist or a fragment its track first, then
// parameters.
func (t *target) parseArguments(arguments []byte) *Fault {
	for first := true; len(arguments) > 0; first = false {
		var argument []byte
		argument, arguments, _ = bytes.Cut(arguments, comma)
		key, value, hasValue := bytes.Cut(argument, equals)
		var fault *Fault
		if first && t.object != objectManifest {
			fault = t.parseTrack(key, value, hasValue)
		} else {
			fault = t.parseParameter(key, value)
		}
		if fault != nil {
			return fault
		}
	}
	return nil
}

// parseTrack reads the track, which in a fragment's name has the selector for its value.
func (t *target) parseTrack(key, value []byte, hasValue bool) *Fault {
	t.track = key
	switch {
	case t.object == objectPlaylist && hasValue:
		return faultSyntax
	case t.object == objectFragment:
		return t.parseSelector(value)
	case t.object == objectKeyFrame:
		if fault := t.parseSelector(value); fault != nil || t.selector != byNumber && t.selector != byTime {
			return faultSyntax
		}
	case t.object == objectMoof || t.object == objectMdat: // of Smooth, which knows times only
		if fault := t.parseSelector(value); fault != nil || t.selector != byTime {
			return faultSyntax
		}
	}
	return nil
}

// parseParameter reads a parameter; those that change nothing that weir serves are ignored, as unknown ones are.
func (t *target) parseParameter(key, value []byte) *Fault {
	switch string(key) {
	case "format":
		return setOnce(&t.format, value)
	case "encryption":
		return setOnce(&t.encryption, value)
	case "filter", "filtername":
		return setOnce(&t.filter, value)
	case "type":
		t.keyframes = t.keyframes || string(value) == "keyframes"
	case "part":
		return t.parsePart(value)
	}
	return nil
}

// parsePart reads the index of a part.
func (t *target) parsePart(value []byte) *Fault {
	n, ok := parseTicks(value)
	if !ok || t.part >= 0 || n > maxPart {
		return faultSyntax
	}
	t.part = int(n)
	return nil
}

// maxPart is more than any segment's last part.
const maxPart = 1 << 20

// setOnce notes the value of a parameter. Twice the same parameter has no meaning that two readers would agree on.
func setOnce(field *[]byte, value []byte) *Fault {
	if *field != nil {
		return faultSyntax
	}
	*field = value[:len(value):len(value)]
	return nil
}

// parseSelector reads what stands behind the track's name: n123, 123456, i or i0123456789abcdef.
func (t *target) parseSelector(value []byte) *Fault {
	if len(value) == 0 {
		return faultSyntax
	}
	switch digits := value[1:]; value[0] {
	case 'n':
		n, ok := parseTicks(digits)
		if !ok {
			return faultSyntax
		}
		t.selector, t.number = byNumber, uint64(n)
	case 'i':
		t.selector, t.hash = byHash, digits
		if len(digits) == 0 {
			t.selector = byInit
		}
		for _, c := range digits {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return faultSyntax
			}
		}
	default:
		ticks, ok := parseTicks(value)
		if !ok {
			return faultSyntax
		}
		t.selector, t.time = byTime, ticks
	}
	return nil
}

// smooth tells whether a target names a Smooth Streaming fragment, or a part of one. DASH asks for segments by time too,
// and in the same grammar; no name may mean both. A format rules where there is one; else the name that weir's MPDs
// write ends in .m4s, and the one that Smooth clients make of their template ends with the parenthesis. That is AMS's own
// rule: a URL without a format is Smooth.
func (t *target) smooth() bool {
	switch {
	case t.object == objectMoof || t.object == objectMdat:
		return true
	case t.object != objectFragment || t.selector != byTime:
		return false
	}
	return string(t.format) == "fmp4-v20" || len(t.format) == 0 && !t.cmaf
}

// cutSlash splits at the first slash; rest is nil where there is none.
func cutSlash(b []byte) (segment, rest []byte) {
	if i := bytes.IndexByte(b, '/'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// cutCall splits noun(arguments).ext. The parentheses may be missing, and so may the extension; parentheses that do not
// pair are a fault.
func cutCall(b []byte) (noun, arguments, ext []byte, ok bool) {
	open := bytes.IndexByte(b, '(')
	if open < 0 {
		noun, ext, _ := bytes.Cut(b, []byte("."))
		return noun, nil, ext, isExtension(ext) && bytes.IndexByte(noun, ')') < 0
	}
	end := bytes.LastIndexByte(b, ')')
	if end < open {
		return nil, nil, nil, false
	}
	ext = b[end+1:]
	if len(ext) == 0 {
		return b[:open], b[open+1 : end], nil, true
	}
	if ext[0] != '.' || len(ext) == 1 {
		return nil, nil, nil, false
	}
	return b[:open], b[open+1 : end], ext[1:], isExtension(ext[1:])
}

func isExtension(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(b) <= 8
}
