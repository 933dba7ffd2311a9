/*
 * route.h: the little that the front knows about routes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_ROUTE_H
#define WAZO_AUTH_FRONT_ROUTE_H

#include <string.h>

#include "request.h"

typedef enum RouteClass
{
	ROUTE_FAST,					/* small, and quick whatever the caller sends */
	ROUTE_OFTEN_FAST,			/* quick for most callers, and the database says for which it is not */
	ROUTE_LOGIN,				/* costs a password hash or a mail, and anybody may ask for it */
	ROUTE_OTHER
} RouteClass;

/* Header by which wazo_auth.http() is asked for the route, and the one by which it tells. */
#define ROUTE_ASK "Wazo-Auth-Tell-Route"
#define ROUTE_TELL "Wazo-Auth-Route"

/* Header by which it is asked only as long as the answer is quick to make; 421 if it is not. */
#define ROUTE_QUICK_ONLY "Wazo-Auth-Quick-Only"

/* The template of a route, as "/users/{user_uuid}", without an end; NULL and 0 for none. */
typedef struct RouteName
{
	const char *s;
	size_t		len;
} RouteName;

extern RouteClass route_class(const Request *req, const char *buf);
extern bool route_is_repeatable(const Request *req, const char *buf);
extern RouteName route_name(const Request *req, const char *buf, RouteName told);

/* Whether it is this one. */
static inline bool
route_name_is(RouteName name, const char *text)
{
	return name.len == strlen(text) && memcmp(name.s, text, name.len) == 0;
}

#endif
