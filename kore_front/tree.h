/*
 * tree.h: a YAML document as a tree of values, each with the place it came from.
 *
 * Knows YAML and JSON, and nothing of settings.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_TREE_H
#define WAZO_AUTH_FRONT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

#define TREE_MAX_BYTES (1024 * 1024)	/* of one document */
#define TREE_MAX_DEPTH 32
#define TREE_MAX_NODES 20000	/* with each use of an alias counted for what it stands for */
#define TREE_ERROR_SIZE 512

typedef enum TreeKind
{
	TREE_NULL,
	TREE_BOOLEAN,
	TREE_INTEGER,
	TREE_NUMBER,
	TREE_STRING,
	TREE_LIST,
	TREE_MAP
} TreeKind;

typedef struct Tree Tree;

struct Tree
{
	TreeKind	kind;
	const char *file;			/* its caller's */
	size_t		line;
	char	   *key;			/* of a member of a map */
	char	   *text;			/* of a scalar, as JSON writes it: "true", "-1"; of a string the string itself */
	Tree	   *first;			/* members */
	Tree	   *last;
	Tree	   *next;			/* beside this one */
};

extern Tree *tree_parse(const char *file, const char *bytes, size_t len, char *error);
extern Tree *tree_new(TreeKind kind, const char *text);
extern void tree_add(Tree *parent, const char *key, Tree *child);
extern void tree_merge(Tree *over, Tree *under);
extern Tree *tree_member(const Tree *map, const char *key, size_t key_len);
extern Tree *tree_find(const Tree *tree, const char *path);
extern const char *tree_text(const Tree *tree, const char *path);
extern void tree_to_json(const Tree *tree, Bytes *out);
extern void tree_free(Tree *tree);

#endif
