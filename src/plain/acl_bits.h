/*
 * acl_bits.h
 *	  One access pattern against one requested access, for the hard cases.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_BITS_H
#define ACL_BITS_H

#include "plain/acl_access.h"

extern bool acl_bits_match(AclAccess *access, const char *pattern,
						   size_t len, size_t from);

#endif							/* ACL_BITS_H */
