/*
 * wazo_auth.c
 *	  Module start: only calls what each concern defines.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "acl_cache.h"
#include "api_yaml.h"
#include "cached_query.h"
#include "catalog.h"
#include "hash_limit.h"
#include "key_file.h"
#include "http_route.h"
#include "password.h"
#include "schema_registry.h"
#include "setting_cache.h"
#include "worker.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	catalog_init();
	cached_count_init();
	setting_cache_init();
	route_init();
	api_yaml_init();
	acl_cache_init();
	password_init();
	schema_registry_init();
	hash_limit_init();
	key_file_init();
	launcher_init();
	MarkGUCPrefixReserved("wazo_auth");
}
