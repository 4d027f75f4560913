#!/bin/sh
# Makes the Smooth streams of the tests with ffmpeg (libx264 built in): all.ismv is what it sends in one POST with two
# renditions and audio, audio.ismv the same audio in a POST of its own. 29.97 frames a second and 48 kHz, of which a clock of
# 10 MHz holds neither; B-frames; audio that starts before 0. The bytes differ with the version of ffmpeg.
set -eu
cd "$(dirname "$0")"
X="-c:v libx264 -threads 1 -preset veryfast -g 60 -keyint_min 60 -sc_threshold 0 -bf 2 -flags:v +bitexact"
A="-c:a aac -ac 1 -b:a 16k -flags:a +bitexact"
SMOOTH="-fflags +bitexact -movflags isml+frag_keyframe -f ismv"
ffmpeg -v error -y -f lavfi -i testsrc2=s=96x54:r=30000/1001:d=14.014 -f lavfi -i sine=r=48000:d=14.014 \
  -map 0:v -map 0:v -map 1:a $X -s:v:1 64x36 -b:v:0 40k -b:v:1 20k $A $SMOOTH all.ismv \
  -map 1:a $A $SMOOTH -frag_duration 1000000 audio.ismv
ls -l
