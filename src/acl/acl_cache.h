/*
 * acl_cache.h
 *	  The backend's cache of ACL sets by digest.
 *
 * A set never changes, so nothing here is ever invalidated.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_CACHE_H
#define ACL_CACHE_H

#include "acl/acl_type.h"

/*
 * One set.  A pointer stays valid until the next acl_cache_insert or
 * acl_program_grants of another set, which may evict this one.
 */
typedef struct AclProgram AclProgram;

extern void acl_cache_init(void);
extern const AclProgram *acl_cache_lookup(const pg_uuid_t *digest);
extern const AclProgram *acl_cache_insert(const pg_uuid_t *digest, Datum acl);
extern bool acl_program_grants(const AclProgram *program, const char *access,
							   size_t len, const AclContext *ctx);

#endif							/* ACL_CACHE_H */
