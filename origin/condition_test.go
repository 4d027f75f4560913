package origin

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testTag = `"0123456789abcdef"`

// ours answers a GET of content as weir does; theirs as net/http does, the reference for conditions and ranges.
func ours(content []byte, fields map[string]string) (status int, contentRange string, b []byte) {
	a := Answer{Kind: KindSegment, Status: 200, ContentType: "video/mp4", ETag: testTag, Ranges: rangesBytes, Bytes: content}
	field := func(name string) []byte { return []byte(fields[name]) }
	a.finish(&Request{
		Method: MethodGet, IfMatch: field("If-Match"), IfNoneMatch: field("If-None-Match"),
		Range: field("Range"), IfRange: field("If-Range"),
	})
	if a.ContentRange {
		contentRange = string(a.appendContentRange(nil))
	}
	if a.Status >= 300 {
		return a.Status, contentRange, nil
	}
	return a.Status, contentRange, a.Bytes
}

func theirs(content []byte, fields map[string]string) (status int, contentRange string, b []byte) {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	for name, value := range fields {
		if value != "" {
			r.Header[name] = []string{value}
		}
	}
	w.Header().Set("Etag", testTag)
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	if w.Code >= 300 {
		return w.Code, w.Header().Get("Content-Range"), nil
	}
	return w.Code, w.Header().Get("Content-Range"), w.Body.Bytes()
}

func TestConditionsAsServeContent(t *testing.T) {
	content := []byte("0123456789")
	for _, fields := range []map[string]string{
		{},
		{"Range": "bytes=0-0"},
		{"Range": "bytes=0-9"},
		{"Range": "bytes=0-10"},
		{"Range": "bytes=2-4"},
		{"Range": "bytes=9-"},
		{"Range": "bytes=0-"},
		{"Range": "bytes=10-"},
		{"Range": "bytes=10-20"},
		{"Range": "bytes=-1"},
		{"Range": "bytes=-10"},
		{"Range": "bytes=-11"},
		{"Range": "bytes=2-4", "If-Range": testTag},
		{"Range": "bytes=2-4", "If-Range": `"other"`},
		{"Range": "bytes=2-4", "If-Range": "W/" + testTag},
		{"Range": "bytes=2-4", "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"},
		{"Range": "bytes=20-", "If-Range": `"other"`},
		{"If-None-Match": testTag},
		{"If-None-Match": "W/" + testTag},
		{"If-None-Match": "*"},
		{"If-None-Match": `"a", "b" ,` + testTag},
		{"If-None-Match": `"a", "b"`},
		{"If-None-Match": `a, ` + testTag},
		{"If-None-Match": `"a`},
		{"If-None-Match": strings.Trim(testTag, `"`)},
		{"If-None-Match": testTag, "Range": "bytes=2-4"},
		{"If-None-Match": `"other"`, "Range": "bytes=2-4"},
		{"If-Match": testTag},
		{"If-Match": "W/" + testTag},
		{"If-Match": `"other"`},
		{"If-Match": "*"},
		{"If-Match": testTag, "If-None-Match": testTag},
		{"If-Match": `"other"`, "If-None-Match": testTag},
	} {
		status, contentRange, b := ours(content, fields)
		wantStatus, wantRange, want := theirs(content, fields)
		if status != wantStatus || contentRange != wantRange || !bytes.Equal(b, want) {
			t.Errorf("%v: got %d %q %q, net/http says %d %q %q", fields, status, contentRange, b, wantStatus, wantRange, want)
		}
	}
}

// TestRangesThatServeContentReadsOtherwise has the cases where weir follows RFC 9110 more closely, or more simply: what
// is not a range is ignored (net/http: 416), and several ranges are answered with the whole (net/http: multipart).
func TestRangesThatServeContentReadsOtherwise(t *testing.T) {
	for field, want := range map[string]string{
		"bytes=2-4,6-7":                "200",
		"bytes=2-4, 20-":               "200",
		"bytes=4-2":                    "200",
		"bytes=":                       "200",
		"bytes=-":                      "200",
		"bytes=a-b":                    "200",
		"bytes=+1-2":                   "200",
		"bytes=--1":                    "200",
		"bytes":                        "200",
		"items=0-1":                    "200",
		"bytes=-0":                     "416 bytes */10",
		"bytes=99999999999999999999-":  "416 bytes */10",
		"bytes=5-99999999999999999999": "206 bytes 5-9/10",
		"bytes=-99999999999999999999":  "206 bytes 0-9/10",
		"BYTES=2-4":                    "206 bytes 2-4/10",
		"bytes= 2-4 ":                  "206 bytes 2-4/10",
		"bytes=18446744073709551616-":  "416 bytes */10",
		"bytes=9223372036854775807-":   "416 bytes */10",
		"bytes=1-9223372036854775807":  "206 bytes 1-9/10",
	} {
		status, contentRange, _ := ours([]byte("0123456789"), map[string]string{"Range": field})
		got := strings.TrimSpace(fmt.Sprint(status, " ", contentRange))
		if got != want {
			t.Errorf("Range: %s gives %s, want %s", field, got, want)
		}
	}
	if status, _, _ := ours(nil, map[string]string{"Range": "bytes=0-0"}); status != 416 {
		t.Errorf("Range of nothing gives %d, want 416", status)
	}
}

func TestHeadHasNoRange(t *testing.T) {
	a := Answer{Status: 200, ETag: testTag, Ranges: rangesBytes, Bytes: []byte("0123456789")}
	a.finish(&Request{Method: MethodHead, Range: []byte("bytes=0-1")})
	if a.Status != 200 || a.Len() != 10 {
		t.Errorf("HEAD with a Range = %d, %d bytes; want 200, 10", a.Status, a.Len())
	}
}

func TestAcceptsGzip(t *testing.T) {
	for field, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "br, gzip": true, "deflate, gzip;q=1.0, *;q=0.5": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=0.001": true, "gzip;Q=0": false, "*": true, "*;q=0": false,
		"gzip;q=0, *": false, "*, gzip;q=0": false, "identity": false, "br": false, "gzipped": false, ";q=1": false,
	} {
		if got := acceptsGzip([]byte(field)); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", field, got, want)
		}
	}
}

// FuzzRange checks each answer to a Range against what net/http says to the same field, as far as the two mean the same.
func FuzzRange(f *testing.F) {
	for _, field := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=1-+13", "bytes=1-2,3-4", "bytes=99999999999999999999-", "bytes=-0", "x"} {
		f.Add(field, uint8(10))
	}
	f.Fuzz(func(t *testing.T, field string, size uint8) {
		if strings.ContainsAny(field, "\r\n") {
			return // no header has them
		}
		content := []byte(strings.Repeat("0123456789abcdef", 16))[:size]
		fields := map[string]string{"Range": field}
		status, contentRange, b := ours(content, fields)
		wantStatus, wantRange, want := theirs(content, fields)
		same := status == wantStatus && contentRange == wantRange && bytes.Equal(b, want)
		switch {
		case same:
		case status == 200 && bytes.Equal(b, content):
			if wantStatus == 206 && !strings.ContainsAny(field, ",+ \t") { // a sign is no digit
				t.Fatalf("Range %q of %d bytes is ignored; net/http says %q", field, size, wantRange)
			}
		case status == 206:
			if wantStatus == 206 {
				t.Fatalf("Range %q of %d bytes: %q %q; net/http says %q %q", field, size, contentRange, b, wantRange, want)
			}
		case status == 416 && contentRange == fmt.Sprintf("bytes */%d", size):
			if wantStatus == 206 && len(want) > 0 {
				t.Fatalf("Range %q of %d bytes is refused; net/http says %q", field, size, wantRange)
			}
		default:
			t.Fatalf("Range %q of %d bytes: %d %q %q", field, size, status, contentRange, b)
		}
	})
}

// FuzzConditions checks If-Match and If-None-Match against net/http, exactly.
func FuzzConditions(f *testing.F) {
	for _, field := range []string{testTag, "W/" + testTag, "*", `"a", "b"`, `"a" "b", ` + testTag, ",,", "W/", `"`} {
		f.Add(field, field)
	}
	f.Fuzz(func(t *testing.T, match, noneMatch string) {
		if strings.ContainsAny(match+noneMatch, "\r\n") {
			return
		}
		fields := map[string]string{"If-Match": match, "If-None-Match": noneMatch}
		status, _, _ := ours([]byte("0123456789"), fields)
		if want, _, _ := theirs([]byte("0123456789"), fields); status != want {
			t.Fatalf("If-Match: %q, If-None-Match: %q gives %d; net/http says %d", match, noneMatch, status, want)
		}
	})
}

// FuzzAcceptEncoding checks that what names gzip without a weight is taken, and that nothing else panics.
func FuzzAcceptEncoding(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=0")
	f.Add("br, *")
	f.Fuzz(func(t *testing.T, field string) {
		acceptsGzip([]byte(field))
		if !strings.Contains(strings.ToLower(field), "gzip") && !acceptsGzip([]byte("gzip, "+field)) {
			t.Fatalf("acceptsGzip(gzip, %q) = false", field)
		}
	})
}
