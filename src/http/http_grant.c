/*
 * http_grant.c
 *	  What a caller may give to others and take from them: accesses that its
 *	  own token grants, and no more (contract: acl.md section 2).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "http/http_access.h"
#include "http/http_call.h"
#include "http/http_grant.h"
#include "http/http_sql.h"

/* An entry that begins with "!" may be given by anybody. */
static void
check_entry(HttpCall *call, bool removing, const char *entry, size_t len)
{
	bool		negative = len > 0 && entry[0] == '!';
	bool		granted;

	CHECK_FOR_INTERRUPTS();
	if (negative && !removing)
		return;
	granted = session_grants(&call->session, entry + negative, len - negative);
	if (!granted)
		raise_refused_grant(call, entry, len);
}

/* The member "acl" of the body, [] when there is none. */
static Jsonb *
body_acl(HttpCall *call)
{
	JsonbValue	buffer;
	JsonbValue *acl = NULL;

	if (call->json && JB_ROOT_IS_OBJECT(call->json))
		acl = getKeyJsonValueFromContainer(&call->json->root, "acl", 3, &buffer);
	if (acl && acl->type == jbvBinary && JsonContainerIsArray(acl->val.binary.data))
		return JsonbValueToJsonb(acl);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("[]")));
}

static void
check_body(HttpCall *call)
{
	JsonbIterator *it = JsonbIteratorInit(&body_acl(call)->root);
	JsonbIteratorToken token;
	JsonbValue	item;

	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if (token == WJB_ELEM && item.type == jbvString)
			check_entry(call, false, item.val.string.val, item.val.string.len);
}

/* Each entry that a question answers. */
static void
check_answers(HttpCall *call, bool removing, HttpSql which, Datum arg1, Datum arg2)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	http_query(which, arg1, arg2);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		text	   *entry = DatumGetTextPP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		check_entry(call, removing, VARDATA_ANY(entry), VARSIZE_ANY_EXHDR(entry));
	}
	SPI_finish();
}

/*
 * http_check_grant
 *
 * The caller's token must grant each access that the request gives (or, with
 * "removing", takes): the path's {access}; else those of the body's acl, when
 * giving; else those of the policy in the path, of which "removing" leaves out
 * what the body keeps; else those of all policies of the group in the path,
 * which its members come by.  A policy that is looked at stays locked, so that
 * it is given or taken as it was judged.  Raises WA401 for the first one refused.
 */
void
http_check_grant(HttpCall *call, bool removing)
{
	HttpSpan	access = http_path_param(call, "access", strlen("access"));

	if (access.s)
		check_entry(call, removing, access.s, access.len);
	else if (call->json && !removing)
		check_body(call);
	else if (!call->has_policy)
		check_answers(call, removing, HTTP_SQL_GROUP_ACL, UUIDPGetDatum(&call->group), (Datum) 0);
	else if (removing)
		check_answers(call, true, HTTP_SQL_ACL_TAKEN, UUIDPGetDatum(&call->policy), JsonbPGetDatum(body_acl(call)));
	else
		check_answers(call, false, HTTP_SQL_ACL_GIVEN, UUIDPGetDatum(&call->policy), (Datum) 0);
}
