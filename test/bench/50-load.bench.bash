# What token checks cost while strangers do their worst: 99th percentile and rate
# of HEAD under each load beside the idle server; and what a login takes beside
# the largest requests that there are.
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

under_load() { # KIND [MEASURE]
	local p99 rate
	rm -f "$work/load.ready"
	perl "$(dirname "$0")/load.pl" "$1" "$front_port" "$work/load.ready" "$work/shapes.json" >"$work/load.out" &
	local load=$!
	while [ ! -e "$work/load.ready" ] && kill -0 "$load"; do sleep 0.1; done
	read -r p99 rate < <("${2:-head_run}")
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

# The median time of a login, in microseconds, one after the other, and how many there were.
login_run() {
	local end=$((SECONDS + seconds + 1))
	while [ "$SECONDS" -lt "$end" ]; do
		curl -s -o /dev/null -w '%{http_code} %{time_total}\n' -u bench:secret -d '{"expiration": 60}' -H 'Content-Type: application/json' \
			"http://127.0.0.1:$front_port/0.1/token"
	done >"$work/logins"
	! grep -qv '^200 ' "$work/logins" || die "a login was refused: $(grep -v '^200 ' "$work/logins" | head -n 1)"
	echo "$(awk '{ print $2 * 1000000 }' "$work/logins" | median) $(wc -l <"$work/logins")"
}

bench_largest() {
	prepare_fronts
	local busy idle busies="" idles="" ratios=""
	PERL5LIB=$(dirname "$0")/../lib perl -MWazoShapes -e 'print $WazoShapes::query' >"$work/shapes.sql"
	sql -f - >"$work/shapes.json" <<-EOS
		WITH mine AS (
		  SELECT wazo_auth.top_tenant_uuid() AS tenant, wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'largest') AS "user",
		         wazo_auth.open_session(u, 86400, '{#}', wazo_auth.user_metadata(u), false, NULL, '', '') AS token,
		         wazo_auth.create_group(wazo_auth.top_tenant_uuid(), 'largest') AS "group",
		         wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'largest', '{a}', 'largest') AS policy
		  FROM wazo_auth.user u WHERE u.username = 'bench')
		SELECT (SELECT d::jsonb FROM ($(cat "$work/shapes.sql")) s (d)) || jsonb_build_object('token', m.token, 'things', jsonb_build_object(
		  'user_uuid', ARRAY[m.user], 'tenant_uuid', ARRAY[m.tenant], 'parent_tenant_uuid', ARRAY[m.tenant], 'group_uuid', ARRAY[m.group], 'policy_uuid', ARRAY[m.policy],
		  'policy_slug', ARRAY['largest'], 'email_uuid', ARRAY[m.user], 'session_uuid', ARRAY[m.user], 'token_uuid', ARRAY['$token'], 'relay_state', ARRAY[m.user],
		  'client_id', ARRAY['c'], 'access', ARRAY['a.b'], 'idp_type', ARRAY['native'], 'auth_type', ARRAY['mobile']))
		FROM mine m;
	EOS
	for _ in $(seq "$rounds"); do
		read -r busy _ < <(under_load largest login_run)
		read -r idle _ < <(login_run)
		busies="$busies $busy" idles="$idles $idle"
		ratios="$ratios $(awk -v x="$busy" -v y="$idle" 'BEGIN { printf "%.4f", x / y }')"
	done
	report "a login, us, beside eight of the largest requests / idle" "<= 5" "$ratios" "$busies" "$idles"
}
