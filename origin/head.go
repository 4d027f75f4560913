package origin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// A head is the header of an answer as it is sent: lanes write it themselves. The zero head is ready. It allocates nothing
// once it has grown.
type head struct {
	bytes  []byte
	date   []byte // of second, as a line
	second int64
}

func (h *head) field(name, value []byte) { h.bytes = appendField(h.bytes, name, value) }

func (h *head) text(name []byte, value string) {
	h.bytes = append(append(append(append(h.bytes, name...), ": "...), value...), "\r\n"...)
}

func (h *head) block(b *block) { h.bytes = append(h.bytes, b.lines...) }

func appendField(dst, name, value []byte) []byte {
	return append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
}

// write makes h the head of an answer over HTTP/1.1 that is sent now. A body whose length is not known comes in chunks; last
// says that no other answer follows.
//
// Source: RFC 9112, 4 (status line) and 6 (where a body ends: 1xx, 204 and 304 have none, and say nothing of it).
func (h *head) write(x *exchange, now time.Time, last bool) {
	a := &x.answer
	h.bytes = append(h.bytes[:0], statusLine(a.Status)...)
	if s := now.Unix(); s != h.second || h.date == nil {
		h.second = s
		h.date = append(now.UTC().AppendFormat(append(h.date[:0], "Date: "...), http.TimeFormat), "\r\n"...)
	}
	h.bytes = append(h.bytes, h.date...)
	x.writeFields(h)
	switch {
	case a.growing.track != nil:
		h.bytes = append(h.bytes, chunked...)
	case a.Status != 204 && a.Status != 304:
		h.bytes = strconv.AppendInt(append(h.bytes, "Content-Length: "...), a.Len(), 10)
		h.bytes = append(h.bytes, "\r\n"...)
	}
	if last {
		h.bytes = append(h.bytes, "Connection: close\r\n"...)
	}
	h.bytes = append(h.bytes, "\r\n"...)
}

// statusLines are the lines of the statuses below 600.
var statusLines = func() (lines [600][]byte) {
	for status := range lines {
		lines[status] = []byte("HTTP/1.1 " + strconv.Itoa(status) + " " + fasthttp.StatusMessage(status) + "\r\n")
	}
	return lines
}()

func statusLine(status int) []byte { return statusLines[min(max(status, 0), len(statusLines)-1)] }
