package rtmp

import (
	"errors"
	"fmt"

	"weir/ingest/rtmp/amf"
)

var (
	errCommand  = errors.New("not a command of RTMP")
	errRejected = errors.New("connection rejected")
	errPlay     = errors.New("streams are taken by RTMP and not given: play the HLS, DASH or Smooth URL")
)

// A call is a command of the encoder's.
type call struct {
	name        string
	transaction float64 // 0: no answer is waited for
	object      amf.Value
	args        []amf.Value
	stream      uint32 // message stream that it came on
}

// text is the argument at i, where it is a text.
func (c *call) text(i int) string {
	if i < len(c.args) && c.args[i].Kind == amf.String {
		return c.args[i].Text
	}
	return ""
}

func (c *call) number(i int) float64 {
	if i < len(c.args) && c.args[i].Kind == amf.Number {
		return c.args[i].Number
	}
	return 0
}

// command does what a command asks. Unknown ones are left alone, for encoders send many that no server answers.
//
// Source: RTMP 1.0, 7.2 (command messages).
func (c *conn) command(stream uint32, values []amf.Value) error {
	c.account(commandCost)
	if err := c.relieve(); err != nil {
		return err
	}
	if len(values) == 0 || values[0].Kind != amf.String {
		return errCommand
	}
	k := call{name: values[0].Text, stream: stream}
	if len(values) > 1 && values[1].Kind == amf.Number {
		k.transaction = values[1].Number
	}
	if len(values) > 2 {
		k.object, k.args = values[2], values[3:]
	}
	if k.name == "connect" {
		return c.connect(&k)
	}
	if c.app == nil {
		return fmt.Errorf("%w: %q before connect", errCommand, clip(k.name))
	}
	switch k.name {
	case "releaseStream", "_checkbw", "FCSubscribe":
		c.result(&k, amf.Value{Kind: amf.Null}, amf.Value{})
	case "getStreamLength":
		c.result(&k, amf.Value{Kind: amf.Null}, amf.OfNumber(0))
	case "FCPublish":
		c.result(&k, amf.Value{Kind: amf.Null}, amf.Value{})
		c.fc("onFCPublish", "NetStream.Publish.Start", k.text(0))
	case "FCUnpublish":
		c.result(&k, amf.Value{Kind: amf.Null}, amf.Value{})
		c.fc("onFCUnpublish", "NetStream.Unpublish.Success", k.text(0))
		return c.unpublishName(k.text(0))
	case "createStream":
		c.createStream(&k)
	case "publish":
		return c.publishStream(&k)
	case "closeStream":
		return c.closeStream(k.stream, false)
	case "deleteStream":
		return c.closeStream(uint32(k.number(0)), true)
	case "play", "play2":
		return errPlay
	default:
		c.skipped("command")
	}
	return nil
}

// clip shortens what a stranger has said for a log line.
func clip(s string) string { return s[:min(len(s), 64)] }
