package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A decoding is ffmpeg as a viewer: it plays all tracks of a manifest at once.
type decoding struct {
	name    string
	process *process
	frames  string   // path: a line a frame
	films   []string // paths: the frame counters of each rendition
	sound   string   // path
	length  time.Duration
}

// decode begins to play a URL with three renditions and audio of the demo, for as long as it says. DASH is read in real time
// (-re): when ffmpeg's reader has caught up with the live edge, it asks for the next segment without waiting for it to be
// listed, and skips what is not there yet.
func decode(t *testing.T, name, url string, length time.Duration, options ...string) *decoding {
	t.Helper()
	seconds := strconv.FormatFloat(length.Seconds(), 'f', -1, 64)
	return ffmpegPlays(t, name, length, append(options, "-i", url), []string{"0:v:0", "0:v:1", "0:v:2"}, "0:a:0", "-t", seconds)
}

// decodeFiles begins to decode files of a track each, three renditions and audio, with the times that stand in them.
func decodeFiles(t *testing.T, name string, length time.Duration, videos [3]string, audio string) *decoding {
	t.Helper()
	var inputs []string
	for _, file := range append(videos[:], audio) {
		inputs = append(inputs, "-copyts", "-i", file)
	}
	return ffmpegPlays(t, name, length, inputs, []string{"0:v", "1:v", "2:v"}, "3:a")
}

// ffmpegPlays starts ffmpeg on inputs. Each stream of the videos and the audio is decoded once, for all that is kept of it.
func ffmpegPlays(t *testing.T, name string, length time.Duration, inputs, videos []string, audio string, output ...string) *decoding {
	t.Helper()
	path := func(kind string) string { return filepath.Join(t.ArtifactDir(), name+"."+kind) }
	d := &decoding{name: name, frames: path("frames"), sound: path("sound"), length: length}
	args := append([]string{"-v", "error", "-nostats", "-nostdin", "-y", "-xerror"}, inputs...)
	output = append(output, "-fps_mode", "passthrough")
	for _, stream := range append(videos, audio) {
		args = append(args, "-map", stream)
	}
	args = append(append(args, output...), "-f", "framecrc", d.frames)
	for i, stream := range videos {
		d.films = append(d.films, path(fmt.Sprint("film", i)))
		args = append(append(append(args, "-map", stream), output...), filmOutput(d.films[i])...)
	}
	args = append(append(append(args, "-map", audio), output...), soundOutput(d.sound)...)
	d.process = start(t, name, exec.Command("ffmpeg", args...))
	return d
}

// check waits for the end and fails the test where ffmpeg had anything to complain about, or where a frame is missing:
// in each stream, every frame must start where the one before ended, show the number after the one before, and be in step
// with the audio.
//
// shift is what ffmpeg adds to a picture's time of its own accord: it takes a track with negative composition offsets for
// one whose decode times are late, and shows it later by the most negative of them (libavformat/mov.c, dts_shift). It does
// so with its own files.
func (d *decoding) check(t *testing.T, streams int, shift time.Duration) {
	t.Helper()
	if err := d.process.wait(d.length + 30*time.Second); err != nil {
		t.Errorf("%s: %v", d.name, err)
	}
	if said := tail(d.process.log, 20); said != "" {
		t.Errorf("%s says:\n%s", d.name, said)
	}
	counts, err := framesOf(d.frames)
	if err != nil {
		t.Errorf("%s: %v", d.name, err)
	}
	if len(counts) != streams {
		t.Errorf("%s decoded %d streams, want %d", d.name, len(counts), streams)
	}
	for stream, c := range counts {
		if c.length < d.length-2100*time.Millisecond { // a slot: ffmpeg does not begin all tracks of an MPD in the same one
			t.Errorf("%s: stream %d has %v of media, want %v", d.name, stream, c.length, d.length)
		}
		if c.missing > d.steps(c, shift) {
			t.Errorf("%s: stream %d has %d holes, the first at %v", d.name, stream, c.missing, c.firstHole)
		}
	}
	t.Logf("%s: %v", d.name, counts)
	for i, film := range d.films {
		offsets, err := lipsync(film, d.sound)
		if err != nil {
			t.Errorf("%s: rendition %d: %v", d.name, i, err)
			continue
		}
		for i := range offsets {
			offsets[i] += shift
		}
		t.Logf("%s: rendition %d: audio minus video %v", d.name, i, offsets)
		if worst := offsets.worst(); worst > mostOffset || worst < -mostOffset {
			t.Errorf("%s: rendition %d: audio is %v behind the picture, want %v at most", d.name, i, worst, mostOffset)
		}
	}
}

// steps is how many holes ffmpeg may make itself: where it shifts pictures, it does so from the first negative offset on that
// it meets, and once more in the next fragment where that has one more negative. Segments of several fragments show it, in
// the first of them only.
func (d *decoding) steps(c *count, shift time.Duration) int {
	if shift > 0 && c.firstHole < 2*time.Second {
		return 1
	}
	return 0
}

// A count sums up the frames of a stream.
type count struct {
	frames    int
	missing   int // frames that do not start where the one before ended
	firstHole time.Duration
	length    time.Duration
}

// framesOf reads what ffmpeg's framecrc muxer wrote: "#tb 0: 1/25", then "stream, dts, pts, duration, size, crc".
func framesOf(path string) (map[int]*count, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	counts := map[int]*count{}
	base := map[int]float64{} // seconds a tick
	ends := map[int]int64{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		var stream, num, den int
		if _, err := fmt.Sscanf(line, "#tb %d: %d/%d", &stream, &num, &den); err == nil {
			base[stream] = float64(num) / float64(den)
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		field := strings.Split(line, ",")
		if len(field) < 6 {
			return nil, fmt.Errorf("%q is no frame", line)
		}
		var numbers [4]int64
		for i := range numbers {
			if numbers[i], err = strconv.ParseInt(strings.TrimSpace(field[i]), 10, 64); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
		stream = int(numbers[0])
		pts, duration := numbers[2], numbers[3]
		at := func(ticks int64) time.Duration {
			return time.Duration(float64(ticks) * base[stream] * float64(time.Second))
		}
		c := counts[stream]
		if c == nil {
			c = &count{}
			counts[stream] = c
		} else if pts != ends[stream] {
			c.missing++
			if c.missing == 1 {
				c.firstHole = at(ends[stream])
			}
		}
		c.frames++
		c.length += at(duration)
		ends[stream] = pts + duration
	}
	return counts, nil
}

func (c *count) String() string {
	return fmt.Sprintf("%d frames, %.2f s, %d holes", c.frames, c.length.Seconds(), c.missing)
}
