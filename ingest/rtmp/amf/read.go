package amf

import (
	"encoding/binary"
	"errors"
	"math"
)

// What can be wrong with a value.
var (
	ErrShort   = errors.New("AMF value ends early")
	ErrDeep    = errors.New("AMF values nested deeper than 16")
	ErrMany    = errors.New("more than 1024 AMF values in one message")
	ErrUnknown = errors.New("AMF value of a type that weir does not read")
	ErrRefers  = errors.New("AMF reference to what is not there")
)

const (
	maxDepth  = 16
	maxValues = 1024 // in one message; what a reference stands for counts again
)

// Read reads the values of a message, in AMF0, until its end. What it returns shares nothing with b. A message costs at
// most 1024 values, and text of its own length, whatever it says of itself.
//
// An error comes with the values before it: the message is not AMF from there on.
func Read(b []byte) ([]Value, error) {
	r := reader{b: b}
	var values []Value
	for len(r.b) > 0 {
		v, err := r.value(0)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

// A reader reads the values of one message.
type reader struct {
	b     []byte
	count int     // of values so far
	known []known // complex values that AMF0 may refer to
	amf3  *reader3
}

// known is a value that may be referred to, once it is whole.
type known struct {
	value  Value
	count  int // of values in it, itself included
	height int
	whole  bool
}

// Markers of AMF0.
//
// Source: AMF0 specification, 2.1.
const (
	markNumber  = 0x00
	markBoolean = 0x01
	markString  = 0x02
	markObject  = 0x03
	markNull    = 0x05
	markUndef   = 0x06
	markRefer   = 0x07
	markECMA    = 0x08
	markEnd     = 0x09
	markArray   = 0x0A
	markDate    = 0x0B
	markLong    = 0x0C
	markNone    = 0x0D // "unsupported"
	markXML     = 0x0F
	markTyped   = 0x10
	markAMF3    = 0x11
)

// value reads one value that lies within depth others.
func (r *reader) value(depth int) (Value, error) {
	if err := r.enter(depth); err != nil {
		return Value{}, err
	}
	mark, err := r.byte()
	if err != nil {
		return Value{}, err
	}
	switch mark {
	case markNumber:
		n, err := r.number()
		return Value{Kind: Number, Number: n}, err
	case markBoolean:
		b, err := r.byte()
		return Value{Kind: Boolean, Bool: b != 0}, err
	case markString:
		s, err := r.text(2)
		return Value{Kind: String, Text: s}, err
	case markLong, markXML:
		s, err := r.text(4)
		return Value{Kind: String, Text: s}, err
	case markDate:
		n, err := r.number()
		if err == nil {
			_, err = r.take(2) // a time zone, which is to be ignored
		}
		return Value{Kind: Date, Number: n}, err
	case markNull:
		return Value{Kind: Null}, nil
	case markUndef, markNone:
		return Value{}, nil
	case markRefer:
		return r.refer(depth)
	case markObject:
		return r.object(depth, -1)
	case markTyped:
		if _, err := r.text(2); err != nil {
			return Value{}, err
		}
		return r.object(depth, -1)
	case markECMA:
		n, err := r.uint32()
		if err != nil {
			return Value{}, err
		}
		return r.object(depth, int64(n))
	case markArray:
		return r.array(depth)
	case markAMF3:
		if r.amf3 == nil {
			r.amf3 = &reader3{r: r}
		}
		r.count-- // the marker is no value
		return r.amf3.value(depth)
	}
	return Value{}, ErrUnknown
}

// enter counts a value and its depth.
func (r *reader) enter(depth int) error {
	if depth >= maxDepth {
		return ErrDeep
	}
	if r.count++; r.count > maxValues {
		return ErrMany
	}
	return nil
}

// expect refuses as many values as cannot be there, each having at least a marker, or may not.
func (r *reader) expect(n uint32) error {
	switch {
	case int64(n) > int64(len(r.b)):
		return ErrShort
	case int64(r.count)+int64(n) > maxValues:
		return ErrMany
	}
	return nil
}

// object reads fields until the end marker. Where an ECMA array has said how many there are, the message's end will do.
func (r *reader) object(depth int, said int64) (Value, error) {
	at, before := r.reserve(), r.count-1
	v := Value{Kind: Object}
	for {
		if len(r.b) == 0 && said >= 0 && int64(len(v.Fields)) >= said {
			return r.settle(at, before, v), nil
		}
		name, err := r.text(2)
		if err != nil {
			return Value{}, err
		}
		if name == "" && len(r.b) > 0 && r.b[0] == markEnd {
			r.b = r.b[1:]
			return r.settle(at, before, v), nil
		}
		field, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Fields = append(v.Fields, Field{name, field})
	}
}

// array reads as many values as it says.
func (r *reader) array(depth int) (Value, error) {
	n, err := r.uint32()
	if err != nil {
		return Value{}, err
	}
	if err := r.expect(n); err != nil {
		return Value{}, err
	}
	at, before := r.reserve(), r.count-1
	v := Value{Kind: Array}
	for range n {
		item, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, item)
	}
	return r.settle(at, before, v), nil
}

// reserve gives the value that begins its number among those that may be referred to.
func (r *reader) reserve() int {
	r.known = append(r.known, known{})
	return len(r.known) - 1
}

// settle makes a value known that is whole.
func (r *reader) settle(at, before int, v Value) Value {
	r.known[at] = known{value: v, count: r.count - before, height: height(v), whole: true}
	return v
}

// refer looks up a reference. What it stands for is counted again, and its depth: else a few bytes would stand for
// millions of values. A value within itself is refused.
func (r *reader) refer(depth int) (Value, error) {
	b, err := r.take(2)
	if err != nil {
		return Value{}, err
	}
	r.count-- // the reference is no value
	return r.again(r.known, int(binary.BigEndian.Uint16(b)), depth)
}

// again is the value of a reference.
func (r *reader) again(table []known, i, depth int) (Value, error) {
	if i >= len(table) || !table[i].whole {
		return Value{}, ErrRefers
	}
	k := &table[i]
	if r.count += k.count; r.count > maxValues {
		return Value{}, ErrMany
	}
	if depth+k.height > maxDepth {
		return Value{}, ErrDeep
	}
	return k.value, nil
}

// height is how deep a value nests: 1 where it holds no others.
func height(v Value) int {
	most := 0
	for i := range v.Items {
		most = max(most, height(v.Items[i]))
	}
	for i := range v.Fields {
		most = max(most, height(v.Fields[i].Value))
	}
	return most + 1
}

func (r *reader) take(n int) ([]byte, error) {
	if n > len(r.b) {
		return nil, ErrShort
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *reader) byte() (byte, error) {
	b, err := r.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r *reader) uint32() (uint32, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

func (r *reader) number() (float64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// text reads a string behind a length of 2 or 4 bytes.
func (r *reader) text(size int) (string, error) {
	b, err := r.take(size)
	if err != nil {
		return "", err
	}
	n := uint64(0)
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	if n > uint64(len(r.b)) {
		return "", ErrShort
	}
	b, err = r.take(int(n))
	return string(b), err
}
