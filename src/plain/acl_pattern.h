/*
 * acl_pattern.h
 *	  One access pattern against one requested access.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_PATTERN_H
#define ACL_PATTERN_H

#include "plain/acl_access.h"

extern bool acl_pattern_match(AclAccess *access, const char *pattern,
							  size_t len, size_t from);

#endif							/* ACL_PATTERN_H */
