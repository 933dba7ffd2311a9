/*
 * cached_query.c
 *	  Runs queries whose text is put together at run time, planned once.
 *
 * A list query holds only the filters that a request has, so that each of its
 * shapes has a plan of its own; EXECUTE of PL/pgSQL would plan it anew for
 * every request, which costs more than a page does.  Plans are kept per
 * backend, by their text; the server's plan cache makes them anew when a table
 * or its statistics change.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/cached_query.h"

PG_FUNCTION_INFO_V1(wazo_auth_cached_query);

/* Shapes differ by filters, sort and direction; few of them are in use. */
#define MAX_PLANS		128
#define MAX_QUERY_BYTES	(64 * 1024)

typedef struct CachedQuery
{
	uint64		hash;
	char	   *sql;			/* NULL: the place is free */
	SPIPlanPtr	plan;
	uint64		last_use;
	int			running;		/* a plan in use must not be freed */
	bool		planned;		/* has been run */
} CachedQuery;

static CachedQuery cache[MAX_PLANS];
static uint64 use_counter = 0;

/* A place for a new plan: a free one, else that of the plan longest unused. */
static CachedQuery *
make_place(void)
{
	CachedQuery *oldest = NULL;

	for (int i = 0; i < MAX_PLANS; i++)
	{
		if (cache[i].sql == NULL)
			return &cache[i];
		if (cache[i].running == 0 && (oldest == NULL || cache[i].last_use < oldest->last_use))
			oldest = &cache[i];
	}
	if (oldest == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many nested list queries")));
	SPI_freeplan(oldest->plan);
	pfree(oldest->sql);
	oldest->sql = NULL;
	return oldest;
}

static CachedQuery *
find_or_prepare(const char *sql, int len)
{
	Oid			argtype = JSONBOID;
	uint64		hash = DatumGetUInt64(hash_any_extended((const unsigned char *) sql, len, 0));
	CachedQuery *entry;
	SPIPlanPtr	plan;
	char	   *copy;

	if (len > MAX_QUERY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a query of %d bytes is too long", len)));
	for (int i = 0; i < MAX_PLANS; i++)
		if (cache[i].sql && cache[i].hash == hash && strcmp(cache[i].sql, sql) == 0)
			return &cache[i];

	/*
	 * A plan for all values: with a LIMIT that is a parameter, plans for the values at hand look cheaper for ever and
	 * would be made for each request.
	 */
	plan = SPI_prepare_cursor(sql, 1, &argtype, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	if (!SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query must return rows")));
	copy = MemoryContextStrdup(TopMemoryContext, sql);
	entry = make_place();
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	entry->hash = hash;
	entry->plan = plan;
	entry->running = 0;
	entry->planned = false;
	entry->sql = copy;
	return entry;
}

/*
 * Lists are made to be read through their indexes, and a page must cost the
 * same when the table is small, when it has just been loaded and when its
 * statistics are odd.  Only while a plan is made; ends with the nest level
 * that is returned.
 */
static int
prefer_indexes(void)
{
	static const char *const setting[][2] = {
		{"enable_seqscan", "off"},
		{"random_page_cost", "1.1"},
		{"jit", "off"},
	};
	int			nest_level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(setting); i++)
		(void) set_config_option(setting[i][0], setting[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/*
 * cached_query_run
 *
 * Runs a SELECT of one value of a type, whose $1 is args (jsonb), read only and
 * with the rights of the caller.  The caller has connected to SPI, where the
 * value lives.  Null for no row.  Raises 22023 for a text that is no such
 * query and 54000 for one over 64 KiB.
 */
static Datum
cached_query_run(const char *sql, Datum args, Oid type, bool *isnull)
{
	CachedQuery *entry = find_or_prepare(sql, strlen(sql));
	int			nest_level = 0;
	volatile int rc = 0;

	if (!entry->planned || !SPI_plan_is_valid(entry->plan))
		nest_level = prefer_indexes();
	entry->last_use = ++use_counter;
	entry->running++;
	PG_TRY();
	{
		rc = SPI_execute_plan(entry->plan, &args, NULL, true, 2);
	}
	PG_FINALLY();
	{
		entry->running--;
	}
	PG_END_TRY();
	entry->planned = true;
	if (nest_level > 0)
		AtEOXact_GUC(true, nest_level);
	if (rc != SPI_OK_SELECT || SPI_tuptable->tupdesc->natts != 1 ||
		SPI_gettypeid(SPI_tuptable->tupdesc, 1) != type || SPI_processed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query must return one value of type %s", format_type_be(type))));
	*isnull = true;
	if (SPI_processed == 0)
		return (Datum) 0;
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
}

/*
 * cached_query_value
 *
 * As cached_query_run(), but connects to SPI itself, runs with a snapshot
 * (NULL: the active one), and returns the value in the current memory context.
 * The type is a varlena or passed by value.
 */
Datum
cached_query_value(const char *sql, Datum args, Oid type, Snapshot snapshot, bool *isnull)
{
	MemoryContext caller_context = CurrentMemoryContext;
	Datum		value;

	if (snapshot)
		PushActiveSnapshot(snapshot);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	value = cached_query_run(sql, args, type, isnull);
	if (!*isnull && !get_typbyval(type))
	{
		MemoryContext spi_context = MemoryContextSwitchTo(caller_context);

		value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		MemoryContextSwitchTo(spi_context);
	}
	SPI_finish();
	if (snapshot)
		PopActiveSnapshot();
	return value;
}

/*
 * wazo_auth.cached_query(sql text, args jsonb) returns json
 *
 * As cached_query_run(), for json.
 */
Datum
wazo_auth_cached_query(PG_FUNCTION_ARGS)
{
	text	   *sql = PG_GETARG_TEXT_PP(0);
	bool		isnull;
	Datum		result = cached_query_value(text_to_cstring(sql), PG_GETARG_DATUM(1), JSONOID, NULL, &isnull);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
