# What the outbox costs: sessions opened a second (by refresh token, so that no
# password hash hides it) with their events, beside the same without any.
#
# SPDX-License-Identifier: GPL-3.0-or-later

events_prepare() {
	[ ! -e "$work/open_session.sql" ] || return 0
	sql >/dev/null <<-'EOS'
		SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 100000000}');
		CREATE TABLE refresh_token_of AS
		SELECT i, (wazo_auth.token_create('opener' || i, 'secret', access_type => 'offline', client_id => 'bench')).new_refresh_token AS token
		FROM (SELECT i, wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'opener' || i, 'secret', purpose => 'internal') AS u
		      FROM generate_series(1, 64) i OFFSET 0) s;
		ALTER TABLE refresh_token_of ADD PRIMARY KEY (i);
		VACUUM ANALYZE refresh_token_of;
	EOS
	sql -c "SELECT pg_get_functiondef('wazo_auth.emit_session_created'::regproc)" >"$work/emit_session_created.sql"
	cat >"$work/open_session.sql" <<-'EOS'
		\set i random(1, 64)
		SELECT wazo_auth.token_create(refresh_token => (SELECT token FROM refresh_token_of WHERE i = :i), client_id => 'bench');
	EOS
}

sessions_with_events() {
	sql -f "$work/emit_session_created.sql" >/dev/null
	pgbench_tps -c 2 -f "$work/open_session.sql"
}

sessions_without_events() {
	sql >/dev/null <<-'EOS'
		CREATE OR REPLACE FUNCTION wazo_auth.emit_session_created(session_uuid uuid, tenant_uuid uuid, user_uuid uuid, mobile boolean)
		RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	EOS
	pgbench_tps -c 2 -f "$work/open_session.sql"
}

# A login without a hash, beside the rows that it writes.
bench_refresh_login() {
	events_prepare
	{
		echo '\set i random(1, 64)'
		rows_of_session bench "'opener' || :i"
	} >"$work/bare_session.sql"
	sessions_by_refresh_token() { pgbench_tps -c 2 -f "$work/open_session.sql"; }
	sessions_by_hand() { pgbench_tps -c 2 -f "$work/bare_session.sql"; }
	compare "sessions by refresh token / their rows by hand" ">= 0.6" sessions_by_refresh_token sessions_by_hand
}

bench_outbox() {
	local seconds=1 rounds=$((rounds * 2))
	events_prepare
	# the relay, which shares the machine here, works on another day
	sql -c "ALTER SYSTEM SET wazo_auth.relay_interval = 0" -c "SELECT pg_reload_conf()" >/dev/null
	compare "sessions opened, with events / without" ">= 0.9" sessions_with_events sessions_without_events
	sql -c "ALTER SYSTEM RESET wazo_auth.relay_interval" -c "SELECT pg_reload_conf()" >/dev/null
	compare "the same while the relay delivers" ">= 0.75" sessions_with_events sessions_without_events
}
