// Package rtmp is the listener of encoders that publish over RTMP and RTMPS. It owns handshake, commands, locks and answers;
// what is in the messages of audio and video goes to a publication piece by piece, as it comes from the socket. It never
// decides times and knows no boxes. Start reading at Server.handle, then publication.
//
// Source: Adobe's RTMP specification 1.0; Enhanced RTMP v2 (Veovera).
package rtmp
