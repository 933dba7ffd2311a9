/*
 * replica.h
 *	  Reading on a standby what was written on the primary.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_REPLICA_H
#define WAZO_AUTH_REPLICA_H

#include "postgres.h"

extern bool replica_lacks(const char *transaction, size_t len);
extern void replica_init(void);

#endif							/* WAZO_AUTH_REPLICA_H */
