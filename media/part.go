package media

// A Part is what LL-HLS lists: a run of whole chunks of a segment. Times are ticks of the track since the Unix epoch.
//
// Source: RFC 8216bis, 4.4.4.9.
type Part struct {
	Start, End  int64
	Independent bool // starts with a sync sample
}
