package main

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A yamlReader fills structs from YAML text, strictly: it goes by yaml tags, collects every fault with its place, and
// remembers where each key stands, so that later checks can name the place too. Anchors, aliases, merge keys and tags are
// refused: a configuration reads top to bottom.
type yamlReader struct {
	places map[string]string // dotted key -> "weir.yaml:14:5"
	faults []error
	file   string // of the text being read
}

// fault notes what is wrong with a key; the place is that of the key, or of what it stands in.
func (r *yamlReader) fault(key, format string, args ...any) {
	place := ""
	for at := key; place == "" && at != ""; at = parentKey(at) {
		place = r.places[at]
	}
	text := strings.TrimPrefix(key+": ", ": ") + fmt.Sprintf(format, args...)
	if place != "" {
		text = place + ": " + text
	}
	r.faults = append(r.faults, errors.New(text))
}

// parentKey is the key that "a.b[2]" stands in: "a.b"; "" at the top.
func parentKey(key string) string { return key[:max(strings.LastIndexAny(key, ".["), 0)] }

func (r *yamlReader) note(key string, t *token.Token) {
	r.places[key] = fmt.Sprintf("%s:%d:%d", r.file, t.Position.Line, t.Position.Column)
}

// parse reads text as one YAML document; nil when it is empty, or when it is not YAML (then there is a fault).
func (r *yamlReader) parse(text []byte) ast.Node {
	f, err := parser.ParseBytes(text, 0)
	if syntax := new(yaml.SyntaxError); errors.As(err, &syntax) && syntax.Token != nil {
		p := syntax.Token.Position
		r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.file, p.Line, p.Column, syntax.Message))
		return nil
	}
	if err != nil {
		r.faults = append(r.faults, fmt.Errorf("%s: %w", r.file, err))
		return nil
	}
	var body ast.Node
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if _, comment := d.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if body != nil {
			t := d.Body.GetToken()
			r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: a second document: one file holds one configuration", r.file, t.Position.Line, t.Position.Column))
			return nil
		}
		body = d.Body
	}
	return body
}

// decode fills to, which stands under key, from n. null leaves it as it is.
func (r *yamlReader) decode(key string, n ast.Node, to reflect.Value) {
	switch n := n.(type) {
	case *ast.NullNode:
		return
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		r.fault(key, "anchors, aliases and tags are not read here: write the value out")
		return
	case *ast.MappingNode:
		if to.Kind() != reflect.Struct || isText(to) {
			r.fault(key, "holds keys, and must be %s", wanted(to))
			return
		}
		r.decodeStruct(key, n, to)
		return
	case *ast.SequenceNode:
		if to.Kind() != reflect.Slice {
			r.fault(key, "is a list, and must be %s", wanted(to))
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), len(n.Values), len(n.Values)))
		for i, v := range n.Values {
			at := fmt.Sprintf("%s[%d]", key, i)
			r.note(at, firstToken(v))
			r.decode(at, v, to.Index(i))
		}
		return
	}
	text, ok := scalarText(n)
	if !ok || to.Kind() == reflect.Struct && !isText(to) || to.Kind() == reflect.Slice {
		r.fault(key, "must be %s", wanted(to))
		return
	}
	r.setText(key, text, to)
}

func (r *yamlReader) decodeStruct(key string, n *ast.MappingNode, to reflect.Value) {
	for _, v := range n.Values {
		name, _ := scalarText(v.Key)
		at := strings.TrimPrefix(key+"."+name, ".")
		r.note(at, v.Key.GetToken())
		if v.Key.IsMergeKey() {
			r.fault(at, "merge keys are not read here: write the keys out")
			continue
		}
		field, ok := fieldByKey(to, name)
		switch {
		case !ok && notYet[at] != "":
			r.fault(at, "weir does not do %s yet: remove the key", notYet[at])
		case !ok:
			r.fault(at, "there is no such key%s: remove it, or see configs/weir.yaml for the keys there are", didYouMean(name, to))
		case field.Type() == resourcesType:
			r.decodeResources(at, v.Value, field)
		default:
			r.decode(at, v.Value, field)
		}
	}
}

// setText sets a scalar from its text, as it stands in a file or in the environment.
func (r *yamlReader) setText(key, text string, to reflect.Value) {
	if u, ok := to.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			r.fault(key, "%v", err)
		}
		return
	}
	switch to.Kind() {
	case reflect.String:
		to.SetString(text)
	case reflect.Bool:
		switch text {
		case "true", "false":
			to.SetBool(text == "true")
		default:
			r.fault(key, "%q must be true or false", text)
		}
	case reflect.Int:
		v, err := strconv.Atoi(text)
		if err != nil {
			r.fault(key, "%q must be a whole number", text)
		}
		to.SetInt(int64(v))
	default:
		panic("weir: Config has a field of type " + to.Type().String())
	}
}

func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

// wanted says what a key must be, for the message about one that is not.
func wanted(to reflect.Value) string {
	switch {
	case to.Kind() == reflect.Slice:
		return "a list"
	case to.Kind() == reflect.Struct && !isText(to):
		return "a group of keys"
	}
	return "one value"
}

func fieldByKey(to reflect.Value, key string) (reflect.Value, bool) {
	for i := range to.NumField() {
		if to.Type().Field(i).Tag.Get("yaml") == key {
			return to.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// didYouMean finds a key that differs in case alone.
func didYouMean(name string, to reflect.Value) string {
	for i := range to.NumField() {
		if key := to.Type().Field(i).Tag.Get("yaml"); strings.EqualFold(key, name) {
			return " (" + key + " is one)"
		}
	}
	return ""
}

// scalarText is the text of a scalar as it stands in the file.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// firstToken is where a list's element begins: for a mapping its first key rather than the colon behind it.
func firstToken(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return m.Values[0].Key.GetToken()
	}
	return n.GetToken()
}
