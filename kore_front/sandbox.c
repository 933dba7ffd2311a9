/*
 * sandbox.c: what a worker, and the process for metrics, may ask of the kernel.
 *
 * The whole list stands here: it ends with the end of the process, so what Kore's own list has besides (deleting files,
 * signals to anybody) is never reached. No way to make processes, run programs, change users, or look into others is
 * among it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox.h"
#include "kore_release.h"
#include "hooks.h"
#include "seccomp.h"

/* Whose numbers of system calls these are; of the machines that Kore knows. */
#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH AUDIT_ARCH_ARM
#endif

#ifdef __SANITIZE_ADDRESS__

/* The sanitizers' runtime asks for more than the front does. */
static struct sock_filter filter_used[] = {
	KORE_BPF_RET(SECCOMP_RET_ALLOW)
};

#else

/* What the front does all the time: test/t/front_sandbox.t sees each of them. */
static struct sock_filter filter_used[] = {
	/* clients, the database, the log */
	KORE_SYSCALL_ALLOW(recvfrom),
	KORE_SYSCALL_ALLOW(sendto),
	KORE_SYSCALL_ALLOW(write),
	KORE_SYSCALL_ALLOW(read),
	KORE_SYSCALL_ALLOW(epoll_ctl),
	KORE_SYSCALL_ALLOW(accept),
	KORE_SYSCALL_ALLOW(fcntl),
	KORE_SYSCALL_ALLOW(setsockopt),
	KORE_SYSCALL_ALLOW(shutdown),
	KORE_SYSCALL_ALLOW(close),
	/* libpq connects */
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_UNIX),
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_INET),
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_INET6),
	KORE_SYSCALL_ALLOW(connect),
	KORE_SYSCALL_ALLOW(getsockopt),
	KORE_SYSCALL_ALLOW(getsockname),
	KORE_SYSCALL_ALLOW(getrandom),
	KORE_SYSCALL_ALLOW(geteuid),
	KORE_SYSCALL_ALLOW(getpid),
	/* the log that is opened again; hosts, passwords, certificates */
	KORE_SYSCALL_ALLOW(openat),
	KORE_SYSCALL_ALLOW(newfstatat),
	KORE_SYSCALL_ALLOW(lseek),
	/* memory, none of it both written and run */
	KORE_SYSCALL_DENY_WITH_FLAG(mmap, 2, PROT_EXEC | PROT_WRITE, EINVAL),
	KORE_SYSCALL_ALLOW(mmap),
	KORE_SYSCALL_ALLOW(munmap),
	KORE_SYSCALL_ALLOW(brk),
	/* OpenSSL starts once */
	KORE_SYSCALL_ALLOW(futex),
	/* signals: those of the parent, SIGPIPE while TLS writes, the end */
	KORE_SYSCALL_ALLOW(rt_sigaction),
	KORE_SYSCALL_ALLOW(rt_sigprocmask),
	KORE_SYSCALL_ALLOW(rt_sigreturn),
	KORE_SYSCALL_ALLOW(exit_group),
#if defined(SYS_epoll_wait)
	KORE_SYSCALL_ALLOW(epoll_wait),
#endif
#if defined(SYS_poll)
	KORE_SYSCALL_ALLOW(poll),
#endif
#if defined(SYS_alarm)
	KORE_SYSCALL_ALLOW(alarm),
#endif
};

/* What no test gets it to do, each for a reason. */
static struct sock_filter filter_reserve[] = {
	/* the resolver asks a name server, and which addresses this machine has; it can do without its ioctl() */
	KORE_SYSCALL_ALLOW_ARG(socket, 0, AF_NETLINK),
	KORE_SYSCALL_ALLOW(bind),
	KORE_SYSCALL_ALLOW(sendmsg),
	KORE_SYSCALL_ALLOW(sendmmsg),
	KORE_SYSCALL_ALLOW(recvmsg),
	KORE_SYSCALL_ALLOW(uname),
	KORE_SYSCALL_DENY(ioctl, EACCES),
	/* a library is loaded late: a name service of nsswitch.conf, a provider of OpenSSL */
	KORE_SYSCALL_ALLOW(pread64),
	KORE_SYSCALL_DENY_WITH_FLAG(mprotect, 2, PROT_EXEC, EINVAL),
	KORE_SYSCALL_ALLOW(mprotect),
	/* the key of a client's certificate: whose it is */
	KORE_SYSCALL_ALLOW(getuid),
	KORE_SYSCALL_ALLOW(getgid),
	KORE_SYSCALL_ALLOW(getegid),
	/* TLS writes into a broken connection: SIGPIPE is taken back */
	KORE_SYSCALL_ALLOW(rt_sigpending),
	KORE_SYSCALL_ALLOW(rt_sigtimedwait),
	/* malloc has a large buffer grow, and gives memory back */
	KORE_SYSCALL_ALLOW(mremap),
	KORE_SYSCALL_ALLOW(madvise),
	/* a library aborts: its last words, and the signal, below */
	KORE_SYSCALL_ALLOW(writev),
	KORE_SYSCALL_ALLOW(gettid),
	/* a clock that is not in user memory, as on some virtual machines */
	KORE_SYSCALL_ALLOW(clock_gettime),
	KORE_SYSCALL_ALLOW(gettimeofday),
#if defined(SYS_time)
	KORE_SYSCALL_ALLOW(time),
#endif
	/* the same as above on other machines and with other releases of the C library */
	KORE_SYSCALL_ALLOW(epoll_pwait),
	KORE_SYSCALL_ALLOW(ppoll),
	KORE_SYSCALL_ALLOW(setitimer),
	KORE_SYSCALL_ALLOW(fstat),
#if defined(SYS_stat)
	KORE_SYSCALL_ALLOW(stat),
#endif
#if defined(SYS_access)
	KORE_SYSCALL_ALLOW(access),
#endif
	KORE_SYSCALL_ALLOW(faccessat),
};

/* Signals, to itself only: Kore's when the parent's pipe breaks, and an abort. Kore keeps the address, so it stays. */
static struct sock_filter filter_own[15];

static void
make_filter_own(void)
{
	uint64_t	self = (uint64_t) getpid();
	struct sock_filter own[] = {
		KORE_SYSCALL_ALLOW_ARG(kill, 0, self),
		KORE_SYSCALL_ALLOW_ARG(tgkill, 0, self),
		KORE_BPF_RET(SECCOMP_RET_KILL_PROCESS),
	};

	_Static_assert(sizeof(own) == sizeof(filter_own), "as many instructions");
	memcpy(filter_own, own, sizeof(filter_own));
}

#endif

/* The parts of the list, in their order. */
static const struct part
{
	const char *name;
	struct sock_filter *filter;
	size_t		len;
}			parts[] = {
	{"front", filter_used, KORE_FILTER_LEN(filter_used)},
#ifndef __SANITIZE_ADDRESS__
	{"reserve", filter_reserve, KORE_FILTER_LEN(filter_reserve)},
	{"own", filter_own, KORE_FILTER_LEN(filter_own)},
#endif
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static pid_t parent;

/* In the parent, before it has children. */
void
sandbox_prepare(void)
{
	parent = getpid();
}

/*
 * A process never outlives its parent. If that was gone before this line, nobody will send the signal. That it is
 * process 1 says nothing: in a container the front is.
 */
static void
end_with_parent(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
}

/*
 * Called by Kore just before it closes the sandbox, in each worker.
 */
void
kore_seccomp_hook(void)
{
	end_with_parent();
#ifndef __SANITIZE_ADDRESS__
	make_filter_own();
#endif
	for (size_t i = 0; i < PARTS; i++)
		(void) kore_seccomp_filter(parts[i].name, parts[i].filter, parts[i].len);
}

/*
 * Closes the sandbox around a child that Kore does not know, with a worker's list. Ends the process with 1 when it
 * cannot.
 */
void
sandbox_enter(void)
{
	struct sock_filter program[512] = {
		KORE_BPF_LOAD(arch, 0),
		KORE_BPF_CMP(OWN_ARCH, 1, 0),
		KORE_BPF_RET(SECCOMP_RET_KILL_PROCESS),
		KORE_BPF_LOAD(nr, 0),
	};
	struct sock_fprog whole = {.len = 4, .filter = program};

	end_with_parent();
#ifndef __SANITIZE_ADDRESS__
	make_filter_own();
#endif
	for (size_t i = 0; i < PARTS; i++)
	{
		if (whole.len + parts[i].len > KORE_FILTER_LEN(program))
			_exit(1);
		memcpy(program + whole.len, parts[i].filter, parts[i].len * sizeof(program[0]));
		whole.len += (unsigned short) parts[i].len;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) != 0)
		_exit(1);
}
