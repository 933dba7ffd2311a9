#!/usr/bin/env bash
# check_debian.sh SUITE: builds the extension with the PostgreSQL of another
# Debian (trixie: 17, sid: 18) and runs the tests on it, in a root of that suite.
# Prints as check.sh does. Needs root and debootstrap.
#
# The suite has no Kore, so the front is the binary of this machine, which is
# Debian 12: it runs there as it is, and the tests that need a front use it.
#
# APT_OPTIONS are given to apt-get there; a mirror that lags behind takes
# "-o Acquire::Check-Valid-Until=false".
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/root.bash
. tools/root.bash

suite=${1:-}
[ -n "$suite" ] || root_die "say which Debian: make check-debian SUITE=trixie"
[ -x build/wazo-auth ] || root_die "the front is not built; run make"

# What debian/control asks for, but Kore and what only the front's build, lint,
# the unit tests and the load tests use; names with the suite's versions.
elsewhere='^(kore|clang-tidy|cppcheck|debhelper-compat|debootstrap|nodejs|npm|pg-bsd-indent|wrk)$'
packages() {
	awk '/^[A-Z]/ { on = sub(/^Build-Depends:/, "") } on' debian/control |
		tr ',' '\n' | awk '{ print $1 }' | grep -vE "$elsewhere" | sed "s/-15\\b/-$1/"
}

# The tests that are not run there, and why.
not_there="test/t/api_yaml.t: the validator that npm installs
test/t/layout.t: pg_bsd_indent of Debian 12
test/t/readme.t: make run builds the front, which takes Kore
test/t/recipes.t: make builds the front
test/t/run_signals.t: make run builds the front
test/rest/js_sdk.t: the SDK that npm installs"
while IFS=: read -r name _; do [ -e "$name" ] || root_die "$name is not there any more; see not_there"; done <<<"$not_there"
tap_tests() { ls test/t/*.t test/rest/*.t | grep -vxF "$(cut -d: -f1 <<<"$not_there")"; }

mkdir -p "$ROOT_CACHE"
exec 9>"$ROOT_CACHE/lock"
base=$(root_base "$suite")
layer=$ROOT_CACHE/$suite-packages-$(packages 0 | sha256sum | cut -c1-8)
# one at a time: apt's archives are shared
[ -e "$layer/.complete" ] || flock 9
if [ ! -e "$layer/.complete" ]; then
	echo "Installing what debian/control asks for in $suite"
	rm -rf "$layer" && mkdir -p "$layer/upper"
	printf '#!/bin/sh\nexit 101\n' | install -D -m 755 /dev/stdin "$layer/upper/usr/sbin/policy-rc.d"
	root_run "$base" "$layer" sh -eu -c '
		export DEBIAN_FRONTEND=noninteractive
		apt-get $2 update
		version=$(apt-cache show postgresql | sed -n "s/^Version: \([0-9]*\).*/\1/p" | sort -n | tail -n 1)
		echo "$version" >/root/postgresql_version
		apt-get $2 install -y --no-install-recommends $(echo "$1" | sed "s/@VERSION@/$version/")
	' sh "$(packages @VERSION@)" "${APT_OPTIONS:-}" >"$ROOT_CACHE/$suite-packages.log" 2>&1 || {
		tail -n 30 "$ROOT_CACHE/$suite-packages.log" >&2
		root_die "the packages could not be installed in $suite"
	}
	touch "$layer/.complete"
fi
exec 9>&-
version=$(cat "$layer/upper/root/postgresql_version")

work=$(mktemp -d /tmp/wazo_auth_debian.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
home=$work/upper/root/wazo_auth
mkdir -p "$home/build"
bash tools/sources.sh "$home"
cp build/wazo-auth "$home/build/"

echo "PostgreSQL $version of $suite; not run: ${not_there//$'\n'/; }"
status=0
# shellcheck disable=SC2016
root_run "$layer/upper:$base" "$work" sh -eu -c '
	cd /root/wazo_auth
	export PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config TESTS="$3"
	make --no-print-directory -k extension commands WERROR=-Werror >/root/build.log 2>&1 || { grep -E "error|Error" /root/build.log | head -n 40; exit 1; }
	exec bash test/lib/check.sh $2
' sh "$version" "${SUITES:-regress isolation pgtap tap}" "${TESTS:-$(tap_tests | tr '\n' ' ')}" || status=$?
if [ "$status" -ne 0 ] && [ -d "$home/build/check" ]; then
	rm -rf "build/check-$suite" && cp -r "$home/build/check" "build/check-$suite"
	echo "the logs are in build/check-$suite"
fi
exit "$status"
