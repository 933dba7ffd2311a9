# The packages in the life of a platform; run inside the root by packages.sh.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
cd /root/deb || exit 1
export DEBIAN_FRONTEND=noninteractive
n=0
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
is() { [ "$1" = "$2" ]; ok $? "$3 ($1)"; }
sql() { runuser -u postgres -- psql -XAtq -d asterisk -c "$1"; }
credentials=/root/.config/wazo-auth-cli/050-credentials.yml
password() { sed -n 's/^  password: //p' "$credentials"; }
call() { # call METHOD PATH [CURL OPTION...]: prints the status; the body is in /root/answer
	local method=$1 path=$2
	shift 2
	curl -s -o /root/answer -w '%{http_code}' -X "$method" -H 'Content-Type: application/json' "$@" "http://127.0.0.1:9497/0.1$path"
}
login() { call POST /token -u "wazo-auth-cli:$1" -d '{"expiration": 600, "access_type": "offline", "client_id": "test"}'; }

# As the unit does it: its account, its command, its wait.
front=
start() {
	setpriv --reuid wazo-auth --regid wazo-auth --init-groups sh -c "$(sed -n 's/^ExecStart=/exec /p' /lib/systemd/system/wazo-auth.service)" >/root/front.log 2>&1 &
	front=$!
	sh -c "$(sed -n 's/^ExecStartPost=//p' /lib/systemd/system/wazo-auth.service)"
}
stop() { kill "$front"; wait "$front"; }

pg_ctlcluster 15 main start
runuser -u postgres -- psql -XAtq -c 'CREATE DATABASE other' # the platform's own
export PGOPTIONS=

# ---- installed, as README.md and docs/packages.md say ----
cmp block1 "$(grep -l '^apt-get install' readme*)"; ok $? 'README.md and docs/packages.md say the same'
bash -eu block1 >/root/install.log 2>&1; ok $? 'the packages are installed'
cat /root/install.log
is "$(sql "SELECT extversion FROM pg_extension WHERE extname = 'wazo_auth'")" "$(sed -n "s/^default_version = '\(.*\)'/\1/p" /usr/share/postgresql/15/extension/wazo_auth.control)" 'the database has the extension'
is "$(sql 'SHOW shared_preload_libraries')" wazo_auth 'the server loads it'
is "$(stat -c '%a %U' "$credentials")" '600 wazo-auth' "the administrator's file is nobody else's"
is "$(stat -c '%a %G' /etc/wazo-auth/config.yml)" '640 wazo-auth' "the configuration is nobody else's"
is "$(sql 'SHOW wazo_auth.secret_key_file')" /var/lib/postgresql/wazo_auth.key 'the key lies apart from the configuration'
is "$(stat -c '%a %U' /var/lib/postgresql/wazo_auth.key)" '600 postgres' "... and is the server's alone"
wazo-auth --check-config >/root/check 2>&1; ok $? "the configuration is good: $(tail -n 1 /root/check)"
! grep -E 'warning|note' /root/check; ok $? '... and nothing in it is without effect'
# The platform's main file has locations by names that are in https-enabled.
mkdir -p /etc/nginx/locations/https-enabled
dpkg-reconfigure wazo-auth >/root/reconfigure.log 2>&1; ok $? 'configured again'
ln -sf ../https-available/wazo-auth /etc/nginx/locations/https-enabled/wazo-auth
printf 'server {\n listen 8080;\n include /etc/nginx/locations/https-enabled/*;\n}\n' >/etc/nginx/conf.d/platform.conf
nginx -t >/root/nginx.log 2>&1; ok $? "nginx takes its location: $(tail -n 1 /root/nginx.log)"

# ---- what other programs read ----
systemd-analyze verify /lib/systemd/system/wazo-auth.service >/root/unit.log 2>&1; ok $? "systemd knows all of the unit: $(tail -n 1 /root/unit.log)"
systemd-analyze security --offline=true --threshold=20 wazo-auth.service >/root/security.log 2>&1; ok $? "... of which little is exposed: $(tail -n 1 /root/security.log)"
rsyslogd -N1 >/root/rsyslog.log 2>&1; ok $? "rsyslog takes its configuration, ours in it: $(tail -n 1 /root/rsyslog.log)"
! grep -i 'wazo' /root/rsyslog.log; ok $? '... without a word about ours'
logrotate -d /etc/logrotate.d/wazo-auth >/root/logrotate.log 2>&1; ok $? 'logrotate takes its configuration'
complete() { # complete COMMAND WORD...: what is offered for the last word
	bash -c '. /usr/share/bash-completion/bash_completion; . "/usr/share/bash-completion/completions/$1"
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wazo_auth "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"; echo "${COMPREPLY[*]}"' bash "$@"
}
is "$(complete wazo-auth --check)" --check-config 'options are completed'
is "$(complete wazo-auth-bootstrap ini)" initial-user '... and what wazo-auth-bootstrap does'
is "$(complete wazo-auth --log-level war)" warning '... and levels'
for page in wazo-auth wazo-auth-bootstrap wazo-auth-init-db wazo-auth-upgrade-db wazo-auth-wait; do
	LC_ALL=C.UTF-8 man --warnings -l "/usr/share/man/man1/$page.1.gz" >/root/page 2>/root/page.log; ok $? "the manual page of $page"
	is "$(cat /root/page.log)" '' '... without a warning'
done

# ---- started and used ----
start; ok $? 'started as its unit starts it'
is "$(login "$(password)")" 200 'wazo-auth-cli logs in, with a refresh token'
token=$(sed 's/.*"token": "\([^"]*\)".*/\1/' /root/answer)
is "$(call GET /policies/wazo_default_user_policy -H "X-Auth-Token: $token")" 200 'the default policies are there'
is "$(sql "SELECT cardinality(acl::text[]) FROM wazo_auth.policy WHERE slug = 'wazo_default_user_policy'")" 60 '... in full'
is "$(sql "SELECT count(*) FROM wazo_auth.\"group\" WHERE slug = 'wazo_default_admin_group'")" 1 '... and the default group'
is "$(call HEAD "/token/$token?scope=confd.users.read" -I)" 204 'the token passes a check'
is "$(for p in /proc/[0-9]*; do [ "$(readlink "$p/exe")" != /usr/bin/wazo-auth ] || stat -c %U "$p"; done | sort -u)" wazo-auth 'it runs as its account'
nginx; curl -s -o /root/answer -w '%{http_code}' -u "wazo-auth-cli:$(password)" -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:8080/api/auth/0.1/token >/root/code
is "$(cat /root/code)" 200 'a login through nginx'
nginx -s stop
# The accounts of the services, as wazo-auth-keys makes them.
made=0
for service in agentd agid amid auth calld call-logd chatd confd confgend dird dxtora phoned plugind provd purge-db setupd sounds trunk-sync ui \
	upgrade webhookd websocketd wizard stat asterisk-cli; do
	[ "$(call POST /users -H "X-Auth-Token: $token" -d "{\"username\": \"wazo-$service\", \"password\": \"$service-secret\", \"purpose\": \"internal\"}")" = 200 ] || continue
	user=$(sed 's/.*"uuid": "\([^"]*\)".*/\1/' /root/answer)
	[ "$(call POST /policies -H "X-Auth-Token: $token" -d "{\"name\": \"wazo-$service-internal\", \"acl\": [\"auth.tenants.read\"]}")" = 200 ] || continue
	[ "$(call PUT "/users/$user/policies/wazo-$service-internal" -H "X-Auth-Token: $token")" = 204 ] || continue
	[ "$(call POST /token -u "wazo-$service:$service-secret" -d '{"expiration": 60}')" = 200 ] && made=$((made + 1))
done
is "$made" 25 'the accounts of 25 services are made and log in'
logrotate -f /etc/logrotate.d/wazo-auth >/root/logrotate.log 2>&1; ok $? 'the log is rotated'
[ -s /var/log/wazo-auth.log.1 ]; ok $? '... and was written to'
stop; ok $? 'it stops'
! grep -q "$(password)" /var/log/wazo-auth.log* /var/log/postgresql/*.log; ok $? 'no log has the password'

# ---- upgraded ----
before=$(password)
# The next version, in a repository of its own, with a step for the database.
extension=unpacked/usr/share/postgresql/15/extension
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" /usr/share/postgresql/15/extension/wazo_auth.control)
for package in *.deb; do
	rm -rf unpacked && dpkg-deb -R "$package" unpacked
	sed -i 's/^Version: .*/Version: 1:9.0.0/' unpacked/DEBIAN/control
	if [ -d "$extension" ]; then
		sed -i "s/^default_version.*/default_version = '9.0.0'/" "$extension/wazo_auth.control"
		echo "COMMENT ON SCHEMA wazo_auth IS 'upgraded';" >"$extension/wazo_auth--$version--9.0.0.sql"
	fi
	dpkg-deb -b unpacked "next-$package" >/dev/null
	{ dpkg-deb -f "next-$package" && echo "Filename: ./next-$package" && echo "Size: $(stat -c %s "next-$package")" &&
		echo "SHA256: $(sha256sum "next-$package" | cut -d ' ' -f 1)" && echo; } >>Packages
done
echo 'deb [trusted=yes] file:/root/deb ./' >/etc/apt/sources.list.d/next.list
apt-get update -o Dir::Etc::SourceList=/dev/null >/root/update.log 2>&1; ok $? 'a new version is out'
# Where no systemd runs, what its command would do.
mkdir -p /root/shim
printf '#!/bin/sh\n[ "$*" = "restart postgresql" ] && exec pg_ctlcluster 15 main restart\nexit 1\n' >/root/shim/systemctl
chmod +x /root/shim/systemctl
postmaster=$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)
apt-get install -y --only-upgrade wazo-auth postgresql-15-wazo-auth >/root/upgrade.log 2>&1; ok $? 'upgraded'
cat /root/upgrade.log
[ "$postmaster" != "$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)" ]; ok $? '... with a restart of the server, which had the old library'
is "$(sql "SELECT extversion FROM pg_extension WHERE extname = 'wazo_auth'")" 9.0.0 '... and of the database'
PATH=/root/shim:$PATH bash -eu upgrade1 >/root/upgrade.log 2>&1; ok $? 'again, as docs/upgrade.md says'
cat /root/upgrade.log
is "$(grep -E '^ +[0-9]' /root/upgrade.log | tr -d ' ')" 9.0.0 '... which shows the version'
[ "$(password)" = "$before" ]; ok $? 'the password is the same'
start; is "$(login "$before")" 200 'a login after the upgrade'
is "$(call HEAD "/token/$token" -I)" 204 'a token from before lives'
stop

# ---- removed, purged, installed again ----
apt-get remove -y wazo-auth postgresql-15-wazo-auth >/root/remove.log 2>&1; ok $? 'removed'
cat /root/remove.log
pg_ctlcluster 15 main restart; ok $? 'the server starts without the library'
is "$(sql "SELECT count(*) FROM wazo_auth.\"user\" WHERE username = 'wazo-auth-cli'")" 1 'the data is there'
apt-get purge -y wazo-auth postgresql-15-wazo-auth >/root/purge.log 2>&1; ok $? 'purged'
cat /root/purge.log
is "$(find /etc /var/log /usr -name '*wazo-auth*' -not -path '/usr/share/doc*' | tr '\n' ' ')" '' 'nothing is left of it'
is "$(sql "SELECT count(*) FROM wazo_auth.\"user\" WHERE username = 'wazo-auth-cli'") $(ls /var/lib/postgresql/wazo_auth.key "$credentials" | wc -l)" '1 2' '... but for the data, its key and the password'
apt-get install -y --no-install-recommends ./next-*.deb >/root/again.log 2>&1; ok $? 'installed again'
cat /root/again.log
[ "$(password)" = "$before" ]; ok $? 'the password is the same'
start; is "$(login "$before")" 200 'and all is as it was'
is "$(call GET "/users?limit=1" -H "X-Auth-Token: $token")" 200 '... with the tokens of then'
stop
cat /root/front.log

# ---- in the place of an upstream, as docs/migration.md says ----
apt-get purge -y wazo-auth postgresql-15-wazo-auth >/root/purge.log 2>&1
pg_ctlcluster 15 main restart
runuser -u postgres -- psql -Xq -c 'DROP DATABASE asterisk' -c 'CREATE DATABASE asterisk OWNER asterisk ENCODING UTF8 TEMPLATE template0'
value() { sed -n "s/^my \\\$$1 = '\(.*\)';/\1/p" WazoUpstream.pm; }
salt=$(seq 0 63 | while read -r i; do printf '%02x' "$i"; done)
runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d asterisk -c 'CREATE EXTENSION "uuid-ossp"' -f /root/deb/upstream.sql -v users=20 -v tokens=40 -v tenants=2 \
	-v hash="$(value hash)" -v salt="$salt" -o /dev/null -f /root/deb/upstream_rows.sql >/root/upstream.log 2>&1; ok $? "an upstream's database"
cat /root/upstream.log
cat >/root/shim/systemctl <<'END'
#!/bin/bash
case $* in
'restart postgresql') exec pg_ctlcluster 15 main restart ;;
'stop wazo-auth') [ ! -s /root/front.pid ] || kill "$(cat /root/front.pid)" || true; rm -f /root/front.pid ;;
'start wazo-auth')
	setpriv --reuid wazo-auth --regid wazo-auth --init-groups /usr/bin/wazo-auth >/root/front.log 2>&1 &
	echo $! >/root/front.pid
	wazo-auth-wait ;;
*) exit 1 ;;
esac
END
mkdir -p deb && for package in next-*.deb; do cp "$package" "deb/${package#next-}"; done
(cd deb && PATH=/root/shim:$PATH bash -eu ../migration1) >/root/migration.log 2>&1; ok $? 'imported'
cat /root/migration.log
LOGIN=user5 PASSWORD=secret bash -eu "$(grep -l '^curl' migration*)" >/root/answer 2>&1; ok $? 'an old user logs in'
case $(cat /root/answer) in '{"data": {"token": "'*) true ;; *) cat /root/answer; false ;; esac; ok $? '... and gets a token'
old=$(printf %s token6 | md5sum | sed 's/\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)\(.\{12\}\).*/\1-\2-\3-\4-\5/')
is "$(call HEAD "/token/$old" -I)" 204 'an old token is valid'
is "$(sql 'SELECT count(*) FROM public.auth_user')" 20 "upstream's tables are as they were"
runuser -u postgres -- psql -XAtq -d asterisk -c "SELECT count(*) FROM wazo_auth.export_upstream('upstream_again')" >/root/export.log 2>&1; ok $? "back to upstream's schema: $(tail -n 1 /root/export.log)"
is "$(sql 'SELECT count(*) FROM upstream_again.auth_user')" 20 '... with all users'
PATH=/root/shim:$PATH systemctl stop wazo-auth

# ---- without a database ----
apt-get purge -y wazo-auth >/root/purge.log 2>&1
echo 'wazo-auth wazo-auth/db-host string 192.0.2.1' | debconf-set-selections
apt-get install -y --no-install-recommends ./next-wazo-auth_*.deb >/root/remote.log 2>&1; ok $? 'installed for the database of another host'
is "$(sed -n 's/.*@\(.*\)\/.*/\1/p' /etc/wazo-auth/conf.d/50-db.yml)" 192.0.2.1 '... which the configuration names'
pg_ctlcluster 15 main stop
exit 0
