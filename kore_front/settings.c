/*
 * settings.c: which settings there are, and whether a configuration keeps to them.
 *
 * The database decides what a setting may be; what is checked here is what can be said without it: names, types and
 * ranges, by a table made from the database's own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "settings.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH 256
#define NEAR_NAME 64			/* bytes; the distance of names costs their product */
#define NEAR_EDITS 4

typedef enum ReadBy
{
	READ_BY_DATABASE,
	READ_BY_FRONT,
	READ_BY_POSTGRESQL,
	READ_BY_NOBODY
} ReadBy;

typedef struct KnownSetting
{
	const char *name;			/* "*" stands for any name, and for the items of a list */
	TreeKind	kind;
	double		least;			/* of a number; NAN: none */
	double		most;
	bool		secret;
	ReadBy		read_by;
	const char *instead;
} KnownSetting;

#define NONE NAN
#define f false
#define t true
#define BOOLEAN TREE_BOOLEAN
#define INTEGER TREE_INTEGER
#define NUMBER TREE_NUMBER
#define STRING TREE_STRING
#define LIST TREE_LIST
#define MAP TREE_MAP
#define DATABASE READ_BY_DATABASE
#define FRONT READ_BY_FRONT
#define POSTGRESQL READ_BY_POSTGRESQL
#define NOBODY READ_BY_NOBODY
#define KNOWN(name, kind, least, most, secret, read_by, instead) {name, kind, least, most, secret, read_by, instead},

/* Made by tools/known_settings.sql; test/pgtap/configuration.sql compares. */
static const KnownSetting known[] = {
#include "known_settings.inc"
};

#undef f
#undef t

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static const KnownSetting *
known_by_name(const char *name)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

/* What is known of a member. parent: name of what it is in, "" at the top. Returns NULL when nothing is. */
static const KnownSetting *
known_member(const char *parent, const char *key)
{
	char		name[MAX_PATH];
	const KnownSetting *found = NULL;

	if (strcmp(key, "*") != 0 && strchr(key, '.') == NULL &&
		snprintf(name, sizeof(name), "%s%s%s", parent, *parent != '\0' ? "." : "", key) < (int) sizeof(name))
		found = known_by_name(name);
	if (found == NULL && *parent != '\0' && snprintf(name, sizeof(name), "%s.*", parent) < (int) sizeof(name))
		found = known_by_name(name);
	return found;
}

/* ---- names that somebody may have meant ---- */

/* Letters to change, add or leave out between two names of at most NEAR_NAME bytes. */
static size_t
distance(const char *a, const char *b)
{
	size_t		row[NEAR_NAME + 1];
	size_t		len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++)
	{
		size_t		diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++)
		{
			size_t		best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[len];
}

/* The part of a known name below a parent; NULL when it is not a name there. */
static const char *
name_below(const char *name, const char *parent)
{
	size_t		len = strlen(parent);

	if (len > 0)
	{
		if (strncmp(name, parent, len) != 0 || name[len] != '.')
			return NULL;
		name += len + 1;
	}
	return strchr(name, '.') != NULL || strcmp(name, "*") == 0 ? NULL : name;
}

/* The key beside this one that is the most like it; NULL when none is. */
static const char *
nearest(const char *parent, const char *key)
{
	size_t		len = strlen(key);
	size_t		best = (len / 2 < NEAR_EDITS ? len / 2 : NEAR_EDITS) + 1;
	const char *found = NULL;

	if (len > NEAR_NAME)
		return NULL;
	for (size_t i = 0; i < N_KNOWN; i++)
	{
		const char *other = name_below(known[i].name, parent);
		size_t		d;

		if (other == NULL || strlen(other) > NEAR_NAME || (d = distance(key, other)) >= best)
			continue;
		best = d;
		found = other;
	}
	return found;
}

/* ---- the check ---- */

static void check_members(const Tree *tree, const char *known_name, const char *name, SettingsTell tell);

/* Control characters of a key must not forge a line; what is too long is cut. */
static void
readable(const char *name, char *out, size_t size)
{
	size_t		n = 0;

	for (; *name != '\0' && n + 1 < size; name++)
		out[n++] = (unsigned char) *name < 0x20 || *name == 0x7f ? '?' : *name;
	out[n] = '\0';
}

static void
tell_of(SettingsTell tell, Finding finding, const Tree *at, const char *name, const char *what)
{
	char		sentence[1024];
	char		shown[MAX_PATH];

	readable(name, shown, sizeof(shown));
	snprintf(sentence, sizeof(sentence), "%s, line %zu: \"%s\" %s", at->file != NULL ? at->file : "environment",
			 at->line, shown, what);
	tell(finding, sentence);
}

static void
tell_unknown(SettingsTell tell, const Tree *at, const char *parent, const char *name)
{
	char		what[256];
	const char *near = nearest(parent, at->key);

	if (near != NULL)
		snprintf(what, sizeof(what), "is not a setting of wazo-auth; perhaps you mean \"%s%s%s\"", parent,
				 *parent != '\0' ? "." : "", near);
	else
		snprintf(what, sizeof(what), "is not a setting of wazo-auth; only a plugin can know it");
	tell_of(tell, FINDING_WARNING, at, name, what);
}

static const char *
kind_name(TreeKind kind)
{
	static const char *const names[] = {
		"null", "true or false", "a whole number", "a number", "a text", "a list", "a map"
	};

	return names[kind];
}

static bool
has_kind(const Tree *tree, TreeKind kind)
{
	return tree->kind == kind || (kind == TREE_NUMBER && tree->kind == TREE_INTEGER);
}

/* Tells of a value that is not what it must be. Returns whether it is. */
static bool
check_value(const Tree *tree, const KnownSetting *k, const char *name, SettingsTell tell)
{
	char		what[256];

	if (!has_kind(tree, k->kind))
	{
		snprintf(what, sizeof(what), "must be %s and not %s%s", kind_name(k->kind), kind_name(tree->kind),
				 k->kind == TREE_STRING && tree->text != NULL ? "; put it into quotes" : "");
		tell_of(tell, FINDING_ERROR, tree, name, what);
		return false;
	}
	if ((k->kind == TREE_INTEGER || k->kind == TREE_NUMBER) &&
		(strtod(tree->text, NULL) < k->least || strtod(tree->text, NULL) > k->most))
	{
		snprintf(what, sizeof(what), isnan(k->most) ? "must be at least %.12g" : "must be from %.12g to %.12g",
				 k->least, k->most);
		tell_of(tell, FINDING_ERROR, tree, name, what);
		return false;
	}
	return true;
}

static void
check_member(const Tree *tree, const char *known_parent, const char *parent, const char *key, SettingsTell tell)
{
	const KnownSetting *k = known_member(known_parent, key);
	char		name[MAX_PATH];
	char		what[256];

	snprintf(name, sizeof(name), "%s%s%s", parent, *parent != '\0' ? "." : "", key);
	if (k == NULL)
	{
		tell_unknown(tell, tree, known_parent, name);
		return;
	}
	if (tree->kind == TREE_NULL || !check_value(tree, k, name, tell))
		return;
	if (tree->kind == TREE_MAP || tree->kind == TREE_LIST)
		check_members(tree, k->name, name, tell);
	else if (k->read_by == READ_BY_NOBODY || k->read_by == READ_BY_POSTGRESQL)
	{
		snprintf(what, sizeof(what), "has no effect here%s%s", k->instead != NULL ? "; use " : "",
				 k->instead != NULL ? k->instead : "");
		tell_of(tell, FINDING_NOTE, tree, name, what);
	}
}

/* known_name: of what the members are in, as the table has it; name: as the file has it. */
static void
check_members(const Tree *tree, const char *known_name, const char *name, SettingsTell tell)
{
	char		place[24];
	int			n = 0;

	for (const Tree *child = tree->first; child != NULL; child = child->next)
	{
		snprintf(place, sizeof(place), "%d", n++);
		check_member(child, known_name, name, tree->kind == TREE_MAP ? child->key : place, tell);
	}
}

/* Checks a whole configuration, a map, and tells of everything that is to be said about it. */
void
settings_check(const Tree *tree, SettingsTell tell)
{
	check_members(tree, "", "", tell);
}

/*
 * Whether a setting, by its path, is to be handed to the database: not when it is a secret that the database has no
 * use for. One that is not known is, since a plugin there may know it.
 */
bool
settings_for_database(const char *name)
{
	const KnownSetting *k = known_by_name(name);

	return k == NULL || !k->secret || k->read_by == READ_BY_DATABASE;
}
