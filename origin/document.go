package origin

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"weir/manifest"
	"weir/manifest/dash"
	"weir/manifest/hls"
	"weir/manifest/smooth"
)

// A document is one manifest of a snapshot: rendered when it is first asked for, compressed when gzip is first asked
// for, each once while the others who ask wait for it. Safe for concurrent use.
type document struct {
	mu     sync.Mutex
	plain  atomic.Pointer[form]
	zipped atomic.Pointer[form]

	// Somebody waits for the document that follows this one: it is rendered before they are woken, and counted there.
	wantedPlain, wantedZipped atomic.Pointer[metrics]
}

// want says that somebody waits for what follows the document.
func (d *document) want(zipped bool, m *metrics) {
	if zipped {
		d.wantedZipped.Store(m)
	} else {
		d.wantedPlain.Store(m)
	}
}

// renderWanted renders the snapshot's document for those who waited at the one before.
func (s *snapshot) renderWanted(which int, before *document) {
	if m := before.wantedPlain.Load(); m != nil {
		s.form(which, false, m)
	}
	if m := before.wantedZipped.Load(); m != nil {
		s.form(which, true, m)
	}
}

// form is the document's bytes; those of an empty document are empty. It allocates nothing once the form exists. m
// counts renderings, and times them.
func (s *snapshot) form(which int, zipped bool, m *metrics) *form {
	d := s.documents[which]
	held := &d.plain
	if zipped {
		held = &d.zipped
	}
	if f := held.Load(); f != nil {
		return f
	}
	return s.makeForm(d, which, zipped, m)
}

func (s *snapshot) makeForm(d *document, which int, zipped bool, m *metrics) *form {
	d.mu.Lock()
	defer d.mu.Unlock()
	plain := d.plain.Load()
	if plain == nil {
		m.renders.Add(1)
		began := time.Now()
		plain = newForm(render(&s.presentation, which))
		d.plain.Store(plain)
		m.latency.made[documentKind(which)].observe(time.Since(began))
	}
	if !zipped || len(plain.bytes) == 0 {
		return plain
	}
	f := d.zipped.Load()
	if f == nil {
		f = newForm(compress(plain.bytes))
		d.zipped.Store(f)
	}
	return f
}

// documentKind is the kind of answer that a document is.
func documentKind(which int) Kind {
	switch which {
	case documentMultivariant:
		return KindMultivariant
	case documentMPD, documentMPDLow, documentMPDNumber:
		return KindMPD
	case documentSmooth, documentSmooth20:
		return KindSmooth
	}
	return KindPlaylist
}

var (
	variantTag     = []byte("#EXT-X-STREAM-INF:")
	representation = []byte("<Representation ")
	streamIndex    = []byte("<StreamIndex ")
)

// render makes a manifest's bytes. One that would offer nothing to play is empty: there is no media yet.
func render(p *manifest.Presentation, which int) []byte {
	b := make([]byte, 0, 4<<10)
	switch which {
	case documentMultivariant:
		b = hls.Multivariant(b, p)
		if !bytes.Contains(b, variantTag) {
			return nil
		}
	case documentMPD, documentMPDLow, documentMPDNumber:
		switch which {
		case documentMPD:
			b = dash.MPD(b, p)
		case documentMPDLow:
			b = dash.Low(b, p)
		default:
			b = dash.Numbered(b, p)
		}
		if !bytes.Contains(b, representation) {
			return nil
		}
	case documentSmooth, documentSmooth20:
		b = smooth.Manifest(b, p, which == documentSmooth)
		if !bytes.Contains(b, streamIndex) {
			return nil
		}
	default:
		switch i, n := which-documentPlaylists, len(p.Tracks); i / n {
		case 0:
			b = hls.Media(b, p, i)
		case 1:
			b = hls.KeyFrames(b, p, i-n)
		default:
			b = hls.Delta(b, p, i-2*n)
		}
	}
	return b
}
