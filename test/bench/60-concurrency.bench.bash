# Token checks over the number of connections: rate, times and processor time,
# as CSV and as a plot.
#
# SPDX-License-Identifier: GPL-3.0-or-later

# wrk_times CONNECTIONS URL: requests a second, p50 and p99 in microseconds
wrk_times() {
	wrk_run "$1" HEAD "$2" | awk '
		function us(t) { return t ~ /us$/ ? t + 0 : t ~ /ms$/ ? t * 1000 : t * 1000000 }
		$1 == "50%" { p50 = us($2) } $1 == "99%" { p99 = us($2) } $1 == "Requests/sec:" { rate = $2 }
		END { print rate, p50, p99 }'
}

# plot FILE: the lines "connections what rate p50 p99" of standard input as SVG: rates above, p99 below
plot() {
	sort -k2,2 -k1,1n | awk '
		function x(c) { return 60 + log(c) / log(2) * 90 }
		function point(top, v, max) { return x($1) "," top + 200 - v / max * 190 }
		{ line[NR] = $0; if ($3 > rates) rates = $3; if ($5 > times) times = $5; if ($1 > widest) widest = $1 }
		END {
			color["token"] = "#1f77b4"; color["one"] = "#d62728"
			print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"520\" font-family=\"sans-serif\" font-size=\"12\">"
			print "<rect width=\"720\" height=\"520\" fill=\"white\"/>"
			for (top = 30; top <= 280; top += 250)
				print "<path d=\"M60 " top "v200h" x(widest) - 60 "\" fill=\"none\" stroke=\"black\"/>"
			printf "<text x=\"60\" y=\"22\">HEAD token per second, up to %d (blue), and the same front answering SELECT 1 (red)</text>\n", rates
			printf "<text x=\"60\" y=\"272\">99th percentile, up to %.1f ms; over the connections</text>\n", times / 1000
			for (c = 1; c <= widest; c *= 2) print "<text x=\"" x(c) "\" y=\"498\" text-anchor=\"middle\">" c "</text>"
			for (i = 1; i <= NR; i++) {
				$0 = line[i]
				rate[$2] = rate[$2] " " point(30, $3, rates)
				time[$2] = time[$2] " " point(280, $5, times)
			}
			for (what in rate) {
				print "<polyline fill=\"none\" stroke=\"" color[what] "\" stroke-width=\"2\" points=\"" rate[what] "\"/>"
				print "<polyline fill=\"none\" stroke=\"" color[what] "\" stroke-width=\"2\" points=\"" time[what] "\"/>"
			}
			print "</svg>"
		}' >"$1"
}

bench_concurrency() {
	prepare_fronts
	# seven times as many measurements as another row has
	local rounds=3 connections what port rate p50 p99 cpu query="0.1/token/$token?scope=calld.users.me.calls.read"
	echo "connections,what,rate,p50_us,p99_us,cpu_us" >"$out/concurrency.csv"
	for connections in 1 2 4 8 16 32 64; do
		for what in token one; do
			port=$front_port
			[ "$what" = token ] || port=$one_port
			for _ in $(seq "$rounds"); do
				read -r rate p50 p99 cpu < <(with_cpu wrk_times "$connections" "http://127.0.0.1:$port/$query")
				echo "$connections $what $rate $p50 $p99 $cpu"
			done
		done
	done >"$work/concurrency"
	# the round in the middle, by its rate
	sort -k1,1n -k2,2 -k3,3n "$work/concurrency" | awk -v n="$rounds" 'NR % n == int((n + 1) / 2) % n' >"$work/concurrency.middle"
	tr ' ' ',' <"$work/concurrency.middle" >>"$out/concurrency.csv"
	plot "$out/concurrency.svg" <"$work/concurrency.middle"
	awk '{ printf "  %-9s %2d connections: %9.0f/s, p50 %6.0f us, p99 %7.0f us, %5.1f us of processor\n", $2, $1, $3, $4, $5, $6 }' \
		"$work/concurrency.middle"
}
