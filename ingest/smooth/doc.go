// Package smooth reads the Live Server Manifest, the box in which Smooth Streaming encoders describe their tracks beside
// the moov. It is pure: bytes in, a small description out, with bounds on everything that the bytes may claim; it never
// decides what is believed (package ingest does) and knows no HTTP. Start reading at Parse.
package smooth
