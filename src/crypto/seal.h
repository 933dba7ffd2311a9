/*
 * seal.h
 *	  Sealed values: encrypted with a key that is not in the database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SEAL_H
#define WAZO_AUTH_SEAL_H

/* longest plaintext, in bytes */
#define SEAL_MAX_BYTES	(1024 * 1024)

extern bytea *seal(const char *plaintext, Size len,
				   const char *context, Size context_len);
extern char *unseal(const bytea *sealed, const char *context,
					Size context_len, Size *len);

#endif							/* WAZO_AUTH_SEAL_H */
