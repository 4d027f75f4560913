#!/bin/sh
# Runs every fuzz target of the repository for a time, one after the other: scripts/fuzz.sh 10m
# A finding stops it; Go leaves the input in testdata/fuzz beside the target. ONLY=NAME runs the targets of that name.
set -eu
time=${1:-10m}
ran=0
for file in $(find . -name node_modules -prune -o -name '*_test.go' -print | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		case $target in "${ONLY:-$target}") ;; *) continue ;; esac
		echo "== $(dirname "$file") $target, $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x "$(dirname "$file")"
		ran=$((ran + 1))
	done
done
echo "fuzz: $ran targets, $time each, no finding"
[ "$ran" -gt 0 ]
