/*
 * acl_op.c
 *	  What SQL asks of an ACL: the operator @>, acl_grants and its relatives.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "acl/acl_cache.h"
#include "acl/acl_op.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "plain/acl_compile.h"

PG_FUNCTION_INFO_V1(wazo_auth_acl_contains);
PG_FUNCTION_INFO_V1(wazo_auth_acl_contained);
PG_FUNCTION_INFO_V1(wazo_auth_acl_request);
PG_FUNCTION_INFO_V1(wazo_auth_acl_grants_request);
PG_FUNCTION_INFO_V1(wazo_auth_acl_grants);
PG_FUNCTION_INFO_V1(wazo_auth_acl_grants_cached);
PG_FUNCTION_INFO_V1(wazo_auth_acl_decide);
PG_FUNCTION_INFO_V1(wazo_auth_acl_refuses);

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
 * Set the identities; NULL is the text "None", which is what the platform's
 * daemons compare with.
 */
void
acl_context_set(AclContext *ctx, text *auth_id, text *session_id)
{
	ctx->auth_id = auth_id != NULL ? VARDATA_ANY(auth_id) : "None";
	ctx->auth_id_len = auth_id != NULL ? VARSIZE_ANY_EXHDR(auth_id) : 4;
	ctx->session_id = session_id != NULL ? VARDATA_ANY(session_id) : "None";
	ctx->session_id_len = session_id != NULL ? VARSIZE_ANY_EXHDR(session_id) : 4;
}

/* The identities in arguments 2 and 3. */
static void
context_from_args(FunctionCallInfo fcinfo, AclContext *ctx)
{
	acl_context_set(ctx,
					PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2),
					PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3));
}

/*
 * Take a request apart: access, auth id, session id, each of which may be
 * null.  Errors: 2202E when it is not an array of three.
 */
void
acl_request_read(ArrayType *array, AclRequest *request)
{
	Datum	   *elems;
	bool	   *nulls;
	int			count;
	text	   *parts[3];

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != 3)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("an access request has three elements"),
				 errhint("Use wazo_auth.acl_request(access, auth_id, session_id).")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elems, &nulls, &count);
	for (int i = 0; i < 3; i++)
		parts[i] = nulls[i] ? NULL : DatumGetTextPP(elems[i]);
	request->access = parts[0] != NULL ? VARDATA_ANY(parts[0]) : NULL;
	request->len = parts[0] != NULL ? VARSIZE_ANY_EXHDR(parts[0]) : 0;
	acl_context_set(&request->ctx, parts[1], parts[2]);
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
 * acl_grants(acl, access, auth_id, session_id): a null ACL gives null; a null
 * access is no question, and true.
 */
Datum
wazo_auth_acl_grants(PG_FUNCTION_ARGS)
{
	struct varlena *acl;
	text	   *access;
	AclContext	ctx;
	bool		result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(true);
	acl = PG_GETARG_ACL_PP(0);
	access = PG_GETARG_TEXT_PP(1);
	context_from_args(fcinfo, &ctx);
	result = grants(fcinfo, acl, VARDATA_ANY(access),
					VARSIZE_ANY_EXHDR(access), &ctx);
	PG_FREE_IF_COPY(acl, 0);
	PG_RETURN_BOOL(result);
}

/* acl_request(access, auth_id, session_id): the right side of @@. */
Datum
wazo_auth_acl_request(PG_FUNCTION_ARGS)
{
	Datum		elems[3];
	bool		nulls[3];
	int			dims[1] = {3};
	int			lower[1] = {1};

	for (int i = 0; i < 3; i++)
	{
		nulls[i] = PG_ARGISNULL(i);
		elems[i] = nulls[i] ? (Datum) 0 : PointerGetDatum(PG_GETARG_TEXT_PP(i));
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(elems, nulls, 1, dims, lower,
											 TEXTOID, -1, false,
											 TYPALIGN_INT));
}

/*
 * acl @@ request: acl_grants with its last three arguments in one array, so
 * that an index can serve it.
 */
Datum
wazo_auth_acl_grants_request(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);
	AclRequest	request;
	bool		result = true;

	acl_request_read(PG_GETARG_ARRAYTYPE_P(1), &request);
	if (request.access != NULL)
		result = grants(fcinfo, acl, request.access, request.len, &request.ctx);
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

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(true);
	access = PG_GETARG_TEXT_PP(1);
	context_from_args(fcinfo, &ctx);
	acl_digest_of(PG_GETARG_ACL_PP(0), &digest);
	program = acl_cache_lookup(&digest);
	if (program == NULL)
		program = acl_cache_insert(&digest, PG_GETARG_DATUM(0));
	PG_RETURN_BOOL(acl_program_grants(program, VARDATA_ANY(access),
									  VARSIZE_ANY_EXHDR(access), &ctx));
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
	context_from_args(fcinfo, &ctx);
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

/*
 * acl_refuses(acl, access): does a negative entry match, whoever holds the
 * ACL?  It then refuses the access together with any other ACL.
 */
Datum
wazo_auth_acl_refuses(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);
	text	   *wanted = PG_GETARG_TEXT_PP(1);
	AclAccess	access;
	AclReader	reader;
	AclEntry	entry;
	bool		refused = false;

	acl_access_init(&access, VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(wanted),
					NULL, &acl_backend_env);
	acl_reader_init(&reader, ACL_PACKED(acl));
	while (!refused && acl_reader_next(&reader, &entry))
		refused = entry.negative &&
			acl_pattern_match(&access, entry.text, entry.len, 0);
	acl_access_done(&access);
	PG_FREE_IF_COPY(acl, 0);
	PG_RETURN_BOOL(refused);
}
