/*
 * acl_match.c
 *	  Packed lists of access patterns, and matching them directly.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_match.h"

#include <string.h>

/*
 * Is this a well-formed packed list within the limits?  The bytes of the
 * entries are not looked at, but for NUL, which no entry may hold.
 */
bool
acl_packed_valid(const char *packed, size_t len)
{
	const unsigned char *at = (const unsigned char *) packed;
	const unsigned char *end = at + len;
	size_t		total = 0;
	uint32_t	count;

	if (len < ACL_PACKED_HEADER || at[0] != ACL_PACKED_VERSION)
		return false;
	count = acl_packed_count(packed);
	if (count > ACL_MAX_ENTRIES)
		return false;
	at += ACL_PACKED_HEADER;
	while (count-- > 0)
	{
		size_t		n;

		if (end - at < 2)
			return false;
		n = (size_t) at[0] << 8 | at[1];
		at += 2;
		if (n > ACL_MAX_ENTRY || (size_t) (end - at) < n ||
			memchr(at, '\0', n) != NULL)
			return false;
		at += n;
		total += n;
	}
	return at == end && total <= ACL_MAX_TOTAL;
}

/* Number of entries of a packed list. */
uint32_t
acl_packed_count(const char *packed)
{
	const unsigned char *p = (const unsigned char *) packed;

	return (uint32_t) p[1] << 24 | (uint32_t) p[2] << 16 |
		(uint32_t) p[3] << 8 | p[4];
}

/* Write the header of a packed list: ACL_PACKED_HEADER bytes. */
void
acl_packed_put_header(char *packed, uint32_t count)
{
	unsigned char *p = (unsigned char *) packed;

	p[0] = ACL_PACKED_VERSION;
	p[1] = (unsigned char) (count >> 24);
	p[2] = (unsigned char) (count >> 16);
	p[3] = (unsigned char) (count >> 8);
	p[4] = (unsigned char) count;
}

/* Write one entry (len <= ACL_MAX_ENTRY); returns the place behind it. */
char *
acl_packed_put_entry(char *at, const char *text, size_t len)
{
	at[0] = (char) (len >> 8);
	at[1] = (char) len;
	memcpy(at + 2, text, len);
	return at + 2 + len;
}

/* Start reading a packed list, which must be valid. */
void
acl_reader_init(AclReader *reader, const char *packed)
{
	reader->next = (const unsigned char *) packed + ACL_PACKED_HEADER;
	reader->left = acl_packed_count(packed);
}

/* Next entry as it was given, '!' included; false at the end. */
bool
acl_reader_raw(AclReader *reader, const char **text, size_t *len)
{
	if (reader->left == 0)
		return false;
	reader->left--;
	*len = (size_t) reader->next[0] << 8 | reader->next[1];
	*text = (const char *) reader->next + 2;
	reader->next += 2 + *len;
	return true;
}

/*
 * Does the list grant the access?  Every entry is looked at, which is the
 * cheapest way for a list that is asked once.
 */
bool
acl_list_grants(const char *packed, AclAccess *access)
{
	AclReader	reader;
	AclEntry	entry;
	bool		granted = false;

	acl_reader_init(&reader, packed);
	while (acl_reader_next(&reader, &entry))
	{
		if (granted && !entry.negative)
			continue;
		if (acl_pattern_match(access, entry.text, entry.len, 0))
		{
			if (entry.negative)
				return false;
			granted = true;
		}
	}
	return granted;
}

/*
 * Same decision, and the index (from 0) of the entry that made it: the first
 * negative entry that matches, else the first positive one; -1 when none does.
 */
int32_t
acl_list_decide(const char *packed, AclAccess *access, bool *granted)
{
	AclReader	reader;
	AclEntry	entry;
	int32_t		decisive = -1;

	*granted = false;
	acl_reader_init(&reader, packed);
	for (int32_t i = 0; acl_reader_next(&reader, &entry); i++)
	{
		if (*granted && !entry.negative)
			continue;
		if (acl_pattern_match(access, entry.text, entry.len, 0))
		{
			*granted = !entry.negative;
			decisive = i;
			if (entry.negative)
				break;
		}
	}
	return decisive;
}
