// Package segcache owns the live window, and the only copy of it: slabs of mapped memory that encoders are read into,
// a lock-free ring of segments per track, and the immutable versions of a channel that readers wait for. It never knows
// HTTP, manifests or clocks, and never decides times, numbers or gaps (that is ingest/timeline). Start reading at
// Channel, then Track.Commit; for memory at Cache and slab.
//
// The way of a byte: Arena.Reserve gives room in a slab, the socket is read into it, Track.Commit makes it visible by
// one atomic store, Track.Complete fixes it as the body of a segment, Track.List puts the segment into the window and
// Channel.Publish makes the Version that manifests are rendered from. When the window has left a segment far enough
// behind it is evicted, which means forgotten: its slab is unmapped, or its memory used for another, when nobody can reach it
// any more.
//
// What always holds, with the test that checks it:
//
//	I1  bytes of a committed chunk never change; the writer alone touches what lies behind.   TestModel, TestStress
//	I2  a reader that sees n chunks of a segment sees all their bytes and index entries.      TestStress
//	I3  a whole segment's body, ETag and times never change.                                  TestModel, TestStress
//	I4  what a Version lists is held: each N in [First,End) is a GAP or has a body, and both
//	    it and View.Kept stay for the retention.                                              TestModel, TestStress
//	I5  a body's bytes stay mapped, and are the same, while the Body is reachable.            TestBodyOutlivesEviction,
//	                                                                                          TestDerivedOutlivesEviction,
//	                                                                                          TestSparesAreUsedAgain
//	I6  a version's hooks have run before its predecessors' waiters are woken, and each
//	    superseded version's channel is closed exactly once.                                  TestNotifier, TestNotifierSkips
//	I7  slabs that neither the window nor a reader needs are unmapped, and soon, but for what
//	    the next ones are about to need.                                                      TestSlabsAreUnmapped,
//	                                                                                          TestSparesAreUsedAgain
//	I8  no slab is made where windows and inputs would then need more than Config.Memory, or
//	    all slabs, with those that readers pin, a quarter more than that.                     TestMemoryBound
//	I9  a part that is listed has its bytes, which with its times and ETag never change; the
//	    parts of a whole segment tile it. A view's waiters are woken by its own track alone.  TestParts, TestViewChanged
//
// All methods of one channel, its tracks and its arenas that change something are calls of its writer: the caller
// serialises them. Readers take no lock and may be any number. The memory-model edges are named where they are: the
// index's count (chunkIndex), the mark of the whole (growth), the ring's slot (ring), the channel's version (Publish).
package segcache
