/*
 * kept_plan.c
 *	  A query that a process plans once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "base/kept_plan.h"

/*
 * kept_plan
 *
 * The plan of a query, made when *plan is NULL and kept in it.  The caller has
 * connected to SPI.  Raises what parsing raises; *plan is NULL then.
 */
SPIPlanPtr
kept_plan(SPIPlanPtr *plan, const char *query, int nargs, Oid *types)
{
	SPIPlanPtr	made;

	if (*plan != NULL)
		return *plan;
	made = SPI_prepare(query, nargs, types);
	if (made == NULL || SPI_keepplan(made) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", query, SPI_result_code_string(SPI_result));
	*plan = made;
	return made;
}
