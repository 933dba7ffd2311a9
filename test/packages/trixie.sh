#!/usr/bin/env bash
# trixie.sh: the extension's package for Debian 13, whose PostgreSQL is 17: built in a root of it, installed in a clean
# one, used, removed. Prints TAP. Needs root, for the roots it works in.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tools/root.bash
. tools/root.bash

count=0 failed=0
ok() { # ok STATUS WHAT
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}
base=$(root_base trixie)
work=$(mktemp -d /tmp/wazo_auth_trixie.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

home=$work/build/upper/root/wazo_auth
mkdir -p "$home" "$work/build/upper/usr/sbin"
for f in $(git ls-files -c -o --exclude-standard); do [ ! -e "$f" ] || echo "$f"; done | xargs cp --parents -P -t "$home"
printf '#!/bin/sh\nexit 101\n' | install -m 755 /dev/stdin "$work/build/upper/usr/sbin/policy-rc.d"
# what debian/control asks for but for tests and the front
needed=$(awk '/^[A-Z]/ { on = sub(/^Build-Depends:/, "") } on' debian/control | tr ',' '\n' |
	grep -v '<' | sed -e 's/debhelper-compat.*/debhelper/' -e 's/-15\b/-17/' | tr -d ' ' | tr '\n' ' ')
status=0
# shellcheck disable=SC2016
root_run "$base" "$work/build" sh -eu -c '
	export DEBIAN_FRONTEND=noninteractive
	apt-get $2 update
	apt-get $2 install -y --no-install-recommends $1 lintian
	cd /root/wazo_auth && bash tools/deb.sh 17
	lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs build/deb/*.changes
' sh "$needed" "${APT_OPTIONS:-}" >"$work/build.log" 2>&1 || status=$?
ok "$status" 'built, and lintian has nothing to say'
[ "$status" -eq 0 ] || { tail -n 40 "$work/build.log" | sed 's/^/# /'; echo "1..$count"; exit 1; }
find "$home/build/deb" -name '*.deb' -printf '# %f\n'

mkdir -p "$work/clean/upper/root/deb" "$work/clean/upper/usr/sbin"
cp "$home"/build/deb/postgresql-17-wazo-auth_*.deb test/packages/in_trixie.bash "$work/clean/upper/root/deb/"
cp "$work/build/upper/usr/sbin/policy-rc.d" "$work/clean/upper/usr/sbin/"
status=0
root_run "$base" "$work/clean" bash /root/deb/in_trixie.bash "${APT_OPTIONS:-}" >"$work/log" 2>&1 || status=$?
while read -r line; do case $line in 'ok '*) ok 0 "${line#* - }" ;; 'not ok '*) ok 1 "${line#* - }" ;; esac; done <"$work/log"
ok "$status" 'all of it ran'
[ "$failed" -eq 0 ] || sed 's/^/# /' "$work/log" | tail -n 60
echo "1..$count"
[ "$failed" -eq 0 ]
