/*
 * bootstrap.c: wazo-auth-bootstrap: the first administrator, and the file by which wazo-auth-cli logs in.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../kore_front/config_files.h"
#include "command.h"

#define USERNAME "wazo-auth-cli"
#define FOLDER "/root/.config/wazo-auth-cli"
#define FILE_NAME FOLDER "/050-credentials.yml"

typedef struct Administrator
{
	char	   *uri;
	char	   *username;
	char	   *password;
	char	   *purpose;
	char	   *policy_slug;
} Administrator;

static const char help[] =
"Usage: wazo-auth-bootstrap complete\n"
"       wazo-auth-bootstrap initial-user [options]\n\n"
"complete      the administrator " USERNAME ", and the file by which the command of that name logs in,\n"
"              " FILE_NAME ":\n"
"              when it is there, its user and password are made; when not, both are made anew\n"
"initial-user  an administrator\n"
"  --uri URI             the database (default: db_uri of the configuration)\n"
"  --username NAME       (default " USERNAME ")\n"
"  --password PASSWORD   (default: a random one, which nobody is told)\n"
"  --purpose PURPOSE     user, internal or external_api (default internal)\n"
"  --policy-slug SLUG    (default wazo_default_master_user_policy)\n\n"
"Of initial-user the environment variables WAZO_AUTH_BOOTSTRAP_URI, _USERNAME, _PASSWORD, _PURPOSE and _POLICY_SLUG\n"
"are the defaults.\n";

static PGconn *
connect_to(const char *uri)
{
	PGconn	   *pg = command_connect(uri != NULL ? uri : command_database(CONFIG_FILES_MAIN), 1, 0);

	command_session(pg);
	return pg;
}

static char *
environment(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	if (value == NULL || *value == '\0')
		value = fallback;
	return value != NULL ? strdup(value) : NULL;
}

/* Does nothing when the user is there with this password; ends the program when it has another one. */
static void
make_administrator(const Administrator *a)
{
	const char *values[] = {a->username, a->password, a->purpose, a->policy_slug};
	PGconn	   *pg = connect_to(a->uri);

	PQclear(command_execute(pg, "SELECT wazo_auth.bootstrap($1, $2, $3, $4)", 4, values));
	PQfinish(pg);
}

static int
initial_user(int argc, char **argv)
{
	static const struct option options[] = {
		{"uri", required_argument, NULL, 'u'}, {"username", required_argument, NULL, 'n'},
		{"password", required_argument, NULL, 'w'}, {"purpose", required_argument, NULL, 'p'},
		{"policy-slug", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}
	};
	static char random[COMMAND_PASSWORD_SIZE];
	static Administrator a;
	int			code;

	a.uri = environment("WAZO_AUTH_BOOTSTRAP_URI", NULL);
	a.username = environment("WAZO_AUTH_BOOTSTRAP_USERNAME", USERNAME);
	a.password = environment("WAZO_AUTH_BOOTSTRAP_PASSWORD", NULL);
	a.purpose = environment("WAZO_AUTH_BOOTSTRAP_PURPOSE", NULL);
	a.policy_slug = environment("WAZO_AUTH_BOOTSTRAP_POLICY_SLUG", NULL);
	while ((code = getopt_long(argc, argv, "h", options, NULL)) != -1)
	{
		char	  **to = code == 'u' ? &a.uri : code == 'n' ? &a.username : code == 'w' ? &a.password :
		code == 'p' ? &a.purpose : &a.policy_slug;

		if (code == 'h')
		{
			fputs(help, stdout);
			return 0;
		}
		if (code == '?')
			return 2;
		*to = strdup(optarg);
		if (code == 'u' || code == 'w')
			command_wipe(optarg);
	}
	if (a.password == NULL)
	{
		command_random_password(random);
		a.password = random;
	}
	make_administrator(&a);
	return 0;
}

/* ---- complete ---- */

/* The user and password of the file that is there. */
static void
by_file(const char *path)
{
	Tree	   *tree = command_settings(path);
	Administrator a = {0};
	const char *username = tree_text(tree, "auth.username");
	const char *password = tree_text(tree, "auth.password");

	if (username == NULL || password == NULL)
		command_fail("%s: auth.username or auth.password is missing", path);
	a.username = strdup(username);
	a.password = strdup(password);
	make_administrator(&a);
}

static void
make_folder(void)
{
	static const char *const folders[] = {"/root/.config", FOLDER};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(folders[i], 0700) != 0 && errno != EEXIST)
			command_fail("cannot make \"%s\": %s", folders[i], strerror(errno));
}

/* Writes the file under another name, readable for its owner only. */
static void
write_file(const char *path, const char *password)
{
	int			fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct passwd *pw = getpwnam("wazo-auth");
	FILE	   *file;

	if (fd == -1)
		command_fail("cannot write \"%s\": %s", path, strerror(errno));
	if (pw != NULL && fchown(fd, pw->pw_uid, pw->pw_gid) != 0)
		command_fail("cannot give \"%s\" to wazo-auth: %s", path, strerror(errno));
	file = fdopen(fd, "w");
	if (file == NULL ||
		fprintf(file, "auth:\n  username: " USERNAME "\n  password: %s\n  backend: wazo_user\n", password) < 0 ||
		fflush(file) != 0 || fsync(fd) != 0 || fclose(file) != 0)
		command_fail("cannot write \"%s\": %s", path, strerror(errno));
}

/*
 * The file is there in full before the database knows its password, and gets its name when it does: whatever ends this
 * in between, the next run begins anew.
 */
static void
anew(void)
{
	const char *values[2] = {USERNAME, NULL};
	char		password[COMMAND_PASSWORD_SIZE];
	PGconn	   *pg = connect_to(NULL);

	command_random_password(password);
	make_folder();
	(void) unlink(FILE_NAME ".new");
	write_file(FILE_NAME ".new", password);
	values[1] = password;
	PQclear(command_execute(pg, "SELECT wazo_auth.reset_administrator($1, $2)", 2, values));
	if (rename(FILE_NAME ".new", FILE_NAME) != 0)
		command_fail("cannot rename \"%s\": %s", FILE_NAME ".new", strerror(errno));
	PQfinish(pg);
}

int
main(int argc, char **argv)
{
	command_name = "wazo-auth-bootstrap";
	if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
	{
		fputs(help, stdout);
		return 0;
	}
	if (strcmp(argv[1], "initial-user") == 0)
		return initial_user(argc - 1, argv + 1);
	if (strcmp(argv[1], "setup") == 0)
	{
		puts("There is nothing to set up any more; use: wazo-auth-bootstrap complete");
		return 0;
	}
	if (strcmp(argv[1], "complete") != 0 || argc > 2)
	{
		fputs(help, stderr);
		return 2;
	}
	if (access(FILE_NAME, F_OK) == 0)
		by_file(FILE_NAME);
	else
		anew();
	return 0;
}
