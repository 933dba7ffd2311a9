# What test/pg_upgrade/pg_upgrade.sh does inside the root.
set -eu
cd /root/wazo_auth
tests=0 failed=0
is() { # is GOT WANT NAME
	tests=$((tests + 1))
	if [ "$1" = "$2" ]; then echo "ok $tests - $3"; else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n#      got: %s\n# expected: %s\n' "$tests" "$3" "$1" "$2"
	fi
}
PG_CONFIG=/usr/lib/postgresql/17/bin/pg_config make --no-print-directory -s EXTENSION_ONLY=1 with_llvm=no install >/root/build.log 2>&1 ||
	{ tail -n 20 /root/build.log; echo "Bail out! it does not build"; exit 1; }

dir=/var/tmp/upgrade
install -d -o postgres -g postgres "$dir"
export LD_LIBRARY_PATH=/opt/lib15 PGHOST=$dir PGUSER=postgres LANG=C.UTF-8
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
bin() { echo "/usr/lib/postgresql/$1/bin"; }
(umask 077; printf 'key1:%s\n' "$(openssl rand -base64 32)" >"$dir/key")
chown postgres: "$dir/key"
cd "$dir"
for version in 15 17; do
	as "$(bin $version)/initdb" -D "$dir/$version" -U postgres -E UTF8 --locale=C.UTF-8 -A trust >/dev/null
	printf "listen_addresses = ''\nunix_socket_directories = '%s'\nshared_preload_libraries = 'wazo_auth'\nwazo_auth.secret_key_file = '%s/key'\n" \
		"$dir" "$dir" >>"$dir/$version/postgresql.conf"
done
start() { as "$(bin "$1")/pg_ctl" -w -D "$dir/$1" -l "$dir/$1.log" start >/dev/null; }
stop() { as "$(bin "$1")/pg_ctl" -w -D "$dir/$1" stop >/dev/null; }
sql() { as "$(bin "$version")/psql" -XqAt -v ON_ERROR_STOP=1 -d app -c "$1"; }

version=15
start 15
as "$(bin 15)/createdb" app
sql 'CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap()' >/dev/null
sql "SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'user' || i, 'secret', authentication_method => 'native') FROM generate_series(1, 20) i" >/dev/null
sql "SELECT wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'p', '{a.b.*,!a.b.c}')" >/dev/null
given=$(sql "SELECT token || ' ' || new_refresh_token FROM wazo_auth.token_create('user1', 'secret', 86400, 'offline', 'c')")
token=${given% *} refresh=${given#* }
digest='SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C")) FROM wazo_auth.'
before=$(for t in user password login policy session refresh_token acl_set; do sql "$digest\"$t\" t"; done)
who=$(sql "SELECT count(*) FROM wazo_auth.what_grants('a.b.x')")
is "$(sql "SELECT wazo_auth.token_check('$token')")" valid 'a token on PostgreSQL 15'
stop 15

status=0
as "$(bin 17)/pg_upgrade" -b "$(bin 15)" -B "$(bin 17)" -d "$dir/15" -D "$dir/17" -U postgres -s "$dir" >"$dir/upgrade.log" 2>&1 || status=$?
is "$status" 0 'pg_upgrade'
[ "$status" -eq 0 ] || { tail -n 40 "$dir/upgrade.log" | sed 's/^/# /'; find "$dir/17" -name '*.log' -newer "$dir/key" -exec tail -n 10 {} + 2>/dev/null | sed 's/^/# /'; }
version=17
start 17
is "$(sql 'SHOW server_version_num' | cut -c1-2)" 17 'PostgreSQL 17 runs'
is "$(sql "SELECT wazo_auth.token_check('$token')")" valid 'the token is valid'
is "$(for t in user password login policy session refresh_token acl_set; do sql "$digest\"$t\" t"; done)" "$before" 'all rows are as they were'
is "$(sql "SELECT count(*) FROM wazo_auth.what_grants('a.b.x')")" "$who" 'the index on policies answers'
is "$(sql "SELECT token IS NOT NULL FROM wazo_auth.token_create('user2', 'secret')")" t 'a login'
is "$(sql "SELECT token IS NOT NULL FROM wazo_auth.token_create(refresh_token => '$refresh', client_id => 'c')")" t 'a refresh token'
is "$(sql "SELECT new_refresh_token FROM wazo_auth.token_create('user1', 'secret', 60, 'offline', 'c')")" "$refresh" 'which is opened and shown again'
is "$(sql "SELECT string_agg(DISTINCT state, ',') FROM wazo_auth.worker_status")" held 'its workers are held, as in a copy'
is "$(sql 'SELECT wazo_auth.go_live()')" t 'until it is said to be the live one'
as "$(bin 17)/createdb" fresh
# The state of a database where pg_upgrade brought the extension is that of a fresh one. Bodies that were parsed when they
# were created come back with the names that the old server gave to their columns.
state() {
	as "$(bin 17)/psql" -XqAt -v ON_ERROR_STOP=1 -d "$1" -f - </root/wazo_auth/test/lib/catalog_state.sql | grep -v 'BEGIN ATOMIC'
}
as "$(bin 17)/psql" -Xq -d fresh -c 'CREATE EXTENSION wazo_auth CASCADE' 2>/dev/null
state app >"$dir/app.state"
state fresh >"$dir/fresh.state"
is "$(diff "$dir/app.state" "$dir/fresh.state" | head -n 10)" '' 'every object is as on a fresh one'
stop 17
echo "1..$tests"
[ "$failed" -eq 0 ]
