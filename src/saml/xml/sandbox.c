/*
 * sandbox.c
 *	  Takes from the process what it does not need for its job.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sandbox.h"

#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_MAX		(256L * 1024 * 1024)
#define CPU_SECONDS_MAX 5
#define LIFE_SECONDS_MAX 60		/* the most that wazo_auth.saml_timeout can be */

static int
limit(int resource, rlim_t value)
{
	struct rlimit r = {value, value};

	return setrlimit(resource, &r);
}

static int
set_limits(void)
{
	if (limit(RLIMIT_AS, MEMORY_MAX) < 0 || limit(RLIMIT_CPU, CPU_SECONDS_MAX) < 0 ||
		limit(RLIMIT_FSIZE, 0) < 0 || limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NOFILE, 3) < 0)
		return -1;

	/*
	 * Whoever waits for it may be killed, and a process that was taken over would stay; at the latest the alarm ends
	 * it, which it cannot turn off.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -1;
	(void) alarm(LIFE_SECONDS_MAX);
	/* A private key is in this memory. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/*
 * Reading the job, writing the result, memory, locks that are free, random bytes,
 * the clock where the kernel does not share it, and the end. OpenSSL asks for
 * its process id; getrandom and clock_gettime depend on its version and on the
 * machine, all others have been seen in use.
 */
static int
allow_calls(scmp_filter_ctx ctx)
{
	static const int calls[] = {
		SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(futex), SCMP_SYS(getrandom),
		SCMP_SYS(clock_gettime), SCMP_SYS(getpid), SCMP_SYS(exit_group)
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
	{
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0) < 0)
			return -1;
	}
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0)) < 0 ||
		seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, 1, 0)) < 0 ||
		seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
						 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
						 SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)) < 0)
		return -1;
	return 0;
}

/*
 * Limits memory, processor time and files, and allows a handful of system calls;
 * any other ends the process. 0 when all of it holds: without it, nothing is parsed.
 */
int
sandbox_enter(void)
{
	scmp_filter_ctx ctx;
	int			status;

	if (set_limits() < 0)
		return -1;
	/* Sets no_new_privs too. */
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return -1;
	status = allow_calls(ctx);
	if (status == 0)
		status = seccomp_load(ctx);
	seccomp_release(ctx);
	return status < 0 ? -1 : 0;
}
