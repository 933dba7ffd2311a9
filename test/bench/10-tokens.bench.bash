# Token checks and logins.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# What upstream was measured at, the best of its figures each: checks a second
# on two cores, their processor time, their 99th percentile, and the processor
# time of a login, all in microseconds; pages of 100 users of 10,000 and
# searches in them, a second; its process, in MiB. It does not run here, so
# these are of another day, and of another machine of two cores.
UPSTREAM_CHECKS=620 UPSTREAM_CHECK_CPU=1500 UPSTREAM_CHECK_P99=28000 UPSTREAM_LOGIN_CPU=165000
UPSTREAM_PAGES=88 UPSTREAM_SEARCHES=51 UPSTREAM_MIB=127

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

# A database whose http() does no more than SELECT 1 would, one by one.
prepare_fronts() {
	prepare_token
	[ -z "${front_port:-}" ] || return 0
	sql -d postgres -c "CREATE DATABASE bench_one TEMPLATE template0 ENCODING 'UTF8'"
	sql -d bench_one <<-'EOF'
		CREATE SCHEMA wazo_auth;
		CREATE TYPE wazo_auth.http_response AS (status integer, headers text[], body bytea);
		CREATE FUNCTION wazo_auth.http(text, text, text[], bytea, text) RETURNS wazo_auth.http_response
		LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(204, ARRAY['Content-Type', 'application/json'], NULL)::wazo_auth.http_response $$;
		CREATE FUNCTION wazo_auth.go_live() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
		GRANT USAGE ON SCHEMA wazo_auth TO wazo_auth_front;
	EOF
	front_port=$(free_port)
	start_front "$front_port" bench
	one_port=$(free_port)
	start_front "$one_port" bench_one
}

http_check() { wrk_rps HEAD "http://127.0.0.1:$front_port/0.1/token/$token?scope=calld.users.me.calls.read"; }

bench_http_check() {
	prepare_fronts
	http_one() { wrk_rps HEAD "http://127.0.0.1:$one_port/0.1/token/$token?scope=calld.users.me.calls.read"; }
	sql_select8() { pgbench_tps -c 8 -S; }
	compare "HTTP HEAD token / the same front answering SELECT 1" ">= 2" http_check http_one
	beside_known "HTTP HEAD token, a second / upstream's" ">= 200" "$UPSTREAM_CHECKS" "$measured" "$measured_cpus"
	beside_known "  its processor time in us / upstream's" "<= 0.00667" "$UPSTREAM_CHECK_CPU" "$measured_cpus"
	compare "HTTP HEAD token / pgbench -S -M prepared -c 8" ">= 0.6" http_check sql_select8
	http_p99() { wrk_times 32 "http://127.0.0.1:$front_port/0.1/token/$token?scope=calld.users.me.calls.read" | cut -d ' ' -f 3; }
	upstream_p99() { echo "$UPSTREAM_CHECK_P99"; }
	compare "HTTP HEAD token, p99 in us / upstream's" "<= 0.02" http_p99 upstream_p99
}

# Logins a second by as many clients as keep the processors at work, beside
# upstream on as many processors.
bench_logins() {
	prepare_fronts
	printf '%s\n' 'wrk.method = "POST" wrk.body = "{}"' \
		"wrk.headers['Authorization'] = 'Basic $(printf 'bench:secret' | base64)' wrk.headers['Content-Type'] = 'application/json'" >"$work/login.lua"
	local rates="" cpus="" rate cpu
	login_rate() {
		local said
		said=$(wrk -t 1 -c 8 -d "${seconds}s" -s "$work/login.lua" "http://127.0.0.1:$front_port/0.1/token")
		case $said in *Non-2xx* | *' 0 requests in'*) die "the front did not answer, or errors: $said" ;; esac
		echo "$said" | sed -n 's/^Requests\/sec: *//p'
	}
	sql -c "SELECT wazo_auth.configure('{\"max_user_concurrent_sessions\": 100000000}')" >/dev/null
	for _ in $(seq "$rounds"); do
		read -r rate cpu < <(with_cpu login_rate)
		rates="$rates $rate" cpus="$cpus $cpu"
	done
	beside_known "logins a second / upstream's" ">= 4" \
		"$(awk -v cpu="$UPSTREAM_LOGIN_CPU" -v n="$(nproc)" 'BEGIN { print n * 1000000 / cpu }')" "$rates" "$cpus"
}

# Memory of the front's processes and of the extension's workers, without what
# of the server's shared memory they have touched.
bench_memory() {
	prepare_fronts
	local workers kb
	# at work first: all memory that checks take is taken
	http_check >/dev/null
	workers=$(sql -c "SELECT a.pid FROM pg_catalog.pg_stat_activity a
		WHERE a.backend_type LIKE 'wazo_auth %' AND (a.datname = 'bench' OR a.datname IS NULL)")
	kb=$(for pid in ${pids[0]} $(pgrep -P "${pids[0]}") $workers; do cat "/proc/$pid/smaps_rollup"; done |
		awk '/^Pss_(Anon|File):/ { sum += $2 } END { print sum }')
	beside_known "MiB of the front and $(echo $workers | wc -w) workers / upstream's process" "<= 0.2" "$UPSTREAM_MIB" \
		"$(awk -v kb="$kb" 'BEGIN { print kb / 1024 }')"
}

# What a daemon asks for one request that it serves: its four calls over HTTP, one after the other, and the one in SQL.
bench_daemon_question() {
	prepare_fronts
	local tenant
	tenant=$(sql -c "SELECT wazo_auth.top_tenant_uuid()")
	sql -c "SELECT wazo_auth.add_user_policy(u.uuid,
		wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'daemon', '{auth.tenants.read}'::text[]::wazo_auth.acl))
		FROM wazo_auth.user u WHERE username = 'bench'" >/dev/null
	local asking
	asking=$(sql -c "SELECT token FROM wazo_auth.token_create('bench', 'secret', 86400)" | tail -n 1)
	cat >"$work/four.lua" <<-EOF
		local token, scope = "/0.1/token/$asking", "scope=calld.users.me.calls.read"
		local asked = 0
		request = function()
			asked = asked % 4 + 1
			if asked == 1 then return wrk.format("HEAD", token .. "?" .. scope .. "&tenant=$tenant") end
			if asked == 2 then return wrk.format("GET", token) end
			if asked == 3 then return wrk.format("HEAD", token .. "?tenant=$tenant") end
			return wrk.format("GET", "/0.1/tenants", { ["X-Auth-Token"] = "$asking" })
		end
	EOF
	echo "SELECT * FROM wazo_auth.check_request(:token::uuid, 'calld.users.me.calls.read', :tenant::uuid);" >"$work/question.sql"
	question() { pgbench_tps -c 1 -D "token=$asking" -D "tenant=$tenant" -f "$work/question.sql"; }
	four_calls() {
		local said
		said=$(wrk -t 1 -c "${1:-1}" -d "${seconds}s" -s "$work/four.lua" "http://127.0.0.1:$front_port")
		case $said in *Non-2xx* | *' 0 requests in'*) die "the front did not answer, or errors: $said" ;; esac
		echo "$said" | awk '/^Requests\/sec/ { print $2 / 4 }'
	}
	compare "check_request(), a second / a daemon's four calls" ">= 4" question four_calls
	# and by as many daemons as keep the front at work
	local rates="" cpus="" rate cpu
	for _ in $(seq "$rounds"); do
		read -r rate cpu < <(with_cpu four_calls 32)
		rates="$rates $rate" cpus="$cpus $cpu"
	done
	beside_known "a daemon's four calls, a second / upstream's checks alone" ">= 150" \
		"$(awk -v n="$UPSTREAM_CHECKS" 'BEGIN { print n / 4 }')" "$rates" "$cpus"
}

# CPU of one login over HTTP, front and database together, beside one bare
# hash in the same server; in microseconds. A hash takes the memory's whole
# bandwidth, so its speed changes, by half within seconds, with what the
# machine's neighbours do: many short rounds, for both to see the same of it.
bench_login() {
	prepare_fronts
	local logins=10 rounds=$((rounds * 10)) backends
	coproc HASHES { psql -X -q -A -t; }
	# the shell forgets it when it ends
	local hashes=$HASHES_PID to=${HASHES[1]} from=${HASHES[0]} hash_backend
	echo "SELECT hash AS hash FROM wazo_auth.password p JOIN wazo_auth.user u ON u.uuid = p.user_uuid WHERE u.username = 'bench' \\gset" >&"$to"
	echo "SELECT pg_catalog.pg_backend_pid();" >&"$to"
	read -r hash_backend <&"$from"
	login() {
		for _ in $(seq "$1"); do echo "url = http://127.0.0.1:$front_port/0.1/token"; echo "output = /dev/null"; done |
			curl -s -u bench:secret -d '{}' -H 'Content-Type: application/json' -K -
	}
	login_cpu() {
		local before
		before=$(cpu_nanoseconds $backends)
		login "$logins"
		awk -v a="$before" -v b="$(cpu_nanoseconds $backends)" -v n="$logins" 'BEGIN { print (b - a) / 1000 / n }'
	}
	hash_cpu() {
		local before
		before=$(cpu_nanoseconds "$hash_backend")
		echo "SELECT pg_catalog.count(*) FROM pg_catalog.generate_series(1, $logins) i WHERE wazo_auth.password_verify('secret' || pg_catalog.left(i::text, 0), :'hash');" >&"$to"
		read -r _ <&"$from"
		awk -v a="$before" -v b="$(cpu_nanoseconds "$hash_backend")" -v n="$logins" 'BEGIN { print (b - a) / 1000 / n }'
	}
	# The same hashes, each one asked for: a process that pauses finds its caches
	# and its processor's clock in another state, whatever it computes.
	asked_hash_cpu() {
		local before
		before=$(cpu_nanoseconds "$hash_backend")
		for _ in $(seq "$logins"); do
			echo "SELECT wazo_auth.password_verify('secret', :'hash');" >&"$to"
			read -r _ <&"$from"
			sleep 0.001
		done
		awk -v a="$before" -v b="$(cpu_nanoseconds "$hash_backend")" -v n="$logins" 'BEGIN { print (b - a) / 1000 / n }'
	}
	# Of a user with few sessions, as most are
	sql -c "DELETE FROM wazo_auth.session WHERE expires_at < pg_catalog.now() + interval '3 hours'"
	login 2
	hash_cpu >/dev/null
	backends="$(sql -c "SELECT pid FROM pg_catalog.pg_stat_activity WHERE usename = 'wazo_auth_front' AND datname = 'bench'") ${pids[0]} $(pgrep -P "${pids[0]}" | tr '\n' ' ')"
	compare "login over HTTP / the bare hash, CPU microseconds" "<= 1.05" login_cpu hash_cpu
	compare "  a hash that is asked for / one of a loop" "" asked_hash_cpu hash_cpu
	echo '\q' >&"$to"
	wait "$hashes" 2>/dev/null || true
}

# rows_of_session CLIENT USERNAME: the rows that a login with a refresh token of this client writes, put down by hand
# with all that stands on the tables: their indexes, foreign keys and checks. USERNAME is an expression of SQL.
rows_of_session() {
	cat <<-EOF
		WITH s AS (
		  INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, user_uuid, refresh_token_digest, metadata)
		  SELECT gen_random_uuid(), u.tenant_uuid, a.digest, now() + interval '2 hours', u.uuid, r.token_digest,
		         json_build_object('uuid', u.uuid, 'tenant_uuid', u.tenant_uuid, 'purpose', u.purpose)
		  FROM wazo_auth.user u
		  JOIN wazo_auth.refresh_token r ON r.user_uuid = u.uuid AND r.client_id = '$1'
		  CROSS JOIN (SELECT digest FROM wazo_auth.acl_set LIMIT 1) a
		  WHERE u.username = $2
		  RETURNING uuid, tenant_uuid, user_uuid, mobile),
		e AS (
		  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, session_uuid, audience)
		  SELECT 'auth_session_created', s.user_uuid, 'auth.sessions.' || s.uuid || '.created',
		         json_build_object('uuid', s.uuid, 'tenant_uuid', s.tenant_uuid, 'user_uuid', s.user_uuid, 'mobile', s.mobile),
		         s.tenant_uuid, s.uuid, s.user_uuid::text
		  FROM s)
		INSERT INTO wazo_auth.audit (object, action, object_uuid, tenant_uuid, auth_id, session_uuid, after)
		SELECT 'session', 'created', s.uuid, s.tenant_uuid, s.user_uuid::text, s.uuid, jsonb_build_object('user_uuid', s.user_uuid)
		FROM s;
	EOF
}

# What the database does for a login beside the password's hash, in processor time
# beside the three rows that it writes, put down by hand: from an address, so with
# the guard of logins. Nobody delivers the events meanwhile. A database of its own,
# where all hashes are as cheap as can be; what they cost is taken away.
bench_login_without_hash() {
	local database=bench_quick login
	sql -d postgres -c "CREATE DATABASE bench_quick TEMPLATE template0 ENCODING 'UTF8'" \
		-c "ALTER DATABASE bench_quick SET wazo_auth.argon2_memory = 1024" \
		-c "ALTER DATABASE bench_quick SET wazo_auth.argon2_iterations = 1" \
		-c "ALTER SYSTEM SET wazo_auth.relay_interval = 0" -c "SELECT pg_reload_conf()" >/dev/null
	sql -d bench_quick >/dev/null <<-'EOF'
		SET client_min_messages = warning;
		CREATE EXTENSION wazo_auth CASCADE;
		SELECT wazo_auth.bootstrap();
		SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'quick', 'secret', purpose => 'internal');
	EOF
	login="SELECT (wazo_auth.http('POST', '/0.1/token', ARRAY['Authorization', 'Basic $(printf 'quick:secret' | base64)',
		'Content-Type', 'application/json', 'User-Agent', 'curl'], '{}', '192.0.2.7')).status;"
	echo $login >"$work/login.sql"
	echo "SELECT wazo_auth.password_verify('secret', '$(sql -d bench_quick -c "SELECT hash FROM wazo_auth.password")');" >"$work/hash.sql"
	echo "SELECT wazo_auth.token_create(refresh_token => '$(sql -d bench_quick -c "SELECT new_refresh_token
		FROM wazo_auth.token_create('quick', 'secret', access_type => 'offline', client_id => 'phone')")',
		client_id => 'phone', remote_addr => '192.0.2.7');" | tr '\n\t' '  ' >"$work/refresh.sql"
	rows_of_session phone "'quick'" >"$work/rows.sql"
	cpu_of() { pgbench_tps -c 1 -f "$work/$1.sql" | cut -d ' ' -f 2; }
	login_but_hash() { awk -v a="$(cpu_of login)" -v b="$(cpu_of hash)" 'BEGIN { print a - b }'; }
	refresh_alone() { cpu_of refresh; }
	rows_alone() { cpu_of rows; }
	compare "login by password but its hash / its rows, CPU us" "<= 3" login_but_hash rows_alone
	compare "login by refresh token / its rows by hand, CPU us" "<= 2" refresh_alone rows_alone
	sql -c "ALTER SYSTEM RESET wazo_auth.relay_interval" -c "SELECT pg_reload_conf()" >/dev/null
}

# Wrong passwords for somebody with an imported hash, for somebody with a new
# one and for nobody: who asks must not be able to tell them apart.
bench_wrong_login() {
	prepare_token
	local name
	sql <<-'EOF' >/dev/null
		SELECT wazo_auth.import_password(wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'imported'),
		                                 pg_catalog.repeat('ab', 64), pg_catalog.decode(pg_catalog.repeat('cd', 64), 'hex'));
	EOF
	for name in imported bench nobody; do
		echo "SELECT (wazo_auth.http('POST', '/0.1/token', ARRAY['Authorization', 'Basic $(printf '%s:wrong' "$name" | base64)'], '{}')).status;" >"$work/wrong_$name.sql"
	done
	wrong_imported() { pgbench_tps -c 1 -f "$work/wrong_imported.sql"; }
	wrong_new() { pgbench_tps -c 1 -f "$work/wrong_bench.sql"; }
	wrong_nobody() { pgbench_tps -c 1 -f "$work/wrong_nobody.sql"; }
	compare "wrong password: nobody / an imported hash, per second" ">= 0.9" wrong_nobody wrong_imported
	compare "  an imported hash / a new one" ">= 0.9" wrong_imported wrong_new
	sql -c "SELECT wazo_auth.delete_user(wazo_auth.resolve_login('imported'))" >/dev/null
}
