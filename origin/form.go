package origin

import (
	"bytes"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/gzip"
)

// A form is the bytes of an object in one encoding, with their entity tag. It is immutable.
type form struct {
	bytes []byte
	etag  string // quoted; the hash of the bytes, so that two origins with the same media say the same
}

func newForm(b []byte) *form {
	const digits = "0123456789abcdef"
	sum := xxhash.Sum64(b)
	tag := make([]byte, 18)
	tag[0], tag[17] = '"', '"'
	for i := 16; i > 0; i-- {
		tag[i] = digits[sum&15]
		sum >>= 4
	}
	return &form{b, string(tag)}
}

// gzipLevel suits playlists that change every second or two: a third of the time of the best, a few percent larger.
const gzipLevel = 5

var gzipWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzipLevel)
	if err != nil {
		panic("origin: gzip level: " + err.Error()) // a constant of ours
	}
	return w
}}

// compress returns b as gzip, without a name or a time in it: equal bytes give equal bytes.
func compress(b []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(b)/4 + 64)
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset(&out)
	_, err := w.Write(b)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		panic("origin: gzip into memory: " + err.Error()) // a bytes.Buffer does not fail
	}
	return out.Bytes()
}

// setForm makes a the complete 200 of an object that has no ranges. zipped says that f is the gzip form; vary that there
// is one.
func (a *Answer) setForm(f *form, zipped, vary bool) {
	a.Status, a.ETag, a.Bytes, a.Ranges = 200, f.etag, f.bytes, rangesNone
	a.Gzip, a.Vary = zipped, vary
}
