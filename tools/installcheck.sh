#!/usr/bin/env bash
# installcheck.sh: the regression and isolation tests on the installed extension
# and the server that PGHOST, PGPORT and PGUSER name, in two databases that it makes
# and removes again. Run by root it goes on as the account postgres, whom Debian's
# server lets in.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/server.bash"

pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
bindir=$("$PG_CONFIG" --bindir)
work=$(mktemp -d /tmp/wazo_auth_installcheck.XXXXXX)
cp -r test expected "$work/"
chown -R "$SERVER_USER": "$work"
chmod 755 "$work"

psql_as_server() { (cd "$work" && as_server "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"); }
databases="wazo_auth_regress wazo_auth_isolation"
made=
finish() {
	for name in $made; do psql_as_server -d postgres -c "DROP DATABASE IF EXISTS $name" || true; done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

psql_as_server -d postgres -c 'SELECT 1' >/dev/null ||
	die "cannot log in to the server as $SERVER_USER; set PGHOST, PGPORT and PGUSER, or run it as an account that may"
[ -n "$(psql_as_server -d postgres -c "SELECT name FROM pg_available_extensions WHERE name = 'wazo_auth'")" ] ||
	die "the server does not have the extension: make install, with the PG_CONFIG of this server"

for name in $databases; do
	[ -z "$(psql_as_server -d postgres -c "SELECT 1 FROM pg_database WHERE datname = '$name'")" ] ||
		die "the database $name exists already; drop it, or let its run end"
	psql_as_server -d postgres -c "CREATE DATABASE $name ENCODING 'UTF8' TEMPLATE template0"
	made="$made $name"
	# What pg_regress sets in databases of its own; and no worker clears away what the tests look at.
	for setting in "lc_messages TO 'C'" "lc_monetary TO 'C'" "lc_numeric TO 'C'" "lc_time TO 'C'" \
		"bytea_output TO 'hex'" "timezone_abbreviations TO 'Default'" \
		'wazo_auth.token_cleanup_interval TO 0' 'wazo_auth.relay_interval TO 0'; do
		psql_as_server -d postgres -c "ALTER DATABASE $name SET $setting"
	done
	psql_as_server -d "$name" -c "SET client_min_messages = warning; CREATE EXTENSION wazo_auth CASCADE"
done

names() { (cd "$1" && ls -- *"$2" | sed "s/\\$2\$//"); }
run() { # run PROGRAM DATABASE NAME...
	local program=$1 database=$2
	shift 2
	(cd "$work" && as_server "$program" --bindir="$bindir" --inputdir=test --outputdir=. --use-existing --dbname="$database" "$@") || {
		(cd "$work" && head -n 200 regression.diffs)
		return 1
	}
}
status=0
# shellcheck disable=SC2046
run "$pgxs/src/test/regress/pg_regress" wazo_auth_regress $(names test/sql .sql) || status=1
# shellcheck disable=SC2046
run "$pgxs/src/test/isolation/pg_isolation_regress" wazo_auth_isolation $(names test/specs .spec) || status=1
exit "$status"
