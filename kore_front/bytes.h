/*
 * bytes.h: a growing byte buffer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_BYTES_H
#define WAZO_AUTH_FRONT_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef struct Bytes
{
	char	   *data;
	size_t		len;
	size_t		size;
} Bytes;

/* Adds a string literal. */
#define BYTES_ADD(b, literal) bytes_add((b), (literal), sizeof(literal) - 1)

extern void bytes_reserve(Bytes *b, size_t more);
extern void bytes_add(Bytes *b, const void *data, size_t len);
extern void bytes_add_number(Bytes *b, uint64_t n);
extern void bytes_free(Bytes *b);
extern int	bytes_hex_digit(char c);

#endif
