#!/usr/bin/env bash
# lint.sh: compiler warnings as errors with both compilers, static analysis,
# and plpgsql_check over every function. Prints what is wrong; exits with 1.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/server.bash"

failed=0
note() { echo "lint: $*"; }
run() { # run WHAT COMMAND...
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then note "$what: clean"; else
		failed=1
		note "$what:"
		echo "$out" | tail -n 40
	fi
}

pg_include=$("$PG_CONFIG" --includedir-server)
warnings=(-std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
	-fsyntax-only -Isrc -isystem "$pg_include" -isystem /usr/include/libxml2 -DWAZO_AUTH_VERSION='"lint"')

gcc_warnings() { for f in src/*.c src/*/*.c; do gcc "${warnings[@]}" -Wno-clobbered -Wno-cast-function-type -Wshadow=compatible-local "$f" || return 1; done; }
clang_warnings() { for f in src/*.c src/*/*.c; do clang "${warnings[@]}" -Wno-unknown-warning-option -Wno-ignored-attributes "$f" || return 1; done; }
# Some warnings come from what the optimizer finds out, and differ by its level.
gcc_levels() { for o in 1 3; do for f in src/*.c src/*/*.c; do
	gcc "${warnings[@]/-fsyntax-only/-c}" -O$o -Wno-clobbered -Wno-cast-function-type -o /dev/null "$f" || return 1; done; done; }
run "gcc warnings, extension" gcc_warnings
run "gcc warnings at -O1 and -O3, extension" gcc_levels
run "clang warnings, extension" clang_warnings

run "what .editorconfig says" python3 tools/lint_text.py
run "layout of C" perl tools/indent.pl --check

run "plan of src/, kore_front/ and commands/" python3 tools/lint_plan.py
# Without PostgreSQL's include path: src/plain has no need of it.
plain() { for f in src/plain/*.[ch]; do gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Isrc -x c "$f" || return 1; done; }
run "src/plain without PostgreSQL" plain

# The parts without PostgreSQL or Kore, where an analyser sees everything.
pure=$(echo src/plain/*.c)
# shellcheck disable=SC2086
run "cppcheck, parts without PostgreSQL" cppcheck --quiet --std=c11 --error-exitcode=1 \
	--enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem -Isrc $pure
run "cppcheck, extension" cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,portability \
	--inline-suppr --suppress=missingIncludeSystem --suppress=nullPointerRedundantCheck --suppress=unknownMacro \
	--include=tools/cppcheck_postgres.h -Isrc src
# va_list: the analyser of clang 14 reports every va_start as missing when it gets several files.
tidy_checks='-*,clang-analyzer-*,bugprone-*,-clang-analyzer-valist.Uninitialized,-bugprone-easily-swappable-parameters,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-bugprone-assignment-in-if-condition,-bugprone-branch-clone,-bugprone-reserved-identifier'
# shellcheck disable=SC2086
run "clang-tidy, parts without PostgreSQL" clang-tidy --quiet --warnings-as-errors='*' \
	--checks="$tidy_checks" \
	$pure -- -std=gnu11 -Isrc

# The front is built with -Wall -Wextra -Werror and more by gcc (front.mk); here clang and the analysers.
make --no-print-directory -s front >/dev/null
front_flags=(-std=gnu11 -Isrc -D_GNU_SOURCE -DKORE_SINGLE_BINARY -DKORE_NO_HTTP -DFRONT_KORE_RELEASE=40100 -DWAZO_AUTH_VERSION='"lint"'
	-isystem /usr/share/kore/include/kore -Ibuild/kore -isystem "$("$PG_CONFIG" --includedir)" -Wno-deprecated-declarations)
run "clang warnings, front and commands" clang -Wall -Wextra -Werror -Wshadow -fsyntax-only "${front_flags[@]}" kore_front/*.c commands/*.c
run "cppcheck, front and commands" cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability \
	--inline-suppr --suppress=missingIncludeSystem -DFRONT_KORE_RELEASE=40100 -DKORE_NO_HTTP -DWAZO_AUTH_VERSION='"lint"' kore_front commands
run "clang-tidy, front and commands" clang-tidy --quiet --warnings-as-errors='*' \
	--checks="$tidy_checks" \
	kore_front/*.c commands/*.c -- "${front_flags[@]}"

work=$(mktemp -d /tmp/wazo_auth_lint.XXXXXX)
chmod 755 "$work"
trap 'stop_cluster "$work/data" immediate >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
make --no-print-directory -s extension >/dev/null
private_tree "$work/tree"
mkdir -m 700 "$work/data" "$work/socket"
touch "$work/log"
chown "$SERVER_USER": "$work/data" "$work/socket" "$work/log"
chmod 755 "$work/socket"
private_cluster "$work/data" "$work/socket"
start_cluster "$work/data" "$work/log"

plpgsql() {
	local out
	out=$(PGOPTIONS='-c client_min_messages=warning' "$PG_BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$work/socket" -U postgres -d postgres <<-'EOF'
		CREATE EXTENSION wazo_auth CASCADE;
		CREATE EXTENSION plpgsql_check;
		SELECT p.oid::pg_catalog.regprocedure || ': ' || c
		FROM pg_catalog.pg_proc p
		CROSS JOIN LATERAL plpgsql_check_function(
		  p.oid,
		  COALESCE((SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid LIMIT 1), 0),
		  fatal_errors => false,
		  -- These write queries of the catalog's texts and the import's own, and quote what is given to them.
		  security_warnings => p.proname !~ '^(judge_staged_|stage_|hold_|check_references$|delete_unstaged$|reseal_batch$)|_staged$|_upstream$',
		  performance_warnings => false, extra_warnings => true) c
		WHERE p.pronamespace = 'wazo_auth'::regnamespace
		  -- It cannot know that wazo_auth.raise_error() does not return, and a row
		  -- among several OUT arguments is meant.
		  AND c NOT LIKE '%2F005:control reached end of function without RETURN%'
		  AND c NOT LIKE '%unused parameter "request"%'  -- of a handler
		  AND NOT (p.proname LIKE 'after\_%' AND c LIKE '%unused parameter "status"%')  -- of what runs after one
		  -- To assign what a function returns is a simple expression; to PERFORM it is a query.
		  AND NOT (p.proname IN ('open_session', 'token_create_pinned') AND c LIKE '%never read variable%')
		  AND NOT (p.proname = 'crypt_backend' AND c LIKE '%unused parameter "args"%')  -- of a backend
		  AND c NOT LIKE '%composite OUT variable % is not single argument%'
		  -- They read what the import makes for itself, or a trigger's transition table.
		  AND p.proname NOT IN ('note_staged_accesses', 'audit_rows')
		  AND p.prolang = (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname = 'plpgsql')
	EOF
	)
	[ -z "$out" ] || { echo "$out"; return 1; }
}
run "plpgsql_check" plpgsql

exit "$failed"
