package rtmp

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"weir/ingest/rtmp/chunk"
)

// recorded is the payload of the first box of that type in a file of package media's.
func recorded(t *testing.T, file, box string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../media/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte(box))
	if i < 4 {
		t.Fatalf("%s has no %s", file, box)
	}
	return b[i+4 : i-4+int(binary.BigEndian.Uint32(b[i-4:]))]
}

// What Enhanced RTMP brings: HEVC, AV1 and H.264 by FourCC, AAC by FourCC, Opus of 20 ms.
func TestEnhanced(t *testing.T) {
	opus := []byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00")
	for name, c := range map[string]struct {
		video, audio   string
		config, sound  []byte
		key, inter     string // what a picture begins with
		offset         bool   // its tag has a composition offset
		codec, acodec  string
		track          string // of audio
		frame, cadence int64  // samples of a frame of audio, as encoded and as published
	}{
		"HEVC and AAC": {
			"hvc1", "mp4a", recorded(t, "hevc-hvc1.mp4", "hvcC"),
			[]byte{0x11, 0x90},
			"\x26\x01", "\x02\x01", true,
			"hvc1.", "mp4a.40.2", "audio_128000", 1024, 1024,
		},
		"AV1 and Opus": {
			"av01", "Opus", recorded(t, "av1.mp4", "av1C"), opus, "\x32\x00", "\x32\x00", false,
			"av01.", "opus", "audio_128000", 960, 960,
		},
		"H.264": {
			"avc1", "mp4a", avcC,
			[]byte{0x11, 0x90},
			"\x65\x00", "\x41\x00", true,
			"avc1.", "mp4a.40.2", "audio_128000", 1024, 1024,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				f := s.publish("cam")
				s.message(f, chunk.Video, 0, append([]byte("\x90"+c.video), c.config...))
				s.message(f, chunk.Audio, 0, append([]byte("\x90"+c.audio), c.sound...))
				s.message(f, chunk.Video, 0, []byte("\x94"+c.video+"colours")) // Metadata: passed over
				s.message(f, chunk.Video, 0, []byte("\x96\x11"+c.video+"many tracks"))
				for v, a := 0, 0; v < 25*20; {
					at := time.Duration(v) * 40 * time.Millisecond
					if sound := time.Duration(a) * time.Duration(c.frame) * time.Second / 48000; sound <= at {
						time.Sleep(time.Until(s.start.Add(sound + 20*time.Millisecond)))
						s.message(f, chunk.Audio, sound.Milliseconds(), append([]byte("\x91"+c.audio), make([]byte, 40)...))
						a++
						continue
					}
					time.Sleep(time.Until(s.start.Add(at + 40*time.Millisecond)))
					picture, tag := []byte(c.inter), []byte("\xa1"+c.video)
					if v%50 == 0 {
						picture, tag = []byte(c.key), []byte("\x91"+c.video)
					}
					picture = append(picture, make([]byte, 60)...)
					if c.offset {
						tag = append(tag, 0, 0, 0)
						picture = append(binary.BigEndian.AppendUint32(nil, uint32(len(picture))), picture...)
					}
					s.message(f, chunk.Video, at.Milliseconds(), append(tag, picture...))
					v++
				}
				view := s.channel.Live().Version()
				if len(view.Tracks) != 2 {
					t.Fatalf("%d tracks\n%s", len(view.Tracks), s.log)
				}
				for i := range view.Tracks {
					track := &view.Tracks[i]
					want, step := c.codec, int64(4800)
					if track.Name != "cam" {
						want, step = c.acodec, c.cadence
						if track.Name != c.track {
							t.Errorf("the audio is called %s", track.Name)
						}
					}
					if media := track.Inits[0].Media; !bytes.HasPrefix([]byte(media.Codec), []byte(want)) {
						t.Errorf("%s: %s, want %s…", track.Name, media.Codec, want)
					}
					frames, last := 0, int64(0)
					for n := track.First; n < track.End; n++ {
						body, _ := track.Segment(n).Body()
						for _, seen := range s.decode("audio", bytes.Join(body.Slices(), nil), n) {
							if last != 0 && seen.time != last+step {
								t.Fatalf("%s: segment %d: frame at %d after %d", track.Name, n, seen.time, last)
							}
							last = seen.time
							frames++
						}
					}
					if frames < 300 {
						t.Errorf("%s: %d frames\n%s", track.Name, frames, s.log)
					}
				}
				f.close(nil)
			})
		})
	}
}
