// Package weir holds the configuration of the demo, so that the command needs no file for it. It never reads or checks a
// configuration: cmd/weir does. Start reading at cmd/weir for the command, at ARCHITECTURE.md for the rest.
package weir

import _ "embed"

// Demo is configs/demo.yaml: what 'weir demo' serves.
//
//go:embed configs/demo.yaml
var Demo []byte
