// Package ism reads Smooth Streaming client manifests for the checker: strictly, keeping the place of everything, and
// spells out what a player would ask for: fragments with time, duration and URL, and for each quality level the header
// that its CodecPrivateData stands for. It fetches nothing and never believes a count. Start with Parse.
package ism
