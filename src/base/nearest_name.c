/*
 * nearest_name.c
 *	  The name that somebody may have meant.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/varlena.h"

#include "base/compat.h"

#define MAX_NAME		128		/* bytes; the distance costs their product */
#define MAX_DISTANCE	4

PG_FUNCTION_INFO_V1(wazo_auth_nearest_name);

/*
 * wazo_auth.nearest_name(name text, names text[]) returns text
 *
 * The first of the names that the fewest letters tell from this one, at most
 * four and at most half of them; null when there is none.
 */
Datum
wazo_auth_nearest_name(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	int			len = VARSIZE_ANY_EXHDR(name);
	int			best_distance = Min(MAX_DISTANCE, len / 2) + 1;
	text	   *best = NULL;
	Datum	   *names;
	bool	   *nulls;
	int			n;

	if (len > MAX_NAME)
		PG_RETURN_NULL();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n && best_distance > 0; i++)
	{
		text	   *other = nulls[i] ? NULL : DatumGetTextPP(names[i]);
		int			distance;

		if (other == NULL || VARSIZE_ANY_EXHDR(other) > MAX_NAME)
			continue;
		distance = varstr_levenshtein_less_equal(VARDATA_ANY(name), len,
												 VARDATA_ANY(other), VARSIZE_ANY_EXHDR(other),
												 1, 1, 1, best_distance - 1, true);
		if (distance < best_distance)
		{
			best_distance = distance;
			best = other;
		}
	}
	if (best == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(best);
}
