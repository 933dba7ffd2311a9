/*
 * acl_access.h
 *	  A requested access, prepared once and then matched against many patterns,
 *	  and the words that stand for its holder.
 *
 * Pure C: nothing of PostgreSQL is used here, so that the same code runs under
 * sanitizers, in a fuzzer and in a benchmark.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_ACCESS_H
#define ACL_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A longer access is never granted; see acl_access_init. */
#define ACL_MAX_ACCESS	65536

/*
 * Whom the reserved words stand for.  A NULL pointer means that there is no
 * such identity: the word then matches only itself.  The texts are literal,
 * whatever characters they hold.
 */
typedef struct AclContext
{
	const char *auth_id;
	size_t		auth_id_len;
	const char *session_id;
	size_t		session_id_len;
} AclContext;

/*
 * What the matcher needs from its surroundings.  alloc must not return NULL
 * (it may leave by longjmp or exit); poll may be NULL and is called once for
 * every pattern when the access is long enough to make that cost something.
 */
typedef struct AclEnv
{
	void	   *(*alloc) (size_t size);
	void		(*release) (void *ptr);
	void		(*poll) (void);
} AclEnv;

/*
 * In a text that stands for a pattern (acl_judge.c), these segments are the
 * reserved words, whoever holds the pattern.  No pattern has a zero byte, so
 * only the same word matches them, and a wildcard that takes whole segments.
 */
#define ACL_ANY_ME			"\0"
#define ACL_ANY_ME_LEN		1
#define ACL_ANY_SESSION		"\0\0"
#define ACL_ANY_SESSION_LEN	2
#define ACL_ANY_EDIT		"\0\0\0"
#define ACL_ANY_EDIT_LEN	3

struct AclBits;

/* A requested access, prepared once and then matched against many patterns. */
typedef struct AclAccess
{
	const char *text;
	size_t		len;
	AclContext	ctx;
	const AclEnv *env;
	bool		too_long;		/* longer than ACL_MAX_ACCESS */
	bool		has_newline;
	bool		plain_ids;		/* ids hold no '.', '#' or newline */
	bool		of_entry;		/* the text stands for a pattern: see ACL_ANY_* */
	struct AclBits *bits;		/* of the slow matcher, made when needed */
} AclAccess;

typedef enum AclWord
{
	ACL_WORD_NONE,
	ACL_WORD_ME,
	ACL_WORD_MY_SESSION,
	ACL_WORD_EDIT
} AclWord;

extern void acl_access_init(AclAccess *access, const char *text, size_t len,
							const AclContext *ctx, const AclEnv *env);
extern void acl_access_done(AclAccess *access);

/* Which reserved word a whole segment of a pattern is, if any. */
static inline AclWord
acl_reserved_word(const char *segment, size_t len)
{
	if (len == 2 && segment[0] == 'm' && segment[1] == 'e')
		return ACL_WORD_ME;
	if (len == 4 && memcmp(segment, "edit", 4) == 0)
		return ACL_WORD_EDIT;
	if (len == 10 && memcmp(segment, "my_session", 10) == 0)
		return ACL_WORD_MY_SESSION;
	return ACL_WORD_NONE;
}

static inline bool
acl_same_text(const char *a, size_t alen, const char *b, size_t blen)
{
	return alen == blen && memcmp(a, b, blen) == 0;
}

/* Does a reserved word match this whole segment of an access? */
static inline bool
acl_word_matches(const AclAccess *access, AclWord word,
				 const char *segment, size_t len)
{
	const AclContext *ctx = &access->ctx;

	switch (word)
	{
		case ACL_WORD_ME:
			return acl_same_text(segment, len, "me", 2) ||
				(access->of_entry &&
				 acl_same_text(segment, len, ACL_ANY_ME, ACL_ANY_ME_LEN)) ||
				(ctx->auth_id != NULL &&
				 acl_same_text(segment, len, ctx->auth_id, ctx->auth_id_len));
		case ACL_WORD_MY_SESSION:
			return acl_same_text(segment, len, "my_session", 10) ||
				(access->of_entry &&
				 acl_same_text(segment, len, ACL_ANY_SESSION, ACL_ANY_SESSION_LEN)) ||
				(ctx->session_id != NULL &&
				 acl_same_text(segment, len, ctx->session_id, ctx->session_id_len));
		case ACL_WORD_EDIT:
			return acl_same_text(segment, len, "edit", 4) ||
				(access->of_entry &&
				 acl_same_text(segment, len, ACL_ANY_EDIT, ACL_ANY_EDIT_LEN)) ||
				acl_same_text(segment, len, "update", 6);
		case ACL_WORD_NONE:
			break;
	}
	return false;
}

#endif							/* ACL_ACCESS_H */
