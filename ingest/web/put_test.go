package web

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/ingest"
)

// request sends a request with a whole body and returns the answer.
func (w *wire) request(method, path, header, body string) int {
	w.t.Helper()
	w.send(method + " /good/ingest.isml/" + path + " HTTP/1.1\r\nHost: x\r\n" + header + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return w.answer(5 * time.Second)
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is answered to requests that are no media.
func TestAnswersBesideMedia(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	const mpd, gz = "<MPD></MPD>", "Content-Encoding: gzip\r\n"
	cases := map[string]struct {
		method, path, header, body string
		want                       int
	}{
		"MPD":                  {"PUT", "live.mpd", "", mpd, 200},
		"MPD in a folder":      {"PUT", "a/b/live.mpd", "", mpd, 200},
		"playlist":             {"POST", "live.m3u8", "", "#EXTM3U\n", 200},
		"empty manifest":       {"PUT", "live.mpd", "", "", 200},
		"packed":               {"PUT", "live.mpd", gz, packed(t, mpd), 200},
		"packed, empty":        {"PUT", "live.mpd", gz, "", 200},
		"packed, but not":      {"PUT", "live.mpd", gz, mpd, 400},
		"packed, and cut":      {"PUT", "live.mpd", gz, packed(t, mpd)[:20], 400},
		"a bomb":               {"PUT", "live.mpd", gz, packed(t, strings.Repeat(" ", 8<<20)), 413},
		"packed otherwise":     {"PUT", "live.mpd", "Content-Encoding: br\r\n", mpd, 415},
		"DTD":                  {"PUT", "live.mpd", "", `<!DOCTYPE MPD [<!ENTITY a "b">]><MPD/>`, 400},
		"no playlist":          {"PUT", "live.m3u8", "", "segment.m4s\n", 400},
		"large":                {"PUT", "live.m3u8", "", "#EXTM3U\n" + strings.Repeat("#\n", 1<<20), 413},
		"empty object":         {"PUT", "chunk-stream0-00001.m4s", "", "", 200},
		"no header":            {"PUT", "chunk-stream0-00001.m4s", "", "\x00\x00\x00\x08moof", 412},
		"DELETE":               {"DELETE", "chunk-stream0-00001.m4s", "", "", 200},
		"DELETE with a body":   {"DELETE", "chunk-stream0-00001.m4s", "", "x", 200},
		"reads back":           {"GET", "live.m3u8", "", "", 404},
		"reads back an object": {"GET", "init.mp4", "", "", 404},
		"name too long":        {"PUT", strings.Repeat("a", 100) + "/" + strings.Repeat("b", 100) + ".mp4", "", "x", 403},
		"PATCH":                {"PATCH", "live.mpd", "", mpd, 405},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := b.dial()
			w.t = t
			if got := w.request(tc.method, tc.path, tc.header, tc.body); got != tc.want {
				t.Errorf("%s %s: %d, want %d", tc.method, tc.path, got, tc.want)
			}
		})
	}
	w := b.dial()
	w.send("DELETE /good/ingest.isml/a.m4s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	if got := w.answer(time.Second); got != 200 {
		t.Errorf("DELETE as ffmpeg sends it: %d", got)
	}
	if got := w.request("PUT", "live.mpd", "", mpd); got != 200 {
		t.Errorf("and the next request on the connection: %d", got)
	}
}

// Nothing is left of names that never had a header.
func TestNamesWithoutHeaders(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	for i := range 200 {
		if got := b.dial().request("PUT", "x"+strconv.Itoa(i)+"/1.m4s", "", "\x00\x00\x00\x08moof"); got != 412 {
			t.Fatalf("segment %d without a header: %d", i, got)
		}
	}
	for i := range 200 {
		if b.channel.Known("x"+strconv.Itoa(i)) != nil {
			t.Fatalf("stream x%d is kept", i)
		}
	}
}

// Objects overlap: the next one is open, and silent, while the one before ends. A cut costs a segment, and headers are not
// sent again (ffmpeg with -ignore_io_errors 1).
func TestObjectsOverlap(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	var init, segment string
	for _, r := range recordings(t, "dash") {
		switch r.path {
		case "init-stream0.m4s":
			init = string(r.body)
		case "chunk-stream0-00001.m4s":
			segment = string(r.body)
		}
	}
	open := func(path string) *wire {
		w := b.dial()
		w.send(strings.Replace(post("good", path), "POST", "PUT", 1))
		return w
	}
	early := open("chunk-stream0-00001.m4s") // before its header, as it happens
	header := open("init-stream0.m4s")
	header.send(chunkOf(init) + "0\r\n\r\n")
	if got := header.answer(time.Second); got != 200 {
		t.Fatalf("header: %d", got)
	}
	next := open("chunk-stream0-00002.m4s")
	early.send(chunkOf(segment) + "0\r\n\r\n")
	if got := early.answer(time.Second); got != 200 {
		t.Errorf("the first segment: %d", got)
	}
	next.send(chunkOf(segment[:100]))
	_ = next.Close() // cut
	for i := range 3 {
		w := open("chunk-stream0-0000" + strconv.Itoa(3+i) + ".m4s")
		time.Sleep(20 * time.Millisecond)
		w.send(chunkOf(segment) + "0\r\n\r\n")
		if got := w.answer(time.Second); got != 200 {
			t.Errorf("after a cut, without a header: %d", got)
		}
	}
	if b.channel.Known("stream0_00001") != nil || b.channel.Known("stream0") == nil {
		t.Error("the segment that came before its header has left a stream of its own")
	}
}

// A track in a file of its own, header and media in one long body: the newest connection takes it over.
func TestOneFileATrack(t *testing.T) {
	b := newBench(t, ingest.DefaultLimits())
	var body string
	for _, r := range recordings(t, "dash") {
		switch r.path {
		case "init-stream0.m4s", "chunk-stream0-00001.m4s":
			body += string(r.body)
		}
	}
	first := b.dial()
	first.send(post("good", "v720.cmfv") + chunkOf(body))
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if stream, whole, _ := b.server.book(b.channel).Find("v720.cmfv"); whole && stream == "v720" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the body is not taken for a whole track")
		}
	}
	second := b.dial()
	second.send(post("good", "v720.cmfv") + chunkOf(body))
	if got := first.answer(5 * time.Second); got != 409 {
		t.Errorf("the first connection: %d, want 409", got)
	}
	second.send("0\r\n\r\n")
	if got := second.answer(5 * time.Second); got != 200 {
		t.Errorf("the second: %d", got)
	}
}

// brands is a styp with compatible brands.
func brands(list ...string) string {
	text := "styp" + "msdh\x00\x00\x00\x00" + strings.Join(list, "")
	return "\x00\x00\x00" + string(rune(4+len(text))) + text
}

// Senders of DASH-IF Live Media Ingest: an empty request first; a body per segment, with styp, prft and emsg before its moof
// (livesim2's names, Content-Length), filler segments, and the last one said; or one long body under a switching set.
func TestInterfaceOne(t *testing.T) {
	const emsg = "\x00\x00\x00\x23emsg\x00\x00\x00\x00urn:x\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x01"
	b := newBench(t, ingest.DefaultLimits())
	var init string
	var segments []string
	for _, r := range recordings(t, "low-dash") {
		switch {
		case r.path == "init-stream0.m4s":
			init = string(r.body)
		case strings.HasPrefix(r.path, "chunk-stream0-"):
			segments = append(segments, string(r.body))
		}
	}
	w := b.dial()
	for _, path := range []string{"", "V300/init.cmfv", "Switching(1)/Streams(V300.cmfv)"} {
		if got := w.request("POST", path, "", ""); got != 200 {
			t.Errorf("an empty request to %q: %d", path, got)
		}
	}
	if got := w.request("PUT", "V300/1795600000.cmfv", "", segments[0]); got != 412 {
		t.Errorf("a segment before any header: %d", got)
	}
	w = b.dial()
	if got := w.request("PUT", "V300/init.cmfv", "", init); got != 200 {
		t.Errorf("header: %d", got)
	}
	for i, s := range segments {
		head := brands("msdh", "cmfs") + emsg
		switch i {
		case 2:
			head = brands("cmfs", "slat") + emsg
		case len(segments) - 1:
			head = brands("cmfs", "lmsg")
		}
		if got := w.request("PUT", "V300/"+strconv.Itoa(1795600000+i)+".cmfv", "", head+s); got != 200 {
			t.Errorf("segment %d: %d", i, got)
		}
	}
	long := b.dial()
	long.send(post("good", "Switching(1)/Streams(V600.cmfv)") + chunkOf(init))
	for _, s := range segments {
		long.send(chunkOf(brands("cmfs") + s))
	}
	long.send("0\r\n\r\n")
	if got := long.answer(5 * time.Second); got != 200 {
		t.Errorf("one long body: %d", got)
	}
	for _, name := range []string{"V300", "V600"} {
		if b.channel.Known(name) == nil {
			t.Errorf("there is no stream %s", name)
		}
	}
	if got := b.metric("weir_ingest_errors_total"); got != 1 {
		t.Errorf("%v errors, want the one of the segment without a header", got)
	}
}
