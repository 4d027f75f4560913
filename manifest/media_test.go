package manifest_test

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/manifest"
	"weir/manifest/dash"
	"weir/manifest/hls"
	"weir/manifest/internal/sample"
	"weir/media"
)

// tool is the path of a program, or the test is skipped; with WEIR_REQUIRE_TOOLS=1 it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

// A recording is one track as ffmpeg made it: an init segment, and segments of 1.92 s.
type recording struct {
	init     []byte
	segments [][]byte
}

// record makes eight segments with the given arguments of ffmpeg, and takes the file apart.
func record(t *testing.T, args ...string) recording {
	t.Helper()
	file := filepath.Join(t.TempDir(), "track.mp4")
	args = append(args, "-t", "15.36", "-f", "mp4", "-movflags", "empty_moov+default_base_moof", file)
	if out, err := exec.Command(tool(t, "ffmpeg"), append([]string{"-v", "error"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	for len(b) > 8 {
		box := b[:binary.BigEndian.Uint32(b)]
		b = b[len(box):]
		switch string(box[4:8]) {
		case "ftyp", "moov":
			r.init = append(r.init, box...)
		case "moof":
			r.segments = append(r.segments, box)
		case "mdat":
			last := len(r.segments) - 1
			r.segments[last] = append(r.segments[last][:len(r.segments[last]):len(r.segments[last])], box...)
		}
	}
	if len(r.segments) < 8 {
		t.Fatalf("ffmpeg made %d segments, want 8", len(r.segments))
	}
	return r
}

// at is segment i with another decode time.
func (r recording) at(i int, ticks int64) []byte {
	b := bytes.Clone(r.segments[i])
	tfdt := bytes.Index(b, []byte("tfdt")) + 4
	if b[tfdt] != 1 {
		return nil // version 0 has no room
	}
	binary.BigEndian.PutUint64(b[tfdt+4:], uint64(ticks))
	return b
}

// keyFrame is the first picture of segment i alone, with another decode time; nil for sound.
func (r recording) keyFrame(t *testing.T, i int, ticks, duration int64) []byte {
	t.Helper()
	b := r.segments[i]
	moof := b[:binary.BigEndian.Uint32(b)]
	var f media.Fragment
	if err := f.Parse(moof, func(uint32) (media.Defaults, bool) { return media.Defaults{}, true }); err != nil {
		t.Fatal(err)
	}
	s := f.Trafs[0].Samples[0]
	s.Duration = uint32(duration)
	m := media.Moof{Time: ticks, Samples: []media.Sample{s}, DataBytes: int(s.Size)}
	return append(m.Append(nil), b[len(moof)+8:][:s.Size]...)
}

// serve answers for a presentation whose slots are those of the recordings, from number first on. It answers 404 for
// what is not listed, and counts it.
func serve(t *testing.T, p *manifest.Presentation, first uint64, recordings map[string]recording) (base string, missed *int) {
	t.Helper()
	missed = new(int)
	files := map[string][]byte{
		"manifest(format=m3u8-cmaf)":     hls.Multivariant(nil, p),
		"manifest(format=mpd-time-cmaf)": dash.MPD(nil, p),
	}
	for i := range p.Tracks {
		track := &p.Tracks[i]
		r := recordings[track.Name]
		quality := string(manifest.AppendQuality(nil, track.ID))
		files[string(manifest.AppendPlaylist(nil, track.ID, track.Name))] = hls.Media(nil, p, i)
		for _, in := range track.Inits {
			files[quality+string(manifest.AppendInit(nil, track.Name, in.Media.InitHash))] = r.init
		}
		for _, run := range track.Runs {
			for n := run.N; n < run.End() && !run.Gap; n++ {
				start := run.Cut(n, n+1).Start
				segment := r.at(int(n-first), start)
				files[quality+string(manifest.AppendSegment(nil, track.Name, n))] = segment
				template := string(manifest.AppendTimeTemplate(nil, track.Name))
				files[quality+strings.Replace(template, "$Time$", strconv.FormatInt(start, 10), 1)] = segment
				template = string(manifest.AppendKeyFrameTemplate(nil, track.Name))
				files[quality+strings.Replace(template, "$Time$", strconv.FormatInt(start, 10), 1)] = r.keyFrame(t, int(n-first), start, run.Duration)
			}
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/live.ism/")
		b, ok := files[name]
		switch {
		case !ok:
			*missed++
			http.NotFound(w, r)
			return
		case strings.Contains(name, "m3u8"):
			w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		case strings.Contains(name, "mpd"):
			w.Header().Set("Content-Type", "application/dash+xml")
		default:
			w.Header().Set("Content-Type", "video/mp4")
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/live.ism/", missed
}

// TestFFprobe has ffprobe read what manifests list: HLS over two generations, and DASH of one.
func TestFFprobe(t *testing.T) {
	ffprobe := tool(t, "ffprobe")
	video := record(t, "-f", "lavfi", "-i", "testsrc=size=160x90:rate=25", "-c:v", "libx264", "-preset", "ultrafast",
		"-pix_fmt", "yuv420p", "-g", "48", "-keyint_min", "48", "-sc_threshold", "0", "-bf", "0",
		"-video_track_timescale", "90000", "-frag_duration", "1920000")
	audio := record(t, "-f", "lavfi", "-i", "sine=sample_rate=48000", "-c:a", "aac", "-ac", "2", "-frag_duration", "1920000")
	recordings := map[string]recording{"v": video, "a": audio}
	describe := sample.Video(90000, 160, 90)
	describe.Codec = "avc1.42c00a"

	a := sample.Even()
	one := present(a, describe, a.N0+8)
	cut := a.Next(a.N0+4, 172800, 0, 3)
	two := present(a, describe, a.N0+4)
	two.Generations = append(two.Generations, cut.Generation())
	for i := range two.Tracks {
		two.Tracks[i] = sample.Then(two.Tracks[i], two.Tracks[i].Inits[0].Media, cut, cut.N0, cut.N0+4, nil)
	}
	for name, c := range map[string]struct {
		p       *manifest.Presentation
		format  string
		streams []string
		frames  string // key frames: ffmpeg takes DASH's trick mode for a stream like others
	}{
		"hls":                 {one, "m3u8-cmaf", []string{"v:0", "a:0"}, ""},
		"hls two generations": {two, "m3u8-cmaf", []string{"v:0", "a:0"}, ""},
		"dash":                {one, "mpd-time-cmaf", []string{"v:0", "a:0", "v:1"}, "video,8 "},
	} {
		t.Run(name, func(t *testing.T) {
			base, missed := serve(t, c.p, uint64(a.N0), recordings)
			// One stream at a time: it stops with the first that ends, and the last key frame is read before its segment is.
			read := ""
			for _, stream := range c.streams {
				out, err := exec.Command(ffprobe, "-v", "error", "-count_packets", "-select_streams", stream, "-show_entries",
					"stream=codec_type,nb_read_packets", "-of", "csv=p=0", base+"manifest(format="+c.format+")").CombinedOutput()
				if err != nil || *missed > 0 {
					t.Fatalf("%v, and %d requests for what is not there:\n%s", err, *missed, out)
				}
				read += strings.Join(strings.Fields(string(out)), " ") + " "
			}
			// 8 segments of 48 pictures, and of 90 frames of sound, of which ffmpeg's DASH keeps one to itself.
			if !strings.Contains(read, "video,384") || !strings.Contains(read, "audio,720") && !strings.Contains(read, "audio,719") {
				t.Errorf("ffprobe read %q, want 384 packets of video and 720 of audio", read)
			}
			if !strings.Contains(read, c.frames) {
				t.Errorf("ffprobe read %q, want %s", read, c.frames)
			}
		})
	}
}

// present is a presentation that is over: video and audio in the grid g, up to number end.
func present(g sample.Grid, video *media.Track, end int64) *manifest.Presentation {
	return &manifest.Presentation{
		TargetDuration: 2, Window: 60e9, Generations: []manifest.Generation{g.Generation()},
		Tracks: []manifest.Track{
			sample.Track("v", 300_000, video, g, g.N0, end, nil),
			sample.Track("a", 128_000, sample.Audio("mp4a.40.2", "eng"), g, g.N0, end, nil),
		},
	}
}
