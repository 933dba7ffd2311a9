# Expiry at scale: what a million expired sessions, opening and ending sessions
# without a pause, and a transaction that stays open do to checks and tables.
#
# BENCH_EXPIRED (default 1000000): how many sessions expire at once.
# BENCH_CHURN_SECONDS (default 30): how long sessions come and go; 600 for the
# full claim.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# set_server NAME VALUE: for the whole server
set_server() { sql -c "ALTER SYSTEM SET $1 = '$2'" -c "SELECT pg_catalog.pg_reload_conf()" >/dev/null; }

# check_p99 SECONDS: 99th percentile of the time of a check, in microseconds
check_p99() {
	rm -f "$work"/latency.*
	pgbench -n -M prepared -c 1 -T "$1" -D "token=$token" -f "$work/check.sql" --log --log-prefix="$work/latency" bench >/dev/null 2>&1
	cat "$work"/latency.* | awk '{ print $3 }' | sort -n | awk '{ a[NR] = $1 } END { print a[int(NR * 0.99)] }'
}

bench_expiry() {
	prepare_token
	local expired=${BENCH_EXPIRED:-1000000} ratios="" idles="" busies="" rates="" idle busy before left from tries
	set_server wazo_auth.token_cleanup_interval 0
	sql >/dev/null <<-EOS
		SET session_replication_role = replica;  -- of rows that are right by themselves
		INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, user_uuid)
		SELECT pg_catalog.gen_random_uuid(), s.tenant_uuid, s.acl_digest, pg_catalog.now() - pg_catalog.make_interval(secs => i % 3600), s.user_uuid
		FROM pg_catalog.generate_series(1, $expired) i,
		  (SELECT * FROM wazo_auth.session WHERE token_digest = wazo_auth.token_digest('$token')) s;
		VACUUM ANALYZE wazo_auth.session;
		CHECKPOINT;
	EOS
	expired_left() { sql -c "SELECT pg_catalog.count(*) FROM wazo_auth.session WHERE expires_at <= pg_catalog.now()"; }
	for _ in $(seq "$rounds"); do
		idle=$(check_p99 "$seconds")
		before=$(expired_left) from=$(date +%s.%N)
		set_server wazo_auth.token_cleanup_interval 1
		tries=0
		until [ -n "$(sql -c "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE backend_type = 'wazo_auth expiry' AND datname = 'bench' AND query LIKE '%deleting expired%'")" ]; do
			[ $((tries += 1)) -lt 1200 ] || die "nothing is expired: $(sql -c "SELECT w FROM wazo_auth.worker_status w")"
			sleep 0.05
		done
		busy=$(check_p99 "$seconds")
		left=$(expired_left)
		[ "$left" -gt 0 ] || { [ -n "$ratios" ] || die "all had expired before the end of the measurement: set BENCH_EXPIRED higher"; break; }
		rates="$rates $(awk -v a="$before" -v b="$left" -v f="$from" -v t="$(date +%s.%N)" 'BEGIN { print (a - b) / (t - f) }')"
		idles="$idles $idle" busies="$busies $busy"
		ratios="$ratios $(awk -v x="$busy" -v y="$idle" 'BEGIN { printf "%.4f", x / y }')"
		# a round goes on until nothing is left; ended, its successor finds the interval 0
		set_server wazo_auth.token_cleanup_interval 0
		sql -c "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'wazo_auth expiry' AND datname = 'bench'" >/dev/null
	done
	report "check p99 while sessions expire / idle, microseconds" "<= 1.5" \
		"$ratios" "$busies" "$idles"
	printf '%-58s %12.1f\n' "  expired sessions cleared away meanwhile, per second" "$(echo $rates | median)"
	sql -c "ALTER SYSTEM RESET wazo_auth.token_cleanup_interval" -c "SELECT pg_catalog.pg_reload_conf()" >/dev/null
}

# churn SECONDS: sessions are opened and ended as fast as it goes
churn() {
	events_prepare
	cat >"$work/churn.sql" <<-'EOS'
		\set i random(1, 64)
		SELECT token FROM wazo_auth.token_create(refresh_token => (SELECT token FROM refresh_token_of WHERE i = :i), client_id => 'bench') \gset
		SELECT wazo_auth.token_delete(:token::uuid);
	EOS
	(seconds=$1; pgbench_rate -c 2 -f "$work/churn.sql")
}

# Bytes of the tables with their indexes, and of their rows packed anew.
table_bytes() {
	sql -c "SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(t)) FROM pg_catalog.unnest('{wazo_auth.session,wazo_auth.event_outbox}'::regclass[]) t"
}
packed_bytes() {
	sql <<-'EOS'
		CREATE TABLE packed_session (LIKE wazo_auth.session INCLUDING ALL);
		CREATE TABLE packed_outbox (LIKE wazo_auth.event_outbox INCLUDING ALL);
		INSERT INTO packed_session SELECT * FROM wazo_auth.session;
		INSERT INTO packed_outbox OVERRIDING SYSTEM VALUE SELECT * FROM wazo_auth.event_outbox;
		REINDEX TABLE packed_session;
		SELECT pg_catalog.pg_total_relation_size('packed_session') + pg_catalog.pg_total_relation_size('packed_outbox');
		DROP TABLE packed_session, packed_outbox;
	EOS
}

# A hundred thousand sessions stay while others come and go.
bench_churn() {
	local rate used packed
	prepare_token
	events_prepare
	# what other rows have left behind is none of its own
	sql -c "SET session_replication_role = replica" -c "DELETE FROM wazo_auth.session WHERE expires_at <= pg_catalog.now()" \
		-c "VACUUM (FULL, ANALYZE) wazo_auth.session, wazo_auth.event_outbox"
	sql >/dev/null <<-EOS
		SET session_replication_role = replica;
		INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, user_uuid)
		SELECT pg_catalog.gen_random_uuid(), s.tenant_uuid, s.acl_digest, pg_catalog.now() + interval '2 days', s.user_uuid
		FROM pg_catalog.generate_series(1, 100000) i,
		  (SELECT * FROM wazo_auth.session WHERE token_digest = wazo_auth.token_digest('$token')) s;
	EOS
	rate=$(churn "${BENCH_CHURN_SECONDS:-30}")
	used=$(table_bytes)
	packed=$(packed_bytes)
	report "tables after ${BENCH_CHURN_SECONDS:-30} s of $(printf %.0f "$rate") sessions/s / packed, bytes" "<= 2" \
		"$(awk -v a="$used" -v b="$packed" 'BEGIN { print a / b }')" "$used" "$packed"
}

# Checks while an old transaction keeps vacuum from removing anything.
bench_old_transaction() {
	local before after ratios="" befores="" afters="" rate
	prepare_token
	events_prepare
	sql -c "VACUUM wazo_auth.session, wazo_auth.event_outbox" >/dev/null
	for _ in $(seq "$rounds"); do befores="$befores $(pgbench_rate -c 2 -D "token=$token" -f "$work/check.sql")"; done
	coproc OLD { psql -X -q -A -t; }
	# the shell forgets it when it ends
	local old=$OLD_PID to=${OLD[1]} from=${OLD[0]}
	echo "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_catalog.count(*) FROM wazo_auth.tenant;" >&"$to"
	read -r _ <&"$from"
	rate=$(churn "${BENCH_CHURN_SECONDS:-30}")
	for _ in $(seq "$rounds"); do afters="$afters $(pgbench_rate -c 2 -D "token=$token" -f "$work/check.sql")"; done
	echo 'COMMIT \q' >&"$to"
	kill "$old" 2>/dev/null || true
	wait "$old" 2>/dev/null || true
	before=$(echo $befores | median) after=$(echo $afters | median)
	report "checks under an old transaction, $(printf %.0f "$rate") sessions/s / before" ">= 0.9" \
		"$(awk -v a="$after" -v b="$before" 'BEGIN { print a / b }')" "$after" "$before"
}
