package media

// Bounds on what is believed of outside bytes. Whoever hands bytes to this package bounds their number (the boxes it
// reads aside); these bound what the bytes may claim.
const (
	MaxTracks  = 64    // tracks of a header, track fragments of a moof
	MaxSamples = 16384 // samples of one moof, over all its tracks: the index of a chunk stays under 256 KiB

	maxBoxes         = 256     // children of one container
	maxConfig        = 1 << 16 // bytes of one codec configuration box that is kept
	maxEntry         = 1 << 17 // bytes of a published sample entry
	maxParameterSet  = 4096    // bytes of one SPS, PPS or VPS
	maxParameterSets = 64      // of one track
	maxPixels        = 16384   // width or height
	maxFrameRate     = 1000    // frames per second
	maxEdits         = 16      // entries of an edit list
	maxShift         = 86400   // seconds that an edit list may move a track
	maxTime          = 1 << 62 // ticks: decode times beyond are no times
	maxRoles         = 16      // kind boxes of a track
	maxText          = 256     // bytes of a scheme, a value or a name
	maxReferences    = 4096    // of a sidx
)
