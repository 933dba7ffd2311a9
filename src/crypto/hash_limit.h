/*
 * hash_limit.h
 *	  At most N password hashes at a time in the whole server.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HASH_LIMIT_H
#define WAZO_AUTH_HASH_LIMIT_H

extern void hash_limit_init(void);
extern void hash_limit_acquire(void);
extern void hash_limit_release(void);

#endif							/* WAZO_AUTH_HASH_LIMIT_H */
