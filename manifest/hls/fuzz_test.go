package hls

import (
	"testing"

	"weir/manifest"
	"weir/manifest/internal/sample"
	"weir/media"
)

// FuzzStrings renders whatever strings an encoder may have sent: the playlists stay well-formed, line by line and
// attribute by attribute.
func FuzzStrings(f *testing.F) {
	f.Add("a128", "eng", "mp4a.40.2", manifest.RoleScheme, "main", "0123456789abcdef")
	f.Add(`a"b`, `e"`, "x\ny", "a\"\r", "\u0085\u009f", "%\x00")
	f.Add("b128", "", "", "", "", "")
	f.Add("\xff,\n#EXT-X-ENDLIST\n", "de\n", ",,", manifest.RoleScheme, "caption", "../../etc")
	f.Fuzz(func(t *testing.T, name, language, codec, scheme, value, hash string) {
		if name == "" {
			return // no track is called so
		}
		for _, kind := range []media.Kind{media.Video, media.Audio, media.Text, media.Metadata} {
			p := sample.Live(2)
			odd := *p.Tracks[3].Inits[0].Media
			odd.Kind, odd.Language, odd.Codec, odd.InitHash = kind, language, codec, hash
			odd.Roles = []media.Role{{Scheme: scheme, Value: value}}
			track := p.Tracks[3]
			track.Name, track.ID, track.Inits = name, 5, []manifest.Init{{Media: &odd}}
			p.Tracks = append(p.Tracks, track)

			pl, err := parseMultivariant(Multivariant(nil, p))
			if err != nil {
				t.Fatal(err)
			}
			for kind, groups := range pl.groups {
				for _, members := range groups {
					if _, err := checkGroup(kind, members); err != nil {
						t.Fatal(err)
					}
				}
			}
			checkMedia(t, Media(nil, p, len(p.Tracks)-1))
		}
	})
}

// FuzzQuoted holds appendQuoted to what a playlist may contain.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"eng", `"`, "\n", "\xff\u0085", "a,b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" {
			return
		}
		got := appendQuoted(append([]byte("#EXTM3U\n#EXT-X-VERSION:6\n"), "A="...), s)
		if lines, err := playlistLines(append(got, '\n')); err != nil || len(lines) != 1 {
			t.Fatalf("%q gives %d lines: %v", s, len(lines), err)
		} else if a, err := parseAttributes(lines[0]); err != nil || len(a) != 1 {
			t.Fatalf("%q gives %v: %v", s, a, err)
		}
	})
}

// FuzzLow renders whatever grids, targets and parts records may give: the playlists stay well-formed, a delta update of the
// list that a client has makes the whole one, and nothing is divided by zero or walked for ever.
func FuzzLow(f *testing.F) {
	f.Add(int64(200e6), int64(200e6), int64(3600), int64(0), int64(172800), uint8(3), uint8(9), true)
	f.Add(int64(1), int64(0), int64(0), int64(-7), int64(0), uint8(0), uint8(0), false)
	f.Add(int64(1<<62), int64(1<<62), int64(1), int64(1<<40), int64(1), uint8(255), uint8(255), true)
	f.Fuzz(func(t *testing.T, target, burst, cadence, phase, slot int64, open, kept uint8, regular bool) {
		if target < 0 || target > 1e12 || burst < 0 || burst > 1e12 || slot < 0 || slot > 1<<40 || cadence < 0 || cadence > 1<<32 || phase < 0 || phase > 1<<32 {
			return // records are refused that say so
		}
		p := sample.Open(sample.Turning(), int(open)%12, int(kept)%12)
		p.PartTarget, p.Burst = target, burst
		for i := range p.Generations {
			p.Generations[i].Regular = regular
		}
		p.Generations[1].SlotTicks = slot
		p.Tracks[1].Inits[1].Cadence, p.Tracks[1].Inits[1].Phase = cadence, phase
		for i := range p.Tracks {
			whole, err := parseMedia(Media(nil, p, i))
			if err != nil {
				t.Fatal(err)
			}
			delta, err := parseMedia(Delta(nil, p, i))
			if err != nil {
				t.Fatal(err)
			}
			checkMerged(t, whole, delta, whole)
			if target > 0 && len(whole.reports) != 1 {
				t.Fatalf("%d reports", len(whole.reports))
			}
		}
	})
}
