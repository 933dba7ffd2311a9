/*
 * secret.h
 *	  Strong randomness, token digests, constant-time compares and memory that
 *	  is wiped when its context goes away.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SECRET_H
#define WAZO_AUTH_SECRET_H

#include "utils/palloc.h"
#include "utils/uuid.h"

#include "plain/uuid_text.h"

extern void secret_random(void *buf, Size len);
extern void text_digest(const char *text, Size len, pg_uuid_t *digest);
extern void token_digest(const pg_uuid_t *token, pg_uuid_t *digest);
extern bool secret_equal(const void *a, const void *b, Size len);
extern void secret_wipe(void *buf, Size len);
extern char *secret_palloc(MemoryContext context, Size size);

/*
 * Reads the 8-4-4-4-12 form only; never raises an error.  accept_upper: path
 * parameters take either case, token headers lower case alone.
 */
static inline bool
parse_uuid_strict(const char *s, size_t len, bool accept_upper, pg_uuid_t *out)
{
	return uuid_text_parse(s, len, accept_upper, out->data);
}

/* Writes the canonical lower-case text and a final NUL. */
static inline void
format_uuid(const pg_uuid_t *uuid, char out[UUID_TEXT_LEN + 1])
{
	uuid_text_format(uuid->data, out);
}

#endif							/* WAZO_AUTH_SECRET_H */
