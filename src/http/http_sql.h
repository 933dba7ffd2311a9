/*
 * http_sql.h
 *	  Questions that the checks of a request put to SQL.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_SQL_H
#define WAZO_AUTH_HTTP_SQL_H

#include "postgres.h"

#include "executor/spi.h"

/* With their parameters; the texts are in http_sql.c. */
typedef enum HttpSql
{
	HTTP_SQL_POLICY_OF_SLUG,	/* tenant uuid, slug text: uuid */
	HTTP_SQL_IS_METHOD,			/* name text: boolean */
	HTTP_SQL_CHECK_METHOD,		/* name text, -: raises WA400 */
	HTTP_SQL_ACL_GIVEN,			/* policy uuid, -: text, a row each */
	HTTP_SQL_ACL_TAKEN,			/* policy uuid, jsonb that stays: text, a row each */
	HTTP_SQL_GROUP_ACL,			/* group uuid, -: text, a row each */
	HTTP_SQL_COUNT
} HttpSql;

extern void http_query(HttpSql which, Datum arg1, Datum arg2);
extern Datum http_query_value(HttpSql which, Datum arg1, Datum arg2, bool *isnull);

#endif							/* WAZO_AUTH_HTTP_SQL_H */
