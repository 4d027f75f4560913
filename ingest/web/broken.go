package web

import (
	"errors"
	"net"

	"github.com/valyala/fasthttp"
)

// broken answers what is no request: fasthttp gave up on it, and closes the connection.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var netErr net.Error
	status, text := fasthttp.StatusBadRequest, "not an HTTP/1.1 request\n"
	switch {
	case errors.As(err, &small):
		status, text = fasthttp.StatusRequestHeaderFieldsTooLarge, "request line and headers are larger than 16 KiB\n"
	case errors.As(err, &netErr) && netErr.Timeout():
		status, text = fasthttp.StatusRequestTimeout, "request not sent within ingest.limits.headTimeout\n"
	}
	s.metrics.request(status)
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(text)
}
