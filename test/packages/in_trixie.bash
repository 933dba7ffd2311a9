# The extension's package in a clean Debian 13; run inside the root by trixie.sh.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -u
cd /root/deb || exit 1
export DEBIAN_FRONTEND=noninteractive
n=0
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
is() { [ "$1" = "$2" ]; ok $? "$3 ($1)"; }
sql() { setpriv --reuid=postgres --regid=postgres --init-groups psql -p "$port" -XAtq -d asterisk -c "$1"; }

# shellcheck disable=SC2086
apt-get $1 update && apt-get $1 install -y --no-install-recommends ./postgresql-17-wazo-auth_*.deb; ok $? 'the package is installed'
# a port that no cluster beside takes: roots share the network
port=15432
[ -d /etc/postgresql/17/main ] || pg_createcluster 17 main -p "$port"
pg_conftool 17 main set port "$port"
is "$(/usr/share/postgresql-17-wazo-auth/preload enable main)" restart 'the cluster is to load the library'
pg_ctlcluster 17 main start; ok $? 'it starts with it'
setpriv --reuid=postgres --regid=postgres --init-groups createdb -p "$port" -T template0 -E UTF8 asterisk
sql 'CREATE EXTENSION wazo_auth CASCADE' 2>/dev/null; ok $? 'the extension is created'
is "$(sql 'SHOW server_version_num' | cut -c1-2) $(sql 'SHOW wazo_auth.secret_key_file')" '17 /var/lib/postgresql/wazo_auth.key' 'PostgreSQL 17, with a key'
sql "SELECT wazo_auth.bootstrap('root', 'a password')" >/dev/null; ok $? 'an administrator'
token=$(sql "SELECT token FROM wazo_auth.token_create('root', 'a password', 600, 'offline', 'c')")
is "$(sql "SELECT wazo_auth.token_check('$token', 'auth.users.read')")" valid 'a login and a check'
is "$(sql "SELECT (wazo_auth.http('HEAD', '/0.1/token/$token')).status")" 204 'the REST API'
apt-get remove -y postgresql-17-wazo-auth; ok $? 'removed'
pg_ctlcluster 17 main restart; ok $? 'the server starts without the library'
pg_ctlcluster 17 main stop
exit 0
