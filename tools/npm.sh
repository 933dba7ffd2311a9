#!/bin/sh
# Gets below build/npm what tests take from the npm registry: a validator of
# Swagger documents, and Wazo's JavaScript SDK. Silent when they are there.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
validator='@apidevtools/swagger-parser@10.1.1'
sdk='@wazo/sdk@0.44.7'
folder=build/npm/node_modules
log=$(mktemp)
trap 'rm -f "$log"' EXIT

complain() {
	tail -n 20 "$log" >&2
	echo "npm could not get $1" >&2
	exit 1
}

mkdir -p build/npm
[ -d "$folder/${validator%@*}" ] ||
	npm install --prefix build/npm --no-save --ignore-scripts --no-audit --no-fund "$validator" >"$log" 2>&1 ||
	complain "$validator"
# As a file of its own, which has in it what it stands on: one of its dependencies is in no registry.
if [ ! -d "$folder/${sdk%@*}" ]; then
	packed=$(cd build/npm && npm pack --silent "$sdk" 2>"$log") || complain "$sdk"
	mkdir -p "$folder/${sdk%@*}.new"
	tar -xzf "build/npm/$packed" -C "$folder/${sdk%@*}.new" --strip-components=1
	rm "build/npm/$packed"
	mv "$folder/${sdk%@*}.new" "$folder/${sdk%@*}"
fi
