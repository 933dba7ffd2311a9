# Checks over the number of sessions, with tokens spread over the whole table,
# beside the plain SELECT of the same rows by the same index: what both lose is
# the machine's memory, what only checks lose would be ours.
#
# SESSIONS (default 10000000): the largest table; the others have a tenth of it
# and 10,000. The largest takes some 7 GB, and half as much again while it is
# made.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# growth_database N: a database with N live sessions of 1,000 users, whose tokens are made of the numbers from 1 to N
growth_database() {
	local from=$SECONDS bytes
	sql -d postgres -c "CREATE DATABASE growth_$1 TEMPLATE template0 ENCODING 'UTF8'"
	sql -d "growth_$1" >/dev/null <<-EOS
		SET client_min_messages = warning;
		CREATE EXTENSION wazo_auth CASCADE;
		CREATE EXTENSION pg_prewarm SCHEMA public;
		SELECT wazo_auth.bootstrap() AS top \gset
		INSERT INTO wazo_auth.user (tenant_uuid, username) SELECT :'top', 'user' || i FROM pg_catalog.generate_series(1, 1000) i;
		INSERT INTO wazo_auth.acl_set (digest, acl)
		SELECT wazo_auth.acl_digest(a.acl), a.acl FROM (
		  SELECT ((SELECT pg_catalog.array_agg('confd.users.' || s || '.thing' || i || '.#') FROM pg_catalog.generate_series(1, 99) i)
		          || '{calld.users.me.calls.read}'::text[])::wazo_auth.acl AS acl
		  FROM pg_catalog.generate_series(1, 10) s) a;
		-- the rows at once and right by themselves, the indexes but the key's afterwards, as they are defined
		SET session_replication_role = replica;
		SET maintenance_work_mem = '1GB';
		CREATE TABLE public.later AS
		SELECT i.indexrelid::regclass::text AS name, c.conname, pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
		       pg_catalog.pg_get_constraintdef(c.oid) AS rule
		FROM pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
		WHERE i.indrelid = 'wazo_auth.session'::regclass;
		SELECT pg_catalog.format(CASE WHEN l.conname IS NULL THEN 'DROP INDEX %1\$s' ELSE 'ALTER TABLE wazo_auth.session DROP CONSTRAINT %2\$I' END,
		                         l.name, l.conname) FROM public.later l \gexec
		INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, user_uuid, user_agent, remote_addr, metadata)
		SELECT wazo_auth.token_digest(pg_catalog.md5('t' || i)::uuid), :'top', a.digests[1 + i % 10], pg_catalog.now() + interval '10 days',
		       u.uuids[1 + i % 1000], 'wazo-desktop', '192.0.2.1', u.metadata[1 + i % 1000]
		FROM pg_catalog.generate_series(1, $1) i,
		  (SELECT pg_catalog.array_agg(digest) AS digests FROM wazo_auth.acl_set) a,
		  (SELECT pg_catalog.array_agg(x.uuid) AS uuids, pg_catalog.array_agg(wazo_auth.user_metadata(x)) AS metadata
		   FROM (SELECT * FROM wazo_auth.user LIMIT 1000) x) u;
		SELECT CASE WHEN l.conname IS NULL THEN l.definition
		            ELSE pg_catalog.format('ALTER TABLE wazo_auth.session ADD CONSTRAINT %I %s', l.conname, l.rule) END
		FROM public.later l \gexec
		VACUUM ANALYZE wazo_auth.session;
		CHECKPOINT;
		SELECT public.pg_prewarm('wazo_auth.session'), public.pg_prewarm('wazo_auth.session_pkey');
	EOS
	bytes=$(sql -d "growth_$1" -c "SELECT pg_catalog.pg_total_relation_size('wazo_auth.session')")
	printf '  %d sessions: made in %d s, %d bytes each with all indexes\n' "$1" $((SECONDS - from)) $((bytes / $1))
}

# growth_pages N: pages that a check reads once the connection is warm
growth_pages() {
	sql -d "growth_$1" <<-'EOS' | sed -n 's/^ *"Shared \(Hit\|Read\) Blocks": \([0-9]*\),*/\2/p' | head -n 2 | awk '{ n += $1 } END { print n }'
		SELECT wazo_auth.token_check(md5('t' || i)::uuid, 'calld.users.me.calls.read') FROM pg_catalog.generate_series(1, 20) i \g /dev/null
		EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT wazo_auth.token_check(md5('t77')::uuid, 'calld.users.me.calls.read');
	EOS
}

growth_rate() { # N FILE
	database=growth_$1 pgbench_tps -c 2 -D "n=$1" -f "$work/growth_$2.sql"
}

# plot_growth: the lines "sessions check_us select_us" of standard input as SVG
plot_growth() {
	awk '
		function x(n) { return 60 + (log(n) - log(least)) / (log(most) - log(least)) * 560 }
		function y(t) { return 230 - t / times * 190 }
		{ n[NR] = $1; check[NR] = $2; plain[NR] = $3; if ($2 > times) times = $2; if ($3 > times) times = $3 }
		END {
			least = n[1]; most = n[NR]
			print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"660\" height=\"270\" font-family=\"sans-serif\" font-size=\"12\">"
			print "<rect width=\"660\" height=\"270\" fill=\"white\"/>"
			print "<path d=\"M60 30v200h560\" fill=\"none\" stroke=\"black\"/>"
			printf "<text x=\"60\" y=\"22\">A check in SQL (blue) and the plain SELECT of its row (red), up to %.0f us; over the sessions</text>\n", times
			for (i = 1; i <= NR; i++) {
				print "<text x=\"" x(n[i]) "\" y=\"248\" text-anchor=\"middle\">" n[i] "</text>"
				a = a " " x(n[i]) "," y(check[i])
				b = b " " x(n[i]) "," y(plain[i])
			}
			print "<polyline fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\" points=\"" a "\"/>"
			print "<polyline fill=\"none\" stroke=\"#d62728\" stroke-width=\"2\" points=\"" b "\"/>"
			print "</svg>"
		}'
}

bench_growth() {
	local n what rate loss own most=${SESSIONS:-10000000}
	local sizes="10000 $((most / 10)) $most"
	cat >"$work/growth_check.sql" <<-'EOS'
		\set i random(1, :n)
		SELECT wazo_auth.token_check(md5('t' || :i)::uuid, 'calld.users.me.calls.read');
	EOS
	cat >"$work/growth_select.sql" <<-'EOS'
		\set i random(1, :n)
		SELECT s.expires_at FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(md5('t' || :i)::uuid);
	EOS
	for n in $sizes; do growth_database "$n"; done
	for _ in $(seq "$rounds"); do
		for n in $sizes; do
			# Who comes first after another database finds colder caches: each does once.
			for what in check select select check; do
				read -r rate _ < <(growth_rate "$n" "$what")
				echo "$n $what $rate"
			done
		done
	done >"$work/growth"
	middle() { awk -v n="$1" -v w="$2" '$1 == n && $2 == w { print $3 }' "$work/growth" | median; }
	for n in $sizes; do echo "$n $(middle "$n" check) $(middle "$n" select)"; done |
		awk '{ printf "%d %.2f %.2f\n", $1, 2000000 / $2, 2000000 / $3 }' >"$work/growth.middle"
	{ echo "sessions,check_us,select_us"; tr ' ' ',' <"$work/growth.middle"; } >"$out/growth.csv"
	plot_growth <"$work/growth.middle" >"$out/growth.svg"
	for n in $sizes; do
		[ "$n" != 10000 ] || continue
		loss=$(growth_ratios "$n" '"check", "check"')
		own=$(growth_ratios "$n" '"check", "select"')
		report "checks with $n sessions / with 10,000" ">= 0.9" "$loss" "$(middle "$n" check)" "$(middle 10000 check)"
		report "  the plain SELECT of their rows, likewise" "" "$(growth_ratios "$n" '"select", "select"')" \
			"$(middle "$n" select)" "$(middle 10000 select)"
		report "  pages that a check reads, likewise" "<= 2" \
			"$(awk -v a="$(growth_pages "$n")" -v b="$(growth_pages 10000)" 'BEGIN { print a / b }')" "$(growth_pages "$n")" "$(growth_pages 10000)"
		report "  what checks lose beside what it loses" ">= 0.9" "$own" "$(echo $loss | median)" \
			"$(growth_ratios "$n" '"select", "select"' | median)"
	done
	for n in $sizes; do sql -d postgres -c "DROP DATABASE growth_$n"; done
}

# growth_ratios N '"check", "check"': of each round, the rate with N sessions beside that with 10,000; of
# '"check", "select"' that of checks beside that of the plain SELECT
growth_ratios() {
	awk -v n="$1" "
		{ rate[\$1, \$2, ++seen[\$1, \$2]] = \$3 }
		function ratio(what, i) { return rate[n, what, i] / rate[10000, what, i] }
		function all(a, b, i) {
			for (i = 1; i <= seen[n, a]; i++)
				printf \" %.4f\", a == b ? ratio(a, i) : ratio(a, i) / ratio(b, i)
		}
		END { all($2); print \"\" }" "$work/growth"
}
