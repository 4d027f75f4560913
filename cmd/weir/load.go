package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"weir/control/reconcile"
	"weir/control/state"
)

// notYet are keys of the design that weir has no use for so far, with the reason that is given to whoever sets one.
var notYet = map[string]string{
	"srt": "SRT", "admin.tls": "the management API over TLS", "public": "public.hosts (URLs in answers are relative)",
	"account": "the management API", "archive": "recording", "live.chunk": "protocols that carry no chunks (live.chunk)",
	"http.tls": "TLS at the origin",
}

// Load reads a configuration file over the defaults, then the environment over the file, and checks the whole. env is
// os.LookupEnv. path "": no file. The error joins every fault, one a line, each with its place: one edit mends them all.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	var text []byte
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
	}
	return loadText(path, text, env)
}

// loadText is Load for text that is already read; name stands for the file in messages.
func loadText(name string, text []byte, env func(string) (string, bool)) (*Config, error) {
	c := Default()
	r := &yamlReader{places: map[string]string{}, file: name}
	switch n := r.parse(text).(type) {
	case nil:
	case *ast.MappingNode:
		r.decodeStruct("", n, reflect.ValueOf(c).Elem())
	default:
		t := n.GetToken()
		r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: want keys, such as \"http:\"", name, t.Position.Line, t.Position.Column))
	}
	r.decodeEnv("", reflect.ValueOf(c).Elem(), env)
	if len(r.faults) == 0 {
		c.check(r)
	}
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return c, nil
}

// envName is the variable that overrides a key: trustedProxies -> WEIR_TRUSTED_PROXIES, http.listen -> WEIR_HTTP_LISTEN.
func envName(key string) string {
	var b strings.Builder
	b.WriteString("WEIR_")
	for _, c := range key {
		switch {
		case c == '.':
			b.WriteByte('_')
			continue
		case unicode.IsUpper(c):
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(c))
	}
	return b.String()
}

// decodeEnv overrides every key of a struct that has a variable in the environment. Values are the text of the key; lists
// and resources are YAML (JSON will do) on one line.
func (r *yamlReader) decodeEnv(key string, to reflect.Value, env func(string) (string, bool)) {
	for i := range to.NumField() {
		field := to.Field(i)
		at := strings.TrimPrefix(key+"."+to.Type().Field(i).Tag.Get("yaml"), ".")
		if field.Kind() == reflect.Struct && !isText(field) {
			r.decodeEnv(at, field, env)
			continue
		}
		text, ok := env(envName(at))
		if !ok {
			continue
		}
		for known := range r.places { // what the file said of this key counts no more
			if known == at || strings.HasPrefix(known, at+".") || strings.HasPrefix(known, at+"[") {
				delete(r.places, known)
			}
		}
		r.file = envName(at)
		r.places[at] = r.file
		if field.Kind() != reflect.Slice && field.Type() != resourcesType {
			r.setText(at, text, field)
			continue
		}
		n := r.parse([]byte(text))
		switch {
		case n == nil:
			field.SetZero()
			if field.Type() == resourcesType {
				field.Set(reflect.ValueOf(new(state.Resources)))
			}
		case field.Type() == resourcesType:
			r.decodeResources(at, n, field)
		default:
			r.decode(at, n, field)
		}
	}
}

var resourcesType = reflect.TypeFor[*state.Resources]()

// decodeResources hands the resources to control/state as the JSON that they are in shape, and gives its faults their
// places in the file.
func (r *yamlReader) decodeResources(key string, n ast.Node, to reflect.Value) {
	if _, null := n.(*ast.NullNode); null {
		return
	}
	before := len(r.faults)
	value := r.value(key, n)
	if len(r.faults) > before {
		return
	}
	text := new(bytes.Buffer)
	encoder := json.NewEncoder(text)
	if err := encoder.Encode(value); err != nil {
		r.fault(key, "%v", err)
		return
	}
	resources, faults := state.DecodeResources(text.Bytes())
	if len(faults) == 0 {
		faults = reconcile.Check(resources)
	}
	for _, f := range faults {
		r.fault(strings.TrimSuffix(key+"."+f.Path, "."), "%s", f.Text)
	}
	if len(faults) == 0 {
		to.Set(reflect.ValueOf(resources))
	}
}

// value is a node as encoding/json would have read it; the place of each key in it is noted.
func (r *yamlReader) value(key string, n ast.Node) any {
	switch n := n.(type) {
	case *ast.MappingNode:
		object := make(map[string]any, len(n.Values))
		for _, v := range n.Values {
			name, _ := scalarText(v.Key)
			at := key + "." + name
			r.note(at, v.Key.GetToken())
			object[name] = r.value(at, v.Value)
		}
		return object
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			at := fmt.Sprintf("%s[%d]", key, i)
			r.note(at, firstToken(v))
			list[i] = r.value(at, v)
		}
		return list
	case *ast.IntegerNode:
		return n.Value
	case *ast.FloatNode:
		if math.IsInf(n.Value, 0) {
			return n.GetToken().Value
		}
		return n.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.NullNode:
		return nil
	}
	if text, ok := scalarText(n); ok {
		return text
	}
	r.fault(key, "anchors, aliases and tags are not read here: write the value out")
	return nil
}
