package reconcile

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/control/state"
	"weir/ingest"
	"weir/ingest/timeline"
	"weir/origin"
)

// Config is what all channels have in common. A live event adds its name, GOP, tracks and anchor to Timeline.
type Config struct {
	Timeline timeline.Config
	Limits   ingest.Limits
	// IngestBase is where encoders push, "http://localhost:8081". Set, the page's list of channels shows the publishing
	// points with their access tokens to everybody: for the demo alone.
	IngestBase string
}

// A Plane is what runs for a set of resources: their channels, and the snapshots of doors and routes that lead to them.
// The set is fixed when the plane is made.
type Plane struct {
	channels      []*ingest.Channel
	byName        map[string]event                // by live event, folded
	presentations map[string]*origin.Presentation // by live output
	doors         *ingest.Doors
	routes        *origin.Routes
}

// An event is a live event that runs.
type event struct {
	channel *ingest.Channel
	token   string
}

// New makes the channels of checked resources and loads their stored records, so that numbers and names go on where they
// were. It starts nothing; Run does. deps.Records is set here.
func New(ctx context.Context, r *state.Resources, config Config, store *state.Store, deps ingest.Deps) (*Plane, error) {
	deps.Records = Records{store}
	p := &Plane{byName: map[string]event{}, presentations: map[string]*origin.Presentation{}}
	doors := map[string]*ingest.Door{}
	for i := range r.LiveEvents {
		e := &r.LiveEvents[i]
		c, err := ingest.NewChannel(ctx, ingest.Config{Name: e.Name, Timeline: eventTimeline(config.Timeline, e), Limits: config.Limits, Sources: e.Properties.Weir.Sources}, deps)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.channels = append(p.channels, c)
		token := e.Properties.Input.AccessToken
		p.byName[origin.Fold(e.Name)] = event{c, token}
		doors[token] = &ingest.Door{Channel: c, Allow: e.Properties.Input.AccessControl.Prefixes()}
	}
	p.doors = ingest.NewDoors(doors)
	p.routes = p.buildRoutes(r, config.IngestBase)
	return p, nil
}

// eventTimeline is the timeline's configuration for a live event.
func eventTimeline(c timeline.Config, e *state.LiveEvent) timeline.Config {
	c.GOP = int64(e.Properties.Input.KeyFrameIntervalDuration)
	c.Tracks = e.Properties.Weir.Tracks
	if a := e.Properties.Weir.Anchor; a != nil {
		steps := a.UnixNano() / int64(40*time.Millisecond)
		c.Anchor = &steps
	}
	return c
}

// Channels are the plane's channels, in the order of their live events. Do not change the slice.
func (p *Plane) Channels() []*ingest.Channel { return p.channels }

// Doors is the snapshot that encoder listeners read.
func (p *Plane) Doors() *ingest.Doors { return p.doors }

// Routes is the snapshot that the origin reads.
func (p *Plane) Routes() *origin.Routes { return p.routes }

// Run does the timed work of all channels until ctx ends (nil) or a channel fails.
func (p *Plane) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range p.channels {
		g.Go(func() error {
			if err := c.Run(ctx); ctx.Err() == nil {
				return fmt.Errorf("channel %s: %w", c.Name(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// Drain tells the encoders of all channels to reconnect, and refuses new ones.
func (p *Plane) Drain() {
	for _, c := range p.channels {
		c.Drain()
	}
}

// Close lets go of the channels' windows and wakes who waits for them. Call it when Run has returned and no encoder is
// connected any more.
func (p *Plane) Close() {
	for _, shown := range p.presentations {
		shown.Close()
	}
	for _, c := range p.channels {
		c.Live().Close()
	}
}
