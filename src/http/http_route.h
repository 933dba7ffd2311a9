/*
 * http_route.h
 *	  The table wazo_auth.route, compiled per backend.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_ROUTE_H
#define WAZO_AUTH_HTTP_ROUTE_H

#include "postgres.h"

#include "fmgr.h"

#include "plain/http_target.h"

struct HttpCall;

/* What stands before a handler; the words are in http_route.c. */
typedef enum RouteCheck
{
	ROUTE_CHECK_TENANT,			/* the scoping tenant */
	ROUTE_CHECK_TOP_TENANT,		/* the caller is of the top tenant */
	ROUTE_CHECK_USER,			/* what the path names is in sight: */
	ROUTE_CHECK_GROUP,
	ROUTE_CHECK_EMAIL,
	ROUTE_CHECK_POLICY,
	ROUTE_CHECK_TARGET_TENANT,
	ROUTE_CHECK_PARENT_TENANT,
	ROUTE_CHECK_IDP,			/* {idp_type} is an authentication method */
	ROUTE_CHECK_METHOD,			/* so is the body's authentication_method */
	ROUTE_CHECK_MAY_ADD,		/* the caller holds what it gives */
	ROUTE_CHECK_MAY_REMOVE,		/* or takes */
	ROUTE_CHECK_QUERY,
	ROUTE_CHECK_BODY,
	ROUTE_CHECK_JSON
} RouteCheck;

#define ROUTE_MAX_CHECKS	8

typedef struct Route
{
	const char *method;
	const char *path;			/* template */
	const char *access;			/* template, or NULL */
	bool		token_in_query; /* ?token= before the headers */
	int			nchecks;
	RouteCheck	check[ROUTE_MAX_CHECKS];	/* in their order */
	const char *query_schema;	/* or NULL */
	const char *body_schema;	/* or NULL */
	int			nparams;
	const char *param[HTTP_MAX_SEGMENTS];	/* names in the path template */
	const char *handler;		/* for messages */
	bool		has_function;
	bool		direct;			/* a C function of the token path, see http.c */
	FmgrInfo	function;
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
