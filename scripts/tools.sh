#!/bin/sh
# Makes sure that commands are there, on Debian: scripts/tools.sh ffmpeg chromium
# What is missing is installed with apt by root; anybody else is told what to run, and the script fails.
set -eu

missing=''
for tool in "$@"; do
	case $tool in
	node) package=nodejs ;;
	gcc) package='gcc libc6-dev' ;; # Go's race detector is linked by it
	varnishd) package=varnish ;;
	gst-launch-1.0) # with x264, AAC and both sinks of RTMP
		package='gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav'
		;;
	certificates) package=ca-certificates ;; # Go and npm fetch modules over TLS
	*) package=$tool ;;
	esac
	if [ "$tool" = certificates ]; then
		[ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing $package"
	else
		command -v "$tool" >/dev/null 2>&1 || missing="$missing $package"
	fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "weir: needs$missing, and there is no apt-get here: install them with the system's own tools, then try again" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "weir: needs$missing. Run this, then try again:" >&2
	echo >&2
	echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
	echo >&2
	exit 1
fi
echo "weir: installing$missing with apt-get"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # $missing is a list
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	echo "weir: apt-get could not install$missing" >&2
	exit 1
fi
