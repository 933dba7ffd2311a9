#!/usr/bin/env bash
# instructions.sh [login|refresh|batch|STATEMENT]...: how many instructions the database
# executes for a login, counted by valgrind in a server process of its own, so
# that the same build gives the same figure whatever else the machine does.
#
# login: POST /0.1/token by password, without the password's hash. refresh:
# wazo_auth.token_create() by refresh token. Both from an address, with the guard
# of logins and the audit log on. batch: HEAD /0.1/token/X, 32 of them as the front
# asks, but for receiving and sending. Anything else is a statement that is executed as
# it is. The figure is that of one, after the first ones have filled the caches.
#
# PROFILE=40 prints the so many functions that cost most, with what they call
# (INCLUSIVE=no: without). TREE=dir: another checkout, which is built.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/../../tools/server.bash"

warm=20 more=50
export DEBUGINFOD_URLS=
tree=$(cd "${TREE:-$(dirname "$0")/../..}" && pwd)
work=$(mktemp -d /tmp/wazo_auth_instructions.XXXXXX)
chmod 755 "$work"
trap 'stop_cluster "$work/data" immediate >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

cd "$tree"
private_tree "$work/tree"
mkdir -m 700 "$work/data" "$work/socket"
touch "$work/postgresql.log"
(umask 077 && printf 'key1:%s\n' "$(openssl rand -base64 32)" >"$work/secret.key")
chown -R "$SERVER_USER": "$work/data" "$work/socket" "$work/postgresql.log" "$work/secret.key"
chmod 755 "$work/socket"
private_cluster "$work/data" "$work/socket"
as_server tee -a "$work/data/postgresql.conf" >/dev/null <<END
wazo_auth.secret_key_file = '$work/secret.key'
wazo_auth.argon2_memory = 1024
wazo_auth.argon2_iterations = 1
wazo_auth.token_cleanup_interval = 0
wazo_auth.relay_interval = 0
log_min_messages = log
END
start_cluster "$work/data" "$work/postgresql.log"
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres "$@"; }
sql -d postgres -c "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'"
sql -d app -c "SET client_min_messages = warning; CREATE EXTENSION wazo_auth CASCADE"
read -r token refresh_token < <(sql -d app <<'END' | tail -n 1
SELECT wazo_auth.bootstrap('admin', 'secret') \g /dev/null
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 1000000}') \g /dev/null
SELECT wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'some', '{a.b.c,d.#,e.*.read}') AS policy \gset
SELECT wazo_auth.add_user_policy(wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', purpose => 'internal'), :'policy') \g /dev/null
SELECT token || ' ' || new_refresh_token FROM wazo_auth.token_create('jane', 'secret', access_type => 'offline', client_id => 'phone', expiration => 86400);
END
)
stop_cluster "$work/data"

# run COUNT: the statement so many times
run() {
	{ echo "PREPARE q AS $statement"; yes 'EXECUTE q;' | head -n "$1"; } >"$work/in.sql"
	(cd "$work/data" && as_server valgrind --tool=callgrind --callgrind-out-file="$work/data/callgrind.$1" \
		"$PG_BINDIR/postgres" --single -D "$work/data" app <"$work/in.sql") >"$work/out" 2>"$work/err"
	if grep -A 3 'ERROR:' "$work/err" >&2 || grep 'status = "[45]' "$work/out" >&2; then die "the login failed"; fi
}

# counts COUNT INCLUSIVE: function and instructions, a line each, the whole first
counts() {
	# a function that has code of several files has a line for each, with all of what it calls in each
	callgrind_annotate --threshold=100 --inclusive="$2" "$work/data/callgrind.$1" |
		awk -v inclusive="$2" '/PROGRAM TOTALS/ { gsub(",", ""); print "total", $1 }
			/\([ 0-9.]*%\)/ && !/PROGRAM TOTALS/ {
				gsub(",", "", $1); n = $1; sub(/^[^)]*\) */, ""); sub(/ \[.*/, ""); sub(/^[^:]*:/, "")
				if ($1 != "") sum[$1] = inclusive == "no" ? sum[$1] + n : n > sum[$1] ? n : sum[$1]
			} END { for (f in sum) print f, sum[f] }'
}

# per_statement INCLUSIVE: the same, of one statement
per_statement() {
	counts $warm "$1" >"$work/warm"
	counts $((warm + more)) "$1" |
		awk -v n=$more -v warm="$work/warm" 'BEGIN { while ((getline < warm) > 0) before[$1] = $2 }
			{ printf "%s %.0f\n", $1, ($2 - before[$1]) / n }'
}

[ $# -gt 0 ] || set -- login refresh
for what in "$@"; do
	case $what in
		login) statement="SELECT (wazo_auth.http('POST', '/0.1/token', ARRAY['Authorization', 'Basic amFuZTpzZWNyZXQ=',
			'Content-Type', 'application/json', 'Host', 'localhost', 'User-Agent', 'curl', 'Accept', '*/*'],
			'{}', '192.0.2.7')).status;" ;;
		refresh) statement="SELECT wazo_auth.token_create(refresh_token => '$refresh_token', client_id => 'phone',
			remote_addr => '192.0.2.7');" ;;
		batch) statement="SELECT length(wazo_auth.http_batch(array_fill('HEAD'::text, '{32}'), array_fill('/0.1/token/$token'::text, '{32}'),
			array_fill('Host'::text, '{64}'), array_fill(2, '{32}'), array_fill(NULL::bytea, '{32}'),
			array_fill('127.0.0.1'::text, '{32}')));" ;;
		*) statement="$what;" ;;
	esac
	statement=$(tr '\n\t' '  ' <<<"$statement")
	run $warm
	run $((warm + more))
	per_statement yes >"$work/inclusive"
	awk -v what="$what" '$1 == "total" { all = $2 } $1 == "wazo_auth_password_verify" { hash = $2 }
		END { printf "%s: %d instructions\n", what, all - hash }' "$work/inclusive"
	[ -z "${PROFILE:-}" ] ||
		{ if [ "${INCLUSIVE:-yes}" = yes ]; then cat "$work/inclusive"; else per_statement no; fi; } |
		sort -k 2 -n -r | head -n "$PROFILE" | awk '{ printf "%12d %s\n", $2, $1 }'
done
