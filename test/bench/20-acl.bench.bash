# The ACL engine: the matcher beside upstream's way and beside itself, and
# "who can?" beside asking every user.
#
# SPDX-License-Identifier: GPL-3.0-or-later

acl_bench() {
	[ ! -x "$work/acl_bench" ] || return 0
	cc -std=c11 -D_GNU_SOURCE -O2 -Isrc -o "$work/acl_bench" test/bench/acl_bench.c \
		src/plain/acl_access.c src/plain/acl_pattern.c src/plain/acl_bits.c src/plain/acl_match.c src/plain/acl_compile.c src/plain/acl_keys.c
	perl test/data/acl_lines.pl test/data/sample_policies.json >"$work/policies.lines"
}

# Lines "shape entries warm_ns first_ns ...", of one run of each.
bench_acl_matcher() {
	local line what ours theirs warm="" first="" warm_up="" first_up=""
	acl_bench
	for _ in $(seq "$rounds"); do
		ours=$("$work/acl_bench" "$work/policies.lines" | grep '^sample 200 ')
		theirs=$(python3 test/bench/upstream_acl.py test/data/sample_policies.json | grep '^sample 200 ')
		read -r _ _ what line _ <<<"$ours"
		warm="$warm $what" first="$first $line"
		read -r _ _ what line _ <<<"$theirs"
		warm_up="$warm_up $what" first_up="$first_up $line"
	done
	report_ratio "ACL matcher, 200 entries, warm: upstream's ns / ours" ">= 200" "$(echo $warm_up | median)" "$(echo $warm | median)"
	report_ratio "ACL matcher, 200 entries, first use: upstream's ns / ours" ">= 1000" "$(echo $first_up | median)" "$(echo $first | median)"
}

# Entries of each shape differ in one segment only: the hardest to tell apart.
bench_acl_size() {
	local shape
	acl_bench
	for _ in $(seq "$rounds"); do "$work/acl_bench" "$work/policies.lines"; done >"$work/acl_size"
	for shape in sample literal me star hash hash-inside negative; do
		report_ratio "ACL check in ns, 1,000 entries / 10 ($shape)" "<= 2" \
			"$(awk -v s="$shape" '$1 == s && $2 == 1000 { print $3 }' "$work/acl_size" | median)" \
			"$(awk -v s="$shape" '$1 == s && $2 == 10 { print $3 }' "$work/acl_size" | median)"
	done
}

# Twice the text takes about twice the time, not four times, whatever the pattern.
bench_acl_text() {
	local pattern
	matched() { # SEGMENTS PATTERN: ms
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' <<<"$(sql <<EOF
SELECT wazo_auth.acl_of(VARIADIC array_fill(repeat('$2', 1000 / length('$2')), ARRAY[200])) AS acl, repeat('ab.', $1) AS access \\gset
\\timing on
SELECT wazo_auth.acl_grants(:'acl', :'access', 'u', 's');
EOF
)"
	}
	for pattern in '#a' '*a' '#.' '*.#' 'me.#' '#'; do
		long() { matched 20000 "$pattern"; }
		short() { matched 10000 "$pattern"; }
		compare "ACL check in ms, 20,000 segments / 10,000 ($pattern)" "<= 3" long short
	done
}

report_ratio() { report "$1" "$2" "$(awk -v x="$3" -v y="$4" 'BEGIN { printf "%.4f", x / y }')" "$3" "$4"; }

# 100,000 users in a tree of 100 tenants. Asking everybody takes a minute, so one user in
# fifty is asked, and the time multiplied; the answers must be the same.
bench_who_can() {
	local access=confd.lines.t53.read same
	sql -d postgres -c "CREATE DATABASE bench_who TEMPLATE template0 ENCODING 'UTF8'"
	sql -d bench_who -f test/bench/who_can.sql >/dev/null
	ask_all() {
		sql -d bench_who -c '\timing on' -c "SELECT count(*) FROM wazo_auth.user u WHERE right(u.username, 2) IN ('04', '52')
			AND wazo_auth.acl_grants(wazo_auth.user_acl(u.uuid), '$access', u.uuid::text, NULL)" |
			sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | awk '{ print $1 * 50 }'
	}
	ask_index() {
		sql -d bench_who -c "SELECT FROM wazo_auth.who_can('$access')" -c '\timing on' -c "SELECT count(*) FROM wazo_auth.who_can('$access')" |
			sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'
	}
	same=$(sql -d bench_who -c "SELECT count(*) > 0 AND bool_and(granted = (w.uuid IS NOT NULL)) AND bool_or(granted)
		FROM (SELECT u.uuid, wazo_auth.acl_grants(wazo_auth.user_acl(u.uuid), '$access', u.uuid::text, NULL) AS granted
		      FROM wazo_auth.user u WHERE right(u.username, 2) IN ('04', '52')) u
		LEFT JOIN (SELECT DISTINCT user_uuid AS uuid FROM wazo_auth.who_can('$access')) w ON w.uuid = u.uuid")
	[ "$same" = t ] || die "who_can() and the loop over users disagree"
	compare "Who can? 100,000 users: ms of a loop / who_can()" ">= 500" ask_all ask_index
	sql -d postgres -c "DROP DATABASE bench_who"
}
