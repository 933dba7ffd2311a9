#!/usr/bin/env bash
# packages.sh: the Debian packages in a clean Debian 12: installed, started, used, upgraded, removed, purged, installed
# again. Builds them first unless build/deb has them. Prints TAP. Needs root, for the root it works in.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
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

[ -n "${KEEP_DEB:-}" ] || bash tools/deb.sh >/dev/null
status=0
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs build/deb/*.changes >build/deb/lintian.log 2>&1 || status=$?
ok "$status" 'lintian has nothing to say'
[ "$status" -eq 0 ] || sed 's/^/# /' build/deb/lintian.log

# A Debian with what a platform has before wazo-auth: PostgreSQL and nginx, nothing of ours.
base=$(root_base bookworm)
platform='postgresql-15 nginx-light logrotate rsyslog systemd bash-completion man-db curl openssl adduser debconf'
layer=$ROOT_CACHE/bookworm-platform-$(echo "$platform" | sha256sum | cut -c1-8)
if [ ! -e "$layer/.complete" ]; then
	echo '# Installing PostgreSQL and nginx in a root'
	rm -rf "$layer" && mkdir -p "$layer/upper"
	# with the updates that this machine gets, since the packages are built with them
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
		[ ! -e "$file" ] || install -D -m 644 "$file" "$layer/upper$file"
	done
	[ -e /etc/apt/sources.list ] || install -D -m 644 /dev/null "$layer/upper/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' | install -D -m 755 /dev/stdin "$layer/upper/usr/sbin/policy-rc.d"
	# shellcheck disable=SC2016
	root_run "$base" "$layer" sh -eu -c '
		export DEBIAN_FRONTEND=noninteractive
		apt-get $1 update
		apt-get $1 install -y --no-install-recommends $2
		[ -d /etc/postgresql/15/main ] || pg_createcluster 15 main
	' sh "${APT_OPTIONS:-}" "$platform" >"$ROOT_CACHE/bookworm-platform.log" 2>&1 || {
		tail -n 30 "$ROOT_CACHE/bookworm-platform.log" >&2
		root_die "the packages could not be installed"
	}
	touch "$layer/.complete"
fi

work=$(mktemp -d /tmp/wazo_auth_packages.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$work/upper/root/deb"
cp build/deb/wazo-auth_*.deb build/deb/postgresql-15-wazo-auth_*.deb test/packages/in_root.bash "$work/upper/root/deb/"
# The blocks of the guides, one file each, in their order.
blocks() { # blocks NAME FILE
	awk -v prefix="$work/upper/root/deb/$1" '
		/^```sh$/ { file = prefix (++n); next }
		/^```$/ { if (file) close(file); file = ""; next }
		file { print > file }' "$2"
}
blocks block docs/packages.md
blocks readme README.md
blocks migration docs/migration.md
# A database of upstream.
sed -n '/\$ddl\$/,/\$ddl\$/p' sql/upstream/schema.sql | sed 's/.*\$ddl\$//' >"$work/upper/root/deb/upstream.sql"
cp test/data/upstream_rows.sql test/lib/WazoUpstream.pm "$work/upper/root/deb/"
blocks upgrade docs/upgrade.md
status=0
root_run "$layer/upper:$base" "$work" bash /root/deb/in_root.bash >"$work/log" 2>&1 || status=$?
while read -r line; do case $line in 'ok '*) ok 0 "${line#* - }" ;; 'not ok '*) ok 1 "${line#* - }" ;; esac; done <"$work/log"
ok "$status" 'all of it ran'
[ "$failed" -eq 0 ] || sed 's/^/# /' "$work/log" | tail -n 150
echo "1..$count"
[ "$failed" -eq 0 ]
