/*
 * route.h: the little that the front knows about routes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_ROUTE_H
#define WAZO_AUTH_FRONT_ROUTE_H

#include "request.h"

typedef enum RouteClass
{
	ROUTE_FAST,					/* small, and quick whatever the caller sends */
	ROUTE_LOGIN,				/* costs a password hash or a mail, and anybody may ask for it */
	ROUTE_OTHER
} RouteClass;

extern RouteClass route_class(const Request *req, const char *buf);
extern bool route_is_repeatable(const Request *req, const char *buf);

#endif
