/*
 * error.h
 *	  Errors of class WA: SQLSTATE WAnnn means the HTTP status nnn.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_ERROR_H
#define WAZO_AUTH_ERROR_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/compat.h"

/* DETAIL of an error whose answer is {"message": ...} and nothing more */
#define DETAIL_PLAIN	"{\"plain\": true}"

pg_noreturn extern void raise_status(int status, const char *message, const char *detail);
pg_noreturn extern void raise_status_hint(int status, const char *message, const char *hint);
extern const char *error_detail(const char *error_id, const char *details, const char *resource, const char *answer);
extern void details_begin(StringInfo details);
extern void details_text(StringInfo details, const char *name, const char *value, size_t len);
extern void details_null(StringInfo details, const char *name);
extern const char *details_end(StringInfo details);
extern int	status_of_sqlstate(int sqlstate);

#endif							/* WAZO_AUTH_ERROR_H */
