package page

import (
	"embed"
	"errors"
	"io/fs"
)

//go:embed static
var static embed.FS

//go:embed dist
var dist embed.FS

// Files returns the page: index.html, what index.html names below page/ (app.js, page.css, …), and the engines as
// players/*.js where 'make page' has been run. Safe for concurrent use; the files never change.
func Files() fs.FS {
	return layers{sub(static, "static"), sub(dist, "dist")}
}

// layers shows several file systems as one: the first that has a name answers for it.
type layers []fs.FS

// Open implements fs.FS. It returns fs.ErrNotExist where no layer has the name; a folder comes from its first layer alone.
func (l layers) Open(name string) (fs.File, error) {
	for _, layer := range l {
		f, err := layer.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func sub(fsys fs.FS, dir string) fs.FS {
	s, err := fs.Sub(fsys, dir)
	if err != nil {
		panic("page: " + err.Error()) // dir is a constant of ours
	}
	return s
}
