/*
 * process_limits.c
 *	  What a program beside the backend may take, for programs that talk to strangers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "plain/process_limits.h"

static bool
limit(int resource, long value)
{
	struct rlimit both = {(rlim_t) value, (rlim_t) value};

	return setrlimit(resource, &both) == 0;
}

/*
 * process_limits_set
 *
 * What a stranger who takes over this process can take, and what is left of it
 * when it crashes: no core and no look at its memory, which has passwords; no
 * file; no privilege to gain.  It dies with whoever started it.  False when one
 * of these does not hold: then it talks to nobody.
 */
bool
process_limits_set(const ProcessLimits *limits)
{
	return limit(RLIMIT_CORE, 0) &&
		limit(RLIMIT_FSIZE, 0) &&
		limit(RLIMIT_AS, limits->memory) &&
		(limits->cpu_seconds == 0 || limit(RLIMIT_CPU, limits->cpu_seconds)) &&
		(limits->files == 0 || limit(RLIMIT_NOFILE, limits->files)) &&
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
		signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}
