/*
 * http_sql.c
 *	  Questions that the checks of a request put to SQL.
 *
 * Each is planned once per backend.  They run as the owner of the extension,
 * as the handlers do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "http/http_sql.h"

static const struct
{
	const char *text;
	Oid			type1;
	Oid			type2;			/* InvalidOid: one parameter */
	bool		locks;			/* rows, so it needs a snapshot of its own */
}			question[HTTP_SQL_COUNT] = {
	[HTTP_SQL_POLICY_OF_SLUG] = {
		"SELECT wazo_auth.policy_of_slug($1, $2)", UUIDOID, TEXTOID, false
	},
	[HTTP_SQL_IS_METHOD] = {
		"SELECT wazo_auth.is_authentication_method($1)", TEXTOID, InvalidOid, false
	},
	[HTTP_SQL_CHECK_METHOD] = {
		"SELECT wazo_auth.check_authentication_method($1)", TEXTOID, InvalidOid, false
	},
	/* The locks make sure that what was judged is what is given or taken. */
	[HTTP_SQL_ACL_GIVEN] = {
		"WITH p AS (SELECT p.acl FROM wazo_auth.policy p WHERE p.uuid = $1 FOR SHARE)"
		" SELECT pg_catalog.unnest(p.acl::pg_catalog.text[]) FROM p", UUIDOID, InvalidOid, true
	},
	[HTTP_SQL_ACL_TAKEN] = {
		"WITH p AS (SELECT p.acl FROM wazo_auth.policy p WHERE p.uuid = $1 FOR NO KEY UPDATE)"
		" SELECT e.entry FROM p CROSS JOIN pg_catalog.unnest(p.acl::pg_catalog.text[]) WITH ORDINALITY e (entry, place)"
		" WHERE e.entry NOT IN (SELECT pg_catalog.jsonb_array_elements_text($2)) ORDER BY e.place", UUIDOID, JSONBOID, true
	},
	[HTTP_SQL_GROUP_ACL] = {
		"WITH p AS (SELECT p.uuid, p.acl FROM wazo_auth.group_policy gp JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid"
		" WHERE gp.group_uuid = $1 FOR SHARE)"
		" SELECT e.entry FROM p CROSS JOIN pg_catalog.unnest(p.acl::pg_catalog.text[]) WITH ORDINALITY e (entry, place)"
		" ORDER BY p.uuid, e.place", UUIDOID, InvalidOid, true
	},
};

/*
 * http_query
 *
 * Runs a question; the rows are in SPI_tuptable.  The caller has connected to
 * SPI.
 */
void
http_query(HttpSql which, Datum arg1, Datum arg2)
{
	static SPIPlanPtr plan[HTTP_SQL_COUNT];
	Datum		arg[2] = {arg1, arg2};

	if (plan[which] == NULL)
	{
		Oid			type[2] = {question[which].type1, question[which].type2};
		SPIPlanPtr	made = SPI_prepare(question[which].text, OidIsValid(type[1]) ? 2 : 1, type);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "preparing \"%s\" failed", question[which].text);
		plan[which] = made;
	}
	if (SPI_execute_plan(plan[which], arg, NULL, !question[which].locks, 0) != SPI_OK_SELECT)
		elog(ERROR, "\"%s\" failed", question[which].text);
}

/*
 * http_query_value
 *
 * The one value that a question answers, in the caller's memory context.
 */
Datum
http_query_value(HttpSql which, Datum arg1, Datum arg2, bool *isnull)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		value = (Datum) 0;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	http_query(which, arg1, arg2);
	*isnull = true;
	if (SPI_processed > 0)
	{
		Form_pg_attribute att = TupleDescAttr(SPI_tuptable->tupdesc, 0);

		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
		if (!*isnull)
		{
			MemoryContext old_context = MemoryContextSwitchTo(context);

			value = datumCopy(value, att->attbyval, att->attlen);
			MemoryContextSwitchTo(old_context);
		}
	}
	SPI_finish();
	return value;
}
