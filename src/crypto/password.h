/*
 * password.h
 *	  Password hashes: argon2id for new ones, PBKDF2-SHA512 as imported.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PASSWORD_H
#define WAZO_AUTH_PASSWORD_H

/* longest password, in bytes of UTF-8 */
#define PASSWORD_MAX_BYTES	4096

extern void password_init(void);
extern char *password_hash(const char *password, Size len);
extern bool password_verify(const char *password, Size len,
							const char *hash, Size hash_len);
extern bool password_needs_rehash(const char *hash, Size hash_len);

#endif							/* WAZO_AUTH_PASSWORD_H */
