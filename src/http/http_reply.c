/*
 * http_reply.c
 *	  The answer to a request, while it is being made.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/json_text.h"
#include "http/http_reply.h"

/* Adds a header to the answer. */
void
http_reply_header(HttpReply *reply, const char *name, const char *value)
{
	if (reply->nheaders == 0)
		reply->headers = palloc(sizeof(Datum) * 2);
	else
		reply->headers = repalloc(reply->headers, sizeof(Datum) * (reply->nheaders + 2));
	reply->headers[reply->nheaders++] = CStringGetTextDatum(name);
	reply->headers[reply->nheaders++] = CStringGetTextDatum(value);
}

/* Appends the time, in seconds since 1970, to the body. */
void
http_reply_timestamp(HttpReply *reply)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		epoch_us = now + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	appendStringInfo(&reply->body, INT64_FORMAT ".%06d", epoch_us / USECS_PER_SEC, (int) (epoch_us % USECS_PER_SEC));
}

/* Begins a JSON answer anew, without a body. */
void
http_reply_start(HttpReply *reply, int status)
{
	reply->status = status;
	reply->content_type = HTTP_JSON;
	reply->nheaders = 0;
	if (reply->body.data == NULL)
		initStringInfo(&reply->body);
	resetStringInfo(&reply->body);
	if (status == 503)
		http_reply_header(reply, "Retry-After", "1");
}

/* {"message": "..."} */
void
http_plain_reply(HttpReply *reply, int status, const char *message)
{
	http_reply_start(reply, status);
	appendStringInfoString(&reply->body, "{\"message\": ");
	json_append_string(&reply->body, message, strlen(message));
	appendStringInfoString(&reply->body, "}\n");
}

/* {"reason": ["..."], "timestamp": [...], "status_code": ...} */
void
http_token_reply(HttpReply *reply, int status, const char *message)
{
	http_reply_start(reply, status);
	appendStringInfoString(&reply->body, "{\"reason\": [");
	json_append_string(&reply->body, message, strlen(message));
	appendStringInfoString(&reply->body, "], \"timestamp\": [");
	http_reply_timestamp(reply);
	appendStringInfo(&reply->body, "], \"status_code\": %d}\n", status);
}
