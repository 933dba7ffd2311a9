/*
 * cached_query.h
 *	  Runs queries whose text is put together at run time, planned once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_CACHED_QUERY_H
#define WAZO_AUTH_CACHED_QUERY_H

#include "postgres.h"

#include "utils/snapshot.h"

extern Datum cached_query_value(const char *sql, Datum args, Oid type, Snapshot snapshot, bool *isnull);

#endif							/* WAZO_AUTH_CACHED_QUERY_H */
