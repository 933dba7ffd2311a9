/*
 * upgrade_db.c: wazo-auth-upgrade-db: brings the extension in the database to the version that is installed.
 *
 * Only the extension's owner or a superuser may do that, and the service logs in as neither. So it looks with the
 * service's own login whether there is anything to do, and does it, when the database is on this machine and root
 * runs it, as the account postgres.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kore_front/config_files.h"
#include "command.h"

#define TRIES 300
#define PAUSE_MS 1000

/* Those of wazo-auth; of them only the file counts, and the rest is taken and ignored, as upstream does. */
static const char *
read_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"config-file", required_argument, NULL, 'c'}, {"user", required_argument, NULL, 'u'},
		{"debug", no_argument, NULL, 'd'}, {"log-level", required_argument, NULL, 'l'},
		{"db-upgrade-on-startup", no_argument, NULL, 'i'}, {"listen-port", required_argument, NULL, 'i'},
		{"log-file", required_argument, NULL, 'i'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}
	};
	const char *file = CONFIG_FILES_MAIN;
	int			code;

	while ((code = getopt_long(argc, argv, "c:u:dl:h", options, NULL)) != -1)
	{
		if (code == '?')
			exit(2);
		if (code == 'c')
			file = optarg;
		if (code == 'h')
		{
			puts("Usage: wazo-auth-upgrade-db [-c FILE]\n\n"
				 "Brings the extension wazo_auth in the database to the version that is installed.\n\n"
				 "  -c, --config-file FILE  where db_uri stands (default " CONFIG_FILES_MAIN ")\n"
				 "  -h, --help\n\n"
				 "The environment variable ALEMBIC_DB_URI counts more than db_uri.");
			exit(0);
		}
	}
	return file;
}

static bool
is_true(PGconn *pg, const char *sql)
{
	PGresult   *res = command_execute(pg, sql, 0, NULL);
	bool		answer = PQntuples(res) == 1 && strcmp(PQgetvalue(res, 0, 0), "t") == 0;

	PQclear(res);
	return answer;
}

static bool
is_here(const PGconn *pg)
{
	const char *host = PQhost(pg);

	return host == NULL || host[0] == '/' || host[0] == '\0' || strcmp(host, "localhost") == 0 ||
		strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

/* A connection of the same database whose role may change the extension. */
static PGconn *
as_owner(PGconn *pg)
{
	char		conninfo[512];
	char	   *name;

	if (is_true(pg, "SELECT COALESCE((SELECT pg_catalog.pg_has_role(extowner, 'USAGE') FROM pg_catalog.pg_extension"
				" WHERE extname = 'wazo_auth'), false) OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"))
		return pg;
	if (!is_here(pg) || geteuid() != 0)
		command_fail("the role \"%s\" may not change the extension; where a superuser can: "
					 "psql -c 'CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE' -c 'ALTER EXTENSION wazo_auth UPDATE' %s",
					 PQuser(pg), PQdb(pg));
	name = PQescapeLiteral(pg, PQdb(pg), strlen(PQdb(pg)));
	snprintf(conninfo, sizeof(conninfo), "user=postgres port=%s dbname=%s", PQport(pg), name);
	PQfreemem(name);
	PQfinish(pg);
	command_become("postgres");
	return command_connect(conninfo, 1, 0);
}

int
main(int argc, char **argv)
{
	const char *file;
	const char *uri = getenv("ALEMBIC_DB_URI");
	PGconn	   *pg;

	command_name = "wazo-auth-upgrade-db";
	file = read_arguments(argc, argv);
	pg = command_connect(uri != NULL && *uri != '\0' ? uri : command_database(file), TRIES, PAUSE_MS);
	if (is_true(pg, "SELECT COALESCE((SELECT installed_version = default_version FROM pg_catalog.pg_available_extensions"
				" WHERE name = 'wazo_auth'), false)"))
		return 0;
	pg = as_owner(pg);
	PQclear(command_execute(pg, "SET client_min_messages = warning", 0, NULL));
	PQclear(command_execute(pg, "CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE", 0, NULL));
	PQclear(command_execute(pg, "ALTER EXTENSION wazo_auth UPDATE", 0, NULL));
	PQfinish(pg);
	return 0;
}
