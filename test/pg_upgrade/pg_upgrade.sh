#!/usr/bin/env bash
# make check-pg-upgrade: a cluster of PostgreSQL 15 with live sessions becomes one of 17, by pg_upgrade. In the root of
# trixie that `make check-debian SUITE=trixie` has made, beside this machine's binaries of 15 and the libraries that
# these need. Prints TAP. Needs root.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tools/root.bash
. tools/root.bash

base=$(root_base trixie)
layer=
for dir in "$ROOT_CACHE"/trixie-packages-*/; do [ ! -e "$dir/.complete" ] || layer=${dir%/}; done
[ -n "$layer" ] || root_die "run make check-debian SUITE=trixie first"
work=$(mktemp -d /tmp/wazo_auth_pg_upgrade.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
home=$work/upper/root/wazo_auth
mkdir -p "$home" "$work/upper/usr/lib/postgresql" "$work/upper/usr/share/postgresql" "$work/upper/opt/lib15"
bash tools/sources.sh "$home"
cp -a /usr/lib/postgresql/15 "$work/upper/usr/lib/postgresql/"
cp -aL /usr/share/postgresql/15 "$work/upper/usr/share/postgresql/"
make --no-print-directory -s EXTENSION_ONLY=1 with_llvm=no install DESTDIR="$work/upper" >/dev/null
# what the binaries of 15 are linked with and trixie has in another version
ldd /usr/lib/postgresql/15/bin/* "$work"/upper/usr/lib/postgresql/15/lib/{wazo_auth,pg_trgm,plpgsql}.so 2>/dev/null |
	awk '$3 ~ /^\// { print $3 }' | sort -u | while read -r lib; do
	name=$(basename "$lib")
	[ -e "$base/usr/lib/x86_64-linux-gnu/$name" ] || [ -e "$layer/upper/usr/lib/x86_64-linux-gnu/$name" ] ||
		cp -L "$lib" "$work/upper/opt/lib15/"
done

root_run "$layer/upper:$base" "$work" bash -eu /root/wazo_auth/test/pg_upgrade/inside.sh
