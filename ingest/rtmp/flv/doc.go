// Package flv reads the heads of RTMP's messages of audio and video: FLV tags, as Adobe wrote them down and as Enhanced RTMP
// extends them. It never sees the payload, keeps nothing and allocates nothing. Start reading at Tag.
//
// Source: Adobe Flash Video File Format Specification 10.1, E.4.2 and E.4.3; Enhanced RTMP v2 (Veovera).
package flv
