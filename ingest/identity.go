package ingest

import (
	"sort"
	"strings"

	"weir/media"
)

// NominalBitrate is the identity bitrate of a track, bits per second: what the encoder declares (btrt), else a value
// from codec and dimensions. It is never measured, so that every node gives the same answer.
func NominalBitrate(m *media.Track) int64 {
	if m.Bitrate > 0 {
		return int64(m.Bitrate)
	}
	switch m.Kind {
	case media.Video:
		// 0.1 bit per pixel at 25 frames per second for H.264, 0.06 for its successors, to the next 1000.
		perSecond := int64(m.Width) * int64(m.Height) * 25
		perSecond = perSecond / 10
		if !strings.HasPrefix(m.SampleEntry, "avc") {
			perSecond = perSecond * 6 / 10
		}
		return max(1000, (perSecond+999)/1000*1000)
	case media.Audio:
		return 64000 * int64(max(1, m.Channels))
	case media.Text, media.Metadata:
		return 1000
	}
	return 1000
}

// assignIdentities gives every new track its record. Ties with a known track, or among the new ones, get +1 in order
// of name (design, interfaces), so that nodes which meet the same set agree without speaking.
func assignIdentities(known map[string]TrackRecord, fresh map[string]*media.Track) []TrackRecord {
	taken := make(map[int64]bool, len(known)+len(fresh))
	for _, r := range known {
		taken[r.ID] = true
	}
	names := make([]string, 0, len(fresh))
	for name := range fresh {
		if _, ok := known[name]; !ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := make([]TrackRecord, 0, len(names))
	for _, name := range names {
		m := fresh[name]
		nominal := NominalBitrate(m)
		id := nominal
		for taken[id] {
			id++
		}
		taken[id] = true
		out = append(out, TrackRecord{Name: name, ID: id, Bandwidth: int(nominal), Kind: m.Kind})
	}
	return out
}
