// Package media is the shared vocabulary of weir, and the only place that knows boxes and codecs byte by byte: what a
// track is, what stands in an encoder's header (ParseInit), which samples a fragment holds (Fragment), and how both are
// written for players (Input.Publish, Moof).
//
// It never reads a socket or a clock, never keeps or copies media, and never trusts a size, a count or an offset that came
// from outside: every parser here checks it against the bytes at hand and against limits.go. It leans on no library for
// that: mp4ff's parameter set parser, for one, allocates by a count taken from the set (13 bytes of SPS made it take
// 1 GiB and 2 s; the HRD loop runs past the end), which no recover can undo. mp4ff is the tests' second opinion.
//
// Start with box.go, then input.go for headers, fragment.go for chunks coming in and moof.go for chunks going out.
package media
