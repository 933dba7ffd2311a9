#!/usr/bin/env bash
# check.sh [SUITE...]: runs the test suites on private clusters and counts. REGRESS,
# SPECS, PGTAP (names) and TESTS (files) choose among the tests of a suite.
# The last line reads "N passed, N failed". A skipped test counts as failed.
#
# The servers' account runs everything in a copy below /tmp, so a checkout that
# only root can enter works too.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/../../tools/server.bash"

suites=${*:-unit regress isolation pgtap tap fresh}
work=$(mktemp -d /tmp/wazo_auth_check.XXXXXX)
chmod 755 "$work"
passed=0 failed=0

finish() {
	trap - EXIT INT TERM
	stop_cluster "$work/data" immediate >/dev/null 2>&1 || true
	if [ "$failed" -gt 0 ]; then
		rm -rf build/check && mkdir -p build/check
		cp -r "$work"/logs/. build/check/ 2>/dev/null || true
		cp -r "$work"/src/tmp_check build/check/ 2>/dev/null || true
		echo "the logs of this run are in build/check"
	fi
	rm -rf "$work"
}
trap 'finish' EXIT
trap 'finish; exit 1' INT TERM

private_tree "$work/tree"
mkdir -p "$work/logs"
bash tools/sources.sh --built "$work/src"
chown -R "$SERVER_USER": "$work/src" "$work/logs"
mkdir -m 700 "$work/data" "$work/socket"
chown "$SERVER_USER": "$work/data" "$work/socket"
(umask 077 && printf 'key1:%s\n' "$(openssl rand -base64 32)" >"$work/secret.key")
chown "$SERVER_USER": "$work/secret.key"

# What every suite finds in its environment.
suite_env=(env -i HOME="$work" PATH="$PG_BINDIR:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 LANG=C.UTF-8 TZ=UTC
	PG_BINDIR="$PG_BINDIR" PG_CONFIG="$PG_BINDIR/pg_config" PGHOST="$work/socket" PGPORT=5432 PGUSER=postgres
	CHAOS_KILLS="${CHAOS_KILLS:-}" CHAOS_SEED="${CHAOS_SEED:-}" CHAOS_SECONDS="${CHAOS_SECONDS:-}"
	TIMING_TRIES="${TIMING_TRIES:-}" TIMING_KINDS="${TIMING_KINDS:-}" TIMING_SEED="${TIMING_SEED:-}"
	SOAK_MINUTES="${SOAK_MINUTES:-}" STANDBY_RACES="${STANDBY_RACES:-}" IMPORT_USERS="${IMPORT_USERS:-}"
	IMPORT_TOKENS="${IMPORT_TOKENS:-}" FRAMINGS="${FRAMINGS:-}" FRAMING_SEED="${FRAMING_SEED:-}"
	HISTORIES="${HISTORIES:-}" HISTORY_SEED="${HISTORY_SEED:-}" HOSTILE_REQUESTS="${HOSTILE_REQUESTS:-}"
	HOSTILE_SEED="${HOSTILE_SEED:-}"
	WAZO_AUTH_FRONT="$work/src/build/wazo-auth" WAZO_AUTH_XML="$work/src/build/wazo-auth-xml"
	WAZO_AUTH_SECRET_KEY_FILE="$work/secret.key"
	WAZO_AUTH_OLD_FRONT="$([ ! -x build/old/wazo-auth ] || echo "$work/src/build/old/wazo-auth")"
	TESTDATADIR="$work/src/tmp_check" TESTLOGDIR="$work/src/tmp_check/log" CI="${CI:-}")

in_src() { (cd "$work/src" && as_server "${suite_env[@]}" "$@"); }

count() { # count PASSED FAILED
	passed=$((passed + $1)) failed=$((failed + $2))
}

# Of prove's output the name of each file as it begins, so that a long suite shows how far it is.
progress() { # progress SUITE
	perl -ne 'BEGIN { $| = 1; $suite = shift } printf "  %s %d: %s\n", $suite, ++$n, $1 if m{(?<![# ] )(test/[a-z0-9_/]+\.(?:t|sql)) \.\.}' "$1"
}

# count_tap NAME COMMAND...: runs prove and counts the assertions of its log.
count_tap() {
	local name=$1 log=$work/logs/$1.log status=0 ok not skips
	shift
	"$@" 2>&1 | tee "$log" | progress "$name"
	status=${PIPESTATUS[0]}
	ok=$(grep -acE '^ok ' "$log" || true)
	not=$(grep -acE '^not ok ' "$log" || true)
	skips=$(grep -acE '^ok .*# *[Ss][Kk][Ii][Pp]|^1\.\.0 # SKIP|skipped:' "$log" || true)
	[ "$status" -eq 0 ] || [ "$not" -gt 0 ] || not=1
	count $((ok - skips)) $((not + skips))
	echo "$name: $((ok - skips)) passed, $((not + skips)) failed"
	[ $((not + skips)) -eq 0 ] || grep -avE '^ok ' "$log" | tail -n 60
}

# count_regress NAME COMMAND...: runs pg_regress or pg_isolation_regress.
count_regress() {
	local name=$1 log=$work/logs/$1.log status=0 ok not
	shift
	"$@" >"$log" 2>&1 || status=$?
	# the second form is that of PostgreSQL 16 and later
	ok=$(grep -acE '^(test| ) .*\.\.\. ok|^ok [0-9]' "$log" || true)
	not=$(grep -acE '\.\.\. FAILED|^not ok [0-9]' "$log" || true)
	[ "$status" -eq 0 ] || [ "$not" -gt 0 ] || not=1
	count "$ok" "$not"
	echo "$name: $ok passed, $not failed"
	if [ "$not" -gt 0 ]; then
		tail -n 20 "$log"
		find "$work/src" -name 'regression.diffs' -exec cp {} "$work/logs/$name.diffs" \; -exec head -n 200 {} \;
	fi
}

names() { (cd "$1" && ls -- *"$2" 2>/dev/null | sed "s/\\$2\$//") || true; }

start_shared_cluster() {
	[ ! -s "$work/data/postmaster.pid" ] || return 0
	private_cluster "$work/data" "$work/socket"
	printf '%s\n' "wazo_auth.secret_key_file = '$work/secret.key'" "wazo_auth.saml_timeout = '60s'" | as_server tee -a "$work/data/postgresql.conf" >/dev/null
	# no worker clears away what these suites look at
	printf 'fsync = off\nwazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\n' |
		as_server tee -a "$work/data/postgresql.conf" >/dev/null
	start_cluster "$work/data" "$work/logs/postgresql.log"
}

pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..

suite_unit() {
	local status=0
	# -k: one that does not build keeps no other from running
	make --no-print-directory -s -k -j"$(nproc)" -O check-unit >"$work/logs/unit-build.log" 2>&1 || status=$?
	count_tap unit sh -c 'cat "$1"; exit "$2"' sh "$work/logs/unit-build.log" "$status"
}

run_regress() { # run_regress NAME
	count_regress "$1" in_src "$pgxs/src/test/regress/pg_regress" --bindir="$PG_BINDIR" \
		--inputdir=test --outputdir=. --dbname=wazo_auth_regress \
		--encoding=UTF8 --load-extension=pg_trgm --load-extension=wazo_auth ${REGRESS:-$(names test/sql .sql)}
}

suite_regress() {
	start_shared_cluster
	run_regress regress
}

suite_isolation() {
	start_shared_cluster
	count_regress isolation in_src "$pgxs/src/test/isolation/pg_isolation_regress" --bindir="$PG_BINDIR" \
		--inputdir=test --outputdir=. --dbname=wazo_auth_isolation \
		--encoding=UTF8 --load-extension=pg_trgm --load-extension=wazo_auth ${SPECS:-$(names test/specs .spec)}
}

pgtap_database() {
	in_src psql -X -q -d postgres -c "SET client_min_messages = error" -c "DROP DATABASE IF EXISTS wazo_auth_pgtap" \
		-c "CREATE DATABASE wazo_auth_pgtap ENCODING 'UTF8' TEMPLATE template0"
	in_src psql -X -q -d wazo_auth_pgtap -c "CREATE EXTENSION wazo_auth CASCADE; CREATE EXTENSION pgtap"
}

run_pgtap() { # run_pgtap NAME
	local files=test/pgtap name
	if [ -n "${PGTAP:-}" ]; then
		files=
		for name in $PGTAP; do files="$files test/pgtap/$name.sql"; done
	fi
	# shellcheck disable=SC2086
	count_tap "$1" in_src prove --verbose --ext .sql --exec 'psql -X -q -A -t -v ON_ERROR_STOP=1 -d wazo_auth_pgtap -f' $files
}

suite_pgtap() {
	start_shared_cluster
	pgtap_database
	run_pgtap pgtap
}

# history_worker K: of two, in a database of its own; some at a time, since what a
# transaction has rolled back is in the way of its next ones.
history_worker() {
	local database=wazo_auth_history_$1 batch=250 first
	for ((first = $1 * batch; first < HISTORIES; first += 2 * batch)); do
		in_src env HISTORIES=$((HISTORIES - first < batch ? HISTORIES - first : batch)) \
			HISTORY_SEED=$((${HISTORY_SEED:-0} + first)) psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" \
			-f test/pgtap/history.sql || echo "not ok - histories from $first on: no end"
	done
}

history_workers() {
	history_worker 0 &
	history_worker 1
	wait
}

suite_history() {
	local database
	: "${HISTORIES:=10000}"
	start_shared_cluster
	for database in wazo_auth_history_0 wazo_auth_history_1; do
		in_src psql -X -q -d postgres -c "CREATE DATABASE $database ENCODING 'UTF8' TEMPLATE template0"
		in_src psql -X -q -d "$database" -c "CREATE EXTENSION wazo_auth CASCADE; CREATE EXTENSION pgtap"
	done
	count_tap history history_workers
	sed -nE 's/^# ([0-9]+) histories, ([0-9]+) steps, ([0-9]+) answers.*/\1 \2 \3/p' "$work/logs/history.log" |
		awk '{ h += $1; s += $2; a += $3 } END { printf "%d histories, %d steps, %d answers compared\n", h, s, a }'
}

suite_tap() {
	count_tap tap in_src prove -j3 --verbose --timer -I test/lib -I "$pgxs/src/test/perl" ${TESTS:-test/t test/rest}
}

# In a root of Debian where nothing is installed: the only suite that runs as root.
suite_fresh() {
	count_tap fresh bash test/fresh/fresh.sh
}

# A large import, with its time.
suite_import() {
	count_tap import in_src prove --verbose --timer -I test/lib -I "$pgxs/src/test/perl" test/large/import.t
	grep '^# ' "$work/logs/import.log" || true
}

# Two servers under Patroni, with HAProxy before them.
suite_cluster() {
	local program
	for program in etcd patroni haproxy; do
		command -v "$program" >/dev/null || die "$program is missing: apt-get install patroni haproxy etcd-server"
	done
	count_tap cluster in_src prove --verbose --timer -I test/lib -I "$pgxs/src/test/perl" test/large/cluster.t
}

# Kills until enough of it; what it prints is shown as it comes. Not by prove,
# which Ctrl-C would end: the test ends its load and counts.
suite_chaos() {
	shown() { "$@" 2>&1 | tee -i /dev/fd/3; }
	trap '' INT
	set -o pipefail
	count_tap chaos shown in_src perl -I test/lib -I "$pgxs/src/test/perl" test/t/chaos_events.t 3>&1
	set +o pipefail
	trap 'finish; exit 1' INT
}

# Those that take long show what they say as it comes.
in_large() {
	in_src perl -I test/lib -I "$pgxs/src/test/perl" "test/large/$1.t" 2>&1 | tee /dev/fd/3
	return "${PIPESTATUS[0]}"
}

suite_timing() { count_tap timing in_large timing 3>&1; }

suite_soak() { count_tap soak in_large soak 3>&1; }

# The tests that docs/asvs.md names, and whether each of these ran and passed.
suite_asvs() {
	local files
	files=$(perl tools/asvs.pl --files) || die "docs/asvs.md is wrong"
	PGTAP=$(printf '%s\n' "$files" | sed -n 's,^test/pgtap/\(.*\)\.sql$,\1,p') suite_pgtap
	TESTS=$(printf '%s\n' "$files" | grep '\.t$') suite_tap
	asvs_results
}

# shellcheck source=test/sanitize/suites.bash
. test/sanitize/suites.bash

asvs_results() {
	if perl tools/asvs.pl --results "$work/logs/pgtap.log" "$work/logs/tap.log"; then
		count 1 0
	else
		count 0 1
	fi
}

for suite in $suites; do
	declare -F "suite_$suite" >/dev/null || die "there is no suite named $suite"
	"suite_$suite"
done

# What the list says is held was seen to be.
case "$suites ${PGTAP:-}${TESTS:-}" in
*pgtap*tap*" ") asvs_results ;;
esac

status=0
[ "$failed" -eq 0 ] || status=1
finish
echo "$passed passed, $failed failed"
exit "$status"
