/*
 * acl_access.c
 *	  A requested access, prepared once and then matched against many patterns.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_access.h"

static bool
plain_id(const char *id, size_t len)
{
	return id == NULL ||
		(memchr(id, '.', len) == NULL &&
		 memchr(id, '#', len) == NULL &&
		 memchr(id, '\n', len) == NULL);
}

/*
 * Prepare the access "text" of "len" bytes for matching.  ctx may be NULL (no
 * identities).  All pointers must stay valid until acl_access_done.  An access
 * longer than ACL_MAX_ACCESS bytes is marked and matches nothing.
 */
void
acl_access_init(AclAccess *access, const char *text, size_t len,
				const AclContext *ctx, const AclEnv *env)
{
	static const AclContext nobody = {NULL, 0, NULL, 0};

	access->text = text;
	access->len = len;
	access->ctx = ctx != NULL ? *ctx : nobody;
	access->env = env;
	access->too_long = len > ACL_MAX_ACCESS;
	access->has_newline = !access->too_long && memchr(text, '\n', len) != NULL;
	access->plain_ids =
		plain_id(access->ctx.auth_id, access->ctx.auth_id_len) &&
		plain_id(access->ctx.session_id, access->ctx.session_id_len);
	access->of_entry = false;
	access->bits = NULL;
}

/* Release what matching against this access has allocated. */
void
acl_access_done(AclAccess *access)
{
	if (access->bits != NULL)
		access->env->release(access->bits);
	access->bits = NULL;
}
