/*
 * acl_keys.h
 *	  What the index on ACLs stores for a pattern and looks up for an access.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_KEYS_H
#define ACL_KEYS_H

#include "plain/acl_match.h"

/* No key is longer: one byte for its kind, then at most a whole entry. */
#define ACL_MAX_KEY		(ACL_MAX_ENTRY + 1)

/* An access with more keys than this is looked for without the index's help. */
#define ACL_MAX_PROBES	256

typedef void (*AclKeySink) (void *arg, const char *key, size_t len);

extern size_t acl_entry_key(const AclEntry *entry, char *key);
extern bool acl_access_keys(const AclAccess *access, AclKeySink sink,
							void *arg);

#endif							/* ACL_KEYS_H */
