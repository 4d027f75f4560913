// Package mpd reads DASH manifests for the checker: strictly (element order, forms of attributes), keeping the place of
// everything, and spells out what a player would ask for: segments with number, time, URL and UTC. It fetches nothing, and
// never believes a count: a timeline that claims more than the limit is a fault. Start with Parse; schema.go holds
// what may stand where.
package mpd
