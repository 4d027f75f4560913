package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRTMP: what ffmpeg publishes over RTMP and over RTMPS is played, and GStreamer's rtmp2sink; the certificate outlives a restart; no secret is in
// the log; a shutdown does not wait for the encoder.
func TestRTMP(t *testing.T) {
	const (
		ffmpeg = "ffmpeg -v error -re -f lavfi -i testsrc=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 60 -c:v libx264 -preset ultrafast " +
			"-pix_fmt yuv420p -g 50 -sc_threshold 0 -c:a aac -b:a 64k -f flv "
		gstreamer = "gst-launch-1.0 -q videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! " +
			"x264enc speed-preset=ultrafast key-int-max=50 ! video/x-h264,profile=main ! flvmux streamable=true name=m " +
			"audiotestsrc is-live=true ! audio/x-raw,rate=48000 ! avenc_aac ! m. m. ! rtmp2sink location="
	)
	config := writeConfig(t, "")
	var certificates []string
	for _, way := range []struct{ command, scheme, key, config string }{
		{ffmpeg, "rtmp", "rtmp.listen", config},
		{ffmpeg, "rtmps", "rtmp.tls.listen", config},
		{gstreamer, "rtmp", "rtmp.listenSecondary", writeConfig(t, "")},
	} {
		command := strings.Fields(way.command)
		if _, err := exec.LookPath(command[0]); err != nil {
			if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
				t.Fatal(command[0] + " is not installed, and WEIR_REQUIRE_TOOLS=1 asks for it")
			}
			t.Skip(command[0] + " is not installed")
		}
		p := startProcess(t, "serve", "-config", way.config)
		command = strings.Fields(way.command + way.scheme + "://" + p.addr(way.key) + "/live/" + accessToken + "/cam")
		encoder := exec.CommandContext(t.Context(), command[0], command[1:]...)
		if err := encoder.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = encoder.Process.Kill() })
		eventually(t, 30*time.Second, "a multivariant playlist", func() (bool, string) {
			status, text := get(t, p.streaming()+"manifest(format=m3u8-cmaf)", "")
			return status == 200 && strings.Contains(text, "avc1.") && strings.Contains(text, "mp4a.40.2"), text
		})
		_, text := get(t, "http://"+p.addr("admin.listen")+"/metrics", "l00k")
		if !strings.Contains(text, "\nweir_rtmp_publications 1\n") {
			t.Error("/metrics shows no publication")
		}
		p.signal(syscall.SIGTERM)
		if err := p.end(8 * time.Second); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
		_ = encoder.Wait() // it has lost its server
		p.mu.Lock()
		for _, l := range p.lines {
			if strings.Contains(l, accessToken) {
				t.Errorf("a secret is in the log: %s", l)
			}
		}
		p.mu.Unlock()
		certificate, err := os.ReadFile(filepath.Join(dataDir(t, way.config), certificateFile))
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, string(certificate))
		if info, err := os.Stat(filepath.Join(dataDir(t, way.config), keyFile)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("key file: %v %v", info, err)
		}
	}
	if certificates[0] != certificates[1] {
		t.Error("a restart made another certificate")
	}
}

func dataDir(t *testing.T, config string) string {
	t.Helper()
	c, err := Load(config, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c.Data.Dir
}
