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

#include "http_target.h"

struct HttpCall;

#define ROUTE_CHECK_TENANT	0x01
#define ROUTE_CHECK_USER	0x02
#define ROUTE_CHECK_QUERY	0x04
#define ROUTE_CHECK_BODY	0x08
#define ROUTE_CHECK_JSON	0x10

#define ROUTE_MAX_CHECKS	8

typedef struct Route
{
	const char *method;
	const char *path;			/* template */
	const char *access;			/* template, or NULL */
	bool		token_in_query; /* ?token= before the headers */
	int			nchecks;
	int			check[ROUTE_MAX_CHECKS];	/* ROUTE_CHECK_..., in their order */
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
