/*
 * http_route.h
 *	  The table wazo_auth.route and registered routes, compiled per backend.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_ROUTE_H
#define WAZO_AUTH_HTTP_ROUTE_H

#include "postgres.h"

#include "fmgr.h"

#include "plain/http_target.h"

/* What stands before a handler: a row of wazo_auth.check or a registration each */
typedef enum RouteCheckKind
{
	ROUTE_CHECK_TENANT,			/* http() itself: the scoping tenant */
	ROUTE_CHECK_TOP_TENANT,		/* the caller is of the top tenant */
	ROUTE_CHECK_QUERY,			/* validation */
	ROUTE_CHECK_BODY,
	ROUTE_CHECK_FORM,
	ROUTE_CHECK_JSON,
	ROUTE_CHECK_FUNCTION,		/* a function of the check's domain */
	ROUTE_CHECK_REGISTERED		/* one that others have registered */
} RouteCheckKind;

typedef struct RouteCheck
{
	RouteCheckKind kind;
	FmgrInfo	function;		/* of ROUTE_CHECK_FUNCTION */
	bool		finds;			/* it returns further path parameters */
	const char *registration;	/* name of that, or NULL */
} RouteCheck;

typedef struct Route
{
	const char *method;
	const char *path;			/* template */
	const char *access;			/* template, or NULL */
	bool		token_in_query; /* ?token= before the headers */
	int			nchecks;
	RouteCheck *check;			/* in their order */
	const char *query_schema;	/* or NULL */
	const char *body_schema;	/* or NULL */
	int			nparams;
	const char *param[HTTP_MAX_SEGMENTS];	/* names in the path template */
	const char *handler;		/* for messages */
	const char *registration;	/* its name where others have registered the route, or NULL */
	bool		has_function;
	bool		direct;			/* a C function of the token path, see http.c */
	FmgrInfo	function;
	bool		has_quick;
	FmgrInfo	quick;			/* answers the simplest requests without the checks and the handler */
	bool		has_after;
	FmgrInfo	after;			/* what is called once the answer is known; of a row of wazo_auth.after_route */
	Datum	   *after_status;	/* after these alone, integers; NULL: after any */
	int			nafter_status;
	bool		has_audit;
	FmgrInfo	audit;			/* wazo_auth.audit_request(), of a route that may change something */
} Route;

/* Why there is no route */
typedef enum RouteResult
{
	ROUTE_FOUND,
	ROUTE_NO_PATH,
	ROUTE_NO_METHOD
} RouteResult;

extern void route_init(void);
extern RouteResult route_find(const char *method, const HttpTarget *target,
							  const Route **route, HttpSpan *param, const char **allow);

#endif							/* WAZO_AUTH_HTTP_ROUTE_H */
