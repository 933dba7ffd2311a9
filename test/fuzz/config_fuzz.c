/*
 * config_fuzz.c
 *	  libFuzzer target: a configuration file, from its bytes to what is said
 *	  about it and the JSON that the database gets. The file is split in two at
 *	  its middle, which are joined as two files are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../kore_front/config_files.h"
#include "../../kore_front/log.h"
#include "../../kore_front/settings.h"
#include "../../kore_front/tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void
front_log(int level, const char *fmt,...)
{
	(void) level;
	(void) fmt;
}

static void
ignore_finding(Finding finding, const char *sentence)
{
	(void) finding;
	if (strpbrk(sentence, "\n\r\t") != NULL)
		abort();				/* a line could be forged */
}

static Tree *
parse(const uint8_t *data, size_t size)
{
	char		error[TREE_ERROR_SIZE] = "";
	char	   *copy = malloc(size + (size == 0));
	Tree	   *tree;

	if (size > 0)
		memcpy(copy, data, size);
	tree = tree_parse("f", copy, size, error);
	free(copy);
	if ((tree == NULL) != (error[0] != '\0'))
		abort();
	return tree;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Tree	   *over = parse(data, size / 2);
	Tree	   *under = parse(data + size / 2, size - size / 2);
	Bytes		json = {0};

	if (over != NULL && under != NULL && over->kind == TREE_MAP && under->kind == TREE_MAP)
	{
		tree_merge(over, under);
		under = NULL;
	}
	if (over != NULL && over->kind == TREE_MAP)
	{
		settings_check(over, ignore_finding);
		config_files_json(over, &json);
		/* Its JSON is YAML, too, and means the same but for the secrets left out. */
		bytes_free(&json);
		tree_to_json(over, &json);
	}
	bytes_free(&json);
	tree_free(over);
	tree_free(under);
	return 0;
}
