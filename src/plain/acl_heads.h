/*
 * acl_heads.h
 *	  Patterns sorted by their literal head, to find those that can have an
 *	  access in common with another one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_HEADS_H
#define ACL_HEADS_H

#include "plain/acl_access.h"

#define ACL_NO_HEAD		SIZE_MAX

typedef struct AclHead
{
	const char *text;
	size_t		len;
	size_t		head;			/* bytes of text in front of what may vary */
	size_t		above;			/* nearest with a shorter head that begins this one */
	bool		same;			/* as the head of the item before */
} AclHead;

typedef struct AclHeads
{
	AclHead    *items;
	size_t		count;
} AclHeads;

/* Goes over the candidates for one text; see acl_heads_start. */
typedef struct AclHeadsScan
{
	const AclHeads *heads;
	const char *text;
	size_t		len;
	size_t		up;				/* next whose head begins the text */
	size_t		down;			/* next whose head the text begins */
} AclHeadsScan;

extern size_t acl_literal_head(const char *pattern, size_t len, bool words);
extern void acl_heads_sort(AclHeads *heads);
extern void acl_heads_start(AclHeadsScan *scan, const AclHeads *heads,
							const char *text, size_t len, bool longer);
extern const AclHead *acl_heads_next(AclHeadsScan *scan);

#endif							/* ACL_HEADS_H */
