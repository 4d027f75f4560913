//go:build !race

package media

import "testing"

var sink any // keeps the compiler from deleting the measured calls

// TestSteadyStateDoesNotAllocate: what runs per box, chunk and sample allocates nothing once its slices have grown.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	video, smooth := record(t, "avc-cmaf.mp4"), record(t, "smooth.ismv")
	var f, g Fragment
	videoDefaults, smoothDefaults := video.defaults, smooth.defaults
	if err := f.Parse(video.chunks[0].moof, videoDefaults); err != nil {
		t.Fatal(err)
	}
	moof := Moof{Time: 1 << 50, Samples: append([]Sample(nil), f.Trafs[0].Samples...), DataBytes: 1000, HasTfxd: true, Lookahead: make([]Span, 2)}
	in := &video.inputs[0]
	sample := video.chunks[0].payload[:moof.Samples[0].Size]
	out := make([]byte, 0, 4096)
	prft := boxOf("prft", words(1<<24|24, 3, 1, 2, 0, 0))
	styp := boxOf("styp", []byte("msdh\x00\x00\x00\x00msdhlmsg"))
	emsg, sidx := emsgs(t)["1"], sidxs(t)[1]
	var (
		ok   bool
		err  error
		size int
		box  Box
		p    Prft
		st   Styp
		e    Emsg
		s    Sidx
	)
	for name, call := range map[string]func(){
		"ReadBox":               func() { box, err = ReadBox(prft) },
		"Fragment.Parse":        func() { err = f.Parse(video.chunks[1].moof, videoDefaults) },
		"Fragment.Parse Smooth": func() { err = g.Parse(smooth.chunks[1].moof, smoothDefaults) },
		"Moof.Append":           func() { out = moof.Append(out[:0]) },
		"Moof.Size":             func() { size = moof.Size() },
		"Input.SyncSample":      func() { _, ok = in.SyncSample(sample) },
		"ParsePrft":             func() { p, err = ParsePrft(prft) },
		"Prft.Append":           func() { out = p.Append(out[:0]) },
		"ParseStyp":             func() { st, err = ParseStyp(styp) },
		"ParseEmsg":             func() { e, err = ParseEmsg(emsg) },
		"ParseSidx":             func() { s, err = ParseSidx(sidx) },
	} {
		if n := testing.AllocsPerRun(200, call); n != 0 || err != nil {
			t.Errorf("%s allocates %v times a call, want 0 (%v)", name, n, err)
		}
	}
	sink = []any{ok, size, box, st, e, s}
}
