#!/bin/sh
# manpage.sh BINARY VERSION: the manual page of the front, whose options are what --help says of them.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/.."

options() { # lines "  -c, --config-file FILE   what it is" as entries of a list
	"$1" --help | sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\) *\([A-Z]*\)  *\(.*\)/\1|\2|\3|\4/p' |
		awk -F '|' '{
			gsub(/-/, "\\-", $1); gsub(/-/, "\\-", $2)
			sub(/^ *$/, "", $1); if ($1 != "") $1 = "\\fB" substr($1, 1, length($1) - 1) "\\fR, "
			printf ".TP\n%s\\fB%s\\fR%s\n%s\n", $1, $2, $3 == "" ? "" : " \\fI" $3 "\\fR", $4
		}'
}

options "$1" >build/options.man
sed -e "s/@VERSION@/$2/" -e '/^@OPTIONS@$/{r build/options.man
d}' docs/man/wazo-auth.1.in
rm -f build/options.man
