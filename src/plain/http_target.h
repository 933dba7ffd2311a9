/*
 * http_target.h
 *	  Splits a request target into decoded path segments and query parameters.
 *	  Free of PostgreSQL, so that it is tested under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_TARGET_H
#define WAZO_AUTH_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_TARGET		8192
#define HTTP_MAX_SEGMENTS	24
#define HTTP_MAX_QUERY		64

/* Bytes that a target's parts take when decoded: once as sent, once with what
 * is no UTF-8 replaced */
#define HTTP_TARGET_ROOM(len)	(4 * (len) + 1)

typedef struct HttpSpan
{
	const char *s;
	size_t		len;
} HttpSpan;

typedef struct HttpTarget
{
	int			nsegments;
	HttpSpan	segment[HTTP_MAX_SEGMENTS];
	int			nquery;
	HttpSpan	name[HTTP_MAX_QUERY];
	HttpSpan	value[HTTP_MAX_QUERY];
} HttpTarget;

typedef enum HttpTargetResult
{
	HTTP_TARGET_OK,
	HTTP_TARGET_NO_PATH,		/* can match no route: 404 */
	HTTP_TARGET_LONG_QUERY,		/* path is good, too many parameters: 400 */
	HTTP_TARGET_NUL_QUERY		/* likewise, a null character in one: 400 */
} HttpTargetResult;

extern HttpTargetResult http_target_parse(const char *target, size_t len, char *buf, HttpTarget *out);
extern bool http_query_find(const HttpTarget *target, const char *name, HttpSpan *value);
extern bool http_basic_credentials(const char *header, size_t len, char *buf,
								   HttpSpan *login, HttpSpan *password, bool *malformed);

#endif							/* WAZO_AUTH_HTTP_TARGET_H */
