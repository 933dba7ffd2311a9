/*
 * directory_limit.c
 *	  How many logins wait for directories at a time.
 *
 * A login that waits for a directory holds a connection of the front.  One slow
 * directory gets so many of them, all together some more, so that connections
 * are left for logins with a password of ours and for other directories.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "base/lock_slots.h"
#include "ldap/directory_limit.h"

static int	max_directory_logins = 3;
static int	max_directory_logins_per_tenant = 2;

static bool
try_slot(DirectorySlot *slot, uint32 tenant_key)
{
	if (!lock_slot_take(&slot->tenant, MyDatabaseId, tenant_key, TENANT_DIRECTORY_SLOT_CLASS,
						max_directory_logins_per_tenant))
		return false;
	if (lock_slot_take(&slot->server, InvalidOid, 0, DIRECTORY_SLOT_CLASS, max_directory_logins))
		return true;
	lock_slot_release(&slot->tenant);
	return false;
}

/*
 * Takes a slot for a login against this tenant's directory; false when none
 * became free soon, or did not lately.  Answers cancel and terminate.
 */
bool
directory_limit_acquire(DirectorySlot *slot, const pg_uuid_t *tenant)
{
	uint32		key = hash_bytes(tenant->data, UUID_LEN);
	SlotWait	wait = {0};

	while (!try_slot(slot, key))
	{
		if (!lock_slot_wait(&wait, key))
			return false;
	}
	return true;
}

/* Gives the slot back. */
void
directory_limit_release(DirectorySlot *slot)
{
	lock_slot_release(&slot->server);
	lock_slot_release(&slot->tenant);
}

/* Defines the settings; called from _PG_init. */
void
directory_limit_init(void)
{
	DefineCustomIntVariable("wazo_auth.max_directory_logins",
							"Most logins that wait for directories at the same time in the whole server.",
							"Less than the login connections of each worker of the front, so that other logins go on.",
							&max_directory_logins,
							3, 1, 1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.max_directory_logins_per_tenant",
							"Most logins that wait for the directory of one tenant at the same time.",
							"Further ones fail with SQLSTATE WA503 (HTTP 503).",
							&max_directory_logins_per_tenant,
							2, 1, 1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
}
