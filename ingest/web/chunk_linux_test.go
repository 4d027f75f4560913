package web

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/ingest"
	"weir/media"
)

// BenchmarkChunk is the way of a chunk of five frames, 100 KB in all, from the encoder's write to its commit. Processor time is
// that of both ends; reads are system calls, those that found nothing too.
func BenchmarkChunk(b *testing.B) {
	const frames, frameBytes, gop = 5, 20_000, 50
	header, err := os.ReadFile("testdata/ffmpeg/dash/00696-01138-init-stream0.m4s")
	if err != nil {
		b.Fatal(err)
	}
	inputs, err := media.ParseInit(header[28:]) // behind the ftyp
	if err != nil {
		b.Fatal(err)
	}
	duration := inputs[0].Timescale / 25
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var now atomic.Int64
	now.Store(start.UnixNano())
	bed := newBenchAt(b, ingest.DefaultLimits(), now.Load)
	go func() { _ = bed.channel.Run(b.Context()) }()
	w := bed.dial()
	w.send(post("good", "Streams(v)") + chunkOf(string(header)))

	m := media.Moof{Samples: make([]media.Sample, frames), DataBytes: frames * frameBytes}
	payload := make([]byte, m.DataBytes)
	for i := range m.Samples {
		binary.BigEndian.PutUint32(payload[i*frameBytes:], frameBytes-4) // one NAL unit each
	}
	var chunk []byte
	next := 0 // frame
	feed := func() {
		for i := range m.Samples {
			sync := (next+i)%gop == 0
			m.Samples[i] = media.Sample{Duration: duration, Size: frameBytes, Flags: media.SyncFlags(sync)}
			payload[i*frameBytes+4] = 1
			if sync {
				payload[i*frameBytes+4] = 5
			}
		}
		m.Time = start.Unix()*int64(inputs[0].Timescale) + int64(next)*int64(duration)
		next += frames
		now.Store(start.Add(time.Duration(next) * 40 * time.Millisecond).UnixNano())
		chunk = append(m.Append(fmt.Appendf(chunk[:0], "%x\r\n", m.Size()+len(payload))), payload...)
		if _, err := w.Write(append(chunk, "\r\n"...)); err != nil {
			b.Fatal(err)
		}
	}
	tracks := bed.channel.Live().Tracks
	for len(tracks()) == 0 || tracks()[0].Held() == 0 {
		feed()
		time.Sleep(time.Millisecond) // records are stored meanwhile
		if next > 100*gop {
			b.Fatal("nothing is listed")
		}
	}
	track := tracks()[0]
	commit := func() {
		grown := track.Grown()
		feed()
		<-grown
	}
	for range 4 * gop {
		commit()
	}
	calls, cpu := reads(b), processorTime(b)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		commit()
	}
	b.ReportMetric(float64(reads(b)-calls)/float64(b.N), "reads/op")
	b.ReportMetric(float64(processorTime(b)-cpu)/float64(b.N), "cpu-ns/op")
}

// reads is how many calls of the kind of read this process has made.
func reads(b *testing.B) (n int64) {
	b.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(text), "syscr: ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		b.Fatal(err)
	}
	return n
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
