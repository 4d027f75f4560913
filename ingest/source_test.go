package ingest

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/media"
)

// pair is the same two tracks from two encoders. With bits, they are bit-exact.
func pair(bits bool) (first, second []*source) {
	first, second = []*source{videoSource(), audioSource()}, []*source{videoSource(), audioSource()}
	for _, s := range second {
		s.source = Secondary
		if !bits {
			s.mark = 1
		}
	}
	return first, second
}

// whose tells of which encoder the frames of each listed segment are: 'a', 'b', '.' for a GAP, '!' for a mixture.
func (b *testbed) whose(s *source) string {
	b.t.Helper()
	view := b.view(s.name)
	var out strings.Builder
	bodies := b.bodies()[s.name]
	for n := view.First; n < view.End; n++ {
		body, ok := bodies[n]
		if !ok {
			out.WriteByte('.')
			continue
		}
		out.WriteByte(mixture(body, s))
	}
	return out.String()
}

func mixture(segment []byte, s *source) byte {
	var of byte
	for at := 0; at < len(segment); {
		box, err := media.ReadBox(segment[at:])
		if err != nil {
			return '?'
		}
		if string(box.Type[:]) == "mdat" {
			payload := segment[at+box.Head : at+int(box.Size)]
			for i := 0; i < len(payload); i += s.size {
				k := i + 4
				if s.video {
					k += 5
				}
				if c := 'a' + payload[k]; of == 0 || of == c {
					of = c
				} else {
					return '!'
				}
			}
		}
		at += int(box.Size)
	}
	return of
}

// The served encoder's connections break: bit-exact ones leave no trace, others the slot.
func TestSecondSourceTakesOver(t *testing.T) {
	for name, c := range map[string]struct {
		bits bool
		want []string
	}{
		"bit-exact": {true, []string{"aaaaaaaaaaaa"}},
		"alike":     {false, []string{"aaa.bbbb", "aaaa.bbb", "aaaaa.bb"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, &memory{})
			first, second := pair(c.bits)
			for _, s := range append(first, second...) {
				b.attach(s)
			}
			all := append(append([]*source{}, first...), second...)
			b.run(testStart, 11100*time.Millisecond, all...)
			for _, s := range first {
				s.conn.Detach()
			}
			b.settle()
			b.run(testStart, 24*time.Second, second...)
			b.settle()
			for _, s := range first {
				got := b.whose(s)
				ok := false
				for _, want := range c.want {
					ok = ok || strings.Contains(want, got) || strings.Contains(got, want)
				}
				if !ok || strings.Contains(got, "!") {
					t.Errorf("%s: %s, want %v\n%s", s.name, got, c.want, b.log)
				}
			}
			if n := len(b.records.gens); n != 1 {
				t.Errorf("%d generations", n)
			}
			if !strings.Contains(b.log.String(), "another source is served") || !strings.Contains(b.log.String(), "why=closed") {
				t.Errorf("the log says nothing of the change:\n%s", b.log)
			}
			b.report(t)
		})
	}
}

// report checks the metrics of sources.
func (b *testbed) report(t *testing.T) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(&Collector{Channels: func() []*Channel { return []*Channel{b.channel} }})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() != "channel" {
					key += " " + l.GetValue()
				}
			}
			got[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	if got["weir_ingest_source_served secondary v"] != 1 || got["weir_ingest_source_segments_total primary v"] < 2 ||
		got["weir_ingest_source_segments_total secondary v"] < 2 || got["weir_ingest_source_changes_total v closed"] != 1 {
		t.Errorf("metrics: %v", got)
	}
}

// A track with several sources bears weir's own producer reference times, from the slot on from which that is on record.
func TestSourcesHaveNoClockOfTheirOwn(t *testing.T) {
	b := newTestbed(t, &memory{})
	first, second := pair(true)
	all := append(append([]*source{}, first...), second...)
	for _, s := range all {
		b.attach(s)
	}
	b.run(testStart, 20*time.Second, all...)
	view, bodies := b.view("v"), b.bodies()["v"]
	body := bodies[view.End-1]
	at := bytes.Index(body, []byte("prft"))
	if at < 0 {
		t.Fatalf("no prft in the newest segment\n%s", b.log)
	}
	p, err := media.ParsePrft(body[at-4 : at-4+media.PrftSize])
	if err != nil {
		t.Fatal(err)
	}
	seg := view.Segment(view.End - 1)
	if want := nanosOf(seg.Start, 12800); p.MediaTime != seg.Start || p.UTC() < want-2 || p.UTC() > want {
		t.Errorf("prft %+v says %d, want %d", p, p.UTC(), want)
	}
}

// Two nodes on one store, each fed by both encoders, one of which dies at one node first: both nodes serve the same.
func TestNodesServeTheSameSource(t *testing.T) {
	shared := &memory{}
	west, east := newTestbed(t, shared), newTestbed(t, shared)
	nodes := []*testbed{west, east}
	feeds := [2][]*source{}
	for i, b := range nodes {
		first, second := pair(false)
		feeds[i] = append(first, second...)
		if i == 1 { // in another order
			feeds[i] = append(append([]*source{}, second...), first...)
		}
		for _, s := range feeds[i] {
			b.attach(s)
		}
	}
	tell := func() {
		for _, b := range nodes {
			for i := range shared.gens {
				b.channel.known(context.Background(), &shared.gens[i], nil, nil)
			}
			for i := range shared.hands {
				b.channel.known(context.Background(), nil, nil, &shared.hands[i])
			}
		}
	}
	without := func(sources []*source, name string) (left []*source) {
		for _, s := range sources {
			if s.source == name {
				s.conn.Detach()
			} else {
				left = append(left, s)
			}
		}
		return left
	}
	for at := 500 * time.Millisecond; at <= 26*time.Second; at += 100 * time.Millisecond {
		for i, b := range nodes {
			b.run(testStart, at, feeds[i]...)
			b.settle()
		}
		tell()
		switch at {
		case 11100 * time.Millisecond:
			feeds[0] = without(feeds[0], "")
			west.settle()
			tell()
		case 11800 * time.Millisecond: // east still had it
			feeds[1] = without(feeds[1], "")
			east.settle()
			tell()
		}
	}
	for _, s := range feeds[0] {
		a, b := west.bodies()[s.name], east.bodies()[s.name]
		same := 0
		for n, body := range a {
			if other, ok := b[n]; ok {
				same++
				if !bytes.Equal(body, other) {
					t.Errorf("%s: segment %d is %d bytes of %c, and %d bytes of %c", s.name, n, len(body), mixture(body, s), len(other), mixture(other, s))
				}
			}
		}
		x, y := west.whose(s), east.whose(s)
		if same < 6 || strings.Contains(x+y, "!") || !strings.Contains(x, "a") || !strings.Contains(x, "b") {
			t.Errorf("%s: %d segments to compare: %s and %s\n%s", s.name, same, x, y, west.log)
		}
	}
	if len(shared.gens) != 1 {
		t.Errorf("%d generations", len(shared.gens))
	}
}

// Without names in URLs the order of arrival tells sources apart: of two addresses. One address is one encoder.
func TestSecondAddressIsTheSecondary(t *testing.T) {
	b := newTestbed(t, &memory{})
	first, second := pair(false)
	connect := func(s *source, peer string) (kicked *bool) {
		stream, err := b.channel.Stream(s.name)
		if err != nil {
			t.Fatal(err)
		}
		kicked = new(bool)
		if s.conn, err = stream.Attach(true, func() { *kicked = true }); err != nil {
			t.Fatal(err)
		}
		s.conn.From(peer)
		b.feed(s, s.header(t))
		return kicked
	}
	old := connect(first[0], "192.0.2.1")
	connect(first[1], "192.0.2.1")
	b.run(testStart, time.Second, first...)
	connect(second[0], "192.0.2.2")
	connect(second[1], "192.0.2.2")
	if *old || b.channel.KnownSource("v", Secondary) == nil || second[0].conn.s.source != Secondary {
		t.Fatalf("the second encoder is %s; the first was kicked: %v", second[0].conn.s.source, *old)
	}
	all := append(append([]*source{}, first...), second...)
	for _, s := range second {
		s.next = first[0].next * int(first[0].frame) * int(s.timescale) / int(first[0].timescale) / int(s.frame) / s.perChunk * s.perChunk
	}
	b.run(testStart, 12*time.Second, all...)
	again := connect(first[0], "192.0.2.1") // it reconnects
	if !*old || *again || first[0].conn.s.source != Primary {
		t.Errorf("a reconnect: the connection before was kicked: %v", *old)
	}
	b.now += int64(3 * time.Second) // and is silent
	replaced := connect(videoSource(), "192.0.2.3")
	if !*again || *replaced {
		t.Error("an encoder that no longer delivers is not replaced")
	}
	if got := b.whose(first[0]); strings.Contains(got, "b") || strings.Contains(got, "!") || !strings.Contains(got, "a") {
		t.Errorf("segments are of %s\n%s", got, b.log)
	}
}

// The name of a source comes from a URL: there are not more of them than a channel may have.
func TestSourcesAreBounded(t *testing.T) {
	b := newTestbed(t, &memory{})
	refused := 0
	for i := range 2 * maxSources {
		if _, err := b.channel.SourceStream("v", strings.Repeat("x", i+1)); err != nil {
			refused++
		}
	}
	if refused != maxSources {
		t.Errorf("%d refused", refused)
	}
	if _, err := b.channel.Stream("v"); err == nil {
		t.Error("one more")
	}
	for _, c := range []struct {
		ranking []string
		want    string
	}{{nil, "primary secondary other"}, {[]string{"west", "east"}, "west east primary"}} {
		b.channel.ranking = c.ranking
		names := strings.Fields(c.want)
		for i := range names[1:] {
			if b.channel.rank(names[i]) >= b.channel.rank(names[i+1]) {
				t.Errorf("%v: %s does not come before %s", c.ranking, names[i], names[i+1])
			}
		}
	}
}
