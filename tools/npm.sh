#!/bin/sh
# Installs below build/ what tests take from the npm registry: a validator of
# Swagger documents. Silent when it is there.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
want='@apidevtools/swagger-parser@10.1.1'
[ ! -d "build/npm/node_modules/${want%@*}" ] || exit 0
mkdir -p build/npm
log=$(mktemp)
trap 'rm -f "$log"' EXIT
npm install --prefix build/npm --no-save --ignore-scripts --no-audit --no-fund "$want" >"$log" 2>&1 || {
	tail -n 20 "$log" >&2
	echo "npm could not install $want" >&2
	exit 1
}
