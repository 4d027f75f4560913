package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

// TestRTMPAttacks: connections that mean harm, five a second for ten seconds, half of them with the right token, cost weir
// less than a hundredth of a processor beyond what it takes at rest, and it still serves.
func TestRTMPAttacks(t *testing.T) {
	p := startProcess(t, "serve", "-config", writeConfig(t, ""))
	address := p.addr("rtmp.listen")
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	command := func(b []byte, stream uint32, values ...amf.Value) []byte {
		return chunk.Append(b, 3, chunk.Header{Kind: chunk.Command, Stream: stream}, amf.Append(nil, values...), 128)
	}
	null := amf.Value{Kind: amf.Null}
	known := command(bytes.Clone(hello), 0, amf.OfText("connect"), amf.OfNumber(1), amf.OfObject(amf.Field{Name: "app", Value: amf.OfText("live/" + accessToken)}))
	known = command(known, 1, amf.OfText("publish"), amf.OfNumber(2), null, amf.OfText("cam"))
	text := func(b []byte, kind chunk.Kind, payload string) []byte {
		return chunk.Append(bytes.Clone(b), 3, chunk.Header{Kind: kind, Stream: 1}, []byte(payload), 128)
	}
	var partial []byte
	for i := range 64 {
		first := chunk.Append(nil, byte(2+i%62), chunk.Header{Kind: chunk.Video, Stream: 1}, make([]byte, 128), 128)
		first[4] = 0x70 // of 7 MiB
		partial = append(partial, first...)
	}
	zero := chunk.Append(nil, 2, chunk.Header{Kind: chunk.SetChunkSize}, make([]byte, 4), 128)
	attacks := [][]byte{
		text(hello, chunk.Command, strings.Repeat("\x0A\x00\x00\x00\x01", 12_000)),
		text(known, chunk.Command, strings.Repeat("\x03\x00\x01a", 15_000)),
		append(bytes.Clone(hello), zero...),
		append(bytes.Clone(known), zero...),
		append(bytes.Clone(hello), partial...),
		append(bytes.Clone(known), partial...),
		text(hello, chunk.Command, "\x0A\xFF\xFF\xFF\xFF"+strings.Repeat("\x05", 60_000)),
		text(known, chunk.Data, "\x0A\x00\x00\xFF\x00"+strings.Repeat("\x05", 60_000)),
	}
	idle := p.processorTime(5 * time.Second)
	const lasts = 10 * time.Second
	var wg sync.WaitGroup
	spent := make(chan time.Duration, 1)
	go func() { spent <- p.processorTime(lasts) }()
	for i := range int(lasts / (200 * time.Millisecond)) {
		time.Sleep(200 * time.Millisecond)
		wg.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(2 * time.Second))
			_, _ = c.Write(attacks[i%len(attacks)])
			_, _ = io.Copy(io.Discard, c)
		})
	}
	busy := <-spent
	wg.Wait()
	share := float64(busy)/float64(lasts) - float64(idle)/float64(5*time.Second)
	t.Logf("idle %v in 5 s, attacked %v in %v: %.2f %% of a processor", idle, busy, lasts, 100*share)
	if share > 0.01 {
		t.Errorf("%.2f %% of a processor", 100*share)
	}
	if status, _ := get(t, "http://"+p.addr("admin.listen")+"/readyz", ""); status != 200 {
		t.Errorf("/readyz %d", status)
	}
}

// processorTime is how long the process had a processor within a time that begins now.
func (p *process) processorTime(within time.Duration) time.Duration {
	before := p.ticks()
	time.Sleep(within)
	return time.Duration(p.ticks()-before) * 10 * time.Millisecond // USER_HZ is 100
}

func (p *process) ticks() (sum int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Error(err)
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	for _, f := range fields[11:13] { // utime, stime
		n, _ := strconv.ParseInt(f, 10, 64)
		sum += n
	}
	return sum
}
