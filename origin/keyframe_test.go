package origin

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"weir/media"
	"weir/segcache"
)

func keyFramePath(n uint64) string {
	return fmt.Sprintf("%sQualityLevels(3000000)/KeyFrames(Video=n%d).m4s", base, n)
}

// TestKeyFrame: one moof and one mdat of the segment's first sample, which lasts as long as the segment, by number and by
// time; its payload lies where the segment's does.
func TestKeyFrame(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 5, false, tracks...)
	v := tracks[0]
	for n := uint64(firstN); n < firstN+5; n++ {
		a := ask(s, keyFramePath(n))
		if a.Status != 200 || a.Kind != KindKeyFrame || a.ContentType != "video/mp4" || a.CacheControl != cacheImmutable || a.Ranges != rangesBytes {
			t.Fatalf("segment %d: %d %s %s", n, a.Status, a.ContentType, a.CacheControl)
		}
		f := readFragment(t, bodyBytes(a.Body))
		samples, tfdt := f.traf.Trun, f.traf.Tfdt.BaseMediaDecodeTime()
		duration := f.traf.Tfhd.DefaultSampleDuration
		if samples.SampleCount() != 1 || tfdt != uint64(v.start(n)) || int64(duration) != v.ticks {
			t.Errorf("segment %d: %d samples at %d of %d ticks, want one at %d of %d", n, samples.SampleCount(), tfdt, duration, v.start(n), v.ticks)
		}
		if want := v.payload[:v.samples[0].Size]; !bytes.Equal(f.mdat, want) {
			t.Errorf("segment %d: %d bytes, want the %d of the first sample", n, len(f.mdat), len(want))
		}
		if slices := a.Body.Slices(); len(slices) != 2 {
			t.Errorf("segment %d: %d slices, want the head and the segment's payload", n, len(slices))
		}
		for _, other := range []string{fmt.Sprintf("=%d).m4s", v.start(n)), fmt.Sprintf("=%d)", v.start(n)), fmt.Sprintf("=%d,format=mpd-time-cmaf)", v.start(n))} {
			path := strings.Replace(keyFramePath(n), fmt.Sprintf("=n%d).m4s", n), other, 1)
			if b := ask(s, path); b.Body != a.Body {
				t.Errorf("GET %s = %d, and is not the same body", path, b.Status)
			}
		}
		if whole, _ := v.Segment(n).Body(); whole.ETag() == a.ETag {
			t.Error("one tag for segment and key frame")
		}
	}
}

// TestKeyFrameStatuses: what is not there, and why.
func TestKeyFrameStatuses(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 3, false, tracks...)
	c.slots(0, 1, true, tracks...)
	v := tracks[0]
	for i := range v.samples { // an encoder whose GOPs do not fit: the segment is cut without a sync sample
		v.samples[i].Flags = media.SyncFlags(false)
	}
	c.slots(0, 1, false, tracks...)
	cut := uint64(firstN + 4)
	for path, want := range map[string]string{
		keyFramePath(firstN):      "200 ",
		keyFramePath(firstN + 3):  "404 MPE_MANIFEST_MEDIA_ENTRY_NOT_FOUND",
		keyFramePath(cut):         "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND",
		keyFramePath(firstN + 5):  "412 MPE_FRAGMENT_NOT_READY",
		keyFramePath(firstN + 50): "404 MPE_FRAGMENT_TIMESTAMP_NOT_FOUND",
		keyFramePath(firstN - 1):  "404 MPE_EGRESS_TIMESTAMP_NOT_FOUND",
		strings.Replace(keyFramePath(firstN), "Video", "film", 1):      "404 MPE_EGRESS_TRACK_NOT_FOUND",
		base + "QualityLevels(96000)/KeyFrames(audio=n800000000)":      "404 MPE_EGRESS_TRACK_NOT_FOUND",
		base + "QualityLevels(96000)/Manifest(audio,type=keyframes)":   "404 MPE_EGRESS_TRACK_NOT_FOUND",
		base + "QualityLevels(3000000)/Manifest(Video,type=keyframes)": "200 ",
		base + "QualityLevels(3000000)/KeyFrames(Video=i0123)":         "400 MPE_BAD_URL_SYNTAX",
		base + "QualityLevels(3000000)/KeyFrames(Video)":               "400 MPE_BAD_URL_SYNTAX",
	} {
		a := ask(s, path)
		code := ""
		if a.Fault != nil {
			code = a.Fault.Code
		}
		if got := fmt.Sprint(a.Status, " ", code); got != want {
			t.Errorf("GET %s = %s, want %s", path, got, want)
		}
	}
	if body, _ := v.Segment(cut).Body(); body.Len() == 0 {
		t.Error("the segment itself is not there")
	}
}

// TestKeyFramesAreListed: what the multivariant playlist, the I-frame playlist and the MPD lead to is there.
func TestKeyFramesAreListed(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 4, false, tracks...)
	get := func(path string) string {
		t.Helper()
		a := ask(s, path)
		if a.Status != 200 {
			t.Fatalf("GET %s = %d", path, a.Status)
		}
		return string(a.Bytes) + string(bytes.Join(a.Body.Slices(), nil))
	}
	main := get(base + "manifest(format=m3u8-cmaf)")
	uri := regexp.MustCompile(`#EXT-X-I-FRAME-STREAM-INF:.*URI="([^"]+)"`).FindStringSubmatch(main)
	if uri == nil {
		t.Fatalf("no I-frame variant in\n%s", main)
	}
	list := get(base + uri[1])
	frames := regexp.MustCompile(`(?m)^KeyFrames.*`).FindAllString(list, -1)
	if len(frames) != 4 || !strings.Contains(list, "#EXT-X-I-FRAMES-ONLY") {
		t.Fatalf("%d key frames in\n%s", len(frames), list)
	}
	for _, f := range frames {
		get(base + "QualityLevels(3000000)/" + f)
	}
	mpd := get(base + "manifest(format=mpd-time-cmaf)")
	template := regexp.MustCompile(`media="([^"]*KeyFrames[^"]*)"`).FindStringSubmatch(mpd)
	if template == nil {
		t.Fatalf("no trick mode in\n%s", mpd)
	}
	get(base + strings.Replace(template[1], "$Time$", fmt.Sprint(tracks[0].start(firstN+3)), 1))
}

// TestKeyFrameMadeOnce: a crowd that asks by number and by time gets one body.
func TestKeyFrameMadeOnce(t *testing.T) {
	s, c, tracks := recorded(t)
	c.slots(0, 2, false, tracks...)
	var crowd sync.WaitGroup
	bodies := make([]segcache.Body, 100)
	for i := range bodies {
		crowd.Go(func() {
			path := keyFramePath(firstN)
			if i%2 == 1 {
				path = fmt.Sprintf("%sQualityLevels(3000000)/KeyFrames(Video=%d).m4s", base, tracks[0].start(firstN))
			}
			bodies[i] = ask(s, path).Body
		})
	}
	crowd.Wait()
	for i := range bodies {
		if bodies[i] != bodies[0] || bodies[i].Len() == 0 {
			t.Fatalf("viewer %d got another body", i)
		}
	}
}

// TestKeyFrameDecodes has ffmpeg decode key frames as an I-frame playlist leads to them: one picture each, and no complaint.
func TestKeyFrameDecodes(t *testing.T) {
	ffprobe, err := exec.LookPath("ffprobe")
	if err != nil {
		if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s, c, tracks := recorded(t)
	c.slots(0, 3, false, tracks...)
	file := bytes.Clone(tracks[0].media.Init)
	for n := uint64(firstN); n < firstN+3; n++ {
		file = append(file, bodyBytes(ask(s, keyFramePath(n)).Body)...)
	}
	path := filepath.Join(t.TempDir(), "keyframes.mp4")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ffprobe, "-v", "warning", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path).CombinedOutput()
	if want := "3"; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%v: %q, want %q", err, out, want)
	}
}
