/*
 * main.c
 *	  wazo-auth-ldap: one login against one directory.
 *
 * Reads a job from standard input (job.h) and writes three zero-terminated
 * strings: "ok", "refused" or "timeout"; the step and why; the user's address.
 * Started by the backend, with which it dies; libldap, the resolver and the TLS
 * library block and crash here, not there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ldap/program/exchange.h"
#include "ldap/program/step_limit.h"

#define JOB_MAX_BYTES	(1024 * 1024)
#define MEMORY_BYTES	(256 * 1024 * 1024)
#define CPU_SECONDS		5

static char job_room[JOB_MAX_BYTES];

static void
limit(int resource, rlim_t value)
{
	struct rlimit both = {value, value};

	(void) setrlimit(resource, &both);
}

/* What a hostile directory can take, and what is left of the program when it crashes. */
static void
set_limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_AS, MEMORY_BYTES);
	limit(RLIMIT_CPU, CPU_SECONDS);
	limit(RLIMIT_FSIZE, 0);
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
}

int
main(void)
{
	Job			job;
	char		email[EMAIL_MAX_BYTES] = "";
	const char *reason;

	set_limits();
	step_limit_init();
	step_begin("reading the job");
	if (!job_read(&job, job_room, sizeof(job_room)))
		return 2;
	reason = exchange_run(&job, email);
	/* from here on the answer is this one */
	(void) alarm(0);
	printf("%s%c%s%s%s%c%s%c", reason ? "refused" : "ok", 0, reason ? step_name() : "", reason ? ": " : "",
		   reason ? reason : "", 0, reason ? "" : email, 0);
	explicit_bzero(job_room, sizeof(job_room));
	return fflush(stdout) == 0 ? 0 : 1;
}
