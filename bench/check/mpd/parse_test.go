package mpd

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func recorded(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../testdata/clean/manifest(format=mpd-time-cmaf)")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseRecorded(t *testing.T) {
	m, err := Parse(recorded(t))
	if err != nil || len(m.Faults) > 0 {
		t.Fatalf("Parse: %v, %v", err, m.Faults)
	}
	r := m.Periods[0].Sets[0].Representations[0]
	if n := len(r.Segments); n < 25 {
		t.Fatalf("%d segments", n)
	}
	first := r.Segments[0]
	if at := r.UTC(m, first.Time); at.Year() != 2026 || !strings.Contains(first.URL, "(video360=2298") || r.InitURL() == "" {
		t.Errorf("segment at %v: %+v, init %s", at, first, r.InitURL())
	}
}

const frame = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="x" minBufferTime="PT1S" type="TYPE" availabilityStartTime="2026-01-01T00:00:00Z" mediaPresentationDuration="PT9S"><BaseURL>a/</BaseURL><Period id="p">` +
	`<AdaptationSet><SegmentTemplate timescale="10" media="$RepresentationID$-$Number%05d$-$Time$.m4s" initialization="i$$.mp4" startNumber="3" BODY</SegmentTemplate><Representation id="v" bandwidth="1"><BaseURL>b/</BaseURL></Representation></AdaptationSet></Period></MPD>`

func mpdOf(kind, body string) []byte {
	return []byte(strings.Replace(strings.Replace(frame, "TYPE", kind, 1), "BODY", body, 1))
}

func urls(list []Segment) (out []string) {
	for _, s := range list {
		out = append(out, s.URL)
	}
	return out
}

func TestTimeline(t *testing.T) {
	m, err := Parse(mpdOf("static", `><SegmentTimeline><S t="5" d="20" r="1"/><S t="60" d="10" r="-1"/></SegmentTimeline>`))
	if err != nil || len(m.Faults) > 0 {
		t.Fatalf("Parse: %v, %v", err, m.Faults)
	}
	r := m.Periods[0].Sets[0].Representations[0]
	want := []string{"a/b/v-00003-5.m4s", "a/b/v-00004-25.m4s", "a/b/v-00005-60.m4s", "a/b/v-00006-70.m4s", "a/b/v-00007-80.m4s"}
	if got := urls(r.Segments); !slices.Equal(got, want) || r.InitURL() != "a/b/i$.mp4" {
		t.Errorf("got %v, init %s, want %v", got, r.InitURL(), want)
	}
}

func TestNumbered(t *testing.T) {
	m, err := Parse(mpdOf("dynamic", `duration="20">`))
	if err != nil {
		t.Fatal(err)
	}
	r := m.Periods[0].Sets[0].Representations[0]
	got := urls(r.Numbered(m, m.AvailabilityStart.Add(7*time.Second), 2))
	if want := []string{"a/b/v-00004-20.m4s", "a/b/v-00005-40.m4s"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"PT2S": 2 * time.Second, "PT1M0.5S": 60500 * time.Millisecond, "P1DT1H": 25 * time.Hour, "PT0S": 0,
		"PT1577836800S": 1577836800 * time.Second,
	} {
		if got, ok := Duration(s); !ok || got != want {
			t.Errorf("Duration(%q) = %v, %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "P", "PT", "P1Y", "P1M", "2S", "PT-1S", "PT99999999999S", "-PT1S", "P1DT"} {
		if got, ok := Duration(s); ok {
			t.Errorf("Duration(%q) = %v", s, got)
		}
	}
}

func TestClaimsAreNotBelieved(t *testing.T) {
	for name, body := range map[string]string{
		"repeats":  `><SegmentTimeline><S t="0" d="1" r="2000000000"/></SegmentTimeline>`,
		"overflow": `><SegmentTimeline><S t="9223372036854775807" d="9223372036854775807" r="9"/></SegmentTimeline>`,
		"open end": `><SegmentTimeline><S t="0" d="1" r="-1"/><S t="4611686018427387904" d="1"/></SegmentTimeline>`,
	} {
		m, err := Parse(mpdOf("dynamic", body))
		if err != nil {
			continue
		}
		if n := len(m.Periods[0].Sets[0].Representations[0].Segments); n > maxSegments || len(m.Faults) == 0 {
			t.Errorf("%s: %d segments, faults %v", name, n, m.Faults)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(recorded(f))
	f.Add(mpdOf("static", `><SegmentTimeline><S t="5" d="20" r="1"/><S t="60" d="10" r="-1"/></SegmentTimeline>`))
	f.Add(mpdOf("dynamic", `duration="20">`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		total := 0
		for _, p := range m.Periods {
			for _, s := range p.Sets {
				for _, r := range s.Representations {
					total += len(r.Segments)
					for _, s := range r.Segments {
						if s.Duration <= 0 && r.Template.Element.Name == "SegmentTemplate" {
							t.Fatalf("segment %+v", s)
						}
					}
					_ = r.Numbered(m, time.Now(), 10)
					_ = r.InitURL()
				}
			}
		}
		if total > 2*maxSegments || len(m.Faults) > maxFaults {
			t.Fatalf("%d segments, %d faults", total, len(m.Faults))
		}
	})
}
