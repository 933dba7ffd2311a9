/*
 * key_file.h
 *	  The keys of sealed values, read from a file outside the database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_KEY_FILE_H
#define WAZO_AUTH_KEY_FILE_H

#define SEAL_KEY_BYTES		32
#define SEAL_KEY_ID_MAX		32

typedef struct SealKey
{
	char		id[SEAL_KEY_ID_MAX + 1];
	unsigned char key[SEAL_KEY_BYTES];
} SealKey;

extern void key_file_init(void);
extern const SealKey *key_file_current(void);
extern const SealKey *key_file_find(const char *id);

#endif							/* WAZO_AUTH_KEY_FILE_H */
