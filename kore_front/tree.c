/*
 * tree.c: a YAML document as a tree of values.
 *
 * Plain scalars are what PyYAML makes of them, since the files were written for it: YAML 1.1, where "on" is true and
 * 010 is eight. What cannot be kept that way is refused and not guessed: merge keys, tags that run programs, dates
 * stay text.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define TAG "tag:yaml.org,2002:"

/* What one document is made of. */
typedef struct Build
{
	yaml_document_t *doc;
	const char *file;
	int			nodes;
	char	   *error;			/* TREE_ERROR_SIZE bytes */
} Build;

static void
__attribute__((noreturn))
out_of_memory(void)
{
	fputs("wazo-auth: out of memory\n", stderr);
	exit(1);
}

static char *
copy_text(const char *text)
{
	char	   *copy = strdup(text);

	if (copy == NULL)
		out_of_memory();
	return copy;
}

/* A value without a place. text: of a scalar, else NULL; copied. */
Tree *
tree_new(TreeKind kind, const char *text)
{
	Tree	   *tree = calloc(1, sizeof(*tree));

	if (tree == NULL)
		out_of_memory();
	tree->kind = kind;
	tree->text = text != NULL ? copy_text(text) : NULL;
	return tree;
}

/* Gives a list or map one more member, which is its own from then on. key: of a map, copied; else NULL. */
void
tree_add(Tree *parent, const char *key, Tree *child)
{
	if (key != NULL)
		child->key = copy_text(key);
	child->next = NULL;
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

/* Frees a value and what is in it; NULL is fine. */
void
tree_free(Tree *tree)
{
	Tree	   *next;

	if (tree == NULL)
		return;
	for (Tree *child = tree->first; child != NULL; child = next)
	{
		next = child->next;
		tree_free(child);		/* as deep as TREE_MAX_DEPTH */
	}
	free(tree->key);
	free(tree->text);
	free(tree);
}

/* ---- scalars ---- */

static bool
is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* Without the underscores that digits may have between them; false when it does not fit or begins with one. */
static bool
plain_digits(const char *text, char *out, size_t size)
{
	size_t		n = 0;

	if (text[0] == '_' || text[0] == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text != '_')
		{
			if (n + 1 >= size)
				return false;
			out[n++] = *text;
		}
	out[n] = '\0';
	return true;
}

/* A whole number in one of YAML 1.1's notations. Returns false for anything else. */
static bool
read_integer(const char *text, long long *value)
{
	char		digits[72];
	const char *p = digits;
	char	   *end;
	bool		negative;
	int			base = 10;

	if (!plain_digits(text, digits, sizeof(digits)))
		return false;
	negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	if (p[0] == '0' && p[1] == 'x')
		base = 16, p += 2;
	else if (p[0] == '0' && p[1] == 'b')
		base = 2, p += 2;
	else if (p[0] == '0' && p[1] != '\0')
		base = 8;
	if (*p == '\0' || strspn(p, "0123456789abcdefABCDEF") != strlen(p))
		return false;
	errno = 0;
	*value = strtoll(p, &end, base);
	if (errno != 0 || *end != '\0')
		return false;
	if (negative)
		*value = -*value;
	return true;
}

/* A number with a point, as YAML 1.1 has it; infinity and the like stay text, which no setting takes. */
static bool
read_number(const char *text, double *value)
{
	char		digits[72];
	char	   *end;

	if (!plain_digits(text, digits, sizeof(digits)) || strchr(digits, '.') == NULL || strcmp(digits, ".") == 0 ||
		strspn(digits, "0123456789.eE+-") != strlen(digits) || digits[strspn(digits, "+-.")] == '\0')
		return false;
	errno = 0;
	*value = strtod(digits, &end);
	return errno == 0 && *end == '\0';
}

/* A scalar without quotes. */
static Tree *
plain_scalar(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
	static const char *const no[] = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
	char		number[64];
	long long	whole;
	double		real;

	if (is_one_of(text, nulls))
		return tree_new(TREE_NULL, NULL);
	if (is_one_of(text, yes))
		return tree_new(TREE_BOOLEAN, "true");
	if (is_one_of(text, no))
		return tree_new(TREE_BOOLEAN, "false");
	if (read_integer(text, &whole))
	{
		snprintf(number, sizeof(number), "%lld", whole);
		return tree_new(TREE_INTEGER, number);
	}
	if (read_number(text, &real))
	{
		snprintf(number, sizeof(number), "%.17g", real);
		return tree_new(TREE_NUMBER, number);
	}
	return tree_new(TREE_STRING, text);
}

/* ---- a document ---- */

static Tree *build(Build *b, int index, int depth);

/* Says what is wrong, with the place. Returns NULL. */
static Tree *
refuse(Build *b, const yaml_node_t *node, const char *what)
{
	snprintf(b->error, TREE_ERROR_SIZE, "%s, line %zu: %s", b->file, node->start_mark.line + 1, what);
	return NULL;
}

static bool
is_text(const yaml_node_t *node)
{
	return strlen((const char *) node->data.scalar.value) == node->data.scalar.length;
}

static Tree *
build_list(Build *b, yaml_node_t *node, int depth)
{
	Tree	   *list = tree_new(TREE_LIST, NULL);

	for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++)
	{
		Tree	   *child = build(b, *item, depth + 1);

		if (child == NULL)
		{
			tree_free(list);
			return NULL;
		}
		tree_add(list, NULL, child);
	}
	return list;
}

/* Takes a member out of a map and frees it. */
static void
drop_member(Tree *map, Tree *member)
{
	Tree	   *before = NULL;

	for (Tree *child = map->first; child != member; child = child->next)
		before = child;
	if (before != NULL)
		before->next = member->next;
	else
		map->first = member->next;
	if (map->last == member)
		map->last = before;
	tree_free(member);
}

/* Puts a member in; of two with one key the later counts, as for PyYAML. */
static void
set_member(Tree *map, const char *key, Tree *child)
{
	Tree	   *old = tree_member(map, key, strlen(key));

	if (old != NULL)
		drop_member(map, old);
	tree_add(map, key, child);
}

static Tree *
build_map(Build *b, yaml_node_t *node, int depth)
{
	Tree	   *map = tree_new(TREE_MAP, NULL);

	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
	{
		yaml_node_t *key = yaml_document_get_node(b->doc, pair->key);
		Tree	   *child = NULL;

		if (key == NULL || key->type != YAML_SCALAR_NODE || !is_text(key))
			refuse(b, key != NULL ? key : node, "a key must be a text");
		else if (key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
				 strcmp((const char *) key->data.scalar.value, "<<") == 0)
			refuse(b, key, "merge keys (<<) are not supported; write the members out");
		else
			child = build(b, pair->value, depth + 1);
		if (child == NULL)
		{
			tree_free(map);
			return NULL;
		}
		set_member(map, (const char *) key->data.scalar.value, child);
	}
	return map;
}

static Tree *
build_scalar(Build *b, const yaml_node_t *node)
{
	const char *text = (const char *) node->data.scalar.value;

	if (!is_text(node))
		return refuse(b, node, "a text must not have a NUL character");
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_scalar(text) : tree_new(TREE_STRING, text);
}

static Tree *
build(Build *b, int index, int depth)
{
	yaml_node_t *node = yaml_document_get_node(b->doc, index);
	const char *tag = (const char *) node->tag;
	Tree	   *tree;

	if (depth > TREE_MAX_DEPTH)
		return refuse(b, node, "nested too deep");
	if (++b->nodes > TREE_MAX_NODES)
		return refuse(b, node, "too many values; aliases count for what they stand for");
	if (tag != NULL && strcmp(tag, TAG "str") != 0 && strcmp(tag, TAG "seq") != 0 && strcmp(tag, TAG "map") != 0)
		return refuse(b, node, "a value has a tag (!…), which is not supported; write the value itself");
	switch (node->type)
	{
		case YAML_SCALAR_NODE:
			tree = build_scalar(b, node);
			break;
		case YAML_SEQUENCE_NODE:
			tree = build_list(b, node, depth);
			break;
		case YAML_MAPPING_NODE:
			tree = build_map(b, node, depth);
			break;
		default:
			return refuse(b, node, "not a value");
	}
	if (tree != NULL)
	{
		tree->file = b->file;
		tree->line = node->start_mark.line + 1;
	}
	return tree;
}

/* The one document of a parser; an empty file is an empty map. */
static Tree *
parse_document(yaml_parser_t *parser, const char *file, char *error)
{
	yaml_document_t doc;
	yaml_document_t more;
	Build		b = {.doc = &doc, .file = file, .error = error};
	Tree	   *tree;

	if (!yaml_parser_load(parser, &doc))
	{
		snprintf(error, TREE_ERROR_SIZE, "%s, line %zu: %s", file, parser->problem_mark.line + 1,
				 parser->problem != NULL ? parser->problem : "not valid YAML");
		return NULL;
	}
	if (yaml_document_get_root_node(&doc) == NULL)
		tree = tree_new(TREE_MAP, NULL);
	else
		tree = build(&b, 1, 0);
	if (tree != NULL && tree->kind == TREE_NULL)
		tree->kind = TREE_MAP;
	yaml_document_delete(&doc);
	if (tree == NULL)
		return NULL;
	if (!yaml_parser_load(parser, &more))
		snprintf(error, TREE_ERROR_SIZE, "%s, line %zu: %s", file, parser->problem_mark.line + 1,
				 parser->problem != NULL ? parser->problem : "not valid YAML");
	else
	{
		bool		second = yaml_document_get_root_node(&more) != NULL;

		yaml_document_delete(&more);
		if (!second)
			return tree;
		snprintf(error, TREE_ERROR_SIZE, "%s: there is more than one document in it", file);
	}
	tree_free(tree);
	return NULL;
}

/*
 * Reads a document. file: its name for messages, kept by the tree. Returns the tree, to be freed with tree_free(), or
 * NULL with a message that names file and line in error (TREE_ERROR_SIZE bytes).
 */
Tree *
tree_parse(const char *file, const char *bytes, size_t len, char *error)
{
	yaml_parser_t parser;
	Tree	   *tree;

	if (len > TREE_MAX_BYTES)
	{
		snprintf(error, TREE_ERROR_SIZE, "%s: longer than %d bytes", file, TREE_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&parser))
		out_of_memory();
	yaml_parser_set_input_string(&parser, (const unsigned char *) bytes, len);
	tree = parse_document(&parser, file, error);
	yaml_parser_delete(&parser);
	return tree;
}

/* ---- looking and joining ---- */

/* The member of a map with that key; NULL when there is none, or it is no map. */
Tree *
tree_member(const Tree *map, const char *key, size_t key_len)
{
	if (map == NULL || map->kind != TREE_MAP)
		return NULL;
	for (Tree *child = map->first; child != NULL; child = child->next)
		if (strncmp(child->key, key, key_len) == 0 && child->key[key_len] == '\0')
			return child;
	return NULL;
}

/* The value at a path of keys, "a.b.c"; NULL when there is none. */
Tree *
tree_find(const Tree *tree, const char *path)
{
	const char *dot;

	while ((dot = strchr(path, '.')) != NULL)
	{
		tree = tree_member(tree, path, (size_t) (dot - path));
		path = dot + 1;
	}
	return tree_member(tree, path, strlen(path));
}

/* The text of the scalar at a path; NULL when there is none, or it is null, or no scalar. */
const char *
tree_text(const Tree *tree, const char *path)
{
	const Tree *found = tree_find(tree, path);

	return found != NULL ? found->text : NULL;
}

/*
 * Joins two maps, into the first, whose values count more: maps key by key, lists one behind the other, of anything
 * else the first one's. under is gone after that.
 */
void
tree_merge(Tree *over, Tree *under)
{
	Tree	   *next;

	for (Tree *child = under->first; child != NULL; child = next)
	{
		Tree	   *mine = over->kind == TREE_MAP ? tree_member(over, child->key, strlen(child->key)) : NULL;

		next = child->next;
		if (mine == NULL)
		{
			child->next = NULL;
			tree_add(over, NULL, child);
		}
		else if (mine->kind == child->kind && (mine->kind == TREE_MAP || mine->kind == TREE_LIST))
			tree_merge(mine, child);
		else
			tree_free(child);
	}
	under->first = under->last = NULL;
	tree_free(under);
}

/* ---- JSON ---- */

static void
add_json_string(const char *text, Bytes *out)
{
	BYTES_ADD(out, "\"");
	for (; *text != '\0'; text++)
	{
		char		escape[8];

		if (*text == '"' || *text == '\\')
		{
			BYTES_ADD(out, "\\");
			bytes_add(out, text, 1);
		}
		else if ((unsigned char) *text < 0x20)
		{
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) (unsigned char) *text);
			bytes_add(out, escape, 6);
		}
		else
			bytes_add(out, text, 1);
	}
	BYTES_ADD(out, "\"");
}

/* Adds a value as JSON; it is UTF-8, since libyaml takes nothing else. */
void
tree_to_json(const Tree *tree, Bytes *out)
{
	if (tree->kind == TREE_NULL)
		BYTES_ADD(out, "null");
	else if (tree->kind == TREE_STRING)
		add_json_string(tree->text, out);
	else if (tree->text != NULL)
		bytes_add(out, tree->text, strlen(tree->text));
	else
	{
		bool		map = tree->kind == TREE_MAP;

		bytes_add(out, map ? "{" : "[", 1);
		for (const Tree *child = tree->first; child != NULL; child = child->next)
		{
			if (child != tree->first)
				BYTES_ADD(out, ", ");
			if (map)
			{
				add_json_string(child->key, out);
				BYTES_ADD(out, ": ");
			}
			tree_to_json(child, out);
		}
		bytes_add(out, map ? "}" : "]", 1);
	}
}
