/*
 * acl_gin.c
 *	  GIN operator class: which ACLs grant an access?
 *
 * Keys are made in acl_keys.c and kept as bytea, so that their order does not
 * depend on a locale.  An ACL without a positive entry has no key and is never
 * found, which is right: it grants nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "access/gin.h"
#include "access/stratnum.h"
#include "plain/acl_keys.h"
#include "acl/acl_op.h"

PG_FUNCTION_INFO_V1(wazo_auth_acl_gin_extract_value);
PG_FUNCTION_INFO_V1(wazo_auth_acl_gin_extract_query);
PG_FUNCTION_INFO_V1(wazo_auth_acl_gin_consistent);
PG_FUNCTION_INFO_V1(wazo_auth_acl_gin_triconsistent);

static Datum
make_key(const char *key, size_t len)
{
	bytea	   *datum = palloc(VARHDRSZ + len);

	SET_VARSIZE(datum, VARHDRSZ + len);
	memcpy(VARDATA(datum), key, len);
	return PointerGetDatum(datum);
}

/* Keys of an ACL; GIN itself drops duplicates. */
Datum
wazo_auth_acl_gin_extract_value(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);
	int32	   *nkeys = (int32 *) PG_GETARG_POINTER(1);
	uint32		count = acl_packed_count(ACL_PACKED(acl));
	Datum	   *keys = palloc(sizeof(Datum) * Max(count, 1));
	char		key[ACL_MAX_KEY];
	AclReader	reader;
	AclEntry	entry;

	*nkeys = 0;
	acl_reader_init(&reader, ACL_PACKED(acl));
	while (acl_reader_next(&reader, &entry))
		if (!entry.negative)
			keys[(*nkeys)++] = make_key(key, acl_entry_key(&entry, key));
	PG_RETURN_POINTER(keys);
}

typedef struct KeyList
{
	Datum	   *keys;
	int			count;
} KeyList;

static void
add_key(void *arg, const char *key, size_t len)
{
	KeyList    *list = arg;

	list->keys[list->count++] = make_key(key, len);
}

/*
 * Keys of a question: an access for @>, a request for @@.  A request without
 * an access is granted by every ACL.
 */
Datum
wazo_auth_acl_gin_extract_query(PG_FUNCTION_ARGS)
{
	int32	   *nkeys = (int32 *) PG_GETARG_POINTER(1);
	StrategyNumber strategy = PG_GETARG_UINT16(2);
	int32	   *mode = (int32 *) PG_GETARG_POINTER(6);
	AclAccess	access;
	KeyList		list;
	bool		all;

	list.keys = palloc(sizeof(Datum) * ACL_MAX_PROBES);
	list.count = 0;
	if (strategy == ACL_STRATEGY_CONTAINS)
	{
		text	   *wanted = PG_GETARG_TEXT_PP(0);

		acl_access_init(&access, VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(wanted),
						NULL, &acl_backend_env);
		all = !acl_access_keys(&access, add_key, &list);
	}
	else if (strategy == ACL_STRATEGY_REQUEST)
	{
		AclRequest	request;

		acl_request_read(PG_GETARG_ARRAYTYPE_P(0), &request);
		all = request.access == NULL;
		if (!all)
		{
			acl_access_init(&access, request.access, request.len, &request.ctx,
							&acl_backend_env);
			all = !acl_access_keys(&access, add_key, &list);
		}
	}
	else
		elog(ERROR, "unrecognized strategy number: %d", strategy);

	if (all)
	{
		*mode = GIN_SEARCH_MODE_ALL;
		*nkeys = 0;
		PG_RETURN_POINTER(NULL);
	}
	*nkeys = list.count;
	PG_RETURN_POINTER(list.keys);
}

/* One key is enough to ask the ACL; without keys (see above) any is asked. */
Datum
wazo_auth_acl_gin_consistent(PG_FUNCTION_ARGS)
{
	bool	   *check = (bool *) PG_GETARG_POINTER(0);
	int32		nkeys = PG_GETARG_INT32(3);
	bool	   *recheck = (bool *) PG_GETARG_POINTER(5);

	*recheck = true;
	for (int32 i = 0; i < nkeys; i++)
		if (check[i])
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(nkeys == 0);
}

Datum
wazo_auth_acl_gin_triconsistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *check = (GinTernaryValue *) PG_GETARG_POINTER(0);
	int32		nkeys = PG_GETARG_INT32(3);

	for (int32 i = 0; i < nkeys; i++)
		if (check[i] != GIN_FALSE)
			PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE);
	PG_RETURN_GIN_TERNARY_VALUE(nkeys == 0 ? GIN_MAYBE : GIN_FALSE);
}
