// Package cmaf is the encoder edge for CMAF over HTTP: DASH-IF Live Media Ingest, interface 1 (PUT or POST, one request
// per segment or one long request per track). It owns the listener, its grammar, its locks and its answers; what is in
// the bodies goes to package ingest unread. Start reading at Server.handle.
package cmaf
