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

#endif							/* WAZO_AUTH_PASSWORD_H */
