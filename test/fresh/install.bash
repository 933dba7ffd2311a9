# The README's section on installing, block by block; run inside the root by
# fresh.sh, which has put the blocks beside this file.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
cd /root/wazo_auth || exit 1
n=0
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }

# What the package postgresql-15 does where nothing forbids it.
[ -d /etc/postgresql/15/main ] || pg_createcluster 15 main >/dev/null
pg_ctlcluster 15 main status >/dev/null 2>&1 || pg_ctlcluster 15 main start
front=
for block in $(ls /root/block* | sort -V); do
	if grep -q '^wazo-auth ' "$block"; then
		bash -eu "$block" >/root/front.log 2>&1 &
		front=$!
		for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/9497) 2>/dev/null && break; sleep 0.1; done
		kill -0 "$front"; ok $? 'the front starts'
		for proc in /proc/[0-9]*; do
			case $(readlink "$proc/exe") in */wazo-auth) stat -c %U "$proc" ;; esac
		done | sort -u >/root/users
		[ "$(cat /root/users)" = wazo-auth ]; ok $? "... as the account wazo-auth ($(cat /root/users))"
		continue
	fi
	bash -eu "$block" >/root/block.log 2>&1; status=$?
	ok "$status" "$(basename "$block") runs: $(grep -v '^#' "$block" | head -n 1)"
	cat /root/block.log
	grep -h 'password of' /root/block.log >>/root/password
done
password=$(sed 's/.*: //' /root/password)
code=$(curl -s -o /root/answer -w '%{http_code}' -u "wazo-auth-cli:$password" -H 'Content-Type: application/json' \
	-d '{"expiration": 60, "access_type": "offline", "client_id": "fresh"}' http://127.0.0.1:9497/0.1/token)
[ "$code" = 200 ]; ok $? "the administrator logs in, with a refresh token ($code)"
[ "$code" = 200 ] || { cat /root/answer /root/front.log; tail -n 20 /var/log/postgresql/*.log; }
# The same section again: nothing is overwritten.
before=$(cat /etc/wazo-auth/secret.key)
[ "$(stat -c %a /etc/wazo-auth/secret.key)" != 644 ]; ok $? 'others cannot read the key'
make installcheck >/root/installcheck.log 2>&1; ok $? 'make installcheck passes on it, run by root'
cat /root/installcheck.log
[ "$(runuser -u postgres -- psql -XAtc "SELECT count(*) FROM pg_database WHERE datname LIKE 'wazo_auth%'")" = 0 ]; ok $? '... and leaves no database'
kill "$front"; wait "$front"
for block in $(ls /root/block* | sort -V); do grep -q '^wazo-auth ' "$block" || bash -eu "$block" >/dev/null 2>&1; done
[ "$before" = "$(cat /etc/wazo-auth/secret.key)" ]; ok $? 'done twice, the key stays'
pg_ctlcluster 15 main stop
exit 0
