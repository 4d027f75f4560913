package main

import (
	"net/netip"
	"strings"
	"time"

	"weir/control/reconcile"
	"weir/control/state"
	"weir/ingest"
	"weir/ingest/timeline"
	"weir/origin"
)

// Config is everything that an operator decides, as configs/weir.yaml spells and explains it. Load reads one.
type Config struct {
	Log struct {
		Level  string `yaml:"level"`
		Format string `yaml:"format"`
		Access bool   `yaml:"access"`
	} `yaml:"log"`
	Data struct {
		Dir string `yaml:"dir"`
	} `yaml:"data"`
	HTTP struct {
		Listen string     `yaml:"listen"`
		Limits HTTPLimits `yaml:"limits"`
	} `yaml:"http"`
	Ingest struct {
		Listen string       `yaml:"listen"`
		Limits IngestLimits `yaml:"limits"`
	} `yaml:"ingest"`
	RTMP  RTMP `yaml:"rtmp"`
	Admin struct {
		Listen string  `yaml:"listen"`
		Tokens []Token `yaml:"tokens"`
	} `yaml:"admin"`
	TrustedProxies []Network `yaml:"trustedProxies"`
	Live           struct {
		Segment Duration `yaml:"segment"`
		Part    Duration `yaml:"part"`
		Chunk   Duration `yaml:"chunk"`
		Window  Duration `yaml:"window"`
	} `yaml:"live"`
	Cache struct {
		Memory Bytes  `yaml:"memory"`
		Dir    string `yaml:"dir"`
	} `yaml:"cache"`
	State struct {
		URL      string `yaml:"url"`
		Listen   string `yaml:"listen"`
		Token    string `yaml:"token"`
		Replicas int    `yaml:"replicas"`
	} `yaml:"state"`
	Page struct {
		List bool `yaml:"list"`
	} `yaml:"page"`
	Shutdown struct {
		Deadline Duration `yaml:"deadline"`
	} `yaml:"shutdown"`
	Resources *state.Resources `yaml:"resources"`
}

// RTMP are the listeners of encoders that publish over RTMP and RTMPS; an empty address is none.
type RTMP struct {
	Listen          string `yaml:"listen"`
	ListenSecondary string `yaml:"listenSecondary"`
	TLS             struct {
		Listen          string `yaml:"listen"`
		ListenSecondary string `yaml:"listenSecondary"`
		Certificate     string `yaml:"certificate"`
		Key             string `yaml:"key"`
	} `yaml:"tls"`
}

// HTTPLimits bound what pullers may take of the public listener.
type HTTPLimits struct {
	Connections           int      `yaml:"connections"`
	ConnectionsPerAddress int      `yaml:"connectionsPerAddress"`
	HeaderBytes           Bytes    `yaml:"headerBytes"`
	ReadTimeout           Duration `yaml:"readTimeout"`
	IdleTimeout           Duration `yaml:"idleTimeout"`
	WriteGrace            Duration `yaml:"writeGrace"`
	MinRate               Bytes    `yaml:"minRate"`
	AnswerTime            Duration `yaml:"answerTime"`
}

// IngestLimits are ingest.Limits in the configuration's units.
type IngestLimits struct {
	MoovBytes      Bytes    `yaml:"moovBytes"`
	MoofBytes      Bytes    `yaml:"moofBytes"`
	MdatBytes      Bytes    `yaml:"mdatBytes"`
	OtherBytes     Bytes    `yaml:"otherBytes"`
	BetweenBytes   Bytes    `yaml:"betweenBytes"`
	MessageBytes   Bytes    `yaml:"messageBytes"`
	BadFragments   int      `yaml:"badFragments"`
	HeadTimeout    Duration `yaml:"headTimeout"`
	KeepAlive      Duration `yaml:"keepAlive"`
	Idle           Duration `yaml:"idle"`
	TextIdle       Duration `yaml:"textIdle"`
	MinRate        Bytes    `yaml:"minRate"`
	ConnectionRate Bytes    `yaml:"connectionRate"`

	ChannelTracks      int      `yaml:"channelTracks"`
	ChannelConnections int      `yaml:"channelConnections"`
	ChannelRate        Bytes    `yaml:"channelRate"`
	ChannelUnfinished  Bytes    `yaml:"channelUnfinished"`
	PendingChunks      int      `yaml:"pendingChunks"`
	SessionLinger      Duration `yaml:"sessionLinger"`
	RecordDeadline     Duration `yaml:"recordDeadline"`

	Connections        int `yaml:"connections"`
	AddressConnections int `yaml:"addressConnections"`
	WrongTokens        int `yaml:"wrongTokens"`
}

// A Token lets its bearer use the management listener.
type Token struct {
	Name  string `yaml:"name"`
	Token string `yaml:"token"`
	Role  string `yaml:"role"`
}

// Roles of tokens: a reader may look, a contributor may do everything.
const (
	reader      = "reader"
	contributor = "contributor"
)

// A Network is a range of addresses: 10.0.0.0/8, or one address.
type Network struct{ netip.Prefix }

// UnmarshalText reads a prefix or an address.
func (n *Network) UnmarshalText(text []byte) error {
	if !strings.Contains(string(text), "/") {
		a, err := netip.ParseAddr(string(text))
		if err != nil {
			return err
		}
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil {
		return err
	}
	n.Prefix = p.Masked()
	return nil
}

// Default is the configuration in force where a file is silent.
func Default() *Config {
	c := new(Config)
	c.Log.Level, c.Log.Format = "info", "text"
	c.Data.Dir = "data"
	c.HTTP.Listen = ":8080"
	c.HTTP.Limits = HTTPLimits{
		Connections: 100_000, HeaderBytes: 8 << 10, MinRate: 8 << 10,
		ReadTimeout: Duration(10 * time.Second), IdleTimeout: Duration(90 * time.Second), WriteGrace: Duration(10 * time.Second), AnswerTime: Duration(2 * time.Minute),
	}
	c.Ingest.Listen = ":8081"
	l := ingest.DefaultLimits()
	c.Ingest.Limits = IngestLimits{
		MoovBytes: Bytes(l.MoovBytes), MoofBytes: Bytes(l.MoofBytes), MdatBytes: Bytes(l.MdatBytes), OtherBytes: Bytes(l.OtherBytes),
		BetweenBytes: Bytes(l.BetweenBytes), MessageBytes: Bytes(l.MessageBytes), BadFragments: l.BadFragments,
		HeadTimeout: Duration(l.HeadTimeout), KeepAlive: Duration(l.KeepAlive), Idle: Duration(l.Idle), TextIdle: Duration(l.TextIdle),
		MinRate: Bytes(l.MinRate), ConnectionRate: Bytes(l.ConnectionRate),
		ChannelTracks: l.ChannelTracks, ChannelConnections: l.ChannelConnections,
		ChannelRate: Bytes(l.ChannelRate), ChannelUnfinished: Bytes(l.ChannelUnfinished),
		PendingChunks: l.PendingChunks, SessionLinger: Duration(l.SessionLinger), RecordDeadline: Duration(l.RecordDeadline),
		Connections: l.Connections, AddressConnections: l.AddressConnections, WrongTokens: l.WrongTokens,
	}
	c.RTMP.Listen, c.RTMP.ListenSecondary = ":1935", ":1936"
	c.RTMP.TLS.Listen, c.RTMP.TLS.ListenSecondary = ":2935", ":2936"
	c.Admin.Listen = "127.0.0.1:8082"
	c.Live.Segment, c.Live.Part, c.Live.Window = Duration(2*time.Second), Duration(200*time.Millisecond), Duration(time.Minute)
	c.Live.Chunk = Duration(100 * time.Millisecond)
	c.Cache.Memory = 2 << 30
	c.State.Replicas = 1
	c.Shutdown.Deadline = Duration(10 * time.Second)
	c.Resources = new(state.Resources)
	return c
}

func (l IngestLimits) limits() ingest.Limits {
	return ingest.Limits{
		MoovBytes: int64(l.MoovBytes), MoofBytes: int64(l.MoofBytes), MdatBytes: int64(l.MdatBytes), OtherBytes: int64(l.OtherBytes),
		BetweenBytes: int64(l.BetweenBytes), MessageBytes: int64(l.MessageBytes), BadFragments: l.BadFragments,
		HeadTimeout: time.Duration(l.HeadTimeout), KeepAlive: time.Duration(l.KeepAlive), Idle: time.Duration(l.Idle), TextIdle: time.Duration(l.TextIdle),
		MinRate: int64(l.MinRate), ConnectionRate: int64(l.ConnectionRate),
		ChannelTracks: l.ChannelTracks, ChannelConnections: l.ChannelConnections,
		ChannelRate: int64(l.ChannelRate), ChannelUnfinished: int64(l.ChannelUnfinished),
		PendingChunks: l.PendingChunks, SessionLinger: time.Duration(l.SessionLinger), RecordDeadline: time.Duration(l.RecordDeadline),
		Connections: l.Connections, AddressConnections: l.AddressConnections, WrongTokens: l.WrongTokens,
	}
}

func (c *Config) trustedProxies() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, n := range c.TrustedProxies {
		prefixes = append(prefixes, n.Prefix)
	}
	return prefixes
}

// store, channels and origin are the configuration as the services want it.
func (c *Config) store() state.Config {
	return state.Config{Folder: c.Data.Dir, URL: c.State.URL, Listen: c.State.Listen, Token: c.State.Token, Replicas: c.State.Replicas}
}

func (c *Config) channels() reconcile.Config {
	return reconcile.Config{
		Limits: c.Ingest.Limits.limits(),
		Timeline: timeline.Config{
			Segment: int64(c.Live.Segment), Part: int64(c.Live.Part), Chunk: int64(c.Live.Chunk), Window: int64(c.Live.Window),
		},
	}
}

func (c *Config) origin() origin.Config {
	l := c.HTTP.Limits
	return origin.Config{
		AccessLog: c.Log.Access, ListChannels: c.Page.List, TrustedProxies: c.trustedProxies(),
		MaxConns: l.Connections, MaxConnsPerIP: l.ConnectionsPerAddress, HeaderBytes: int(l.HeaderBytes), MinRate: int(l.MinRate),
		ReadTimeout: time.Duration(l.ReadTimeout), IdleTimeout: time.Duration(l.IdleTimeout), WriteGrace: time.Duration(l.WriteGrace),
		AnswerTime: time.Duration(l.AnswerTime),
	}
}
