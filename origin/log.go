package origin

import (
	"context"
	"log/slog"
	"time"
)

// A logLine is what the access log needs of a request beyond its Answer. It stays empty while the log is off.
type logLine struct{ method, path, agent string }

// Bounds of what strangers may put into a line of the log, in bytes.
const (
	maxLoggedPath  = 512
	maxLoggedAgent = 128
)

// note keeps what the log may say of a request.
func (l *logLine) note(method, path, agent []byte) {
	*l = logLine{clip(method, maxLoggedAgent), loggedPath(path), clip(agent, maxLoggedAgent)}
}

func clip(b []byte, n int) string { return string(b[:min(len(b), n)]) }

// shownOfSecret is how much of a path's first element the log shows.
const shownOfSecret = 8

// loggedPath is a path without its secrets: the locator's id opens a stream to whoever knows it (and a path that was
// meant for the encoder listener begins with an access token), so that its first bytes stand for it. There is no query
// in a path.
func loggedPath(path []byte) string {
	if len(path) == 0 || path[0] != '/' {
		return clip(path, shownOfSecret)
	}
	first, _ := cutSlash(path[1:])
	if len(first) <= shownOfSecret {
		return clip(path, maxLoggedPath)
	}
	return clip(path, 1+shownOfSecret) + "…" + clip(path[1+len(first):], maxLoggedPath)
}

// report counts an answer that has been written, or has failed to be, and logs it if the operator asked for that.
func (s *Server) report(x *exchange) {
	took := s.config.Now().Sub(x.began)
	s.metrics.observe(x.answer.Kind, x.answer.Status, x.sent, took)
	if s.config.AccessLog {
		s.logAccess(x, took)
	}
}

func (s *Server) logAccess(x *exchange, took time.Duration) {
	s.config.Logger.LogAttrs(context.Background(), slog.LevelInfo, "origin: access",
		slog.String("remote", x.request.Client.String()),
		slog.String("method", x.log.method),
		slog.String("path", x.log.path),
		slog.Int("status", x.answer.Status),
		slog.String("kind", x.answer.Kind.String()),
		slog.Int64("bytes", x.sent),
		slog.Duration("took", took.Round(time.Microsecond)),
		slog.String("agent", x.log.agent),
	)
}
