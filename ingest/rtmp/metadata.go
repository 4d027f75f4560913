package rtmp

import (
	"math"
	"net/url"
	"strconv"
	"strings"

	"weir/ingest/rtmp/amf"
)

// metadata is what an encoder says of its tracks beside them, in onMetaData and in the URL. What the URL says counts first:
// an operator has written it.
type metadata struct {
	url, told rates
	language  string
}

// rates are nominal bitrates, bits per second; 0: not said.
type rates struct{ video, audio int }

const maxBitrate = 1 << 30

// metadataOf reads the URL's query: videodatarate and audiodatarate in kbit/s, as Azure Media Services had them; bitrate, of
// the video, in bit/s; language, of the audio.
func metadataOf(query url.Values) (m metadata) {
	m.url.video = bitrate(number(query.Get("videodatarate")) * 1000)
	m.url.audio = bitrate(number(query.Get("audiodatarate")) * 1000)
	if b := bitrate(number(query.Get("bitrate"))); b != 0 {
		m.url.video = b
	}
	m.language = query.Get("language")
	return m
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return v
}

func bitrate(v float64) int {
	if !(v >= 1000 && v <= maxBitrate) { // NaN too
		return 0
	}
	return int(math.Round(v))
}

// read takes an onMetaData message. Its bitrates are in kbit/s; ffmpeg counts 1024 bit as one.
func (m *metadata) read(values []amf.Value) {
	if len(values) < 2 || values[0].Text != "onMetaData" {
		return
	}
	v := &values[1]
	kilo := 1000.0
	if encoder := v.Get("encoder"); strings.HasPrefix(encoder.Text, "Lavf") {
		kilo = 1024
	}
	if b := bitrate(v.Get("videodatarate").Number * kilo); b != 0 {
		m.told.video = b
	}
	if b := bitrate(v.Get("audiodatarate").Number * kilo); b != 0 {
		m.told.audio = b
	}
}

// video and audio are the tracks' bitrates, or 0.
func (m *metadata) video() int { return first(m.url.video, m.told.video) }
func (m *metadata) audio() int { return first(m.url.audio, m.told.audio) }

func first(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}
