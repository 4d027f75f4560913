package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"weir"
	"weir/bench/demo"
	"weir/bench/push"
	"weir/ingest"
)

func demoCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "demo", Short: "serve with a built-in looping source, to watch in a browser", Args: cobra.NoArgs,
		Long: "demo is serve with configs/demo.yaml, which is built in, and a test source that pushes to the first live event over\n" +
			"HTTP, as an encoder would. WEIR_* variables override keys, for example WEIR_HTTP_LISTEN=:9090.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadDemo(path)
			if err != nil {
				return err
			}
			log := c.newLog(os.Stderr)
			n, err := openNode(cmd.Context(), c, log, true)
			if err != nil {
				return err
			}
			defer n.close()
			tracks, err := demo.Tracks()
			if err != nil {
				return err
			}
			source := push.Options{
				URL:    fmt.Sprintf("http://%s/%s/ingest.isml", localAddress(n.encoderListener.Addr(), "127.0.0.1"), demoToken(c)),
				Tracks: tracks, Epoch: true, Log: log.With("source", "demo"),
			}
			log.Info("watch the demo in a browser", "url", "http://"+localAddress(n.publicListener.Addr(), "localhost")+"/")
			g, ctx := errgroup.WithContext(cmd.Context())
			g.Go(func() error { return n.run(ctx) })
			g.Go(func() error { return push.Run(ctx, source) })
			return g.Wait()
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration `FILE` instead of the built-in one")
	return cmd
}

// loadDemo reads the built-in configuration, or the file that takes its place.
func loadDemo(path string) (*Config, error) {
	c, err := loadText("configs/demo.yaml", weir.Demo, os.LookupEnv)
	if path != "" {
		c, err = Load(path, os.LookupEnv)
	}
	if err == nil && len(c.Resources.LiveEvents) == 0 {
		err = errors.New("demo: the configuration has no live event to push to (resources.liveEvents)")
	}
	return c, err
}

// demoToken is the access token of the live event that the source pushes to.
func demoToken(c *Config) string {
	return ingest.CanonicalToken(c.Resources.LiveEvents[0].Properties.Input.AccessToken)
}
