package rtmp

import (
	"errors"
	"fmt"
	"strconv"

	"weir/ingest"
	"weir/ingest/rtmp/chunk"
	"weir/ingest/rtmp/flv"
	"weir/media"
)

// An elementary is the audio or the video of a publication: messages come in pieces, frames go to the channel.
type elementary struct {
	f    *feed
	kind chunk.Kind
	conn *ingest.Conn
	out  *ingest.Frames

	codec   string // of the configuration in force; "": there is none
	config  []byte // and its bytes, as they came
	counter counter
	shift   int64 // video: how much later than its decoding a key frame is shown, ms; it goes into the times
	shifted bool
	told    map[string]bool // what is not used has been said once

	// The message that comes.
	time int64 // ms
	left int   // bytes of it that are still to come
	tag  flv.Tag
	head [flv.MaxHead]byte
	n    int // bytes of head
	to   sink
	next []byte // configuration that is being read
}

// A sink is where the bytes of a message go.
type sink uint8

const (
	toHead   sink = iota // not known yet: the tag is incomplete
	toNobody             // passed over
	toConfig
	toFrame
)

const (
	timescale = 1000     // RTMP counts milliseconds
	maxConfig = 64 << 10 // bytes of a decoder configuration
)

// attach binds the elementary stream to a stream of the channel.
func (e *elementary) attach(f *feed) error {
	e.f = f
	p := f.p
	stream, err := p.door.Channel.SourceStream(p.name+"/"+e.word(), f.source())
	if err != nil {
		return err
	}
	if e.conn, err = stream.Attach(true, p.kick); err != nil {
		return err
	}
	if f.p.source == 0 && p.query.Get("src") == "" {
		e.conn.From(p.client.String())
	}
	e.out = e.conn.Frames(f.stamps)
	return nil
}

func (e *elementary) word() string {
	if e.kind == chunk.Audio {
		return "audio"
	}
	return "video"
}

func (e *elementary) begin(time int64, length int) {
	e.time, e.left, e.n, e.to = time, length, 0, toHead
}

func (e *elementary) piece(b []byte) error {
	e.left -= len(b)
	if e.to == toHead {
		n := copy(e.head[e.n:], b)
		e.n += n
		parse := flv.ParseVideo
		if e.kind == chunk.Audio {
			parse = flv.ParseAudio
		}
		tag, err := parse(e.head[:e.n])
		if errors.Is(err, flv.ErrShort) {
			return nil
		}
		e.tag = tag
		if err := e.turn(e.n - tag.Head + e.left + len(b) - n); err != nil {
			return err
		}
		if err := e.take(e.head[tag.Head:e.n]); err != nil { // no more than MaxHead bytes are copied twice
			return err
		}
		b = b[n:]
	}
	return e.take(b)
}

// turn decides where the payload goes, of which there are size bytes.
func (e *elementary) turn(size int) error {
	e.to = toNobody
	tag := &e.tag
	switch {
	case tag.Kind == flv.Other && tag.Codec != "", tag.Kind == flv.End:
		return nil
	case tag.Codec == "":
		e.tell(tag.Name, "messages that weir does not use are passed over", "what", tag.Name)
		return nil
	case tag.Track != 0:
		e.tell("track", "further tracks of a multitrack stream are passed over: publish them under names of their own", "track", tag.Track)
		return nil
	case tag.Kind == flv.Config:
		if size > maxConfig {
			return fmt.Errorf("decoder configuration of %d bytes: %w of %d", size, ingest.ErrTooLarge, maxConfig)
		}
		e.to, e.next = toConfig, e.next[:0]
		return nil
	case size == 0: // silence, in some encoders
		return nil
	case e.codec != tag.Codec: // before its configuration
		return nil
	}
	at, offset, ok := e.place()
	if !ok {
		return nil
	}
	e.to = toFrame
	return e.out.Begin(size, at, offset, tag.Sync)
}

// place is a frame's time and composition offset, in milliseconds. ok is false for pictures before the first key frame.
//
// RTMP stamps the time of decoding. Encoders that reorder pictures show a key frame later than that; weir takes this delay
// off all offsets, which may become negative, and puts it into the times: so segments start when their first picture is
// shown, whatever a rendition's encoder reorders.
func (e *elementary) place() (at int64, offset int32, ok bool) {
	if e.kind == chunk.Audio {
		return e.counter.time(e.time), 0, true
	}
	offset = e.tag.Offset
	if d := int64(offset) - e.shift; e.tag.Sync && (!e.shifted || d > 2 || d < -2) { // less is rounding
		e.shift, e.shifted = int64(offset), true
	}
	return e.time + e.shift, offset - int32(e.shift), e.shifted
}

// take brings bytes of the payload to where they go.
func (e *elementary) take(b []byte) error {
	switch e.to {
	case toConfig:
		e.next = append(e.next, b...)
	case toFrame:
		e.out.Write(b)
	case toHead, toNobody:
	}
	return nil
}

func (e *elementary) end() error {
	to := e.to
	e.to = toNobody
	switch to {
	case toConfig:
		return e.configure()
	case toFrame:
		return e.out.End()
	case toHead, toNobody:
	}
	return nil
}

func (e *elementary) abort() {
	if e.to == toFrame {
		e.out.Abort()
	}
	e.to = toNobody
}

func (e *elementary) close() {
	if e.conn == nil {
		return
	}
	e.abort()
	e.out.Close()
	e.conn = nil
}

// configure takes a decoder configuration. The same again changes nothing; what cannot be read leaves the one before in
// force.
func (e *elementary) configure() error {
	if e.codec == e.tag.Codec && string(e.config) == string(e.next) {
		return nil
	}
	in, err := media.ParseConfig(e.tag.Codec, e.next, timescale)
	if err != nil {
		e.tell("config", "decoder configuration that cannot be used: the track is missing, or goes on as it was", "codec", e.tag.Name, "err", err)
		return nil
	}
	if err := e.out.Declare(in, e.hint(&in)); err != nil {
		return err
	}
	e.codec, e.config = e.tag.Codec, append(e.config[:0], e.next...)
	e.counter = counter{}
	if in.FrameSamples > 0 {
		e.counter.frame = int64(in.FrameSamples) * 1000 * millisecond / int64(in.SampleRate)
	}
	e.shifted = false
	return nil
}

// hint says what the track is called, and what is told beside it. A video's name is the publication's. Audio goes by language
// and bitrate: renditions that are published one by one all carry the same, which is one track with several copies.
func (e *elementary) hint(in *media.Input) ingest.TrackHint {
	m := &e.f.meta
	if e.kind == chunk.Video {
		return ingest.TrackHint{Kind: media.Video, Name: e.f.p.name, Bitrate: m.video()}
	}
	h := ingest.TrackHint{Kind: media.Audio, Bitrate: m.audio(), Language: m.language}
	track := in.With(h.Bitrate, h.Language, nil)
	h.Name = "audio_"
	if track.Language != "und" {
		h.Name += track.Language + "_"
	}
	h.Name += strconv.FormatInt(ingest.NominalBitrate(&track.Track), 10)
	return h
}

// tell logs what is not used, once.
func (e *elementary) tell(key, text string, args ...any) {
	if e.told == nil {
		e.told = map[string]bool{}
	}
	if !e.told[key] && len(e.told) < 16 {
		e.told[key] = true
		e.f.p.log.Warn(text, append([]any{"kind", e.word()}, args...)...)
	}
}
