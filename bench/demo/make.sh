#!/bin/sh
# Makes the demo's loop: three H.264 renditions and stereo AAC-LC, one fragmented MP4 a track, next to this script.
# The results are committed; run this only to change them. Needs ffmpeg with libx264 and drawtext, and DejaVu fonts
# (Debian: apt-get install ffmpeg fonts-dejavu-core). Takes about a minute on two cores.
#
# 16 s is the shortest whole number of seconds that is at once whole 25 fps frames (400), whole GOPs of 2 s (8) and
# whole AAC frames at 48 kHz (750), so that sample 0 follows the last sample without a seam in either track.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seconds=16

# The picture is drawn once at 960x540 and scaled; only the rendition's name is drawn per rendition. Everything that
# moves has a period that divides 16 s.
water='lum=46+14*sin(2*PI*(X/96-T/4)+1.5*sin(2*PI*(Y/67+T/8)))+10*sin(2*PI*(Y/45-X/240+T/2)):cb=146+6*sin(2*PI*(Y/135+T/16)):cr=112'
mono="font=DejaVu Sans Mono:fontcolor=white:borderw=3:bordercolor=black"

# The frame counter for machines: 16 squares of 1/24 of the width, from x = 1/6 of the width, most significant bit
# first, white = 1 (centres at 7/9 of the height); below them (centres at 23/27) the same 16 bits inverted, as a check.
squares=''
i=0
while [ $i -lt 16 ]; do
	x=$((160 + 40 * i))
	bit=$((1 << (15 - i)))
	squares="$squares,drawbox=x=$x:y=400:w=40:h=40:t=fill:c=white:enable='gt(bitand(n,$bit),0)'"
	squares="$squares,drawbox=x=$x:y=440:w=40:h=40:t=fill:c=white:enable='eq(bitand(n,$bit),0)'"
	i=$((i + 1))
done

# The white square at the top right flashes for two frames from each second's first frame on, together with the beep.
# The mark at the lower edge crosses the picture once a loop.
ffmpeg -v error -y -f lavfi -i "color=c=black:s=240x136:r=25:d=$seconds" -f lavfi -i "color=c=white:s=24x20:r=25:d=$seconds" -filter_complex "
[0]format=yuv420p,geq=$water,scale=960:540:flags=bicubic,
drawbox=x=156:y=396:w=648:h=88:t=fill:c=black$squares,
drawbox=x=800:y=40:w=120:h=120:t=4:c=white,
drawbox=x=800:y=40:w=120:h=120:t=fill:c=white:enable='lt(mod(n,25),2)',
drawtext=$mono:fontsize=96:x=40:y=170:text='%{eif\:floor(n/25)\:d\:2}.%{eif\:mod(n,25)*40\:d\:3} s',
drawtext=$mono:fontsize=72:x=40:y=290:text='frame %{eif\:n\:d\:3}'[drawn];
[drawn][1]overlay=x='936*n/399':y=512:eval=frame" \
	-c:v ffv1 "$work/drawn.mkv"

# video NAME WIDTH HEIGHT PROFILE KBITS
video() {
	for pass in 1 2; do
		out="$work/$1.mp4"
		[ $pass = 1 ] && out=/dev/null
		ffmpeg -v error -y -i "$work/drawn.mkv" \
			-vf "scale=$2:$3:flags=area,setsar=1,drawtext=$mono:fontsize=h/8:x=w/24:y=h/13:text='$1',format=yuv420p" \
			-c:v libx264 -profile:v "$4" -preset veryslow -threads 1 -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 \
			-b:v "$5k" -maxrate "$(($5 * 11 / 10))k" -bufsize "$(($5 * 2))k" -pass $pass -passlogfile "$work/$1" \
			-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv -map_metadata -1 -fflags +bitexact -flags:v +bitexact \
			-movflags +cmaf+frag_keyframe+empty_moov+default_base_moof+skip_trailer -f mp4 "$out"
	done
	mv "$work/$1.mp4" "$1.mp4"
}
video 540p 960 540 high 440
video 360p 640 360 main 240
video 240p 426 240 main 120

# Beeps of 80 ms on each second, 1 kHz, an octave higher on the loop's first, over a faint chord of whole-hertz tones.
# A longer run is encoded and 750 frames are taken from its middle, so that the encoder's start (priming) is not in the
# loop and the frame before the first is what the last one is.
beep='0.5*lt(mod(t,1),0.08)*sin(2*PI*t*if(lt(mod(t,16),1),2000,1000))*min(1,min(mod(t,1),max(0.08-mod(t,1),0))*250)'
ffmpeg -v error -y -f lavfi -i "aevalsrc='0.02*sin(2*PI*220*t)+$beep|0.02*sin(2*PI*330*t)+$beep':s=48000:d=$((3 * seconds))" \
	-c:a aac -b:a 96k -ac 2 -flags:a +bitexact "$work/long.mp4"
ffmpeg -v error -y -i "$work/long.mp4" -c copy -map_metadata -1 -fflags +bitexact \
	-bsf:a "noise=drop='lt(pts,768000)+gte(pts,1536000)',setts=ts=TS-768000" \
	-metadata:s:a:0 language=eng -movflags +cmaf+empty_moov+default_base_moof+skip_trailer -frag_duration 2000000 -f mp4 "$work/audio.mp4"
mv "$work/audio.mp4" audio.mp4

ls -l ./*.mp4
