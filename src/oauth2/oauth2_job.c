/*
 * oauth2_job.c
 *	  Jobs and answers of the program that asks token endpoints.
 *
 * The program (oauth2/program) speaks TLS and HTTP with strangers; what comes
 * here is a status and a text, of which is made sure that it is UTF-8.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/guc.h"

#include "oauth2/oauth2_job.h"
#include "plain/log_text.h"

#define REASON_MAX_BYTES	512

char	   *oauth2_ca_file;
int			oauth2_timeout = 10000;
bool		oauth2_private_addresses = false;

/* As the program reads it (oauth2/program/token_request.h); the caller wipes it, since secrets are in it. */
void
oauth2_write_job(StringInfo job, const OAuth2Request *request)
{
	char		limit[16];
	const char *member[] = {
		request->url, oauth2_ca_file, oauth2_private_addresses ? "yes" : "", limit, request->client_id,
		request->client_secret, request->form
	};
	size_t		size = 1;

	snprintf(limit, sizeof(limit), "%d", oauth2_timeout);
	for (int i = 0; i < lengthof(member); i++)
		size += (member[i] ? strlen(member[i]) : 0) + 1;
	/* never moved, so that no copy of a secret stays behind */
	enlargeStringInfo(job, size);
	for (int i = 0; i < lengthof(member); i++)
		appendBinaryStringInfo(job, member[i] ? member[i] : "", (member[i] ? strlen(member[i]) : 0) + 1);
}

/* That there is no answer, and why, as one line that can be logged. */
void
oauth2_no_answer(OAuth2Answer *answer, const char *why)
{
	char	   *line = palloc(REASON_MAX_BYTES);

	(void) log_text(line, REASON_MAX_BYTES, why, strlen(why), LOG_PLAIN);
	answer->answered = false;
	answer->status = 0;
	answer->body = line;
}

/* The strings of the program's output; false when it has other ones. */
static bool
read_strings(const char *output, Size len, const char *string[], int n)
{
	const char *end = output + len;

	for (int i = 0; i < n; i++)
	{
		const char *zero = memchr(output, '\0', end - output);

		if (zero == NULL)
			return false;
		string[i] = output;
		output = zero + 1;
	}
	return output == end;
}

/*
 * What the program's output says, which must live as long as the answer.
 * Reasons are one line that can be logged.
 */
void
oauth2_read_answer(HelperEnd end, const char *output, Size len, OAuth2Answer *answer)
{
	const char *string[3];

	if (end == HELPER_LATE)
		oauth2_no_answer(answer, "it took longer than wazo_auth.oauth2_timeout");
	else if (end != HELPER_DONE || !read_strings(output, len, string, lengthof(string)))
		oauth2_no_answer(answer, "the program " OAUTH2_PROGRAM " failed");
	else if (strcmp(string[0], "answered") != 0)
		oauth2_no_answer(answer, string[2]);
	else if (!pg_verify_mbstr(PG_UTF8, string[2], strlen(string[2]), true))
		oauth2_no_answer(answer, "the answer is not UTF-8");
	else
	{
		answer->answered = true;
		answer->status = atoi(string[1]);
		answer->body = string[2];
	}
}

/* Defines the settings; called from _PG_init. */
void
oauth2_job_init(void)
{
	DefineCustomStringVariable("wazo_auth.oauth2_ca_file",
							   "Certificates of the authorities whose providers and relays of OAuth2 are trusted (PEM).",
							   NULL,
							   &oauth2_ca_file,
							   "/etc/ssl/certs/ca-certificates.crt", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.oauth2_timeout",
							"Longest time that a request to a provider of OAuth2 takes.",
							"After it the request of the user fails with SQLSTATE WA503 (HTTP 503).",
							&oauth2_timeout,
							10000, 100, 60000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomBoolVariable("wazo_auth.oauth2_private_addresses",
							 "May providers and relays of OAuth2 be at private addresses?",
							 "For endpoints inside of one's own network; otherwise a name that leads there is refused.",
							 &oauth2_private_addresses,
							 false, PGC_SIGHUP, 0, NULL, NULL, NULL);
}
