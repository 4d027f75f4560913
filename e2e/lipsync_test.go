package e2e

import (
	"bufio"
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/bench/demo"
)

// Audio and video are compared by what the demo shows and plays: its frame counter, and a beep that begins with the first
// frame of each second (bench/demo/make.sh). ffmpeg decodes both and keeps the times that they had in the container.

// mostOffset is how far audio and video may be apart.
const mostOffset = 40 * time.Millisecond

// Measures of a film: large enough that the counter's squares are whole pixels.
const filmWidth, filmHeight = 96, 54

// filmOutput returns the options of an output of ffmpeg that keeps a rendition's pictures, small and grey, and their times.
func filmOutput(path string) []string {
	return []string{
		"-vf", fmt.Sprintf("scale=%d:%d:flags=area,format=gray", filmWidth, filmHeight), "-c:v", "rawvideo",
		"-enc_time_base", "-1", "-f", "tee", "[f=rawvideo]" + path + ".raw|[f=framecrc]" + path,
	}
}

// soundOutput returns the options of an output that keeps the audio's samples and times.
func soundOutput(path string) []string {
	return []string{"-ac", "1", "-c:a", "pcm_s16le", "-f", "tee", "[f=s16le]" + path + ".raw|[f=framecrc]" + path}
}

// Offsets are how much later each beep is heard than its frame is shown.
type offsets []time.Duration

// worst is the offset that is furthest from zero.
func (o offsets) worst() time.Duration {
	return slices.MaxFunc(o, func(a, b time.Duration) int { return int(a.Abs() - b.Abs()) })
}

func (o offsets) String() string {
	sorted := slices.Sorted(slices.Values(o))
	return fmt.Sprintf("%.2f to %.2f ms in %d beeps", ms(sorted[0]), ms(sorted[len(sorted)-1]), len(sorted))
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// lipsync holds the beeps of a sound against the frames of a film, as filmOutput and soundOutput kept them. It returns an
// error where the film's frames are not in order, where the first beep of the loop is not heard near its first frame (audio
// is off by whole seconds), or where there are fewer than four beeps. The first beep itself is not measured: in the file it
// begins 8.5 ms late, for AAC's windows do not fit over the loop's seam.
func lipsync(film, sound string) (offsets, error) {
	shown, err := readFilm(film)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(shown); i++ {
		if a, b := shown[i-1], shown[i]; b.number != (a.number+1)%demo.Frames {
			return nil, fmt.Errorf("frame %d is followed by frame %d, at %v", a.number, b.number, b.at)
		}
	}
	heard, err := readSound(sound)
	if err != nil {
		return nil, err
	}
	var list offsets
	for _, b := range heard {
		for _, p := range shown {
			off := b.at - p.at
			if p.number%demo.FrameRate != 0 || off.Abs() > time.Second/2 {
				continue
			}
			if b.first != (p.number == 0) {
				return nil, fmt.Errorf("the beep at %v (first of the loop: %v) is heard near frame %d", b.at, b.first, p.number)
			}
			if !b.first {
				list = append(list, off)
			}
		}
	}
	if len(list) < 4 {
		return nil, fmt.Errorf("%d beeps in %d frames of picture; %d beeps in all", len(list), len(shown), len(heard))
	}
	return list, nil
}

// A shown is a frame on the screen.
type shown struct {
	at     time.Duration
	number int // of the demo's frame counter
}

// readFilm reads the frame counters of a film.
func readFilm(path string) ([]shown, error) {
	packets, raw, err := readKept(path)
	if err != nil {
		return nil, err
	}
	var list []shown
	for _, p := range packets {
		picture := raw[p.offset : p.offset+p.size]
		if len(picture) != filmWidth*filmHeight {
			return nil, fmt.Errorf("%s: a picture of %d bytes", path, len(picture))
		}
		number, ok := demo.FrameNumber(filmWidth, filmHeight, func(x, y int) uint8 { return picture[y*filmWidth+x] })
		if !ok {
			return nil, fmt.Errorf("%s: the frame counter cannot be read at %v", path, p.at)
		}
		list = append(list, shown{p.at, number})
	}
	return list, nil
}

// A beep is heard.
type beep struct {
	at    time.Duration // its first sample
	first bool          // an octave higher: the first of the loop
}

// readSound finds the beeps of a sound.
func readSound(path string) ([]beep, error) {
	packets, raw, err := readKept(path)
	if err != nil {
		return nil, err
	}
	samples := make([]float64, len(raw)/2)
	for i := range samples {
		samples[i] = float64(int16(uint16(raw[2*i])|uint16(raw[2*i+1])<<8)) / 32768
	}
	var list []beep
	for _, first := range []bool{false, true} {
		for _, n := range onsets(samples, 1000*(1+b2i(first))) {
			i, _ := slices.BinarySearchFunc(packets, 2*n+1, func(p kept, at int) int { return p.offset - at })
			p := packets[i-1]
			list = append(list, beep{p.at + time.Duration(n-p.offset/2)*time.Second/demo.AudioRate, first})
		}
	}
	return list, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// onsets returns the samples at which beeps of a frequency begin. Their energy at that frequency finds them, the shape
// that make.sh gives them places them to the sample: where a threshold would find the onset, AAC has smeared it.
func onsets(samples []float64, hertz int) []int {
	const length = demo.BeepDuration * demo.AudioRate / 1000
	if len(samples) < 2*length {
		return nil
	}
	shape := make([]float64, length)
	for i := range shape {
		edge := float64(min(i, length-i)) / demo.AudioRate * 250
		shape[i] = math.Sin(2*math.Pi*float64(hertz*i)/demo.AudioRate) * min(1, edge)
	}
	match := func(at int) (sum float64) {
		for i, s := range shape {
			sum += s * samples[at+i]
		}
		return sum
	}
	// The energy in a beep's length from each sample on, by running sums.
	sums := make([]complex128, len(samples)+1)
	for i, s := range samples {
		sums[i+1] = sums[i] + complex(s, 0)*cmplx.Rect(1, -2*math.Pi*float64(hertz*i%demo.AudioRate)/demo.AudioRate)
	}
	energy := func(at int) float64 { return cmplx.Abs(sums[at+length] - sums[at]) }
	const clear = 0.5 * length / 2 * 0.8 // of a whole beep of amplitude 0.5, less its edges
	var list []int
	for at := 0; at+length < len(samples); at++ {
		if energy(at) < clear {
			continue
		}
		top := at // of the hill that begins here
		for ; at+length < len(samples) && energy(at) > clear/2; at++ {
			if energy(at) > energy(top) {
				top = at
			}
		}
		best := top
		for n := max(0, top-demo.AudioRate/500); n < min(len(samples)-length, top+demo.AudioRate/500); n++ {
			if match(n) > match(best) {
				best = n
			}
		}
		if best > 1024 { // the first frame that is decoded lacks the one before
			list = append(list, best)
		}
	}
	return list
}

// A kept is a packet in a file of raw media.
type kept struct {
	at           time.Duration
	offset, size int
}

// readKept reads what filmOutput and soundOutput wrote: framecrc's lines and the bytes they speak of. ffmpeg may have been
// ended while it wrote: what only one of the files has is left out.
func readKept(path string) ([]kept, []byte, error) {
	raw, err := os.ReadFile(path + ".raw")
	if err != nil {
		return nil, nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()
	var list []kept
	base, at := 0.0, 0 // seconds a tick, bytes
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		var num, den int
		if _, err := fmt.Sscanf(line, "#tb 0: %d/%d", &num, &den); err == nil {
			base = float64(num) / float64(den)
			continue
		}
		field := strings.Split(line, ",")
		if len(field) < 6 || line[0] == '#' {
			continue
		}
		pts, err := strconv.ParseInt(strings.TrimSpace(field[2]), 10, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		size, err := strconv.Atoi(strings.TrimSpace(field[4]))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		if size < 0 || at+size > len(raw) {
			break
		}
		list = append(list, kept{time.Duration(float64(pts) * base * float64(time.Second)), at, size})
		at += size
	}
	return list, raw[:at], nil
}
