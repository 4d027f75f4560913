package check

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/media"
)

// A simulated origin serves a live channel in all three formats: slots of a second since 1970, made when they are asked
// for, listed once they are over. Two of them serve the same bytes.
type simulated struct {
	inits   map[string][]byte // by track
	private string            // CodecPrivateData of the video
	hole    int64             // every so many slots one is missing; 0: none
}

// there reports whether a slot has media.
func (s *simulated) there(slot int64) bool { return s.hole == 0 || slot%s.hole != 0 }

// media lists the slots with media from first to last.
func (s *simulated) media(first, last int64) (list []int64) {
	for n := first; n <= last; n++ {
		if s.there(n) {
			list = append(list, n)
		}
	}
	return list
}

// successors are the next slots with media.
func (s *simulated) successors(slot int64) []int64 {
	return s.media(slot+1, slot+2+simLookahead)[:simLookahead]
}

const (
	simWindow    = 8 // slots
	simLookahead = 2
	simSmooth    = "/manifest"
)

type simTrack struct {
	name      string
	video     bool
	id        int
	timescale int64
	frames    int64 // a slot
}

var simTracks = []simTrack{
	{"video240", true, 120000, 12800, 25},
	{"audio", false, 104000, 48000, 40},
}

func newSimulated(t *testing.T) *simulated {
	t.Helper()
	s := &simulated{inits: map[string][]byte{}}
	for _, k := range simTracks {
		names, err := filepath.Glob(fmt.Sprintf("testdata/clean/QualityLevels(%d)/*=i*.mp4", k.id))
		if err != nil || len(names) != 1 {
			t.Fatalf("init segments of %s: %v, %v", k.name, names, err)
		}
		b, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		s.inits[k.name] = b
		if k.video {
			s.private = privateData(b)
		}
	}
	return s
}

// privateData is the Annex B form of what an avcC holds.
func privateData(init []byte) string {
	b := init[find(init, "avcC", 1)+4+6:]
	n := binary.BigEndian.Uint16(b)
	sps, b := b[2:2+n], b[2+n+1:]
	pps := b[2 : 2+binary.BigEndian.Uint16(b)]
	return strings.ToUpper("00000001" + hex.EncodeToString(sps) + "00000001" + hex.EncodeToString(pps))
}

// segment makes the media of a slot; smooth as one fragment with its successors.
func (s *simulated) segment(k simTrack, slot int64, smooth bool) []byte {
	length := k.timescale / k.frames
	var samples []media.Sample
	var payload []byte
	for i := range k.frames {
		body, flags := s.frame(k, slot, i)
		samples = append(samples, media.Sample{Duration: uint32(length), Size: uint32(len(body)), Flags: flags})
		payload = append(payload, body...)
	}
	m := media.Moof{Sequence: uint32(slot), Time: slot * k.timescale, Samples: samples, DataBytes: len(payload)}
	if smooth {
		m.HasTfxd, m.Tfxd = true, media.Span{Time: m.Time, Duration: k.timescale}
		for _, n := range s.successors(slot) {
			m.Lookahead = append(m.Lookahead, media.Span{Time: n * k.timescale, Duration: k.timescale})
		}
	}
	return append(m.Append(nil), payload...)
}

// frame makes one frame of a slot, and its flags.
func (s *simulated) frame(k simTrack, slot, i int64) ([]byte, uint32) {
	body := fmt.Appendf(nil, "%s frame %d of slot %d", k.name, i, slot)
	flags := uint32(0x02000000)
	if k.video {
		nal := byte(0x65)
		if i > 0 {
			nal, flags = 0x41, 0x01010000
		}
		body = append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+1)), append([]byte{nal}, body...)...)
	}
	return body, flags
}

// newest is the newest slot that is over.
func newest(now time.Time) int64 { return now.UnixMilli()/1000 - 1 }

func (s *simulated) object(path string, now time.Time) (body []byte, kind, cache string, status int) {
	last := newest(now)
	first := last - simWindow + 1
	live, never := "public, max-age=1", "public, max-age=31536000, immutable"
	switch {
	case path == hlsPath:
		return []byte("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
			`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",LANGUAGE="eng",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/list.m3u8"` + "\n" +
			`#EXT-X-STREAM-INF:BANDWIDTH=224000,AVERAGE-BANDWIDTH=224000,CODECS="avc1.4d4016,mp4a.40.2",RESOLUTION=426x240,FRAME-RATE=25.000,AUDIO="audio"` + "\n" +
			"video240/list.m3u8\n"), "application/vnd.apple.mpegurl", live, 200
	case path == dashPath:
		return s.mpd(first, last), "application/dash+xml", live, 200
	case path == simSmooth:
		return s.client(first, last), "text/xml", live, 200
	}
	for _, k := range simTracks {
		if path == "/"+k.name+"/list.m3u8" {
			return s.playlist(first, last), "application/vnd.apple.mpegurl", live, 200
		}
		kind := "audio/mp4"
		if k.video {
			kind = "video/mp4"
		}
		if path == "/"+k.name+"/init.mp4" {
			return s.inits[k.name], kind, never, 200
		}
		var n int64
		if c, _ := fmt.Sscanf(path, "/"+k.name+"/%d.m4s", &n); c == 1 {
			if n > last || n < first-2*simWindow || !s.there(n) {
				return nil, kind, live, 404
			}
			return s.segment(k, n, false), kind, never, 200
		}
		for _, noun := range []string{"Fragments", "FragmentInfo"} {
			if c, _ := fmt.Sscanf(path, fmt.Sprintf("/QualityLevels(%d)/%s(%s=%%d)", k.id, noun, k.name), &n); c == 1 {
				slot := n / k.timescale
				switch {
				case slot < first-2*simWindow || n%k.timescale != 0 || slot <= last && !s.there(slot):
					return nil, kind, live, 404
				case slot > last || s.successors(slot)[simLookahead-1] > last:
					return nil, kind, "no-store", 412
				}
				b := s.segment(k, slot, true)
				if noun == "FragmentInfo" {
					b = b[:find(b, "mdat", 1)-4]
				}
				return b, kind, never, 200
			}
		}
	}
	return nil, "text/plain", live, 404
}

func (s *simulated) playlist(first, last int64) []byte {
	b := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-MAP:URI=\"init.mp4\"\n", first)
	for n := first; n <= last; n++ {
		gap := ""
		if !s.there(n) {
			gap = "#EXT-X-GAP\n"
		}
		b = fmt.Appendf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n%s#EXTINF:1.000,\n%d.m4s\n", time.Unix(n, 0).UTC().Format("2006-01-02T15:04:05.000Z"), gap, n)
	}
	return b
}

func (s *simulated) mpd(first, last int64) []byte {
	b := fmt.Appendf(nil, `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="%s" minimumUpdatePeriod="PT1S" timeShiftBufferDepth="PT8S" minBufferTime="PT1S" maxSegmentDuration="PT1S">
<Period id="p1" start="PT1577836800S">
`, time.Unix(last+1, 0).UTC().Format("2006-01-02T15:04:05.000Z"))
	for _, k := range simTracks {
		set, rep := `contentType="audio" mimeType="audio/mp4" lang="eng"`, `codecs="mp4a.40.2" audioSamplingRate="48000"`
		if k.video {
			set, rep = `contentType="video" mimeType="video/mp4"`, `codecs="avc1.4d4016" width="426" height="240" frameRate="25"`
		}
		b = fmt.Appendf(b, `<AdaptationSet id="%d" %s><Representation id="%s" bandwidth="%d" %s>
<SegmentTemplate timescale="%d" presentationTimeOffset="%d" startNumber="%d" initialization="%s/init.mp4" media="%s/$Number$.m4s"><SegmentTimeline>%s</SegmentTimeline></SegmentTemplate>
</Representation></AdaptationSet>
`, k.id, set, k.name, k.id, rep, k.timescale, 1577836800*k.timescale, first, k.name, k.name, s.timeline(k, first, last))
	}
	return append(b, "</Period><UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"/time\"/></MPD>\n"...)
}

// timeline is the S elements, with numbers that holes do not shift.
func (s *simulated) timeline(k simTrack, first, last int64) string {
	var b strings.Builder
	for from := first; from <= last; from++ {
		if !s.there(from) {
			continue
		}
		to := from
		for to < last && s.there(to+1) {
			to++
		}
		number := ""
		if s.hole > 0 {
			number = fmt.Sprintf(` n="%d"`, from)
		}
		fmt.Fprintf(&b, `<S t="%d"%s d="%d" r="%d"/>`, from*k.timescale, number, k.timescale, to-from)
		from = to
	}
	return b.String()
}

// chunks is the c elements: one before a hole says no d, unless it is the last.
func (s *simulated) chunks(k simTrack, first, last int64) (text string, count int) {
	var b strings.Builder
	var list []int64
	for _, n := range s.media(first, last) {
		if s.successors(n)[simLookahead-1] <= last {
			list = append(list, n)
		}
	}
	if s.hole == 0 {
		return fmt.Sprintf(`<c t="%d" d="%d" r="%d"/>`, list[0]*k.timescale, k.timescale, len(list)), len(list)
	}
	for i, n := range list {
		if i+1 < len(list) && list[i+1] != n+1 {
			fmt.Fprintf(&b, `<c t="%d"/>`, n*k.timescale)
		} else {
			fmt.Fprintf(&b, `<c t="%d" d="%d"/>`, n*k.timescale, k.timescale)
		}
	}
	return b.String(), len(list)
}

func (s *simulated) client(first, last int64) []byte {
	b := []byte(`<?xml version="1.0"?>
<SmoothStreamingMedia MajorVersion="2" MinorVersion="2" TimeScale="10000000" Duration="0" IsLive="TRUE" LookaheadCount="2" DVRWindowLength="80000000">
`)
	for _, k := range simTracks {
		chunks, count := s.chunks(k, first, last)
		kind, level := "audio", `FourCC="AACL" SamplingRate="48000" Channels="2" BitsPerSample="16" PacketSize="4" AudioTag="255" CodecPrivateData="1190"`
		if k.video {
			kind, level = "video", `FourCC="H264" MaxWidth="426" MaxHeight="240" CodecPrivateData="`+s.private+`"`
		}
		b = fmt.Appendf(b, `<StreamIndex Type="%s" Name="%s" Language="eng" TimeScale="%d" Chunks="%d" QualityLevels="1" Url="QualityLevels({bitrate})/Fragments(%s={start time})">
<QualityLevel Index="0" Bitrate="%d" %s/>
%s
</StreamIndex>
`, kind, k.name, k.timescale, count, k.name, k.id, level, chunks)
	}
	return append(b, "</SmoothStreamingMedia>\n"...)
}

func (s *simulated) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	now := time.Now()
	body, kind, cache, status := s.object(q.URL.Path, now)
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case q.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case q.URL.Path == "/time":
		_, _ = w.Write([]byte(now.UTC().Format("2006-01-02T15:04:05.000Z")))
	case status != 200:
		h.Set("Cache-Control", cache)
		http.Error(w, "not there", status)
	default:
		(&object{body: body, kind: kind, cache: cache}).serve(w, q)
	}
}
