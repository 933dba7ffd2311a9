# suites.bash: the suites of memory errors, for check.sh. SANITIZE=all takes all of
# their tests, else they are short. TESTS, REGRESS and PGTAP choose others then.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# What drives the front, but front_sandbox.t: the sanitizers ask more of the kernel
# than the sandbox lets pass, so their front has another list (kore_front/sandbox.c).
front_tests="test/t/front_database.t test/t/front_http.t test/t/front_limits.t test/t/front_nginx.t test/t/front_process.t
	test/t/front_reader.t test/t/front_rfc9112.t test/t/configuration.t test/t/metrics.t"

# front_sanitized REPORTS FILE...: runs the files with that front. What its
# processes write into the folder of reports are failures, too.
front_sanitized() {
	local reports=$1 report status=0
	shift
	in_src env WAZO_AUTH_FRONT="$work/src/build/sanitize/wazo-auth" \
		ASAN_OPTIONS="abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:log_path=$reports/front" \
		LSAN_OPTIONS="suppressions=$work/src/test/sanitize/lsan.supp:print_suppressions=0" \
		UBSAN_OPTIONS="abort_on_error=1:print_stacktrace=1:log_path=$reports/front-undefined" \
		prove -j2 --verbose --timer -I test/lib -I "$pgxs/src/test/perl" "$@" || status=$?
	for report in "$reports"/*; do
		[ -e "$report" ] || { echo "ok - the sanitizers report nothing"; break; }
		echo "not ok - report $(basename "$report"): $(grep -m 1 -E 'ERROR: |runtime error: ' "$report")"
		head -n 40 "$report" | sed 's/^/# /'
	done
	return "$status"
}

suite_sanitize() {
	local tests="test/sanitize/front_reports.t test/t/front_http.t" reports=$work/logs/sanitizers
	[ "${SANITIZE:-}" != all ] || tests="test/sanitize/front_reports.t ${TESTS:-$front_tests}"
	if ! make --no-print-directory -s front-sanitize >"$work/logs/sanitize-build.log" 2>&1; then
		tail -n 20 "$work/logs/sanitize-build.log"
		count 0 1
		return
	fi
	mkdir -p "$work/src/build/sanitize"
	cp build/sanitize/wazo-auth "$work/src/build/sanitize/"
	mkdir -m 1777 "$reports"
	# shellcheck disable=SC2086
	count_tap sanitize front_sanitized "$reports" $tests
}

# The shared cluster's server again, under valgrind. The programs that it starts are not.
start_under_valgrind() {
	local logs=$1
	stop_cluster "$work/data"
	(cd "$work/data" && exec_as_server env DEBUGINFOD_URLS= LD_PRELOAD="$work/valgrind/palloc_memory.so" \
		valgrind --leak-check=no --num-callers=30 --fullpath-after= --read-inline-info=yes \
		--suppressions="$work/src/test/sanitize/valgrind.supp" --log-file="$logs/%p.log" \
		"$PG_BINDIR/postgres" -D "$work/data" >>"$work/logs/postgresql.log" 2>&1) &
	valgrind_pid=$!
	until in_src pg_isready -q; do
		kill -0 "$valgrind_pid" 2>/dev/null || die "PostgreSQL did not start under valgrind; its log is in build/check"
		sleep 0.2
	done
}

# valgrind_reports LOGS: that what was planted was found, and what else was.
valgrind_reports() {
	local name planted status=0
	planted=$(perl test/sanitize/reports.pl planted.so "$work/src" "$1"/*.log | grep '^not ok' || true)
	for name in planted_no_value planted_given_back planted_beyond; do
		if [[ $planted == *$name* ]]; then echo "ok - $name is found"; else echo "not ok - $name is not found" && status=1; fi
	done
	perl test/sanitize/reports.pl wazo_auth.so "$work/src" "$1"/*.log || status=1
	return "$status"
}

suite_valgrind() {
	local logs=$work/logs/valgrind name
	make --no-print-directory -s valgrind-libraries
	install -m 755 -D -t "$work/valgrind" build/sanitize/palloc_memory.so build/sanitize/planted.so
	mkdir "$logs"
	chown "$SERVER_USER": "$logs"
	start_shared_cluster
	pgtap_database
	start_under_valgrind "$logs"
	for name in planted_no_value planted_given_back planted_beyond; do
		in_src psql -X -q -A -t -d postgres -c "CREATE FUNCTION $name() RETURNS boolean LANGUAGE c AS '$work/valgrind/planted.so'" \
			-c "SELECT $name()" >>"$work/logs/planted.log"
	done
	# not all: some take inputs of megabytes, and a statement is some thirty times slower
	REGRESS=${REGRESS:-acl_current_token json_text secret validate} run_regress valgrind-regress
	PGTAP=${PGTAP:-check_request users http_batch row_insert} run_pgtap valgrind-pgtap
	kill -INT "$valgrind_pid"
	wait "$valgrind_pid" || true
	count_tap valgrind valgrind_reports "$logs"
	grep '^# .*under valgrind' "$work/logs/valgrind.log"
}
