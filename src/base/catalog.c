/*
 * catalog.c
 *	  Where the extension's own objects are.
 *
 * A token check must not look up names; it finds OIDs and column numbers here.
 * Those of a table are looked up again when the relation cache reports a change
 * of it, which ALTER TABLE, REINDEX, TRUNCATE and DROP EXTENSION all cause.
 *
 * Column numbers come from the server's catalog: an upgraded database may have
 * its columns in another order than sql/<domain>/tables.sql, and gaps.
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
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/extension.h"

/*
 * What is heard of during a look-up may void what it has found, so it is done
 * again; not for ever, since the server can be told to void everything all the
 * time (debug_discard_caches).  What was found last is used then, but not kept.
 */
#define MAX_LOOK_UPS	3

/* Every table, and the column of its key. */
static const struct
{
	const char *name;
	ColumnId	key;			/* N_COLUMNS: nobody looks for rows by it */
	bool		later;			/* not in 0.1.0, which this library serves until its upgrade; only watched */
}			tables[N_TABLES] = {
	[T_TENANT] = {"tenant", TENANT_UUID},
	[T_TENANT_CONTACT] = {"tenant_contact", TENANT_CONTACT_TENANT_UUID},
	[T_TENANT_DOMAIN] = {"tenant_domain", N_COLUMNS},
	[T_TENANT_ADDRESS] = {"tenant_address", TENANT_ADDRESS_TENANT_UUID},
	[T_USER] = {"user", USER_UUID},
	[T_PASSWORD] = {"password", PASSWORD_USER_UUID},
	[T_LOGIN] = {"login", LOGIN_LOGIN},
	[T_EMAIL] = {"email", N_COLUMNS},
	[T_GROUP] = {"group", GROUP_UUID},
	[T_GROUP_USER] = {"group_user", N_COLUMNS},
	[T_GROUP_POLICY] = {"group_policy", N_COLUMNS},
	[T_POLICY] = {"policy", POLICY_UUID},
	[T_USER_POLICY] = {"user_policy", N_COLUMNS},
	[T_ACL_SET] = {"acl_set", ACL_SET_DIGEST},
	[T_REFRESH_TOKEN] = {"refresh_token", REFRESH_TOKEN_TOKEN_DIGEST},
	[T_REFRESH_TOKEN_ROTATION] = {"refresh_token_rotation", N_COLUMNS},
	[T_SESSION] = {"session", SESSION_TOKEN_DIGEST},
	[T_SETTING] = {"setting", N_COLUMNS},
	[T_ROUTE] = {"route", N_COLUMNS},
	[T_CHECK] = {"check", N_COLUMNS},
	[T_AFTER_ROUTE] = {"after_route", N_COLUMNS, true},
	[T_REGISTRATION] = {"registration", N_COLUMNS, true},
	[T_IDENTITY_PROVIDER] = {"identity_provider", N_COLUMNS},
	[T_SCHEMA] = {"schema", N_COLUMNS},
	[T_SCHEMA_FIELD] = {"schema_field", N_COLUMNS},
	[T_EVENT_OUTBOX] = {"event_outbox", N_COLUMNS},
	[T_LOGIN_FAILURE] = {"login_failure", LOGIN_FAILURE_KEY},
	[T_AUDIT] = {"audit", N_COLUMNS},
	[T_AUDIT_PART] = {"audit_other", N_COLUMNS},
	[T_COUNTED] = {"counted", N_COLUMNS},
};

/* Every column; "indexed": rows are looked for by it, so its index is found too. */
static const struct
{
	TableId		table;
	const char *name;
	bool		indexed;
}			columns[N_COLUMNS] = {
	[TENANT_UUID] = {T_TENANT, "uuid", true},
	[TENANT_PATH] = {T_TENANT, "path", true},
	[TENANT_SLUG] = {T_TENANT, "slug"},
	[TENANT_NAME] = {T_TENANT, "name"},
	[TENANT_PHONE] = {T_TENANT, "phone"},
	[TENANT_DEFAULT_AUTHENTICATION_METHOD] = {T_TENANT, "default_authentication_method"},
	[TENANT_CONTACT_TENANT_UUID] = {T_TENANT_CONTACT, "tenant_uuid", true},
	[TENANT_CONTACT_USER_UUID] = {T_TENANT_CONTACT, "user_uuid"},
	[TENANT_DOMAIN_TENANT_UUID] = {T_TENANT_DOMAIN, "tenant_uuid", true},
	[TENANT_DOMAIN_NAME] = {T_TENANT_DOMAIN, "name"},
	[TENANT_ADDRESS_TENANT_UUID] = {T_TENANT_ADDRESS, "tenant_uuid", true},
	[TENANT_ADDRESS_ADDRESS] = {T_TENANT_ADDRESS, "address"},
	[USER_UUID] = {T_USER, "uuid", true},
	[USER_TENANT_UUID] = {T_USER, "tenant_uuid"},
	[USER_ENABLED] = {T_USER, "enabled"},
	[USER_AUTHENTICATION_METHOD] = {T_USER, "authentication_method"},
	[PASSWORD_USER_UUID] = {T_PASSWORD, "user_uuid", true},
	[PASSWORD_HASH] = {T_PASSWORD, "hash"},
	[PASSWORD_KIND] = {T_PASSWORD, "kind", true},
	[LOGIN_LOGIN] = {T_LOGIN, "login", true},
	[LOGIN_USER_UUID] = {T_LOGIN, "user_uuid"},
	[LOGIN_IS_USERNAME] = {T_LOGIN, "is_username"},
	[EMAIL_USER_UUID] = {T_EMAIL, "user_uuid", true},
	[EMAIL_ADDRESS] = {T_EMAIL, "address"},
	[EMAIL_CONFIRMED] = {T_EMAIL, "confirmed"},
	[GROUP_UUID] = {T_GROUP, "uuid", true},
	[GROUP_TENANT_UUID] = {T_GROUP, "tenant_uuid"},
	[GROUP_SLUG] = {T_GROUP, "slug"},
	[GROUP_USER_USER_UUID] = {T_GROUP_USER, "user_uuid", true},
	[GROUP_USER_GROUP_UUID] = {T_GROUP_USER, "group_uuid"},
	[GROUP_POLICY_GROUP_UUID] = {T_GROUP_POLICY, "group_uuid", true},
	[GROUP_POLICY_POLICY_UUID] = {T_GROUP_POLICY, "policy_uuid"},
	[POLICY_UUID] = {T_POLICY, "uuid", true},
	[POLICY_TENANT_UUID] = {T_POLICY, "tenant_uuid"},
	[POLICY_SHARED] = {T_POLICY, "shared"},
	[POLICY_CONFIG_MANAGED] = {T_POLICY, "config_managed"},
	[POLICY_SLUG] = {T_POLICY, "slug"},
	[POLICY_ACL] = {T_POLICY, "acl"},
	[USER_POLICY_USER_UUID] = {T_USER_POLICY, "user_uuid", true},
	[USER_POLICY_POLICY_UUID] = {T_USER_POLICY, "policy_uuid"},
	[ACL_SET_DIGEST] = {T_ACL_SET, "digest", true},
	[ACL_SET_ACL] = {T_ACL_SET, "acl"},
	[REFRESH_TOKEN_TOKEN_DIGEST] = {T_REFRESH_TOKEN, "token_digest", true},
	[REFRESH_TOKEN_USER_UUID] = {T_REFRESH_TOKEN, "user_uuid"},
	[REFRESH_TOKEN_CLIENT_ID] = {T_REFRESH_TOKEN, "client_id"},
	[REFRESH_TOKEN_ROTATION_FAMILY] = {T_REFRESH_TOKEN_ROTATION, "family", true},
	[SESSION_TOKEN_DIGEST] = {T_SESSION, "token_digest", true},
	[SESSION_UUID] = {T_SESSION, "uuid"},
	[SESSION_TENANT_UUID] = {T_SESSION, "tenant_uuid"},
	[SESSION_ACL_DIGEST] = {T_SESSION, "acl_digest"},
	[SESSION_EXPIRES_AT] = {T_SESSION, "expires_at"},
	[SESSION_ISSUED_AT] = {T_SESSION, "issued_at"},
	[SESSION_MOBILE] = {T_SESSION, "mobile"},
	[SESSION_USER_UUID] = {T_SESSION, "user_uuid", true},
	[SESSION_AUTH_ID] = {T_SESSION, "auth_id"},
	[SESSION_REFRESH_TOKEN_DIGEST] = {T_SESSION, "refresh_token_digest"},
	[SESSION_USER_AGENT] = {T_SESSION, "user_agent"},
	[SESSION_REMOTE_ADDR] = {T_SESSION, "remote_addr"},
	[SESSION_METADATA] = {T_SESSION, "metadata"},
	[SCHEMA_NAME] = {T_SCHEMA, "name"},
	[SCHEMA_FAMILY] = {T_SCHEMA, "family"},
	[SCHEMA_RESOURCE] = {T_SCHEMA, "resource"},
	[SCHEMA_ERROR_ID] = {T_SCHEMA, "error_id"},
	[SCHEMA_MAX_ITEMS] = {T_SCHEMA, "max_items"},
	[SCHEMA_REFUSE_UNKNOWN] = {T_SCHEMA, "refuse_unknown"},
	[SCHEMA_CROSS_CHECK] = {T_SCHEMA, "cross_check"},
	[SCHEMA_BODY_BYTES] = {T_SCHEMA, "body_bytes"},
	[SCHEMA_BODY_DEPTH] = {T_SCHEMA, "body_depth"},
	[SCHEMA_BODY_VALUES] = {T_SCHEMA, "body_values"},
	[SCHEMA_FIELD_SCHEMA] = {T_SCHEMA_FIELD, "schema"},
	[SCHEMA_FIELD_POSITION] = {T_SCHEMA_FIELD, "position"},
	[SCHEMA_FIELD_NAME] = {T_SCHEMA_FIELD, "name"},
	[SCHEMA_FIELD_REQUIRED] = {T_SCHEMA_FIELD, "required"},
	[SCHEMA_FIELD_NULLABLE] = {T_SCHEMA_FIELD, "nullable"},
	[SCHEMA_FIELD_DEFAULT_VALUE] = {T_SCHEMA_FIELD, "default_value"},
	[SCHEMA_FIELD_ITEM_SCHEMA] = {T_SCHEMA_FIELD, "item_schema"},
	[SCHEMA_FIELD_TYPE] = {T_SCHEMA_FIELD, "type"},
	[SCHEMA_FIELD_MIN] = {T_SCHEMA_FIELD, "min"},
	[SCHEMA_FIELD_MAX] = {T_SCHEMA_FIELD, "max"},
	[SCHEMA_FIELD_CHOICES] = {T_SCHEMA_FIELD, "choices"},
	[SCHEMA_FIELD_PATTERN] = {T_SCHEMA_FIELD, "pattern"},
	[SCHEMA_FIELD_CHECK_PATTERN] = {T_SCHEMA_FIELD, "check_pattern"},
	[SCHEMA_FIELD_MAX_BYTES] = {T_SCHEMA_FIELD, "max_bytes"},
	[SCHEMA_FIELD_ITEM_TYPE] = {T_SCHEMA_FIELD, "item_type"},
	[SCHEMA_FIELD_ITEM_MIN] = {T_SCHEMA_FIELD, "item_min"},
	[SCHEMA_FIELD_ITEM_MAX] = {T_SCHEMA_FIELD, "item_max"},
	[SCHEMA_FIELD_ITEM_CHOICES] = {T_SCHEMA_FIELD, "item_choices"},
	[SCHEMA_FIELD_ITEM_PATTERN] = {T_SCHEMA_FIELD, "item_pattern"},
	[SCHEMA_FIELD_ITEM_CHECK_PATTERN] = {T_SCHEMA_FIELD, "item_check_pattern"},
	[SCHEMA_FIELD_ITEM_MAX_BYTES] = {T_SCHEMA_FIELD, "item_max_bytes"},
	[EVENT_OUTBOX_NAME] = {T_EVENT_OUTBOX, "name"},
	[EVENT_OUTBOX_OBJECT_UUID] = {T_EVENT_OUTBOX, "object_uuid"},
	[EVENT_OUTBOX_ROUTING_KEY] = {T_EVENT_OUTBOX, "routing_key"},
	[EVENT_OUTBOX_DATA] = {T_EVENT_OUTBOX, "data"},
	[EVENT_OUTBOX_TENANT_UUID] = {T_EVENT_OUTBOX, "tenant_uuid"},
	[EVENT_OUTBOX_SESSION_UUID] = {T_EVENT_OUTBOX, "session_uuid"},
	[EVENT_OUTBOX_AUDIENCE] = {T_EVENT_OUTBOX, "audience"},
	[LOGIN_FAILURE_KEY] = {T_LOGIN_FAILURE, "key", true},
	[AUDIT_AT] = {T_AUDIT, "at"},
	[AUDIT_OBJECT] = {T_AUDIT, "object"},
	[AUDIT_ACTION] = {T_AUDIT, "action"},
	[AUDIT_STATUS] = {T_AUDIT, "status"},
	[AUDIT_OBJECT_UUID] = {T_AUDIT, "object_uuid"},
	[AUDIT_TENANT_UUID] = {T_AUDIT, "tenant_uuid"},
	[AUDIT_AUTH_ID] = {T_AUDIT, "auth_id"},
	[AUDIT_SESSION_UUID] = {T_AUDIT, "session_uuid"},
	[AUDIT_PEER] = {T_AUDIT, "peer"},
	[AUDIT_REQUEST] = {T_AUDIT, "request"},
	[AUDIT_ROLE] = {T_AUDIT, "role"},
	[AUDIT_APPLICATION] = {T_AUDIT, "application"},
	[AUDIT_BEFORE] = {T_AUDIT, "before"},
	[AUDIT_AFTER] = {T_AUDIT, "after"},
};

static Oid	table_oid[N_TABLES];
static TableWatch table_watch[N_TABLES];
static AttrNumber column_number[N_COLUMNS];
static Oid	column_index[N_COLUMNS];

static WazoCatalog others;
static TableWatch others_watch;

static void
raise_missing(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("wazo_auth.%s does not exist in this database", name),
			 errhint("Run CREATE EXTENSION wazo_auth, or ALTER EXTENSION wazo_auth UPDATE.")));
}

/* Has the index all rows, and in the order of the column? */
static bool
index_serves(Relation index, Relation rel, AttrNumber column)
{
	return index->rd_index->indisvalid && index->rd_index->indkey.values[0] == column &&
		index->rd_rel->relam == BTREE_AM_OID && index->rd_indoption[0] == 0 &&
		index->rd_indcollation[0] == TupleDescAttr(RelationGetDescr(rel), column - 1)->attcollation &&
		RelationGetIndexPredicate(index) == NIL;
}

/*
 * An index that a look-up by one column can use, a unique one if there is;
 * InvalidOid: it scans the table.
 */
static Oid
find_index(Relation rel, AttrNumber column)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	Oid			result = InvalidOid;
	bool		unique = false;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (!unique && index_serves(index, rel, column))
		{
			result = RelationGetRelid(index);
			unique = index->rd_index->indisunique && index->rd_index->indnkeyatts == 1;
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return result;
}

static void
find_columns(TableId table, Relation rel)
{
	for (int i = 0; i < N_COLUMNS; i++)
	{
		if (columns[i].table != table)
			continue;
		column_number[i] = get_attnum(RelationGetRelid(rel), columns[i].name);
		if (column_number[i] == InvalidAttrNumber)
			raise_missing(psprintf("%s.%s", tables[table].name, columns[i].name));
		if (columns[i].indexed)
			column_index[i] = find_index(rel, column_number[i]);
	}
}

static void
find_table(TableId table)
{
	Oid			schema;
	Oid			owner;
	Relation	rel;

	table_watch_place(table, InvalidOid);
	extension_place(&schema, &owner);
	table_oid[table] = get_relname_relid(tables[table].name, schema);
	rel = OidIsValid(table_oid[table]) ? try_table_open(table_oid[table], AccessShareLock) : NULL;
	if (rel == NULL && tables[table].later)
		return;
	if (rel == NULL)
		raise_missing(tables[table].name);
	find_columns(table, rel);
	table_close(rel, AccessShareLock);
	table_watch_place(table, table_oid[table]);
}

/* Looks a table up if something has been heard of it. */
static void
know_table(TableId table)
{
	for (int i = 0; i < MAX_LOOK_UPS && !table_watch_unchanged(&table_watch[table]); i++)
	{
		TableWatch	watch = table_watch_begin(TABLE_BIT(table));

		find_table(table);
		table_watch[table] = watch;
	}
}

/*
 * catalog_table
 *
 * The OID of a table.  From here on, and as long as nothing else is looked up,
 * catalog_column() and catalog_index() tell of the same table.  Raises 42704
 * (undefined_object) when the table or one of its columns is not there, 3F000
 * when the extension's schema was renamed.
 */
Oid
catalog_table(TableId table)
{
	know_table(table);
	return table_oid[table];
}

/*
 * catalog_open
 *
 * Opens a table with a lock.  Locks it and then looks it up once more: REINDEX
 * CONCURRENTLY may have replaced its index since this process last heard of
 * changes, and waits for our lock before it drops the old one; ALTER TABLE
 * waits for it altogether.  So columns and indexes stay as they are until the
 * table is closed.  Raises 42704 when it is not there.
 */
Relation
catalog_open(TableId table, LOCKMODE mode)
{
	for (;;)
	{
		Oid			relid = catalog_table(table);
		Relation	rel = try_table_open(relid, mode);

		if (catalog_table(table) == relid && rel != NULL)
			return rel;
		if (rel != NULL)
			table_close(rel, mode);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The table of a column. */
TableId
catalog_table_of(ColumnId column)
{
	return columns[column].table;
}

/* The column of a table's key; the table has one. */
ColumnId
catalog_key(TableId table)
{
	Assert(tables[table].key != N_COLUMNS);
	return tables[table].key;
}

/* The number of a column in its table, which the caller has locked. */
AttrNumber
catalog_column(ColumnId column)
{
	return column_number[column];
}

/* The name of a column. */
const char *
catalog_column_name(ColumnId column)
{
	return columns[column].name;
}

/* The index of an indexed column of a table that the caller has locked, or InvalidOid. */
Oid
catalog_index(ColumnId column)
{
	Assert(columns[column].indexed);
	return column_index[column];
}

/*
 * catalog_watch
 *
 * Begins to watch tables (TABLE_BIT of each), for what a cache reads from now
 * on.  Raises 42704 when one of them is not there.
 */
TableWatch
catalog_watch(uint64 watched)
{
	for (int i = 0; i < N_TABLES; i++)
		if ((watched & TABLE_BIT(i)) != 0)
			know_table(i);
	return table_watch_begin(watched);
}

static Oid
find_type(Oid schema, const char *name)
{
	Oid			typid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
										CStringGetDatum(name), ObjectIdGetDatum(schema));

	if (!OidIsValid(typid))
		raise_missing(name);
	return typid;
}

static void
find_others(WazoCatalog *found)
{
	static const char *const status_name[N_TOKEN_STATUS] = TOKEN_STATUS_NAMES;

	extension_place(&found->schema, &found->owner);
	found->http_request = find_type(found->schema, "http_request");
	found->http_response = find_type(found->schema, "http_response");
	found->token_status = find_type(found->schema, "token_status");
	for (int i = 0; i < N_TOKEN_STATUS; i++)
	{
		found->token_status_value[i] =
			GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid,
							ObjectIdGetDatum(found->token_status), CStringGetDatum(status_name[i]));
		if (!OidIsValid(found->token_status_value[i]))
			raise_missing("token_status");
	}
}

/*
 * wazo_catalog
 *
 * Returns the OIDs of what is no table; the pointer is good until the next
 * call.  They come and go with the tables of the extension, of which one is
 * watched for them.  Raises 42704 when the extension is not there and 3F000
 * when its schema was renamed.
 */
const WazoCatalog *
wazo_catalog(void)
{
	for (int i = 0; i < MAX_LOOK_UPS && !table_watch_unchanged(&others_watch); i++)
	{
		TableWatch	watch = catalog_watch(TABLE_BIT(T_TENANT));

		find_others(&others);
		others_watch = watch;
	}
	return &others;
}
