// Package mp4 reads init segments and media segments for the checker, box by box, and keeps what package media drops on
// its way to a sample index: where each box and field stands, flags, versions, brands. What samples a fragment holds and
// what a header says of its codec comes from media, so that there is one opinion on those. It judges only whether boxes
// can be read; whether they agree with a manifest is its caller's business. Start with ReadInit and ReadSegment.
package mp4
