package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"weir/control/state"
)

// admin is the management listener: health, metrics and profiles. Safe for concurrent use.
type admin struct {
	tokens []Token
	store  *state.Store
	ready  atomic.Bool
	http   *http.Server
}

func newAdmin(tokens []Token, n *node) *admin {
	a := &admin{tokens: tokens, store: n.store}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.Handle("GET /metrics", a.locked(reader, true, promhttp.HandlerFor(n.metrics(), promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})))
	mux.Handle("GET /debug/pprof/", a.locked(contributor, false, http.HandlerFunc(pprof.Index)))
	mux.Handle("GET /debug/pprof/cmdline", a.locked(contributor, false, http.HandlerFunc(pprof.Cmdline)))
	mux.Handle("GET /debug/pprof/profile", a.locked(contributor, false, http.HandlerFunc(pprof.Profile)))
	mux.Handle("GET /debug/pprof/symbol", a.locked(contributor, false, http.HandlerFunc(pprof.Symbol)))
	mux.Handle("GET /debug/pprof/trace", a.locked(contributor, false, http.HandlerFunc(pprof.Trace)))
	a.http = &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	return a
}

// run serves ln until ctx ends.
func (a *admin) run(ctx context.Context, ln net.Listener) error {
	end := context.AfterFunc(ctx, func() { a.http.Close() }) // nothing here is worth waiting for
	defer end()
	if err := a.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin.listen: %w", err)
	}
	return nil
}

// setReady says whether traffic should come here.
func (a *admin) setReady(ready bool) { a.ready.Store(ready) }

// readyz says 200 while traffic should come. A store that does not answer is told and costs nothing else: live goes on.
func (a *admin) readyz(w http.ResponseWriter, r *http.Request) {
	if !a.ready.Load() {
		answer(w, http.StatusServiceUnavailable, "shutting down")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := a.store.Ready(ctx); err != nil {
		answer(w, http.StatusOK, "ok\nstate: does not answer; new records wait")
		return
	}
	answer(w, http.StatusOK, "ok")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// locked lets through who bears a token with the role, and on the loopback address anybody if openOnLoopback.
func (a *admin) locked(role string, openOnLoopback bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if openOnLoopback && onLoopback(r) {
			next.ServeHTTP(w, r)
			return
		}
		switch token := a.token(r); {
		case token == nil:
			w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
			answer(w, http.StatusUnauthorized, "send Authorization: Bearer with a token of admin.tokens")
		case role == contributor && token.Role != contributor:
			answer(w, http.StatusForbidden, "the token's role is reader; this takes contributor")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// token is the token that a request bears, or nil. Every token is compared in full: the time taken tells nothing.
func (a *admin) token(r *http.Request) *Token {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	given := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var found *Token
	for i := range a.tokens {
		known := sha256.Sum256([]byte(a.tokens[i].Token))
		if subtle.ConstantTimeCompare(given[:], known[:]) == 1 {
			found = &a.tokens[i]
		}
	}
	return found
}

// onLoopback tells whether a request came in on this machine's own loopback address.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	a, err := netip.ParseAddrPort(local.String())
	return err == nil && a.Addr().Unmap().IsLoopback()
}
