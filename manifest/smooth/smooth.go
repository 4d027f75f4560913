// Package smooth turns the snapshot of a presentation into a Smooth Streaming client manifest ([MS-SSTR] 2.2.2). It is
// made of pure functions: equal snapshots give equal bytes, nothing is kept, nothing is fetched, no clock is read. Start
// reading at Manifest; what a track offers stands in level.go, what levels have in common in stream.go.
//
// # What a client sees
//
// A Smooth client loads the manifest once and learns of new fragments from the fragments themselves: each names its
// successors (tfrf). So what matters is not what the manifest says but where the chain of successors leads, for a
// session of hours:
//
//   - A fragment is followed by the next two media segments of its own track. A GAP is passed over: the chain leads
//     across a hole to the media behind it, with its own time, and clients that walk the chain go on without a reload.
//   - A fragment is listed, and served, once those two are known: until then it is "not yet" (412). In an outage the last
//     two fragments before the hole are held back until the encoder has returned, and then everything goes on: nothing
//     that was said is taken back, and nobody is told that the stream is over.
//   - Generations do not interrupt the chain: times only grow, the timescale stays, and a restart of the same encoder
//     is a hole at most. A change of decoder configuration (another CodecPrivateData) ends it: a client that was told the
//     old one cannot decode what follows, and would go on only to fail in its decoder. The last fragments before the
//     change say so as at the end of a stream: they name one successor and none, and are served as soon as the first
//     segment of the new configuration is listed. The client loads the manifest again.
//   - The end of a stream ends the chain in the same way.
//
// The successors of a fragment are settled when it is first served: slots are listed in order, as media or GAP, and stay
// what they are. Two nodes that list the same serve the same bytes.
package smooth

import (
	"weir/manifest"
	"weir/media"
)

// Lookahead is how many successors a fragment names, and how many must be listed before it is.
const Lookahead = 2

// timescale is the unit of what is said of the whole presentation: 100 ns. Streams have units of their own.
const timescale = 10_000_000

// Manifest appends the client manifest to dst. repeat says runs of equal chunks once, with their count (version 2.2);
// without it each chunk stands for itself (version 2.0). URIs are relative to {manifestName}.ism/.
//
// There is one StreamIndex for tracks that a player may switch between; what no Smooth client knows (other codecs than
// H.264, HEVC, AAC and TTML; metadata) is left out. All levels of a StreamIndex have all chunks that it lists, in one
// configuration each. Times are ticks of the track's own timescale since the Unix epoch: below 2^53, which
// 100 ns since 1970 are not.
//
// Where nothing can be offered there is no StreamIndex: answer "not yet" instead.
//
// Source: [MS-SSTR] 2.2.2.
func Manifest(dst []byte, p *manifest.Presentation, repeat bool) []byte {
	var space [16]level
	levels := offers(p, space[:0])
	streams := sortLevels(levels)
	dst = append(dst, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	dst = append(dst, `<SmoothStreamingMedia MajorVersion="2" MinorVersion=`...)
	if repeat {
		dst = append(dst, `"2"`...)
	} else {
		dst = append(dst, `"0"`...)
	}
	dst = manifest.AppendNumber(dst, "TimeScale", timescale)
	if p.Live {
		dst = append(dst, ` Duration="0" IsLive="TRUE"`...)
		dst = manifest.AppendNumber(dst, "LookaheadCount", Lookahead)
		dst = manifest.AppendNumber(dst, "DVRWindowLength", max(0, p.Window)/100)
	} else {
		dst = manifest.AppendNumber(dst, "Duration", duration(levels))
	}
	dst = append(dst, ">\n"...)
	for s := 1; s <= streams; s++ {
		dst = appendStream(dst, levels, s, repeat)
	}
	return append(dst, "</SmoothStreamingMedia>\n"...)
}

// duration is how long a presentation that is over lasts, from its first chunk to the end of its last.
func duration(levels []level) int64 {
	from, to := int64(-1), int64(0)
	for i := range levels {
		l := &levels[i]
		if l.stream == left {
			continue
		}
		start := manifest.Floor(l.at(l.from).Start, l.media.Timescale, timescale)
		last := l.at(l.to - 1)
		end := -manifest.Floor(-last.EndTicks(), l.media.Timescale, timescale)
		if from < 0 || start < from {
			from = start
		}
		to = max(to, end)
	}
	return max(0, to-from)
}

// Continues tells whether a client that was told of a can decode b: the decoder needs to hear nothing new.
func Continues(a, b *media.Track) bool {
	if a == b || a.InitHash == b.InitHash && a.InitHash != "" || a.ConfigHash == b.ConfigHash && a.ConfigHash != 0 && a.Timescale == b.Timescale {
		return true
	}
	if FourCC(a) != FourCC(b) || a.Timescale != b.Timescale || a.NALUnitLength() != b.NALUnitLength() {
		return false
	}
	var x, y [256]byte
	left, _ := a.AppendPrivateData(x[:0])
	right, _ := b.AppendPrivateData(y[:0])
	return string(left) == string(right)
}

// FourCC is the name that Smooth has for the track's codec; "" for what it has none for.
func FourCC(m *media.Track) string {
	switch m.Kind {
	case media.Video:
		switch m.SampleEntry {
		case "avc1", "avc3":
			return "H264"
		case "hvc1":
			return "HVC1"
		case "hev1":
			return "HEV1"
		}
	case media.Audio:
		switch m.Codec {
		case "mp4a.40.2":
			return "AACL"
		case "mp4a.40.5", "mp4a.40.29":
			return "AACH"
		}
	case media.Text:
		if m.SampleEntry == "stpp" {
			return "TTML"
		}
	}
	return ""
}
