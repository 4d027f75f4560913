#!/bin/sh
# Makes the encoder streams of the tests, with ffmpeg (libx264, libx265, libaom, libvpx, libopus built in).
# Streams are small and cut after their first fragments; the bytes differ with the version of ffmpeg, so run it only to
# add a case, and read the golden files afterwards: go test ./media -run Golden -update
set -eu
cd "$(dirname "$0")"
F="ffmpeg -v error -y"
V="-f lavfi -i smptebars=s=320x180:r=25:d=2"
N="-f lavfi -i smptebars=s=320x180:r=30000/1001:d=2"
A="-f lavfi -i sine=r=48000:d=1"
X="-c:v libx264 -crf 45 -g 25 -bf 2 -sc_threshold 0"
CMAF="cmaf+frag_keyframe+empty_moov+default_base_moof"
DELAY="frag_keyframe+delay_moov+default_base_moof"

# H.264 with B-frames: signed offsets (CMAF), edit list, and two tracks with absolute offsets
$F $V $X -b:v 300k -movflags $CMAF -f mp4 avc-cmaf.mp4
$F $V $X -movflags $DELAY -f mp4 avc-edit.mp4
$F $V $A $X -c:a aac -b:a 32k -t 1 -movflags frag_keyframe+delay_moov -f mp4 av-absolute.mp4
# anamorphic, cropped, 29.97
$F -f lavfi -i smptebars=s=360x242:r=30000/1001:d=1 $X -vf setsar=4/3 -movflags $CMAF -f mp4 avc-sar.mp4
# parameter sets in band
$F $V $X -t 1 -bsf:v dump_extra -tag:v avc3 -strict unofficial -movflags $CMAF -f mp4 avc3.mp4
# HEVC, sample entries hvc1 and hev1
H="-c:v libx265 -x265-params log-level=none:keyint=25:open-gop=0 -crf 45 -t 1"
$F $N $H -tag:v hvc1 -movflags $CMAF -f mp4 hevc-hvc1.mp4
$F $N $H -tag:v hev1 -movflags $CMAF -f mp4 hevc-hev1.mp4
# AAC, with and without the edit list of its priming; a language and a role
$F $A -c:a aac -b:a 32k -frag_duration 500000 -movflags $CMAF -metadata:s:a:0 language=deu -f mp4 aac-cmaf.mp4
$F $A -c:a aac -b:a 32k -frag_duration 500000 -movflags $DELAY -f mp4 aac-edit.mp4
# Smooth: no tfdt, tfxd with a negative start, 10 MHz
$F $V $A $X -c:a aac -b:a 32k -t 1 -movflags isml+frag_keyframe -f ismv smooth.ismv
# others; ffmpeg knows the configuration of most only from their first packet
LATE="cmaf+frag_keyframe+delay_moov"
$F $V -c:v libaom-av1 -cpu-used 8 -crf 60 -t 0.2 -movflags $LATE -f mp4 av1.mp4
$F $V -c:v libvpx-vp9 -crf 60 -b:v 0 -t 0.2 -movflags $LATE -f mp4 vp9.mp4
for c in ac3 eac3 libopus flac; do
  $F $A -ac 2 -c:a $c -b:a 64k -t 0.2 -strict -2 -movflags $LATE -f mp4 ${c#lib}.mp4
done
$F $A -c:a ac3 -ac 6 -b:a 192k -t 0.1 -movflags $LATE -f mp4 ac3-51.mp4
printf '1\n00:00:00,000 --> 00:00:01,000\nhello\n' | $F -f srt -i - -c:s mov_text -movflags $CMAF -f mp4 tx3g.mp4
ls -l
