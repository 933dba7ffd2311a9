/*
 * acl_op.c
 *	  What SQL asks of an ACL: the operator @>, acl_grants and its relatives.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "acl_type.h"

#include "acl_cache.h"
#include "acl_op.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(wazo_auth_acl_contains);
PG_FUNCTION_INFO_V1(wazo_auth_acl_contained);
PG_FUNCTION_INFO_V1(wazo_auth_acl_grants);
PG_FUNCTION_INFO_V1(wazo_auth_acl_grants_cached);
PG_FUNCTION_INFO_V1(wazo_auth_acl_may_add);
PG_FUNCTION_INFO_V1(wazo_auth_acl_may_remove);
PG_FUNCTION_INFO_V1(wazo_auth_acl_decide);

/*
 * Kept between the calls of one expression: the last ACL seen.  A query that
 * checks one ACL against many accesses compiles it at the second; one that
 * checks many ACLs never pays for compiling.
 */
typedef struct LastAcl
{
	char	   *packed;
	size_t		len;
	size_t		room;
	AclCompiled *compiled;
} LastAcl;

static bool
same_acl(const LastAcl *last, struct varlena *acl)
{
	return last->packed != NULL && last->len == ACL_PACKED_LEN(acl) &&
		memcmp(last->packed, ACL_PACKED(acl), last->len) == 0;
}

static void
remember(LastAcl *last, MemoryContext context, struct varlena *acl)
{
	size_t		len = ACL_PACKED_LEN(acl);

	if (last->compiled != NULL)
	{
		pfree(last->compiled);
		last->compiled = NULL;
	}
	last->len = 0;
	if (last->room < len)
	{
		if (last->packed != NULL)
			pfree(last->packed);
		last->packed = NULL;
		last->room = 0;
		last->packed = MemoryContextAlloc(context, len);
		last->room = len;
	}
	memcpy(last->packed, ACL_PACKED(acl), len);
	last->len = len;
}

static bool
grants(FunctionCallInfo fcinfo, struct varlena *acl, const char *text,
	   size_t len, const AclContext *ctx)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	LastAcl    *last = flinfo != NULL ? flinfo->fn_extra : NULL;
	AclAccess	access;
	bool		result;

	if (flinfo != NULL && last == NULL)
	{
		last = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(LastAcl));
		flinfo->fn_extra = last;
	}
	acl_access_init(&access, text, len, ctx, &acl_backend_env);
	if (last != NULL && same_acl(last, acl))
	{
		if (last->compiled == NULL)
		{
			void	   *block = MemoryContextAlloc(flinfo->fn_mcxt,
												   acl_compile_bound(last->packed, last->len));

			acl_compile(last->packed, last->len, block);
			last->compiled = block;
		}
		result = acl_compiled_grants(last->compiled, &access);
	}
	else
	{
		result = acl_list_grants(ACL_PACKED(acl), &access);
		if (last != NULL)
			remember(last, flinfo->fn_mcxt, acl);
	}
	acl_access_done(&access);
	return result;
}

/*
 * The context of the arguments n (auth id) and n + 1 (session id).  A null id
 * is the text "None": that is what the platform's daemons compare with.
 */
void
acl_context_from_args(FunctionCallInfo fcinfo, int n, AclContext *ctx)
{
	ctx->auth_id = ctx->session_id = "None";
	ctx->auth_id_len = ctx->session_id_len = 4;
	if (!PG_ARGISNULL(n))
	{
		text	   *id = PG_GETARG_TEXT_PP(n);

		ctx->auth_id = VARDATA_ANY(id);
		ctx->auth_id_len = VARSIZE_ANY_EXHDR(id);
	}
	if (!PG_ARGISNULL(n + 1))
	{
		text	   *id = PG_GETARG_TEXT_PP(n + 1);

		ctx->session_id = VARDATA_ANY(id);
		ctx->session_id_len = VARSIZE_ANY_EXHDR(id);
	}
}

/*
 * acl @> access: does the ACL grant the access to anybody who holds it?  "me"
 * and "my_session" are only themselves here.
 */
Datum
wazo_auth_acl_contains(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);
	text	   *access = PG_GETARG_TEXT_PP(1);
	bool		result = grants(fcinfo, acl, VARDATA_ANY(access),
								VARSIZE_ANY_EXHDR(access), NULL);

	PG_FREE_IF_COPY(acl, 0);
	PG_FREE_IF_COPY(access, 1);
	PG_RETURN_BOOL(result);
}

/* access <@ acl: the same, written the other way round. */
Datum
wazo_auth_acl_contained(PG_FUNCTION_ARGS)
{
	text	   *access = PG_GETARG_TEXT_PP(0);
	struct varlena *acl = PG_GETARG_ACL_PP(1);
	bool		result = grants(fcinfo, acl, VARDATA_ANY(access),
								VARSIZE_ANY_EXHDR(access), NULL);

	PG_FREE_IF_COPY(access, 0);
	PG_FREE_IF_COPY(acl, 1);
	PG_RETURN_BOOL(result);
}

/*
 * acl_grants(acl, access, auth_id, session_id): a null access is no question,
 * and true; a null ACL gives null.
 */
Datum
wazo_auth_acl_grants(PG_FUNCTION_ARGS)
{
	struct varlena *acl;
	text	   *access;
	AclContext	ctx;
	bool		result;

	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(true);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	acl = PG_GETARG_ACL_PP(0);
	access = PG_GETARG_TEXT_PP(1);
	acl_context_from_args(fcinfo, 2, &ctx);
	result = grants(fcinfo, acl, VARDATA_ANY(access),
					VARSIZE_ANY_EXHDR(access), &ctx);
	PG_FREE_IF_COPY(acl, 0);
	PG_RETURN_BOOL(result);
}

/*
 * acl_grants_cached: acl_grants through the backend's cache of compiled sets,
 * as the token check does it.
 */
Datum
wazo_auth_acl_grants_cached(PG_FUNCTION_ARGS)
{
	pg_uuid_t	digest;
	const AclProgram *program;
	text	   *access;
	AclContext	ctx;

	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(true);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	access = PG_GETARG_TEXT_PP(1);
	acl_context_from_args(fcinfo, 2, &ctx);
	acl_digest_of(PG_GETARG_ACL_PP(0), &digest);
	program = acl_cache_lookup(&digest);
	if (program == NULL)
		program = acl_cache_insert(&digest, PG_GETARG_DATUM(0));
	PG_RETURN_BOOL(acl_program_grants(program, VARDATA_ANY(access),
									  VARSIZE_ANY_EXHDR(access), &ctx));
}

/*
 * acl_may_add(acl, entry, auth_id, session_id): may a caller with this ACL put
 * the entry into a policy?  A negative entry always; any other when the ACL
 * grants it as if it were an access.
 */
Datum
wazo_auth_acl_may_add(PG_FUNCTION_ARGS)
{
	text	   *entry;
	AclContext	ctx;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	entry = PG_GETARG_TEXT_PP(1);
	if (VARSIZE_ANY_EXHDR(entry) > 0 && *VARDATA_ANY(entry) == '!')
		PG_RETURN_BOOL(true);
	acl_context_from_args(fcinfo, 2, &ctx);
	PG_RETURN_BOOL(grants(fcinfo, PG_GETARG_ACL_PP(0), VARDATA_ANY(entry),
						  VARSIZE_ANY_EXHDR(entry), &ctx));
}

/*
 * acl_may_remove(acl, entry, auth_id, session_id): may the caller take the
 * entry out of a policy?  When the ACL grants it, one leading '!' taken off.
 */
Datum
wazo_auth_acl_may_remove(PG_FUNCTION_ARGS)
{
	text	   *entry;
	const char *access;
	size_t		len;
	AclContext	ctx;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	entry = PG_GETARG_TEXT_PP(1);
	access = VARDATA_ANY(entry);
	len = VARSIZE_ANY_EXHDR(entry);
	if (len > 0 && *access == '!')
	{
		access++;
		len--;
	}
	acl_context_from_args(fcinfo, 2, &ctx);
	PG_RETURN_BOOL(grants(fcinfo, PG_GETARG_ACL_PP(0), access, len, &ctx));
}

/*
 * acl_decide(acl, access, auth_id, session_id) returns (granted, entry_number,
 * entry): the entry that decides, counted from 1; both null when no entry
 * matches.
 */
Datum
wazo_auth_acl_decide(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, true, true};
	struct varlena *acl;
	text	   *wanted;
	AclContext	ctx;
	AclAccess	access;
	bool		granted;
	int32		index;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	acl = PG_GETARG_ACL_PP(0);
	wanted = PG_GETARG_TEXT_PP(1);
	acl_context_from_args(fcinfo, 2, &ctx);
	acl_access_init(&access, VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(wanted),
					&ctx, &acl_backend_env);
	index = acl_list_decide(ACL_PACKED(acl), &access, &granted);
	acl_access_done(&access);
	values[0] = BoolGetDatum(granted);
	values[1] = values[2] = (Datum) 0;
	if (index >= 0)
	{
		AclReader	reader;
		const char *text = NULL;
		size_t		len = 0;

		acl_reader_init(&reader, ACL_PACKED(acl));
		for (int32 i = 0; i <= index; i++)
			acl_reader_raw(&reader, &text, &len);
		values[1] = Int32GetDatum(index + 1);
		values[2] = PointerGetDatum(cstring_to_text_with_len(text, (int) len));
		nulls[1] = nulls[2] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
