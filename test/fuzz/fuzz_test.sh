#!/bin/sh
# fuzz_test.sh NAME RUNS OPTION...: a fuzzer as a test, from the top of the sources:
# every input of its corpus, which there must be, then RUNS changes of them, always
# the same. Prints TAP.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
name=$1 runs=$2
shift 2
dir=build/fuzz/$name
log=$dir/test.log
inputs=$(wc -l <"test/fuzz/corpus/$name.base64")
total=$((inputs + runs))
mkdir -p "$dir/tried"
rm -f "$dir"/tried/*
perl test/fuzz/corpus.pl unpack "test/fuzz/corpus/$name.base64" "$dir/tried" &&
	"build/unit/${name}_fuzz" -seed=1 -runs="$total" "$@" -artifact_prefix="$dir/" "$dir/tried" >"$log" 2>&1
status=$?
said="the fuzzer of $name: $inputs kept inputs and $runs more"
if [ "$status" -eq 0 ] && [ "$inputs" -gt 0 ] && grep -q "^Done $total runs" "$log"; then
	echo "ok 1 - $said"
else
	echo "not ok 1 - $said"
	tail -n 40 "$log" | sed 's/^/# /'
	status=1
fi
echo 1..1
exit "$status"
