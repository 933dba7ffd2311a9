#!/usr/bin/env bash
# bench.sh [ROW...]: measures the figures the project promises and prints them
# as ratios of two things measured in turn in the same run, so that the
# machine's speed cancels out. A row is one function bench_ROW of this folder's
# *.bench.bash files. Ends early with Ctrl-C; what was measured stands.
#
# BENCH_SECONDS (default 1) is the length of one measurement, BENCH_ROUNDS
# (default 7) how often each is repeated; the median of the rounds counts.
# QUICK=1: three rounds, and the rows that need no large tables.
#
# BENCH_OUT (default build/bench) is the folder of what is written besides:
# bench.csv, a line each row, and concurrency and growth as .csv and .svg of
# the rows of these names. RECORD=1 puts them into docs/bench/ too, with the
# date before their names.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/../../tools/server.bash"

QUICK_ROWS="sql_check http_check logins memory daemon_question acl_matcher list_users list_tenants list_sql login_without_hash refresh_login outbox concurrency"

if [ -n "${QUICK:-}" ]; then
	seconds=${BENCH_SECONDS:-1} rounds=${BENCH_ROUNDS:-3}
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- $QUICK_ROWS
else
	seconds=${BENCH_SECONDS:-1} rounds=${BENCH_ROUNDS:-7}
fi
out=${BENCH_OUT:-build/bench}
mkdir -p "$out"
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
shared_buffers = $(awk '/MemTotal/ { printf "%d", $2 / 4096 }' /proc/meminfo)MB
max_wal_size = 4GB
max_worker_processes = 64 # the rows make databases, each of which has workers
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

# service_ticks: processor time so far, in ticks, of the server with its
# processes, those that have ended too, and of the fronts with theirs
service_ticks() {
	local roots
	roots=" $(head -n 1 "$work/data/postmaster.pid") ${pids[*]} "
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="$roots" '{
		pid = $1
		sub(/^.*\) /, "")	# the name may hold blanks
		root = index(roots, " " pid " ")
		if (root || index(roots, " " $2 " ")) sum += $12 + $13
		if (root) sum += $14 + $15
	} END { print sum }'
}

# with_cpu COMMAND...: what the command prints, which begins with a rate over
# the seconds of a measurement, and the microseconds of the service's
# processors for each
with_cpu() {
	local before rate
	before=$(service_ticks)
	rate=$("$@")
	awk -v a="$before" -v b="$(service_ticks)" -v hz="$(getconf CLK_TCK)" -v said="$rate" -v s="$seconds" \
		'BEGIN { split(said, word, " "); print said, (b - a) / hz * 1000000 / (word[1] * s) }'
}

# pgbench_rate OPTION...: transactions a second in the database $database, or bench
pgbench_rate() {
	pgbench -n -M prepared -T "$seconds" "$@" "${database:-bench}" 2>"$work/pgbench.err" | sed -n 's/^tps = \([0-9.]*\).*/\1/p'
	[ ! -s "$work/pgbench.err" ] || { cat "$work/pgbench.err" >&2; exit 1; }
}
pgbench_tps() { with_cpu pgbench_rate "$@"; }

# wrk_run CONNECTIONS METHOD URL: what wrk says; fails when an answer is no 2xx
wrk_run() {
	local said
	printf 'wrk.method = "%s"\n' "$2" >"$work/method.lua"
	said=$(wrk -t 1 -c "$1" -d "${seconds}s" --latency -s "$work/method.lua" "$3")
	case $said in *Non-2xx* | *' 0 requests in'*) die "the front did not answer, or errors: $said" ;; esac
	echo "$said"
}
wrk_rate() { wrk_run 32 "$@" | sed -n 's/^Requests\/sec: *//p'; }
# wrk_rps METHOD URL: requests a second
wrk_rps() { with_cpu wrk_rate "$@"; }

median() { tr ' ' '\n' | sort -g | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }

# compare NAME GOAL A B: measures A and B in turn and reports the median of
# A/B. They print a number and, where they know it, the processor time of each.
# GOAL is ">= x" or "<= x", or empty for what is only told.
compare() {
	local name=$1 goal=$2 a=$3 b=$4 ratios="" as="" bs="" cpus="" x y cpu
	for _ in $(seq "$rounds"); do
		read -r x cpu < <($a)
		read -r y _ < <($b)
		[ -n "$x$y" ] || die "$name: nothing was measured"
		as="$as $x" bs="$bs $y" cpus="$cpus $cpu"
		ratios="$ratios $(awk -v x="$x" -v y="$y" 'BEGIN { printf "%.4f", x / y }')"
	done
	measured=$as measured_cpus=$cpus
	report "$name" "$goal" "$ratios" "$as" "$bs" "$cpus"
}

# beside_known NAME GOAL NUMBER VALUES [CPUS]: measured VALUES beside a number from elsewhere
beside_known() {
	local x ratios="" numbers=""
	for x in $4; do
		ratios="$ratios $(awk -v x="$x" -v y="$3" 'BEGIN { printf "%.5f", x / y }')"
		numbers="$numbers $3"
	done
	report "$1" "$2" "$ratios" "$4" "$numbers" "${5:-}"
}

# worst GOAL RATIO...: the one farthest from the goal
worst() {
	local goal=$1
	shift
	echo "$@" | tr ' ' '\n' | sort -g | case $goal in '>='*) head -n 1 ;; *) tail -n 1 ;; esac
}

# report NAME GOAL RATIOS AS BS [CPUS]: prints the row of what was measured in
# each round, and writes its line of bench.csv
report() {
	local cpu=""
	[ -z "${6:-}" ] || [ -z "${6// /}" ] || cpu=$(echo $6 | median)
	awk -v name="$1" -v goal="$2" -v r="$(echo $3 | median)" -v worst="$(worst "$2" $3)" -v a="$(echo $4 | median)" \
		-v b="$(echo $5 | median)" -v cpu="$cpu" -v n="$(echo $3 | wc -w)" -v csv="$out/bench.csv" 'BEGIN {
		split(goal, g, " ")
		met = g[1] == ">=" ? r >= g[2] : r <= g[2]
		verdict = goal == "" ? "" : met ? "ok" : "short"
		printf "%-58s %12.1f %12.1f %9.3f %9.3f   %-10s %-5s %9s\n", name, a, b, r, worst, goal, verdict,
			cpu == "" ? "" : sprintf("%.1f", cpu)
		printf "\"%s\",%s,%s,%s,%s,%s,%s,%s,%s\n", name, a, b, r, worst, goal, verdict, cpu, n >>csv
	}'
}

# What the figures were measured with, as comments of CSV.
describe() {
	echo "# $(date -u +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(pg_config --version)"
	echo "# $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(awk '/MemTotal/ { printf "%d GB", $2 / 1048576 }' /proc/meminfo)"
	echo "# load $(cut -d ' ' -f 1-3 /proc/loadavg); rounds $rounds of $seconds s"
}

describe >"$out/bench.csv"
echo "what,this,beside,ratio,worst,goal,verdict,cpu_us,rounds" >>"$out/bench.csv"
cat "$out/bench.csv" | sed -n 's/^# //p'
printf '%-58s %12s %12s %9s %9s   %-10s %-5s %9s\n' "what / beside what" "this" "beside" "ratio" "worst" "goal" "" "CPU us"
rows=()
for file in "$(dirname "$0")"/*.bench.bash; do
	# shellcheck disable=SC1090
	. "$file"
	rows+=($(sed -n 's/^bench_\([a-z_]*\)() {.*/\1/p' "$file"))
done
[ $# -eq 0 ] || rows=("$@")
times="# seconds:"
for row in "${rows[@]}"; do
	from=$SECONDS
	"bench_$row"
	times="$times $row $((SECONDS - from)),"
done
echo "${times%,}" | tee -a "$out/bench.csv"
if [ -n "${RECORD:-}" ]; then
	mkdir -p docs/bench
	for file in "$out"/bench.csv "$out"/concurrency.* "$out"/growth.*; do
		[ ! -e "$file" ] || cp "$file" "docs/bench/$(date -u +%F)-$(basename "$file")"
	done
fi
