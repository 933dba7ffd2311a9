/*
 * acl_nearest.h
 *	  How far an entry is from granting an access, in segments.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_NEAREST_H
#define ACL_NEAREST_H

#include "plain/acl_match.h"

/* With more segments than this no nearest entry is told. */
#define ACL_NEAREST_SEGMENTS	32

typedef enum AclEditKind
{
	ACL_EDIT_OTHER,				/* the access has another segment */
	ACL_EDIT_ABSENT,			/* the entry has a segment more */
	ACL_EDIT_BEYOND				/* the access has a segment more */
} AclEditKind;

typedef struct AclEdit
{
	AclEditKind kind;
	int			segment;		/* of the access, from 1; ABSENT: after it */
	const char *wanted;			/* the access's segment */
	size_t		wanted_len;
	const char *has;			/* the entry's segment */
	size_t		has_len;
} AclEdit;

typedef struct AclNearness
{
	int			prefix;			/* segments of the access before the first edit */
	int			edits;
	AclEdit		edit[2 * ACL_NEAREST_SEGMENTS];
} AclNearness;

extern bool acl_nearness(const AclEntry *entry, const AclAccess *access,
						 AclNearness *nearness);

#endif							/* ACL_NEAREST_H */
