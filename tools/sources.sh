#!/usr/bin/env bash
# sources.sh [--built] [DIR]: prints the names of the project's files, or copies
# them to DIR. They are those that .gitignore does not name, with or without a
# repository. --built: what was made of them, too, so that little is made anew.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/.."

built=
[ "${1:-}" != --built ] || { built=1 && shift; }

empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
export GIT_DIR=$empty/git
git init -q --initial-branch=none
names() {
	git --work-tree=. ls-files -z -o --exclude-standard
	[ -z "$built" ] || find src build wazo_auth.so \( -path build/check\* -o -path build/deb \) -prune -o \
		! -type d \( -path build/\* -o -name '*.[od]' -o -name wazo_auth.so \) -print0 2>/dev/null || true
}

if [ -z "${1:-}" ]; then
	names | tr '\0' '\n'
else
	mkdir -p "$1"
	names | xargs -0 cp --parents -P --preserve=mode,timestamps -t "$1"
fi
