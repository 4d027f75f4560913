// Package m3u8 reads HLS playlists for the checker: strictly, line by line, keeping what a player would forget (line
// numbers, order, the text of every line) because findings need it. It judges nothing but syntax, fetches nothing, and
// never trusts a count or a size. Start with Parse; playlist.go holds what comes out of it.
package m3u8
