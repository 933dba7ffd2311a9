/*
 * catalog.h
 *	  Where the extension's own objects are: tables, their columns and indexes,
 *	  types, found by name once per process and again when they have changed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_CATALOG_H
#define WAZO_AUTH_CATALOG_H

#include "postgres.h"

#include "access/attnum.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

#include "base/table_watch.h"

/* The tables that C reads or keeps something of; the names are in catalog.c. */
typedef enum TableId
{
	T_TENANT,
	T_TENANT_CONTACT,
	T_TENANT_DOMAIN,
	T_TENANT_ADDRESS,
	T_USER,
	T_PASSWORD,
	T_LOGIN,
	T_EMAIL,
	T_GROUP,
	T_GROUP_USER,
	T_GROUP_POLICY,
	T_POLICY,
	T_USER_POLICY,
	T_ACL_SET,
	T_REFRESH_TOKEN,
	T_REFRESH_TOKEN_ROTATION,
	T_SESSION,
	T_SETTING,
	T_ROUTE,
	T_CHECK,
	T_AFTER_ROUTE,
	T_REGISTRATION,
	T_IDENTITY_PROVIDER,
	T_SCHEMA,
	T_SCHEMA_FIELD,
	T_EVENT_OUTBOX,
	T_LOGIN_FAILURE,
	T_AUDIT,
	T_AUDIT_PART,				/* stands for the part of audit that rows go to, see row_insert.c */
	T_COUNTED,					/* stands for what lists count, see cached_count.c */
	N_TABLES
} TableId;

#define TABLE_BIT(table)	(UINT64CONST(1) << (table))

/* The columns that C reads, each known by its table and its name in catalog.c. */
typedef enum ColumnId
{
	TENANT_UUID,
	TENANT_PATH,
	TENANT_SLUG,
	TENANT_NAME,
	TENANT_PHONE,
	TENANT_DEFAULT_AUTHENTICATION_METHOD,
	TENANT_CONTACT_TENANT_UUID,
	TENANT_CONTACT_USER_UUID,
	TENANT_DOMAIN_TENANT_UUID,
	TENANT_DOMAIN_NAME,
	TENANT_ADDRESS_TENANT_UUID,
	TENANT_ADDRESS_ADDRESS,
	USER_UUID,
	USER_TENANT_UUID,
	USER_ENABLED,
	USER_AUTHENTICATION_METHOD,
	PASSWORD_USER_UUID,
	PASSWORD_HASH,
	PASSWORD_KIND,
	LOGIN_LOGIN,
	LOGIN_USER_UUID,
	LOGIN_IS_USERNAME,
	EMAIL_USER_UUID,
	EMAIL_ADDRESS,
	EMAIL_CONFIRMED,
	GROUP_UUID,
	GROUP_TENANT_UUID,
	GROUP_SLUG,
	GROUP_USER_USER_UUID,
	GROUP_USER_GROUP_UUID,
	GROUP_POLICY_GROUP_UUID,
	GROUP_POLICY_POLICY_UUID,
	POLICY_UUID,
	POLICY_TENANT_UUID,
	POLICY_SHARED,
	POLICY_CONFIG_MANAGED,
	POLICY_SLUG,
	POLICY_ACL,
	USER_POLICY_USER_UUID,
	USER_POLICY_POLICY_UUID,
	ACL_SET_DIGEST,
	ACL_SET_ACL,
	REFRESH_TOKEN_TOKEN_DIGEST,
	REFRESH_TOKEN_USER_UUID,
	REFRESH_TOKEN_CLIENT_ID,
	REFRESH_TOKEN_ROTATION_FAMILY,
	SESSION_TOKEN_DIGEST,
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
	SESSION_METADATA,
	SCHEMA_NAME,
	SCHEMA_FAMILY,
	SCHEMA_RESOURCE,
	SCHEMA_ERROR_ID,
	SCHEMA_MAX_ITEMS,
	SCHEMA_REFUSE_UNKNOWN,
	SCHEMA_CROSS_CHECK,
	SCHEMA_BODY_BYTES,
	SCHEMA_BODY_DEPTH,
	SCHEMA_BODY_VALUES,
	SCHEMA_FIELD_SCHEMA,
	SCHEMA_FIELD_POSITION,
	SCHEMA_FIELD_NAME,
	SCHEMA_FIELD_REQUIRED,
	SCHEMA_FIELD_NULLABLE,
	SCHEMA_FIELD_DEFAULT_VALUE,
	SCHEMA_FIELD_ITEM_SCHEMA,
	/* what a value must be, and an item of a list: the same in the same order */
	SCHEMA_FIELD_TYPE,
	SCHEMA_FIELD_MIN,
	SCHEMA_FIELD_MAX,
	SCHEMA_FIELD_CHOICES,
	SCHEMA_FIELD_PATTERN,
	SCHEMA_FIELD_CHECK_PATTERN,
	SCHEMA_FIELD_MAX_BYTES,
	SCHEMA_FIELD_ITEM_TYPE,
	SCHEMA_FIELD_ITEM_MIN,
	SCHEMA_FIELD_ITEM_MAX,
	SCHEMA_FIELD_ITEM_CHOICES,
	SCHEMA_FIELD_ITEM_PATTERN,
	SCHEMA_FIELD_ITEM_CHECK_PATTERN,
	SCHEMA_FIELD_ITEM_MAX_BYTES,
	EVENT_OUTBOX_NAME,
	EVENT_OUTBOX_OBJECT_UUID,
	EVENT_OUTBOX_ROUTING_KEY,
	EVENT_OUTBOX_DATA,
	EVENT_OUTBOX_TENANT_UUID,
	EVENT_OUTBOX_SESSION_UUID,
	EVENT_OUTBOX_AUDIENCE,
	LOGIN_FAILURE_KEY,
	AUDIT_AT,
	AUDIT_OBJECT,
	AUDIT_ACTION,
	AUDIT_STATUS,
	AUDIT_OBJECT_UUID,
	AUDIT_TENANT_UUID,
	AUDIT_AUTH_ID,
	AUDIT_SESSION_UUID,
	AUDIT_PEER,
	AUDIT_REQUEST,
	AUDIT_ROLE,
	AUDIT_APPLICATION,
	AUDIT_BEFORE,
	AUDIT_AFTER,
	N_COLUMNS
} ColumnId;

/* The labels of wazo_auth.token_status, in the order of TokenStatus in token.h. */
#define TOKEN_STATUS_NAMES	{"valid", "unknown", "access_denied", "tenant_denied"}
#define N_TOKEN_STATUS		4

typedef struct WazoCatalog
{
	Oid			schema;
	Oid			owner;			/* of the extension: handlers run as this role */
	Oid			http_request;	/* row types */
	Oid			http_response;
	Oid			token_status;	/* enum type and its values */
	Oid			token_status_value[N_TOKEN_STATUS];
} WazoCatalog;

extern const WazoCatalog *wazo_catalog(void);
extern Oid	catalog_table(TableId table);
extern Relation catalog_open(TableId table, LOCKMODE mode);
extern TableId catalog_table_of(ColumnId column);
extern ColumnId catalog_key(TableId table);
extern AttrNumber catalog_column(ColumnId column);
extern const char *catalog_column_name(ColumnId column);
extern Oid	catalog_index(ColumnId column);
extern TableWatch catalog_watch(uint64 tables);

#endif							/* WAZO_AUTH_CATALOG_H */
