/*
 * init_db.c: wazo-auth-init-db: the role, the database, and the extension in it, as far as they are missing.
 *
 * To be run by somebody whom PostgreSQL takes for a superuser: --user postgres. Does nothing to what is there.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define TRIES 40
#define PAUSE_MS 250

typedef struct Arguments
{
	char	   *user;
	char	   *pg_db_uri;
	char	   *auth_db_uri;
	char	   *db;
	char	   *owner;
	char	   *password;
} Arguments;

static void
__attribute__((noreturn))
print_help(void)
{
	puts("Usage: wazo-auth-init-db [options]\n\n"
		 "Makes the role, the database and the extension of wazo-auth, as far as they are missing.\n\n"
		 "  --user USER          go on as this user (postgres)\n"
		 "  --pg_db_uri URI      a database that is there (default postgresql:///postgres)\n"
		 "  --auth_db_uri URI    the database of wazo-auth, as a superuser (default postgresql:///asterisk)\n"
		 "  --db NAME            its name (default asterisk)\n"
		 "  --owner NAME         role that owns it (default asterisk)\n"
		 "  --password PASSWORD  its password, when the role is made (default proformatique)\n"
		 "  -h, --help");
	exit(0);
}

static void
read_arguments(int argc, char **argv, Arguments *a)
{
	static const struct option options[] = {
		{"user", required_argument, NULL, 'u'}, {"pg_db_uri", required_argument, NULL, 'p'},
		{"auth_db_uri", required_argument, NULL, 'a'}, {"db", required_argument, NULL, 'd'},
		{"owner", required_argument, NULL, 'o'}, {"password", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}
	};
	int			code;

	while ((code = getopt_long(argc, argv, "h", options, NULL)) != -1)
	{
		char	  **to = code == 'u' ? &a->user : code == 'p' ? &a->pg_db_uri : code == 'a' ? &a->auth_db_uri :
		code == 'd' ? &a->db : code == 'o' ? &a->owner : &a->password;

		if (code == 'h')
			print_help();
		if (code == '?')
			exit(2);
		*to = strdup(optarg);
		if (code == 'w' || code == 'p' || code == 'a')
			command_wipe(optarg);
	}
	if (optind < argc)
	{
		fprintf(stderr, "wazo-auth-init-db: unexpected argument \"%s\"\n", argv[optind]);
		exit(2);
	}
}

static bool
exists(PGconn *pg, const char *sql, const char *name)
{
	PGresult   *res = command_execute(pg, sql, 1, &name);
	bool		found = PQntuples(res) > 0;

	PQclear(res);
	return found;
}

/* Executes a statement of a name, put into %I by the server. */
static void
execute_format(PGconn *pg, const char *format, const char *first, const char *second)
{
	const char *values[] = {format, first, second};
	PGresult   *res = command_execute(pg, "SELECT pg_catalog.format($1, $2::text, $3::text)", 3, values);

	PQclear(command_execute(pg, PQgetvalue(res, 0, 0), 0, NULL));
	PQclear(res);
}

/* The role, with its password as a verifier, so that it is in no log. */
static void
make_role(PGconn *pg, const Arguments *a)
{
	char	   *verifier = PQencryptPasswordConn(pg, a->password, a->owner, NULL);

	if (verifier == NULL)
		command_fail("cannot hash the password: %s", PQerrorMessage(pg));
	execute_format(pg, "CREATE ROLE %I LOGIN PASSWORD %L", a->owner, verifier);
	PQfreemem(verifier);
}

static void
make_database(const Arguments *a)
{
	PGconn	   *pg = command_connect(a->pg_db_uri, TRIES, PAUSE_MS);

	if (!exists(pg, "SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", a->owner))
		make_role(pg, a);
	if (!exists(pg, "SELECT FROM pg_catalog.pg_database WHERE datname = $1", a->db))
		execute_format(pg, "CREATE DATABASE %I OWNER %I ENCODING 'UTF8' TEMPLATE template0", a->db, a->owner);
	PQfinish(pg);
}

/*
 * The extension, and what makes the owner's role the service's: with wazo_auth_front it serves, with wazo_auth_admin it
 * may apply the configuration and make administrators. uuid-ossp: for the other services of the stack.
 */
static void
make_extension(const Arguments *a)
{
	static const char *const extensions[] = {"uuid-ossp", "wazo_auth"};
	PGconn	   *pg = command_connect(a->auth_db_uri, TRIES, PAUSE_MS);

	PQclear(command_execute(pg, "SET client_min_messages = warning", 0, NULL));
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		execute_format(pg, "CREATE EXTENSION IF NOT EXISTS %I CASCADE", extensions[i], NULL);
	if (!exists(pg, "SELECT FROM pg_catalog.pg_roles WHERE rolname = $1 AND rolsuper", a->owner))
		execute_format(pg, "GRANT wazo_auth_front, wazo_auth_admin TO %I", a->owner, NULL);
	PQfinish(pg);
}

int
main(int argc, char **argv)
{
	static Arguments a = {
		.pg_db_uri = "postgresql:///postgres", .auth_db_uri = "postgresql:///asterisk", .db = "asterisk",
		.owner = "asterisk", .password = "proformatique"
	};

	command_name = "wazo-auth-init-db";
	read_arguments(argc, argv, &a);
	if (a.user != NULL)
		command_become(a.user);
	make_database(&a);
	make_extension(&a);
	return 0;
}
