/*
 * config_test.c: the configuration files: what YAML means, how files are joined, and what is said about a setting.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../kore_front/config_files.h"
#include "../../kore_front/log.h"
#include "../../kore_front/settings.h"
#include "../../kore_front/tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

void
front_log(int level, const char *fmt,...)
{
	(void) level;
	(void) fmt;
}

static char error[TREE_ERROR_SIZE];

/* A copy of exactly that size, so that the sanitizer sees every step beyond it. */
static Tree *
parse(const char *yaml)
{
	size_t		len = strlen(yaml);
	char	   *copy = malloc(len > 0 ? len : 1);
	Tree	   *tree;

	memcpy(copy, yaml, len);
	error[0] = '\0';
	tree = tree_parse("f.yml", copy, len, error);
	free(copy);
	return tree;
}

static char *
json(const Tree *tree, bool for_database)
{
	Bytes		out = {0};

	if (for_database)
		config_files_json(tree, &out);
	else
		tree_to_json(tree, &out);
	bytes_add(&out, "", 1);
	return out.data;
}

static void
is_json(Tree *tree, const char *expected, const char *what)
{
	char	   *got = tree != NULL ? json(tree, false) : strdup(error);

	ok(strcmp(got, expected) == 0, "%s: %s", what, strcmp(got, expected) == 0 ? expected : got);
	free(got);
	tree_free(tree);
}

/* What PyYAML makes of the same texts. */
static void
test_scalars(void)
{
	static const char *const cases[][2] = {
		{"a: 1", "{\"a\": 1}"}, {"a: -12", "{\"a\": -12}"}, {"a: +1_000", "{\"a\": 1000}"}, {"a: 010", "{\"a\": 8}"},
		{"a: 0x1F", "{\"a\": 31}"}, {"a: 0b101", "{\"a\": 5}"}, {"a: 09", "{\"a\": \"09\"}"}, {"a: 0", "{\"a\": 0}"},
		{"a: 1.5", "{\"a\": 1.5}"},
		{"a: 60.0", "{\"a\": 60}"},
		{"a: 1.0e+3", "{\"a\": 1000}"},
		{"a: 1.2.3", "{\"a\": \"1.2.3\"}"},
		{"a: .", "{\"a\": \".\"}"},
		{"a: 1e3", "{\"a\": \"1e3\"}"},
		{"a: .inf", "{\"a\": \".inf\"}"},
		{"a: -.", "{\"a\": \"-.\"}"},
		{"a: 99999999999999999999", "{\"a\": \"99999999999999999999\"}"},
		{"a: [~]", "{\"a\": [null]}"},
		{"a: _1", "{\"a\": \"_1\"}"},
		{"a: yes\nb: Off\nc: TRUE\nd: y", "{\"a\": true, \"b\": false, \"c\": true, \"d\": \"y\"}"},
		{"a:\nb: ~\nc: null\nd: Null", "{\"a\": null, \"b\": null, \"c\": null, \"d\": null}"},
		{"a: 'yes'\nb: \"1\"\nc: ''", "{\"a\": \"yes\", \"b\": \"1\", \"c\": \"\"}"},
		{"a: 2026-01-02", "{\"a\": \"2026-01-02\"}"},
		{"a: \"q\\\"\\\\ \\n\\t\\x01\"", "{\"a\": \"q\\\"\\\\ \\u000a\\u0009\\u0001\"}"},
		{"a: |\n  x\n  y\n", "{\"a\": \"x\\u000ay\\u000a\"}"},
		{"a: [1, [b], {c: d}]", "{\"a\": [1, [\"b\"], {\"c\": \"d\"}]}"},
		{"a: 1\na: 2\nb: 3\nb: {c: 1}", "{\"a\": 2, \"b\": {\"c\": 1}}"},
		{"1: x\ntrue: y", "{\"1\": \"x\", \"true\": \"y\"}"},
		{"", "{}"},
		{"# nothing\n", "{}"},
		{"---\n", "{}"},
		{"~", "{}"},
		{"a: &x [1]\nb: *x", "{\"a\": [1], \"b\": [1]}"},
		{"a: \"caf\\u00e9\"", "{\"a\": \"caf\xc3\xa9\"}"}, {"a: !!str x", "{\"a\": \"x\"}"}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_json(parse(cases[i][0]), cases[i][1], "YAML 1.1");
}

static void
test_refusals(void)
{
	static const char *const cases[][2] = {
		{"a: [unclosed\n", "f.yml, line 2: "}, {"a: 1\nb: !exec {command: ls}\n", "f.yml, line 2: a value has a tag"},
		{"a: &x {b: 1}\nc:\n  <<: *x\n", "f.yml, line 3: merge keys"},
		{"a: 1\n\"<<\": 1\n? [x]\n: 1", "f.yml, line 3: a key must be"},
		{"a: 1\n---\nb: 2\n", "f.yml: there is more than one document"},
		{"a: 1\n---\n[", "f.yml, line"},
		{"a: \"x\\0y\"\n", "f.yml, line 1: a text must not"},
		{"a: &x [*x]\n", "f.yml, line 1: nested too deep"},
		{"a: \xff\n", "f.yml, line 1: "},
		{"\ta: 1", "f.yml, line 1: "},
		{"a: *b", "f.yml, line 1: "}
	};
	char		deep[80] = "a: ";
	char	   *bomb;
	size_t		n;
	Tree	   *tree;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		tree = parse(cases[i][0]);
		ok(tree == NULL && strncmp(error, cases[i][1], strlen(cases[i][1])) == 0, "refused: %s", error);
		tree_free(tree);
	}
	for (int i = 0; i < TREE_MAX_DEPTH; i++)
		strcat(deep, i < TREE_MAX_DEPTH - 1 ? "[" : "");
	for (int i = 0; i < TREE_MAX_DEPTH - 1; i++)
		strcat(deep, "]");
	tree = parse(deep);
	ok(tree != NULL, "as deep as it may be");
	tree_free(tree);
	/* Aliases of aliases: small as a text, large when each stands for what it means. */
	bomb = strdup("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++)
	{
		char		line[128];

		snprintf(line, sizeof(line), "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
				 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
		bomb = realloc(bomb, strlen(bomb) + strlen(line) + 1);
		strcat(bomb, line);
	}
	ok(parse(bomb) == NULL && strstr(error, "too many values") != NULL, "refused: %s", error);
	free(bomb);
	n = TREE_MAX_BYTES + 1;
	bomb = malloc(n);
	memset(bomb, '#', n);
	ok(tree_parse("f.yml", bomb, n, error) == NULL && strstr(error, "longer than") != NULL, "refused: %s", error);
	tree = tree_parse("f.yml", bomb, n - 1, error);
	ok(tree != NULL, "one byte less is read");
	tree_free(tree);
	free(bomb);
}

static void
test_merging(void)
{
	static const char *const cases[][4] = {
		{"a: 1", "a: 2\nb: 3", "{\"a\": 1, \"b\": 3}", "the first counts"},
		{"m: {a: 1, n: {x: 1}}", "m: {a: 2, b: 3, n: {y: 2}}",
			"{\"m\": {\"a\": 1, \"n\": {\"x\": 1, \"y\": 2}, \"b\": 3}}",
		"maps key by key"},
		{"l: [a, b]", "l: [b, c]", "{\"l\": [\"a\", \"b\", \"b\", \"c\"]}", "lists one behind the other"},
		{"a: null", "a: 1", "{\"a\": null}", "null is a value"},
		{"a: {b: 1}", "a: 1", "{\"a\": {\"b\": 1}}", "of two kinds the first"},
		{"a: 1", "a: {b: 1}", "{\"a\": 1}", "... either way"},
		{"a: [1]", "a: {b: 1}", "{\"a\": [1]}", "... lists and maps, too"},
		{"{}", "a: 1", "{\"a\": 1}", "nothing over something"}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Tree	   *over = parse(cases[i][0]);

		tree_merge(over, parse(cases[i][1]));
		is_json(over, cases[i][2], cases[i][3]);
	}
}

/* ---- what is said about settings ---- */

static char said[8192];

static void
tell(Finding finding, const char *sentence)
{
	size_t		n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%c %s\n", "nwe"[finding], sentence);
}

static void
test_settings(void)
{
	static const char *const cases[][2] = {
		{"default_token_lifetime: 60\nsmtp: {port: 25, hostname: h}\namqp: {uri: 'amqp://h'}\nuuid: null", ""},
		{"\ndefault_token_lifetme: 1", "w f.yml, line 2: \"default_token_lifetme\" is not a setting of wazo-auth; perhaps you mean \"default_token_lifetime\"\n"},
		{"smtp:\n  prot: 1", "w f.yml, line 2: \"smtp.prot\" is not a setting of wazo-auth; perhaps you mean \"smtp.port\"\n"},
		{"zzzzzz: 1", "w f.yml, line 1: \"zzzzzz\" is not a setting of wazo-auth; only a plugin can know it\n"},
		{"smtp.port: 1", "w f.yml, line 1: \"smtp.port\" is not a setting of wazo-auth; only a plugin can know it\n"},
		{"'*': 1", "w f.yml, line 1: \"*\" is not a setting of wazo-auth; only a plugin can know it\n"},
		{"\"z\\nz\": 1", "w f.yml, line 1: \"z?z\" is not a setting of wazo-auth; only a plugin can know it\n"},
		{"rest_api: {port: 70000}", "e f.yml, line 1: \"rest_api.port\" must be from 1 to 65535\n"},
		{"rest_api: {port: '1'}", "e f.yml, line 1: \"rest_api.port\" must be a whole number and not a text\n"},
		{"smtp: 1", "e f.yml, line 1: \"smtp\" must be a map and not a whole number\n"},
		{"debug: 1", "e f.yml, line 1: \"debug\" must be true or false and not a whole number\n"},
		{"bootstrap_user_password: 1234", "e f.yml, line 1: \"bootstrap_user_password\" must be a text and not a whole number; put it into quotes\n"},
		{"db_uri: [s3cret]", "e f.yml, line 1: \"db_uri\" must be a text and not a list\n"},
		{"default_policies:\n  p:\n    acl: [a.b,\n      1]", "e f.yml, line 4: \"default_policies.p.acl.1\" must be a text and not a whole number; put it into quotes\n"},
		{"default_policies: {p: {shard: true}}", "w f.yml, line 1: \"default_policies.p.shard\" is not a setting of wazo-auth; perhaps you mean \"default_policies.*.shared\"\n"},
		{"front: {queue_wait: 0.01}", "e f.yml, line 1: \"front.queue_wait\" must be from 0.1 to 86400\n"},
		{"front: {queue_wait: 2, header_timeout: 0.5}", ""},
		{"rest_api: {max_threads: 5}", "n f.yml, line 1: \"rest_api.max_threads\" has no effect here; use wazo-auth --workers\n"},
		{"token_cleanup_interval: 60.0", "n f.yml, line 1: \"token_cleanup_interval\" has no effect here; use ALTER SYSTEM SET wazo_auth.token_cleanup_interval = ..., then SELECT pg_reload_conf()\n"},
		{"consul: {token: x}", "n f.yml, line 1: \"consul.token\" has no effect here\n"}
	};
	char	   *text;
	Tree	   *tree;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		tree = parse(cases[i][0]);
		said[0] = '\0';
		settings_check(tree, tell);
		ok(strcmp(said, cases[i][1]) == 0, "said of \"%s\": %s", cases[i][0], said);
		tree_free(tree);
	}
	tree = parse("db_uri: s3\nread_db_uri: s3\nbootstrap_user_password: s3\nconsul: {token: s3, host: h}\namqp: {uri: 'amqp://h'}\nmine: {b: 1}");
	text = json(tree, true);
	ok(strcmp(text, "{\"consul\": {\"host\": \"h\"}, \"amqp\": {\"uri\": \"amqp://h\"}, \"mine\": {\"b\": 1}}") == 0,
	   "to the database go its own secrets and no others: %s", text);
	free(text);
	tree_free(tree);
}

/* ---- files ---- */

static char dir[] = "/tmp/wazo_config_test.XXXXXX";

static void
put(const char *name, const char *text)
{
	char		path[256];
	FILE	   *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		abort();
}

static void
test_files(void)
{
	char		path[256];
	char		text[512];
	bool		found;
	Tree	   *tree;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/conf.d", dir);
	if (mkdir(path, 0755) != 0)
		abort();
	snprintf(text, sizeof(text), "extra_config_files: %s/conf.d\na: main\nb: main\nl: [main]", dir);
	put("config.yml", text);
	put("conf.d/50-y.yml", "a: 50\nc: 50\nl: [50]");
	put("conf.d/10-x.yml", "a: 10\nl: [10]");
	put("conf.d/.hidden.yml", "a: hidden");
	put("conf.d/00.yaml", "a: yaml");
	put("conf.d/00.yml.dpkg-old", "a: old");
	put("conf.d/B.yml", "c: B\nd: B");
	put("conf.d/a.yml", "d: a");
	snprintf(path, sizeof(path), "%s/config.yml", dir);
	tree = config_files_read(path, &found, error);
	ok(tree != NULL && found, "the files are read");
	snprintf(text, sizeof(text), "{\"a\": 10, \"l\": [10, 50, \"main\"], \"c\": 50, \"d\": \"B\", \"extra_config_files\": \"%s/conf.d\", \"b\": \"main\"}", dir);
	is_json(tree, text, "the first by name counts most, the main file least");
	put("conf.d/99.yml", "a: 1\nb: [\n");
	ok(config_files_read(path, &found, error) == NULL && strstr(error, "conf.d/99.yml, line 3") != NULL,
	   "a broken one is refused: %s", error);
	put("conf.d/99.yml", "- a\n");
	ok(config_files_read(path, &found, error) == NULL && strstr(error, "99.yml, line 1: not a map") != NULL,
	   "one that is a list: %s", error);
	snprintf(path, sizeof(path), "rm -rf %s/conf.d", dir);
	ok(system(path) == 0, "without the folder");
	snprintf(path, sizeof(path), "%s/config.yml", dir);
	tree = config_files_read(path, &found, error);
	ok(tree != NULL && strcmp(tree_text(tree, "a"), "main") == 0, "... the main file counts");
	tree_free(tree);
	ok(config_files_read(dir, &found, error) == NULL && strstr(error, "Is a directory") != NULL,
	   "a folder is no file: %s", error);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	ok(system(path) == 0, "removed");
}

int
main(void)
{
	test_scalars();
	test_refusals();
	test_merging();
	test_settings();
	test_files();
	return tap_end();
}
