package check

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fault is one seeded fault: a change to the recorded set, and the assertion that must name it.
type fault struct {
	change func(*recording)
	want   int
}

const (
	list240  = "Manifest(video240,"
	list360  = "Manifest(video360,"
	audio    = "Manifest(audio,"
	init240  = "Fragments(video240=i"
	media240 = "Fragments(video240=n"
	anyMedia = ").m4s"
)

// swap is a fault of text.
func swap(pick, old, with string) func(*recording) {
	return func(r *recording) { r.replace(pick, old, with) }
}

// in applies a change to the bytes of the objects picked.
func in(pick string, change func(b []byte) []byte) func(*recording) {
	return func(r *recording) {
		for _, o := range r.pick(pick) {
			o.body = change(bytes.Clone(o.body))
		}
	}
}

// on changes the answers for the objects picked.
func on(change func(*object), pick ...string) func(*recording) {
	return func(r *recording) {
		for _, o := range r.pick(pick...) {
			change(o)
		}
	}
}

func field(name, value string) func(*object) {
	return func(o *object) {
		if o.header == nil {
			o.header = map[string]string{}
		}
		o.header[name] = value
	}
}

// poke changes bytes at an offset from the nth box of that name, counted from behind its name.
func poke(pick, box string, nth, offset int, bytes ...byte) func(*recording) {
	return in(pick, func(b []byte) []byte {
		copy(b[find(b, box, nth)+4+offset:], bytes)
		return b
	})
}

func find(b []byte, box string, nth int) int {
	at := -4
	for range nth {
		i := bytes.Index(b[at+4:], []byte(box))
		if i < 0 {
			panic("no " + box)
		}
		at += 4 + i
	}
	return at
}

// add adds to a 32-bit number.
func add(pick, box string, nth, offset int, by uint32) func(*recording) {
	return in(pick, func(b []byte) []byte {
		at := find(b, box, nth) + 4 + offset
		binary.BigEndian.PutUint32(b[at:], binary.BigEndian.Uint32(b[at:])+by)
		return b
	})
}

var hlsFaults = map[string]fault{
	"byte order mark":              {in(list240, func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }), 1},
	"no newline at the end":        {in(list240, func(b []byte) []byte { return bytes.TrimRight(b, "\n") }), 1},
	"line ends mixed":              {swap(list240, "VERSION:6\n", "VERSION:6\r\n"), 1},
	"not a playlist":               {swap(list240, "#EXTM3U", "#EXTM3V"), 1},
	"version too low":              {swap(list240, "VERSION:6", "VERSION:3"), 2},
	"no version":                   {swap(list240, "#EXT-X-VERSION:6\n", ""), 2},
	"no AVERAGE-BANDWIDTH":         {swap(hlsPath, "AVERAGE-BANDWIDTH=224000,", ""), 3},
	"no RESOLUTION":                {swap(hlsPath, "RESOLUTION=426x240,", ""), 3},
	"average above peak":           {swap(hlsPath, "AVERAGE-BANDWIDTH=224000", "AVERAGE-BANDWIDTH=324000"), 3},
	"CODECS of another profile":    {swap(hlsPath, "avc1.4d4016,", "avc1.640016,"), 4},
	"CODECS without the audio":     {swap(hlsPath, "avc1.4d4016,mp4a.40.2", "avc1.4d4016"), 4},
	"RESOLUTION of another":        {swap(hlsPath, "RESOLUTION=426x240", "RESOLUTION=424x240"), 4},
	"FRAME-RATE of another":        {swap(hlsPath, "FRAME-RATE=25.000", "FRAME-RATE=50.000"), 4},
	"group that is not there":      {swap(hlsPath, "AUDIO=\"audio\"\n", "AUDIO=\"sound\"\n"), 5},
	"group that nobody wants":      {in(hlsPath, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(",AUDIO=\"audio\"\n"), []byte("\n")) }), 5},
	"no NAME":                      {swap(hlsPath, "NAME=\"audio\",", ""), 6},
	"no LANGUAGE":                  {swap(hlsPath, "LANGUAGE=\"eng\",", ""), 3},
	"default but not automatic":    {swap(hlsPath, "AUTOSELECT=YES", "AUTOSELECT=NO"), 6},
	"captions with a URI":          {swap(hlsPath, "#EXT-X-MEDIA:", "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"cc\",LANGUAGE=\"en\",URI=\"x\"\n#EXT-X-MEDIA:"), 7},
	"VIDEO-RANGE of another":       {swap(hlsPath, "FRAME-RATE=25.000", "FRAME-RATE=25.000,VIDEO-RANGE=PQ"), 8},
	"SCORE on one":                 {swap(hlsPath, "FRAME-RATE=25.000", "FRAME-RATE=25.000,SCORE=1.0"), 9},
	"independence not said":        {swap(hlsPath, "#EXT-X-INDEPENDENT-SEGMENTS\n", ""), 9},
	"I-frame variant, no I-frames": {swap(hlsPath, "#EXT-X-STREAM-INF:", "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d4016\",RESOLUTION=426x240,URI=\"QualityLevels(120000)/Manifest(video240,format=m3u8-cmaf).m3u8\"\n#EXT-X-STREAM-INF:"), 10},
	"attribute without quotes":     {swap(hlsPath, "GROUP-ID=\"audio\"", "GROUP-ID=audio"), 11},
	"attribute twice":              {swap(hlsPath, "BANDWIDTH=224000,", "BANDWIDTH=224000,BANDWIDTH=224000,"), 11},
	"playlist that is not there":   {swap(hlsPath, "QualityLevels(240000)/Manifest(video360,format=m3u8-cmaf).m3u8", "QualityLevels(240000)/Manifest(video361,format=m3u8-cmaf).m3u8"), 11},
	"header tag twice":             {swap(list240, "#EXT-X-TARGETDURATION:2\n", "#EXT-X-TARGETDURATION:2\n#EXT-X-TARGETDURATION:2\n"), 12},
	"header tag too late":          {swap(list240, "#EXTINF:2.000000,\n", "#EXTINF:2.000000,\n#EXT-X-PLAYLIST-TYPE:EVENT\n"), 12},
	"no EXTINF":                    {swap(list240, "#EXTINF:2.000000,\n", ""), 12},
	"EXTINF above the target":      {swap(list240, "EXTINF:2.000000", "EXTINF:2.600000"), 13},
	"no EXT-X-MAP":                 {swap(list240, "#EXT-X-MAP:URI=", "#EXT-X-NAP:URI="), 14},
	"HOLD-BACK too short":          {swap(list240, "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-SERVER-CONTROL:HOLD-BACK=4.0\n#EXT-X-MEDIA-SEQUENCE"), 18},
	"a date that jumps":            {swap(list240, ":30.000Z\n", ":30.500Z\n"), 23},
	"no dates":                     {in(list240, dropLines("#EXT-X-PROGRAM-DATE-TIME")), 23},
	"VOD that grows":               {swap(list240, "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE"), 25},
	"numbers apart":                {in(list240, countFromNext), 34},
	"date range without start":     {swap(list240, "#EXTINF", "#EXT-X-DATERANGE:ID=\"x\"\n#EXTINF"), 36},
	"date range in two voices": {func(r *recording) {
		r.replace(list240, "#EXTINF", "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2026-11-25T09:00:00Z\"\n#EXTINF")
		r.replace(list360, "#EXTINF", "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2026-11-25T09:00:01Z\"\n#EXTINF")
	}, 36},
	"EXTINF shorter than the samples": {in(list240, func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("EXTINF:2.000000"), []byte("EXTINF:1.900000"))
	}), 117},
}

var dashFaults = map[string]fault{
	"not well-formed":                  {swap(dashPath, "</MPD>", ""), 81},
	"elements out of order":            {swap(dashPath, " <Period", " <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"2026-11-25T09:00:00Z\"/>\n <Period"), 81},
	"no profiles":                      {swap(dashPath, "profiles=", "profile="), 81},
	"duration in years":                {swap(dashPath, "minBufferTime=\"PT2S\"", "minBufferTime=\"P1Y\""), 81},
	"id with a blank":                  {swap(dashPath, "id=\"audio_104000\"", "id=\"audio 104000\""), 81},
	"no publishTime":                   {swap(dashPath, "publishTime=", "published="), 82},
	"no clock":                         {swap(dashPath, "<UTCTiming", "<Metrics"), 82},
	"clock of another day":             {swap(dashPath, "utc:http-xsdate:2014\" value=\"/time\"", "utc:direct:2014\" value=\"2026-01-01T00:00:00Z\""), 82},
	"Period without id":                {swap(dashPath, "<Period id=\"p1577836800000\"", "<Period"), 84},
	"template with an unknown $":       {swap(dashPath, "$Time$", "$Tine$"), 85},
	"template without $":               {swap(dashPath, "$Time$", "1"), 85},
	"timeline not merged":              {swap(dashPath, " r=\"2\"/>", "/>\n      <S d=\"96256\" r=\"1\"/>"), 86},
	"duration of another":              {in(dashPath, lastLonger), 86},
	"timeline without duration":        {swap(dashPath, " d=\"25600\"", ""), 86},
	"timescale of another":             {swap(dashPath, "timescale=\"48000\"", "timescale=\"44100\""), 86},
	"maxSegmentDuration too small":     {swap(dashPath, "maxSegmentDuration=\"PT2.5S\"", "maxSegmentDuration=\"PT1.5S\""), 91},
	"codecs of another":                {swap(dashPath, "avc1.4d4016", "avc1.42c016"), 92},
	"height of another":                {swap(dashPath, "height=\"240\"", "height=\"250\""), 92},
	"sampling rate of another":         {swap(dashPath, "audioSamplingRate=\"48000\"", "audioSamplingRate=\"44100\""), 92},
	"channels of another":              {swap(dashPath, "2011\" value=\"2\"", "2011\" value=\"6\""), 92},
	"Period that starts too late":      {swap(dashPath, "presentationTimeOffset=\"20196311040000\"", "presentationTimeOffset=\"29996311040000\""), 96},
	"another second in DASH":           {swap(dashPath, "start=\"PT1577836800S\"", "start=\"PT1577836799S\""), 106},
	"segments of the future":           {swap(dashPath, "start=\"PT1577836800S\"", "start=\"PT1679836800S\""), 116},
	"trick mode of nothing":            {swap(dashPath, "<AudioChannelConfiguration", "<EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/trickmode\" value=\"77\"/><AudioChannelConfiguration"), 115},
	"bandwidth far below what is sent": {swap(dashPath, "bandwidth=\"120000\"", "bandwidth=\"60000\""), 74},
}

var mediaFaults = map[string]fault{
	"durations in the header": {poke(init240, "mdhd", 1, 16, 0, 0, 1, 0), 61},
	"old brand": {in(init240, func(b []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("iso6"), []byte("isom")), []byte("cmfc"), []byte("mp41"))
	}), 61},
	"header cut short":               {in(init240, func(b []byte) []byte { return b[:len(b)-9] }), 61},
	"samples in the header":          {poke(init240, "stts", 1, 4, 0, 0, 0, 1), 61},
	"offsets from the file's start":  {poke(media240, "tfhd", 1, 1, 0, 0, 0x28), 62},
	"no tfdt":                        {poke(media240, "tfdt", 2, -4, []byte("skip")...), 62},
	"a hole between chunks":          {add(media240, "tfdt", 2, 8, 512), 63},
	"a hole between segments":        {in(media240, everyTime), 63},
	"no sync sample at the start":    {poke(media240, "trun", 1, 12, 1, 1, 0, 0), 64},
	"a picture called sync":          {poke(media240, "tfhd", 2, 12, 2, 0, 0, 0), 64},
	"data offset beside the data":    {add(media240, "trun", 1, 8, 4), 65},
	"sample longer than the data":    {add(media240, "trun", 3, 12, 100), 65},
	"box longer than the segment":    {in(media240, func(b []byte) []byte { return b[:len(b)-100] }), 65},
	"bytes behind the last box":      {in(media240, func(b []byte) []byte { return append(b, 1, 2, 3) }), 65},
	"no mdat":                        {poke(media240, "mdat", 2, -4, []byte("free")...), 65},
	"track_ID of another":            {poke(media240, "tfhd", 1, 4, 0, 0, 0, 7), 66},
	"sequence number goes back":      {poke(media240, "mfhd", 3, 4, 0, 0, 0, 1), 66},
	"signed offsets in version 0":    {in(media240, signedOffsets), 68},
	"brand of nothing":               {in(media240, prefix("styp", "mp42\x00\x00\x00\x00mp41")), 69},
	"emsg of version 0":              {in(media240, prefix("emsg", "\x00\x00\x00\x00urn:x\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")), 70},
	"prft of another time":           {in(media240, prefix("prft", "\x01\x00\x00\x18\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")), 71},
	"timescale of another rendition": {poke(init240, "mdhd", 1, 12, 0, 0, 0x64, 0), 67},
	"another codec in one set":       {in(init240, func(b []byte) []byte { return bytes.Replace(b, []byte("avc1"), []byte("avc3"), 1) }), 67},
}

var httpFaults = map[string]fault{
	"playlist as text":             {on(func(o *object) { o.kind = "text/plain" }, list240), 52},
	"MPD as text":                  {on(func(o *object) { o.kind = "text/plain" }, dashPath), 52},
	"gzip for those who do not":    {on(func(o *object) { o.alwaysGzip = true }, list240, "3u8"), 52},
	"no gzip":                      {on(func(o *object) { o.noGzip = true }, dashPath), 52},
	"no Vary":                      {on(field("Vary", ""), list240), 52},
	"playlist cached for an hour":  {on(func(o *object) { o.cache = "public, max-age=3600" }, list240), 53},
	"segment not cached":           {on(field("Cache-Control", "no-store"), media240), 53},
	"no Cache-Control":             {on(field("Cache-Control", ""), media240), 53},
	"Age":                          {on(field("Age", "7"), list240), 54},
	"cookie":                       {on(field("Set-Cookie", "a=b"), media240), 54},
	"no Date":                      {on(field("Date", ""), media240), 54},
	"HEAD refused":                 {on(func(o *object) { o.noHead = true }, anyMedia), 56},
	"ranges announced, not served": {on(func(o *object) { o.noRange = true; field("Accept-Ranges", "bytes")(o) }, anyMedia), 57},
	"no ETag":                      {on(func(o *object) { o.noTag = true }, anyMedia), 58},
	"no CORS":                      {on(field("Access-Control-Allow-Origin", ""), media240), 59},
	"no CORS on errors":            {func(r *recording) { r.noCORS = true }, 59},
	"segment that is not there":    {on(func(o *object) { o.status = 404 }, media240), 110},
	"segment that fails":           {on(func(o *object) { o.status = 503 }, media240), 110},
	"playlist that fails":          {on(func(o *object) { o.status = 500 }, list240), 11},
	"body cut short":               {on(func(o *object) { o.truncated = true }, media240), 111},
	"gzip that is broken":          {on(func(o *object) { o.badGzip = true }, list240), 111},
	"segment as text":              {on(func(o *object) { o.kind = "text/html" }, media240), 112},
	"everything exists":            {func(r *recording) { r.gone = 200 }, 113},
	"errors of our own":            {func(r *recording) { r.gone = 500 }, 108},
	"segments elsewhere": {func(r *recording) {
		for _, o := range r.pick(media240) {
			o.status = 302
			o.header = map[string]string{"Location": "elsewhere.m4s"}
		}
		r.objects["/QualityLevels(120000)/elsewhere.m4s"] = r.pick("Fragments(video360=n")[0]
	}, 114},
}

func dropLines(start string) func([]byte) []byte {
	return func(b []byte) []byte {
		var out []byte
		for l := range bytes.Lines(b) {
			if !bytes.HasPrefix(l, []byte(start)) {
				out = append(out, l...)
			}
		}
		return out
	}
}

// lastLonger makes the last entry of the first timeline a tick longer.
func lastLonger(b []byte) []byte {
	m := regexp.MustCompile(`r="(\d+)"/>`).FindSubmatchIndex(b)
	n, _ := strconv.Atoi(string(b[m[2]:m[3]]))
	return slices.Concat(b[:m[0]], fmt.Appendf(nil, `r="%d"/><S d="25601"/>`, n-1), b[m[1]:])
}

// countFromNext numbers a playlist from one later on.
func countFromNext(b []byte) []byte {
	m := regexp.MustCompile(`MEDIA-SEQUENCE:(\d+)`).FindSubmatchIndex(b)
	n, _ := strconv.Atoi(string(b[m[2]:m[3]]))
	return slices.Concat(b[:m[2]], fmt.Append(nil, n+1), b[m[3]:])
}

// everyTime puts the chunks of every other segment off by a frame.
func everyTime(b []byte) []byte {
	first := find(b, "tfdt", 1) + 8
	if binary.BigEndian.Uint64(b[first:])/25600%2 == 0 {
		return b
	}
	for n := 1; n <= bytes.Count(b, []byte("tfdt")); n++ {
		at := find(b, "tfdt", n) + 8
		binary.BigEndian.PutUint64(b[at:], binary.BigEndian.Uint64(b[at:])+512)
	}
	return b
}

// signedOffsets turns the sizes of the first run, which has none but sizes, into a run with negative offsets too.
func signedOffsets(b []byte) []byte {
	at := find(b, "trun", 1)
	size := int(binary.BigEndian.Uint32(b[at-4:]))
	count := int(binary.BigEndian.Uint32(b[at+8:]))
	var run []byte
	run = append(run, b[at+4:at+20]...)
	run[0], run[2] = 0, 0x0a // version 0; sizes and composition offsets
	for i := range count {
		run = append(run, b[at+20+4*i:at+24+4*i]...)
		run = append(run, 0xff, 0xff, 0xff, 0x00)
	}
	grown := 8 + len(run) - size
	binary.BigEndian.PutUint32(run[8:], binary.BigEndian.Uint32(run[8:])+uint32(grown))
	out := slices.Concat(b[:at+4], run, b[at-4+size:])
	for _, box := range []string{"trun", "traf", "moof"} {
		i := find(out, box, 1) - 4
		binary.BigEndian.PutUint32(out[i:], binary.BigEndian.Uint32(out[i:])+uint32(grown))
	}
	return out
}

func prefix(box, body string) func([]byte) []byte {
	return func(b []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
		return slices.Concat(out, []byte(box+body), b)
	}
}

// long marks a table of faults, which takes minutes under the race detector: what runs at the same time is the same in all
// of them, and in the tests of origins without a fault.
func long(t *testing.T) {
	t.Helper()
	if racing || testing.Short() {
		t.Skip("with the race detector, or -short")
	}
}

func TestSeededFaults(t *testing.T) {
	long(t)
	for kind, table := range map[string]map[string]fault{"HLS": hlsFaults, "DASH": dashFaults, "media": mediaFaults, "HTTP": httpFaults} {
		for name, f := range table {
			t.Run(kind+"/"+strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				r := load(t)
				f.change(r)
				base := r.serve()
				report := judgeOnce(t, base+hlsPath, base+dashPath)
				if !slices.ContainsFunc(report.Findings, func(g Finding) bool { return g.Assertion == f.want }) {
					t.Errorf("assertion %d is not among the findings", f.want)
					logReport(t, &report)
				}
			})
		}
	}
}
