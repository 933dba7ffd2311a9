/*
 * token_request.h
 *	  One request to a token endpoint.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TOKEN_REQUEST_H
#define WAZO_AUTH_TOKEN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* zero-terminated strings in this order; the optional ones are empty when they are not there */
typedef struct TokenRequest
{
	const char *url;
	const char *ca_file;		/* certificates of the authorities to trust */
	const char *private_addresses;	/* not empty: the endpoint may be at one */
	const char *limit_ms;		/* of all */
	const char *client_id;		/* these authenticate the request; optional */
	const char *client_secret;
	const char *form;			/* its body */
} TokenRequest;

/* an answer that is longer is none */
#define ANSWER_BODY_MAX (64 * 1024)

typedef struct TokenAnswer
{
	bool		answered;
	long		status;
	char		reason[512];	/* why there is no answer */
	size_t		len;
	char		body[ANSWER_BODY_MAX + 1];
} TokenAnswer;

extern void token_request_run(const TokenRequest *request, TokenAnswer *answer);

#endif							/* WAZO_AUTH_TOKEN_REQUEST_H */
