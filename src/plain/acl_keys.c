/*
 * acl_keys.c
 *	  What the index on ACLs stores for a pattern and looks up for an access.
 *
 * The key of a pattern is its literal head: the whole segments in front of the
 * first segment with a wildcard, each with its dot, or the whole pattern when
 * there is no wildcard.  A first byte tells the two apart.  Reserved words
 * stay in the key as they are, and it is the look-up that tries "me" where the
 * access has the auth id: most ACLs hold hundreds of patterns below
 * "confd.users.me.", and cutting there would make each of them a candidate for
 * every access to any user.  "edit" matches "update" whoever asks, so both are
 * written as "edit" on both sides.
 *
 * If a positive pattern matches an access, the pattern's key is among the
 * access's keys.  The converse does not hold: the ACL itself has to be asked.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_keys.h"

#include <string.h>

#define KEY_WHOLE	'='
#define KEY_HEAD	'<'

static size_t
segment_end(const char *text, size_t len, size_t from)
{
	const char *dot = memchr(text + from, '.', len - from);

	return dot != NULL ? (size_t) (dot - text) : len;
}

/* Append a segment; false when the key would be longer than any stored one. */
static bool
append_segment(char *key, size_t *used, const char *segment, size_t len)
{
	if (len == 6 && memcmp(segment, "update", 6) == 0)
	{
		segment = "edit";
		len = 4;
	}
	if (*used + len > ACL_MAX_KEY)
		return false;
	memcpy(key + *used, segment, len);
	*used += len;
	return true;
}

/*
 * The key of a positive entry, written to "key" (ACL_MAX_KEY bytes); returns
 * its length.  Negative entries have none: they never grant.
 */
size_t
acl_entry_key(const AclEntry *entry, char *key)
{
	size_t		used = 1;
	size_t		from = 0;

	for (;;)
	{
		size_t		end = segment_end(entry->text, entry->len, from);

		if (memchr(entry->text + from, '*', end - from) != NULL ||
			memchr(entry->text + from, '#', end - from) != NULL)
		{
			key[0] = KEY_HEAD;
			return used;
		}
		append_segment(key, &used, entry->text + from, end - from);
		if (end == entry->len)
		{
			key[0] = KEY_WHOLE;
			return used;
		}
		key[used++] = '.';
		from = end + 1;
	}
}

typedef struct Probe
{
	const AclAccess *access;
	AclKeySink	sink;
	void	   *arg;
	int			count;
	char		key[ACL_MAX_KEY];
} Probe;

static bool
emit(Probe *p, char kind, size_t used)
{
	if (++p->count > ACL_MAX_PROBES)
		return false;
	p->key[0] = kind;
	p->sink(p->arg, p->key, used);
	return true;
}

static bool probe_from(Probe *p, size_t from, size_t used);

/* One reading of the segment that ends at "end", then all that follows. */
static bool
probe_segment(Probe *p, size_t end, size_t used, const char *segment,
			  size_t len)
{
	if (!append_segment(p->key, &used, segment, len))
		return true;			/* no pattern is that long */
	if (end == p->access->len)
		return emit(p, KEY_WHOLE, used);
	if (used == ACL_MAX_KEY)
		return true;
	p->key[used++] = '.';
	return probe_from(p, end + 1, used);
}

/* Does an id stand at "from", up to a dot or the end? */
static bool
id_stands_at(const AclAccess *access, size_t from, const char *id, size_t len)
{
	return id != NULL && len <= access->len - from &&
		memcmp(access->text + from, id, len) == 0 &&
		(from + len == access->len || access->text[from + len] == '.');
}

/* Depth is bounded by ACL_MAX_PROBES: each level emits a key. */
static bool
probe_from(Probe *p, size_t from, size_t used)
{
	const AclAccess *access = p->access;
	const AclContext *ctx = &access->ctx;
	size_t		end = segment_end(access->text, access->len, from);

	if (!emit(p, KEY_HEAD, used) ||
		!probe_segment(p, end, used, access->text + from, end - from))
		return false;
	if (id_stands_at(access, from, ctx->auth_id, ctx->auth_id_len) &&
		!probe_segment(p, from + ctx->auth_id_len, used, "me", 2))
		return false;
	if (id_stands_at(access, from, ctx->session_id, ctx->session_id_len) &&
		!probe_segment(p, from + ctx->session_id_len, used, "my_session", 10))
		return false;
	return true;
}

/*
 * Hand every key that a pattern matching the access can have to "sink" (the
 * same one perhaps twice).  Returns false when there are more than
 * ACL_MAX_PROBES: then any ACL has to be asked.
 */
bool
acl_access_keys(const AclAccess *access, AclKeySink sink, void *arg)
{
	Probe		p;

	if (access->too_long)
		return true;
	p.access = access;
	p.sink = sink;
	p.arg = arg;
	p.count = 0;
	return probe_from(&p, 0, 1);
}
