package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"weir/control/reconcile"
	"weir/control/state"
	"weir/ingest"
	"weir/ingest/rtmp"
	"weir/ingest/web"
	"weir/origin"
	"weir/origin/page"
	"weir/segcache"
)

func serveCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "serve", Short: "run the origin until SIGTERM or SIGINT", Args: cobra.NoArgs,
		Example: "  weir serve -config weir.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := Load(path, os.LookupEnv)
			if err != nil {
				return err
			}
			n, err := openNode(cmd.Context(), c, c.newLog(os.Stderr), false)
			if err != nil {
				return err
			}
			defer n.close()
			return n.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration `FILE`; configs/weir.yaml explains every key")
	return cmd
}

// A node is everything that one weir runs, made and not yet started.
type node struct {
	config *Config
	log    *slog.Logger

	publicListener, encoderListener, adminListener net.Listener

	store    *state.Store
	cache    *segcache.Cache
	plane    *reconcile.Plane
	origin   *origin.Server
	encoders *web.Server
	rtmp     *rtmp.Server
	admin    *admin

	rtmpPorts []rtmpPort
}

// openNode takes the ports and the data folder and loads what is stored, in this order: what goes wrong here goes wrong
// before anything is served. demo shows on the page where encoders push.
func openNode(ctx context.Context, c *Config, log *slog.Logger, demo bool) (*node, error) {
	n := &node{config: c, log: log}
	if err := n.open(ctx, demo); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *node) open(ctx context.Context, demo bool) (err error) {
	c, log := n.config, n.log
	if n.publicListener, err = listen(log, "http.listen", c.HTTP.Listen); err != nil {
		return err
	}
	if n.encoderListener, err = listen(log, "ingest.listen", c.Ingest.Listen); err != nil {
		return err
	}
	if err = n.listenRTMP(log); err != nil {
		return err
	}
	if n.adminListener, err = listen(log, "admin.listen", c.Admin.Listen); err != nil {
		return err
	}
	stateConfig := c.store()
	stateConfig.Log = log
	if n.store, err = state.Open(ctx, stateConfig); err != nil {
		return err
	}
	if address := n.store.Addr(); address != "" {
		log.Info("listening", "key", "state.listen", "addr", address)
	}
	n.cache = segcache.New(segcache.Config{Memory: int64(c.Cache.Memory), Dir: c.Cache.Dir})

	channels := c.channels()
	if demo {
		channels.IngestBase = "http://" + localAddress(n.encoderListener.Addr(), "localhost")
	}
	deps := ingest.Deps{Cache: n.cache, Log: log, Now: func() int64 { return time.Now().UnixNano() }}
	if n.plane, err = reconcile.New(ctx, c.Resources, channels, n.store, deps); err != nil {
		return err
	}
	doors := new(ingest.DoorTable)
	doors.Store(n.plane.Doors())
	limits := c.Ingest.Limits.limits()
	gate := ingest.NewGate(limits, c.trustedProxies())
	n.encoders = web.New(web.Config{Limits: limits, TrustedProxies: c.trustedProxies(), Gate: gate, Log: log}, doors)
	if err = n.openRTMP(rtmp.New(rtmp.Config{Limits: limits, Gate: gate, Log: log}, doors)); err != nil {
		return err
	}

	originConfig := c.origin()
	originConfig.Logger, originConfig.Page, originConfig.Crowded = log, page.Files(), n.cache.Crowded
	n.origin = origin.New(originConfig)
	n.origin.SetRoutes(n.plane.Routes())
	n.admin = newAdmin(c.Admin.Tokens, n)
	return nil
}

// run serves until ctx ends, then shuts down in order: /readyz says 503, encoders are told to reconnect, running answers
// get shutdown.deadline to end, and last the channels and the management listener stop. One line a service.
func (n *node) run(ctx context.Context) error {
	back, stopBack := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBack()
	var front sync.WaitGroup
	front.Add(2 + len(n.rtmpPorts))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer front.Done(); return n.serve(ctx, "http.listen", n.origin, n.publicListener) })
	g.Go(func() error { defer front.Done(); return n.serve(ctx, "ingest.listen", n.encoders, n.encoderListener) })
	for _, p := range n.rtmpPorts {
		g.Go(func() error { defer front.Done(); return n.serve(ctx, p.key, p, p.listener) })
	}
	g.Go(func() error { return n.plane.Run(back) })
	g.Go(func() error { return n.admin.run(back, n.adminListener) })
	g.Go(func() error { return n.watchShutdown(ctx) })
	g.Go(func() error { return tuneCollector(back) })
	g.Go(func() error { front.Wait(); stopBack(); return nil })
	n.admin.setReady(true)
	n.log.Info("serving", "version", buildVersion(), "channels", len(n.plane.Channels()))
	if len(n.plane.Channels()) == 0 {
		n.log.Warn("no live event is configured: declare one under resources.liveEvents, as configs/demo.yaml does")
	}
	err := g.Wait()
	n.log.Info("stopped")
	return err
}

// watchShutdown tells the world, as the first of all, that this node goes.
func (n *node) watchShutdown(ctx context.Context) error {
	<-ctx.Done()
	n.admin.setReady(false)
	n.plane.Drain()
	n.log.Info("shutting down: a second signal ends at once", "deadline", n.config.Shutdown.Deadline.String())
	return nil
}

// A server answers on listeners until it is shut down.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// serve runs s on ln until ctx ends; then its connections have shutdown.deadline to end, and are cut. Encoders are answered
// 503 at once.
func (n *node) serve(ctx context.Context, key string, s server, ln net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("%s: %w", key, err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(n.config.Shutdown.Deadline))
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		n.log.Warn("connections cut at shutdown", "key", key, "err", err)
	}
	return nil
}

// close lets go of everything that openNode took, the folder's lock last.
func (n *node) close() {
	for _, ln := range []net.Listener{n.publicListener, n.encoderListener, n.adminListener} {
		if ln != nil {
			ln.Close()
		}
	}
	for _, p := range n.rtmpPorts {
		p.listener.Close()
	}
	if n.plane != nil {
		n.plane.Close()
	}
	if n.cache != nil {
		n.cache.Close()
	}
	if n.store != nil {
		n.store.Close()
	}
}

// listen takes a port and logs which: a port of 0 is any free one.
func listen(log *slog.Logger, key, address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (set another address with %s or %s)", key, err, key, envName(key))
	}
	log.Info("listening", "key", key, "addr", ln.Addr().String())
	return ln, nil
}

// localAddress is how this machine reaches a listener: at the host given if it listens everywhere.
func localAddress(a net.Addr, host string) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if !tcp.IP.IsUnspecified() && !tcp.IP.IsLoopback() {
		host = tcp.IP.String()
	}
	return net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}
