/*
 * command.c: what the commands beside the server share: the configuration, a connection, errors.
 *
 * Every error is one line on standard error and exit status 1. No message has a password in it: of a connection string
 * that libpq refuses only that is told, and of the server's errors only the message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "command.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../kore_front/config_files.h"
#include "../kore_front/db_session.h"
#include "../kore_front/log.h"

const char *command_name;

static void
print_line(const char *fmt, va_list args)
{
	fprintf(stderr, "%s: ", command_name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

/* Ends the program with status 1 and a line. */
void
command_fail(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
	exit(1);
}

/* What the parts that are shared with the server have to say. */
void
front_log(int level, const char *fmt,...)
{
	va_list		args;

	(void) level;
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

/* The configuration files, joined. */
Tree *
command_settings(const char *config_file)
{
	char		error[TREE_ERROR_SIZE];
	bool		found;
	Tree	   *tree = config_files_read(config_file, &found, error);

	if (tree == NULL)
		command_fail("%s", error);
	return tree;
}

/* Where the database is, by the configuration files; empty: where libpq's environment says. */
char *
command_database(const char *config_file)
{
	const char *uri = tree_text(command_settings(config_file), "db_uri");

	return strdup(uri != NULL ? uri : "");
}

/*
 * Connects, by a connection string or URI, with at most so many tries. Ends the program when that does not work out.
 */
PGconn *
command_connect(const char *conninfo, int tries, int pause_ms)
{
	const char *keywords[] = {"application_name", "dbname", "client_encoding", NULL};
	const char *values[] = {command_name, conninfo, "UTF8", NULL};
	struct timespec wait = {.tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000L};
	PQconninfoOption *parts = PQconninfoParse(conninfo, NULL);
	char	   *end;

	/* libpq's own message about a connection string quotes it, with its password. */
	if (parts == NULL)
		command_fail("cannot read the connection string");
	PQconninfoFree(parts);
	for (;;)
	{
		PGconn	   *pg = PQconnectdbParams(keywords, values, 1);

		if (PQstatus(pg) == CONNECTION_OK)
			return pg;
		if (--tries <= 0)
		{
			end = strchr(PQerrorMessage(pg), '\n');
			command_fail("cannot connect to the database: %.*s",
						 end != NULL ? (int) (end - PQerrorMessage(pg)) : 512, PQerrorMessage(pg));
		}
		PQfinish(pg);
		(void) nanosleep(&wait, NULL);
	}
}

/* Executes a statement. Returns its result; ends the program with the server's message and hint when it fails. */
PGresult *
command_execute(PGconn *pg, const char *sql, int n, const char *const *values)
{
	PGresult   *res = PQexecParams(pg, sql, n, NULL, values, NULL, NULL, 0);
	const char *message;
	const char *hint;

	if (PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK)
		return res;
	message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	command_fail("%s%s%s", message != NULL ? message : "the connection to the database was lost",
				 hint != NULL ? ". " : "", hint != NULL ? hint : "");
}

/* Has the server log no parameter of this session: there are passwords among them. */
void
command_session(PGconn *pg)
{
	const char *values[] = {"60000", "f"};

	PQclear(command_execute(pg, db_session_sql, 2, values));
}

/* Goes on as that user; the program ends when there is no such user or it may not. */
void
command_become(const char *user)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		command_fail("there is no user \"%s\"", user);
	if (pw->pw_uid == getuid() && pw->pw_uid == geteuid())
		return;
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		command_fail("cannot become the user \"%s\": %s", user, strerror(errno));
}

/* Makes a password of letters and digits, from the system's random source, in COMMAND_PASSWORD_SIZE bytes. */
void
command_random_password(char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t		n = 0;

	while (n < COMMAND_PASSWORD_SIZE - 1)
	{
		unsigned char byte;

		if (getrandom(&byte, 1, 0) != 1)
			continue;
		/* 248 is the largest multiple of 62 in a byte: each is as likely. */
		if (byte < 248)
			out[n++] = letters[byte % 62];
	}
	out[n] = '\0';
}

/* Overwrites an argument, which everybody can read, once it has been copied. */
void
command_wipe(char *argument)
{
	memset(argument, 'x', strlen(argument));
}
