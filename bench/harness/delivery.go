//go:build linux

package harness

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"weir/bench/play"
)

// A deliveryResult compares the answers to GET of one object. Each figure is one a round; quotients are of figures of the
// same round.
type deliveryResult struct {
	Object      string `json:"object"`
	Bytes       int    `json:"bytes"`
	Connections int    `json:"connections"`
	Weir        side   `json:"weir"`
	Nginx       side   `json:"nginx"`
	Bare        side   `json:"bare"`
	Efficiency  spread `json:"cpuEfficiency"`     // nginx's processor time per request / weir's: above 1 weir is cheaper
	ByBare      spread `json:"cpuEfficiencyBare"` // the bare server's / weir's
	Rate        spread `json:"rate"`              // weir's requests per second / nginx's
	Allocations spread `json:"allocations"`       // of objects, by weir, per request
}

// A side is one server's figures.
type side struct {
	CPUMicros spread `json:"cpuMicrosPerRequest"`
	Load      spread `json:"loadCPUMicrosPerRequest"`
	PerSecond spread `json:"requestsPerSecond"`
	GBytes    spread `json:"gigabytesPerSecond"`
	P50Millis spread `json:"p50Millis"`
	P99Millis spread `json:"p99Millis"`

	cpu, load, rate, gb, p50, p99 []float64
}

// The channels of the delivery part: parts of 60 KB, segments of 1 MB, segments of 4 MB.
var deliveryBits = []int{960_000, 4_000_000, 16_000_000}

// deliveryPart makes the list of a short window about 2 KB long, and a part of the first channel 60 KB.
const deliveryPart = 500 * time.Millisecond

// delivery loads weir, the bare server and nginx in turns, with the same bytes. While it is measured, weir's channels go on
// being fed, and their playlists go on being renewed: some chunks a second, which count as weir's.
func (b *bench) delivery(ctx context.Context, r *report) error {
	c := b.plan.delivery
	x, nginxErr := b.startNginx(ctx)
	if nginxErr != nil {
		r.Skipped = append(r.Skipped, "delivery beside nginx: "+nginxErr.Error())
	} else {
		defer x.stop()
	}
	bare, err := b.startBare(ctx, 1)
	if err != nil {
		return err
	}
	defer bare.stop()
	n, err := b.startNode(ctx, nodeCase{channels: len(deliveryBits), window: c.window, memory: 2 << 30, part: deliveryPart})
	if err != nil {
		return err
	}
	defer n.stop()
	for i, bits := range deliveryBits {
		e, err := b.encoder(ctx, n.publishing(i), bits, deliveryPart)
		if err != nil {
			return err
		}
		defer e.stop()
	}
	b.say("delivery: filling a window of %v", c.window)
	if err := b.settle(ctx, n, len(deliveryBits), c.fill); err != nil {
		return err
	}
	for _, o := range c.objects {
		result, err := b.compare(ctx, n, bare, x, o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		r.Delivery = append(r.Delivery, result)
		r.deliveryGoals(result, o)
	}
	return nil
}

func (r *report) deliveryGoals(d *deliveryResult, o deliveryObject) {
	name := fmt.Sprintf("%s, %d connections: ", o.name, o.connections)
	if len(d.Nginx.cpu) > 0 {
		r.goal("delivery", name+"CPU efficiency against nginx", "", true, o.must, o.aim, d.Efficiency.All)
	}
	if o.mustRate > 0 && len(d.Nginx.cpu) > 0 {
		r.goal("delivery", name+"GB/s / nginx's", "", true, o.mustRate, o.aimRate, d.Rate.All)
	}
	r.goal("delivery", name+"CPU efficiency against the bare server", "", true, 0.85, 0.95, d.ByBare.All)
}

// compare measures one object for all rounds.
func (b *bench) compare(ctx context.Context, n *node, bare *reference, x *nginx, o deliveryObject) (*deliveryResult, error) {
	c := b.plan.delivery
	r := &deliveryResult{Object: o.name, Connections: o.connections}
	b.say("delivery: %s, %d connections: %d rounds of %v a server", o.name, o.connections, c.rounds, c.each)
	profile := b.profile(ctx, n, fmt.Sprint("delivery ", o.name, " ", o.connections), time.Duration(c.rounds)*3*(c.each+c.warm))
	var allocations []float64
	var url string // of weir's object; another one each round, for the window slides
	take := func(p *process, s *side, url func(name string) string) func(int) error {
		return func(round int) error {
			return b.take(ctx, p, s, url(o.file(round)), o.connections)
		}
	}
	weir := func(int) error {
		var allocated [3]float64 // before a look, before the load, after it: what a look costs is taken off
		for i := range allocated {
			if i == 2 {
				if err := b.take(ctx, n.process, &r.Weir, url, o.connections); err != nil {
					return err
				}
			}
			var err error
			if allocated[i], err = n.metric(ctx, "go_memstats_mallocs_total"); err != nil {
				return err
			}
		}
		last := len(r.Weir.rate) - 1
		answers := r.Weir.rate[last] * (c.warm + c.each).Seconds() // those of the warm-up too, roughly
		allocations = append(allocations, (allocated[2]-2*allocated[1]+allocated[0])/max(1, answers))
		return nil
	}
	for round := range c.rounds {
		var content []byte
		var err error
		if url, content, err = n.object(ctx, o); err != nil {
			return r, err
		}
		r.Bytes = len(content)
		each := []func(int) error{weir, take(bare.process, &r.Bare, bare.url)}
		name := o.file(round)
		if err := put(ctx, bare.url(name), content); err != nil {
			return r, err
		}
		if x != nil {
			if err := x.put(name, content); err != nil {
				return r, err
			}
			if same, err := fetch(ctx, x.url(name)); err != nil || !bytes.Equal(same, content) {
				return r, fmt.Errorf("nginx does not serve the same bytes (%w)", err)
			}
			each = append(each, take(x.process, &r.Nginx, x.url))
		}
		for i := range each {
			if err := each[(i+round)%len(each)](round); err != nil {
				return r, err
			}
		}
	}
	for _, s := range []*side{&r.Weir, &r.Nginx, &r.Bare} {
		s.set()
	}
	r.Efficiency, r.ByBare = newSpread(quotients(r.Nginx.cpu, r.Weir.cpu)), newSpread(quotients(r.Bare.cpu, r.Weir.cpu))
	r.Rate, r.Allocations = newSpread(quotients(r.Weir.rate, r.Nginx.rate)), newSpread(allocations)
	return r, profile()
}

// file is the name of the object's copy of a round.
func (o deliveryObject) file(round int) string {
	return fmt.Sprintf("%s-%d-%d-%d", o.object, o.channel, o.connections, round)
}

// take loads one server and notes what it cost.
func (b *bench) take(ctx context.Context, p *process, s *side, url string, connections int) error {
	c := b.plan.delivery
	l, err := b.load(ctx, play.Spec{Kind: play.Pull, URL: url, Players: connections, Warm: c.warm, For: c.each, Server: p.pid()})
	if err != nil {
		return err
	}
	if l.Answers == 0 || l.WrongAnswers() > 0 {
		return fmt.Errorf("%s: %d answers, and wrong ones: %v", url, l.Answers, l.Wrong)
	}
	n := float64(l.Answers)
	for to, v := range map[*[]float64]float64{
		&s.cpu: 1000 * millis(l.ServerCPU) / n, &s.load: 1000 * millis(l.LoadCPU) / n, &s.rate: n / l.Seconds,
		&s.gb: float64(l.Bytes) / 1e9 / l.Seconds, &s.p50: millis(l.Last.Quantile(0.5)), &s.p99: millis(l.Last.Quantile(0.99)),
	} {
		*to = append(*to, v)
	}
	return nil
}

func (s *side) set() {
	s.CPUMicros, s.Load, s.PerSecond, s.GBytes = newSpread(s.cpu), newSpread(s.load), newSpread(s.rate), newSpread(s.gb)
	s.P50Millis, s.P99Millis = newSpread(s.p50), newSpread(s.p99)
}

// object fetches an object of weir's and tells its URL.
func (n *node) object(ctx context.Context, o deliveryObject) (url string, content []byte, err error) {
	p, err := n.playlist(ctx, o.channel)
	if err != nil {
		return "", nil, err
	}
	switch {
	case o.object == "playlist":
		return p.url, p.text, nil
	case o.object == "part" && len(p.parts) > 0:
		url = p.parts[len(p.parts)-1]
	case o.object == "segment" && len(p.segments) > 0:
		url = p.segments[len(p.segments)-1]
	default:
		return "", nil, fmt.Errorf("%s lists no %s", p.url, o.object)
	}
	content, err = fetch(ctx, url)
	return url, content, err
}

// quotients divides pair by pair.
func quotients(a, b []float64) []float64 {
	q := make([]float64, 0, len(a))
	for i := range min(len(a), len(b)) {
		q = append(q, a[i]/b[i])
	}
	return q
}

// differences subtracts pair by pair.
func differences(a, b []float64) []float64 {
	d := make([]float64, 0, len(a))
	for i := range min(len(a), len(b)) {
		d = append(d, a[i]-b[i])
	}
	return d
}
