#!/bin/sh
# The ACL matcher's figures, as ratios of two things run in turn on this
# machine. Prints "what goal measured ok|MISSED", tab-separated; needs no server.
#
#   sh test/bench/acl.sh
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/bench
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -Isrc -o build/bench/acl_bench test/bench/acl_bench.c \
	src/acl_pattern.c src/acl_bits.c src/acl_match.c src/acl_compile.c src/acl_keys.c
perl test/data/acl_lines.pl test/data/sample_policies.json >build/bench/sample_policies.lines

build/bench/acl_bench build/bench/sample_policies.lines >build/bench/acl_ours
python3 test/bench/upstream_acl.py test/data/sample_policies.json >build/bench/acl_upstream

awk '
	function row(what, goal, value, good) {
		printf "%s\t%s\t%.*f x\t%s\n", what, goal, value < 10 ? 2 : 0, value, good ? "ok" : "MISSED"
	}
	FILENAME ~ /ours$/ { warm[$1, $2] = $3; first[$1, $2] = $4; shapes[$1] = 1; next }
	{ upstream_warm[$2] = $3; upstream_first[$2] = $4 }
	END {
		row("ACL matcher, 200 entries, warm, beside upstream", ">= 200 x",
			upstream_warm[200] / warm["sample", 200], upstream_warm[200] >= 200 * warm["sample", 200])
		row("ACL matcher, 200 entries, first use, beside upstream", ">= 1000 x",
			upstream_first[200] / first["sample", 200], upstream_first[200] >= 1000 * first["sample", 200])
		for (s in shapes)
			row("ACL of 1,000 entries beside one of 10 (" s ")", "<= 2 x",
				warm[s, 1000] / warm[s, 10], warm[s, 1000] <= 2 * warm[s, 10])
	}' build/bench/acl_ours build/bench/acl_upstream
