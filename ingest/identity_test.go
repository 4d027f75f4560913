package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/media"
)

func TestAssignIdentities(t *testing.T) {
	known := map[string]TrackRecord{"a": {Name: "a", ID: 600000}}
	fresh := map[string]*media.Track{
		"a": {Kind: media.Video, Bitrate: 900000}, // keeps what is stored
		"c": {Kind: media.Video, Bitrate: 600000},
		"b": {Kind: media.Video, Bitrate: 600000},
		"d": {Kind: media.Video, SampleEntry: "avc1", Width: 640, Height: 360},
		"e": {Kind: media.Audio, Channels: 2},
	}
	want := []TrackRecord{
		{Name: "b", ID: 600001, Bandwidth: 600000, Kind: media.Video},
		{Name: "c", ID: 600002, Bandwidth: 600000, Kind: media.Video},
		{Name: "d", ID: 576000, Bandwidth: 576000, Kind: media.Video},
		{Name: "e", ID: 128000, Bandwidth: 128000, Kind: media.Audio},
	}
	if diff := cmp.Diff(want, assignIdentities(known, fresh)); diff != "" {
		t.Errorf("assignIdentities (-want +got):\n%s", diff)
	}
}
