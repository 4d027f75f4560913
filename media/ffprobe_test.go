package media

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// republish is what a player would load of one track: the published init segment and its chunks, start ticks later.
func republish(t *testing.T, r *recording, in *Input, start int64) (file []byte, samples []Sample) {
	t.Helper()
	pub, err := in.Publish(in.Timescale)
	if err != nil {
		t.Fatal(err)
	}
	file = append(file, pub.Init...)
	var f Fragment
	for n, c := range r.chunks {
		if err := f.Parse(c.moof, r.defaults); err != nil {
			t.Fatal(err)
		}
		for i := range f.Trafs {
			traf := &f.Trafs[i]
			if traf.TrackID != in.ID {
				continue
			}
			time := traf.Time
			if !traf.HasTime {
				time = traf.TfxdTime
			}
			m := Moof{Sequence: uint32(n), Time: start + time - in.Shift, Samples: traf.Samples}
			for _, s := range traf.Samples {
				m.DataBytes += int(s.Size)
			}
			at := int(traf.DataOffset) - len(c.moof) - 8
			file = append(m.Append(file), c.payload[at:at+m.DataBytes]...)
			samples = append(samples, traf.Samples...)
		}
	}
	return file, samples
}

// TestInitAgainstMp4ff: a published init segment is what CMAF asks for.
func TestInitAgainstMp4ff(t *testing.T) {
	for _, name := range recordings(t) {
		for _, in := range record(t, name).inputs {
			pub, err := in.Publish(90000)
			if err != nil {
				t.Fatal(err)
			}
			file, err := mp4.DecodeFileSR(bits.NewFixedSliceReader(pub.Init))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			moov := file.Moov
			trak := moov.Trak
			entries := trak.Mdia.Minf.Stbl.Stsd.Children
			if len(moov.Traks) != 1 || trak.Tkhd.TrackID != 1 || moov.Mvex.Trex.TrackID != 1 || trak.Edts != nil ||
				moov.Mvhd.Duration != 0 || trak.Tkhd.Duration != 0 || trak.Mdia.Mdhd.Duration != 0 ||
				moov.Mvhd.CreationTime != 0 || trak.Mdia.Mdhd.Timescale != 90000 ||
				len(entries) != 1 || entries[0].Type() != in.SampleEntry || len(moov.Children) != 3 || moov.Children[2].Type() != "mvex" {
				t.Errorf("%s: init segment of %s is not as CMAF has it", name, in.Codec)
			}
			if got := file.Ftyp.CompatibleBrands(); len(got) != 2 || got[1] != "cmfc" {
				t.Errorf("%s: brands %v", name, got)
			}
		}
	}
}

// tool finds a program, or skips the test; with WEIR_REQUIRE_TOOLS=1 it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed, and WEIR_REQUIRE_TOOLS=1 asks for it", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// TestFFprobe: ffprobe reads published init segments with re-timed chunks of today's date without a word, finds each
// sample, and times them to the tick.
func TestFFprobe(t *testing.T) {
	ffprobe := tool(t, "ffprobe")
	for _, name := range recordings(t) {
		r := record(t, name)
		for i := range r.inputs {
			in := &r.inputs[i]
			start := 1_790_000_000 * int64(in.Timescale)
			file, samples := republish(t, r, in, start)
			path := filepath.Join(t.TempDir(), "out.mp4")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(ffprobe, "-v", "warning", "-of", "json", "-show_streams", "-show_packets", path)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil || stderr.Len() > 0 {
				t.Errorf("%s #%d: %v\n%s", name, in.ID, err, stderr.String())
				continue
			}
			checkProbe(t, name, in, stdout.Bytes(), samples)
		}
	}
}

func checkProbe(t *testing.T, name string, in *Input, out []byte, samples []Sample) {
	t.Helper()
	var got struct {
		Packets []struct {
			DTS  int64  `json:"dts"`
			Size string `json:"size"`
		} `json:"packets"`
		Streams []struct {
			Tag        string `json:"codec_tag_string"`
			Width      int    `json:"width"`
			Height     int    `json:"height"`
			Aspect     string `json:"sample_aspect_ratio"`
			SampleRate string `json:"sample_rate"`
			Channels   int    `json:"channels"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Streams) != 1 || len(got.Packets) != len(samples) {
		t.Errorf("%s #%d: %d streams, %d packets of %d", name, in.ID, len(got.Streams), len(got.Packets), len(samples))
		return
	}
	for i := range samples {
		p := got.Packets[i]
		if p.Size != strconv.Itoa(int(samples[i].Size)) || i > 0 && p.DTS-got.Packets[i-1].DTS != int64(samples[i-1].Duration) {
			t.Errorf("%s #%d packet %d: %+v after %+v, want %+v", name, in.ID, i, p, got.Packets[max(0, i-1)], samples[i])
			return
		}
	}
	s := got.Streams[0]
	if s.Tag != in.SampleEntry || in.Kind == Video && (s.Height != in.Height || s.Aspect == "1:1" && s.Width != in.Width) ||
		in.Kind == Audio && (s.SampleRate != strconv.Itoa(int(in.SampleRate)) || s.Channels != in.Channels) {
		t.Errorf("%s #%d: ffprobe reads %+v", name, in.ID, s)
	}
}

// TestFFmpegDecodes: the pictures and the sound come out.
func TestFFmpegDecodes(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	for _, name := range []string{"avc-edit.mp4", "avc-sar.mp4", "hevc-hvc1.mp4", "aac-edit.mp4", "smooth.ismv", "ac3-51.mp4"} {
		r := record(t, name)
		in := &r.inputs[0]
		file, _ := republish(t, r, in, 0)
		path := filepath.Join(t.TempDir(), "out.mp4")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(ffmpeg, "-v", "warning", "-xerror", "-i", path, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
