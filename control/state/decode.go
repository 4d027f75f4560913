package state

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// notYet is a property of the API that weir does not do yet. Its default (null, false, 0, "", [], {}) is accepted,
// anything else is a fault.
type notYet struct{}

// readOnly is a property that the service fills in: ignored on the way in.
type readOnly struct{}

var (
	notYetType   = reflect.TypeFor[notYet]()
	readOnlyType = reflect.TypeFor[readOnly]()
)

// decodeStrict reads JSON into the struct that into points to, and reports everything that does not fit: properties that
// nobody knows, that are not supported, that have another type. It goes by field names and json tags, and knows strings,
// numbers, booleans, structs, slices, pointers and encoding.TextUnmarshaler.
func decodeStrict(b []byte, into any) []Fault {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return []Fault{{"", err.Error()}}
	}
	if _, err := d.Token(); err != io.EOF {
		return []Fault{{"", "something follows the JSON value"}}
	}
	var s strictDecoder
	s.decode("", value, reflect.ValueOf(into).Elem())
	return s.faults
}

type strictDecoder struct{ faults []Fault }

func (s *strictDecoder) fault(path, format string, args ...any) {
	s.faults = append(s.faults, Fault{path, fmt.Sprintf(format, args...)})
}

func (s *strictDecoder) decode(path string, value any, to reflect.Value) {
	if to.Type() == notYetType {
		if !isDefault(value) {
			s.fault(path, "weir does not do %s yet; remove it", path[strings.LastIndexByte(path, '.')+1:])
		}
		return
	}
	if value == nil || to.Type() == readOnlyType { // null is the API's word for "not set"
		return
	}
	if u, ok := to.Addr().Interface().(encoding.TextUnmarshaler); ok {
		text, isText := value.(string)
		if !isText {
			s.mismatch(path, "text", value)
		} else if err := u.UnmarshalText([]byte(text)); err != nil {
			s.fault(path, "%v", err)
		}
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		s.decode(path, value, to.Elem())
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			s.mismatch(path, "an object", value)
			return
		}
		s.object(path, object, to)
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			s.mismatch(path, "a list", value)
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), len(list), len(list)))
		for i, v := range list {
			s.decode(fmt.Sprintf("%s[%d]", path, i), v, to.Index(i))
		}
	default:
		s.scalar(path, value, to)
	}
}

// object decodes the members of a JSON object in order of name, so that faults come in the same order every time.
func (s *strictDecoder) object(path string, object map[string]any, to reflect.Value) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at := strings.TrimPrefix(path+"."+name, ".")
		field, ok := fieldByTag(to, name)
		if !ok {
			s.fault(at, "there is no such property: check the spelling, or remove it")
			continue
		}
		s.decode(at, object[name], field)
	}
}

func fieldByTag(to reflect.Value, name string) (reflect.Value, bool) {
	for i := range to.NumField() {
		f := to.Type().Field(i)
		if f.Anonymous {
			if v, ok := fieldByTag(to.Field(i), name); ok {
				return v, true
			}
		} else if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return to.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func (s *strictDecoder) scalar(path string, value any, to reflect.Value) {
	switch to.Kind() {
	case reflect.String:
		if text, ok := value.(string); ok {
			to.SetString(text)
			return
		}
		s.mismatch(path, "text", value)
	case reflect.Bool:
		if b, ok := value.(bool); ok {
			to.SetBool(b)
			return
		}
		s.mismatch(path, "true or false", value)
	case reflect.Int:
		if number, ok := value.(json.Number); ok {
			if n, err := number.Int64(); err == nil {
				to.SetInt(n)
				return
			}
		}
		s.mismatch(path, "a whole number", value)
	default:
		panic("state: a resource has a field of type " + to.Type().String())
	}
}

func (s *strictDecoder) mismatch(path, want string, value any) {
	got := "an object"
	switch v := value.(type) {
	case string:
		got = fmt.Sprintf("the text %q", v)
	case json.Number:
		got = fmt.Sprintf("the number %s", v)
	case bool:
		got = fmt.Sprint(v)
	case []any:
		got = "a list"
	}
	if want == "text" {
		want = "text (put it in quotes)"
	}
	s.fault(path, "is %s, and must be %s", got, want)
}

// isDefault tells whether a value is what the API returns for a property that was never set.
func isDefault(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case json.Number:
		return v == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
