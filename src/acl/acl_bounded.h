/*
 * acl_bounded.h
 *	  ACLs put together within the limits of one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_BOUNDED_H
#define ACL_BOUNDED_H

#include "acl/acl_type.h"

/* Entries that are looked at; of more, nothing is made. */
#define ACL_MAX_JOINED	(100 * ACL_MAX_ENTRIES)

extern bool acls_fit(struct varlena **acl, int n);
extern struct varlena *acl_join_bounded(struct varlena **acl, int n, bool *complete);

#endif							/* ACL_BOUNDED_H */
