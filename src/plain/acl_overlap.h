/*
 * acl_overlap.h
 *	  Have two access patterns an access in common?
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_OVERLAP_H
#define ACL_OVERLAP_H

#include "plain/acl_access.h"

typedef struct AclOverlap AclOverlap;

extern AclOverlap *acl_overlap_make(const char *pattern, size_t len,
									const AclEnv *env);
extern bool acl_overlap_with(AclOverlap *overlap, const char *other, size_t len);
extern size_t acl_overlap_words(const AclOverlap *overlap);

#endif							/* ACL_OVERLAP_H */
