/*
 * acl_op.h
 *	  Shared by the functions that take an access and an identity.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_OP_H
#define ACL_OP_H

#include "acl_type.h"

extern void acl_context_from_args(FunctionCallInfo fcinfo, int n,
								  AclContext *ctx);

#endif							/* ACL_OP_H */
