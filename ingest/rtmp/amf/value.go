package amf

// A Kind says which of a Value's fields mean something.
type Kind uint8

// Kinds of values.
const (
	Undefined Kind = iota
	Null
	Boolean // Bool
	Number  // Number
	String  // Text; XML too
	Date    // Number: milliseconds since the epoch
	Object  // Fields; ECMA arrays and typed objects too
	Array   // Items
	Bytes   // Text: the bytes of an AMF3 byte array
)

// A Value is one value of AMF, of either version. The zero Value is Undefined.
type Value struct {
	Kind   Kind
	Bool   bool
	Number float64
	Text   string
	Fields []Field // in the order in which they came
	Items  []Value
}

// A Field is a named value of an object.
type Field struct {
	Name  string
	Value Value
}

// Get returns the object's field of that name, the first where there are several, or Undefined.
func (v *Value) Get(name string) Value {
	for i := range v.Fields {
		if v.Fields[i].Name == name {
			return v.Fields[i].Value
		}
	}
	return Value{}
}

// OfText is a string.
func OfText(s string) Value { return Value{Kind: String, Text: s} }

// OfNumber is a number.
func OfNumber(n float64) Value { return Value{Kind: Number, Number: n} }

// OfObject is an object with these fields.
func OfObject(fields ...Field) Value { return Value{Kind: Object, Fields: fields} }
