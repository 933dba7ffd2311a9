# Functions for roots of other Debian installations, sourced by the scripts that
# try the project where nothing is installed. Needs root and debootstrap.
#
# A root is made once per suite and kept below ROOT_CACHE; a trial works on an
# overlay of it, which is thrown away.
#
# SPDX-License-Identifier: GPL-3.0-or-later

ROOT_CACHE=${ROOT_CACHE:-/var/cache/wazo_auth}

root_die() { echo "wazo_auth: $*" >&2; exit 1; }

# The mirror that this machine itself uses.
root_mirror() {
	[ -z "${DEBIAN_MIRROR:-}" ] || { echo "$DEBIAN_MIRROR"; return; }
	sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
		/etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
		grep -m 1 '/debian/*$' || root_die "no Debian mirror in apt's sources; set DEBIAN_MIRROR"
}

# root_base SUITE [PACKAGE,...]: prints the folder of the kept root, made now if
# it is not there: minbase with make, git and what is named.
root_base() {
	local suite=$1 base=$ROOT_CACHE/$1${2:+-$(printf %s "$2" | sha256sum | cut -c1-8)}
	if [ ! -e "$base/.complete" ]; then
		[ "$(id -u)" -eq 0 ] || root_die "making a root of $suite takes root"
		command -v debootstrap >/dev/null || root_die "debootstrap is not installed"
		echo "Making a root of $suite in $base" >&2
		rm -rf "$base" && mkdir -p "$base"
		debootstrap --variant=minbase --include="make,git,ca-certificates${2:+,$2}" \
			"$suite" "$base" "$(root_mirror)" >"$ROOT_CACHE/$suite.log" 2>&1 || {
			tail -n 20 "$ROOT_CACHE/$suite.log" >&2
			root_die "debootstrap could not make a root of $suite"
		}
		touch "$base/.complete"
	fi
	echo "$base"
}

# root_run BASE WORK COMMAND...: runs the command in a root that is BASE with
# what it changes in WORK/upper. Its processes end with it, its mounts too.
# Packages that are fetched are kept below ROOT_CACHE.
root_run() {
	local base=$1 work=$2
	shift 2
	mkdir -p "$work/upper" "$work/overlay" "$work/root" "$ROOT_CACHE/archives/partial"
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child --propagation private bash -eu -c '
		base=$1 work=$2 archives=$3
		shift 3
		mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/overlay" "$work/root"
		mount -t proc proc "$work/root/proc"
		for node in null zero full random urandom tty; do
			touch "$work/root/dev/$node" 2>/dev/null || true
			mount --bind "/dev/$node" "$work/root/dev/$node"
		done
		mkdir -p "$work/root/dev/shm" "$work/root/dev/pts"
		mount -t tmpfs tmpfs "$work/root/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=0666 devpts "$work/root/dev/pts" 2>/dev/null || true
		ln -sfn /proc/self/fd "$work/root/dev/fd"
		for file in resolv.conf hosts; do cp -L "/etc/$file" "$work/root/etc/$file"; done
		mkdir -p "$work/root/var/cache/apt/archives"
		mount --bind "$archives" "$work/root/var/cache/apt/archives"
		# not by chroot alone: who is in one can make no user namespace
		cd "$work/root"
		mkdir -p .outside
		pivot_root . .outside
		exec chroot . env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
			sh -c "umount -l /.outside && rmdir /.outside; exec \"\$@\"" sh "$@"
	' root_run "$base" "$work" "$ROOT_CACHE/archives" "$@"
}
