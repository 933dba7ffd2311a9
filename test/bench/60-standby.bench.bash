# A standby beside its primary.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# A streaming standby of the bench's server, in a socket folder of its own.
prepare_standby() {
	[ -z "${standby_socket:-}" ] || return 0
	standby_socket=$work/standby_socket
	mkdir -m 755 "$standby_socket"
	mkdir -m 700 "$work/standby"
	touch "$work/standby.log"
	chown "$SERVER_USER": "$standby_socket" "$work/standby" "$work/standby.log"
	as_server "$PG_BINDIR/pg_basebackup" -h "$PGHOST" -D "$work/standby" -R --checkpoint=fast
	as_server tee -a "$work/standby/postgresql.conf" >/dev/null <<-EOF
		unix_socket_directories = '$standby_socket'
	EOF
	start_cluster "$work/standby" "$work/standby.log"
	standby_running=yes
}

bench_standby_check() {
	prepare_token
	prepare_standby
	local before after
	primary_check() { pgbench_tps -c 2 -D "token=$token" -f "$work/check.sql"; }
	standby_check() { PGHOST=$standby_socket primary_check; }
	until [ "$(PGHOST=$standby_socket sql -c "SELECT wazo_auth.token_check('$token')")" = valid ]; do sleep 0.1; done
	before=$(sql -c "SELECT pg_current_wal_lsn()")
	compare "SQL token check on a standby / on the primary" ">= 0.95" standby_check primary_check
	after=$(sql -c "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '$before')")
	echo "WAL written by all of these checks, and what else went on: $after bytes"
}
