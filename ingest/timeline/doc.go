// Package timeline decides where the media of a channel lies in time. It owns the rules of docs/time.md: the mapping of
// encoder time to channel time, slots and their numbers, generations, joins, what is listed and what is a GAP.
//
// It never reads a clock, a socket or a payload: the time is an argument, a chunk is its index, a record that has to be
// stored is an event that the caller answers. It computes with integers only, so that two nodes with the same records
// agree on every sample's time and every boundary.
//
// Start reading at api.go (what goes in and out), then timeline.go (the order of things for a chunk), then place.go and
// list.go (a channel in full run). learn.go starts a channel; join.go and generation.go are for when time breaks.
package timeline
