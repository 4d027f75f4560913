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

// TestRTMP: what ffmpeg publishes over RTMP and over RTMPS is played; the certificate outlives a restart; no secret is in
// the log; a shutdown does not wait for the encoder.
func TestRTMP(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("WEIR_REQUIRE_TOOLS") == "1" {
			t.Fatal("ffmpeg is not installed, and WEIR_REQUIRE_TOOLS=1 asks for it")
		}
		t.Skip("ffmpeg is not installed")
	}
	config := writeConfig(t, "")
	var certificates []string
	for _, way := range []struct{ scheme, key string }{{"rtmp", "rtmp.listen"}, {"rtmps", "rtmp.tls.listen"}} {
		p := startProcess(t, "serve", "-config", config)
		encoder := exec.CommandContext(t.Context(), "ffmpeg", strings.Fields(
			"-v error -re -f lavfi -i testsrc=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 60 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 "+
				"-sc_threshold 0 -c:a aac -b:a 64k -f flv "+way.scheme+"://"+p.addr(way.key)+"/live/"+accessToken+"/cam")...)
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
		certificate, err := os.ReadFile(filepath.Join(dataDir(t, config), certificateFile))
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, string(certificate))
		if info, err := os.Stat(filepath.Join(dataDir(t, config), keyFile)); err != nil || info.Mode().Perm() != 0o600 {
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
