// Package amf reads and writes the Action Message Format, in which RTMP's commands and metadata are written: AMF0, and AMF3
// where AMF0 switches to it. What it reads is bounded in depth, number of values and bytes, whatever the input says of itself.
// Start reading at Read.
//
// Source: Adobe AMF0 and AMF3 specifications (2007, 2013).
package amf
