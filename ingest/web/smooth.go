package web

import (
	"fmt"

	"weir/ingest"
	"weir/ingest/smooth"
)

// smoothManifest is what Smooth encoders say of their tracks, in the body before the header.
var smoothManifest = ingest.ManifestBox{UUID: smooth.UUID, Bytes: smooth.MaxBytes, Parse: smoothHints}

func smoothHints(payload []byte) ([]ingest.TrackHint, error) {
	tracks, err := smooth.Parse(payload)
	if err != nil {
		return nil, fmt.Errorf("live server manifest: %w", err)
	}
	hints := make([]ingest.TrackHint, len(tracks))
	for i := range tracks {
		t := &tracks[i]
		hints[i] = ingest.TrackHint{
			TrackID: t.ID, Kind: t.Kind, Name: t.Identity(), Bitrate: t.Bitrate, Language: t.Language, Scheme: t.Scheme,
		}
	}
	return hints, nil
}
