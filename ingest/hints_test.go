package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/media"
)

// Whatever comes first, header or hints, the track is described alike, and what waits is not lost.
func TestHintsInAnyOrder(t *testing.T) {
	role := media.Role{Scheme: "urn:mpeg:dash:role:2011", Value: "main"}
	hints := func() []TrackHint {
		return []TrackHint{{Kind: media.Video, Bitrate: 700_000, Language: "deu", Roles: []media.Role{role}}}
	}
	type seen struct {
		Record TrackRecord
		Init   string
		First  uint64
	}
	run := func(before, during bool) seen {
		b := newTestbed(t, &memory{})
		v, a := videoSource(), audioSource()
		if before {
			s, err := b.channel.Stream("v")
			if err != nil {
				t.Fatal(err)
			}
			s.SetHints(MPD, hints())
			s.SetHints(Playlist, []TrackHint{{Bitrate: 1, Language: "fra"}})
		}
		b.attach(v)
		b.attach(a)
		b.run(testStart, 1500*time.Millisecond, v, a)
		if during {
			v.conn.s.SetHints(Playlist, []TrackHint{{Bitrate: 1, Language: "fra"}})
			v.conn.s.SetHints(MPD, hints())
		}
		b.run(testStart, 12*time.Second, v, a)
		for _, view := range b.channel.Live().Version().Tracks {
			if view.Name == "v" {
				if len(view.Inits) != 1 || view.Inits[0].Media.Language != "deu" {
					t.Fatalf("init segments: %+v\n%s", view.Inits, b.log)
				}
				return seen{b.records.tracks["v"], view.Inits[0].Media.InitHash, view.First}
			}
		}
		t.Fatalf("nothing is listed\n%s", b.log)
		return seen{}
	}
	first := run(true, false)
	if first.Record.ID != 700_000 || first.Record.Bandwidth != 700_000 {
		t.Errorf("the record is %+v", first.Record)
	}
	if diff := cmp.Diff(first, run(false, true)); diff != "" {
		t.Errorf("hints after the header (-before +after):\n%s", diff)
	}
}

// The header's own words count before hints, but for the bitrate.
func TestHeaderBeforeHints(t *testing.T) {
	s := &Stream{name: "a"}
	s.hints[MPD] = []TrackHint{{Bitrate: 96_000, Language: "deu"}}
	s.hints[InBody] = []TrackHint{{TrackID: 1, Bitrate: 128_000}}
	header := parsed(t, audioSource()) // eng
	got := s.described(header)
	if got[0].Language != "eng" || got[0].Bitrate != 128_000 || got[0].ConfigHash != header[0].ConfigHash {
		t.Errorf("described as %q, %d bits per second", got[0].Language, got[0].Bitrate)
	}
	s.hints[InBody], s.hints[MPD], s.hints[Playlist] = nil, nil, []TrackHint{{Bitrate: 700_000}}
	if got := s.described(header); got[0].Bitrate != 700_000 {
		t.Errorf("a playlist alone: %d bits per second", got[0].Bitrate)
	}
	declared := append([]media.Input(nil), header...)
	declared[0].Bitrate = 96_000
	if got := s.described(declared); got[0].Bitrate != 96_000 {
		t.Errorf("a playlist beside btrt: %d bits per second", got[0].Bitrate)
	}
	if header[0].Bitrate != 0 {
		t.Error("the header has changed")
	}
}

// A language that comes when the track is on the air already opens one generation, not more.
func TestLateLanguage(t *testing.T) {
	b := newTestbed(t, &memory{})
	v, a := videoSource(), audioSource()
	b.attach(v)
	b.attach(a)
	b.run(testStart, 9*time.Second, v, a)
	v.conn.s.SetHints(MPD, []TrackHint{{Language: "deu"}})
	v.conn.s.SetHints(MPD, []TrackHint{{Language: "deu"}})
	b.run(testStart, 24*time.Second, v, a)
	if n := len(b.records.gens); n != 2 {
		t.Fatalf("%d generations\n%s", n, b.log)
	}
	for _, view := range b.channel.Live().Version().Tracks {
		if m := view.Inits[len(view.Inits)-1].Media; view.Name == "v" && m.Language != "deu" {
			t.Errorf("the newest init segment says %q", m.Language)
		}
	}
}
