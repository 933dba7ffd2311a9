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
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ldap/program/exchange.h"
#include "ldap/program/step_limit.h"
#include "plain/process_limits.h"

#define JOB_MAX_BYTES	(1024 * 1024)

/* What a hostile directory can take. */
static const ProcessLimits limits = {.memory = 256 * 1024 * 1024, .cpu_seconds = 5};

static char job_room[JOB_MAX_BYTES];

int
main(void)
{
	Job			job;
	char		email[EMAIL_MAX_BYTES] = "";
	const char *reason;

	if (!process_limits_set(&limits))
		return EXIT_NOT_LIMITED;
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
