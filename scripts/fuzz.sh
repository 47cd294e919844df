#!/usr/bin/env bash
# Runs every fuzz target of the module for a while, one after the other: fuzz.sh DURATION, such as 30s.
# A target that fails leaves its input under testdata/fuzz, to be committed with the fix.
set -euo pipefail

duration=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz PACKAGE TARGET
fuzz() {
	echo "fuzzing $1 $2 for $duration"
	if go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" "$1" 2>&1 | tee "$log"; then
		return
	fi
	# Before Go 1.27 the end of the time can be reported as a failure (https://go.dev/issue/75804). A true one has an input.
	if grep -qx ' *context deadline exceeded' "$log" && ! grep -qi 'failing input\|seed corpus entry' "$log"; then
		echo "not a failure: no input failed, the time was up"
		return
	fi
	return 1
}

# "go test -list" prints the targets of a package, then a line "ok package time", or "? package …" for one without tests.
listing=$(go test -list '^Fuzz' ./...) || {
	echo "$listing"
	exit 1
}

targets=()
while read -r first second _; do
	case $first in
	Fuzz*) targets+=("$first") ;;
	ok)
		for target in "${targets[@]+"${targets[@]}"}"; do
			fuzz "$second" "$target"
		done
		targets=()
		;;
	esac
done <<<"$listing"
