package origin

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"weir/manifest"
)

// A page serves the player page from a file system that never changes: index.html at /, other files below /page/. A
// file is read, hashed and compressed when it is first asked for, and held. Safe for concurrent use.
type page struct {
	files fs.FS // nil: there is no page

	mu   sync.RWMutex
	held map[string]*asset // by request path
}

// An asset is a file of the page with its gzip form.
type asset struct {
	plain, gzip *form
	contentType string
}

// asset finds a file by request path, nil where there is none. Only files that exist are held.
func (p *page) asset(requestPath []byte) *asset {
	p.mu.RLock()
	a := p.held[string(requestPath)]
	p.mu.RUnlock()
	if a != nil || p.files == nil {
		return a
	}
	name := strings.TrimPrefix(string(requestPath), "/page/")
	if name == "/" {
		name = "index.html"
	}
	b, err := fs.ReadFile(p.files, name) // refuses what is not a clean relative path, and folders
	if err != nil {
		return nil
	}
	a = &asset{plain: newForm(b), gzip: newForm(compress(b)), contentType: contentTypeOf(name)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(map[string]*asset)
	}
	p.held[string(requestPath)] = a
	return a
}

// contentTypeOf goes by the name's extension, from a table of our own: the system's would differ between machines.
func contentTypeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return typeJSON
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".txt":
		return typeText
	}
	return "application/octet-stream"
}

// isPage reports whether a path belongs to the page rather than to a locator.
func isPage(requestPath []byte) bool {
	return string(requestPath) == "/" || bytes.HasPrefix(requestPath, []byte("/page/"))
}

// answerPage answers for the page's files and its list of channels; a.Kind says already that it is the page's.
func (s *Server) answerPage(r *Request, a *Answer) {
	if string(r.Path) == "/page/channels.json" {
		s.answerChannels(r, a)
		return
	}
	file := s.page.asset(r.Path)
	if file == nil {
		a.fail(faultNotFound, 0)
		return
	}
	a.ContentType, a.CacheControl = file.contentType, cacheCheck
	if acceptsGzip(r.AcceptEncoding) {
		a.setForm(file.gzip, true, true)
	} else {
		a.setForm(file.plain, false, true)
	}
	a.finish(r)
}

// A listing is one entry of /page/channels.json; package origin/page says what the page makes of it.
type listing struct {
	Name   string `json:"name"`
	HLS    string `json:"hls"`
	DASH   string `json:"dash"`
	Smooth string `json:"smooth"`
	Ingest string `json:"ingest,omitempty"`
}

// answerChannels lists the presentations whose locators are valid now and open to the client, where the operator has
// said that strangers may see them.
func (s *Server) answerChannels(r *Request, a *Answer) {
	if !s.config.ListChannels {
		a.fail(faultNotFound, 0)
		return
	}
	list := []listing{}
	for _, l := range s.Routes().Locators {
		if !l.validAt(r.Now) || !l.admits(r.Client) {
			continue
		}
		for _, p := range l.Presentations {
			base := "/" + l.ID + "/" + string(manifest.AppendEscaped(nil, p.Name)) + ".ism/manifest"
			list = append(list, listing{
				Name: p.Name, HLS: base + "(format=m3u8-cmaf)", DASH: base + "(format=mpd-time-cmaf)", Smooth: base, Ingest: p.IngestURL,
			})
		}
	}
	slices.SortFunc(list, func(x, y listing) int {
		if c := strings.Compare(x.Name, y.Name); c != 0 {
			return c
		}
		return strings.Compare(x.HLS, y.HLS)
	})
	b, err := json.Marshal(list)
	if err != nil {
		a.fail(faultInternal, 0)
		return
	}
	a.ContentType, a.CacheControl = typeJSON, cacheCheck
	a.setForm(newForm(append(b, '\n')), false, false)
	a.finish(r)
}
