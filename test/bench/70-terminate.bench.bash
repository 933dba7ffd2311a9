# How soon a backend is gone that waits for a program beside the server, for a
# directory that never answers and for a reader of SAML documents that hangs,
# beside one that waits in pg_sleep(). Goal: within 100 ms.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# gone_ms QUERY [PROGRAM]: begins it in a session of its own and, once it waits (for that program), ends the backend:
# milliseconds until pg_stat_activity, looked at every millisecond, has it no more
gone_ms() {
	local client
	psql -X -q -d "dbname=bench application_name=doomed" -c "$1" >/dev/null 2>&1 &
	client=$!
	sql >/dev/null <<-EOS
		SELECT pg_catalog.set_config('bench.program', '${2:-}', false);
		DO \$\$
		DECLARE v_pid integer;
		BEGIN
		  LOOP
		    PERFORM pg_catalog.pg_stat_clear_snapshot();
		    SELECT a.pid INTO v_pid FROM pg_catalog.pg_stat_activity a
		    WHERE a.application_name = 'doomed' AND a.wait_event IN ('PgSleep', 'Extension');
		    EXIT WHEN FOUND AND (current_setting('bench.program') = ''
		      OR pg_catalog.pg_read_file('/proc/' || v_pid || '/task/' || v_pid || '/children') <> '');
		    PERFORM pg_catalog.pg_sleep(0.001);
		  END LOOP;
		END \$\$;
	EOS
	# the program has read its job by then
	sleep 0.2
	sql <<-'EOS'
		SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.application_name = 'doomed' \gset
		SELECT pg_catalog.set_config('bench.pid', :'pid', false) \g /dev/null
		DO $$
		DECLARE v_from timestamptz := pg_catalog.clock_timestamp();
		BEGIN
		  PERFORM pg_catalog.pg_terminate_backend(current_setting('bench.pid')::integer);
		  LOOP
		    PERFORM pg_catalog.pg_stat_clear_snapshot();
		    EXIT WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = current_setting('bench.pid')::integer);
		    PERFORM pg_catalog.pg_sleep(0.001);
		  END LOOP;
		  PERFORM pg_catalog.set_config('bench.ms', (extract(epoch FROM pg_catalog.clock_timestamp() - v_from) * 1000)::text, false);
		END $$;
		SELECT current_setting('bench.ms');
	EOS
	wait "$client" 2>/dev/null || true
}

bench_terminate() {
	local port program what ms beside
	port=$(free_port)
	perl -MIO::Socket::INET -e 'my $l = IO::Socket::INET->new(Listen => 20, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die; my @kept; while (my $c = $l->accept) { push @kept, $c }' "$port" &
	pids+=($!)
	sql >/dev/null <<-EOS
		SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'doomed', 'doomed') AS tenant \gset
		SELECT wazo_auth.set_ldap_config(:'tenant', '{"host": "127.0.0.1", "port": $port, "user_base_dn": "dc=x", "user_login_attribute": "cn", "user_email_attribute": "mail"}');
	EOS
	# a reader that hangs at the word of a document (test/unit/hostile_document.c)
	make --no-print-directory -s build/unit/saml_hostile
	program=$(find "$work/tree" -name wazo-auth-xml)
	rm "$program" && cp build/unit/saml_hostile "$program"
	for what in "a login that waits for a directory|SELECT wazo_auth.token_create('x', 'y', members => '{\"tenant_id\": \"doomed\"}')" \
		"one that waits for a reader of SAML documents|SELECT wazo_auth.saml_read_metadata(NULL, 'hang')"; do
		ms="" beside=""
		for _ in $(seq "$rounds"); do
			ms="$ms $(gone_ms "${what#*|}" program)"
			beside="$beside $(gone_ms 'SELECT pg_catalog.pg_sleep(60)')"
		done
		report "ms to end ${what%%|*} / 100" "<= 1" "$(awk -v a="$(echo $ms | median)" 'BEGIN { print a / 100 }')" \
			"$(echo $ms | median)" "$(echo $beside | median)"
	done
}
