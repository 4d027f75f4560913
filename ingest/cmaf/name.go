package cmaf

import "strings"

// A Pattern is the path of a stream's segments with the number cut out.
type Pattern struct {
	Prefix, Suffix string
}

// Match tells whether a path is the pattern with a number in it.
func (p Pattern) Match(path string) bool {
	return p.Suffix != "" && len(path) > len(p.Prefix)+len(p.Suffix) &&
		strings.HasPrefix(path, p.Prefix) && strings.HasSuffix(path, p.Suffix) &&
		digits(path[len(p.Prefix):len(path)-len(p.Suffix)])
}

// An object is the path of something that an encoder has PUT, taken apart.
type object struct {
	path   string
	folder string // without a slash at the end
	words  []string
	header bool // its name says that it is a header
}

// Words that say what kind of object it is, and nothing of which stream it belongs to.
func isHeaderWord(w string) bool {
	switch w {
	case "init", "initialization", "header", "hdr", "moov":
		return true
	}
	return false
}

func isMediaWord(w string) bool {
	switch w {
	case "chunk", "seg", "segment", "frag", "fragment", "media", "index", "part", "data":
		return true
	}
	return false
}

// parse takes a path below the publishing point apart: its name without extension, at - _ and dots.
func parse(path string) object {
	o := object{path: path}
	file := path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		o.folder, file = path[:i], path[i+1:]
	}
	stem, ext := file, ""
	if i := strings.LastIndexByte(file, '.'); i > 0 {
		stem, ext = file[:i], strings.ToLower(file[i+1:])
	}
	o.header = ext == "init" || ext == "header"
	for _, w := range strings.FieldsFunc(stem, separates) {
		lower := strings.ToLower(w)
		switch rest := strings.TrimRight(lower, "0123456789"); {
		case isHeaderWord(lower):
			o.header = true
			continue
		case isHeaderWord(rest): // init0
			o.header = true
			w = w[len(rest):]
		case isMediaWord(lower):
			continue
		case isMediaWord(rest): // index0: the number stays
			w = w[len(rest):]
		}
		o.words = append(o.words, w)
	}
	return o
}

func separates(r rune) bool { return r == '-' || r == '_' || r == '.' || r == '~' }

// key joins what is left of a name.
func key(words []string) string { return strings.Join(words, "_") }

// streamName is the name of the object's stream, if it is a header. A number alone, in a folder, is a segment that brings its own.
func (o *object) streamName() string {
	if !o.header && o.folder != "" && len(o.words) == 1 && digits(o.words[0]) {
		return nameOf(o.folder, "")
	}
	return nameOf(o.folder, key(o.words))
}

// nameOf makes a stream's name of the folder and the key of its header. It depends on these alone, so that a stream
// has the same name whatever came before and after, and on every node.
func nameOf(folder, key string) string {
	folder = strings.ReplaceAll(folder, "/", "_")
	switch {
	case folder == "" && key == "":
		return "stream"
	case folder == "" && digits(key):
		return "stream" + key
	case folder == "":
		return key
	case key == "" || endsInNumber(folder, key) || strings.Join(strings.FieldsFunc(folder, separates), "_") == key:
		return folder
	}
	return folder + "_" + key
}

// endsInNumber tells whether number is what folder ends in: v0 and 0.
func endsInNumber(folder, number string) bool {
	return digits(number) && strings.TrimRight(folder, "0123456789")+number == folder && len(folder) > len(number)
}

// resolve is a reference of a manifest as a path below the publishing point, from the folder that the manifest is in.
// ok is false for what leads elsewhere, and for names that no object can have.
func resolve(folder, reference string) (path string, ok bool) {
	if reference == "" || len(reference) > maxLine || reference[0] == '/' || strings.ContainsAny(reference, ":\\") {
		return "", false
	}
	if i := strings.IndexAny(reference, "?#"); i >= 0 {
		reference = reference[:i]
	}
	var parts []string
	if folder != "" {
		parts = strings.Split(folder, "/")
	}
	for part := range strings.SplitSeq(reference, "/") {
		switch {
		case part == "." || part == "":
		case part == "..":
			if len(parts) == 0 {
				return "", false
			}
			parts = parts[:len(parts)-1]
		case ValidName(part) && len(parts) <= maxFolders:
			parts = append(parts, part)
		default:
			return "", false
		}
	}
	return strings.Join(parts, "/"), true
}

// folderOf is the folder that a path lies in.
func folderOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return ""
}

// ValidName admits what is safe in a URL, a log line and a metric: [A-Za-z0-9._~-], 1 to 128 bytes, no dot first.
func ValidName(s string) bool {
	if s == "" || len(s) > maxText || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && c != '.' && c != '_' && c != '~' && c != '-' {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func digits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}
