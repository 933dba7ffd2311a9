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
#include <stdio.h>
#include <string.h>

#include "oauth2/program/token_request.h"
#include "plain/job_strings.h"
#include "plain/process_limits.h"

#define JOB_MAX_BYTES	(256 * 1024)

/* What a hostile endpoint can take. */
static const ProcessLimits limits = {.memory = 512 * 1024 * 1024, .cpu_seconds = 5};

static char job_room[JOB_MAX_BYTES];
static TokenAnswer answer;

int
main(void)
{
	static TokenRequest request;
	const char **members[] = {
		&request.url, &request.ca_file, &request.private_addresses, &request.limit_ms, &request.client_id,
		&request.client_secret, &request.form,
	};

	if (!process_limits_set(&limits))
		return EXIT_NOT_LIMITED;
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
