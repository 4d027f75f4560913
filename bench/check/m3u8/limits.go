package m3u8

// Bounds on what is believed of a playlist.
const (
	MaxBytes      = 8 << 20 // of a playlist
	maxLines      = 200_000
	maxLine       = 64 << 10 // bytes
	maxAttributes = 64       // of a tag
	maxFaults     = 200      // kept
)
