package e2e

import (
	"bytes"
	endian "encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
)

// A numberedTrack is one track of an encoder of the tests' own. Every frame holds its number, so that what is served can be
// accounted for frame by frame. The pictures are none; only a decoder would mind.
type numberedTrack struct {
	name      string
	video     bool
	sps       string // hexadecimal
	bitrate   uint32 // in btrt; 0: none
	timescale uint32
	frame     uint32 // ticks
	gop       int    // frames
	perChunk  int
	size      int                  // bytes of a frame
	base      int64                // decode time of frame 0
	next      int                  // frame
	flags     func(frame int) bool // what sample flags say of sync samples; nil: the truth
}

const (
	sps720 = "67640020accac05005bb0169e0000003002000000c9c4c000432380008647c12401cb1c31380"
	sps360 = "67640015acd94141fb0110000003001000000303c0f1831960" // another size: another decoder configuration
)

func numberedVideo(name string) *numberedTrack {
	return &numberedTrack{name: name, video: true, sps: sps720, bitrate: 200_000, timescale: 12800, frame: 512, gop: 25, perChunk: 5, size: 400}
}

func numberedAudio(name string) *numberedTrack {
	return &numberedTrack{name: name, timescale: 48000, frame: 1024, perChunk: 9, size: 64}
}

// header is the track's ftyp and moov.
func (s *numberedTrack) header() []byte {
	init := mp4.CreateEmptyInit()
	if s.video {
		init.AddEmptyTrack(s.timescale, "video", "und")
		if err := init.Moov.Trak.SetAVCDescriptor("avc1", [][]byte{unhex(s.sps)}, [][]byte{unhex("68b5df20")}, true); err != nil {
			panic(err)
		}
		if s.bitrate != 0 {
			init.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX.AddChild(&mp4.BtrtBox{MaxBitrate: s.bitrate, AvgBitrate: s.bitrate})
		}
	} else {
		init.AddEmptyTrack(s.timescale, "audio", "eng")
		if err := init.Moov.Trak.SetAACDescriptor(aac.AAClc, int(s.timescale)); err != nil {
			panic(err)
		}
	}
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// chunk is the next chunk: one moof and its mdat.
func (s *numberedTrack) chunk() []byte {
	b := s.chunkOf(s.next, s.perChunk)
	s.next += s.perChunk
	return b
}

// chunkOf is a chunk of count frames from number first on.
func (s *numberedTrack) chunkOf(first, count int) []byte {
	m := media.Moof{Sequence: uint32(first), Time: s.base + int64(first)*int64(s.frame), DataBytes: count * s.size}
	flags := s.flags
	if flags == nil {
		flags = s.isSync
	}
	for i := first; i < first+count; i++ {
		m.Samples = append(m.Samples, media.Sample{Duration: s.frame, Size: uint32(s.size), Flags: media.SyncFlags(flags(i))})
	}
	b := m.Append(nil)
	for i := first; i < first+count; i++ {
		b = append(b, s.payload(i)...)
	}
	return b
}

func (s *numberedTrack) isSync(i int) bool { return !s.video || i%s.gop == 0 }

// payload is frame i: for video one NAL unit of the right kind that holds the number.
func (s *numberedTrack) payload(i int) []byte {
	f := make([]byte, s.size)
	at := 0
	if s.video {
		endian.BigEndian.PutUint32(f, uint32(s.size-4))
		f[4], at = 0x41, 5
		if s.isSync(i) {
			f[4] = 0x65
		}
	}
	endian.BigEndian.PutUint32(f[at:], uint32(i))
	return f
}

// due is when the chunk that comes next is whole, since the encoder's start.
func (s *numberedTrack) due() time.Duration { return s.length(s.next + s.perChunk) }

func (s *numberedTrack) length(frames int) time.Duration {
	return time.Duration(frames) * time.Duration(s.frame) * time.Second / time.Duration(s.timescale)
}

// numbers are the frames in a segment as served, read with a library that is not weir's.
func (s *numberedTrack) numbers(t *testing.T, segment []byte) []int {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	var list []int
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, sample := range samples {
				at := 0
				if s.video {
					at = 5
				}
				list = append(list, int(endian.BigEndian.Uint32(sample.Data[at:])))
			}
		}
	}
	return list
}

// A served is what a media playlist listed of a numbered track.
type served struct {
	frames          []int
	shape           string // of the playlist: m a segment of media, G a GAP
	gaps            int
	discontinuities int
}

// servedFrames fetches all that the playlist of a channel's track lists.
func servedFrames(t *testing.T, n *node, locator string, s *numberedTrack) served {
	t.Helper()
	list, err := mediaListOf(n, locator, s.name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := fetchPlaylist(list)
	if err != nil {
		t.Fatal(err)
	}
	out := served{shape: p.shape()}
	for i, seg := range p.segments {
		if seg.discontinuity && i > 0 {
			out.discontinuities++
			out.shape += fmt.Sprintf(" D%d", i)
		}
		if seg.gap {
			out.gaps++
			continue
		}
		body, err := get(resolve(list, seg.uri))
		if err != nil {
			t.Fatal(err)
		}
		out.frames = append(out.frames, s.numbers(t, body)...)
	}
	return out
}

// unbroken reports the first place where frames do not follow each other.
func (v served) unbroken() error {
	for i, f := range v.frames {
		if i > 0 && f != v.frames[i-1]+1 {
			return fmt.Errorf("frame %d follows %d: %s", f, v.frames[i-1], v.shape)
		}
	}
	if len(v.frames) == 0 {
		return fmt.Errorf("nothing is served: %s", v.shape)
	}
	return nil
}
