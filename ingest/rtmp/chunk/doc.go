// Package chunk is the chunk stream of RTMP: messages, cut into chunks that interleave on one connection. It owns the bytes
// of chunk headers in both directions and their bounds; it holds no payload and knows no message but those that steer the
// chunk stream itself. Start reading at Reader.
package chunk
