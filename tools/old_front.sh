#!/bin/sh
# old_front.sh TAG FILE: builds the front of an earlier version, from its tag, and puts it into FILE.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
tag=$1 file=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/wazo_auth_old.XXXXXX")
trap 'rm -rf "$work"' EXIT
git archive "$tag" | tar -x -C "$work"
make --no-print-directory -s -C "$work" front
mkdir -p "$(dirname "$file")"
cp "$work/build/wazo-auth" "$file"
