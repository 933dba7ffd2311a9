/*
 * directory_limit.h
 *	  How many logins wait for directories at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_DIRECTORY_LIMIT_H
#define WAZO_AUTH_DIRECTORY_LIMIT_H

#include "postgres.h"

#include "storage/lock.h"
#include "utils/uuid.h"

typedef struct DirectorySlot
{
	LOCKTAG		server;
	LOCKTAG		tenant;
} DirectorySlot;

extern void directory_limit_init(void);
extern bool directory_limit_acquire(DirectorySlot *slot, const pg_uuid_t *tenant);
extern void directory_limit_release(DirectorySlot *slot);

#endif							/* WAZO_AUTH_DIRECTORY_LIMIT_H */
