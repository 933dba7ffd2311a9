# Functions for private PostgreSQL servers, sourced by run.sh, check.sh and the
# other scripts of this folder. Nothing here touches the system's cluster or
# the system's copy of the extension.
#
# SPDX-License-Identifier: GPL-3.0-or-later

die() { echo "wazo_auth: $*" >&2; exit 1; }

PG_CONFIG=${PG_CONFIG:-pg_config}

# The account the servers run as: PostgreSQL refuses root.
SERVER_USER=$(id -un)
[ "$(id -u)" -eq 0 ] && SERVER_USER=postgres

# Runs a command as the servers' account, with a plain environment.
as_server() {
	if [ "$(id -un)" = "$SERVER_USER" ]; then
		"$@"
	else
		runuser -u "$SERVER_USER" -- "$@"
	fi
}

# The same in the place of the calling (sub)shell, so that a signal to it
# reaches the command; runuser would stand in between.
exec_as_server() {
	if [ "$(id -un)" = "$SERVER_USER" ]; then
		exec "$@"
	else
		exec setpriv --reuid="$SERVER_USER" --regid="$(id -g "$SERVER_USER")" --init-groups -- "$@"
	fi
}

# private_tree DIR: a copy of the PostgreSQL installation below DIR with this
# checkout's extension in it; sets PG_BINDIR. PostgreSQL finds its files by the
# place of its binary, so copied binaries beside links to everything else are
# an installation of their own.
private_tree() {
	local root=$1 bindir pkglibdir sharedir include
	bindir=$("$PG_CONFIG" --bindir)
	pkglibdir=$("$PG_CONFIG" --pkglibdir)
	sharedir=$("$PG_CONFIG" --sharedir)
	include=$("$PG_CONFIG" --includedir-server)
	mkdir -p "$root$bindir" "$root$pkglibdir" "$root$sharedir/extension"
	cp -a "$bindir/." "$root$bindir/"
	find "$pkglibdir" -mindepth 1 -maxdepth 1 ! -name 'wazo[_-]auth*' -exec ln -sfn -t "$root$pkglibdir" {} +
	find "$sharedir" -mindepth 1 -maxdepth 1 ! -name extension -exec ln -sfn -t "$root$sharedir" {} +
	find "$sharedir/extension" -mindepth 1 -maxdepth 1 ! -name 'wazo_auth*' -exec ln -sfn -t "$root$sharedir/extension" {} +
	mkdir -p "$(dirname "$root$include")"
	ln -sfn "$include" "$root$include"
	make --no-print-directory -s EXTENSION_ONLY=1 with_llvm=no install DESTDIR="$root" >/dev/null
	PG_BINDIR=$root$bindir
	chmod -R go+rX "$root"
}

# private_cluster DATA SOCKETDIR LOG: makes the cluster if there is none yet.
# Only a Unix socket, and peer authentication: the account of the servers and
# the one that runs this may log in as anybody.
private_cluster() {
	local data=$1 socket=$2 user
	[ -s "$data/PG_VERSION" ] && return
	# The servers' account may not be able to enter the present folder.
	pushd "$data" >/dev/null
	as_server "$PG_BINDIR/initdb" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 -A peer >/dev/null
	as_server tee "$data/pg_hba.conf" >/dev/null <<-'EOF'
		local all all peer map=private
		local replication all peer map=private
	EOF
	for user in "$(id -un)" "$SERVER_USER"; do
		printf 'private %s postgres\nprivate %s wazo_auth_front\nprivate %s wazo_auth_service\nprivate %s wazo_auth_admin\n' \
			"$user" "$user" "$user" "$user"
	done | sort -u | as_server tee "$data/pg_ident.conf" >/dev/null
	as_server tee -a "$data/postgresql.conf" >/dev/null <<-EOF
		listen_addresses = ''
		unix_socket_directories = '$socket'
		shared_preload_libraries = 'wazo_auth'
		log_line_prefix = '%m [%p] %q%u@%d %a '
		max_connections = 100
	EOF
	popd >/dev/null
}

# start_cluster DATA LOG / stop_cluster DATA [MODE]
start_cluster() {
	(cd "$1" && as_server "$PG_BINDIR/pg_ctl" -D "$1" -l "$2" -w -t 60 start >/dev/null) ||
		{ as_server tail -n 20 "$2" >&2; die "PostgreSQL did not start; its log is $2"; }
}

stop_cluster() {
	[ -s "$1/postmaster.pid" ] || return 0
	(cd "$1" && as_server "$PG_BINDIR/pg_ctl" -D "$1" -w -t 60 -m "${2:-fast}" stop >/dev/null)
}
