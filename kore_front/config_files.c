/*
 * config_files.c: the configuration files, joined as upstream joins them.
 *
 * The main file names a folder of further ones. Of these the first in the order of their names counts most and the
 * main file least; maps are joined key by key, lists one behind the other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "config_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

#define MAX_FILES 256			/* in the folder */

/*
 * Reads a file of at most TREE_MAX_BYTES. Returns it, to be freed, or NULL with errno. What is longer is told by a
 * length above the limit.
 */
static char *
slurp(const char *path, size_t *len)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char	   *bytes;
	ssize_t		n = 1;

	if (fd == -1)
		return NULL;
	bytes = malloc(TREE_MAX_BYTES + 1);
	*len = 0;
	while (bytes != NULL && n > 0 && *len <= TREE_MAX_BYTES)
	{
		n = read(fd, bytes + *len, TREE_MAX_BYTES + 1 - *len);
		if (n > 0)
			*len += (size_t) n;
	}
	if (n < 0)
	{
		int			reason = errno;

		free(bytes);
		bytes = NULL;
		errno = reason;
	}
	close(fd);
	return bytes;
}

typedef struct Name
{
	struct Name *next;
	char		text[];
} Name;

/* Trees refer to their files' names, which stay as long as the program runs. */
static const char *
keep_name(const char *path)
{
	static Name *names;
	size_t		size = strlen(path) + 1;
	Name	   *name = malloc(sizeof(*name) + size);

	if (name == NULL)
		return "";
	memcpy(name->text, path, size);
	name->next = names;
	names = name;
	return name->text;
}

/* Reads a file into a map. Returns NULL with a message in error; missing: whether there is no such file. */
static Tree *
read_file(const char *path, char *error, bool *missing)
{
	size_t		len;
	char	   *bytes = slurp(path, &len);
	Tree	   *tree;

	*missing = bytes == NULL && errno == ENOENT;
	if (bytes == NULL)
	{
		snprintf(error, TREE_ERROR_SIZE, "cannot read \"%s\": %s", path, strerror(errno));
		return NULL;
	}
	tree = tree_parse(keep_name(path), bytes, len, error);
	explicit_bzero(bytes, len);
	free(bytes);
	if (tree != NULL && tree->kind != TREE_MAP)
	{
		snprintf(error, TREE_ERROR_SIZE, "%s, line %zu: not a map of settings", path, tree->line);
		tree_free(tree);
		return NULL;
	}
	return tree;
}

static int
is_settings_file(const struct dirent *entry)
{
	size_t		len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".yml") == 0;
}

/* By bytes, whatever the locale. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Puts the files of a folder over the main file. Returns the whole, or NULL with a message; main is gone then. */
static Tree *
join_folder(const char *folder, struct dirent **entries, int n, Tree *main, char *error)
{
	Tree	   *all = tree_new(TREE_MAP, NULL);
	char		path[4096];
	bool		missing;

	for (int i = 0; i < n; i++)
	{
		Tree	   *tree;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		tree = read_file(path, error, &missing);
		if (tree == NULL)
		{
			tree_free(all);
			tree_free(main);
			return NULL;
		}
		tree_merge(all, tree);
	}
	tree_merge(all, main);
	return all;
}

static Tree *
read_folder(const char *folder, Tree *main, char *error)
{
	struct dirent **entries = NULL;
	int			n = scandir(folder, &entries, is_settings_file, by_name);

	/* No folder is none of further files. */
	if (n < 0 && errno == ENOENT)
		return main;
	if (n < 0 || n > MAX_FILES)
	{
		snprintf(error, TREE_ERROR_SIZE, "cannot read \"%s\": %s", folder,
				 n < 0 ? strerror(errno) : "more than 256 files");
		tree_free(main);
		main = NULL;
	}
	else
		main = join_folder(folder, entries, n, main, error);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return main;
}

/*
 * Reads the main file and those of the folder that it names (extra_config_files), and joins them. found: whether there
 * is a main file; without one the folder's are read all the same. Returns a map, or NULL with a message that names
 * file and line in error (TREE_ERROR_SIZE bytes).
 */
Tree *
config_files_read(const char *main_file, bool *found, char *error)
{
	bool		missing;
	Tree	   *main = read_file(main_file, error, &missing);
	const char *folder;

	*found = !missing;
	if (main == NULL && !missing)
		return NULL;
	if (main == NULL)
		main = tree_new(TREE_MAP, NULL);
	folder = tree_text(main, "extra_config_files");
	return read_folder(folder != NULL ? folder : CONFIG_FILES_EXTRA, main, error);
}

/* Adds a map as JSON, without the secrets that the database has no use for. name: the map's own path, "" at the top. */
static void
add_map(const Tree *map, const char *name, Bytes *out)
{
	bool		first = true;
	char		path[256];

	BYTES_ADD(out, "{");
	for (const Tree *child = map->first; child != NULL; child = child->next)
	{
		Tree		key = {.kind = TREE_STRING, .text = child->key};

		snprintf(path, sizeof(path), "%s%s%s", name, *name != '\0' ? "." : "", child->key);
		if (!settings_for_database(path))
			continue;
		if (!first)
			BYTES_ADD(out, ", ");
		first = false;
		tree_to_json(&key, out);
		BYTES_ADD(out, ": ");
		if (child->kind == TREE_MAP)
			add_map(child, path, out);
		else
			tree_to_json(child, out);
	}
	BYTES_ADD(out, "}");
}

/* Adds a configuration as the JSON that wazo_auth.apply_configuration() takes. */
void
config_files_json(const Tree *tree, Bytes *out)
{
	add_map(tree, "", out);
}
