/*
 * form_body.h
 *	  Reads the bodies of HTML forms, urlencoded and multipart.  Free of
 *	  PostgreSQL, so that it is tested under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FORM_BODY_H
#define WAZO_AUTH_FORM_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "plain/http_target.h"

#define FORM_MAX_FIELDS		32
#define FORM_MAX_BOUNDARY	70	/* RFC 2046 */
#define FORM_MAX_PART_HEAD	2048	/* bytes of the headers of one part */

typedef enum FormKind
{
	FORM_NONE,					/* the Content-Type is of something else */
	FORM_URLENCODED,
	FORM_MULTIPART
} FormKind;

typedef struct FormBody
{
	int			nfields;
	HttpSpan	name[FORM_MAX_FIELDS];
	HttpSpan	value[FORM_MAX_FIELDS];
} FormBody;

extern FormKind form_kind(const char *type, size_t len, HttpSpan *boundary);
extern bool form_urlencoded(const char *body, size_t len, char *buf, FormBody *out);
extern bool form_multipart(const char *body, size_t len, HttpSpan boundary, FormBody *out);

#endif							/* WAZO_AUTH_FORM_BODY_H */
