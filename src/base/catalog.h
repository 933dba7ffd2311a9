/*
 * catalog.h
 *	  Where the extension's own objects are: OIDs found by name once per
 *	  backend and forgotten when one of them changes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_CATALOG_H
#define WAZO_AUTH_CATALOG_H

#include "postgres.h"

typedef struct WazoCatalog
{
	Oid			schema;
	Oid			owner;			/* of the extension: handlers run as this role */
	Oid			session;
	Oid			session_pkey;
	Oid			session_of_user;	/* index by user_uuid, or InvalidOid */
	Oid			acl_set;
	Oid			acl_set_pkey;
	Oid			user;
	Oid			user_pkey;
	Oid			tenant;
	Oid			tenant_pkey;
	Oid			group;
	Oid			group_pkey;
	Oid			policy;
	Oid			policy_pkey;
	Oid			email;
	Oid			email_pkey;
	Oid			email_of_user;	/* index by user_uuid, or InvalidOid */
	Oid			login;
	Oid			login_pkey;
	Oid			password;
	Oid			password_pkey;
	Oid			group_user;
	Oid			group_user_pkey;
	Oid			group_policy;
	Oid			group_policy_pkey;
	Oid			user_policy;
	Oid			user_policy_pkey;
	Oid			route;
	Oid			setting;
	Oid			counted;		/* stands for what lists count, see cached_count.c */
	Oid			http_request;	/* row types */
	Oid			http_response;
	Oid			token_status;	/* enum type and its values */
	Oid			token_status_value[4];
} WazoCatalog;

extern const WazoCatalog *wazo_catalog(void);
extern Oid	wazo_catalog_counted(void);
extern Oid	wazo_catalog_setting(void);
extern void catalog_init(void);

#endif							/* WAZO_AUTH_CATALOG_H */
