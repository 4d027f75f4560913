package main

import (
	"net"
	"net/netip"
	"strconv"
	"time"
)

// check finds what no single key shows: values out of bounds, and keys that do not go together.
func (c *Config) check(r *yamlReader) {
	oneOf(r, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(r, "log.format", c.Log.Format, "text", "json")
	checkAddress(r, "http.listen", c.HTTP.Listen)
	checkAddress(r, "ingest.listen", c.Ingest.Listen)
	checkAddress(r, "admin.listen", c.Admin.Listen)
	for _, a := range c.rtmpAddresses() {
		checkAddress(r, a.key, a.address)
	}
	if t := &c.RTMP.TLS; (t.Certificate == "") != (t.Key == "") {
		r.fault("rtmp.tls", "certificate and key go together: give both files, or neither")
	}
	c.checkLive(r)
	c.checkState(r)
	c.checkTokens(r)
	if c.Cache.Memory < 16<<20 {
		r.fault("cache.memory", "%v is too little for one channel: 16MiB at least, %v is the default", c.Cache.Memory, Default().Cache.Memory)
	}
	if c.Shutdown.Deadline > Duration(10*time.Minute) {
		r.fault("shutdown.deadline", "%v: 10m at most", c.Shutdown.Deadline)
	}
	c.checkLimits(r)
}

func (c *Config) checkLive(r *yamlReader) {
	l := &c.Live
	if l.Segment < Duration(500*time.Millisecond) || l.Segment > Duration(20*time.Second) {
		r.fault("live.segment", "%v: 500ms to 20s", l.Segment)
	}
	if l.Part > l.Segment {
		r.fault("live.part", "%v is longer than live.segment %v (200ms to 500ms is usual)", l.Part, l.Segment)
	} else if l.Part < Duration(50*time.Millisecond) {
		r.fault("live.part", "%v: 50ms at least (200ms to 500ms is usual)", l.Part)
	}
	if l.Chunk < 0 || l.Chunk > l.Segment {
		r.fault("live.chunk", "%v: 0s (each frame) up to live.segment %v (100ms is usual)", l.Chunk, l.Segment)
	}
	if l.Window < 3*l.Segment {
		r.fault("live.window", "%v is shorter than three segments of %v: players need that much", l.Window, l.Segment)
	} else if l.Window > Duration(24*time.Hour) {
		r.fault("live.window", "%v: 24h at most; it is held in memory", l.Window)
	}
}

func (c *Config) checkState(r *yamlReader) {
	s := &c.State
	if s.URL == "" && c.Data.Dir == "" {
		r.fault("data.dir", "is empty: the embedded store needs a folder (or set state.url)")
	}
	if s.Listen != "" {
		switch checkAddress(r, "state.listen", s.Listen); {
		case s.URL != "":
			r.fault("state.listen", "goes with the embedded store; with state.url there is none: remove one of the two")
		case s.Token == "" && !isLoopback(s.Listen):
			r.fault("state.listen", "%s is open to other machines: set state.token, the secret that nodes share", s.Listen)
		}
	}
	if s.Replicas < 1 || s.Replicas > 5 {
		r.fault("state.replicas", "%d: 1 to 5", s.Replicas)
	} else if s.Replicas > 1 && s.URL == "" {
		r.fault("state.replicas", "%d copies need a NATS cluster: set state.url", s.Replicas)
	}
}

func (c *Config) checkTokens(r *yamlReader) {
	seen := map[string]bool{}
	for i, t := range c.Admin.Tokens {
		at := "admin.tokens[" + strconv.Itoa(i) + "]"
		if t.Name == "" || seen[t.Name] {
			r.fault(at+".name", "%q: a name that no other token has; logs show it", t.Name)
		}
		seen[t.Name] = true
		if t.Token == "" {
			r.fault(at+".token", "is empty: a secret (openssl rand -hex 16 makes one)")
		}
		oneOf(r, at+".role", t.Role, reader, contributor)
	}
}

func (c *Config) checkLimits(r *yamlReader) {
	h, in := &c.HTTP.Limits, &c.Ingest.Limits
	if h.ConnectionsPerAddress < 0 {
		r.fault("http.limits.connectionsPerAddress", "%d: 0 for no bound, or more", h.ConnectionsPerAddress)
	}
	for _, bound := range []struct {
		key   string
		value int64
	}{
		{"http.limits.connections", int64(h.Connections)},
		{"http.limits.headerBytes", int64(h.HeaderBytes)},
		{"http.limits.readTimeout", int64(h.ReadTimeout)},
		{"http.limits.idleTimeout", int64(h.IdleTimeout)},
		{"http.limits.writeGrace", int64(h.WriteGrace)},
		{"http.limits.answerTime", int64(h.AnswerTime)},
		{"http.limits.minRate", int64(h.MinRate)},
		{"ingest.limits.moovBytes", int64(in.MoovBytes)},
		{"ingest.limits.moofBytes", int64(in.MoofBytes)},
		{"ingest.limits.mdatBytes", int64(in.MdatBytes)},
		{"ingest.limits.otherBytes", int64(in.OtherBytes)},
		{"ingest.limits.betweenBytes", int64(in.BetweenBytes)},
		{"ingest.limits.messageBytes", int64(in.MessageBytes)},
		{"ingest.limits.badFragments", int64(in.BadFragments)},
		{"ingest.limits.headTimeout", int64(in.HeadTimeout)},
		{"ingest.limits.keepAlive", int64(in.KeepAlive)},
		{"ingest.limits.idle", int64(in.Idle)},
		{"ingest.limits.textIdle", int64(in.TextIdle)},
		{"ingest.limits.minRate", int64(in.MinRate)},
		{"ingest.limits.connectionRate", int64(in.ConnectionRate)},
		{"ingest.limits.channelTracks", int64(in.ChannelTracks)},
		{"ingest.limits.channelConnections", int64(in.ChannelConnections)},
		{"ingest.limits.channelRate", int64(in.ChannelRate)},
		{"ingest.limits.channelUnfinished", int64(in.ChannelUnfinished)},
		{"ingest.limits.pendingChunks", int64(in.PendingChunks)},
		{"ingest.limits.sessionLinger", int64(in.SessionLinger)},
		{"ingest.limits.recordDeadline", int64(in.RecordDeadline)},
		{"ingest.limits.connections", int64(in.Connections)},
		{"ingest.limits.addressConnections", int64(in.AddressConnections)},
		{"ingest.limits.wrongTokens", int64(in.WrongTokens)},
	} {
		if bound.value <= 0 {
			r.fault(bound.key, "must be more than 0; configs/weir.yaml has the default")
		}
	}
}

func oneOf(r *yamlReader, key, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	r.fault(key, "%q must be one of %q", value, allowed)
}

// checkAddress wants host:port, where the host may be missing and the port may be 0.
func checkAddress(r *yamlReader, key, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.fault(key, "%q is no address to listen at, such as :8080, 127.0.0.1:8080 or :0 (any free port)", address)
	}
}

// isLoopback tells whether an address to listen at is reached from this machine alone.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
