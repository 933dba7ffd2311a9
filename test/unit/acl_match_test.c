/*
 * acl_match_test.c
 *	  Unit test of src/plain/acl_*.c without PostgreSQL; prints TAP.
 *
 * Usage: acl_match_test LINES_OF_VECTORS LINES_OF_POLICIES [GENERATED [SEED]]
 * where the two files are what test/data/acl_lines.pl makes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <time.h>

#include "acl_reference.h"
#include "tap.h"


static void
show(const char *label, Text t)
{
	printf("#   %s: ", label);
	if (t.text == NULL)
		printf("null");
	for (size_t i = 0; t.text != NULL && i < t.len && i < 200; i++)
	{
		unsigned char c = (unsigned char) t.text[i];

		if (c < ' ' || c > '~')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('\n');
}

/*
 * All ways to ask one list: direct, compiled, the bit matcher alone, and the
 * index, which must find every list that grants.  Returns whether they agree
 * with the reference.
 */
static bool
agree(const Text *entries, size_t count, const char *packed,
	  const AclCompiled *compiled, Text access, const AclContext *ctx,
	  bool *granted)
{
	AclAccess	a;
	bool		expected;
	bool		decided;
	bool		good;
	int32_t		index = reference_decide(entries, count, access, ctx, &expected);

	acl_access_init(&a, access.text, access.len, ctx, &test_env);
	good = acl_list_grants(packed, &a) == expected;
	good &= acl_compiled_grants(compiled, &a) == expected;
	good &= acl_list_decide(packed, &a, &decided) == index && decided == expected;
	for (size_t i = 0; i < count; i++)
		good &= acl_bits_match(&a, entries[i].text, entries[i].len, 0) ==
			reference_match(entries[i], access, ctx);
	good &= !expected || test_index_finds(entries, count, &a);
	acl_access_done(&a);
	if (!good)
	{
		printf("# disagreement, the reference says %d (entry %d)\n", expected, index);
		for (size_t i = 0; i < count; i++)
			show("entry", entries[i]);
		show("access", access);
		show("auth_id", (Text) {ctx->auth_id, ctx->auth_id_len});
		show("session_id", (Text) {ctx->session_id, ctx->session_id_len});
	}
	*granted = expected;
	return good;
}

/*
 * Where the contract's vectors and this project differ on purpose: the answers
 * that change, by tag.  Any other difference is a failure, and so is a change
 * in one of these numbers.
 */
static struct
{
	const char *tag;
	int			changed;
	const char *reason;
	int			seen;
}			departures[] =
{
	{"newline-tail", 1, "no trailing newline is tolerated", 0},
	{"newline-hash", 2, "no trailing newline is tolerated", 0},
	{"newline-in-pattern", 1, "no trailing newline is tolerated", 0},
	{"empty-pattern", 1, "no trailing newline is tolerated", 0},
	{"random", 27, "no trailing newline is tolerated", 0},
	{"quirk-auth-id-not-escaped", 1, "the auth id is literal", 0},
};

static bool
departs(const char *tag, Text access)
{
	bool		newline = access.len > 0 && access.text[access.len - 1] == '\n';

	for (size_t i = 0; i < sizeof(departures) / sizeof(departures[0]); i++)
		if (strcmp(departures[i].tag, tag) == 0 &&
			(newline || strncmp(tag, "quirk", 5) == 0))
		{
			departures[i].seen++;
			return true;
		}
	return false;
}

/* What upstream answers: each pattern tolerates one final newline. */
static bool
with_tolerance(const Text *entries, size_t count, Text access,
			   const AclContext *ctx)
{
	bool		granted = false;
	Text		cut = {access.text, access.len - 1};

	for (size_t i = 0; i < count; i++)
	{
		bool		negative = entries[i].len > 0 && entries[i].text[0] == '!';
		Text		p = {entries[i].text + negative, entries[i].len - negative};
		AclAccess	whole;
		AclAccess	shorter;
		bool		match;

		acl_access_init(&whole, access.text, access.len, ctx, &test_env);
		acl_access_init(&shorter, cut.text, cut.len, ctx, &test_env);
		match = acl_pattern_match(&whole, p.text, p.len, 0) ||
			acl_pattern_match(&shorter, p.text, p.len, 0);
		acl_access_done(&whole);
		acl_access_done(&shorter);
		if (match && negative)
			return false;
		granted |= match;
	}
	return granted;
}

static void
test_vectors(const char *file)
{
	static char line[1 << 20];
	static char *words[MAX_WORDS];
	static Text entries[MAX_WORDS];
	FILE	   *in = fopen(file, "r");
	int			vectors = 0;
	int			wrong = 0;
	int			disagreements = 0;
	int			tolerance_wrong = 0;

	if (in == NULL)
	{
		ok(false, "the vectors can be read");
		return;
	}
	while (fgets(line, sizeof(line), in) != NULL)
	{
		int			n = test_split(line, words);
		size_t		count = (size_t) n - 8;
		size_t		size;
		char	   *packed;
		AclCompiled *compiled;
		Text		auth_id = test_unhex(words[2]);
		Text		session_id = test_unhex(words[3]);
		Text		access = test_unhex(words[4]);
		AclContext	ctx = {"None", 4, "None", 4};
		bool		expected = words[5][0] == 'T';
		bool		granted;

		vectors++;
		for (size_t i = 0; i < count; i++)
			entries[i] = test_unhex(words[8 + i]);
		if (auth_id.text != NULL)
		{
			ctx.auth_id = auth_id.text;
			ctx.auth_id_len = auth_id.len;
		}
		if (session_id.text != NULL)
		{
			ctx.session_id = session_id.text;
			ctx.session_id_len = session_id.len;
		}
		if (access.text != NULL)
		{
			packed = test_pack(entries, count, &size);
			compiled = test_compile(packed, size);
			disagreements += !agree(entries, count, packed, compiled, access,
									&ctx, &granted);
			if (granted != expected && !departs(words[1], access))
			{
				wrong++;
				printf("# vector %d (%s)\n", vectors, words[1]);
			}
			if (access.len > 0 && access.text[access.len - 1] == '\n' &&
				with_tolerance(entries, count, access, &ctx) != expected)
				tolerance_wrong++;
			if (words[6][0] != '-' && access.text[0] == '!')
				wrong += words[6][0] != 'T';
			free(packed);
			free(compiled);
		}
		for (size_t i = 0; i < count; i++)
			free((char *) entries[i].text);
		free((char *) auth_id.text);
		free((char *) session_id.text);
		free((char *) access.text);
	}
	fclose(in);
	ok(vectors == 2000, "2000 vectors were read");
	ok(wrong == 0, "every vector holds, the listed departures aside");
	ok(disagreements == 0, "all matchers agree on the vectors");
	ok(tolerance_wrong == 0,
	   "with upstream's newline tolerance put back, every newline vector holds");
	for (size_t i = 0; i < sizeof(departures) / sizeof(departures[0]); i++)
	{
		if (departures[i].seen != departures[i].changed)
			printf("# %d answers changed\n", departures[i].seen);
		printf("# %s: %s\n", departures[i].tag, departures[i].reason);
		ok(departures[i].seen == departures[i].changed, "%s", departures[i].tag);
	}
}

static void
test_policies(const char *file)
{
	static char line[1 << 20];
	static char *words[MAX_WORDS];
	static struct
	{
		char		name[64];
		char	   *packed;
		AclCompiled *compiled;
	}			acls[64];
	int			nacls = 0;
	int			checks = 0;
	int			wrong = 0;
	FILE	   *in = fopen(file, "r");

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
	{
		int			n = test_split(line, words);

		if (words[0][0] == 'A' && nacls < 64)
		{
			static Text entries[MAX_WORDS];
			size_t		size;

			for (int i = 2; i < n; i++)
				entries[i - 2] = test_unhex(words[i]);
			snprintf(acls[nacls].name, sizeof(acls[nacls].name), "%s", words[1]);
			acls[nacls].packed = test_pack(entries, (size_t) n - 2, &size);
			acls[nacls].compiled = test_compile(acls[nacls].packed, size);
			for (int i = 2; i < n; i++)
				free((char *) entries[i - 2].text);
			nacls++;
		}
		else if (words[0][0] == 'C')
		{
			Text		auth_id = test_unhex(words[2]);
			Text		session_id = test_unhex(words[3]);
			Text		access = test_unhex(words[4]);
			AclContext	ctx = {auth_id.text, auth_id.len,
			session_id.text, session_id.len};

			for (int i = 0; i < nacls; i++)
			{
				AclAccess	a;

				if (strcmp(acls[i].name, words[1]) != 0)
					continue;
				checks++;
				acl_access_init(&a, access.text, access.len, &ctx, &test_env);
				wrong += acl_list_grants(acls[i].packed, &a) != (words[5][0] == 'T');
				wrong += acl_compiled_grants(acls[i].compiled, &a) != (words[5][0] == 'T');
				acl_access_done(&a);
			}
			free((char *) auth_id.text);
			free((char *) session_id.text);
			free((char *) access.text);
		}
	}
	if (in != NULL)
		fclose(in);
	for (int i = 0; i < nacls; i++)
	{
		free(acls[i].packed);
		free(acls[i].compiled);
	}
	ok(checks > 1000, "the sample policies' checks were read");
	ok(wrong == 0, "all of them are decided as expected");
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

static const char *const words_of_patterns[] = {
	"a", "b", "ab", "me", "edit", "my_session", "update", "*", "#", "*", "#",
	".", ".", ".", ".", "!", "\n", "\xc3\xa9", "m", "read", "x.y", ".#", ".*.",
	"#.me", ".me.", "a*", "5d1f7a52"
};
static const char *const words_of_accesses[] = {
	"a", "b", "ab", "me", "edit", "my_session", "update", "*", "#", "a", "b",
	".", ".", ".", ".", "!", "\n", "\xc3\xa9", "m", "read", "x.y", ".a.", "aaa",
	"..", "5d1f7a52", "s.1", "x#y"
};
static const char *const some_ids[] = {
	"5d1f7a52", "5d1f7a52", "a", "b.a", "", "me", "x#y", "a\nb", ".", "edit",
	"s.1", "my_session", NULL
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static Text
random_text(char *buf, const char *const *words, size_t nwords, unsigned most)
{
	Text		t = {buf, 0};

	for (unsigned n = rnd(most + 1); n > 0; n--)
	{
		const char *w = words[rnd((unsigned) nwords)];
		size_t		len = strlen(w);

		memcpy(buf + t.len, w, len);
		t.len += len;
	}
	return t;
}

/* An access made from a pattern: likely to match. */
static Text
access_from(char *buf, Text pattern)
{
	Text		t = {buf, 0};

	for (size_t i = 0; i < pattern.len; i++)
	{
		char		c = pattern.text[i];

		if (i == 0 && c == '!')
			continue;
		if ((c == '*' || c == '#') && rnd(10) > 0)
		{
			for (unsigned n = rnd(4); n > 0; n--)
				buf[t.len++] = c == '#' ? "a.b#"[rnd(4)] : "abm"[rnd(3)];
		}
		else if (rnd(30) > 0)
			buf[t.len++] = c;
	}
	return t;
}

/* A long run says this often how far it is. */
#define PROGRESS_PAIRS	5000000

static void
test_generated(long pairs, uint64_t seed)
{
	static char text[16][2048];
	static char access_text[4096];
	Text		entries[16];
	long		done = 0;
	long		granted_count = 0;
	int			wrong = 0;

	rng_state = seed;
	while (done < pairs && wrong < 10)
	{
		size_t		count = rnd(7);
		size_t		size;
		char	   *packed;
		AclCompiled *compiled;

		for (size_t i = 0; i < count; i++)
			entries[i] = random_text(text[i], words_of_patterns,
									 COUNT(words_of_patterns), 9);
		packed = test_pack(entries, count, &size);
		compiled = test_compile(packed, size);
		if (!acl_packed_valid(packed, size))
			wrong++;
		for (int i = 0; i < 10; i++)
		{
			const char *auth_id = some_ids[rnd(COUNT(some_ids))];
			const char *session_id = some_ids[rnd(COUNT(some_ids))];
			AclContext	ctx = {auth_id, auth_id != NULL ? strlen(auth_id) : 0,
			session_id, session_id != NULL ? strlen(session_id) : 0};
			Text		access;
			bool		granted;

			if (count > 0 && rnd(3) > 0)
				access = access_from(access_text, entries[rnd((unsigned) count)]);
			else
				access = random_text(access_text, words_of_accesses,
									 COUNT(words_of_accesses), 9);
			wrong += !agree(entries, count, packed, compiled, access, &ctx, &granted);
			granted_count += granted;
			done++;
		}
		free(packed);
		free(compiled);
		if (done % PROGRESS_PAIRS == 0)
		{
			printf("# %ld pairs so far\n", done);
			fflush(stdout);
		}
	}
	printf("# %ld pairs, %ld granted\n", done, granted_count);
	ok(wrong == 0, "all matchers agree with the reference on generated pairs");
	ok(granted_count > done / 10 && granted_count < done * 9 / 10,
	   "both answers are common among them");
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/*
 * Patterns that make a backtracking matcher explode.  The limits are far above
 * what a linear matcher needs, even under sanitizers, and far below the other.
 */
static void
test_hostile(void)
{
	static const char *const units[] = {"#a", "*a", "#a*b", "a#", "#.", "*.#", "#me.", "#*"};
	static char pattern[ACL_MAX_ENTRY];
	static char access[ACL_MAX_ACCESS + 1];
	AclContext	ctx = {"a", 1, "a.a", 3};

	for (size_t u = 0; u < COUNT(units); u++)
	{
		for (int ids = 0; ids < 2; ids++)
			for (int tail = 0; tail < 2; tail++)
			{
				size_t		n = strlen(units[u]);
				size_t		len = 0;
				AclAccess	a;
				double		start = seconds();
				char		name[128];

				while (len + n < sizeof(pattern))
				{
					memcpy(pattern + len, units[u], n);
					len += n;
				}
				memset(access, tail ? '.' : 'a', sizeof(access));
				access[ACL_MAX_ACCESS - 1] = 'z';
				acl_access_init(&a, access, ACL_MAX_ACCESS, ids ? &ctx : NULL, &test_env);
				acl_pattern_match(&a, pattern, len, 0);
				acl_access_done(&a);
				snprintf(name, sizeof(name), "1 KiB of %s against 64 KiB of %s%s",
						 units[u], tail ? "dots" : "letters", ids ? ", with ids" : "");
				ok(seconds() - start < 1.0, "%s", name);
			}
	}
}

static void
test_limits(void)
{
	static char access[ACL_MAX_ACCESS + 2];
	Text		all = {"#", 1};
	Text	   *many = test_alloc(ACL_MAX_ENTRIES * sizeof(Text));
	char	   *pool = test_alloc(ACL_MAX_ENTRIES * 104);
	size_t		size;
	char	   *packed = test_pack(&all, 1, &size);
	AclCompiled *compiled = test_compile(packed, size);
	AclAccess	a;
	bool		good = true;
	double		start;

	memset(access, 'x', sizeof(access));
	acl_access_init(&a, access, ACL_MAX_ACCESS, NULL, &test_env);
	ok(acl_list_grants(packed, &a) && acl_compiled_grants(compiled, &a),
	   "an access of 64 KiB is matched");
	acl_access_done(&a);
	acl_access_init(&a, access, ACL_MAX_ACCESS + 1, NULL, &test_env);
	ok(!acl_list_grants(packed, &a) && !acl_compiled_grants(compiled, &a),
	   "a longer one is never granted");
	acl_access_done(&a);

	for (size_t cut = 0; cut < size; cut++)
		good &= !acl_packed_valid(packed, cut);
	packed[0] = 2;
	good &= !acl_packed_valid(packed, size);
	ok(good, "a truncated list or one of another version is not valid");
	free(packed);
	free(compiled);

	/* all limits at once: as many entries and bytes as there may be, all dots */
	for (int i = 0; i < ACL_MAX_ENTRIES; i++)
	{
		char	   *t = pool + i * 104;

		memset(t, '.', 104);
		snprintf(t, 8, "%05d", i);
		t[5] = '.';
		many[i] = (Text) {t, 104};
	}
	packed = test_pack(many, ACL_MAX_ENTRIES, &size);
	ok(acl_packed_valid(packed, size), "a list at all limits is valid");
	ok(acl_compile_bound(packed, size) < 20 * 1024 * 1024,
	   "its compiled form is bounded");
	start = seconds();
	compiled = test_compile(packed, size);
	ok(seconds() - start < 2.0, "it is compiled in bounded time");
	acl_access_init(&a, many[7777].text, many[7777].len, NULL, &test_env);
	ok(acl_compiled_grants(compiled, &a) && acl_list_grants(packed, &a),
	   "and grants what it should");
	acl_access_done(&a);
	acl_access_init(&a, many[7777].text, many[7777].len - 1, NULL, &test_env);
	ok(!acl_compiled_grants(compiled, &a) && !acl_list_grants(packed, &a),
	   "and nothing else");
	acl_access_done(&a);
	free(packed);
	free(compiled);
	free(many);
	free(pool);
}

int
main(int argc, char **argv)
{
	if (argc < 3)
	{
		fprintf(stderr, "usage: acl_match_test VECTORS POLICIES [GENERATED [SEED]]\n");
		return 2;
	}
	test_vectors(argv[1]);
	test_policies(argv[2]);
	test_generated(argc > 3 ? atol(argv[3]) : 1000000,
				   argc > 4 ? strtoull(argv[4], NULL, 0) : 20260505);
	test_hostile();
	test_limits();
	return tap_end();
}
