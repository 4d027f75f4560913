// Package web is the HTTP listener of all encoders that push fragmented MP4: CMAF (DASH-IF Live Media Ingest, PUT or POST,
// one request per segment or one long request per track) and what later joins it under the same URLs. It owns the grammar
// of URLs, the locks and the answers; what is in the bodies goes to package ingest unread. Start reading at Server.handle.
package web
