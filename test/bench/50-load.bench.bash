# What token checks cost while strangers do their worst: 99th percentile and rate
# of HEAD under each load beside the idle server.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints the 99th percentile in microseconds and requests a second. Of another
# address than the load: the front gives each peer its turn.
head_run() {
	printf 'wrk.method = "HEAD"\n' >"$work/head.lua"
	wrk -t 1 -c 8 -d "${seconds}s" --latency -s "$work/head.lua" \
		"http://127.0.0.1:$front_port/0.1/token/$token?scope=calld.users.me.calls.read" >"$work/wrk.out"
	! grep -q Non-2xx "$work/wrk.out" || die "the front answered errors: $(cat "$work/wrk.out")"
	awk '$1 == "99%" { t = $2 + 0; if ($2 ~ /[0-9]ms/) t *= 1000; else if ($2 ~ /[0-9]s$/) t *= 1000000 }
		$1 == "Requests/sec:" { r = $2 } END { print t, r }' "$work/wrk.out"
}

under_load() { # KIND
	local p99 rate
	rm -f "$work/load.ready"
	perl "$(dirname "$0")/load.pl" "$1" "$front_port" "$work/load.ready" >"$work/load.out" &
	local load=$!
	while [ ! -e "$work/load.ready" ] && kill -0 "$load"; do sleep 0.1; done
	read -r p99 rate < <(head_run)
	kill "$load" 2>/dev/null || die "the load $1 ended by itself"
	wait "$load" 2>/dev/null || true
	[ -s "$work/load.out" ] || die "the load $1 was none"
	[ -z "${BENCH_VERBOSE:-}" ] || cat "$work/load.out" >&2
	echo "$p99 $rate"
}

bench_load() {
	prepare_fronts
	local kind a b c d name
	local -A names=([checks]="4 strangers' scope checks of 1 MB" [logins]="64 wrong logins at a time" [silent]="a flood of silent connections")
	for kind in checks logins silent; do
		local p99="" rate="" p99_idle="" rate_idle=""
		for _ in $(seq "$rounds"); do
			read -r a b < <(under_load "$kind")
			read -r c d < <(head_run)
			p99="$p99 $a" rate="$rate $b" p99_idle="$p99_idle $c" rate_idle="$rate_idle $d"
		done
		a=$(echo $p99 | median) b=$(echo $rate | median) c=$(echo $p99_idle | median) d=$(echo $rate_idle | median)
		name=${names[$kind]}
		report "HEAD p99, us, $name / idle" "<= 5" "$(awk -v x="$a" -v y="$c" 'BEGIN { print x / y }')" "$a" "$c"
		report "HEAD per second, the same" ">= 0.5" "$(awk -v x="$b" -v y="$d" 'BEGIN { print x / y }')" "$b" "$d"
	done
}
