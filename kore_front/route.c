/*
 * route.c: the little that the front knows about routes: which requests are small and quick, which are logins, and
 * which may be done twice. A request taken for another class than it is gets the same answer, over another lane.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "route.h"

#include <string.h>

#define FAST_BODY 4096			/* bytes; a longer scope check is not quick */

typedef struct Route
{
	const char *method;
	const char *path;			/* '*': a segment of any text that is not empty */
	RouteClass	class;
	const char *header;			/* of this class only with it; NULL: always */
	const char *name;			/* the database's template, for metrics */
} Route;

static const Route routes[] = {
	{"HEAD", "/0.1/token/*", ROUTE_FAST, NULL, "/token/{token_uuid}"},
	{"GET", "/0.1/token/*", ROUTE_FAST, NULL, "/token/{token_uuid}"},
	/* with a filter it is a search */
	{"GET", "/0.1/tenants", ROUTE_OFTEN_FAST, NULL, "/tenants"},
	{"POST", "/0.1/token/*/scopes/check", ROUTE_FAST, NULL, "/token/{token_uuid}/scopes/check"},
	/* without it no password is tried: a refresh token, or another server's word, costs no hash */
	{"POST", "/0.1/token", ROUTE_LOGIN, "Authorization", "/token"},
	{"PUT", "/0.1/users/*/password", ROUTE_LOGIN, NULL, "/users/{user_uuid}/password"},
	{"GET", "/0.1/users/password/reset", ROUTE_LOGIN, NULL, "/users/password/reset"},
	{"POST", "/0.1/users/password/reset", ROUTE_LOGIN, NULL, "/users/password/reset"},
	{"POST", "/0.1/users/register", ROUTE_LOGIN, NULL, "/users/register"}
};

static bool
path_matches(const char *pattern, const char *path, const char *end)
{
	for (; *pattern != '\0'; pattern++)
	{
		if (*pattern == '*')
		{
			const char *start = path;

			while (path < end && *path != '/')
				path++;
			if (path == start)
				return false;
		}
		else if (path == end || *path++ != *pattern)
			return false;
	}
	return path == end;
}

/* The route of the table that a request asks for, NULL for none. */
static const Route *
find_route(const Request *req, const char *buf)
{
	const char *path = buf + req->target;
	const char *query = memchr(path, '?', req->target_len);
	const char *end = query != NULL ? query : path + req->target_len;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (request_method_is(req, buf, routes[i].method) && path_matches(routes[i].path, path, end))
			return &routes[i];
	return NULL;
}

/* Whether it only reads. */
static bool
is_fast(const Route *route)
{
	return route->class == ROUTE_FAST || route->class == ROUTE_OFTEN_FAST;
}

/* Which kind of work a request is. */
RouteClass
route_class(const Request *req, const char *buf)
{
	const Route *route = find_route(req, buf);

	if (route == NULL || (is_fast(route) && req->body_len > FAST_BODY) ||
		(route->class == ROUTE_OFTEN_FAST && memchr(buf + req->target, '?', req->target_len) != NULL) ||
		(route->header != NULL && request_header(req, buf, route->header) == NULL))
		return ROUTE_OTHER;
	return route->class;
}

/*
 * Whether a request may be sent to the database a second time when the connection broke: what only reads. A GET that
 * sends a mail does not; a scope check does, however long.
 */
bool
route_is_repeatable(const Request *req, const char *buf)
{
	const Route *route = find_route(req, buf);

	if (route != NULL)
		return is_fast(route);
	return req->is_head || request_method_is(req, buf, "GET");
}

/*
 * What a request counts as. told: the template that the database has answered with; where it has not, that of the table
 * above, if the request is in it.
 */
RouteName
route_name(const Request *req, const char *buf, RouteName told)
{
	const Route *route;

	if (told.len > 4 && memcmp(told.s, "/0.1", 4) == 0)
		return (RouteName) {told.s + 4, told.len - 4};
	if (told.len > 0 || req == NULL || req->method_len == 0)
		return told;
	route = find_route(req, buf);
	return route != NULL ? (RouteName) {route->name, strlen(route->name)} : told;
}
