/*
 * oauth2_job.h
 *	  Jobs and answers of the program that asks token endpoints.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_OAUTH2_JOB_H
#define WAZO_AUTH_OAUTH2_JOB_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/helper_process.h"

#define OAUTH2_PROGRAM			"wazo-auth-oauth2"
#define OAUTH2_ANSWER_MAX		(80 * 1024)

/* strings may be NULL for none */
typedef struct OAuth2Request
{
	const char *url;
	const char *client_id;
	const char *client_secret;
	const char *form;
} OAuth2Request;

typedef struct OAuth2Answer
{
	bool		answered;
	int			status;
	const char *body;			/* what the endpoint sent; or why there is no answer */
} OAuth2Answer;

extern char *oauth2_ca_file;
extern int	oauth2_timeout;
extern bool oauth2_private_addresses;

extern void oauth2_write_job(StringInfo job, const OAuth2Request *request);
extern void oauth2_no_answer(OAuth2Answer *answer, const char *why);
extern void oauth2_read_answer(HelperEnd end, const char *output, Size len, OAuth2Answer *answer);
extern void oauth2_job_init(void);

#endif							/* WAZO_AUTH_OAUTH2_JOB_H */
