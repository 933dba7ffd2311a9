/*
 * catalog.c
 *	  Where the extension's own objects are.
 *
 * A token check must not look up names; it finds the OIDs here.  They are
 * forgotten when the relation cache reports a change of one of the tables,
 * which DROP EXTENSION, ALTER EXTENSION and TRUNCATE all cause.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/extension.h"
#include "base/row_by_key.h"
#include "sessions/token.h"

static WazoCatalog catalog;
static bool catalog_valid = false;
static uint64 changes = 0;		/* of any table, as far as heard */

static void
catalog_invalidate(Datum arg, Oid relid)
{
	changes++;
	if (relid == InvalidOid || relid == catalog.session || relid == catalog.acl_set ||
		relid == catalog.user || relid == catalog.tenant ||
		relid == catalog.group || relid == catalog.policy ||
		relid == catalog.email || relid == catalog.login || relid == catalog.password ||
		relid == catalog.group_user || relid == catalog.group_policy ||
		relid == catalog.user_policy ||
		relid == catalog.route || relid == catalog.setting)
		catalog_valid = false;
}

/* A schema was made, dropped, renamed or given away: rare, so whichever it was. */
static void
schema_invalidate(Datum arg, int cacheid, uint32 hashvalue)
{
	changes++;
	catalog_valid = false;
}

/* Registers the invalidation callback; called once per backend. */
void
catalog_init(void)
{
	CacheRegisterRelcacheCallback(catalog_invalidate, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_invalidate, (Datum) 0);
}

static void
missing(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("wazo_auth.%s does not exist in this database", name),
			 errhint("Run CREATE EXTENSION wazo_auth, or ALTER EXTENSION wazo_auth UPDATE.")));
}

static Oid
find_table(Oid schema, const char *name, Oid *pkey)
{
	Oid			relid = get_relname_relid(name, schema);

	if (!OidIsValid(relid))
		missing(name);
	if (pkey)
	{
		Relation	rel = table_open(relid, AccessShareLock);

		(void) RelationGetIndexList(rel);
		*pkey = rel->rd_pkindex;
		table_close(rel, AccessShareLock);
		if (!OidIsValid(*pkey))
			missing(name);
	}
	return relid;
}

/* An index that a look-up by one column can use; without one it scans the table. */
static Oid
find_index(Oid relid, int attnum)
{
	Relation	rel = table_open(relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	Oid			result = InvalidOid;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisvalid && index->rd_index->indkey.values[0] == attnum &&
			index->rd_rel->relam == BTREE_AM_OID && RelationGetIndexPredicate(index) == NIL)
			result = RelationGetRelid(index);
		index_close(index, AccessShareLock);
		if (OidIsValid(result))
			break;
	}
	list_free(indexes);
	table_close(rel, AccessShareLock);
	return result;
}

static Oid
find_type(Oid schema, const char *name)
{
	Oid			typid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
										CStringGetDatum(name), ObjectIdGetDatum(schema));

	if (!OidIsValid(typid))
		missing(name);
	return typid;
}

static void
look_up(WazoCatalog *found)
{
	static const char *const status_name[] = TOKEN_STATUS_NAMES;

	extension_place(&found->schema, &found->owner);
	found->session = find_table(found->schema, "session", &found->session_pkey);
	found->session_of_user = find_index(found->session, SESSION_USER_UUID);
	found->acl_set = find_table(found->schema, "acl_set", &found->acl_set_pkey);
	found->user = find_table(found->schema, "user", &found->user_pkey);
	found->tenant = find_table(found->schema, "tenant", &found->tenant_pkey);
	found->group = find_table(found->schema, "group", &found->group_pkey);
	found->policy = find_table(found->schema, "policy", &found->policy_pkey);
	found->email = find_table(found->schema, "email", &found->email_pkey);
	found->email_of_user = find_index(found->email, EMAIL_USER_UUID);
	found->login = find_table(found->schema, "login", &found->login_pkey);
	found->password = find_table(found->schema, "password", &found->password_pkey);
	found->group_user = find_table(found->schema, "group_user", &found->group_user_pkey);
	found->group_policy = find_table(found->schema, "group_policy", &found->group_policy_pkey);
	found->user_policy = find_table(found->schema, "user_policy", &found->user_policy_pkey);
	found->route = find_table(found->schema, "route", NULL);
	found->setting = find_table(found->schema, "setting", NULL);
	found->counted = find_table(found->schema, "counted", NULL);
	found->http_request = find_type(found->schema, "http_request");
	found->http_response = find_type(found->schema, "http_response");
	found->token_status = find_type(found->schema, "token_status");
	for (int i = 0; i < lengthof(status_name); i++)
	{
		found->token_status_value[i] =
			GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
							ObjectIdGetDatum(found->token_status), CStringGetDatum(status_name[i]));
		if (!OidIsValid(found->token_status_value[i]))
			missing("token_status");
	}
}

/*
 * wazo_catalog
 *
 * Returns the OIDs of the extension's objects; the pointer is good until the
 * next call.  Raises 42704 (undefined_object) when the extension is not there.
 */
const WazoCatalog *
wazo_catalog(void)
{
	WazoCatalog found;
	uint64		started;

	if (likely(catalog_valid))
		return &catalog;

	/* What is heard of during the look-ups may void what they have found. */
	do
	{
		CHECK_FOR_INTERRUPTS();
		started = changes;
		look_up(&found);
	} while (started != changes);
	catalog = found;
	catalog_valid = true;
	return &catalog;
}

/*
 * wazo_catalog_counted, wazo_catalog_setting
 *
 * The OIDs of these tables as last known, for invalidation callbacks, which
 * must not look up anything.
 */
Oid
wazo_catalog_counted(void)
{
	return catalog.counted;
}

Oid
wazo_catalog_setting(void)
{
	return catalog.setting;
}
