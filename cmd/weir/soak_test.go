package main

import (
	"crypto/sha256"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"weir/bench/demo"
	"weir/bench/push"
)

// TestSoak runs weir for WEIR_SOAK (make soak) under an encoder whose connections break now and then. Numbers never go
// back, no name means other bytes, everything listed can be fetched, and memory levels off.
func TestSoak(t *testing.T) {
	if os.Getenv("WEIR_SOAK") == "" {
		t.Skip("make soak runs this")
	}
	length, err := time.ParseDuration(os.Getenv("WEIR_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, "serve", "-config", writeConfig(t, ""))
	tracks, err := demo.Tracks()
	if err != nil {
		t.Fatal(err)
	}
	stats := new(push.Stats)
	options := push.Options{URL: p.publishing(), Tracks: tracks, Epoch: true, Stats: stats, Fault: breakOften}
	ended := make(chan error, 1)
	go func() { ended <- push.Run(t.Context(), options) }()

	s := soak{t: t, p: p, seen: map[string][32]byte{}}
	waitForMedia(t, p.streaming(), 1, 0)
	begun := time.Now()
	for tick := time.NewTicker(2 * time.Second); time.Since(begun) < length && !t.Failed(); <-tick.C {
		s.look()
		if since := time.Since(begun); s.settled == 0 && since > min(length/4, 15*time.Minute) {
			s.settled = s.resident()
		}
		if s.looks%150 == 0 {
			sum := stats.Sum()
			t.Logf("%v: number %d, %d names seen, %d MiB resident, %d connections of the encoder, %d chunks lost",
				time.Since(begun).Round(time.Second), s.sequence, s.names, s.resident()>>20, sum.Connections, sum.Lost)
		}
	}
	if now := s.resident(); s.settled > 0 && now > s.settled+s.settled/4+32<<20 {
		t.Errorf("resident memory grew from %d to %d bytes", s.settled, now)
	}
	select {
	case err := <-ended:
		t.Errorf("the encoder gave up: %v", err)
	default:
	}
}

// breakOften resets a track's connection about every ten minutes of its media, and ends it cleanly as often.
func breakOften(c push.Chunk) push.Fault {
	second := int64(c.Media/time.Second) + int64(len(c.Track))*97
	if !c.Segment {
		return push.Fault{}
	}
	switch second / 2 % 300 {
	case 0:
		return push.Fault{Cut: push.Reset, Down: 3 * time.Second}
	case 150:
		return push.Fault{Cut: push.End}
	}
	return push.Fault{}
}

type soak struct {
	t        *testing.T
	p        *process
	sequence uint64
	seen     map[string][32]byte // hash by name, for what the window may list still
	names    int
	looks    int
	settled  int64 // resident bytes once the window was full
}

// look fetches the playlist and what it lists that is new.
func (s *soak) look() {
	s.looks++
	list, ok := fetchPlaylist(s.t, s.p.streaming())
	if !ok {
		s.t.Errorf("no playlist any more: %s", list.text)
		return
	}
	if list.sequence < s.sequence {
		s.t.Errorf("media sequence number went back from %d to %d", s.sequence, list.sequence)
	}
	s.sequence = list.sequence
	listed := map[string][32]byte{}
	for i, name := range list.segments {
		hash, known := s.seen[name]
		if last := i == len(list.segments)-1; !known || last || s.looks%30 == 0 { // old names now and then
			status, bytes := get(s.t, s.p.streaming()+name, "")
			got := sha256.Sum256([]byte(bytes))
			if status != 200 {
				s.t.Errorf("%s is listed and answers %d", name, status)
			} else if known && got != hash {
				s.t.Errorf("%s means other bytes now", name)
			}
			if hash = got; !known {
				s.names++
			}
		}
		listed[name] = hash
	}
	s.seen = listed
}

var residentLine = regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`)

func (s *soak) resident() int64 {
	_, text := get(s.t, "http://"+s.p.addr("admin.listen")+"/metrics", "")
	m := residentLine.FindStringSubmatch(text)
	if m == nil {
		s.t.Fatal("/metrics has no resident memory")
	}
	bytes, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return int64(bytes)
}
