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
#include "base/plugin_limits.h"
#include "base/table_watch.h"
#include "crypto/hash_limit.h"
#include "crypto/key_file.h"
#include "http/http_route.h"
#include "crypto/password.h"
#include "ldap/ldap_login.h"
#include "oauth2/oauth2_ask.h"
#include "relay/relay_settings.h"
#include "saml/saml_program.h"
#include "sessions/replica.h"
#include "workers/expiry_worker.h"
#include "workers/launcher.h"
#include "workers/wake.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	table_watch_init();
	route_init();
	plugin_limits_init();
	acl_cache_init();
	password_init();
	replica_init();
	hash_limit_init();
	ldap_login_init();
	oauth2_ask_init();
	saml_program_init();
	key_file_init();
	launcher_init();
	expiry_worker_init();
	relay_settings_init();
	wake_init();
	MarkGUCPrefixReserved("wazo_auth");
}
