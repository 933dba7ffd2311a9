/*
 * acl_bench.c
 *	  Nanoseconds per check of the ACL matcher, one line per case:
 *
 *		name entries warm_ns first_use_ns direct_ns compile_ns
 *
 * Usage: acl_bench LINES_OF_POLICIES, as test/data/acl_lines.pl makes them.
 * warm is a check of a compiled list; direct looks at the list as it is
 * stored, which is what the first check of a list does; compile is what the
 * second one adds; first_use is direct plus its preparation.
 *
 * The lists of 10, 200 and 1,000 entries are cut from all entries of the
 * sample tokens (numbers are put into a segment when they run out), and the
 * checks are those of the samples, so most are refused: the expensive answer.
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

static void
run(size_t count)
{
	static const AclContext ctx = {"c0ffee00-1111-4222-8333-444455556666", 36,
	"5e551000-aaaa-4bbb-8ccc-ddddeeeeffff", 36};
	Text	   *entries = test_alloc(count * sizeof(Text));
	size_t		size;
	char	   *packed;
	AclCompiled *compiled;
	void	   *block;
	double		start;
	double		warm;
	double		direct;
	double		compile;
	int			rounds = 200;

	for (size_t i = 0; i < count; i++)
		entries[i] = entry(i);
	packed = test_pack(entries, count, &size);
	compiled = test_compile(packed, size);

	start = seconds();
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < check_count; i++)
		{
			AclAccess	a;

			acl_access_init(&a, checks[i].text, checks[i].len, &ctx, &test_env);
			sink += acl_compiled_grants(compiled, &a);
			acl_access_done(&a);
		}
	warm = (seconds() - start) / rounds / (double) check_count;

	rounds = 5;
	start = seconds();
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < check_count; i++)
		{
			AclAccess	a;

			acl_access_init(&a, checks[i].text, checks[i].len, &ctx, &test_env);
			sink += acl_list_grants(packed, &a);
			acl_access_done(&a);
		}
	direct = (seconds() - start) / rounds / (double) check_count;

	start = seconds();
	for (int r = 0; r < 500; r++)
	{
		block = test_alloc(acl_compile_bound(packed, size));
		sink += (unsigned) acl_compile(packed, size, block);
		free(block);
	}
	compile = (seconds() - start) / 500;

	printf("acl_check %zu %.0f %.0f %.0f %.0f\n", count, warm * 1e9,
		   direct * 1e9, direct * 1e9, compile * 1e9);
	free(compiled);
	free(packed);
	free(entries);
}

int
main(int argc, char **argv)
{
	if (argc != 2)
	{
		fprintf(stderr, "usage: acl_bench LINES_OF_POLICIES\n");
		return 2;
	}
	read_lines(argv[1]);
	run(10);
	run(100);
	run(200);
	run(1000);
	return 0;
}
