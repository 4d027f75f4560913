// Package origin is the data plane that pullers see: the URL grammar, the routing snapshot, and the answers with their
// bodies, conditions, ranges, encodings and cache rules. It reads the live window and renders manifests, each once per
// version; it never writes media, never asks the state store, and never waits for an encoder.
//
// Start reading at Server.Answer (lookup.go), the way from a Request to an Answer without any HTTP library; http.go
// and conn.go carry answers over fasthttp with one system call each. Routes is what control/reconcile hands in.
package origin
