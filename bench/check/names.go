package check

import (
	"fmt"
	"net/url"
	"sync"

	"github.com/cespare/xxhash/v2"
)

const maxNames = 200_000 // that are remembered, a run

// names remembers what each name meant, to tell when it means other bytes: later, or at another origin.
type names struct {
	mu    sync.Mutex
	known map[string]named // by URL
	paths map[string][]string
}

type named struct {
	hash    uint64
	size    int
	etag    string
	subject string
}

func newNames() *names { return &names{known: map[string]named{}, paths: map[string][]string{}} }

// see notes the bytes of a name, and tests them against what they were.
func (n *names) see(j *judge, p place, a *answer) {
	now := named{xxhash.Sum64(a.body), len(a.body), a.header.Get("Etag"), p.subject}
	n.mu.Lock()
	was, ok := n.known[a.url]
	if !ok && len(n.known) < maxNames {
		n.known[a.url] = now
		if u, err := url.Parse(a.url); err == nil {
			n.paths[u.RequestURI()] = append(n.paths[u.RequestURI()], a.url)
		}
	}
	n.mu.Unlock()
	if !ok {
		return
	}
	j.test(109, was.hash == now.hash && was.size == now.size, p,
		fmt.Sprintf("%d bytes with hash %016x", now.size, now.hash), fmt.Sprintf("it was %d bytes with hash %016x", was.size, was.hash))
}

// compare tests names that several origins serve.
func (n *names) compare(j *judge) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, urls := range n.paths {
		for _, other := range urls[1:] {
			a, b := n.known[urls[0]], n.known[other]
			p := place{b.subject, other, ""}
			j.test(51, a.hash == b.hash && a.size == b.size, p, fmt.Sprintf("%d bytes with hash %016x", b.size, b.hash),
				fmt.Sprintf("%s serves %d bytes with hash %016x", origin(urls[0]), a.size, a.hash))
			if a.etag != "" && b.etag != "" {
				p.at = "ETag"
				j.test(51, a.etag == b.etag, p, b.etag, fmt.Sprintf("the ETag at %s is %s", origin(urls[0]), a.etag))
			}
		}
	}
}

func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "?"
	}
	return u.Scheme + "://" + u.Host
}
