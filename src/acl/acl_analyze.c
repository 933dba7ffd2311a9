/*
 * acl_analyze.c
 *	  ANALYZE for columns of type wazo_auth.acl.
 *
 * Beside what ANALYZE gathers for any type, the most common entries are kept
 * with the share of rows that hold them (the kind of statistics that arrays
 * and tsvector have).  From them the planner can tell how many rows grant an
 * access; see acl_selfuncs.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "access/detoast.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type_d.h"
#include "commands/vacuum.h"
#include "common/hashfn.h"
#include "utils/builtins.h"

/* Larger values are left out: too much work for what they tell. */
#define MAX_WIDTH		0x10000

/* Entries looked at, at most; beyond it rows are taken at even distances. */
#define MAX_ENTRIES_SEEN	1000000

typedef struct EntryText
{
	const char *text;
	uint32		len;
} EntryText;

typedef struct Counted
{
	EntryText	entry;
	uint32		hash;
	int			count;			/* rows that hold it */
	int			delta;			/* rows that may have been forgotten */
	int			last_row;		/* so that a row counts once */
	char		status;
} Counted;

#define SH_PREFIX counted
#define SH_ELEMENT_TYPE Counted
#define SH_KEY_TYPE EntryText
#define SH_KEY entry
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_HASH_KEY(tb, key) \
	hash_bytes((const unsigned char *) (key).text, (int) (key).len)
#define SH_EQUAL(tb, a, b) \
	((a).len == (b).len && memcmp((a).text, (b).text, (a).len) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What std_typanalyze has chosen, to be called first. */
typedef struct Standard
{
	AnalyzeAttrComputeStatsFunc compute_stats;
	void	   *extra_data;
} Standard;

PG_FUNCTION_INFO_V1(wazo_auth_acl_typanalyze);

/* Forget what has been rare so far: lossy counting, as for tsvector. */
static void
prune(counted_hash *table, int bucket)
{
	counted_iterator it;
	Counted    *c;

	counted_start_iterate(table, &it);
	while ((c = counted_iterate(table, &it)) != NULL)
		if (c->count + c->delta <= bucket)
		{
			pfree(unconstify(char *, c->entry.text));
			counted_delete_item(table, c);
		}
}

static void
count_entry(counted_hash *table, const char *text, size_t len, int row,
			int bucket)
{
	EntryText	key = {text, (uint32) len};
	bool		found;
	Counted    *c = counted_insert(table, key, &found);

	if (!found)
	{
		char	   *copy = palloc(Max(len, 1));

		memcpy(copy, text, len);
		c->entry.text = copy;
		c->count = 1;
		c->delta = bucket - 1;
		c->last_row = row;
	}
	else if (c->last_row != row)
	{
		c->count++;
		c->last_row = row;
	}
}

static int
more_common_first(const void *a, const void *b)
{
	const Counted *x = *(Counted *const *) a;
	const Counted *y = *(Counted *const *) b;

	return (x->count < y->count) - (x->count > y->count);
}

/*
 * Store the most common entries: values are the entries as text, "!" included;
 * numbers are the share of non-null rows for each, then the least and the
 * largest of them.
 */
static void
store(VacAttrStats *stats, counted_hash *table, int rows, int cutoff, int most)
{
	Counted   **list = palloc(sizeof(Counted *) * Max(table->members, 1));
	counted_iterator it;
	Counted    *c;
	int			n = 0;
	int			slot = 0;
	MemoryContext old;
	Datum	   *values;
	float4	   *numbers;

	counted_start_iterate(table, &it);
	while ((c = counted_iterate(table, &it)) != NULL)
		if (c->count > cutoff)
			list[n++] = c;
	while (slot < STATISTIC_NUM_SLOTS && stats->stakind[slot] != 0)
		slot++;
	if (n == 0 || slot == STATISTIC_NUM_SLOTS)
		return;
	qsort(list, (size_t) n, sizeof(Counted *), more_common_first);
	n = Min(n, most);

	old = MemoryContextSwitchTo(stats->anl_context);
	values = palloc(sizeof(Datum) * n);
	numbers = palloc(sizeof(float4) * (n + 2));
	for (int i = 0; i < n; i++)
	{
		values[i] = PointerGetDatum(cstring_to_text_with_len(list[i]->entry.text,
															 (int) list[i]->entry.len));
		numbers[i] = (float4) list[i]->count / (float4) rows;
	}
	numbers[n] = numbers[n - 1];
	numbers[n + 1] = numbers[0];
	MemoryContextSwitchTo(old);

	stats->stakind[slot] = STATISTIC_KIND_MCELEM;
	stats->staop[slot] = TextEqualOperator;
	stats->stacoll[slot] = C_COLLATION_OID;
	stats->stanumbers[slot] = numbers;
	stats->numnumbers[slot] = n + 2;
	stats->stavalues[slot] = values;
	stats->numvalues[slot] = n;
	stats->statypid[slot] = TEXTOID;
	stats->statyplen[slot] = -1;
	stats->statypbyval[slot] = false;
	stats->statypalign[slot] = TYPALIGN_INT;
}

static void
compute_acl_stats(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch,
				  int samplerows, double totalrows)
{
	Standard   *standard = stats->extra_data;
	int			most = Max(stats_target(stats), 1) * 10;
	int			bucket_width = (most + 10) * 1000 / 7;
	counted_hash *table;
	int64		seen = 0;
	int			rows = 0;
	int			stride = 1;
	bool		pruned = false;

	stats->extra_data = standard->extra_data;
	standard->compute_stats(stats, fetch, samplerows, totalrows);
	stats->extra_data = standard;

	table = counted_create(CurrentMemoryContext, 1024, NULL);
	for (int row = 0; row < samplerows; row += stride)
	{
		bool		isnull;
		Datum		value;
		struct varlena *acl;
		AclReader	reader;
		const char *text;
		size_t		len;

		analyze_delay_point();
		value = fetch(stats, row, &isnull);
		if (isnull || toast_raw_datum_size(value) > MAX_WIDTH)
			continue;
		acl = DatumGetAclPP(value);
		rows++;
		acl_reader_init(&reader, ACL_PACKED(acl));
		while (acl_reader_raw(&reader, &text, &len))
		{
			count_entry(table, text, len, row, (int) (seen / bucket_width) + 1);
			if (++seen % bucket_width == 0)
			{
				prune(table, (int) (seen / bucket_width));
				pruned = true;
			}
		}
		/* long lists: the first rows tell how many can be looked at */
		if (rows == 100)
			stride = Max(1, (int) ((double) seen / rows * samplerows /
								   MAX_ENTRIES_SEEN));
		if ((Pointer) acl != DatumGetPointer(value))
			pfree(acl);
	}

	/*
	 * After forgetting, only counts above the possible error mean something; an entry of a single row never does.
	 */
	if (rows > 0)
		store(stats, table, rows,
			  pruned ? Max((int) (9 * seen / bucket_width / 10), 1) : 1, most);
	counted_destroy(table);
}

/* The type's typanalyze function. */
Datum
wazo_auth_acl_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);
	Standard   *standard;

	if (!std_typanalyze(stats))
		PG_RETURN_BOOL(false);
	standard = palloc(sizeof(Standard));
	standard->compute_stats = stats->compute_stats;
	standard->extra_data = stats->extra_data;
	stats->compute_stats = compute_acl_stats;
	stats->extra_data = standard;
	PG_RETURN_BOOL(true);
}
