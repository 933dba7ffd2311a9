#!/usr/bin/env bash
# fresh.sh [full]: what the README promises, on a Debian 12 with nothing but make
# and git: `make run` and a login; then "Installing it from source", each block as
# it is printed, against the cluster that Debian's package makes; with `full`
# also `make check`. Prints TAP. Needs root, for the root it works in.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tools/root.bash
. "$top/tools/root.bash"

count=0 failed=0
ok() { # ok STATUS WHAT
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}
show() { sed 's/^/# /' "$1" | tail -n "${2:-40}"; }

base=$(root_base bookworm)
work=$(mktemp -d /tmp/wazo_auth_fresh.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
home=$work/upper/root/wazo_auth
bash "$top/tools/sources.sh" "$home"
cp "$top/test/fresh/"*.bash "$work/upper/root/"
in_root() { root_run "$base" "$work" bash "/root/$1" >"$work/$1.log" 2>&1; }

status=0
in_root run.bash || status=$?
grep -E '^(not )?ok ' "$work/run.bash.log" >"$work/results" || true
while read -r line; do case $line in ok*) ok 0 "${line#* - }" ;; *) ok 1 "${line#* - }" ;; esac; done <"$work/results"
ok "$status" 'make run, a login, Ctrl-C'
[ "$status" -eq 0 ] || show "$work/run.bash.log"

# The blocks of the section, one file each, in their order.
awk -v dir="$work/upper/root" '
	/^## / { inside = /^## Installing it from source/ }
	inside && /^```sh$/ { file = sprintf("%s/block%d", dir, ++n); next }
	/^```$/ { if (file) close(file); file = ""; next }
	file { print > file }' "$top/README.md"
status=0
in_root install.bash || status=$?
grep -E '^(not )?ok ' "$work/install.bash.log" >"$work/results" || true
while read -r line; do case $line in ok*) ok 0 "${line#* - }" ;; *) ok 1 "${line#* - }" ;; esac; done <"$work/results"
ok "$status" 'installed for real as printed'
[ "$status" -eq 0 ] && ! grep -q '^not ok' "$work/install.bash.log" || show "$work/install.bash.log"

if [ "${1:-}" = full ]; then
	# the registry that this machine itself uses, as its Debian mirror
	! command -v npm >/dev/null || echo "registry=$(npm config get registry)" >"$work/upper/root/.npmrc"
	status=0
	in_root check.bash || status=$?
	tail -n 1 "$work/check.bash.log" | sed 's/^/# /'
	ok "$status" 'make check'
	[ "$status" -eq 0 ] || show "$work/check.bash.log" 100
fi
echo "1..$count"
[ "$failed" -eq 0 ]
