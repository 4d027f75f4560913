package e2e

import (
	"testing"
	"time"
)

// TestNodeKilledWhilePut: weir is ended by kill -9 while ffmpeg PUTs by the docs, and started again. ffmpeg goes on with its
// next segment and never sends its headers again; what is missing is GAP, names and numbers stay, and no generation opens.
func TestNodeKilledWhilePut(t *testing.T) {
	need(t, "ffmpeg")
	for name, heading := range map[string]string{"low-dash": docsLowDASH, "hls": docsHLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, settings{name: name})
			encoder := pushFFmpeg(t, n, heading, copied(t))
			listedSegments(t, n.base(), 4, 3)
			before := snapshot(t, n.base())

			n.process.kill()
			<-time.After(time.Second)
			n.start()
			listedSegments(t, n.base(), 4, 3)
			if !encoder.running() {
				t.Fatalf("ffmpeg has ended: %v", encoder.err)
			}
			hls := decode(t, name+"-decoded", n.base()+hlsPath, 6*time.Second, "-live_start_index", "-2")
			after := snapshot(t, n.base())
			if after.multivariant != before.multivariant {
				t.Errorf("the multivariant playlist was\n%s\nand is\n%s", before.multivariant, after.multivariant)
			}
			for list, was := range before.playlists {
				is := after.playlists[list]
				if is == nil {
					t.Errorf("%s is gone", list)
				} else if err := sameGrid(was, is); err != nil || is.discontinuity != was.discontinuity || is.segments[0].init != was.segments[0].init {
					t.Errorf("%s: %v; %s", list, err, is.shape())
				}
			}
			hls.check(t, 4, 0)
		})
	}
}
