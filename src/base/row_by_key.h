/*
 * row_by_key.h
 *	  Rows of one of the extension's tables, by a key.
 *
 * For look-ups that every request makes: they go through the index without the
 * executor, so nothing is planned, written or locked against writers, and they
 * work on a standby.  Table rights are not consulted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_ROW_BY_KEY_H
#define WAZO_AUTH_ROW_BY_KEY_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "base/catalog.h"

/*
 * A table and one of its indexes, as members of WazoCatalog and not as OIDs:
 * these are good only once the table is locked.
 */
typedef struct KeyOfTable
{
	size_t		table;
	size_t		index;
} KeyOfTable;

#define BY(table, index) \
	((KeyOfTable) {offsetof(WazoCatalog, table), offsetof(WazoCatalog, index)})

typedef struct RowByKey
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
} RowByKey;

/* Columns, in the order of sql/<domain>/tables.sql */
enum
{
	USER_UUID = 1,
	USER_TENANT_UUID,
	USER_ENABLED,
	USER_PURPOSE,
	USER_AUTHENTICATION_METHOD
};
enum
{
	PASSWORD_USER_UUID = 1,
	PASSWORD_HASH
};
enum
{
	LOGIN_LOGIN = 1,
	LOGIN_USER_UUID,
	LOGIN_IS_USERNAME
};
enum
{
	GROUP_UUID = 1,
	GROUP_TENANT_UUID,
	GROUP_NAME,
	GROUP_SLUG
};
enum
{
	GROUP_USER_GROUP_UUID = 1,
	GROUP_USER_USER_UUID
};
enum
{
	GROUP_POLICY_GROUP_UUID = 1,
	GROUP_POLICY_POLICY_UUID
};
enum
{
	USER_POLICY_USER_UUID = 1,
	USER_POLICY_POLICY_UUID
};
enum
{
	EMAIL_UUID = 1,
	EMAIL_USER_UUID,
	EMAIL_ADDRESS,
	EMAIL_MAIN,
	EMAIL_CONFIRMED
};
enum
{
	TENANT_UUID = 1,
	TENANT_PATH,
	TENANT_SLUG,
	TENANT_NAME,
	TENANT_PHONE,
	TENANT_DEFAULT_AUTHENTICATION_METHOD
};
enum
{
	POLICY_UUID = 1,
	POLICY_TENANT_UUID,
	POLICY_NAME,
	POLICY_SLUG,
	POLICY_DESCRIPTION,
	POLICY_ACL,
	POLICY_SHARED,
	POLICY_CONFIG_MANAGED
};
enum
{
	SESSION_TOKEN_DIGEST = 1,
	SESSION_UUID,
	SESSION_TENANT_UUID,
	SESSION_ACL_DIGEST,
	SESSION_EXPIRES_AT,
	SESSION_ISSUED_AT,
	SESSION_MOBILE,
	SESSION_USER_UUID,
	SESSION_AUTH_ID,
	SESSION_REFRESH_TOKEN_DIGEST,
	SESSION_USER_AGENT,
	SESSION_REMOTE_ADDR,
	SESSION_METADATA
};

extern bool row_open(RowByKey *row, KeyOfTable by, const pg_uuid_t *key);
extern bool row_open_text(RowByKey *row, KeyOfTable by, text *key);
extern bool rows_open(RowByKey *row, KeyOfTable by, int attnum, const pg_uuid_t *key);
extern bool row_next(RowByKey *row);
extern void row_close(RowByKey *row);
extern bool row_uuid_of(KeyOfTable by, const pg_uuid_t *key, int attnum, pg_uuid_t *value);

static inline Datum
row_get(const RowByKey *row, int attnum, bool *isnull)
{
	return heap_getattr(row->tuple, attnum, RelationGetDescr(row->rel), isnull);
}

static inline pg_uuid_t
row_get_uuid(const RowByKey *row, int attnum)
{
	bool		isnull;
	Datum		value = row_get(row, attnum, &isnull);

	Assert(!isnull);
	return *DatumGetUUIDP(value);
}

/* A text column, copied to the current memory context; the column is not null. */
static inline text *
row_get_text(const RowByKey *row, int attnum)
{
	bool		isnull;
	Datum		value = row_get(row, attnum, &isnull);

	Assert(!isnull);
	return DatumGetTextPCopy(value);
}

static inline bool
row_get_bool(const RowByKey *row, int attnum)
{
	bool		isnull;

	return DatumGetBool(row_get(row, attnum, &isnull));
}

#endif							/* WAZO_AUTH_ROW_BY_KEY_H */
