/*
 * key_file.c
 *	  The keys of sealed values, read from a file outside the database.
 *
 * One key a line, "id:base64 of 32 bytes"; the first one seals, all of them
 * unseal.  Empty lines and lines that begin with # are skipped.  Each backend
 * keeps the keys and looks at the file's identity and time before each use, so
 * a rotation needs no reload.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base64.h"
#include "storage/fd.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "crypto/key_file.h"
#include "crypto/secret.h"

#define KEY_FILE_MAX_BYTES	16384
#define KEY_FILE_MAX_KEYS	64

/* base64 of a key, with its padding */
#define SEAL_KEY_TEXT		44

typedef struct KeyRing
{
	MemoryContext context;
	char	   *path;
	dev_t		device;
	ino_t		inode;
	off_t		size;
	struct timespec changed;
	int			nkeys;
	SealKey    *keys;			/* wiped with the context */
} KeyRing;

static char *secret_key_file = NULL;
static KeyRing *ring = NULL;

/*
 * What to do next.  None of them can lose a key: what is sealed with one that is
 * gone cannot be read again.
 */
#define HINT_MAKE \
	"As the server's operating system user, run: (umask 077; set -o noclobber; " \
	"echo \"key1:$(openssl rand -base64 32)\" > FILE), and set wazo_auth.secret_key_file to FILE."
#define HINT_RIGHTS \
	"Run: chown postgres FILE && chmod 600 FILE, with the server's operating system user for postgres."
#define HINT_CONTENT \
	"Each line is ID:KEY, where KEY is 32 bytes in base64. Mend the file from its copy and keep every " \
	"key in it: a new one cannot open what another has sealed."

/*
 * Raises an error about the file.  Its path goes to the log alone: the setting
 * is hidden from those who are not superusers.
 */
static void
raise_file_error(const char *problem, int line, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 line > 0 ? errmsg("line %d of the secret key file %s", line, problem)
			 : errmsg("the secret key file %s", problem),
			 errdetail_log("wazo_auth.secret_key_file is \"%s\".", secret_key_file),
			 errhint("%s", hint)));
}

/* Refuses what others could have written, or could read. */
static void
check_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		raise_file_error("is not a regular file", 0, HINT_RIGHTS);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		raise_file_error("must belong to the server's user or to root", 0, HINT_RIGHTS);
	/* a file of root may be readable for the server's group */
	if (st->st_mode & (st->st_uid == 0 && geteuid() != 0 ?
					   S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO))
		raise_file_error("is accessible for others (it needs mode 0600, or 0640 when it belongs to root)", 0, HINT_RIGHTS);
	if (st->st_size > KEY_FILE_MAX_BYTES)
		raise_file_error("is too large", 0, HINT_CONTENT);
}

static bool
is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/* Reads one line without its end into the next key of the ring. */
static void
parse_line(KeyRing *fresh, const char *line, Size len, int number)
{
	const char *colon = memchr(line, ':', len);
	Size		id_len = colon ? colon - line : 0;
	SealKey    *key;

	if (len == 0 || line[0] == '#')
		return;
	if (id_len < 1 || id_len > SEAL_KEY_ID_MAX)
		raise_file_error("does not begin with a key id and a colon", number, HINT_CONTENT);
	for (Size i = 0; i < id_len; i++)
	{
		if (!is_id_char(line[i]))
			raise_file_error("has a key id with other characters than letters, digits, _, - and .", number, HINT_CONTENT);
	}
	if (fresh->nkeys == KEY_FILE_MAX_KEYS)
		raise_file_error("is one key too many", number, HINT_CONTENT);
	for (int i = 0; i < fresh->nkeys; i++)
	{
		if (strlen(fresh->keys[i].id) == id_len &&
			memcmp(fresh->keys[i].id, line, id_len) == 0)
			raise_file_error("repeats a key id", number, HINT_CONTENT);
	}

	key = &fresh->keys[fresh->nkeys];
	if (len - id_len - 1 != SEAL_KEY_TEXT ||
		base64_decode(colon + 1, SEAL_KEY_TEXT, (char *) key->key,
					  SEAL_KEY_BYTES) != SEAL_KEY_BYTES)
		raise_file_error("does not hold the base64 text of 32 bytes", number, HINT_CONTENT);
	memcpy(key->id, line, id_len);
	key->id[id_len] = '\0';
	fresh->nkeys++;
}

static void
parse_file(KeyRing *fresh, const char *text, Size len)
{
	const char *end = text + len;
	int			number = 0;

	while (text < end)
	{
		const char *newline = memchr(text, '\n', end - text);
		Size		line_len = (newline ? newline : end) - text;

		if (line_len > 0 && text[line_len - 1] == '\r')
			parse_line(fresh, text, line_len - 1, ++number);
		else
			parse_line(fresh, text, line_len, ++number);
		text += line_len + (newline ? 1 : 0);
	}
	if (fresh->nkeys == 0)
		raise_file_error("holds no key", 0, HINT_CONTENT);
}

/* Reads the file into a ring of its own; the old one stays until it is good. */
static void
load_ring(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "wazo_auth keys",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	KeyRing    *fresh = palloc0(sizeof(KeyRing));
	char	   *text = secret_palloc(context, KEY_FILE_MAX_BYTES + 1);
	Size		len = 0;
	struct stat st;
	int			fd;

	fresh->context = context;
	fresh->path = pstrdup(secret_key_file);
	fresh->keys = (SealKey *) secret_palloc(context, KEY_FILE_MAX_KEYS * sizeof(SealKey));

	/* O_NONBLOCK: a FIFO in its place must not hang the backend */
	fd = OpenTransientFile(fresh->path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (fd < 0)
		raise_file_error(psprintf("cannot be opened: %m"), 0, errno == ENOENT ? HINT_MAKE : HINT_RIGHTS);
	if (fstat(fd, &st) != 0)
		raise_file_error(psprintf("cannot be examined: %m"), 0, HINT_RIGHTS);
	check_file(&st);
	for (;;)
	{
		ssize_t		got = read(fd, text + len, KEY_FILE_MAX_BYTES + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			raise_file_error(psprintf("cannot be read: %m"), 0, HINT_RIGHTS);
		if (got == 0)
			break;
		len += got;
		if (len > KEY_FILE_MAX_BYTES)
			raise_file_error("is too large", 0, HINT_CONTENT);
	}
	CloseTransientFile(fd);

	parse_file(fresh, text, len);
	secret_wipe(text, len);
	fresh->device = st.st_dev;
	fresh->inode = st.st_ino;
	fresh->size = st.st_size;
	fresh->changed = st.st_mtim;

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, TopMemoryContext);
	if (ring != NULL)
		MemoryContextDelete(ring->context);
	ring = fresh;
}

/* Whether the file is still the one that was read. */
static bool
ring_is_fresh(void)
{
	struct stat st;

	return ring != NULL && strcmp(ring->path, secret_key_file) == 0 &&
		stat(ring->path, &st) == 0 &&
		st.st_dev == ring->device && st.st_ino == ring->inode &&
		st.st_size == ring->size &&
		st.st_mtim.tv_sec == ring->changed.tv_sec &&
		st.st_mtim.tv_nsec == ring->changed.tv_nsec;
}

/*
 * The key that seals: the file's first one.  It is valid until the next call of
 * a function of this file.  Errors: F0000 when there is no usable file.
 */
const SealKey *
key_file_current(void)
{
	if (!ring_is_fresh())
		load_ring();
	return &ring->keys[0];
}

/*
 * The key of that id, or NULL.  An unknown id makes the file be read anew, as
 * its time may be too coarse to show a change.  Errors: F0000.
 */
const SealKey *
key_file_find(const char *id)
{
	bool		fresh = ring_is_fresh();

	for (;;)
	{
		if (!fresh)
			load_ring();
		for (int i = 0; i < ring->nkeys; i++)
		{
			if (strcmp(ring->keys[i].id, id) == 0)
				return &ring->keys[i];
		}
		if (!fresh)
			return NULL;
		fresh = false;
	}
}

/* Defines the setting; called from _PG_init. */
void
key_file_init(void)
{
	DefineCustomStringVariable("wazo_auth.secret_key_file",
							   "File with the keys of sealed values, outside the database.",
							   "One key a line, id:base64 of 32 bytes; the first one seals, all of them unseal.",
							   &secret_key_file,
							   "/etc/wazo-auth/secret.key",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}
