/*
 * acl_judge_test.c
 *	  Unit test of src/plain/acl_judge.c, acl_overlap.c and acl_heads.c without
 *	  PostgreSQL; prints TAP.
 *
 * Usage: acl_judge_test LINES_OF_VECTORS LINES_OF_POLICIES [GENERATED [SEED]]
 * where the two files are what test/data/acl_lines.pl makes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "acl_reference.h"
#include "plain/acl_heads.h"
#include "plain/acl_judge.h"
#include "plain/acl_overlap.h"
#include "tap.h"

#define CALLER		"c0ffee"
#define SESSION		"5e5510"
#define HOLDER		"40de"

static const AclContext caller = {CALLER, sizeof(CALLER) - 1, SESSION, sizeof(SESSION) - 1};

static void
show(const char *label, const Text *texts, size_t count)
{
	printf("#   %s:", label);
	for (size_t i = 0; i < count; i++)
		printf(" %.*s", (int) texts[i].len, texts[i].text);
	putchar('\n');
}

static Text
text_of(const char *s)
{
	return (Text) {s, strlen(s)};
}

static AclVerdict
judge(const Text *acl, size_t count, const AclContext *ctx, Text entry, bool removing)
{
	size_t		size;
	char	   *packed = test_pack(acl, count, &size);
	AclJudge   *j = acl_judge_make(packed, ctx, &test_env);
	AclVerdict	v = removing ? acl_judge_remove(j, entry.text, entry.len) :
	acl_judge_add(j, entry.text, entry.len);

	acl_judge_free(j);
	free(packed);
	return v;
}

/* Space-separated entries; "+a" may be added, "-a" may be removed. */
static const struct
{
	const char *acl;
	const char *may;
	const char *may_not;
}			cases[] =
{
	{"a.e*", "+a.e* +a.ed* +a.eb -a.e*", "+a.edit +a.update +a.* -a.edit"},
	{"a.e* a.update", "+a.update +a.editor", "+a.edit"},
	{"a.edit", "+a.edit +a.update -a.edit", "+a.e* +a.*"},
	{"a.*", "+a.edit +a.me +a.my_session +a.*b* -a.me -!a.b +!a.b +!a.*", "+a.# +a.b.c +!a.# -!a.#"},
	{"a.*d*t*", "+a.update +a.xdyt", "+a.edit +a.*"},
	{"a.m*", "+a.m +a.mx*", "+a.me +a.my_session"},
	{"a.*e", "+a.te", "+a.me"},
	{"a.#", "+a.me.b +a.# +a.*.# +a.*# +a.edit +a.my_session", "+a +# +a# +*.b +#.a"},
	{"a#", "+a.me +ame +a +a#", "+# +*"},
	{"#", "+# +a.* +me +edit +my_session + +! +!a +!# -!#", ""},
	{"# !auth.tenants.#", "+a.b +!auth.tenants.# +!auth.tenants.read +auth.users.* -!auth.users.read",
	"+# -# +auth.# +*.tenants.* +auth.tenants.read +auth.*.read +auth.t*.read -!auth.tenants.read -auth.tenants.read -!#"},
	{"# !a.b", "+a.c +a.b.c +a.c* +a.*.b +*", "+a.* +a.# +a.b +a.b* +# +*.b +#b"},
	{"# !a.edit", "+a.read +a.edi +a.*.edit +edit", "+a.edit +a.update +a.e* +a.u* +a.*"},
	{"users.* !users.me", "+users.other", "+users.me +users.* +users." CALLER " +users.c*"},
	{"users.* !users.vip", "+users.x", "+users.me +users.my_session +users.vip"},
	{"users.me.#", "+users.me.x +users.me.# +users." CALLER ".x +!users.me.x",
	"+users.*.x +users." HOLDER ".x +users.#"},
	{"s.my_session", "+s.my_session +s." SESSION, "+s.me +s.* +s." HOLDER},
	{"me.me.edit", "+me.me.edit +me." CALLER ".update", "+me.me.* +me.x.update"},
	{"", "", "+ +a +# +!a -a -!a"},
	{"!a", "+!a", "+a +!b +!# -!a"},
	{"# !", "+a", "+# + +* -!"},
	{"# !!a", "+a", "+# -!!a"},
	{"* !edit.edit.edit", "+edit", "+edit.edit"},
	{"#.# !edit.edit.edit", "+edit.x.edit +edit.x", "+edit.edit.edit +edit.update.update +edit.edit.# +edit.edit.x"},
	{"me*", "+me* +mexico", "+me"},
	{"a.b a.c", "+a.b +a.c", "+a.*"},
};

static Text *
split_entries(const char *line, size_t *count)
{
	Text	   *entries = test_alloc((strlen(line) + 1) * sizeof(Text));

	*count = 0;
	while (*line != '\0')
	{
		size_t		n = strcspn(line, " ");

		entries[(*count)++] = (Text) {line, n};
		line += n + (line[n] != '\0');
	}
	return entries;
}

static int
wrong_verdicts(const char *acl_line, const char *changes_line, AclVerdict expected)
{
	size_t		count;
	size_t		n;
	Text	   *acl = split_entries(acl_line, &count);
	Text	   *changes = split_entries(changes_line, &n);
	int			wrong = 0;

	for (size_t i = 0; i < n; i++)
	{
		Text		entry = {changes[i].text + 1, changes[i].len - 1};

		if (judge(acl, count, &caller, entry, changes[i].text[0] == '-') != expected)
		{
			printf("# {%s} %.*s\n", acl_line, (int) changes[i].len, changes[i].text);
			wrong++;
		}
	}
	free(acl);
	free(changes);
	return wrong;
}

static void
test_cases(void)
{
	int			wrong = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		wrong += wrong_verdicts(cases[i].acl, cases[i].may, ACL_MAY) +
			wrong_verdicts(cases[i].acl, cases[i].may_not, ACL_MAY_NOT);
	ok(wrong == 0, "what holders of these ACLs may give and take, and what not");
	{
		AclContext	odd = {"*", 1, "#", 1};
		Text		me = text_of("me");
		Text		session = text_of("my_session");

		ok(judge(&me, 1, &odd, text_of("*"), false) == ACL_MAY_NOT &&
		   judge(&session, 1, &odd, text_of("#"), false) == ACL_MAY_NOT &&
		   judge(&me, 1, &odd, me, false) == ACL_MAY, "an id that looks like a wildcard is none");
	}
}

/*
 * Everything up to a length: both answers are exact where one entry is asked
 * about one entry.  An access that tells two patterns of three elements apart,
 * or is common to them, has no more than six characters.
 */
#define SMALL_PATTERN	3
#define SMALL_ACCESS	6
#define LETTERS			"ab.#*"

static size_t
words_up_to(const char *letters, int most, char (**words)[SMALL_ACCESS + 1])
{
	size_t		n = strlen(letters);
	size_t		count = 1;
	size_t		from = 0;
	size_t		total = 1;

	for (int i = 0; i < most; i++)
		total += count *= n;
	*words = calloc(total, SMALL_ACCESS + 1);
	count = 1;
	for (int len = 1; len <= most; len++)
	{
		size_t		to = count;

		for (size_t i = from; i < to; i++)
			for (size_t k = 0; k < n; k++)
			{
				strcpy((*words)[count], (*words)[i]);
				(*words)[count][len - 1] = letters[k];
				count++;
			}
		from = to;
	}
	return total;
}

static void
test_small(void)
{
	char		(*patterns)[SMALL_ACCESS + 1];
	char		(*accesses)[SMALL_ACCESS + 1];
	size_t		npatterns = words_up_to("ab.#*", SMALL_PATTERN, &patterns);
	size_t		naccesses = words_up_to(LETTERS, SMALL_ACCESS, &accesses);
	unsigned char *match = calloc(npatterns, naccesses);
	int			wrong_cover = 0;
	int			wrong_overlap = 0;

	for (size_t p = 0; p < npatterns; p++)
		for (size_t a = 0; a < naccesses; a++)
		{
			AclAccess	access;

			acl_access_init(&access, accesses[a], strlen(accesses[a]), NULL, &test_env);
			match[p * naccesses + a] = acl_pattern_match(&access, patterns[p], strlen(patterns[p]), 0);
			acl_access_done(&access);
		}
	for (size_t p = 0; p < npatterns; p++)
	{
		Text		held = text_of(patterns[p]);
		AclOverlap *overlap = acl_overlap_make(held.text, held.len, &test_env);

		for (size_t q = 0; q < npatterns; q++)
		{
			Text		given = text_of(patterns[q]);
			bool		within = true;
			bool		common = false;

			for (size_t a = 0; a < naccesses; a++)
				if (match[q * naccesses + a])
				{
					within &= match[p * naccesses + a];
					common |= match[p * naccesses + a];
				}
			if ((judge(&held, 1, NULL, given, false) == ACL_MAY) != within && wrong_cover++ < 5)
				printf("# %s within %s\n", given.text, held.text);
			if (acl_overlap_with(overlap, given.text, given.len) != common && wrong_overlap++ < 5)
				printf("# %s and %s\n", given.text, held.text);
		}
		free(overlap);
	}
	printf("# %zu patterns, %zu accesses\n", npatterns, naccesses);
	ok(npatterns > 150 && naccesses > 10000, "all short patterns and accesses are made");
	ok(wrong_cover == 0, "an entry is within another one exactly when all its accesses are");
	ok(wrong_overlap == 0, "two entries overlap exactly when they have an access in common");
	free(match);
	free(patterns);
	free(accesses);
}

/*
 * The contract's vectors are upper bounds.  Where this is stricter, by tag: how
 * many answers change for adding and for removing, and why.  A change in one
 * of these numbers is a failure.
 */
static struct
{
	const char *tag;
	int			added;
	int			removed;
	const char *reason;
	int			add_seen;
	int			remove_seen;
}			stricter[] =
{
	{"add-remove", 2, 0, "'!anything' and '!a.#': a denial of what the caller neither has nor is denied", 0, 0},
	{"bang-mid", 1, 0, "the same", 0, 0},
	{"double-bang", 1, 0, "the same", 0, 0},
	{"empty-acl", 1, 0, "the same", 0, 0},
	{"negative", 1, 0, "the same", 0, 0},
	{"edit-prefix", 1, 1, "'a.edit' by 'a.edit*'", 0, 0},
	{"me-word-only", 1, 1, "'users.me.read' by 'users.me*.read'", 0, 0},
	{"newline-tail", 1, 1, "no trailing newline is tolerated", 0, 0},
	{"newline-hash", 2, 2, "no trailing newline is tolerated", 0, 0},
	{"newline-in-pattern", 1, 1, "no trailing newline is tolerated", 0, 0},
	{"empty-pattern", 1, 1, "no trailing newline is tolerated", 0, 0},
	{"quirk-auth-id-not-escaped", 1, 1, "the auth id is literal", 0, 0},
	{"random", 104, 69, "all of these, and entries that overlap a negative one of the caller's", 0, 0},
	{"any other", 0, 0, "", 0, 0},
};

#define STRICTER	(sizeof(stricter) / sizeof(stricter[0]))

static size_t
row_of_tag(const char *tag)
{
	for (size_t i = 0; i < STRICTER - 1; i++)
		if (strcmp(stricter[i].tag, tag) == 0)
			return i;
	return STRICTER - 1;
}

static size_t
unhex_all(char **words, size_t count, Text *texts)
{
	for (size_t i = 0; i < count; i++)
		texts[i] = test_unhex(words[i]);
	return count;
}

static void
free_all(Text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((char *) texts[i].text);
}

static void
test_vectors(const char *file)
{
	static char line[1 << 20];
	static char *words[MAX_WORDS];
	static Text acl[MAX_WORDS];
	FILE	   *in = fopen(file, "r");
	int			vectors = 0;
	int			looser = 0;
	int			changed = 0;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
	{
		int			n = test_split(line, words);
		Text		ids[3];
		size_t		count;
		AclContext	ctx = {"None", 4, "None", 4};
		size_t		row = row_of_tag(words[1]);
		bool		add;
		bool		remove;

		if (words[6][0] == '-')
			continue;
		vectors++;
		unhex_all(words + 2, 3, ids);
		count = unhex_all(words + 8, (size_t) n - 8, acl);
		if (ids[0].text != NULL)
			ctx.auth_id = ids[0].text, ctx.auth_id_len = ids[0].len;
		if (ids[1].text != NULL)
			ctx.session_id = ids[1].text, ctx.session_id_len = ids[1].len;
		add = judge(acl, count, &ctx, ids[2], false) == ACL_MAY;
		remove = judge(acl, count, &ctx, ids[2], true) == ACL_MAY;
		looser += (add && words[6][0] == 'F') + (remove && words[7][0] == 'F');
		stricter[row].add_seen += !add && words[6][0] == 'T';
		stricter[row].remove_seen += !remove && words[7][0] == 'T';
		free_all(acl, count);
		free_all(ids, 3);
	}
	if (in != NULL)
		fclose(in);
	ok(vectors > 1900, "the vectors were read");
	ok(looser == 0, "nothing may be given or taken that upstream refuses");
	for (size_t i = 0; i < STRICTER; i++)
		if (stricter[i].add_seen != stricter[i].added || stricter[i].remove_seen != stricter[i].removed)
		{
			printf("# %s: %d, %d (%s)\n", stricter[i].tag, stricter[i].add_seen, stricter[i].remove_seen,
				   stricter[i].reason);
			changed++;
		}
	ok(changed == 0, "what upstream allows and this does not is as listed");
}

typedef struct Policy
{
	char		slug[64];
	bool		shipped;
	Text	   *acl;
	size_t		count;
} Policy;

/* How many of the policy's entries may its giver not give or not take again? */
static int
withheld(const Policy *policy, const Text *acl, size_t count)
{
	int			n = 0;

	for (size_t i = 0; i < policy->count; i++)
		if (judge(acl, count, &caller, policy->acl[i], false) != ACL_MAY ||
			judge(acl, count, &caller, policy->acl[i], true) != ACL_MAY)
		{
			printf("# %s: %.*s\n", policy->slug, (int) policy->acl[i].len, policy->acl[i].text);
			n++;
		}
	return n;
}

static const Policy *
find_policy(const Policy *policies, size_t n, const char *slug)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(policies[i].slug, slug) == 0)
			return &policies[i];
	abort();
}

/* A token has the default user policy and those of its user, one list. */
static Text *
token_acl(const Policy *user, const Policy *own, size_t *count)
{
	Text	   *acl = test_alloc((user->count + own->count + 1) * sizeof(Text));

	memcpy(acl, user->acl, user->count * sizeof(Text));
	memcpy(acl + user->count, own->acl, own->count * sizeof(Text));
	*count = user->count + own->count;
	return acl;
}

static void
test_policies(const char *file)
{
	static char line[1 << 20];
	static char *words[MAX_WORDS];
	static Policy policies[64];
	const Policy *user;
	const Policy *admin;
	size_t		n = 0;
	size_t		shipped = 0;
	size_t		count;
	Text	   *acl;
	int			master = 0;
	int			same = 0;
	FILE	   *in = fopen(file, "r");

	while (in != NULL && fgets(line, sizeof(line), in) != NULL && n < 64)
	{
		int			w = test_split(line, words);

		if (words[0][0] != 'P')
			continue;
		snprintf(policies[n].slug, sizeof(policies[n].slug), "%s", words[1]);
		policies[n].shipped = strncmp(words[2], "shipped", 7) == 0;
		policies[n].acl = test_alloc((size_t) w * sizeof(Text));
		policies[n].count = unhex_all(words + 3, (size_t) w - 3, policies[n].acl);
		shipped += policies[n].shipped;
		n++;
	}
	if (in != NULL)
		fclose(in);
	ok(shipped == 27, "the shipped policies were read");
	user = find_policy(policies, n, "wazo_default_user_policy");
	admin = find_policy(policies, n, "wazo_default_admin_policy");
	for (size_t i = 0; i < n; i++)
	{
		Text		all = {"#", 1};

		if (!policies[i].shipped)
			continue;
		master += withheld(&policies[i], &all, 1);
		acl = token_acl(user, &policies[i], &count);
		same += withheld(&policies[i], acl, count);
		free(acl);
	}
	ok(master == 0, "the master user gives and takes every shipped policy");
	ok(same == 0, "whoever has a shipped policy gives it and takes it");
	acl = token_acl(user, admin, &count);
	ok(withheld(user, acl, count) + withheld(admin, acl, count) == 0,
	   "an admin of a tenant gives and takes what users and admins have");
	free(acl);
	for (size_t i = 0; i < n; i++)
	{
		free_all(policies[i].acl, policies[i].count);
		free(policies[i].acl);
	}
}

/* xorshift64*: the same numbers everywhere. */
static uint64_t rng_state;

static unsigned
rnd(unsigned below)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (unsigned) ((rng_state * UINT64_C(2685821657736338717)) >> 33) % below;
}

#define PICK(list)	((list)[rnd(sizeof(list) / sizeof((list)[0]))])

static const char *const pieces[] = {
	"a", "b", "me", "edit", "my_session", "update", "*", "#", "*", "#", ".", ".", ".", ".", ".", "!",
	"m*", "e*", "read", ".me.", ".edit", ".*.", ".#", CALLER, SESSION, HOLDER, "4*", "\xc3\xa9"
};

static Text
random_pattern(char *room)
{
	Text		t = {room, 0};

	for (unsigned n = rnd(6); n > 0; n--)
	{
		const char *piece = PICK(pieces);

		memcpy(room + t.len, piece, strlen(piece));
		t.len += strlen(piece);
	}
	return t;
}

/* A pattern near "from": pieces of it replaced, or copied. */
static Text
near_pattern(Text from, char *room)
{
	Text		t = {room, 0};

	for (size_t i = 0; i < from.len && t.len < 200; i++)
	{
		bool		wild = from.text[i] == '*' || from.text[i] == '#';
		const char *piece = PICK(pieces);

		if (wild ? rnd(2) == 0 : rnd(16) == 0)
		{
			memcpy(room + t.len, piece, strlen(piece));
			t.len += strlen(piece);
		}
		else
			room[t.len++] = from.text[i];
	}
	return t;
}

/* An access that the pattern matches for this holder, or nearly. */
static Text
random_access(Text pattern, const AclContext *holder, char *room)
{
	static const char *const star[] = {"", "a", "me", "edit", "update", "x*y", CALLER, HOLDER, "my_session"};
	static const char *const hash[] = {"", "a", ".", "a.b", "#", "me.x", "update", ".me.", CALLER, HOLDER ".edit"};
	Text		t = {room, 0};

	for (size_t p = 0; p < pattern.len; p++)
	{
		const char *piece = NULL;
		size_t		eaten = 1;

		if (pattern.text[p] == '*')
			piece = PICK(star);
		else if (pattern.text[p] == '#')
			piece = PICK(hash);
		else if (reference_is(pattern.text, pattern.len, p, "me"))
			piece = rnd(2) ? "me" : holder->auth_id, eaten = 2;
		else if (reference_is(pattern.text, pattern.len, p, "my_session"))
			piece = rnd(2) ? "my_session" : holder->session_id, eaten = 10;
		else if (reference_is(pattern.text, pattern.len, p, "edit"))
			piece = rnd(2) ? "edit" : "update", eaten = 4;
		if (piece == NULL)
			room[t.len++] = pattern.text[p];
		else
		{
			memcpy(room + t.len, piece, strlen(piece));
			t.len += strlen(piece);
		}
		p += eaten - 1;
	}
	return t;
}

/* Does the caller's ACL grant it, "me" also read as the holder's own? */
static bool
within(const Text *acl, size_t count, Text access, const AclContext *holder)
{
	AclContext	both[2] = {caller, *holder};
	bool		granted = false;

	for (size_t i = 0; i < count; i++)
	{
		bool		negative = acl[i].len > 0 && acl[i].text[0] == '!';
		Text		p = {acl[i].text + negative, acl[i].len - negative};

		if (negative && reference_match(p, access, &caller))
			return false;
		granted |= !negative && reference_match_any(p, access, both, 2);
	}
	return granted;
}

static void
test_generated(unsigned pairs)
{
	static char rooms[8][512];
	static char given_room[512];
	static char access_room[8192];
	static const char *const holders[] = {HOLDER, CALLER, "a", "b", "read", "wazo-auth", "4", "\xc3\xa9"};
	unsigned	may = 0;
	unsigned	accesses = 0;
	unsigned	outside = 0;

	for (unsigned i = 0; i < pairs; i++)
	{
		Text		acl[8];
		size_t		count = 1 + rnd(5);
		Text		given;

		for (size_t k = 0; k < count; k++)
			acl[k] = random_pattern(rooms[k]);
		given = rnd(8) ? near_pattern(acl[rnd((unsigned) count)], given_room) : random_pattern(given_room);
		while (given.len > 0 && given.text[0] == '!')
			given.text++, given.len--;
		if (judge(acl, count, &caller, given, false) != ACL_MAY)
			continue;
		may++;
		for (int k = 0; k < 4; k++)
		{
			AclContext	holder = {PICK(holders), 0, "5e55a", 5};
			Text		access;

			holder.auth_id_len = strlen(holder.auth_id);
			access = random_access(given, &holder, access_room);
			if (!reference_match(given, access, &holder))
				continue;
			accesses++;
			if (!within(acl, count, access, &holder) && outside++ < 5)
			{
				show("acl", acl, count);
				show("given", &given, 1);
				show("access", &access, 1);
			}
		}
	}
	printf("# %u pairs: %u may be given, %u accesses of them asked for\n", pairs, may, accesses);
	ok(may > pairs / 20 && may < pairs && accesses > may, "some may be given, some not");
	ok(outside == 0, "no access outside the caller's own is ever given");
}

/* The first verdict on many entries that is not ACL_MAY; *at is its number. */
static AclVerdict
judge_many(const char *held, const char *given, size_t *at)
{
	static char texts[2 * ACL_MAX_ENTRIES][64];
	static Text acl[ACL_MAX_ENTRIES];
	size_t		size;
	char	   *packed;
	AclJudge   *j;
	AclVerdict	v = ACL_MAY;

	for (int i = 0; i < ACL_MAX_ENTRIES; i++)
	{
		snprintf(texts[i], sizeof(texts[i]), held, i);
		acl[i] = text_of(i == 0 ? "#" : texts[i]);
	}
	packed = test_pack(acl, ACL_MAX_ENTRIES, &size);
	j = acl_judge_make(packed, &caller, &test_env);
	for (*at = 0; *at < ACL_MAX_ENTRIES && v == ACL_MAY; *at += v == ACL_MAY)
	{
		char		entry[64];

		snprintf(entry, sizeof(entry), given, (int) *at);
		v = acl_judge_add(j, entry, strlen(entry));
	}
	acl_judge_free(j);
	free(packed);
	return v;
}

static void
test_many(void)
{
	size_t		at;

	ok(judge_many("confd.users.%d.read", "confd.users.%d.read", &at) == ACL_MAY,
	   "10,000 entries are judged by 10,000");
	ok(judge_many("!confd.users.me.%d.read", "confd.users.%d.*", &at) == ACL_MAY,
	   "and by 10,000 negative ones");
	ok(judge_many("!confd.users.*.%d", "confd.lines.*.%d.#", &at) == ACL_MAY,
	   "of which those that begin otherwise are not looked at");
	ok(judge_many("!*a*b*%d.me.edit.x", "*a*b*%d.*c*d*", &at) == ACL_TOO_MANY_STEPS,
	   "when all begin with a wildcard, it ends after a number of steps");
	printf("# %zu were judged\n", at);
	ok(judge_many("*a*a*%d", "*a*a*a*#%d", &at) == ACL_MAY, "so it does when #, asked last, grants them all");
}

int
main(int argc, char **argv)
{
	unsigned	pairs = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 1000000;

	if (argc < 3)
		return 2;
	rng_state = argc > 4 ? strtoull(argv[4], NULL, 10) : 20260505;
	test_cases();
	test_small();
	test_vectors(argv[1]);
	test_policies(argv[2]);
	test_generated(pairs);
	test_many();
	return tap_end();
}
