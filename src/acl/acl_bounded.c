/*
 * acl_bounded.c
 *	  ACLs put together within the limits of one.
 *
 * What a user has by its groups and policies may be more than one ACL holds,
 * although no single policy is, and although what leads to it is refused: two
 * requests at a time, a restore.  A login must not fail for it, and must never
 * grant more than the whole would: so negative entries are kept first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "acl/acl_bounded.h"
#include "base/compat.h"

PG_FUNCTION_INFO_V1(wazo_auth_acls_fit);

typedef struct Entry
{
	const char *text;			/* with the '!' of a negative one */
	size_t		len;
	int			place;
	bool		dropped;		/* said before, or left out */
} Entry;

typedef struct Entries
{
	Entry	   *entry;
	int			n;
} Entries;

/* What is kept of the entries, as one ACL counts it. */
typedef struct Budget
{
	int			count;
	size_t		bytes;
} Budget;

static int
compare_text(const void *a, const void *b)
{
	const Entry *x = a;
	const Entry *y = b;
	int			order = memcmp(x->text, y->text, Min(x->len, y->len));

	if (order == 0)
		order = (x->len > y->len) - (x->len < y->len);
	return order != 0 ? order : x->place - y->place;
}

static int
compare_place(const void *a, const void *b)
{
	return ((const Entry *) a)->place - ((const Entry *) b)->place;
}

static bool
is_negative(const Entry *entry)
{
	return entry->len > 0 && entry->text[0] == '!';
}

/* Takes an entry if there is room for it. */
static bool
take(Budget *budget, const Entry *entry)
{
	if (budget->count == ACL_MAX_ENTRIES || budget->bytes + entry->len > ACL_MAX_TOTAL)
		return false;
	budget->count++;
	budget->bytes += entry->len;
	return true;
}

/* Do they fit as they are, each as often as it is said? */
static bool
fit_as_they_are(struct varlena **acl, int n, int64 *count)
{
	size_t		bytes = 0;

	*count = 0;
	for (int i = 0; i < n; i++)
	{
		uint32		here = acl_packed_count(ACL_PACKED(acl[i]));

		*count += here;
		bytes += ACL_PACKED_LEN(acl[i]) - ACL_PACKED_HEADER - 2 * (size_t) here;
	}
	return *count <= ACL_MAX_ENTRIES && bytes <= ACL_MAX_TOTAL;
}

/* The entries in their order, those that were said before marked as dropped. */
static Entries
distinct_entries(struct varlena **acl, int n, int64 count)
{
	Entries		list = {palloc(sizeof(Entry) * Max(count, 1)), 0};

	for (int i = 0; i < n; i++)
	{
		AclReader	reader;
		Entry	   *entry = &list.entry[list.n];

		CHECK_FOR_INTERRUPTS();
		acl_reader_init(&reader, ACL_PACKED(acl[i]));
		while (acl_reader_raw(&reader, &entry->text, &entry->len))
		{
			entry->place = list.n++;
			entry->dropped = false;
			entry++;
		}
	}
	qsort(list.entry, list.n, sizeof(Entry), compare_text);
	for (int i = 1; i < list.n; i++)
	{
		Entry	   *entry = &list.entry[i];

		entry->dropped = entry->len == entry[-1].len && memcmp(entry->text, entry[-1].text, entry->len) == 0;
	}
	qsort(list.entry, list.n, sizeof(Entry), compare_place);
	return list;
}

/* Are all of the entries that are negative, or positive, taken? */
static bool
take_all(Entries *list, Budget *budget, bool negative)
{
	bool		all = true;

	for (int i = 0; i < list->n; i++)
	{
		Entry	   *entry = &list->entry[i];

		if (!entry->dropped && is_negative(entry) == negative && !(all && take(budget, entry)))
		{
			entry->dropped = true;
			all = false;
		}
	}
	return all;
}

/*
 * acls_fit
 *
 * Is what is in the ACLs, each entry counted once, within the limits of one?
 */
bool
acls_fit(struct varlena **acl, int n)
{
	Budget		budget = {0};
	Entries		list;
	int64		count;
	bool		fit;

	if (fit_as_they_are(acl, n, &count))
		return true;
	if (count > ACL_MAX_JOINED)
		return false;
	list = distinct_entries(acl, n, count);
	fit = take_all(&list, &budget, true) && take_all(&list, &budget, false);
	pfree(list.entry);
	return fit;
}

static struct varlena *
from_kept(const Entries *list, const Budget *budget)
{
	size_t		size = VARHDRSZ + ACL_PACKED_HEADER + budget->bytes + 2 * (size_t) budget->count;
	struct varlena *acl = palloc(size);
	char	   *at = VARDATA(acl) + ACL_PACKED_HEADER;

	SET_VARSIZE(acl, size);
	acl_packed_put_header(VARDATA(acl), (uint32_t) budget->count);
	for (int i = 0; i < list->n; i++)
		if (!list->entry[i].dropped)
			at = acl_packed_put_entry(at, list->entry[i].text, list->entry[i].len);
	return acl;
}

/*
 * acl_join_bounded
 *
 * One ACL of several, in their order.  As acl_join() where they fit; else each
 * entry once; where that is too much, the negative entries and as many others
 * as there is room for, in their order, and nothing at all where not even the
 * negative ones fit.  *complete tells whether nothing is left out.
 */
struct varlena *
acl_join_bounded(struct varlena **acl, int n, bool *complete)
{
	Budget		budget = {0};
	Entries		list;
	int64		count;

	*complete = true;
	if (fit_as_they_are(acl, n, &count))
		return acl_join(acl, n);
	*complete = count <= ACL_MAX_JOINED;
	if (*complete)
	{
		list = distinct_entries(acl, n, count);
		*complete = take_all(&list, &budget, true);
	}
	if (!*complete)
		return acl_join(NULL, 0);
	*complete = take_all(&list, &budget, false);
	return from_kept(&list, &budget);
}

/*
 * wazo_auth.acls_fit(acls wazo_auth.acl[]) returns boolean
 *
 * acls_fit() for SQL; nulls count as empty.
 */
Datum
wazo_auth_acls_fit(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Datum	   *elems;
	bool	   *nulls;
	int			n;
	int			used = 0;
	struct varlena **acl;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign, &elems, &nulls, &n);
	acl = palloc(sizeof(struct varlena *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			acl[used++] = DatumGetAclPP(elems[i]);
	PG_RETURN_BOOL(acls_fit(acl, used));
}
