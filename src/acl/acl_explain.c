/*
 * acl_explain.c
 *	  What SQL asks of an ACL that refuses: the entry that comes nearest to
 *	  granting, and what is missing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "plain/acl_nearest.h"
#include "acl/acl_op.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(wazo_auth_acl_nearest);
PG_FUNCTION_INFO_V1(wazo_auth_acl_has_negative);

/* Columns of acl_nearest(). */
enum
{
	NEAREST_NUMBER, NEAREST_ENTRY, NEAREST_PREFIX, NEAREST_EDITS,
	NEAREST_MISSING, NEAREST_COLUMNS
};

/* The edits in words, separated by "; ". */
static text *
missing_text(const AclNearness *nearness)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < nearness->edits; i++)
	{
		const AclEdit *edit = &nearness->edit[i];

		if (i > 0)
			appendStringInfoString(&out, "; ");
		switch (edit->kind)
		{
			case ACL_EDIT_OTHER:
				appendStringInfo(&out, "segment %d is '%.*s', the entry has '%.*s'",
								 edit->segment, (int) edit->wanted_len, edit->wanted,
								 (int) edit->has_len, edit->has);
				break;
			case ACL_EDIT_ABSENT:
				appendStringInfo(&out, "after segment %d the entry has '%.*s'",
								 edit->segment, (int) edit->has_len, edit->has);
				break;
			case ACL_EDIT_BEYOND:
				appendStringInfo(&out, "segment %d is '%.*s', the entry has nothing there",
								 edit->segment, (int) edit->wanted_len, edit->wanted);
				break;
		}
	}
	return cstring_to_text_with_len(out.data, out.len);
}

/*
 * acl_nearest(acl, access, auth_id, session_id) returns (entry_number, entry,
 * prefix, edits, missing): of the positive entries the one that agrees with
 * the access for most leading segments, of these the one with the fewest
 * edits, of these the first.  All null when there is none, or more than 32
 * segments to compare.  missing is null when there is no edit.
 */
Datum
wazo_auth_acl_nearest(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[NEAREST_COLUMNS] = {0};
	bool		nulls[NEAREST_COLUMNS] = {true, true, true, true, true};
	struct varlena *acl;
	text	   *wanted;
	AclContext	ctx;
	AclAccess	access;
	AclReader	reader;
	AclEntry	entry;
	AclEntry	best_entry = {NULL, 0, false};
	AclNearness best = {0};
	AclNearness nearness = {0};
	int32		number = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	acl = PG_GETARG_ACL_PP(0);
	wanted = PG_GETARG_TEXT_PP(1);
	acl_context_set(&ctx, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2),
					PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3));
	acl_access_init(&access, VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(wanted),
					&ctx, &acl_backend_env);
	acl_reader_init(&reader, ACL_PACKED(acl));
	while (acl_reader_next(&reader, &entry))
	{
		number++;
		CHECK_FOR_INTERRUPTS();
		if (entry.negative || !acl_nearness(&entry, &access, &nearness))
			continue;
		if (best_entry.text != NULL &&
			(nearness.prefix < best.prefix ||
			 (nearness.prefix == best.prefix && nearness.edits >= best.edits)))
			continue;
		best = nearness;
		best_entry = entry;
		values[NEAREST_NUMBER] = Int32GetDatum(number);
	}
	acl_access_done(&access);
	if (best_entry.text != NULL)
	{
		values[NEAREST_ENTRY] = PointerGetDatum(cstring_to_text_with_len(best_entry.text,
																		 (int) best_entry.len));
		values[NEAREST_PREFIX] = Int32GetDatum(best.prefix);
		values[NEAREST_EDITS] = Int32GetDatum(best.edits);
		memset(nulls, false, NEAREST_MISSING);
		nulls[NEAREST_MISSING] = best.edits == 0;
		if (best.edits > 0)
			values[NEAREST_MISSING] = PointerGetDatum(missing_text(&best));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* acl_has_negative(acl): is there a negative entry in it? */
Datum
wazo_auth_acl_has_negative(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);
	AclReader	reader;
	AclEntry	entry;
	bool		found = false;

	acl_reader_init(&reader, ACL_PACKED(acl));
	while (!found && acl_reader_next(&reader, &entry))
		found = entry.negative;
	PG_FREE_IF_COPY(acl, 0);
	PG_RETURN_BOOL(found);
}
