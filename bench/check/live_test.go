package check

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A proxy stands between the checker and an origin, and does what proxies, caches and bad origins do.
type proxy struct {
	origin http.Handler
	fault  liveFault
	began  time.Time
	mu     sync.Mutex
	kept   map[string][]byte // the last answer by path, for what is frozen
	asked  map[string]int
}

func newProxy(origin http.Handler, fault liveFault) *proxy {
	return &proxy{origin: origin, fault: fault, began: time.Now(), kept: map[string][]byte{}, asked: map[string]int{}}
}

// A liveFault changes what passes. age is since the proxy began, n counts the requests for a path from 0.
type liveFault struct {
	body   func(p *proxy, path string, age time.Duration, n int, body []byte) []byte
	status func(path string, age time.Duration, n int) int
	header func(path string, age time.Duration, h http.Header)
	cut    func(path string, n int) bool                                                   // bodies that end early
	unzip  bool                                                                            // gzip that is none
	ask    func(q *http.Request, age time.Duration)                                        // changes what is asked
	flow   func(path string, body io.ReadCloser) io.ReadCloser                             // changes what is written while it grows
	reply  func(q *http.Request, age time.Duration, status int, body []byte) (int, []byte) // changes an answer by what was asked
	want   int
	says   string // part of what the finding calls true, where several rules have the number
	also   bool   // a second origin that is sound is judged with it
}

// freeze is for bodies: what passed last under a path comes again.
func (p *proxy) freeze(path string, body []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.kept[path]; old != nil {
		return old
	}
	p.kept[path] = body
	return body
}

// proxies are a network: each host is one. No sockets are used, so that time may be that of a synctest bubble.
type proxies map[string]*proxy

func (n proxies) RoundTrip(q *http.Request) (*http.Response, error) {
	return n[q.URL.Host].roundTrip(q)
}

func (p *proxy) roundTrip(q *http.Request) (*http.Response, error) {
	zipped := strings.Contains(q.Header.Get("Accept-Encoding"), "gzip")
	ask := q.Clone(q.Context())
	ask.Header.Del("Accept-Encoding")
	if p.fault.ask != nil {
		p.fault.ask(ask, time.Since(p.began))
	}
	a, err := answerOf(p.origin, ask)
	if err != nil {
		return nil, err
	}
	a.Request = q
	if a.Header.Get(flows) != "" {
		a.Header.Del(flows)
		if p.fault.flow != nil {
			a.Body = p.fault.flow(q.URL.Path, a.Body)
		}
		return a, nil
	}
	p.change(a, zipped)
	return a, nil
}

// change makes the fault in an answer, and compresses what a sound origin compresses.
func (p *proxy) change(a *http.Response, zipped bool) {
	path, age := a.Request.URL.Path, time.Since(p.began)
	p.mu.Lock()
	n := p.asked[path]
	p.asked[path]++
	p.mu.Unlock()
	if p.fault.header != nil {
		p.fault.header(path, age, a.Header)
	}
	if p.fault.status != nil {
		if s := p.fault.status(path, age, n); s != 0 {
			a.StatusCode = s
		}
	}
	body, _ := io.ReadAll(a.Body)
	a.Body = io.NopCloser(bytes.NewReader(body))
	if p.fault.reply != nil && a.Request.Method == http.MethodGet {
		a.StatusCode, body = p.fault.reply(a.Request, age, a.StatusCode, body)
		a.Body = io.NopCloser(bytes.NewReader(body))
	}
	if a.Request.Method != http.MethodGet || a.StatusCode != 200 {
		return
	}
	if p.fault.body != nil {
		body = p.fault.body(p, path, age, n, body)
	}
	if zipped && (strings.Contains(path, "manifest") || strings.Contains(path, ".m3u8")) {
		body = zip(body)
		a.Header.Set("Content-Encoding", "gzip")
		if p.fault.unzip {
			body = body[:len(body)-6]
		}
	}
	a.Header.Set("Content-Length", strconv.Itoa(len(body)))
	a.ContentLength = int64(len(body))
	a.Body = io.NopCloser(bytes.NewReader(body))
	if p.fault.cut != nil && p.fault.cut(path, n) {
		a.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{}))
	}
}

// failing is a reader whose connection breaks.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// after changes bodies under a path from an age on.
func after(age time.Duration, part string, change func(b []byte) []byte) func(*proxy, string, time.Duration, int, []byte) []byte {
	return func(_ *proxy, path string, now time.Duration, _ int, b []byte) []byte {
		if strings.Contains(path, part) && now >= age {
			return change(b)
		}
		return b
	}
}

func text(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(with)) }
}

// shift adds to each number behind a text.
func shift(before string, by int64) func([]byte) []byte {
	return func(b []byte) []byte {
		return regexp.MustCompile(regexp.QuoteMeta(before)+`\d+`).ReplaceAllFunc(b, func(m []byte) []byte {
			n, _ := strconv.ParseInt(string(m[len(before):]), 10, 64)
			return fmt.Appendf(nil, "%s%d", before, n+by)
		})
	}
}

// addTo adds to a 64-bit number at an offset behind a box's name, where the box is there.
func addTo(box string, offset int, by uint64) func([]byte) []byte {
	return func(b []byte) []byte {
		if i := bytes.Index(b, []byte(box)); i >= 0 {
			b = bytes.Clone(b)
			at := b[i+len(box)+offset:]
			binary.BigEndian.PutUint64(at, binary.BigEndian.Uint64(at)+by)
		}
		return b
	}
}

const (
	video     = "/video240/list.m3u8"
	segments  = "/video240/1"
	fragments = "/Fragments(video240="
	later     = 2500 * time.Millisecond
	tfxd      = "\x6d\x1d\x9b\x05\x42\xd5\x44\xe6\x80\xe2\x14\x1d\xaf\xf7\x57\xb2"
	tfrf      = "\xd4\x80\x7e\xf2\xca\x39\x46\x95\x8e\x54\x26\xcb\x9e\x46\xa7\x9f"
)

func frozen(part string) func(*proxy, string, time.Duration, int, []byte) []byte {
	return func(p *proxy, path string, _ time.Duration, _ int, b []byte) []byte {
		if strings.Contains(path, part) {
			return p.freeze(path, b)
		}
		return b
	}
}

// dropHead keeps the newest segments of a playlist only.
func dropHead(keep int) func([]byte) []byte {
	return func(b []byte) []byte {
		head, rest, _ := bytes.Cut(b, []byte("#EXT-X-PROGRAM"))
		list := strings.SplitAfter("#EXT-X-PROGRAM"+string(rest), ".m4s\n")
		list = list[:len(list)-1]
		gone := max(0, len(list)-keep)
		return append(shift("MEDIA-SEQUENCE:", int64(gone))(head), strings.Join(list[gone:], "")...)
	}
}

// gone answers 404 for segments older than so many slots.
func gone(part string, slots int64) func(string, time.Duration, int) int {
	return func(path string, age time.Duration, _ int) int {
		var n int64
		if i := strings.Index(path, part); i >= 0 && age > time.Second {
			_, _ = fmt.Sscanf(path[i+len(part):], "%d", &n)
			if n > 0 && n < newest(time.Now())-slots {
				return 404
			}
		}
		return 0
	}
}

// often gives a status to every other request of a path.
func often(part string, status int) func(string, time.Duration, int) int {
	return func(path string, _ time.Duration, n int) int {
		if strings.Contains(path, part) && n%2 == 1 {
			return status
		}
		return 0
	}
}

var liveFaults = map[string]liveFault{
	"sequence goes back":      {body: after(later, video, shift("MEDIA-SEQUENCE:", -20)), want: 30, says: "never goes back"},
	"list ends earlier":       {body: after(later, video, func(b []byte) []byte { return b[:bytes.LastIndex(b[:len(b)-120], []byte("#EXT-X-PROGRAM"))] }), want: 30},
	"target duration changes": {body: after(later, video, text("TARGETDURATION:1", "TARGETDURATION:2")), want: 29},
	"server control comes":    {body: after(later, video, text("#EXT-X-MEDIA-S", "#EXT-X-SERVER-CONTROL:HOLD-BACK=3.0\n#EXT-X-MEDIA-S")), want: 29},
	"URIs change":             {body: after(later, video, text(".m4s", ".m4s?v=2")), want: 32},
	"durations change":        {body: after(later, video, text("EXTINF:1.000", "EXTINF:0.999")), want: 32},
	"dates change":            {body: after(later, video, text(".000Z", ".005Z")), want: 32},
	"segments become gaps":    {body: after(later, video, text("#EXTINF", "#EXT-X-GAP\n#EXTINF")), want: 32},
	"discontinuity sequence":  {body: after(later, video, text("DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:3")), want: 31},
	"playlist is stale":       {body: frozen(video), want: 33},
	"window too short":        {body: after(0, video, dropHead(2)), want: 24},
	"ended, then not": {body: func(_ *proxy, path string, age time.Duration, _ int, b []byte) []byte {
		if strings.Contains(path, video) && age < later && age > time.Second {
			return append(b, "#EXT-X-ENDLIST\n"...)
		}
		return b
	}, want: 35},
	"EVENT that forgets":  {body: after(0, video, text("#EXT-X-MEDIA-S", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-S")), want: 25},
	"numbers drift apart": {body: after(0, video, shift("MEDIA-SEQUENCE:", 1)), want: 34},
	"date range rewritten": {body: func(_ *proxy, path string, _ time.Duration, n int, b []byte) []byte {
		return bytes.Replace(b, []byte("#EXT-X-PROGRAM"), fmt.Appendf(nil, "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:%02dZ\"\n#EXT-X-PROGRAM", n%60), 1)
	}, want: 36},
	"oldest segment gone":          {status: gone("/video240/", 5), want: 110},
	"no grace for what was listed": {status: gone("/video240/", 7), want: 118},
	"a name means other bytes": {body: func(_ *proxy, path string, _ time.Duration, n int, b []byte) []byte {
		if strings.Contains(path, segments) && n > 0 {
			b[len(b)-1] ^= 1
		}
		return b
	}, want: 109},
	"playlist fails now and then": {status: often(video, 500), want: 11},
	"segments fail": {status: func(path string, _ time.Duration, _ int) int {
		if strings.Contains(path, segments) {
			return 503
		}
		return 0
	}, want: 110},
	"bodies cut short": {cut: func(path string, _ int) bool { return strings.Contains(path, segments) }, want: 111},
	"gzip is broken":   {unzip: true, want: 111},
	"CORS is lost": {header: func(path string, age time.Duration, h http.Header) {
		if age > later && strings.Contains(path, ".m") {
			h.Del("Access-Control-Allow-Origin")
		}
	}, want: 59},
	"cached too long":           {header: func(path string, _ time.Duration, h http.Header) { h.Set("Cache-Control", "max-age=86400") }, want: 53},
	"a cache between":           {header: func(_ string, age time.Duration, h http.Header) { h.Set("Age", strconv.Itoa(int(age.Seconds()))) }, want: 54},
	"media time jumps":          {body: after(later, segments, addTo("tfdt", 4, 512)), want: 63},
	"media is cut short":        {body: after(later, segments, func(b []byte) []byte { return b[:len(b)-40] }), want: 65},
	"another second in HLS":     {body: after(0, ".m3u8", text(".000Z", ".400Z")), want: 106},
	"other bytes than its twin": {body: after(0, segments, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), also: true, want: 51},

	"publishTime stands": {body: func(_ *proxy, path string, _ time.Duration, _ int, b []byte) []byte {
		return regexp.MustCompile(`publishTime="[^"]*"`).ReplaceAll(b, []byte(`publishTime="2026-01-01T00:00:00Z"`))
	}, want: 83},
	"MPD goes back": {body: func(p *proxy, path string, _ time.Duration, n int, b []byte) []byte {
		if path == dashPath && n%3 == 0 {
			return p.freeze(path, b)
		}
		return b
	}, want: 83},
	"MPD is stale":                {body: frozen(dashPath), want: 116},
	"availabilityStartTime moves": {body: after(later, dashPath, text("1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")), want: 84},
	"Period moves":                {body: after(later, dashPath, text("PT1577836800S", "PT1577836801S")), want: 84},
	"timeline rewritten":          {body: after(later, dashPath, text(`d="12800"`, `d="12801"`)), want: 84},
	"listed before it is there":   {body: after(0, dashPath, shift(`r="`, 2)), want: 110},
	"listed far ahead":            {body: after(0, dashPath, shift(`r="`, 5)), want: 116},
	"oldest of the MPD gone":      {status: gone("/video240/", 5), want: 110},
	"static without a duration":   {body: after(later, dashPath, text(`type="dynamic"`, `type="static"`)), want: 95},
	"MPD fails":                   {status: often(dashPath, 503), want: 110},

	"tfrf of another length": {body: after(later, fragments, addTo(tfrf, 13, 1)), want: 101},
	"tfrf missing":           {body: after(later, fragments, text(tfrf, strings.Repeat("x", 16))), want: 101},
	"tfxd of another time":   {body: after(later, fragments, addTo(tfxd, 4, 7)), want: 100},
	"tfxd of another length": {body: after(later, fragments, addTo(tfxd, 12, 7)), want: 100},
	"tfdt of another time":   {body: after(later, fragments, addTo("tfdt", 4, 7)), want: 100},
	"not yet is our fault": {status: func(path string, _ time.Duration, n int) int {
		if strings.Contains(path, fragments) && n == 0 {
			return 500
		}
		return 0
	}, want: 110},
	"what was announced never comes": {status: func(path string, _ time.Duration, _ int) int {
		var at int64
		if i := strings.Index(path, fragments); i >= 0 {
			_, _ = fmt.Sscanf(path[i+len(fragments):], "%d", &at)
			if at/12800%4 == 0 {
				return 404
			}
		}
		return 0
	}, want: 110},
	"what was announced is passed over": {body: after(0, fragments, addTo(tfrf, 5, 3)), want: 101},
	"list rewritten": {body: after(later, simSmooth, func(b []byte) []byte {
		return regexp.MustCompile(`<c t="(\d+)" d="12800"`).ReplaceAll(b, []byte(`<c t="${1}" d="12799"`))
	}), want: 104},
	"FragmentInfo is missing": {status: func(path string, _ time.Duration, _ int) int {
		if strings.Contains(path, "FragmentInfo") {
			return 404
		}
		return 0
	}, want: 103},
}

// smoothFaults are those of the client manifest alone.
var smoothFaults = map[string]liveFault{
	"Chunks of another list":      {body: after(0, simSmooth, text(`Chunks="6"`, `Chunks="5"`)), want: 104},
	"r one too many":              {body: after(0, simSmooth, text(`r="6"`, `r="7"`)), want: 104},
	"chunks overlap":              {body: after(0, simSmooth, text(`r="6"/>`, `r="5"/><c t="1" d="12800"/>`)), want: 104},
	"no d at the end":             {body: after(0, simSmooth, text(`r="6"/>`, `r="5"/><c/>`)), want: 104},
	"QualityLevels of another":    {body: after(0, simSmooth, text(`QualityLevels="1"`, `QualityLevels="2"`)), want: 98},
	"live with a duration":        {body: after(0, simSmooth, text(`Duration="0"`, `Duration="10"`)), want: 98},
	"no LookaheadCount":           {body: after(0, simSmooth, text(`LookaheadCount="2" `, ``)), want: 98},
	"version 3":                   {body: after(0, simSmooth, text(`MajorVersion="2"`, `MajorVersion="3"`)), want: 98},
	"repeats in version 2.0":      {body: after(0, simSmooth, text(`MinorVersion="2"`, `MinorVersion="0"`)), want: 98},
	"template without a time":     {body: after(0, simSmooth, text(`={start time}`, ``)), want: 98},
	"not well-formed":             {body: after(0, simSmooth, text(`</SmoothStreamingMedia>`, ``)), want: 98},
	"private data of nothing":     {body: after(0, simSmooth, text(`CodecPrivateData="00000001`, `CodecPrivateData="00000002`)), want: 99},
	"private data that is no hex": {body: after(0, simSmooth, text(`CodecPrivateData="1190`, `CodecPrivateData="119`)), want: 99},
	"width of another":            {body: after(0, simSmooth, text(`MaxWidth="426"`, `MaxWidth="640"`)), want: 99},
	"rate of another":             {body: after(0, simSmooth, text(`SamplingRate="48000"`, `SamplingRate="44100"`)), want: 99},
	"channels of another":         {body: after(0, simSmooth, text(`Channels="2"`, `Channels="6"`)), want: 99},
	"times beyond 2^53":           {body: after(0, simSmooth, shift(`<c t="`, 1<<53)), want: 100},
	"another second in Smooth":    {body: after(0, simSmooth, text(`TimeScale="12800"`, `TimeScale="12801"`)), want: 106},
	"everything is there": {status: func(path string, _ time.Duration, _ int) int {
		if strings.Contains(path, fragments) && strings.Contains(path, "QualityLevels") && !strings.Contains(path, "FragmentInfo") {
			return 200
		}
		return 0
	}, want: 102},
	"manifest as a download": {header: func(path string, _ time.Duration, h http.Header) {
		if path == simSmooth {
			h.Set("Content-Type", "application/octet-stream")
		}
	}, want: 52},
}

// watch judges a live origin for a while, in bubble time: seconds pass as soon as nobody has anything to do.
func watch(t *testing.T, length time.Duration, faults ...liveFault) (report Report) {
	t.Helper()
	return watchOrigin(t, newSimulated(t), length, faults...)
}

func watchOrigin(t *testing.T, origin http.Handler, length time.Duration, faults ...liveFault) (report Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 25, 9, 0, 0, 3e8, time.UTC))) // a bubble begins in 2000, before the channel
		network := proxies{}
		var urls []string
		for i, f := range faults {
			host := fmt.Sprintf("origin%d.example", i)
			network[host] = newProxy(origin, f)
			for _, path := range []string{hlsPath, dashPath, simSmooth} {
				urls = append(urls, "http://"+host+path)
			}
		}
		var err error
		report, err = Run(t.Context(), Options{URLs: urls, For: length, Transport: network})
		if err != nil {
			t.Fatal(err)
		}
	})
	return report
}

func TestSimulatedOriginIsClean(t *testing.T) {
	report := watch(t, 2*time.Minute, liveFault{}, liveFault{})
	if !report.Clean() {
		t.Error("findings where there is nothing to find")
	}
	logReport(t, &report)
	if len(report.Tested) < 60 {
		t.Errorf("only %d assertions were put to the test", len(report.Tested))
	}
}

// TestHolesAreNoFaults: what an encoder did not send is a gap, a jump and a longer way to the next fragment.
func TestHolesAreNoFaults(t *testing.T) {
	origin := newSimulated(t)
	origin.hole = 5
	report := watchOrigin(t, origin, time.Minute, liveFault{})
	if !report.Clean() {
		t.Error("findings where there is nothing to find")
	}
	logReport(t, &report)
}

func TestLiveFaults(t *testing.T) {
	long(t)
	for kind, table := range map[string]map[string]liveFault{"live": liveFaults, "Smooth": smoothFaults} {
		for name, f := range table {
			t.Run(kind+"/"+strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				faults := []liveFault{f}
				if f.also {
					faults = append(faults, liveFault{})
				}
				report := watch(t, 12*time.Second, faults...)
				if !slices.ContainsFunc(report.Findings, func(g Finding) bool { return g.Assertion == f.want && strings.Contains(g.True, f.says) }) {
					t.Errorf("assertion %d is not among the findings", f.want)
					logReport(t, &report)
				}
			})
		}
	}
}

// TestOverSockets watches the same origin for a few seconds as it is: with connections, and with time that passes.
func TestOverSockets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newSimulated(t))
	defer server.Close()
	report, err := Run(t.Context(), Options{URLs: []string{server.URL + hlsPath, server.URL + dashPath, server.URL + simSmooth}, For: 4 * time.Second})
	if err != nil || !report.Clean() {
		t.Errorf("%v, or findings where there is nothing to find", err)
	}
	logReport(t, &report)
}
