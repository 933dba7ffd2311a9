/*
 * main.c
 *	  wazo-auth-oauth2: one request to a token endpoint.
 *
 * Reads a job from standard input (token_request.h) and writes three
 * zero-terminated strings: "answered" and the status and body of the answer, or
 * "unreachable", nothing, and why.  Started by the backend or the relay worker,
 * with which it dies; the resolver, the TLS library and the reader of HTTP block
 * and crash here, not there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "oauth2/program/token_request.h"
#include "plain/job_strings.h"

#define JOB_MAX_BYTES	(256 * 1024)
#define MEMORY_BYTES	(512 * 1024 * 1024)
#define CPU_SECONDS		5

static char job_room[JOB_MAX_BYTES];
static TokenAnswer answer;

static void
limit(int resource, rlim_t value)
{
	struct rlimit both = {value, value};

	(void) setrlimit(resource, &both);
}

/* What a hostile endpoint can take, and what is left of the program when it crashes. */
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
	static TokenRequest request;
	const char **members[] = {
		&request.url, &request.ca_file, &request.private_addresses, &request.limit_ms, &request.client_id,
		&request.client_secret, &request.form,
	};

	set_limits();
	if (!job_strings_read(job_room, sizeof(job_room), members, sizeof(members) / sizeof(members[0])))
		return 2;
	token_request_run(&request, &answer);
	explicit_bzero(job_room, sizeof(job_room));
	if (answer.answered)
		printf("answered%c%ld%c%s%c", 0, answer.status, 0, answer.body, 0);
	else
		printf("unreachable%c%c%s%c", 0, 0, answer.reason, 0);
	return fflush(stdout) == 0 ? 0 : 1;
}
