#!/bin/sh
# packages.sh [run|check]: installs the packages of debian/control's
# Build-Depends that are missing: for `run` what building and running take, for
# `check` those marked <!nocheck> too, which only tests and lint use. That list
# serves `make run`, `make check`, CI and the package build.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu

for_what=${1:-check}
profiles=
[ "$for_what" != run ] || profiles=nocheck

# One name a line. A package build needs debhelper, a run or a test does not.
missing() {
	# dpkg-checkbuilddeps is itself in one of the packages: what else is missing
	# is known when that is there.
	command -v dpkg-checkbuilddeps >/dev/null 2>&1 || { echo dpkg-dev; return; }
	# -I: what Debian calls build-essential has a C++ compiler, which nothing here uses.
	dpkg-checkbuilddeps -I -P "$profiles" debian/control 2>&1 |
		sed -n 's/.*[Uu]nmet build dependencies: //p' |
		sed -e 's/([^)]*)//g' -e 's/ | [^ ]*//g' | tr -s ' ' '\n' | grep -vxE 'debhelper-compat|' || true
}

todo=$(missing)
[ -n "$todo" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "These Debian packages are missing: " $todo >&2
	echo "Install them as root: apt-get install" $todo >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
cleanup=$log
# Some packages start their service when they are installed, on ports that may
# be somebody else's; the tests start their own. A policy that is there stays.
trap 'rm -f $cleanup' EXIT
trap 'exit 1' INT TERM HUP
if [ ! -e "$policy" ]; then
	cleanup="$log $policy"
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

# How far apt is, a line at each tenth: it reports to file descriptor 3 lines of
# the form "dlstatus:N:PERCENT:TEXT" while it fetches, "pmstatus:NAME:PERCENT:TEXT"
# while it installs, where NAME may have a colon of its own.
progress() {
	told=
	while read -r status; do
		case $status in dlstatus:*) what=downloaded ;; pmstatus:*) what=installed ;; *) continue ;; esac
		tenth=$(expr "$status" : '.*:\([0-9]*\)[0-9]\.[0-9]*:') || tenth=0
		[ "$what $tenth" = "$told" ] || echo "  $what ${tenth:-0}0 %"
		told="$what $tenth"
	done
}

install() { # install NAME...
	# The status of apt-get itself, not of the pipe's last command.
	{ apt-get install -y --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 "$@" \
		3>&1 >>"$log" 2>&1 || echo failed >"$log.failed"; } | progress
	[ ! -e "$log.failed" ] || { rm -f "$log.failed"; return 1; }
}

updated=
# Again until nothing is missing: without dpkg-dev the first round can name nothing else.
while [ -n "$todo" ]; do
	# The lists may be missing, or so old that the files they name are gone.
	if [ -z "$updated" ] && ! apt-get install -s --no-install-recommends $todo >"$log" 2>&1; then
		echo "Reading the lists of packages"
		apt-get update >>"$log" 2>&1 || true
		updated=yes
	fi
	count=$(apt-get install -s --no-install-recommends $todo 2>/dev/null | grep -c '^Inst ' || true)
	echo "Installing $count packages for \`make $for_what\`:" $todo
	if ! install $todo; then
		[ -z "$updated" ] || { tail -n 20 "$log" >&2; echo "apt-get could not install:" $todo >&2; exit 1; }
		apt-get update >>"$log" 2>&1 || true
		updated=yes
		continue
	fi
	last=$todo
	todo=$(missing)
	[ "$todo" != "$last" ] || { echo "still missing after their installation:" $todo >&2; exit 1; }
done
