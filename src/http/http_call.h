/*
 * http_call.h
 *	  One request on its way through wazo_auth.http().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_CALL_H
#define WAZO_AUTH_HTTP_CALL_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"

#include "http/http_reply.h"
#include "http/http_route.h"
#include "plain/http_target.h"
#include "sessions/token.h"

/*
 * The header that says in an answer which transaction wrote, and in a request
 * which one the answer is to know of.
 */
#define HTTP_TRANSACTION	"Wazo-Auth-Transaction"

typedef struct HttpCall
{
	const char *method;
	const text *target_text;
	ArrayType  *headers;		/* this or what follows is set; http_headers() and http_header() make the other */
	Datum	   *header;			/* name, value, name, value */
	int			nheader;
	const bytea *body;			/* NULL: none */
	const text *peer;			/* NULL: none */

	bool		alone;			/* the only request of its statement */
	const Route *route;

	/* Filled by http_access.c where the route asks for a token */
	const char *token;			/* as sent, "" for none */
	const char *access;			/* required access, parameters filled in */
	bool		has_session;
	Session		session;
	bool		has_caller_tenant;
	pg_uuid_t	caller_tenant;	/* of the token's owner, as of now */
	bool		has_tenant;
	pg_uuid_t	tenant;			/* the scoping tenant */
	Jsonb	   *query;			/* after validation; NULL: not yet, or none */
	Jsonb	   *json;			/* the body, likewise */
	Jsonb	   *params;			/* of the path, and what checks found; NULL: not yet */
	Datum		row;			/* the wazo_auth.http_request of all this; 0: not yet */

	bool		audited;		/* it has left a row in the audit log */
	HttpReply	reply;

	/* Large, and not zero at first: filled by who finds the route */
	HttpTarget	target;
	HttpSpan	param[HTTP_MAX_SEGMENTS];	/* in the order of route->param */
} HttpCall;

/* The request whose checks or handler run, for errors that show its token; NULL: none */
extern HttpCall *http_current_call;

/* A request with this header gets the other one in its answer, with the template of its route: for metrics. */
#define HTTP_TELL_ROUTE "Wazo-Auth-Tell-Route"
#define HTTP_ROUTE "Wazo-Auth-Route"

/* A request with this header is answered with 421 when the answer is not quick to make: for lanes. */
#define HTTP_QUICK_ONLY "Wazo-Auth-Quick-Only"

extern HttpCall *http_call_new(void);
extern ArrayType *http_headers(HttpCall *call);
extern void http_push_text(JsonbParseState **state, JsonbIteratorToken token, HttpSpan text);
extern bool http_header(HttpCall *call, const char *name, HttpSpan *value);
extern HttpSpan http_path_param(const HttpCall *call, const char *name, size_t len);

#endif							/* WAZO_AUTH_HTTP_CALL_H */
