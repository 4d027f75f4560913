package rtmp

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"runtime"
	"testing"

	"weir/ingest"
	"weir/ingest/rtmp/chunk"
	"weir/ingest/timeline"
	"weir/segcache"
)

// FuzzFeed hands over messages of any content, at any time, in pieces of any length, some of them broken off. The input is
// a row of messages: kind and way, time, length, then the message itself.
func FuzzFeed(f *testing.F) {
	message := func(kind byte, ms uint16, b ...byte) []byte {
		return append([]byte{kind, byte(ms >> 8), byte(ms), byte(len(b))}, b...)
	}
	start := append(message(0, 0, append([]byte{0x17, 0, 0, 0, 0}, avcC...)...), message(1, 0, 0xaf, 0, 0x11, 0x90)...)
	key := message(0, 40, 0x17, 1, 0, 0, 80, 0, 0, 0, 2, 0x65, 0)
	inter := message(2, 80, 0x27, 1, 0xff, 0xff, 0xd8, 0, 0, 0, 2, 0x41, 0)
	f.Add(bytes.Join([][]byte{start, key, inter, message(1, 21, 0xaf, 1, 1, 2, 3)}, nil))
	f.Add(append(start, message(0, 40, 0x17, 1, 0, 0, 0, 0, 0, 9, 9, 0x65, 0)...))
	f.Add(message(3, 0, 0x90, 'O', 'p', 'u', 's', 'O', 'p', 'u', 's', 'H', 'e', 'a', 'd'))
	cache := segcache.New(segcache.Config{Memory: 64 << 20})
	f.Cleanup(cache.Close)
	now := int64(1_795_000_000_000_000_000)
	f.Fuzz(func(t *testing.T, input []byte) {
		channel, err := ingest.NewChannel(context.Background(), ingest.Config{
			Name: "live", Limits: ingest.DefaultLimits(),
			Timeline: timeline.Config{Segment: 2e9, Part: 2e8, Chunk: 1e8, Window: 20e9},
		}, ingest.Deps{Cache: cache, Records: &memory{}, Log: slog.New(slog.DiscardHandler), Now: func() int64 { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer channel.Live().Close()
		opened, err := openFeed(&publish{
			door: &ingest.Door{Channel: channel}, name: "cam", query: url.Values{}, log: slog.New(slog.DiscardHandler), kick: func() {},
		})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for len(input) >= 4 {
			way, ms, n := input[0], uint32(input[1])<<8|uint32(input[2]), min(int(input[3]), len(input)-4)
			b := input[4 : 4+n]
			input = input[4+n:]
			kind := chunk.Video
			if way&1 != 0 {
				kind = chunk.Audio
			}
			if way&8 != 0 {
				ms <<= 16
			}
			if opened.begin(chunk.Header{Kind: kind, Time: ms, Length: n}) != nil {
				break
			}
			piece := max(int(way>>4), 1)
			for len(b) > 0 && err == nil {
				k := min(piece, len(b))
				err = opened.piece(kind, b[:k])
				b = b[k:]
			}
			if err != nil {
				break
			}
			if way&4 != 0 {
				opened.abort(kind)
				continue
			}
			if opened.end(kind) != nil {
				break
			}
			now += 20_000_000
			channel.Tick()
		}
		opened.close(nil)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Fatalf("%d bytes were allocated", grown)
		}
	})
}
