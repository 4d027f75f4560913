// Package e2e tests weir with real clients over real sockets: ffmpeg and the pusher of bench/push push, the players of the
// page in headless Chromium and ffmpeg pull. It is tests only, and imports nothing of weir but the pusher and the demo:
// what is tested is the binary. Start reading at modes_test.go; node_test.go starts weir, encoder_test.go runs the commands of
// docs/encoders.md, recorder_test.go is the proxy that remembers all that was ever served, browser_test.go drives Chromium with
// the scripts in browser/, lipsync_test.go holds beeps against pictures. soak_test.go is make soak.
//
// The tests need ffmpeg, node with npm, and chromium. Where one is missing they are skipped, with WEIR_REQUIRE_TOOLS=1
// they fail. 'go test -artifacts -outputdir DIR ./e2e' keeps logs and screenshots.
package e2e
