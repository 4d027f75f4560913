package rtmp

import (
	"fmt"
	"time"

	"weir/ingest"
	"weir/ingest/rtmp/amf"
	"weir/ingest/rtmp/chunk"
)

// An app is what an encoder has connected to.
type app struct {
	token     string       // from the application; "" where the names have it
	query     string       // from the application
	door      *ingest.Door // of the token shown last
	last      string       // the name published last: for the log
	agent     string       // what the encoder calls itself
	reconnect bool         // it understands a reconnect request
}

// Capabilities of Enhanced RTMP, as bits of capsEx.
//
// Source: Enhanced RTMP v2, "Enhancing NetConnection connect Command".
const (
	capReconnect = 1

	canDecode = 1 // of a codec: the server takes it
)

// Codecs that are taken beyond AVC and AAC in their old form, as Enhanced RTMP names them.
var (
	videoCodecs = []string{"avc1", "hvc1", "av01"}
	audioCodecs = []string{"mp4a", "Opus"}
)

// connect lets an encoder in: the application is right, and so is the token where it has one.
func (c *conn) connect(k *call) error {
	if c.app != nil {
		return fmt.Errorf("%w: connect a second time", errCommand)
	}
	c.tell(chunk.WindowSize, ackWindow)
	c.tell(chunk.SetPeerBandwidth, ackWindow)
	c.tell(chunk.SetChunkSize, answerChunk)
	name := k.object.Get("app").Text
	if name == "" {
		name = appOf(k.object.Get("tcUrl").Text)
	}
	token, query, ok := parseApp(name)
	if !ok {
		return c.reject(k, "no such application: publish to rtmp://{host}/live/{accessToken}/{name}")
	}
	a := &app{token: token, query: query, agent: clip(k.object.Get("flashVer").Text)}
	a.reconnect = uint32(k.object.Get("capsEx").Number)&capReconnect != 0
	c.app = a
	if token != "" {
		if why := c.knock(token); why != "" {
			return c.reject(k, why)
		}
	}
	c.result(k, amf.OfObject(
		amf.Field{Name: "fmsVer", Value: amf.OfText("FMS/3,5,7,7009")},
		amf.Field{Name: "capabilities", Value: amf.OfNumber(31)},
		amf.Field{Name: "mode", Value: amf.OfNumber(1)},
	), amf.OfObject(append([]amf.Field{
		{Name: "level", Value: amf.OfText("status")},
		{Name: "code", Value: amf.OfText("NetConnection.Connect.Success")},
		{Name: "description", Value: amf.OfText("Connection succeeded.")},
		{Name: "objectEncoding", Value: amf.OfNumber(0)},
	}, capabilities()...)...))
	return nil
}

// capabilities says what of Enhanced RTMP the server takes: in the form of its first version, and of its second.
func capabilities() []amf.Field {
	all := amf.Value{Kind: amf.Array}
	infos := func(codecs []string) amf.Value {
		v := amf.OfObject()
		for _, codec := range codecs {
			all.Items = append(all.Items, amf.OfText(codec))
			v.Fields = append(v.Fields, amf.Field{Name: codec, Value: amf.OfNumber(canDecode)})
		}
		return v
	}
	video, audio := infos(videoCodecs), infos(audioCodecs)
	return []amf.Field{
		{Name: "fourCcList", Value: all},
		{Name: "videoFourCcInfoMap", Value: video},
		{Name: "audioFourCcInfoMap", Value: audio},
		{Name: "capsEx", Value: amf.OfNumber(capReconnect)},
	}
}

// knock finds the door of a token and asks whether it admits the encoder. why is what to tell it otherwise.
func (c *conn) knock(token string) (why string) {
	gate, now := c.s.cfg.Gate, time.Now()
	if !gate.Heard(c.peer, now) {
		return "too many wrong access tokens from this address (ingest.limits.wrongTokens): wait a minute"
	}
	door := c.s.doors.Load().Find(token)
	gate.Showed(c.peer, door != nil, now)
	if door == nil {
		return "no live event with this access token is running here"
	}
	if !door.Admits(c.peer) {
		return "this address may not push to the live event (input.accessControl)"
	}
	c.app.door = door
	return ""
}

// reject refuses a connection, and ends it.
func (c *conn) reject(k *call, why string) error {
	c.answer("_error", k.transaction, amf.Value{Kind: amf.Null}, info("error", "NetConnection.Connect.Rejected", why))
	c.said = true
	return fmt.Errorf("%w: %s", errRejected, why)
}
