#!/usr/bin/env bash
# run.sh RUN_DIR PORT: what `make run` does after the build. Starts a private
# cluster, creates the extension and the first administrator, runs the front in
# the foreground, and stops the cluster when it ends. The next start finds the
# data again.
#
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu
# shellcheck source=tools/server.bash
. "$(dirname "$0")/server.bash"

mkdir -p "$1"
run_dir=$(cd "$1" && pwd)
port=$2
case $port in '' | *[!0-9]*) die "PORT=$port is not a port number" ;; esac

# The cluster stands below RUN_DIR where the servers' account can enter it and
# a Unix socket's path fits; otherwise in a place of its own that depends only
# on RUN_DIR, so that the next start finds it.
state=$run_dir
chmod go+x "$run_dir" 2>/dev/null || true
if ! as_server test -x "$run_dir" || [ ${#run_dir} -gt 80 ]; then
	state=/var/tmp/wazo_auth-$(printf %s "$run_dir" | sha256sum | cut -c1-16)
fi
mkdir -p "$state/socket"
[ "$(stat -c %u "$state")" = "$(id -u)" ] && [ ! -L "$state" ] || die "$state belongs to somebody else; set RUN_DIR"
chmod 711 "$state"
if [ "$state" != "$run_dir" ]; then
	ln -sfn "$state" "$run_dir/state"
	echo "$run_dir cannot be used by the account $SERVER_USER; the cluster is in $state"
fi
chown "$SERVER_USER": "$state/socket"
chmod 755 "$state/socket"

exec 9>"$state/lock"
flock -n 9 || die "another \`make run\` uses $state; stop it or set RUN_DIR"

# Whoever removes RUN_DIR alone finds the cluster again, and its password.
[ ! -L "$run_dir/env" ] || rm -f "$run_dir/env"
if [ "$state" != "$run_dir" ]; then
	[ ! -f "$run_dir/env" ] || mv -n "$run_dir/env" "$state/env"
	ln -sfn "$state/env" "$run_dir/env"
fi

# Told before anything is started, with the port's name.
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
	die "port $port on 127.0.0.1 is taken by another program; choose another one: make run PORT=9498"
fi

data=$state/data log=$state/postgresql.log
touch "$log" && chown "$SERVER_USER": "$log"
private_tree "$state/tree"
if [ ! -d "$data" ]; then
	mkdir -m 700 "$data" && chown "$SERVER_USER": "$data"
fi
private_cluster "$data" "$state/socket"

# The key that seals refresh tokens stays outside the database.
key=$state/secret.key
if [ ! -s "$key" ]; then
	(umask 077 && printf 'key1:%s\n' "$(openssl rand -base64 32)" >"$key")
fi
chown "$SERVER_USER": "$key"
as_server sed -i '/^wazo_auth.secret_key_file/d' "$data/postgresql.conf"
echo "wazo_auth.secret_key_file = '$key'" | as_server tee -a "$data/postgresql.conf" >/dev/null

# Once it stops, nothing may stop that: a signal to the process group reaches this
# script and pg_ctl, and make passes it on once more. Ignored here, it is ignored
# by the commands that stop the servers too.
front= watch=
stop() {
	trap - EXIT
	trap '' INT TERM HUP
	[ -z "$watch" ] || kill "$watch" 2>/dev/null || true
	if [ -n "$front" ] && kill -TERM "$front" 2>/dev/null; then wait "$front" || true; fi
	stop_cluster "$data"
}
trap 'stop' EXIT
trap 'stop; exit 0' INT TERM HUP
# make tells its commands nothing of a HUP or an INT that reached it alone, and
# then waits for them for ever. That it is in its handler shows: signals 1, 2 and
# 15 are blocked there, of which bits 0, 1 and 14 tell.
made_to_stop() {
	local blocked
	blocked=$(sed -n 's/^SigBlk:[[:space:]]*/0x/p' "/proc/$PPID/status" 2>/dev/null) || return 0
	[ $((blocked & 0x4003)) -ne 0 ]
}
(until made_to_stop; do sleep 0.5; done; kill -TERM $$) 9>&- &
watch=$!
stop_cluster "$data" immediate 2>/dev/null || true
# The server must not keep the lock that this script holds.
start_cluster "$data" "$log" 9>&-

export PGHOST=$state/socket PGPORT=5432 PGUSER=postgres PGDATABASE=wazo_auth
PSQL=("$PG_BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1)
[ "$("${PSQL[@]}" -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'wazo_auth'")" = 1 ] ||
	"${PSQL[@]}" -d postgres -c "CREATE DATABASE wazo_auth ENCODING 'UTF8' TEMPLATE template0"
version() { "${PSQL[@]}" -c "SELECT extversion FROM pg_extension WHERE extname = 'wazo_auth'"; }
before=$(version)
"${PSQL[@]}" -c "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE; ALTER EXTENSION wazo_auth UPDATE"
# A database keeps the SQL that it was made with until its version changes.
sql=$(sha256sum <"build/wazo_auth--$(version).sql")
[ "$before" = "$(version)" ] || echo "$sql" >"$state/sql.sum"
[ ! -s "$state/sql.sum" ] || [ "$(cat "$state/sql.sum")" = "$sql" ] ||
	echo "The SQL has changed since this database was made, which keeps what it has. To begin anew: rm -rf $run_dir ${state#"$run_dir"}"
for role in front service admin; do
	"${PSQL[@]}" -c "ALTER ROLE wazo_auth_$role LOGIN"
done

# The administrator's password: given, or from the last start, or random.
admin=${WAZO_AUTH_BOOTSTRAP_USERNAME:-}
password=${WAZO_AUTH_BOOTSTRAP_PASSWORD:-}
if [ -s "$state/env" ]; then
	[ -n "$admin" ] || admin=$(. "$state/env" && printf %s "$ADMIN")
	[ -n "$password" ] || password=$(. "$state/env" && printf %s "$PASSWORD")
fi
admin=${admin:-wazo-auth-cli}
[ -n "$password" ] || password=$(openssl rand -hex 14)
# Through standard input: arguments of a program can be seen by everybody.
"${PSQL[@]}" >/dev/null <<EOF
\\set username '${admin//\'/\'\'}'
\\set password '${password//\'/\'\'}'
SELECT wazo_auth.bootstrap(:'username', :'password');
EOF

# Where events and mails go, if that is said; through standard input, since a
# URI may hold a password.
AMQP_URI=${AMQP_URI:-} SMTP_HOST=${SMTP_HOST:-}
if [ -n "$AMQP_URI$SMTP_HOST" ]; then
	"${PSQL[@]}" >/dev/null <<EOF
\\set uri '${AMQP_URI//\'/\'\'}'
\\set host '${SMTP_HOST//\'/\'\'}'
\\set port '${SMTP_PORT:-25}'
SELECT wazo_auth.configure(jsonb_build_object('amqp.uri', :'uri')) WHERE :'uri' <> '';
SELECT wazo_auth.configure(jsonb_build_object('smtp.hostname', :'host', 'smtp.port', :'port'::integer)) WHERE :'host' <> '';
EOF
fi

(umask 077 && {
	for name in PGHOST PGPORT PGUSER PGDATABASE; do printf 'export %s=%q\n' "$name" "${!name}"; done
	printf 'export BASE_URL=%q\nexport ADMIN=%q\nexport PASSWORD=%q\n' "http://127.0.0.1:$port" "$admin" "$password"
} >"$state/env")

cat <<EOF

wazo_auth runs on http://127.0.0.1:$port (Ctrl-C stops it)

  administrator   $admin
  password        $password
  SQL             . $run_dir/env; psql

Get a token:

  . $run_dir/env; curl -s -u "\$ADMIN:\$PASSWORD" -H 'Content-Type: application/json' -d '{"expiration": 3600}' \$BASE_URL/0.1/token

EOF

# The front runs as the servers' account, never as root.
cp build/wazo-auth "$state/wazo-auth" && chmod 755 "$state/wazo-auth"
cd "$state"
(exec_as_server "$state/wazo-auth" -c "" --listen-address 127.0.0.1 --listen-port "$port" \
	--database "host=$state/socket port=5432 dbname=wazo_auth user=wazo_auth_front" 9>&-) &
front=$!
status=0
wait "$front" || status=$?
front=
exit "$status"
