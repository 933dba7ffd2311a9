/*
 * cached_count.c
 *	  Counts of lists, kept while nothing is added or taken away.
 *
 * Every page of a list tells how many rows there are in all, and counting ten
 * thousand costs more than the page.  A backend keeps the count until a
 * trigger of the counted table says that its rows came or went.
 *
 * The trigger invalidates the relation cache entry of a table that exists for
 * nothing else.  Other backends hear of it after the change has become visible
 * and before the client is told of its commit, so whoever knows of a change
 * sees it counted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/cached_query.h"
#include "base/catalog.h"

PG_FUNCTION_INFO_V1(wazo_auth_cached_count);
PG_FUNCTION_INFO_V1(wazo_auth_forget_counts);

/* Places are found by hash; another count may take the place. */
#define COUNT_PLACES	1024

typedef struct CachedCount
{
	uint64		query;			/* hash of the text */
	pg_uuid_t	key;
	TableWatch	watch;
	int64		count;
} CachedCount;

static CachedCount places[COUNT_PLACES];

static int64
count_now(const char *sql, Datum args, Snapshot snapshot)
{
	bool		isnull;
	Datum		count = cached_query_value(sql, args, INT8OID, snapshot, &isnull);

	if (isnull)
		elog(ERROR, "a count must not be null");
	return DatumGetInt64(count);
}

/*
 * wazo_auth.cached_count(sql text, args jsonb, key uuid) returns bigint
 *
 * The bigint that a query counts, with args as $1.  The text and the key stand
 * for the result: of args only what the key says may have a part in it, and
 * all counted tables must have the trigger forget_counts.  Raises 22023 for a
 * text that is no such query.
 */
Datum
wazo_auth_cached_count(PG_FUNCTION_ARGS)
{
	text	   *sql_text = PG_GETARG_TEXT_PP(0);
	Datum		args = PG_GETARG_DATUM(1);
	pg_uuid_t  *key = PG_GETARG_UUID_P(2);
	uint64		query = DatumGetUInt64(hash_any_extended((unsigned char *) VARDATA_ANY(sql_text),
														 VARSIZE_ANY_EXHDR(sql_text), 0));
	CachedCount *place = &places[DatumGetUInt64(hash_any_extended(key->data, UUID_LEN, query)) % COUNT_PLACES];
	TableWatch	watch;
	int64		count;

	/* A transaction that looks at an old snapshot counts what it sees there. */
	if (IsolationUsesXactSnapshot())
		PG_RETURN_INT64(count_now(text_to_cstring(sql_text), args, NULL));

	/* Inside a transaction nothing else listens between two statements. */
	AcceptInvalidationMessages();
	if (place->query == query && memcmp(&place->key, key, UUID_LEN) == 0 &&
		table_watch_unchanged(&place->watch))
		PG_RETURN_INT64(place->count);
	watch = catalog_watch(TABLE_BIT(T_COUNTED));
	count = count_now(text_to_cstring(sql_text), args, GetLatestSnapshot());
	*place = (CachedCount) {.query = query, .key = *key, .watch = watch, .count = count};
	PG_RETURN_INT64(count);
}

/*
 * wazo_auth.forget_counts() returns trigger
 *
 * Statement trigger on tables that are counted: makes all backends count anew.
 */
Datum
wazo_auth_forget_counts(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wazo_auth.forget_counts() can only be called as a trigger")));
	CacheInvalidateRelcacheByRelid(catalog_table(T_COUNTED));
	return PointerGetDatum(NULL);
}
