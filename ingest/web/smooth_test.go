package web

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/ingest"
)

// recorded is what ffmpeg sends in one POST of Smooth, and where its fragments begin.
func recorded(t *testing.T) (body string, fragments int) {
	t.Helper()
	b, err := os.ReadFile("../testdata/all.ismv")
	if err != nil {
		t.Fatal(err)
	}
	return string(b), bytes.Index(b, []byte("moof")) - 4
}

// tracks are the names that the channel's metrics know.
func (b *bench) tracks() map[string]bool {
	b.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(ingest.Collector{Channels: func() []*ingest.Channel { return []*ingest.Channel{b.channel} }})
	families, err := registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "track" {
					names[l.GetValue()] = true
				}
			}
		}
	}
	return names
}

// answered are the statuses that the listener has counted.
func (b *bench) answered() string {
	b.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.server)
	families, err := registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	var list []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "weir_ingest_requests_total" {
				list = append(list, m.GetLabel()[0].GetValue())
			}
		}
	}
	return strings.Join(list, " ")
}

// Every form of URL that Smooth encoders use, POST or PUT, by chunks or by length.
func TestSmoothRequests(t *testing.T) {
	body, _ := recorded(t)
	for name, path := range map[string]string{
		"one stream": "/good/ingest.isml/Streams(all)", "any case": "/good/INGEST.isml/streams%28all%29",
		"an event": "/good/ingest.isml/Events(1763802000)/Streams(stream0)", "the point itself": "/good/live.isml",
	} {
		for _, method := range []string{"POST", "PUT"} {
			t.Run(name+" "+method, func(t *testing.T) {
				b := newBench(t, ingest.DefaultLimits())
				w := b.dial()
				w.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nIcy-MetaData: 1\r\n\r\n")
				w.send(chunkOf(body[:24]))
				w.send(chunkOf(body[24:70_000]) + chunkOf(body[70_000:]) + "0\r\n\r\n")
				if got := w.answer(5 * time.Second); got != 200 {
					t.Errorf("chunked: %d", got)
				}
				w = b.dial()
				w.send(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body))
				if got := w.answer(5 * time.Second); got != 200 {
					t.Errorf("with a length: %d", got)
				}
				names := b.tracks()
				if len(names) != 3 || !names["video_40000"] || !names["video_20000"] || !names["audio_16000"] {
					t.Errorf("tracks %v", names)
				}
			})
		}
	}
}

// Probes make nothing and disturb nobody, whether they say that they are empty or turn out to be.
func TestSmoothProbes(t *testing.T) {
	body, fragments := recorded(t)
	b := newBench(t, ingest.DefaultLimits())
	probes := func() {
		t.Helper()
		for _, path := range []string{"ingest.isml", "ingest.isml/Streams(all)", "ingest.isml/Events(1)/Streams(all)"} {
			for _, framing := range []string{"Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"} {
				w := b.dial()
				w.send("POST /good/" + path + " HTTP/1.1\r\nHost: x\r\n" + framing)
				if got := w.answer(time.Second); got != 200 {
					t.Errorf("%s, %q: %d", path, framing, got)
				}
			}
		}
	}
	probes()
	if names := b.tracks(); len(names) != 0 {
		t.Errorf("probes have made %v", names)
	}
	w := b.dial()
	w.send(post("good", "Streams(all)") + chunkOf(body[:fragments]))
	for len(b.tracks()) < 3 {
		time.Sleep(time.Millisecond)
	}
	probes()
	w.send(chunkOf(body[fragments:]) + "0\r\n\r\n")
	if got := w.answer(5 * time.Second); got != 200 {
		t.Errorf("the encoder beside the probes: %d", got)
	}
}

// What is wrong with a Smooth body is answered as docs/encoders.md says.
func TestSmoothRefusals(t *testing.T) {
	body, fragments := recorded(t)
	manifest := func(payload string) string {
		head := binary.BigEndian.AppendUint32(nil, uint32(8+16+len(payload)))
		return body[:24] + string(head) + "uuid" + string(smoothManifest.UUID[:]) + payload
	}
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"fragments before a header": {body[fragments:], 412},
		"a codec that is none":      {strings.ReplaceAll(body, "avc1", "zzzz"), 415},
		"a DTD":                     {manifest("\x00\x00\x00\x00<!DOCTYPE s><s/>"), 400},
		"a manifest of 65 KiB":      {manifest(strings.Repeat(" ", 65<<10)), 413},
		"text":                      {"<html>hello</html>", 400},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ingest.DefaultLimits())
			w := b.dial()
			w.send(post("good", "Streams(all)"))
			_, _ = w.Write([]byte(chunkOf(c.body) + "0\r\n\r\n"))            // the rest of a refused body need not get through
			if got := w.answer(5 * time.Second); got != c.want && got != 0 { // 0: the reset came before it
				t.Errorf("%d, want %d", got, c.want)
			}
			if got := b.answered(); got != fmt.Sprint(c.want) {
				t.Errorf("%s is counted, want %d", got, c.want)
			}
		})
	}
}

// ffmpeg ends its body and closes without reading the answer: that is no fault.
func TestSmoothClosesUnheard(t *testing.T) {
	body, _ := recorded(t)
	b := newBench(t, ingest.DefaultLimits())
	w := b.dial()
	w.send(post("good", "Streams(all)") + chunkOf(body) + "0\r\n\r\n")
	_ = w.Close()
	for b.metric("weir_ingest_requests_total") < 1 {
		time.Sleep(time.Millisecond)
	}
	if n := b.metric("weir_ingest_errors_total"); n != 0 {
		t.Errorf("%v errors are counted", n)
	}
}
