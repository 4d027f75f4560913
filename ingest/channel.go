package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"weir/ingest/timeline"
	"weir/media"
	"weir/segcache"
)

// Config is what a channel is told when it is made.
type Config struct {
	Name     string // of the live event: the channel's word in logs, metrics and records
	Timeline timeline.Config
	Limits   Limits
	Sources  []string // ranks of sources, the first is preferred; empty: primary, secondary, others
}

// Deps are the services that a channel uses.
type Deps struct {
	Cache   *segcache.Cache
	Records Records
	Log     *slog.Logger
	Now     func() int64 // UTC, nanoseconds since the epoch
}

// A Channel is the running body of a live event: it takes what the sessions of encoders bring, lets the timeline decide
// and commits the result to the live window.
//
// One mutex serialises the timeline and every write to the window. Readers never take it, and it is not held while
// bytes are read from a socket: a chunk's payload is already in its slab when its index is submitted.
type Channel struct {
	name     string
	limits   Limits
	headBits int64 // per second and track, for admission
	chunk    time.Duration
	deps     Deps
	log      *slog.Logger
	live     *segcache.Channel

	rearm      chan struct{} // wakes Run: an earlier deadline, or a record to put
	deadline   atomic.Int64  // UTC ns that Run waits for; 0: none
	draining   atomic.Bool
	warned     atomic.Int64 // UTC ns of the last throttled warning
	unfinished atomic.Int64 // bytes of boxes that connections are in the middle of

	mu          sync.Mutex
	tl          *timeline.Timeline
	ranking     []string           // of sources, as configured
	sources     []string           // that have been seen
	streams     map[string]*Stream // by key
	conns       int                // attached, over all streams
	busy        int64              // UTC ns when an encoder was seen last
	tracks      map[string]*track
	identities  map[string]TrackRecord
	generations []timeline.Generation
	pend        []*pending // chunk handles: index = Chunk.ID
	free        []uint64
	needs       []need
	headers     []HeaderRecord // to be stored
	nextInput   timeline.InputID
	clocks      uint64
	samples     []media.Sample // scratch of place
	moof        []byte         // scratch of place
	text        []byte         // scratch of speak
	dirty       bool           // something to publish
	events      events
	bucket      Bucket
}

// A need is a record that the timeline wants stored.
type need struct {
	generation *timeline.Generation
	join       *timeline.Join
	handover   *timeline.Handover
	fresh      map[string]*media.Track // descriptions of the generation's tracks, for their identities
}

// NewChannel makes a channel and loads its stored records; after a restart numbers and names go on from them.
// It starts nothing: Run does the timed work.
func NewChannel(ctx context.Context, cfg Config, deps Deps) (*Channel, error) {
	gens, joins, tracks, err := deps.Records.Load(ctx, cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("channel %s: records: %w", cfg.Name, err)
	}
	handovers, err := deps.Records.Handovers(ctx, cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("channel %s: handovers: %w", cfg.Name, err)
	}
	headers, err := deps.Records.Headers(ctx, cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("channel %s: headers: %w", cfg.Name, err)
	}
	c := &Channel{
		name:       cfg.Name,
		limits:     cfg.Limits,
		headBits:   headBits(cfg.Timeline.Part),
		chunk:      time.Duration(cfg.Timeline.Chunk),
		deps:       deps,
		log:        deps.Log.With("channel", cfg.Name),
		live:       deps.Cache.NewChannel(cfg.Name, time.Duration(cfg.Timeline.Window)),
		rearm:      make(chan struct{}, 1),
		tl:         timeline.New(cfg.Timeline, gens, joins, handovers...),
		ranking:    cfg.Sources,
		streams:    map[string]*Stream{},
		tracks:     map[string]*track{},
		identities: map[string]TrackRecord{},
		bucket:     Bucket{Rate: cfg.Limits.ChannelRate},
	}
	for _, r := range tracks {
		c.identities[r.Name] = r
	}
	for i := range gens {
		c.openGeneration(&gens[i])
	}
	c.recall(headers)
	c.live.SetLive(true)
	c.apply()
	return c, nil
}

// Name is the live event's name.
func (c *Channel) Name() string { return c.name }

// Live is the channel's window, for readers.
func (c *Channel) Live() *segcache.Channel { return c.live }

// Run does what waits for time or for the store: deadlines of slots, and records. It blocks until ctx ends.
func (c *Channel) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { c.watch(ctx) })
	defer watcher.Wait()
	defer stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if err := c.putRecords(ctx); err != nil {
			return err
		}
		next := c.Tick()
		c.deadline.Store(next)
		wait := time.Hour
		if next != 0 {
			wait = max(time.Millisecond, time.Duration(c.unhurried(next)-c.deps.Now()))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.rearm:
		case <-timer.C:
		}
	}
}

const (
	together = int64(200 * time.Millisecond) // how much later than its time a deadline may be met in an idle channel
	idleTime = int64(30 * time.Second)       // without encoders, after which a channel is idle: few viewers wait any more
)

// unhurried is when a deadline is met: in an idle channel a GAP is listed a little later, together with those of all such
// channels, for what idle channels cost is the waking of a process that rests.
func (c *Channel) unhurried(deadline int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.deps.Now()
	for _, s := range c.streams {
		if s.open {
			c.busy = now
		}
	}
	if now-c.busy < idleTime {
		return deadline
	}
	return (deadline + together - 1) / together * together
}

// Tick lets the timeline act on deadlines that have passed, ends sessions that fell silent, and returns the next
// deadline (UTC ns, 0: none). Run calls it; tests with a clock of their own may.
func (c *Channel) Tick() (next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.deps.Now()
	next = now + int64(time.Second) // after a panic
	defer c.contain("a deadline")
	for _, s := range c.streams {
		s.expire(now)
	}
	c.tl.Tick(now)
	c.apply()
	next = c.tl.NextDeadline()
	for _, s := range c.streams {
		if s.lingerUntil != 0 && (next == 0 || s.lingerUntil < next) {
			next = s.lingerUntil
		}
	}
	return next
}

// Drain makes every connection of the channel end with ErrDraining; new ones are refused.
func (c *Channel) Drain() {
	c.draining.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		for conn := range s.conns {
			conn.Interrupt(ErrDraining)
		}
	}
}

// wake tells Run that there is something to do before its deadline. Called with mu held.
func (c *Channel) wake() {
	next := c.tl.NextDeadline()
	armed := c.deadline.Load()
	if len(c.needs) == 0 && len(c.headers) == 0 && (next == 0 || (armed != 0 && armed <= next)) {
		return
	}
	select {
	case c.rearm <- struct{}{}:
	default:
	}
}

// putRecords asks the store for every record that the timeline needs, outside the lock, and hands the winners back.
func (c *Channel) putRecords(ctx context.Context) error {
	for {
		c.mu.Lock()
		if len(c.needs) == 0 {
			headers := c.headers
			c.headers = nil
			c.mu.Unlock()
			return c.putHeaders(ctx, headers)
		}
		n := c.needs[0]
		c.needs = c.needs[1:]
		c.mu.Unlock()

		recordCtx, cancel := context.WithTimeout(ctx, c.limits.RecordDeadline)
		won, identities, err := c.putRecord(recordCtx, n)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}

		c.resolve(n, won, identities, err)
	}
}

// putHeaders stores headers. Nothing waits for them; one that cannot be stored is missed after a restart.
func (c *Channel) putHeaders(ctx context.Context, headers []HeaderRecord) error {
	for _, h := range headers {
		putCtx, cancel := context.WithTimeout(ctx, c.limits.RecordDeadline)
		err := c.deps.Records.PutHeader(putCtx, c.name, h)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			c.log.Warn("header not stored: after a restart the encoder has to send it again", "stream", h.Stream, "err", err)
		}
	}
	return nil
}

// resolve hands a record that was asked for to the timeline: the one that stands in the store, or the news that the
// store did not answer.
func (c *Channel) resolve(asked, won need, identities []TrackRecord, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain("a record")
	now := c.deps.Now()
	if err != nil {
		c.log.Error("record not stored; new media waits and is listed as GAP until the store answers", "err", err)
		c.tl.ResolveFailed(now, asked.generation, asked.join)
	} else if won.handover != nil {
		c.tl.ResolveHandover(now, won.handover)
	} else {
		for _, r := range identities {
			c.identities[r.Name] = r
		}
		if j := won.join; j != nil {
			c.log.Info("join: an encoder's clock is laid on the channel's anew", "track", j.Track, "seq", j.Seq, "ordinal", j.Ordinal)
		}
		c.tl.Resolve(now, won.generation, won.join)
	}
	c.apply()
}

// watch takes the records that other nodes store, so that all serve the same source and generation from the same slot on.
func (c *Channel) watch(ctx context.Context) {
	for {
		err := c.deps.Records.Watch(ctx, c.name, func(g *timeline.Generation, j *timeline.Join, h *timeline.Handover) { c.known(ctx, g, j, h) })
		if err == nil || ctx.Err() != nil {
			return
		}
		c.log.Warn("records of other nodes are not seen; trying again", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// known takes a record that is in the store. The tracks of a generation have to be known with it.
func (c *Channel) known(ctx context.Context, g *timeline.Generation, j *timeline.Join, h *timeline.Handover) {
	var tracks []TrackRecord
	if g != nil {
		if !c.lacks(g) {
			return
		}
		var err error
		loadCtx, cancel := context.WithTimeout(ctx, c.limits.RecordDeadline)
		_, _, tracks, err = c.deps.Records.Load(loadCtx, c.name)
		cancel()
		if err != nil {
			return // whoever has a reason to ask gets to know it
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain("a record of another node")
	for _, r := range tracks {
		c.identities[r.Name] = r
	}
	now := c.deps.Now()
	if h != nil {
		c.tl.KnownHandover(now, h)
	} else {
		c.tl.Known(now, g, j)
	}
	c.apply()
}

// lacks tells whether a generation is newer than those in force here.
func (c *Channel) lacks(g *timeline.Generation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.generations {
		if c.generations[i].Ordinal >= g.Ordinal {
			return false
		}
	}
	return true
}

// contain keeps a panic, which is a fault of weir's, within its channel: the others and the viewers go on. Call it deferred.
func (c *Channel) contain(at string) {
	if fault := recover(); fault != nil {
		c.log.Error("panic at "+at+": please report it", "fault", fault, "stack", string(debug.Stack()))
	}
}

// putRecord stores one record and returns the winner. The identities of a generation's tracks are stored before the
// generation, so that whoever finds the generation finds them too.
func (c *Channel) putRecord(ctx context.Context, n need) (won need, identities []TrackRecord, err error) {
	if n.join != nil {
		j, err := c.deps.Records.PutJoin(ctx, c.name, *n.join)
		return need{join: &j}, nil, err
	}
	if n.handover != nil {
		h, err := c.deps.Records.PutHandover(ctx, c.name, *n.handover)
		return need{handover: &h}, nil, err
	}
	for _, r := range assignIdentities(c.knownIdentities(), n.fresh) {
		r, err = c.deps.Records.PutTrack(ctx, c.name, r)
		if err != nil {
			return need{}, nil, err
		}
		identities = append(identities, r)
	}
	g, err := c.deps.Records.PutGeneration(ctx, c.name, *n.generation)
	if err != nil {
		return need{}, nil, err
	}
	// Another node's generation may name tracks that have not come here yet.
	_, _, stored, err := c.deps.Records.Load(ctx, c.name)
	if err != nil {
		return need{}, nil, err
	}
	return need{generation: &g}, append(identities, stored...), nil
}

func (c *Channel) knownIdentities() map[string]TrackRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := make(map[string]TrackRecord, len(c.identities))
	for k, v := range c.identities {
		known[k] = v
	}
	return known
}
