#!/usr/bin/env bash
# Runs every fuzz target of some modules for a while, one after the other: fuzz.sh DURATION DIRECTORY..., such as fuzz.sh 30s .
# A target that fails leaves its input under testdata/fuzz, to be committed with the fix.
set -euo pipefail

duration=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz MODULE PACKAGE TARGET
fuzz() {
	echo "fuzzing $2 $3 for $duration"
	if go -C "$1" test -run '^$' -fuzz "^$3\$" -fuzztime "$duration" "$2" 2>&1 | tee "$log"; then
		return
	fi
	# Before Go 1.27 the end of the time can be reported as a failure (https://go.dev/issue/75804). A true one has an input.
	if grep -qx ' *context deadline exceeded' "$log" && ! grep -qi 'failing input\|seed corpus entry' "$log"; then
		echo "not a failure: no input failed, the time was up"
		return
	fi
	return 1
}

for module in "$@"; do
	# "go test -list" prints the targets of a package, then a line "ok package time", or "? package …" for one without tests.
	listing=$(go -C "$module" test -list '^Fuzz' ./...) || {
		echo "$listing"
		exit 1
	}
	targets=()
	while read -r first second _; do
		case $first in
		Fuzz*) targets+=("$first") ;;
		ok)
			for target in "${targets[@]+"${targets[@]}"}"; do
				fuzz "$module" "$second" "$target"
			done
			targets=()
			;;
		esac
	done <<<"$listing"
done
