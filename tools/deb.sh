#!/usr/bin/env bash
# deb.sh [VERSION]: builds the Debian packages in a copy of the tree and puts them into build/deb. VERSION: of
# PostgreSQL; without it that of pg_config. Where there is no Kore, as in Debian 13, only the extension's is built.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/.."

pg_version=${1:-$("${PG_CONFIG:-pg_config}" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')}
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" wazo_auth.control)
packaged=$(dpkg-parsechangelog -l debian/changelog -S Version | sed 's/^[0-9]*://')
[ "$packaged" = "$version" ] || { echo "debian/changelog is of $packaged, wazo_auth.control of $version" >&2; exit 1; }
profiles=noudeb
[ -d "${KORE_SOURCE:-/usr/share/kore}" ] || profiles="$profiles pkg.wazo-auth.nofront"

work=$(mktemp -d /tmp/wazo_auth_deb.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
tree=$work/wazo-auth
bash tools/sources.sh "$tree"
sed -i "s/postgresql\(-server-dev\)\{0,1\}-15/postgresql\1-$pg_version/g" "$tree/debian/control" "$tree/debian/"*-15-*
for f in "$tree/debian/"*-15-*; do
	renamed=${f/-15-/-$pg_version-}
	[ "$f" = "$renamed" ] || mv "$f" "$renamed"
done
(cd "$tree" && DEB_BUILD_PROFILES="$profiles" DEB_BUILD_OPTIONS="parallel=$(nproc) nocheck" \
	dpkg-buildpackage -b -us -uc -d >"$work/log" 2>&1) || { tail -n 60 "$work/log" >&2; exit 1; }
mkdir -p build/deb
rm -f build/deb/*
cp "$work/"*.deb "$work/"*.changes "$work/"*.buildinfo build/deb/
ls build/deb
