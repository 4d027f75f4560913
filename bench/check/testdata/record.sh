#!/bin/sh
# Records the clean set of the checker's tests from a running 'weir demo': manifests, init segments, and the newest three
# segments of each track by number (the tests serve them by time too). The 540p rendition is left out: the set is to be
# small. Run it in this folder, after the demo has run for half a minute:
#
#   ./record.sh http://localhost:8080/11111111-2222-4333-8444-000000000001/demo.ism
set -eu

base=$1
out=clean
rm -rf "$out"
mkdir -p "$out"

# fetch PATH: one object below the base, under its own name.
fetch() {
	mkdir -p "$out/$(dirname "$1")"
	curl -sSf --globoff -o "$out/$1" "$base/$1"
}

hls='manifest(format=m3u8-cmaf)'
dash='manifest(format=mpd-time-cmaf)'
fetch "$dash"
sed -i '/<Representation id="video540/,/<\/Representation>/d' "$out/$dash"
fetch "$hls"
sed -i '/RESOLUTION=960x540/,+1d' "$out/$hls"
grep -o 'QualityLevels([0-9]*)/Manifest([^"]*m3u8' "$out/$hls" | sort -u | while read -r list; do
	fetch "$list"
	folder=$(dirname "$list")
	grep -o 'Fragments([^"]*mp4' "$out/$list" | sort -u | while read -r uri; do fetch "$folder/$uri"; done
	grep '^Fragments' "$out/$list" | tail -n 3 | while read -r uri; do fetch "$folder/$uri"; done
done
