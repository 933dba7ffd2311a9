/*
 * acl_change.c
 *	  What the holder of an ACL may give to others and take from them, as SQL
 *	  functions (acl_judge.c decides).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "acl/acl_op.h"
#include "plain/acl_judge.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(wazo_auth_may_add);
PG_FUNCTION_INFO_V1(wazo_auth_may_remove);
PG_FUNCTION_INFO_V1(wazo_auth_acl_may_add);
PG_FUNCTION_INFO_V1(wazo_auth_acl_may_remove);

static bool
judge_entry(AclJudge *judge, bool removing, text *entry)
{
	const char *s = VARDATA_ANY(entry);
	size_t		len = VARSIZE_ANY_EXHDR(entry);
	AclVerdict	verdict = removing ? acl_judge_remove(judge, s, len) : acl_judge_add(judge, s, len);

	if (verdict == ACL_TOO_MANY_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("judging these access patterns takes too many steps"),
				 errhint("Change fewer at a time, or hold fewer patterns that begin with a wildcard.")));
	return verdict == ACL_MAY;
}

static text *
first_refused(AclJudge *judge, bool removing, ArrayType *entries)
{
	ArrayIterator it = array_create_iterator(entries, 0, NULL);
	Datum		value;
	bool		isnull;
	text	   *refused = NULL;

	while (refused == NULL && array_iterate(it, &value, &isnull))
	{
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an access pattern cannot be null")));
		if (!judge_entry(judge, removing, DatumGetTextPP(value)))
			refused = DatumGetTextPCopy(value);
	}
	array_free_iterator(it);
	return refused;
}

/* No ACL grants nothing, so without one nothing may be given. */
static struct varlena *
caller_acl(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? acl_from_texts(NULL, NULL, 0) : PG_GETARG_ACL_PP(0);
}

static Datum
may_change(FunctionCallInfo fcinfo, bool removing)
{
	AclContext	ctx;
	AclJudge   *judge;
	text	   *refused;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	acl_context_set(&ctx,
					PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1),
					PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	judge = acl_judge_make(ACL_PACKED(caller_acl(fcinfo)), &ctx, &acl_backend_env);
	refused = first_refused(judge, removing, PG_GETARG_ARRAYTYPE_P(3));
	acl_judge_free(judge);
	if (refused == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(refused);
}

/*
 * may_add(acl, auth_id, session_id, entries): the first of the entries that a
 * caller with this ACL may not put into what others have; null when it may all.
 * Errors: 54000 when that takes too many steps, 22004 for a null entry.
 */
Datum
wazo_auth_may_add(PG_FUNCTION_ARGS)
{
	return may_change(fcinfo, false);
}

/* may_remove(acl, auth_id, session_id, entries): the same for taking out. */
Datum
wazo_auth_may_remove(PG_FUNCTION_ARGS)
{
	return may_change(fcinfo, true);
}

static Datum
may_change_one(FunctionCallInfo fcinfo, bool removing)
{
	AclContext	ctx;
	AclJudge   *judge;
	bool		may;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	acl_context_set(&ctx,
					PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2),
					PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3));
	judge = acl_judge_make(ACL_PACKED(PG_GETARG_ACL_PP(0)), &ctx, &acl_backend_env);
	may = judge_entry(judge, removing, PG_GETARG_TEXT_PP(1));
	acl_judge_free(judge);
	PG_RETURN_BOOL(may);
}

/* acl_may_add(acl, entry, auth_id, session_id): may_add for one entry. */
Datum
wazo_auth_acl_may_add(PG_FUNCTION_ARGS)
{
	return may_change_one(fcinfo, false);
}

/* acl_may_remove(acl, entry, auth_id, session_id): may_remove for one entry. */
Datum
wazo_auth_acl_may_remove(PG_FUNCTION_ARGS)
{
	return may_change_one(fcinfo, true);
}
