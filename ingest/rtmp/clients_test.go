package rtmp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"

	"weir/ingest"
	"weir/ingest/rtmp/chunk"
)

// selfSigned is a TLS configuration such as an operator has who gives no certificate.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// need skips the test where a program is not installed; with WEIR_REQUIRE_TOOLS=1 it fails.
func need(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed, and WEIR_REQUIRE_TOOLS=1 asks for it", name)
	}
	t.Skip(name + " is not installed")
}

// encode runs an encoder until it ends.
func encode(t *testing.T, name string, args ...string) {
	t.Helper()
	need(t, name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// counts are how many messages of a kind a publication got, without empty ones, and their first bytes.
func (p *tape) counts(kind chunk.Kind) (n int, first string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.messages {
		if m.Header.Kind == kind && m.Header.Length > 0 {
			if n++; n == 1 {
				first = hex.EncodeToString([]byte(m.Payload[:min(len(m.Payload), 8)]))
			}
		}
	}
	return n, first
}

var ffmpegSource = strings.Fields("-v error -f lavfi -i testsrc=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -c:a aac -b:a 64k -f flv")

// ffmpeg publishes over RTMP and RTMPS, and verifies the digests of the handshake.
func TestFFmpeg(t *testing.T) {
	for _, scheme := range []string{"rtmp", "rtmps"} {
		t.Run(scheme, func(t *testing.T) {
			var secure *tls.Config
			if scheme == "rtmps" {
				secure = selfSigned(t)
			}
			b := newBenchOf(t, ingest.DefaultLimits(), nil, secure)
			encode(t, "ffmpeg", append(ffmpegSource, scheme+"://"+b.addr+"/live/good/cam1")...)
			p := b.tape(0)
			eventually(t, "the end", func() bool { _, _, closed := p.count(); return closed })
			frames, config := p.counts(chunk.Video)
			// 50 frames, the sequence header, the end of the sequence
			if frames != 52 || !strings.HasPrefix(config, "1700000000") {
				t.Errorf("%d messages of video, the first %s", frames, config)
			}
			sounds, config := p.counts(chunk.Audio)
			if sounds < 94 || sounds > 97 || !strings.HasPrefix(config, "af00") {
				t.Errorf("%d messages of audio, the first %s", sounds, config)
			}
			if len(p.said) == 0 || p.said[0][0].Text != "onMetaData" || p.said[0][1].Get("width").Number != 320 {
				t.Errorf("metadata: %+v", p.said)
			}
			if p.with != nil {
				t.Errorf("closed with %v", p.with)
			}
		})
	}
}

// GStreamer's rtmp2sink, which encoders for cameras are built on, and the older rtmpsink (librtmp, as in OBS).
func TestGStreamer(t *testing.T) {
	need(t, "gst-inspect-1.0")
	for _, sink := range []string{"rtmp2sink", "rtmpsink"} {
		t.Run(sink, func(t *testing.T) {
			b := newBench(t, ingest.DefaultLimits())
			encode(t, "gst-launch-1.0", strings.Fields("-q videotestsrc num-buffers=50 ! video/x-raw,width=320,height=180,framerate=25/1 ! "+
				"x264enc speed-preset=ultrafast key-int-max=25 ! video/x-h264,profile=main ! flvmux name=m streamable=true ! "+
				sink+" location=rtmp://"+b.addr+"/live/good/cam1 audiotestsrc num-buffers=90 ! audio/x-raw,rate=48000 ! avenc_aac ! m.")...)
			p := b.tape(0)
			eventually(t, "the end", func() bool { _, _, closed := p.count(); return closed })
			frames, config := p.counts(chunk.Video)
			if frames < 50 || frames > 52 || !strings.HasPrefix(config, "1700000000") {
				t.Errorf("%d messages of video, the first %s", frames, config)
			}
			if sounds, _ := p.counts(chunk.Audio); sounds < 80 {
				t.Errorf("%d messages of audio", sounds)
			}
			if len(p.said) == 0 || p.said[0][0].Text != "onMetaData" {
				t.Errorf("metadata: %+v", p.said)
			}
		})
	}
}

// The client of a Go library, with HEVC by Enhanced RTMP.
func TestGortmplib(t *testing.T) {
	secure := selfSigned(t)
	b := newBenchOf(t, ingest.DefaultLimits(), nil, secure)
	u, err := url.Parse("rtmps://" + b.addr + "/live/good/cam1")
	if err != nil {
		t.Fatal(err)
	}
	c := &gortmplib.Client{URL: u, Publish: true, TLSConfig: &tls.Config{InsecureSkipVerify: true}}
	if err := c.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	vps, _ := hex.DecodeString("40010c01ffff01600000030090000003000003003c9598090000")
	sps, _ := hex.DecodeString("42010101600000030090000003000003003ca00a080b9f79659a4932bc05a020000003002000000303c1")
	track := &gortmplib.Track{Codec: &codecs.H265{VPS: vps, SPS: sps, PPS: []byte{0x44, 1, 0xc1, 0x72, 0xb4, 0x62, 0x40}}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{track}}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		ms := time.Duration(i) * 40 * time.Millisecond
		if err := w.WriteH265(track, ms, ms, [][]byte{append([]byte{0x26, 1}, make([]byte, 5000)...)}); err != nil {
			t.Fatal(err)
		}
	}
	p := b.tape(0)
	eventually(t, "the frames", func() bool { n, _ := p.counts(chunk.Video); return n == 11 })
	if _, first := p.counts(chunk.Video); !strings.HasPrefix(first[2:], "68766331") {
		t.Errorf("first message %s", first)
	}
}
