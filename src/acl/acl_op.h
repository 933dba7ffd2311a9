/*
 * acl_op.h
 *	  Shared by the functions that take an access and an identity.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_OP_H
#define ACL_OP_H

#include "acl/acl_type.h"
#include "utils/array.h"

/* Strategy numbers of the GIN operator class. */
#define ACL_STRATEGY_CONTAINS	1	/* acl @> text */
#define ACL_STRATEGY_REQUEST	2	/* acl @@ text[] */

/* The right side of @@, as acl_request() makes it. */
typedef struct AclRequest
{
	const char *access;			/* NULL: no question */
	size_t		len;
	AclContext	ctx;
} AclRequest;

extern void acl_request_read(ArrayType *array, AclRequest *request);
extern void acl_context_set(AclContext *ctx, text *auth_id, text *session_id);

#endif							/* ACL_OP_H */
