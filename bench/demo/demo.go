// Package demo is the built-in test source: a loop of 16 s with three H.264 renditions and stereo AAC, encoded ahead by
// make.sh and embedded, so that it needs no ffmpeg. Everything in it can be checked by eye, by ear and by machine: a
// clock, a frame counter in digits and in squares, a flash and a beep on each second. It never changes while it runs;
// package push sends it. Start with make.sh for what is drawn, and with FrameNumber for how it is read back.
package demo

import (
	_ "embed"
	"fmt"

	"weir/bench/push"
)

var (
	//go:embed 540p.mp4
	high []byte
	//go:embed 360p.mp4
	middle []byte
	//go:embed 240p.mp4
	low []byte
	//go:embed audio.mp4
	audio []byte
)

// The loop's measures.
const (
	Frames       = 400 // video frames
	FrameRate    = 25  // per second
	GOP          = 50  // frames
	AudioFrames  = 750 // AAC frames of 1024 samples
	AudioRate    = 48000
	BeepDuration = 80 // milliseconds of beep and flash on each second
)

// Tracks returns the demo's loop: video540, video360, video240 and audio. The tracks share the embedded bytes.
func Tracks() (*push.Tracks, error) {
	files := []struct {
		name    string
		bitrate int
		file    []byte
	}{{"video540", 440_000, high}, {"video360", 240_000, middle}, {"video240", 120_000, low}, {"audio", 104_000, audio}}
	var list []*push.Track
	for _, f := range files {
		tracks, err := push.Parse(f.file)
		if err != nil {
			return nil, fmt.Errorf("demo %s: %w", f.name, err)
		}
		t := tracks[0]
		t.Name, t.Bitrate, t.Role = f.name, f.bitrate, "main"
		list = append(list, t)
	}
	tracks, err := push.New(list...)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return tracks, nil
}

// The squares that carry the frame counter, as fractions of the picture's width and height: bit 15 (first) to bit 0,
// white = 1. The check squares below them show the inverted bits.
const (
	SquareLeft   = 1.0 / 6 // left edge of the first square
	SquareWidth  = 1.0 / 24
	SquareMiddle = 7.0 / 9 // height of the squares' centres
	CheckMiddle  = 23.0 / 27
)

// FrameNumber reads the frame counter out of a picture of any size. luma returns the brightness (0 to 255) of a pixel.
// ok is false where a square and its check do not contradict each other clearly: the picture is not the demo's.
func FrameNumber(width, height int, luma func(x, y int) uint8) (number int, ok bool) {
	for bit := range 16 {
		x := int((SquareLeft + SquareWidth*(float64(bit)+0.5)) * float64(width))
		square := int(luma(x, int(SquareMiddle*float64(height))))
		check := int(luma(x, int(CheckMiddle*float64(height))))
		if d := square - check; d > -96 && d < 96 {
			return 0, false
		}
		number <<= 1
		if square > check {
			number |= 1
		}
	}
	return number, true
}
