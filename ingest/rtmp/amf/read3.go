package amf

// A reader3 reads the values of AMF3 within an AMF0 message. Its tables of references last as long as the message.
type reader3 struct {
	r       *reader
	strings []string
	known   []known
	traits  []traits
}

// traits are what objects of one class have in common.
type traits struct {
	names   []string
	dynamic bool
}

// Markers of AMF3.
//
// Source: AMF3 specification, 3.1.
const (
	mark3Undef   = 0x00
	mark3Null    = 0x01
	mark3False   = 0x02
	mark3True    = 0x03
	mark3Integer = 0x04
	mark3Double  = 0x05
	mark3String  = 0x06
	mark3XMLDoc  = 0x07
	mark3Date    = 0x08
	mark3Array   = 0x09
	mark3Object  = 0x0A
	mark3XML     = 0x0B
	mark3Bytes   = 0x0C
)

func (r *reader3) value(depth int) (Value, error) {
	if err := r.r.enter(depth); err != nil {
		return Value{}, err
	}
	mark, err := r.r.byte()
	if err != nil {
		return Value{}, err
	}
	switch mark {
	case mark3Undef:
		return Value{}, nil
	case mark3Null:
		return Value{Kind: Null}, nil
	case mark3False, mark3True:
		return Value{Kind: Boolean, Bool: mark == mark3True}, nil
	case mark3Integer:
		n, err := r.integer()
		return Value{Kind: Number, Number: float64(int32(n<<3) >> 3)}, err
	case mark3Double:
		n, err := r.r.number()
		return Value{Kind: Number, Number: n}, err
	case mark3String:
		s, err := r.text()
		return Value{Kind: String, Text: s}, err
	}
	n, err := r.integer()
	if err != nil {
		return Value{}, err
	}
	if n&1 == 0 {
		r.r.count-- // the reference is no value
		switch mark {
		case mark3XMLDoc, mark3Date, mark3Array, mark3Object, mark3XML, mark3Bytes:
			return r.r.again(r.known, int(n>>1), depth)
		}
		return Value{}, ErrUnknown
	}
	at, before := r.reserve(), r.r.count-1
	v, err := r.complex(mark, n>>1, depth)
	if err != nil {
		return Value{}, err
	}
	r.known[at] = known{value: v, count: r.r.count - before, height: height(v), whole: true}
	return v, nil
}

// complex reads what may be referred to later.
func (r *reader3) complex(mark byte, n uint32, depth int) (Value, error) {
	switch mark {
	case mark3Date:
		ms, err := r.r.number()
		return Value{Kind: Date, Number: ms}, err
	case mark3XMLDoc, mark3XML:
		b, err := r.r.take(int(n))
		return Value{Kind: String, Text: string(b)}, err
	case mark3Bytes:
		b, err := r.r.take(int(n))
		return Value{Kind: Bytes, Text: string(b)}, err
	case mark3Array:
		return r.array(n, depth)
	case mark3Object:
		return r.object(n, depth)
	}
	return Value{}, ErrUnknown
}

// array reads an array. One with named values is an object, whose dense part has no names that anybody asks for.
func (r *reader3) array(n uint32, depth int) (Value, error) {
	fields, err := r.fields(nil, depth)
	if err != nil {
		return Value{}, err
	}
	if err := r.r.expect(n); err != nil {
		return Value{}, err
	}
	v := Value{Kind: Array}
	for range n {
		item, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, item)
	}
	if len(fields) > 0 {
		v.Kind, v.Fields = Object, fields
	}
	return v, nil
}

// object reads an object: its class, or a reference to that, then its values.
//
// Source: AMF3 specification, 3.12.
func (r *reader3) object(n uint32, depth int) (Value, error) {
	var t traits
	switch {
	case n&1 == 0:
		if int(n>>1) >= len(r.traits) {
			return Value{}, ErrRefers
		}
		t = r.traits[n>>1]
	case n&2 != 0: // externalizable: only its class knows how long it is
		return Value{}, ErrUnknown
	default:
		if _, err := r.text(); err != nil { // the class's name
			return Value{}, err
		}
		count := n >> 3
		if err := r.r.expect(count); err != nil { // each name has at least a length, and stands for a value
			return Value{}, err
		}
		t.dynamic = n&4 != 0
		for range count {
			name, err := r.text()
			if err != nil {
				return Value{}, err
			}
			t.names = append(t.names, name)
		}
		r.traits = append(r.traits, t)
	}
	v := Value{Kind: Object}
	for _, name := range t.names {
		field, err := r.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Fields = append(v.Fields, Field{name, field})
	}
	var err error
	if t.dynamic {
		v.Fields, err = r.fields(v.Fields, depth)
	}
	return v, err
}

// fields reads named values until an empty name.
func (r *reader3) fields(fields []Field, depth int) ([]Field, error) {
	for {
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		if name == "" {
			return fields, nil
		}
		field, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		fields = append(fields, Field{name, field})
	}
}

func (r *reader3) reserve() int {
	r.known = append(r.known, known{})
	return len(r.known) - 1
}

// text reads a string or a reference to one.
func (r *reader3) text() (string, error) {
	n, err := r.integer()
	if err != nil {
		return "", err
	}
	if n&1 == 0 {
		if int(n>>1) >= len(r.strings) {
			return "", ErrRefers
		}
		return r.strings[n>>1], nil
	}
	b, err := r.r.take(int(n >> 1))
	if err != nil {
		return "", err
	}
	s := string(b)
	if s != "" { // an empty one is never referred to
		r.strings = append(r.strings, s)
	}
	return s, nil
}

// integer reads an integer of 29 bits in one to four bytes.
//
// Source: AMF3 specification, 1.3.1.
func (r *reader3) integer() (uint32, error) {
	n := uint32(0)
	for i := range 4 {
		b, err := r.r.byte()
		if err != nil {
			return 0, err
		}
		if i == 3 {
			return n<<8 | uint32(b), nil
		}
		n = n<<7 | uint32(b&0x7F)
		if b < 0x80 {
			return n, nil
		}
	}
	return n, nil
}
