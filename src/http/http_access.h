/*
 * http_access.h
 *	  What stands before a handler: token, access and tenant.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_ACCESS_H
#define WAZO_AUTH_HTTP_ACCESS_H

#include "http/http_call.h"

/* What becomes of a caller's token. */
typedef enum HttpAccess
{
	HTTP_GRANTED,
	HTTP_NO_SESSION,
	HTTP_DENIED
} HttpAccess;

extern HttpAccess http_find_access(HttpCall *call);
extern bool http_find_tenant(HttpCall *call, HttpSpan *asked);
extern void http_check_access(HttpCall *call);
extern void http_check_tenant(HttpCall *call);
extern void http_check_top_tenant(HttpCall *call);

#endif							/* WAZO_AUTH_HTTP_ACCESS_H */
