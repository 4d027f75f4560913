package media

// A Sample is one entry of a chunk's index: no pointers, 16 bytes, so that indexes cost the collector nothing.
type Sample struct {
	Duration uint32 // ticks
	Size     uint32 // bytes
	Flags    uint32 // ISO/IEC 14496-12, 8.8.3.1 (sample flags)
	CTO      int32  // composition time offset: presentation minus decode time, ticks
}

// Defaults are what a track's header says of its samples: the trex box where they say nothing themselves, and the part of
// the edit list that ParseInit folds into composition offsets.
type Defaults struct {
	Duration uint32 // ticks
	Size     uint32 // bytes
	Flags    uint32
	CTO      int32 // ticks, added to every sample's composition offset
}

const (
	flagsSync    = 0x02000000 // sample_depends_on = 2: on no other
	flagsNonSync = 0x01010000 // sample_depends_on = 1, sample_is_non_sync_sample = 1
	nonSync      = 0x00010000
)

// IsSync tells whether sample flags call the sample a sync sample. Source: ISO/IEC 14496-12, 8.8.3.1.
func IsSync(flags uint32) bool { return flags&nonSync == 0 }

// SyncFlags are the sample flags that weir writes for a sample whose own flags lie.
func SyncFlags(sync bool) uint32 {
	if sync {
		return flagsSync
	}
	return flagsNonSync
}
