package check

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile are origins that mean ill. Whatever they do, a run ends in time, and holds little memory.
var hostile = map[string]http.HandlerFunc{
	"manifest without end": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("#EXTM3U\n"))
		for line := []byte(strings.Repeat("#EXTINF:1,\na\n", 1000)); ; {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	},
	"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for zeros := make([]byte, 1<<20); ; {
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
	},
	"redirects in a circle": func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, q.URL.Path+"x", http.StatusFound)
	},
	"redirect to a file": func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	},
	"playlists of playlists": func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprint(w, "#EXTM3U\n")
		for i := range 10_000 {
			fmt.Fprintf(w, "#EXT-X-STREAM-INF:BANDWIDTH=1\n%sx/%d\n", q.URL.Path[1:], i)
		}
	},
	"playlist of other schemes": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"file:///etc/passwd\"\n#EXTINF:1,\ngopher://x/y\n#EXT-X-ENDLIST\n")
	},
	"timeline of billions": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" minimumUpdatePeriod="PT0S"><Period id="1"><AdaptationSet><SegmentTemplate media="$Time$" initialization="i"><SegmentTimeline>`+
			strings.Repeat(`<S d="1" r="2000000000"/>`, 100)+`</SegmentTimeline></SegmentTemplate>`+strings.Repeat(`<Representation id="a" bandwidth="1"/>`, 900)+`</AdaptationSet></Period></MPD>`)
	},
	"chunks of billions": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<SmoothStreamingMedia MajorVersion="2" MinorVersion="2" Duration="0" IsLive="TRUE"><StreamIndex Type="video" Url="{start time}">`+
			strings.Repeat(`<QualityLevel Bitrate="1"/>`, 60)+strings.Repeat(`<c t="1" d="1" r="2000000000"/>`, 100)+`</StreamIndex></SmoothStreamingMedia>`)
	},
	"segments without end": func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/" {
			fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
			return
		}
		for zeros := make([]byte, 1<<20); q.Method != http.MethodHead; {
			if _, err := w.Write(zeros); err != nil {
				return
			}
		}
	},
	"parts without end": func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/" {
			_, _ = w.Write(make([]byte, 1<<20))
			return
		}
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=0.1\n#EXT-X-PART-INF:PART-TARGET=0.02\n#EXT-X-MAP:URI=\"i\"\n")
		for i := range 20_000 + time.Now().UnixNano()/1e6%20_000 {
			fmt.Fprintf(w, "#EXT-X-PART:DURATION=0.02,URI=\"p%d\"\n", i)
		}
	},
	"parts at once": func(w http.ResponseWriter, q *http.Request) {
		n := time.Now().UnixNano()
		fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1\n#EXT-X-PART-INF:PART-TARGET=0.02\n#EXT-X-MEDIA-SEQUENCE:%d\n"+
			"#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\na%d\n#EXT-X-PART:DURATION=0.02,URI=\"p\"\n#EXT-X-RENDITION-REPORT:URI=\"/\",LAST-MSN=18446744073709551615,LAST-PART=99999999999999999999\n", n, n)
	},
	"entities": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><MPD>&b;</MPD>`)
	},
	"elements without end": func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">`+strings.Repeat("<a>", 1_000_000))
	},
}

func TestHostileOrigins(t *testing.T) {
	long(t)
	for name, handler := range hostile {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			began := time.Now()
			report, err := Run(t.Context(), Options{URLs: []string{server.URL + "/"}, For: time.Second})
			if err != nil || report.Clean() {
				t.Errorf("%v, or nothing to say", err)
			}
			if took := time.Since(began); took > requestTime+20*time.Second {
				t.Errorf("the run took %v", took)
			}
			server.CloseClientConnections()
		})
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 1<<30 {
		t.Errorf("%d MiB were taken from the system", m.Sys>>20)
	}
}

// TestSecretsStayOut: tokens in queries, and passwords, are in no report.
func TestSecretsStayOut(t *testing.T) {
	r := load(t)
	r.replace(hlsPath, "QualityLevels(240000)/Manifest(video360,format=m3u8-cmaf).m3u8", "gone.m3u8?token=s3cret2&x=1")
	base := strings.Replace(r.serve(), "http://", "http://user:s3cret1@", 1)
	report, err := Run(t.Context(), Options{URLs: []string{base + hlsPath + "?sig=s3cret3", base + "/nothing?sig=s3cret4"}})
	if err != nil {
		t.Fatal(err)
	}
	var text, data strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteJSON(&data); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) == 0 || strings.Contains(text.String()+data.String(), "s3cret") {
		t.Errorf("a secret is in the report:\n%s", text.String())
	}
}

// TestTableIsInOrder: numbers are unique and ascend, and each assertion says where it comes from.
func TestTableIsInOrder(t *testing.T) {
	for i, a := range assertions {
		if i > 0 && a.Number <= assertions[i-1].Number || a.Name == "" || a.Source == "" || a.Severity != Must && a.Severity != Should {
			t.Errorf("%+v", a)
		}
	}
}

// TestRunRefuses options that cannot work.
func TestRunRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"no URL":            {},
		"too many":          {URLs: make([]string, maxURLs+1)},
		"unknown assertion": {URLs: []string{"http://localhost/"}, Ignore: []int{9999}},
	} {
		if _, err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, url := range map[string]string{"nobody": "http://127.0.0.1:1/", "a file": "file:///etc/passwd", "no URL": "%zz"} {
		report, err := Run(t.Context(), Options{URLs: []string{url}})
		if err != nil || report.Judged() || report.Clean() {
			t.Errorf("%s: %v, %+v", name, err, report)
		}
	}
}

// TestEachAssertionHasAFault: an assertion that no seeded fault names may as well be a comment.
func TestEachAssertionHasAFault(t *testing.T) {
	named := map[int]bool{}
	for _, table := range []map[string]fault{hlsFaults, dashFaults, mediaFaults, httpFaults} {
		for _, f := range table {
			named[f.want] = true
		}
	}
	for _, table := range []map[string]liveFault{liveFaults, smoothFaults} {
		for _, f := range table {
			named[f.want] = true
		}
	}
	for _, table := range []map[string]lowFault{partFaults, blockingFaults, growingFaults} {
		for _, f := range table {
			named[f.want] = true
		}
	}
	for _, a := range assertions {
		if !named[a.Number] {
			t.Errorf("assertion %d (%s) has no seeded fault", a.Number, a.Name)
		}
	}
}
