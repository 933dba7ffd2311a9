/*
 * lock_slots.h
 *	  At most N at a time in the whole server, by heavyweight locks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LOCK_SLOTS_H
#define WAZO_AUTH_LOCK_SLOTS_H

#include "postgres.h"

#include "storage/lock.h"
#include "utils/timestamp.h"

/* A wait for slots, zero before it. */
typedef struct SlotWait
{
	TimestampTz deadline;
} SlotWait;

extern bool lock_slot_take(LOCKTAG *tag, Oid database, uint32 key, uint16 lock_class, int limit);
extern void lock_slot_release(LOCKTAG *tag);
extern bool lock_slot_wait(SlotWait *wait, uint32 key);

/*
 * Classes of locks: pg_advisory_lock(), which everybody may call, uses 1 and 2
 * and cannot name these.
 */
#define HASH_SLOT_CLASS				0x7761
#define DIRECTORY_SLOT_CLASS		0x7762
#define TENANT_DIRECTORY_SLOT_CLASS	0x7763
#define OAUTH2_SLOT_CLASS			0x7764
#define OAUTH2_KEY_SLOT_CLASS		0x7765
#define SAML_SLOT_CLASS				0x7766

#endif							/* WAZO_AUTH_LOCK_SLOTS_H */
