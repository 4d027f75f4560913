// Package check judges a stream from outside: it reads the manifests of any origin as a player does, fetches what they
// list, reads it box by box, and reports what is not as the standards, or the manifest itself, say. It is a client over
// sockets that knows nothing of weir, believes nothing it is told, and is bounded in memory, time and requests. Start with
// assertion.go for the rules, check.go for a run; hls.go, dash.go and smooth.go walk, hls_follow.go and dash_open.go stand at
// the live edge, the files beside them judge.
package check
