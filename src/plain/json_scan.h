/*
 * json_scan.h
 *	  How deep and how large a JSON text is, before a parser sees it.
 *	  Free of PostgreSQL, so that it is tested under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_JSON_SCAN_H
#define WAZO_AUTH_JSON_SCAN_H

#include <stddef.h>

/* What a parser would have to make of a text */
typedef struct JsonSize
{
	int			depth;			/* arrays and objects in one another, at most */
	int			values;			/* members, items, and what holds them */
} JsonSize;

extern JsonSize json_scan(const char *s, size_t len);

#endif							/* WAZO_AUTH_JSON_SCAN_H */
