# Token checks and logins.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# A user whose token has 100 entries; the check is for the last of them.
prepare_token() {
	[ -z "${token:-}" ] || return 0
	token=$(sql <<-'EOF' | tail -n 1
		SELECT wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'hundred',
		  ((SELECT pg_catalog.array_agg('confd.users.*.thing' || i || '.#') FROM pg_catalog.generate_series(1, 99) i)
		   || '{calld.users.me.calls.read}'::text[])::wazo_auth.acl) AS policy \gset
		SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'bench', 'secret') AS bench_user \gset
		SELECT wazo_auth.add_user_policy(:'bench_user', :'policy') \g /dev/null
		SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 1000}') \g /dev/null
		SELECT token FROM wazo_auth.token_create('bench', 'secret', 86400);
	EOF
	)
	echo "SELECT wazo_auth.token_check(:token::uuid, 'calld.users.me.calls.read');" >"$work/check.sql"
}

bench_sql_check() {
	prepare_token
	sql_check() { pgbench_tps -c 2 -D "token=$token" -f "$work/check.sql"; }
	sql_select() { pgbench_tps -c 2 -S; }
	compare "SQL token check, 100 entries / pgbench -S, per second" ">= 0.75" sql_check sql_select
}

# A database whose http() does no more than SELECT 1 would.
prepare_fronts() {
	prepare_token
	[ -z "${front_port:-}" ] || return 0
	sql -d postgres -c "CREATE DATABASE bench_one TEMPLATE template0 ENCODING 'UTF8'"
	sql -d bench_one <<-'EOF'
		CREATE SCHEMA wazo_auth;
		CREATE TYPE wazo_auth.http_response AS (status integer, headers text[], body bytea);
		CREATE FUNCTION wazo_auth.http(text, text, text[], bytea, text) RETURNS wazo_auth.http_response
		LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(204, ARRAY['Content-Type', 'application/json'], NULL)::wazo_auth.http_response $$;
		GRANT USAGE ON SCHEMA wazo_auth TO wazo_auth_front;
	EOF
	front_port=$(free_port)
	start_front "$front_port" bench
	one_port=$(free_port)
	start_front "$one_port" bench_one
}

bench_http_check() {
	prepare_fronts
	http_check() { wrk_rps HEAD "http://127.0.0.1:$front_port/0.1/token/$token?scope=calld.users.me.calls.read"; }
	http_one() { wrk_rps HEAD "http://127.0.0.1:$one_port/0.1/token/$token?scope=calld.users.me.calls.read"; }
	sql_select8() { pgbench_tps -c 8 -S; }
	compare "HTTP HEAD token / the same front answering SELECT 1" ">= 0.8" http_check http_one
	compare "HTTP HEAD token / pgbench -S -M prepared -c 8" ">= 0.6" http_check sql_select8
}

# CPU of one login over HTTP, front and database together, beside one bare
# hash in the same server; in microseconds. A hash takes the memory's whole
# bandwidth, so its speed changes with what the machine's neighbours do: many
# short rounds, for both to see the same of it.
bench_login() {
	prepare_fronts
	local logins=40 rounds=$((rounds * 5))
	backends() { sql -c "SELECT pid FROM pg_catalog.pg_stat_activity WHERE usename = 'wazo_auth_front' AND datname = 'bench'"; }
	login_cpu() {
		local processes before after
		# Of a user with few sessions, as most are
		sql -c "DELETE FROM wazo_auth.session WHERE expires_at < pg_catalog.now() + interval '3 hours'"
		curl -s -o /dev/null -u bench:secret -d '{}' -H 'Content-Type: application/json' "http://127.0.0.1:$front_port/0.1/token"
		processes="$(backends) ${pids[0]} $(pgrep -P "${pids[0]}" | tr '\n' ' ')"
		before=$(cpu_nanoseconds $processes)
		for _ in $(seq "$logins"); do echo "url = http://127.0.0.1:$front_port/0.1/token"; echo "output = /dev/null"; done |
			curl -s -u bench:secret -d '{}' -H 'Content-Type: application/json' -K -
		after=$(cpu_nanoseconds $processes)
		awk -v t=$((after - before)) -v n="$logins" 'BEGIN { print t / 1000 / n }'
	}
	hash_cpu() {
		sql -v n="$logins" <<-'EOF' | tail -n 1
			SELECT hash AS hash FROM wazo_auth.password p JOIN wazo_auth.user u ON u.uuid = p.user_uuid WHERE u.username = 'bench' \gset
			SELECT wazo_auth.password_verify('secret', :'hash');
			SELECT pg_catalog.pg_backend_pid() AS pid \gset
			\setenv PID :pid
			\set before `cut -d ' ' -f 1 /proc/$PID/schedstat`
			SELECT pg_catalog.count(*) FROM pg_catalog.generate_series(1, :n) i WHERE wazo_auth.password_verify('secret' || pg_catalog.left(i::text, 0), :'hash');
			\set after `cut -d ' ' -f 1 /proc/$PID/schedstat`
			SELECT (:after - :before) / 1000.0 / :n;
		EOF
	}
	compare "login over HTTP / the bare hash, CPU microseconds" "<= 1.05" login_cpu hash_cpu
}
