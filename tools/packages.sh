#!/bin/sh
# Installs the packages that debian/control lists under Build-Depends, if any
# of them is missing. That list serves `make run`, `make check`, CI and the
# package build.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu

missing() {
	# dpkg-checkbuilddeps is itself one of the packages
	command -v dpkg-checkbuilddeps >/dev/null 2>&1 || { echo dpkg-dev; return; }
	dpkg-checkbuilddeps debian/control 2>&1 |
		sed -n 's/.*[Uu]nmet build dependencies: //p'
}

# A package build needs debhelper, a run or a test does not.
todo=$(missing | sed -e 's/debhelper-compat (= 13)//' -e 's/([^)]*)//g' | tr -s ' ')
[ -n "$(echo "$todo" | tr -d ' ')" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "These Debian packages are missing: $todo" >&2
	echo "Install them as root: apt-get install $todo" >&2
	exit 1
fi
echo "Installing packages:$todo"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
# Some packages start their service when they are installed, on ports that may
# be somebody else's; the tests start their own. A policy that is there stays.
if [ -e "$policy" ]; then
	trap 'rm -f "$log"' EXIT
else
	trap 'rm -f "$log" "$policy"' EXIT
	trap 'exit 1' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
# The lists may be missing, or so old that the files they name are gone.
# shellcheck disable=SC2086
if ! apt-get install -y --no-install-recommends $todo >"$log" 2>&1; then
	apt-get update >>"$log" 2>&1 || true
	apt-get install -y --no-install-recommends $todo >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		echo "apt-get could not install:$todo" >&2
		exit 1
	}
fi
