package origin

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what the operator decides about the data plane. The zero value of a limit means its default.
type Config struct {
	Logger         *slog.Logger
	AccessLog      bool           // one Info line per answer
	Page           fs.FS          // the player page; nil: none
	ListChannels   bool           // show the channels to whoever asks for /page/channels.json
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed

	MaxConns      int           // open connections per listener; default 100,000
	MaxConnsPerIP int           // open connections per peer address; default 0, no cap: a CDN comes from few addresses
	HeaderBytes   int           // request line and headers; default 8 KiB
	ReadTimeout   time.Duration // to send a request, from its first byte; default 10 s
	IdleTimeout   time.Duration // between requests; default 90 s, longer than CDNs keep theirs
	WriteGrace    time.Duration // what a write may take beyond its bytes at MinRate; default 10 s
	MinRate       int           // bytes per second that a reader must take; default 16 KiB/s
	AnswerTime    time.Duration // to take a whole answer, from its first byte; default 2 minutes
	Crowded       func() bool   // whether readers pin more memory than they may: slow ones are cut then; nil: never

	Now func() time.Time // the clock; default time.Now
}

// withDefaults fills in what was left open.
func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	setDefault(&c.MaxConns, 100_000)
	setDefault(&c.HeaderBytes, 8<<10)
	setDefault(&c.ReadTimeout, 10*time.Second)
	setDefault(&c.IdleTimeout, 90*time.Second)
	setDefault(&c.WriteGrace, 10*time.Second)
	setDefault(&c.MinRate, 16<<10)
	setDefault(&c.AnswerTime, 2*time.Minute)
	return c
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// A Server answers pullers. Make it with New, hand it routes with SetRoutes, and let Serve take a listener; it is a
// prometheus.Collector too. Safe for concurrent use.
type Server struct {
	config  Config
	routes  atomic.Pointer[Routes]
	page    page
	metrics metrics

	stop     chan struct{} // closed by Shutdown: what is held goes on
	stopOnce sync.Once

	trips sync.Pool // of *trip
	lanes lanes

	mu        sync.Mutex
	listeners []*listener // all that were ever served: a closed one may have connections still
}

// New makes a server with empty routes: every locator is unknown until SetRoutes.
func New(config Config) *Server {
	s := &Server{config: config.withDefaults(), stop: make(chan struct{})}
	s.page.files = s.config.Page
	s.lanes.server = s
	s.trips.New = func() any { return newTrip(s.config.HeaderBytes) }
	s.SetRoutes(&Routes{})
	return s
}

// SetRoutes makes routes the snapshot that requests from now on read. The caller does not change it afterwards.
func (s *Server) SetRoutes(routes *Routes) { s.routes.Store(routes) }

// Routes is the snapshot in force; read only.
func (s *Server) Routes() *Routes { return s.routes.Load() }

// Serve answers on ln until Shutdown, and returns nil then; any other end is the listener's error. It may be called for
// several listeners at the same time; TLS is a listener made by tls.NewListener. It closes ln. On Linux, connections over plain TCP
// go to lanes; the others have a goroutine each.
func (s *Server) Serve(ln net.Listener) error {
	l := s.listen(ln)
	defer l.Close()
	for {
		nc, peer, err := l.accept()
		switch {
		case err == nil:
			if !s.lanes.take(l, nc, peer) {
				go s.serveConn(l.wrap(nc, peer, nil))
			}
		case s.stopping() || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

// stopping tells whether Shutdown has been called.
func (s *Server) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// Shutdown closes the listeners and idle connections at once, has kept-alive ones end with their running answer, and waits for
// those to be written; those that wait for what is to come wait no longer. When ctx ends before they are, it cuts them and
// returns ctx's error. Call it once; Serve returns meanwhile.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stop) })
	s.mu.Lock()
	listeners := slices.Clone(s.listeners)
	s.mu.Unlock()
	var err error
	for _, l := range listeners {
		err = errors.Join(err, l.Close())
	}
	look := time.NewTicker(shutdownLook)
	defer look.Stop()
	defer s.lanes.close()
	for s.conns() > 0 {
		for _, l := range listeners {
			l.cut((*conn).isIdle)
		}
		s.lanes.cut(false)
		select {
		case <-look.C:
		case <-ctx.Done():
			for _, l := range listeners {
				l.cut(func(*conn) bool { return true })
			}
			s.lanes.cut(true)
			return ctx.Err()
		}
	}
	return err
}

// shutdownLook is how often Shutdown looks for connections that have become idle.
const shutdownLook = 20 * time.Millisecond

// listen wraps a listener and puts it on the books.
func (s *Server) listen(ln net.Listener) *listener {
	l := newListener(ln, s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
	return l
}

// conns is the number of open connections of all listeners.
func (s *Server) conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.listeners {
		n += l.conns()
	}
	return n
}
