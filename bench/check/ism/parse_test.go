package ism

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"weir/bench/check/mp4"
)

const text = `<SmoothStreamingMedia MajorVersion="2" MinorVersion="2" TimeScale="10000000" Duration="0" IsLive="TRUE" LookaheadCount="2">
<StreamIndex Type="video" Name="v" Language="eng" TimeScale="90000" Chunks="5" QualityLevels="1" Url="QualityLevels({bitrate})/Fragments(v={start time})">
<QualityLevel Index="0" Bitrate="800000" FourCC="H264" MaxWidth="426" MaxHeight="240" CodecPrivateData="PRIVATE"/>
<c t="900" d="180000" r="3"/><c/><c t="900900" d="90000"/>
</StreamIndex>
<StreamIndex Type="audio" Name="a" Chunks="0" QualityLevels="1" Url="QualityLevels({bitrate})/Fragments(a={start time})">
<QualityLevel Index="0" Bitrate="96000" FourCC="AACL" SamplingRate="48000" Channels="2" CodecPrivateData="1190"/>
</StreamIndex>
</SmoothStreamingMedia>`

// private is a 426x240 picture of Main profile, level 2.2, and its PPS.
const private = "00000001674D4016EC81B1F6A7828282FC3100000300010000030032E0C000061A0000186A4AF41F1421FC0000000168EB8F2C"

func TestParse(t *testing.T) {
	m, err := Parse([]byte(strings.Replace(text, "PRIVATE", private, 1)))
	if err != nil || len(m.Faults) > 0 {
		t.Fatalf("Parse: %v, %v", err, m.Faults)
	}
	var got []int64
	for _, c := range m.Streams[0].Chunks {
		got = append(got, c.Time, c.Duration)
	}
	want := []int64{900, 180000, 180900, 180000, 360900, 180000, 540900, 360000, 900900, 90000}
	if !slices.Equal(got, want) {
		t.Errorf("chunks %v, want %v", got, want)
	}
	s := m.Streams[0]
	if url := s.Fragment(s.Levels[0], 900); url != "QualityLevels(800000)/Fragments(v=900)" {
		t.Errorf("URL %s", url)
	}
}

func TestHeader(t *testing.T) {
	m, err := Parse([]byte(strings.Replace(text, "PRIVATE", private, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"avc1.4d4016", "mp4a.40.2"} {
		s := m.Streams[i]
		b, err := s.Header(s.Levels[0])
		if err != nil {
			t.Fatal(err)
		}
		in, err := mp4.ReadInit(b)
		if err != nil || in.Codec != want || len(in.Faults) > 0 || int64(in.Timescale) != s.TimeScale {
			t.Errorf("%s: %v, %+v", want, err, in)
		}
	}
}

// TestHEVC: the header of an x265 stream says Main profile, level 3.1.
func TestHEVC(t *testing.T) {
	data := "0000000140010C01FFFF01600000030090000003000003005D959809" +
		"0000000142010101600000030090000003000003005DA00280802D165959A4932BC05A020000030002000003003210" +
		"000000014401C172B46240"
	b, err := hex.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	s := &Stream{Type: "video", TimeScale: 90000}
	header, err := s.Header(&Level{FourCC: "HVC1", Private: b, NALULength: 4, Width: 1280, Height: 720})
	if err != nil {
		t.Fatal(err)
	}
	in, err := mp4.ReadInit(header)
	if err != nil || !strings.HasPrefix(in.Codec, "hvc1.1.6.L93") || in.Width != 1280 {
		t.Errorf("%v, %+v", err, in)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(strings.Replace(text, "PRIVATE", private, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		total := 0
		for _, s := range m.Streams {
			total += len(s.Chunks)
			for _, l := range s.Levels {
				if header, err := s.Header(l); err == nil && header != nil {
					_, _ = mp4.ReadInit(header)
				}
				_ = s.Fragment(l, 1)
			}
		}
		if total > maxChunks || len(m.Faults) > maxFaults {
			t.Fatalf("%d chunks, %d faults", total, len(m.Faults))
		}
	})
}
