/*
 * acl_compile.h
 *	  Lists of access patterns, compiled for one that is asked often.
 *
 * The compiled form is one block without pointers, which may be copied or
 * moved.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_COMPILE_H
#define ACL_COMPILE_H

#include "plain/acl_match.h"

typedef struct AclCompiled AclCompiled;

extern size_t acl_compile_bound(const char *packed, size_t len);
extern size_t acl_compile(const char *packed, size_t len, void *block);
extern bool acl_compiled_grants(const AclCompiled *compiled, AclAccess *access);

#endif							/* ACL_COMPILE_H */
