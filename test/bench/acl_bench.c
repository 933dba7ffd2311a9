/*
 * acl_bench.c
 *	  Nanoseconds per check of the ACL matcher, one line per case:
 *
 *		shape entries warm first compile
 *
 * Usage: acl_bench LINES_OF_POLICIES, as test/data/acl_lines.pl makes them.
 * warm is a check of a compiled list; first is the first check of a list,
 * which looks at it as it is stored; compile is what the second check adds.
 *
 * Shapes: "sample" is cut from all entries of the sample tokens (a segment
 * with a number is put in when they run out), checked with the samples'
 * accesses, most of which are refused: the expensive answer.  The others are
 * entries that differ in one segment only, and an access for one in two.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <time.h>

#include "../unit/acl_reference.h"

#define MAX_POOL	4096

static Text pool[MAX_POOL];
static size_t pool_size;
static Text checks[MAX_POOL];
static size_t check_count;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void
read_lines(const char *file)
{
	static char line[1 << 20];
	FILE	   *in = fopen(file, "r");

	if (in == NULL)
	{
		perror(file);
		exit(2);
	}
	while (fgets(line, sizeof(line), in) != NULL)
	{
		char	   *save = NULL;
		char	   *kind = strtok_r(line, " \n", &save);
		char	   *word;

		for (int i = 0; (word = strtok_r(NULL, " \n", &save)) != NULL; i++)
		{
			Text		t;

			if (kind[0] == 'C' && i == 3 && check_count < MAX_POOL)
				checks[check_count++] = test_unhex(word);
			if (kind[0] != 'A' || i == 0 || pool_size == MAX_POOL)
				continue;
			t = test_unhex(word);
			/* entries that match everything would make every check cheap */
			if (t.len < 4 || memchr(t.text, '.', t.len) == NULL)
				continue;
			pool[pool_size++] = t;
		}
	}
	fclose(in);
}

static Text
entry(size_t i)
{
	Text		t = pool[i * 7 % pool_size];
	char	   *dot;
	char	   *text;
	int			n;

	if (i < pool_size)
		return t;
	text = test_alloc(t.len + 32);
	dot = memchr(t.text, '.', t.len);
	n = sprintf(text, "%.*s.n%zu%s", (int) (dot - t.text), t.text, i, dot);
	return (Text) {text, (size_t) n};
}

static volatile unsigned sink;

static const AclContext ctx = {"c0ffee00-1111-4222-8333-444455556666", 36,
"5e551000-aaaa-4bbb-8ccc-ddddeeeeffff", 36};

static void
run(const char *shape, const Text *entries, size_t count,
	const Text *accesses, size_t naccesses)
{
	size_t		size;
	char	   *packed = test_pack(entries, count, &size);
	AclCompiled *compiled = test_compile(packed, size);
	double		times[3];
	double		start;
	int			rounds = (int) (300000 / naccesses) + 1;

	start = seconds();
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < naccesses; i++)
		{
			AclAccess	a;

			acl_access_init(&a, accesses[i].text, accesses[i].len, &ctx, &test_env);
			sink += acl_compiled_grants(compiled, &a);
			acl_access_done(&a);
		}
	times[0] = (seconds() - start) / rounds / (double) naccesses;

	rounds = (int) (20000 / naccesses) + 1;
	start = seconds();
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < naccesses; i++)
		{
			AclAccess	a;

			acl_access_init(&a, accesses[i].text, accesses[i].len, &ctx, &test_env);
			sink += acl_list_grants(packed, &a);
			acl_access_done(&a);
		}
	times[1] = (seconds() - start) / rounds / (double) naccesses;

	start = seconds();
	for (int r = 0; r < 300; r++)
	{
		void	   *block = test_alloc(acl_compile_bound(packed, size));

		sink += (unsigned) acl_compile(packed, size, block);
		free(block);
	}
	times[2] = (seconds() - start) / 300;

	printf("%s %zu %.0f %.0f %.0f\n", shape, count,
		   times[0] * 1e9, times[1] * 1e9, times[2] * 1e9);
	free(compiled);
	free(packed);
}

static void
run_sample(size_t count)
{
	Text	   *entries = test_alloc(count * sizeof(Text));

	for (size_t i = 0; i < count; i++)
		entries[i] = entry(i);
	run("sample", entries, count, checks, check_count);
	free(entries);
}

/* "format" has one %d for the entry's number; so has the access's. */
static void
run_shape(const char *shape, const char *format, const char *access_format,
		  size_t count)
{
	Text	   *entries = calloc(count, sizeof(Text));
	Text		accesses[64] = {{NULL, 0}};

	for (size_t i = 0; i < count + 64; i++)
	{
		char	   *text = test_alloc(256);
		int			n;

		if (i < count)
		{
			n = snprintf(text, 256, format, (int) i);
			entries[i] = (Text) {text, (size_t) n};
		}
		else
		{
			size_t		k = i - count;

			n = snprintf(text, 256, access_format,
						 (int) (k % 2 ? k * count / 64 : 1000000 + k));
			accesses[k] = (Text) {text, (size_t) n};
		}
	}
	run(shape, entries, count, accesses, 64);
	for (size_t i = 0; i < count; i++)
		free((char *) entries[i].text);
	for (size_t i = 0; i < 64; i++)
		free((char *) accesses[i].text);
	free(entries);
}

int
main(int argc, char **argv)
{
	static const size_t counts[] = {10, 100, 200, 1000};

	if (argc != 2)
	{
		fprintf(stderr, "usage: acl_bench LINES_OF_POLICIES\n");
		return 2;
	}
	read_lines(argv[1]);
	for (int i = 0; i < 4; i++)
		run_sample(counts[i]);
	for (int i = 0; i < 4; i++)
	{
		run_shape("literal", "confd.lines.e%d.read", "confd.lines.e%d.read", counts[i]);
		run_shape("me", "confd.users.me.e%d.read",
				  "confd.users.c0ffee00-1111-4222-8333-444455556666.e%d.read", counts[i]);
		run_shape("star", "confd.*.e%d.*.read", "confd.lines.e%d.7.read", counts[i]);
		run_shape("hash", "confd.e%d.#", "confd.e%d.a.b", counts[i]);
		run_shape("hash-inside", "confd.#.e%d.read", "confd.a.b.e%d.read", counts[i]);
		run_shape("negative", "!confd.lines.e%d.*", "confd.lines.e%d.read", counts[i]);
	}
	return 0;
}
