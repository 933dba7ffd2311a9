# What a newcomer does first; run inside the root by fresh.sh.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
cd /root/wazo_auth || exit 1
n=0
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }

setsid make run >/root/run.log 2>&1 &
run=$!
for _ in $(seq 3000); do
	grep -q 'Get a token' /root/run.log && [ -s .run/env ] && break
	kill -0 "$run" 2>/dev/null || break
	sleep 0.2
done
cat /root/run.log
grep -q '^  installed 50 %' /root/run.log; ok $? 'the packages show how far they are'
! grep -q -- '-fPIC\|-Wall' /root/run.log; ok $? "no compiler's line is shown"
line=$(grep 'BASE_URL/0.1/token' /root/run.log)
for _ in $(seq 50); do
	answer=$(eval "$line")
	[ -n "$answer" ] && break
	sleep 0.2
done
case $answer in '{"data": {"token": "'*) true ;; *) echo "$answer"; false ;; esac; ok $? 'the printed curl gives a token'
kill -INT -- -"$run"
wait "$run"; status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 130 ] || [ "$status" -eq 2 ]; ok $? "Ctrl-C ends it (status $status)"
! ls /proc/*/exe 2>/dev/null | xargs -r readlink | grep -E '/postgres$|/wazo-auth$'; ok $? 'nothing is left running'
exit 0
