/*
 * sandbox.c: what a worker may ask of the kernel.
 *
 * Kore's filter has what Kore needs and ends the process for anything else; this adds what libpq, OpenSSL and the
 * resolver of the GNU C library use to connect (again), and what the front itself does. No way to make processes,
 * change users, or run programs is among it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kore_release.h"
#include "hooks.h"
#include "seccomp.h"

static struct sock_filter filter_front[] = {
	/* connecting to PostgreSQL; the netlink socket is getaddrinfo's, to see which address families are in use */
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_UNIX),
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_INET),
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_INET6),
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_NETLINK),
	KORE_SYSCALL_ALLOW(connect),
	KORE_SYSCALL_ALLOW(bind),
	KORE_SYSCALL_ALLOW(getsockopt),
	KORE_SYSCALL_ALLOW(getsockname),
	KORE_SYSCALL_ALLOW(getpeername),
	KORE_SYSCALL_ALLOW(sendmsg),
	KORE_SYSCALL_ALLOW(sendmmsg),
	KORE_SYSCALL_ALLOW(recvmsg),
	KORE_SYSCALL_ALLOW(uname),
	/* password and certificate files */
	KORE_SYSCALL_ALLOW(newfstatat),
	KORE_SYSCALL_ALLOW(pread64),
	KORE_SYSCALL_ALLOW(faccessat),
	KORE_SYSCALL_ALLOW(getegid),
	KORE_SYSCALL_ALLOW(getgid),
	/* broken pipes while TLS writes */
	KORE_SYSCALL_ALLOW(rt_sigpending),
	KORE_SYSCALL_ALLOW(rt_sigtimedwait),
	/* large buffers grow */
	KORE_SYSCALL_ALLOW(mremap),
	/* the front: half close, the limit on shutting down, the own thread id when a library aborts */
	KORE_SYSCALL_ALLOW(shutdown),
#if defined(SYS_alarm)
	KORE_SYSCALL_ALLOW(alarm),
#endif
	KORE_SYSCALL_ALLOW(setitimer),
	KORE_SYSCALL_ALLOW(gettid),
	KORE_SYSCALL_ALLOW(tgkill),
};

/*
 * Called by Kore just before it closes the sandbox, in each worker.
 */
void
kore_seccomp_hook(void)
{
	pid_t		parent = getppid();

	/* A worker never outlives its parent. If that was gone before this line, nobody will send the signal. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || parent == 1 || getppid() != parent)
		_exit(1);
	(void) kore_seccomp_filter("front", filter_front, KORE_FILTER_LEN(filter_front));
}
