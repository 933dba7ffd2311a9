/*
 * uuid_text.h
 *	  UUIDs as text: strict reading, lenient reading, writing.  Plain C.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_UUID_TEXT_H
#define WAZO_AUTH_UUID_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* characters of the canonical form, without the final NUL */
#define UUID_TEXT_LEN	36
#define UUID_BYTES		16
/* longest text that the lenient reader looks at */
#define UUID_LENIENT_MAX	256

extern bool uuid_text_parse(const char *s, size_t len, bool accept_upper,
							uint8_t out[UUID_BYTES]);
extern bool uuid_text_parse_lenient(const char *s, size_t len,
									uint8_t out[UUID_BYTES]);
extern void uuid_text_format(const uint8_t uuid[UUID_BYTES],
							 char out[UUID_TEXT_LEN + 1]);

#endif							/* WAZO_AUTH_UUID_TEXT_H */
