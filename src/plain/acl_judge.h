/*
 * acl_judge.h
 *	  May the holder of an ACL give an entry to others, or take it from them?
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_JUDGE_H
#define ACL_JUDGE_H

#include "plain/acl_match.h"

/*
 * Steps that one judge takes at most, of a few nanoseconds each: what
 * thousands of entries need, unless most begin with a wildcard on both sides.
 */
#define ACL_JUDGE_STEPS		(100 * 1000 * 1000)

typedef enum AclVerdict
{
	ACL_MAY,
	ACL_MAY_NOT,
	ACL_TOO_MANY_STEPS			/* none of this judge's entries may, from here on */
} AclVerdict;

typedef struct AclJudge AclJudge;

extern AclJudge *acl_judge_make(const char *packed, const AclContext *caller,
								const AclEnv *env);
extern AclVerdict acl_judge_add(AclJudge *judge, const char *entry, size_t len);
extern AclVerdict acl_judge_remove(AclJudge *judge, const char *entry, size_t len);
extern void acl_judge_free(AclJudge *judge);

#endif							/* ACL_JUDGE_H */
