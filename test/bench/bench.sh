#!/usr/bin/env bash
# bench.sh [ROW...]: measures the figures the project promises and prints them
# as ratios of two things measured in turn in the same run, so that the
# machine's speed cancels out. A row is one function bench_ROW of this folder's
# *.bench.bash files. Ends early with Ctrl-C; what was measured stands.
#
# BENCH_SECONDS (default 3) is the length of one measurement, BENCH_ROUNDS
# (default 5) how often each is repeated; the median of the rounds counts.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/../../tools/server.bash"

seconds=${BENCH_SECONDS:-3} rounds=${BENCH_ROUNDS:-5}
work=$(mktemp -d /tmp/wazo_auth_bench.XXXXXX)
chmod 755 "$work"
pids=()

finish() {
	trap - EXIT INT TERM
	local pid
	for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	stop_cluster "$work/data" immediate >/dev/null 2>&1 || true
	[ -z "${standby_running:-}" ] || stop_cluster "$work/standby" immediate >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap 'finish' EXIT
trap 'finish; exit 130' INT TERM

private_tree "$work/tree"
PATH=$PG_BINDIR:$PATH
mkdir -m 700 "$work/data" "$work/socket"
touch "$work/postgresql.log"
cp build/wazo-auth "$work/"
chown "$SERVER_USER": "$work"/*
chown -R "$SERVER_USER": "$work/data" "$work/socket"
(umask 077 && printf 'key1:%s\n' "$(openssl rand -base64 32)" >"$work/secret.key")
chown "$SERVER_USER": "$work/secret.key"
chmod 755 "$work/socket"
private_cluster "$work/data" "$work/socket"
as_server tee -a "$work/data/postgresql.conf" >/dev/null <<EOF
shared_buffers = 512MB
max_wal_size = 4GB
wazo_auth.secret_key_file = '$work/secret.key'
EOF
start_cluster "$work/data" "$work/postgresql.log"
export PGHOST=$work/socket PGPORT=5432 PGUSER=postgres PGDATABASE=bench

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

sql -d postgres -c "CREATE DATABASE bench TEMPLATE template0 ENCODING 'UTF8'"
sql -c "SET client_min_messages = warning; CREATE EXTENSION wazo_auth CASCADE"
sql -c "ALTER ROLE wazo_auth_front LOGIN; SELECT wazo_auth.bootstrap('admin', 'secret')" >/dev/null
pgbench -i -q -s 10 bench >/dev/null 2>&1

# start_front PORT DATABASE: a front of that database
start_front() {
	(cd "$work" && exec_as_server "$work/wazo-auth" -c "" --listen-port "$1" --log-file /dev/null --log-level error \
		--database "host=$work/socket dbname=$2 user=wazo_auth_front") >/dev/null 2>&1 &
	pids+=($!)
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.05
	done
	die "the front did not start on port $1"
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# cpu_nanoseconds PID...: the time that processes have been running
cpu_nanoseconds() {
	local total=0 pid time rest
	for pid in "$@"; do
		read -r time rest <"/proc/$pid/schedstat" || continue
		total=$((total + time))
	done
	echo "$total"
}

pgbench_tps() {
	pgbench -n -M prepared -T "$seconds" "$@" bench 2>"$work/pgbench.err" | sed -n 's/^tps = \([0-9.]*\).*/\1/p'
	[ ! -s "$work/pgbench.err" ] || { cat "$work/pgbench.err" >&2; exit 1; }
}

# wrk_rps METHOD URL: requests a second; fails when an answer is no 2xx
wrk_rps() {
	local out
	printf 'wrk.method = "%s"\n' "$1" >"$work/method.lua"
	out=$(wrk -t 1 -c 32 -d "${seconds}s" -s "$work/method.lua" "$2")
	case $out in *Non-2xx* | *' 0 requests in'*) die "the front did not answer, or errors: $out" ;; esac
	echo "$out" | sed -n 's/^Requests\/sec: *//p'
}

median() { tr ' ' '\n' | sort -g | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }

# compare NAME GOAL A B: measures A and B in turn and prints the median of A/B.
# GOAL is ">= x" or "<= x", or empty for what is only told.
compare() {
	local name=$1 goal=$2 a=$3 b=$4 ratios="" as="" bs="" x y
	for _ in $(seq "$rounds"); do
		x=$($a) y=$($b)
		as="$as $x" bs="$bs $y"
		ratios="$ratios $(awk -v x="$x" -v y="$y" 'BEGIN { printf "%.4f", x / y }')"
	done
	report "$name" "$goal" "$(echo $ratios | median)" "$(echo $as | median)" "$(echo $bs | median)"
}

report() { # NAME GOAL RATIO A B
	awk -v name="$1" -v goal="$2" -v r="$3" -v a="$4" -v b="$5" 'BEGIN {
		split(goal, g, " ")
		met = g[1] == ">=" ? r >= g[2] : r <= g[2]
		printf "%-58s %12.1f %12.1f %9.3f   %-10s %s\n", name, a, b, r, goal, goal == "" ? "" : met ? "met" : "NOT MET"
	}'
}

printf '%-58s %12s %12s %9s   %-10s\n' "what / beside what" "this" "beside" "ratio" "goal"
rows=()
for file in "$(dirname "$0")"/*.bench.bash; do
	# shellcheck disable=SC1090
	. "$file"
	rows+=($(sed -n 's/^bench_\([a-z_]*\)() {.*/\1/p' "$file"))
done
[ $# -eq 0 ] || rows=("$@")
for row in "${rows[@]}"; do
	"bench_$row"
done
