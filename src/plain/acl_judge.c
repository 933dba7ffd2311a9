/*
 * acl_judge.c
 *	  May the holder of an ACL give an entry to others, or take it from them?
 *
 * Entries are judged by what they match and not by how they are written:
 *
 *	  within	each access that the entry matches, for whomever, is one that
 *				the caller's ACL grants: a positive entry of the caller's
 *				covers it, and no negative one has an access in common with it
 *	  give		put in a positive entry, take out a negative one: if within
 *	  take		take out a positive entry: if within.  Put in a negative one:
 *				if an entry of the caller's covers it, be it negative: what one
 *				is denied may be denied to others
 *
 * "Covers" needs no search.  The entry is turned into one access that stands
 * for all that it matches: '*' and '#' stay, for no pattern has them as
 * letters, so only a wildcard of the same reach matches them; and what that
 * wildcard takes there it takes in any length.  "me", "my_session" and "edit"
 * become segments of zero bytes (ACL_ANY_*), which only the same word matches
 * and a wildcard.  So the matcher of accesses decides, and its index.
 *
 * "In common" is decided by acl_overlap.c.  What the reserved words stand for
 * is written out before: in the entry, "me" and "my_session" are any segment,
 * since the holder may be anybody; in the caller's negative entries they are
 * the caller and its session.  Both readings are never too small, so what is
 * granted is never too large.  Accesses with a newline are not considered: '*'
 * matches one and '#' does not.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_judge.h"

#include "plain/acl_heads.h"
#include "plain/acl_overlap.h"

/* So many reserved words of a pattern are written out; more are read as '*'. */
#define MAX_CHOICES		2

struct AclJudge
{
	const AclEnv *env;
	AclContext	caller;
	AclContext	literal;		/* the ids that can be read in an entry */
	AclHeads	granted;		/* the positive entries */
	AclHeads	denied;			/* the negative ones */
	AclHeads	refused;		/* the same, reserved words written out */
	char	   *texts;			/* of "refused" */
	size_t		steps;			/* left */
};

/* A text that a pattern is turned into. */
typedef struct Writer
{
	char	   *text;
	size_t		len;
} Writer;

static void
put(Writer *out, const char *text, size_t len)
{
	memcpy(out->text + out->len, text, len);
	out->len += len;
}

/* End of the segment that starts at "from". */
static size_t
segment_end(const char *text, size_t len, size_t from)
{
	const char *dot = memchr(text + from, '.', len - from);

	return dot != NULL ? (size_t) (dot - text) : len;
}

static bool
spend(AclJudge *judge, size_t steps)
{
	if (judge->steps < steps)
		judge->steps = 0;
	else
		judge->steps -= steps;
	return judge->steps > 0;
}

/* How many reserved words of a pattern are written out in two ways. */
static unsigned
count_choices(const char *pattern, size_t len, bool only_edit)
{
	unsigned	n = 0;

	for (size_t from = 0; from <= len && n < MAX_CHOICES;)
	{
		size_t		end = segment_end(pattern, len, from);
		AclWord		word = acl_reserved_word(pattern + from, end - from);

		n += only_edit ? word == ACL_WORD_EDIT : word != ACL_WORD_NONE;
		from = end + 1;
	}
	return n;
}

/* One of the two things that a reserved word stands for. */
static void
put_choice(Writer *out, AclWord word, bool second, const AclContext *holder)
{
	switch (word)
	{
		case ACL_WORD_ME:
			if (second && holder->auth_id != NULL)
				put(out, holder->auth_id, holder->auth_id_len);
			else
				put(out, "me", 2);
			break;
		case ACL_WORD_MY_SESSION:
			if (second && holder->session_id != NULL)
				put(out, holder->session_id, holder->session_id_len);
			else
				put(out, "my_session", 10);
			break;
		case ACL_WORD_EDIT:
			put(out, second ? "update" : "edit", second ? 6 : 4);
			break;
		case ACL_WORD_NONE:
			break;
	}
}

/*
 * Write a pattern without reserved words: bit n of "choices" says which way
 * the n-th is written.  holder NULL: anybody.
 */
static void
write_out(Writer *out, const char *pattern, size_t len, unsigned choices,
		  const AclContext *holder)
{
	unsigned	n = 0;

	out->len = 0;
	for (size_t from = 0; from <= len;)
	{
		size_t		end = segment_end(pattern, len, from);
		AclWord		word = acl_reserved_word(pattern + from, end - from);

		if (word == ACL_WORD_NONE)
			put(out, pattern + from, end - from);
		else if ((holder == NULL && word != ACL_WORD_EDIT) || n == MAX_CHOICES)
			put(out, "*", 1);
		else
			put_choice(out, word, choices >> n++ & 1, holder);
		if (end < len)
			put(out, ".", 1);
		from = end + 1;
	}
}

/* The access that stands for all that a pattern matches. */
static void
write_access(Writer *out, const char *pattern, size_t len)
{
	out->len = 0;
	for (size_t from = 0; from <= len;)
	{
		size_t		end = segment_end(pattern, len, from);

		switch (acl_reserved_word(pattern + from, end - from))
		{
			case ACL_WORD_ME:
				put(out, ACL_ANY_ME, ACL_ANY_ME_LEN);
				break;
			case ACL_WORD_MY_SESSION:
				put(out, ACL_ANY_SESSION, ACL_ANY_SESSION_LEN);
				break;
			case ACL_WORD_EDIT:
				put(out, ACL_ANY_EDIT, ACL_ANY_EDIT_LEN);
				break;
			case ACL_WORD_NONE:
				put(out, pattern + from, end - from);
				break;
		}
		if (end < len)
			put(out, ".", 1);
		from = end + 1;
	}
}

static void
add_head(AclHeads *heads, const char *text, size_t len, bool words)
{
	AclHead    *item = &heads->items[heads->count++];

	item->text = text;
	item->len = len;
	item->head = acl_literal_head(text, len, words);
}

/* Room for what a negative entry becomes when it is written out. */
static size_t
room_for(const AclJudge *judge, const AclEntry *entry)
{
	size_t		longest = judge->caller.auth_id_len;

	if (longest < judge->caller.session_id_len)
		longest = judge->caller.session_id_len;
	if (longest < strlen("my_session"))
		longest = strlen("my_session");
	return entry->len + MAX_CHOICES * longest;
}

static void
add_refused(AclJudge *judge, const AclEntry *entry, size_t *used)
{
	unsigned	n = count_choices(entry->text, entry->len, false);

	for (unsigned choices = 0; choices < 1u << n; choices++)
	{
		Writer		out = {judge->texts + *used, 0};

		write_out(&out, entry->text, entry->len, choices, &judge->caller);
		add_head(&judge->refused, out.text, out.len, false);
		*used += out.len;
	}
}

/* An id that looks like what stands for many accesses is not read in one. */
static bool
is_literal(const char *id, size_t len)
{
	return id != NULL && memchr(id, '*', len) == NULL &&
		memchr(id, '#', len) == NULL && memchr(id, '\0', len) == NULL;
}

static AclHead *
make_items(const AclJudge *judge, size_t count)
{
	return judge->env->alloc((count + 1) * sizeof(AclHead));
}

/*
 * Prepare for judging entries by the caller's valid packed list, which has to
 * stay as it is, and so have the ids (NULL: the caller is nobody).  To be
 * given back with acl_judge_free.
 */
AclJudge *
acl_judge_make(const char *packed, const AclContext *caller, const AclEnv *env)
{
	static const AclContext nobody = {NULL, 0, NULL, 0};
	AclJudge   *judge = env->alloc(sizeof(AclJudge));
	AclReader	reader;
	AclEntry	entry;
	size_t		negative = 0;
	size_t		variants = 0;
	size_t		room = 0;
	size_t		used = 0;

	memset(judge, 0, sizeof(AclJudge));
	judge->env = env;
	judge->caller = caller != NULL ? *caller : nobody;
	judge->literal = judge->caller;
	if (!is_literal(judge->literal.auth_id, judge->literal.auth_id_len))
		judge->literal.auth_id = NULL;
	if (!is_literal(judge->literal.session_id, judge->literal.session_id_len))
		judge->literal.session_id = NULL;
	judge->steps = ACL_JUDGE_STEPS;

	acl_reader_init(&reader, packed);
	while (acl_reader_next(&reader, &entry))
		if (entry.negative)
		{
			size_t		n = (size_t) 1 << count_choices(entry.text, entry.len, false);

			negative++;
			variants += n;
			room += n * room_for(judge, &entry);
		}
	judge->granted.items = make_items(judge, acl_packed_count(packed) - negative);
	judge->denied.items = make_items(judge, negative);
	judge->refused.items = make_items(judge, variants);
	judge->texts = env->alloc(room + 1);

	acl_reader_init(&reader, packed);
	while (acl_reader_next(&reader, &entry))
	{
		add_head(entry.negative ? &judge->denied : &judge->granted,
				 entry.text, entry.len, true);
		if (entry.negative)
			add_refused(judge, &entry, &used);
	}
	acl_heads_sort(&judge->granted);
	acl_heads_sort(&judge->denied);
	acl_heads_sort(&judge->refused);
	return judge;
}

/* Give back what acl_judge_make made. */
void
acl_judge_free(AclJudge *judge)
{
	const AclEnv *env = judge->env;

	env->release(judge->granted.items);
	env->release(judge->denied.items);
	env->release(judge->refused.items);
	env->release(judge->texts);
	env->release(judge);
}

/* Does one of these entries match all that the pattern does? */
static bool
covered(AclJudge *judge, const AclHeads *by, const char *pattern, size_t len)
{
	Writer		out = {judge->env->alloc(len + 1), 0};
	AclAccess	access;
	AclHeadsScan scan;
	const AclHead *item;
	bool		found = false;

	write_access(&out, pattern, len);
	acl_access_init(&access, out.text, out.len, &judge->literal, judge->env);
	access.of_entry = true;
	acl_heads_start(&scan, by, out.text, out.len, false);
	while (!found && (item = acl_heads_next(&scan)) != NULL &&
		   spend(judge, 8 + out.len + item->len * (1 + out.len / 64)))
		found = acl_pattern_match(&access, item->text, item->len, 0);
	acl_access_done(&access);
	judge->env->release(out.text);
	return found;
}

/* Has a pattern without reserved words an access that the caller is refused? */
static bool
has_refused(AclJudge *judge, const char *pattern, size_t len)
{
	AclHeadsScan scan;
	AclOverlap *overlap = NULL;
	const AclHead *item;
	bool		found = false;

	acl_heads_start(&scan, &judge->refused, pattern,
					acl_literal_head(pattern, len, false), true);
	while (!found && (item = acl_heads_next(&scan)) != NULL)
	{
		if (overlap == NULL)
			overlap = acl_overlap_make(pattern, len, judge->env);
		if (!spend(judge, 8 + item->len * acl_overlap_words(overlap)))
			break;
		found = acl_overlap_with(overlap, item->text, item->len);
	}
	if (overlap != NULL)
		judge->env->release(overlap);
	return found;
}

/* Does the pattern match an access, for any holder, that the caller is refused? */
static bool
overlaps_refused(AclJudge *judge, const char *pattern, size_t len)
{
	static const AclContext *const anybody = NULL;
	unsigned	n = count_choices(pattern, len, true);
	Writer		out;
	bool		found = false;

	if (judge->refused.count == 0)
		return false;
	out.text = judge->env->alloc(len + MAX_CHOICES * strlen("update") + 1);
	for (unsigned choices = 0; !found && choices < 1u << n; choices++)
	{
		write_out(&out, pattern, len, choices, anybody);
		found = has_refused(judge, out.text, out.len);
	}
	judge->env->release(out.text);
	return found;
}

static AclVerdict
verdict(const AclJudge *judge, bool may)
{
	return judge->steps == 0 ? ACL_TOO_MANY_STEPS : may ? ACL_MAY : ACL_MAY_NOT;
}

static AclVerdict
judge_within(AclJudge *judge, const char *pattern, size_t len)
{
	return verdict(judge, covered(judge, &judge->granted, pattern, len) &&
				   !overlaps_refused(judge, pattern, len));
}

/* May the caller put the entry ('!' included) into what others have? */
AclVerdict
acl_judge_add(AclJudge *judge, const char *entry, size_t len)
{
	if (judge->env->poll != NULL)
		judge->env->poll();
	if (len == 0 || entry[0] != '!')
		return judge_within(judge, entry, len);
	return verdict(judge, covered(judge, &judge->granted, entry + 1, len - 1) ||
				   covered(judge, &judge->denied, entry + 1, len - 1));
}

/* May the caller take the entry ('!' included) out of what others have? */
AclVerdict
acl_judge_remove(AclJudge *judge, const char *entry, size_t len)
{
	bool		negative = len > 0 && entry[0] == '!';

	if (judge->env->poll != NULL)
		judge->env->poll();
	return judge_within(judge, entry + negative, len - negative);
}
