package timeline

// Kind is what the timeline needs to know of a track's nature.
type Kind uint8

// Video tracks cut segments at sync samples, audio tracks at frames; a sparse track (text, metadata) has something in each
// slot: what lasts there, and blanks.
const (
	Video Kind = iota + 1
	Audio
	Sparse
)

// Config is what the operator declares for a channel. All durations are nanoseconds.
type Config struct {
	Segment int64    // live.segment
	Part    int64    // live.part
	Chunk   int64    // live.chunk: of inputs that bring frames (FrameAt); 0: each frame is one
	Window  int64    // live.window: media that comes later than that is not placed
	GOP     int64    // keyFrameIntervalDuration; 0: learn it
	Tracks  []string // names of the declared tracks; empty: not declared
	Anchor  *int64   // configured UTC of encoder time 0, in 1/25 s since the epoch; nil: not configured
}

// TrackInfo describes a track when an input brings it.
type TrackInfo struct {
	Name      string // identity within the channel
	Kind      Kind
	Timescale uint32 // encoder's ticks per second
	Rate      uint32 // audio: sample rate; else 0
	Frame     uint32 // audio: samples of a frame, at Rate, where its configuration says; else 0
	Config    uint64 // hash of the decoder configuration
	Clock     uint64 // inputs of one clock share it, and another's is another one unless arrival says the same; 0: any may share it
	Frames    bool   // the input brings frames, and the caller makes the chunks: neither its timescale nor its chunks are the encoder's choice
	Source    string // which of several encoders, or of an encoder's ways, brings it; "": DefaultSource
	Rank      int    // of the source: the least is served where all deliver
}

// InputID is the caller's handle for one connection's view of one track.
type InputID uint64

// A Chunk is the index of one moof of one track, in encoder time. Slices are read during the call only.
type Chunk struct {
	ID        uint64   // the caller's handle; every chunk comes back in Placed and Dropped events until all its samples are settled
	Time      int64    // decode time of the first sample, encoder ticks, edit list applied (may be negative)
	Durations []uint32 // one per sample, encoder ticks
	Syncs     []int32  // video: indexes of sync samples, ascending; audio and sparse: nil means all
	Hash      uint64   // video: hash of the first sync sample's payload; 0 when there is none
	Print     uint64   // hash of all that is in it, to tell bit-exact sources from others; 0: not known
}

// EventKind tells the fields of an Event that are set.
type EventKind uint8

const (
	// Placed: samples [From,To) of chunk belong to segment N of the track; the first starts at Start and the last ends
	// at End (channel ticks). Samples in between start at Map.At(their encoder time). First: they open the segment.
	Placed EventKind = iota + 1
	// Dropped: samples [From,To) of the chunk are not used; Reason says why.
	Dropped
	// Blank: nothing lasts from Start to End in segment N of a sparse track: an empty sample stands there. First as in
	// Placed. The pieces of a sparse segment come all at once, right before its Completed; they touch, and cover its slot.
	Blank
	// PartListed: part Part of segment N may be shown and fetched (Start, End in channel ticks). N is the number that the
	// track lists next; parts come in order, after all that is Placed in them and before their segment's Listed. A segment
	// that is listed as media has had all its parts listed; one that becomes a GAP keeps those that were. A sparse track
	// has no parts: its segments come whole.
	PartListed
	// Completed: segment N of the track has all its bytes (Start, End in channel ticks): it may be served by name.
	Completed
	// Listed: the track's manifest entry N, in order and without holes: media, or Gap. Start, End in channel ticks.
	// For media it comes after Completed. A Gap that becomes whole later gets a Completed without another Listed.
	Listed
	// Opened: Generation is in force from number Generation.N0 on, for all tracks of its set.
	Opened
	// Need: Record must be put before the store (first writer wins); the caller answers with Resolve. Meanwhile media waits.
	Need
	// Served: from segment N of the track on another source is served (Source; Text is the one before; Why says why).
	Served
	// Note: something an operator wants in the log, once; Text is the sentence, Track the track ("" for the channel).
	Note
)

// An Event is one decision of the timeline. Events come in the order in which they must be applied.
type Event struct {
	Kind       EventKind
	Track      string
	Chunk      uint64
	From, To   int
	N          uint64 // segment number
	Part       int    // Placed, PartListed: index of the part in its segment; all samples of a piece lie in one
	Slot       int64  // slot index since the epoch (k)
	Ordinal    int    // generation
	Start, End int64  // channel ticks of the track
	First      bool
	Sync       bool // Placed: the first sample is a sync sample
	More       bool // Placed: the sample lasts into the next segment, where it comes again: it is not settled yet
	Gap        bool
	Map        Mapping
	Reason     Reason
	Text       string // Note: the sentence
	Generation *Generation
	Join       *Join
	Handover   *Handover
	Source     string // Listed, Served: the source that is served in segment N
	Several    bool   // Placed: the track has several sources, so that what they may differ in is not passed on
	Why        Why    // Served
}

// Record types. They are stored as JSON and shared by nodes, so fields are only ever added.

// A Generation is an append-only record (docs/time.md, section 5).
type Generation struct {
	Ordinal               int    `json:"ordinal"`
	Epoch                 bool   `json:"epoch"`  // encoder times are UTC: the anchor is 0 and needs no agreement
	Anchor                int64  `json:"anchor"` // 1/25 s since the Unix epoch: UTC of encoder time 0
	Base                  *Base  `json:"base"`   // where the anchor is not a whole 1/25 s (a generation opened after a join); else nil
	Late                  int64  `json:"late"`   // ns: how late the master's chunks came when the record was written
	Master                string `json:"master"` // track whose sync samples make the boundaries; "" where there is no video
	MasterTimescale       uint32 `json:"masterTimescale"`
	Regular               bool   `json:"regular"` // every slot boundary has a sync sample
	Cut                   bool   `json:"cut"`     // segments are cut at the slot, with or without a sync sample
	GOP                   int64  `json:"gop"`     // master ticks
	D                     int64  `json:"d"`       // slot length, master ticks
	Phase                 int64  `json:"phase"`   // slot k starts at k*D + Phase, master ticks since the epoch
	K0                    int64  `json:"k0"`
	N0                    uint64 `json:"n0"`
	DiscontinuitySequence uint64 `json:"discontinuitySequence"`
	TargetDuration        int    `json:"targetDuration"` // seconds; fixed by the first generation
	PartTarget            int64  `json:"partTarget"`     // nanoseconds; fixed by the first generation
	Burst                 int64  `json:"burst"`          // nanoseconds: how much media came at a time while the first generation was learnt; 0: not known
	Tracks                []Grid `json:"tracks"`         // in order of name
}

// A Grid is a track of a generation: its published timescale and where its samples may lie.
type Grid struct {
	Name      string `json:"name"`
	Kind      Kind   `json:"kind"`
	Timescale uint32 `json:"timescale"` // published
	Cadence   int64  `json:"cadence"`   // published ticks per sample; 0: variable
	Phase     int64  `json:"phase"`     // a sample lies at a multiple of Cadence plus Phase
	Lattice   int64  `json:"lattice"`   // its encoder's samples lie at a multiple of Cadence plus Lattice, from encoder time 0
	Config    uint64 `json:"config"`    // decoder configuration
	Late      int64  `json:"late"`      // ns: how much later than the master's its chunks come
	Source    string `json:"source"`    // that is served when the generation opens; "": DefaultSource
	Several   bool   `json:"several"`   // the track has had several sources by then
}

// A Base lays an encoder's clock on the channel's: encoder time Time (in Scale ticks per second) is channel time At (in
// AtScale ticks per second).
type Base struct {
	At      int64 `json:"at"`
	AtScale int64 `json:"atScale"`
	Time    int64 `json:"time"`
	Scale   int64 `json:"scale"`
}

// A Join is an append-only record: where an encoder's time base was laid on the channel (docs/time.md, section 5).
type Join struct {
	Seq     int    `json:"seq"`     // 1, 2, … within the channel: the first writer of a number wins
	Ordinal int    `json:"ordinal"` // generation
	Track   string `json:"track"`   // a lone track's; "": all tracks of an encoder's session
	Hash    uint64 `json:"hash"`    // payload of the sync sample that was laid (0: no video)
	Time    int64  `json:"time"`    // its encoder time, encoder ticks
	Scale   uint32 `json:"scale"`   // encoder ticks per second
	At      int64  `json:"at"`      // its channel time, in AtScale
	AtScale uint32 `json:"atScale"` // channel ticks per second; 0: master ticks
	Late    int64  `json:"late"`    // ns: how late the master's chunks come under this base, as last seen
	Laid    int64  `json:"laid"`    // ns: and when it was laid
}
