/*
 * http_reply.h
 *	  The answer to a request, while it is being made.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_REPLY_H
#define WAZO_AUTH_HTTP_REPLY_H

#include "postgres.h"

#include "lib/stringinfo.h"

#define HTTP_JSON			"application/json"

typedef struct HttpReply
{
	int			status;
	const char *content_type;	/* NULL: none, or among the headers */
	StringInfoData body;
	Datum	   *headers;		/* further ones: text, name and value in turn */
	int			nheaders;
} HttpReply;

extern void http_reply_start(HttpReply *reply, int status);
extern void http_reply_header(HttpReply *reply, const char *name, const char *value);
extern void http_reply_timestamp(HttpReply *reply);
extern void http_plain_reply(HttpReply *reply, int status, const char *message);
extern void http_token_reply(HttpReply *reply, int status, const char *message);

#endif							/* WAZO_AUTH_HTTP_REPLY_H */
