/*
 * http.h
 *	  One request on its way through wazo_auth.http().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_H
#define WAZO_AUTH_HTTP_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "http/http_route.h"
#include "plain/http_target.h"
#include "sessions/token.h"

#define HTTP_MAX_METHOD		16
#define HTTP_MAX_BODY		(1024 * 1024)
#define HTTP_MAX_HEADERS	200		/* names and values */

#define HTTP_JSON			"application/json"

/* The answer, while it is being made. */
typedef struct HttpReply
{
	int			status;
	const char *content_type;	/* NULL: none, or among the headers */
	StringInfoData body;
	Datum	   *headers;		/* further ones: text, name and value in turn */
	int			nheaders;
} HttpReply;

typedef struct HttpCall
{
	const char *method;
	const text *target_text;
	HttpTarget	target;
	ArrayType  *headers;
	Datum	   *header;			/* taken apart when first asked for */
	int			nheader;
	const bytea *body;			/* NULL: none */
	const text *peer;			/* NULL: none */

	const Route *route;
	HttpSpan	param[HTTP_MAX_SEGMENTS];	/* in the order of route->param */

	/* Filled by http_access.c where the route asks for a token */
	const char *token;			/* as sent, "" for none */
	const char *access;			/* required access, parameters filled in */
	bool		has_session;
	Session		session;
	bool		has_caller_tenant;
	pg_uuid_t	caller_tenant;	/* of the token's owner, as of now */
	bool		has_tenant;
	pg_uuid_t	tenant;			/* the scoping tenant */
	bool		has_policy;
	pg_uuid_t	policy;			/* that the path names, by uuid or slug */
	pg_uuid_t	group;			/* that the path names, after its check */
	Jsonb	   *query;		/* after validation; NULL: not yet, or none */
	Jsonb	   *json;			/* the body, likewise */

	HttpReply	reply;
} HttpCall;

/* http.c */
extern bool http_header(HttpCall *call, const char *name, HttpSpan *value);
extern void http_reply_header(HttpReply *reply, const char *name, const char *value);

/* http_access.c */
extern void http_check_access(HttpCall *call);
extern void http_check_tenant(HttpCall *call);
extern void http_check_top_tenant(HttpCall *call);
extern void http_check_method(HttpCall *call);
extern void http_check_target(HttpCall *call, RouteCheck check);
extern void http_refuse_grant(const HttpCall *call, const char *access, size_t len) pg_attribute_noreturn();
extern HttpSpan http_path_param(const HttpCall *call, const char *name);

/* http_grant.c */
extern void http_check_grant(HttpCall *call, bool removing);

/* http_request.c */
extern void http_run_handler(HttpCall *call);

#endif							/* WAZO_AUTH_HTTP_H */
