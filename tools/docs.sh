#!/usr/bin/env bash
# docs.sh: writes docs/rest-api.md and docs/sql-api.md anew, from a database with the extension on a private cluster.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/server.bash
. tools/server.bash

work=$(mktemp -d /tmp/wazo_auth_docs.XXXXXX)
finish() {
	stop_cluster "$work/data" immediate >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
private_tree "$work/tree"
mkdir -m 700 "$work/data" "$work/socket"
chown "$SERVER_USER": "$work/data" "$work/socket"
private_cluster "$work/data" "$work/socket"
mkdir -m 700 "$work/logs" && chown "$SERVER_USER": "$work/logs"
start_cluster "$work/data" "$work/logs/postgresql.log"
ask() { # ask FILE: what it prints, run by the servers' account
	(cd / && as_server "$PG_BINDIR/psql" -h "$work/socket" -U postgres -d postgres -X -q -v ON_ERROR_STOP=1) <"$1"
}
echo 'CREATE EXTENSION wazo_auth CASCADE' >"$work/create"
ask "$work/create" 2>/dev/null
for page in rest sql; do
	ask "tools/${page}_reference.sql" >"$work/page"
	cp "$work/page" "docs/$page-api.md"
done
