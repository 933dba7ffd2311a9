/*
 * acl_pattern.h
 *	  One access pattern against one requested access.
 *
 * Pure C: nothing of PostgreSQL is used here, so that the same code runs under
 * sanitizers, in a fuzzer and in a benchmark.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_PATTERN_H
#define ACL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

extern AclWord acl_reserved_word(const char *segment, size_t len);
extern bool acl_word_matches(const AclAccess *access, AclWord word,
							 const char *segment, size_t len);
extern bool acl_pattern_match(AclAccess *access, const char *pattern,
							  size_t len, size_t from);

/* acl_bits.c */
extern bool acl_bits_match(AclAccess *access, const char *pattern,
						   size_t len, size_t from);
extern void acl_bits_free(AclAccess *access);

#endif							/* ACL_PATTERN_H */
