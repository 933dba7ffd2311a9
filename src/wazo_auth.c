/*
 * wazo_auth.c
 *	  Module start: only calls what each concern defines.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "acl/acl_cache.h"
#include "http/api_yaml.h"
#include "base/cached_query.h"
#include "base/catalog.h"
#include "crypto/hash_limit.h"
#include "crypto/key_file.h"
#include "http/http_route.h"
#include "crypto/password.h"
#include "validate/schema_registry.h"
#include "base/setting_cache.h"
#include "relay/relay_settings.h"
#include "workers/expiry_worker.h"
#include "workers/launcher.h"
#include "workers/wake.h"

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
	expiry_worker_init();
	relay_settings_init();
	wake_init();
	MarkGUCPrefixReserved("wazo_auth");
}
