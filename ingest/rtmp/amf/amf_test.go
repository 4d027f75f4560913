package amf

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes string
		want  []Value
		err   error
	}{
		"a command": {
			"\x02\x00\x07connect\x00\x3F\xF0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04live\x00\x04fpad\x01\x01\x00\x00\x09",
			[]Value{OfText("connect"), OfNumber(1), OfObject(Field{"app", OfText("live")}, Field{"fpad", Value{Kind: Boolean, Bool: true}})},
			nil,
		},
		"ECMA array, its count wrong": {
			"\x08\x00\x00\x00\x07\x00\x05width\x00\x40\x9E\x00\x00\x00\x00\x00\x00\x00\x00\x09",
			[]Value{OfObject(Field{"width", OfNumber(1920)})},
			nil,
		},
		"ECMA array without an end": {"\x08\x00\x00\x00\x01\x00\x01a\x05", []Value{OfObject(Field{"a", Value{Kind: Null}})}, nil},
		"ECMA array cut short":      {"\x08\x00\x00\x00\x02\x00\x01a\x05", nil, ErrShort},
		"strict array":              {"\x0A\x00\x00\x00\x02\x05\x06", []Value{{Kind: Array, Items: []Value{{Kind: Null}, {}}}}, nil},
		"date":                      {"\x0B\x42\x74\x00\x00\x00\x00\x00\x00\x00\x3C", []Value{{Kind: Date, Number: math.Float64frombits(0x4274 << 48)}}, nil},
		"long string, XML":          {"\x0C\x00\x00\x00\x02hi\x0F\x00\x00\x00\x04<a/>", []Value{OfText("hi"), OfText("<a/>")}, nil},
		"typed object":              {"\x10\x00\x03Foo\x00\x01a\x0D\x00\x00\x09", []Value{OfObject(Field{"a", Value{}})}, nil},
		"reference": {
			"\x0A\x00\x00\x00\x02\x03\x00\x01a\x05\x00\x00\x09\x07\x00\x01",
			[]Value{{Kind: Array, Items: []Value{OfObject(Field{"a", Value{Kind: Null}}), OfObject(Field{"a", Value{Kind: Null}})}}},
			nil,
		},
		"reference to itself":         {"\x0A\x00\x00\x00\x01\x07\x00\x00", nil, ErrRefers},
		"reference to nobody":         {"\x07\x00\x05", nil, ErrRefers},
		"what comes before the fault": {"\x05\x02\x00\x09short", []Value{{Kind: Null}}, ErrShort},
		"a type of no encoder":        {"\x04\x00", nil, ErrUnknown},
		"a huge array":                {"\x0A\xFF\xFF\xFF\xFF\x05\x05", nil, ErrShort},
		"AMF3: scalars": {
			"\x11\x00\x11\x01\x11\x02\x11\x03\x11\x04\x81\x00\x11\x04\xFF\xFF\xFF\xFF\x11\x05\x3F\xF8\x00\x00\x00\x00\x00\x00\x11\x06\x05hi\x11\x06\x00",
			[]Value{
				{},
				{Kind: Null},
				{Kind: Boolean},
				{Kind: Boolean, Bool: true},
				OfNumber(128),
				OfNumber(-1),
				OfNumber(1.5),
				OfText("hi"),
				OfText("hi"),
			},
			nil,
		},
		"AMF3: object": { // class "C", one sealed name, dynamic
			"\x11\x0A\x1B\x03C\x05ab\x04\x07\x05cd\x06\x02\x01",
			[]Value{OfObject(Field{"ab", OfNumber(7)}, Field{"cd", OfText("ab")})},
			nil,
		},
		"AMF3: array, date, bytes": {
			"\x11\x09\x05\x01\x08\x01\x3F\xF0\x00\x00\x00\x00\x00\x00\x0C\x05\x01\x02",
			[]Value{{Kind: Array, Items: []Value{{Kind: Date, Number: 1}, {Kind: Bytes, Text: "\x01\x02"}}}},
			nil,
		},
		"AMF3: array with names":    {"\x11\x09\x01\x03a\x03\x01", []Value{OfObject(Field{"a", Value{Kind: Boolean, Bool: true}})}, nil},
		"AMF3: array within itself": {"\x11\x09\x03\x01\x09\x00", nil, ErrRefers},
		"AMF3: huge array":          {"\x11\x09\xBF\xFF\xFF\xFF\x01", nil, ErrShort},
		"AMF3: huge class":          {"\x11\x0A\xFF\xFF\xFF\xF3\x01", nil, ErrShort},
		"AMF3: externalizable":      {"\x11\x0A\x07\x03C", nil, ErrUnknown},
		"AMF3: dictionary":          {"\x11\x11\x03\x00", nil, ErrUnknown},
	} {
		got, err := Read([]byte(tc.bytes))
		if diff := cmp.Diff(tc.want, got); diff != "" || !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want %v (-want +got)\n%s", name, err, tc.err, diff)
		}
	}
}

// hostile are messages that cost more than they are worth, made as large as a message may be.
var hostile = map[string]string{
	"nested arrays":        strings.Repeat("\x0A\x00\x00\x00\x01", 13_000),
	"nested objects":       strings.Repeat("\x03\x00\x00", 21_000),
	"nested ECMA arrays":   strings.Repeat("\x08\x00\x00\x00\x01\x00\x01a", 8_000),
	"nested in AMF3":       "\x11" + strings.Repeat("\x09\x03\x01", 21_000),
	"an array of nulls":    "\x0A\x00\x00\xFF\x00" + strings.Repeat("\x05", 0xFF00),
	"an array too long":    "\x0A\xFF\xFF\xFF\xFF" + strings.Repeat("\x05", 0xFF00),
	"values":               strings.Repeat("\x05", 0xFF00),
	"fields without names": "\x03" + strings.Repeat("\x00\x00\x05", 21_000),
	"names of AMF3":        "\x11\x0A\xA0\x03\x01" + strings.Repeat("\x01", 60_000),
	// Each array holds the one before twice: forty would be 2^40 values.
	"references": "\x0A\x00\x00\x00\x28\x0A\x00\x00\x00\x00" + references(),
}

func references() string {
	var b strings.Builder
	for i := range 39 {
		b.WriteString("\x0A\x00\x00\x00\x02\x07\x00" + string(rune(i+1)) + "\x07\x00" + string(rune(i+1)))
	}
	return b.String()
}

func TestHostile(t *testing.T) {
	for name, b := range hostile {
		values, err := Read([]byte(b))
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if n := count(values); n > maxValues {
			t.Errorf("%s: %d values", name, n)
		}
		if allocated := testing.AllocsPerRun(10, func() { _, _ = Read([]byte(b)) }); allocated > 3*maxValues {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
}

// BenchmarkHostile says what each costs: a message of 64 KiB is no dearer than its bytes.
func BenchmarkHostile(b *testing.B) {
	for name, message := range hostile {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Read([]byte(message))
			}
		})
	}
}

func count(values []Value) (n int) {
	for i := range values {
		n += 1 + count(values[i].Items)
		for j := range values[i].Fields {
			n += count([]Value{values[i].Fields[j].Value})
		}
	}
	return n
}

// What is read is within its bounds, and comes back the same when it is written and read again. Where it is plain AMF0,
// another reader reads the same.
func FuzzRead(f *testing.F) {
	for _, b := range hostile {
		f.Add([]byte(b[:min(len(b), 400)]))
	}
	f.Add([]byte("\x02\x00\x07connect\x00\x3F\xF0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"))
	f.Add([]byte("\x11\x0A\x1B\x03C\x05ab\x04\x07\x05cd\x06\x02\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 64<<10 {
			return
		}
		values, err := Read(b)
		if n := count(values); n > maxValues {
			t.Fatalf("%d values", n)
		}
		for i := range values {
			if d := height(values[i]); d > maxDepth {
				t.Fatalf("depth %d", d)
			}
		}
		if err != nil {
			return
		}
		written := Append(nil, values...)
		again, err := Read(written)
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		if diff := cmp.Diff(plain(values), plain(again), same); diff != "" {
			t.Fatalf("written again (-want +got)\n%s", diff)
		}
		// The oracle recurses without a bound, and has no dates: what is given to it is weir's own, which has.
		if oracle, err := amf0.Unmarshal(written); err == nil {
			if diff := cmp.Diff(plain(values), oracles(oracle), same); diff != "" {
				t.Fatalf("oracle (-want +got)\n%s", diff)
			}
		}
	})
}

// same compares numbers by their bits as far as they are numbers.
var same = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })

// plain turns byte arrays into strings, as AMF0 has them, and drops the difference between no items and none.
func plain(values []Value) []Value {
	out := make([]Value, 0, len(values))
	for _, v := range values {
		if v.Kind == Bytes {
			v.Kind = String
		}
		if v.Kind == Object {
			v.Items = nil // the dense part of an array that has names
		}
		v.Items = plain(v.Items)
		fields := make([]Field, 0, len(v.Fields))
		for _, f := range v.Fields {
			fields = append(fields, Field{f.Name, plain([]Value{f.Value})[0]})
		}
		v.Fields = fields
		out = append(out, v)
	}
	return out
}

// oracles turns the oracle's values into ours.
func oracles(data amf0.Data) []Value {
	out := make([]Value, 0, len(data))
	for _, d := range data {
		out = append(out, oracle(d))
	}
	return plain(out)
}

func oracle(d any) Value {
	switch d := d.(type) {
	case float64:
		return OfNumber(d)
	case bool:
		return Value{Kind: Boolean, Bool: d}
	case string:
		return OfText(d)
	case nil:
		return Value{Kind: Null}
	case amf0.Object:
		v := Value{Kind: Object}
		for _, e := range d {
			v.Fields = append(v.Fields, Field{e.Key, oracle(e.Value)})
		}
		return v
	case amf0.ECMAArray:
		return oracle(amf0.Object(d))
	case amf0.StrictArray:
		v := Value{Kind: Array}
		for _, e := range d {
			v.Items = append(v.Items, oracle(e))
		}
		return v
	}
	return Value{}
}
