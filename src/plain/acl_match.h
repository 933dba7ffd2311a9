/*
 * acl_match.h
 *	  Lists of access patterns: packed form, direct matching.
 *
 * Packed form (what the type wazo_auth.acl stores behind its varlena header;
 * also what its digest is taken of), big-endian:
 *
 *	  byte		version, ACL_PACKED_VERSION
 *	  uint32	number of entries
 *	  entries	uint16 length, then that many bytes
 *
 * An entry that starts with '!' is negative.  Order and duplicates are kept.
 * An access is granted when no negative entry matches and a positive one does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_MATCH_H
#define ACL_MATCH_H

#include "plain/acl_pattern.h"

#define ACL_PACKED_VERSION	1
#define ACL_PACKED_HEADER	5

#define ACL_MAX_ENTRIES		10000
#define ACL_MAX_ENTRY		1024
#define ACL_MAX_TOTAL		(1024 * 1024)

/* Walks over a packed list that acl_packed_valid has accepted. */
typedef struct AclReader
{
	const unsigned char *next;
	uint32_t	left;
} AclReader;

typedef struct AclEntry
{
	const char *text;			/* without the '!' of a negative entry */
	size_t		len;
	bool		negative;
} AclEntry;

extern bool acl_packed_valid(const char *packed, size_t len);
extern uint32_t acl_packed_count(const char *packed);
extern void acl_packed_put_header(char *packed, uint32_t count);
extern char *acl_packed_put_entry(char *at, const char *text, size_t len);
extern void acl_reader_init(AclReader *reader, const char *packed);
extern bool acl_reader_raw(AclReader *reader, const char **text, size_t *len);

/* Next entry of a packed list, '!' taken off; false at the end. */
static inline bool
acl_reader_next(AclReader *reader, AclEntry *entry)
{
	const unsigned char *at = reader->next;

	if (reader->left == 0)
		return false;
	reader->left--;
	entry->len = (size_t) at[0] << 8 | at[1];
	entry->text = (const char *) at + 2;
	reader->next = at + 2 + entry->len;
	entry->negative = entry->len > 0 && entry->text[0] == '!';
	if (entry->negative)
	{
		entry->text++;
		entry->len--;
	}
	return true;
}

/* Direct matching: best for a list that is asked once. */
extern bool acl_list_grants(const char *packed, AclAccess *access);
extern int32_t acl_list_decide(const char *packed, AclAccess *access,
							   bool *granted);

#endif							/* ACL_MATCH_H */
