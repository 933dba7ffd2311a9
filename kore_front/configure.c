/*
 * configure.c: handing the configuration files to the database.
 *
 * A process of its own does it, beside the workers: it waits for locks and for the server without holding up anybody,
 * and libpq's simple calls will do. The parent starts it before the workers, so that a front serves by its
 * configuration from its first answer on; while the database is away, it serves without and tries again.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "configure.h"

#include <errno.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "config_files.h"
#include "db_session.h"
#include "kore_release.h"
#include "log.h"

#define PAUSE_FIRST 500			/* ms, then doubled */
#define PAUSE_MOST 5000
#define STATEMENT_TIMEOUT "60000"	/* ms; policies of thousands of tenants take their time */

/* What the process says by its exit status. */
typedef enum Outcome
{
	CONFIGURED,					/* or not to be done by this front: told, and done with */
	CONFIGURE_REFUSED,			/* a value is wrong */
	CONFIGURE_AGAIN				/* the database is away */
} Outcome;

static pid_t running;
static bool done;
static bool told;				/* that it has to wait: once is enough */
static uint32_t pause_ms;
static uint64_t next_attempt;	/* ms */

/* ---- the process ---- */

/* Messages of wazo_auth.apply_configuration(): of names in the files. */
static void
log_notice(void *arg, const PGresult *res)
{
	const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	(void) arg;
	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		front_log(LOG_WARNING, "%s%s%s", PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY), hint != NULL ? ". " : "",
				  hint != NULL ? hint : "");
}

/* A value that the database refuses, with its place in the files. */
static Outcome
refused(const PGresult *res)
{
	const char *name = PQresultErrorField(res, PG_DIAG_COLUMN_NAME);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	char		path[256] = "";
	const Tree *place = NULL;

	if (name != NULL)
		snprintf(path, sizeof(path), "%s", name);
	/* The longest part of the name that the files have: items of lists have no place of their own. */
	while (path[0] != '\0' && (place = tree_find(front_config.settings, path)) == NULL)
	{
		char	   *dot = strrchr(path, '.');

		*(dot != NULL ? dot : path) = '\0';
	}
	if (place != NULL && place->file != NULL)
		front_log(LOG_ERR, "%s, line %zu: %s", place->file, place->line, message);
	else
		front_log(LOG_ERR, "the configuration is refused: %s", message);
	return CONFIGURE_REFUSED;
}

static bool
is_one_of(const char *state, const char *const *states)
{
	for (; *states != NULL; states++)
		if (strncmp(state, *states, strlen(*states)) == 0)
			return true;
	return false;
}

/* What an error means. Of its parts only those are told that cannot quote a value. */
static Outcome
judge_error(const PGresult *res)
{
	static const char *const later[] = {"08", "57", "40", "55P03", "53", "42883", "3F000", NULL};
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);

	if (state == NULL || is_one_of(state, later))
	{
		if (!told)
			front_log(LOG_WARNING, "the database cannot be configured yet: %s",
					  message != NULL ? message : "the connection was lost");
		return CONFIGURE_AGAIN;
	}
	if (strcmp(state, "22023") == 0)
		return refused(res);
	if (strcmp(state, "42501") == 0)
		front_log(LOG_WARNING, "the role of this front may not configure the database, which keeps the settings that it "
				  "has: %s. A member of wazo_auth_admin may", message);
	else if (strcmp(state, "25006") == 0)
		front_log(LOG_INFO, "this database is read-only; the front of the primary configures it");
	else
		front_log(LOG_ERR, "the database keeps the settings that it has: %s%s%s", message, hint != NULL ? ". " : "",
				  hint != NULL ? hint : "");
	return CONFIGURED;
}

/* Executes a statement. Returns whether that went well; if not, outcome is what its error means. */
static bool
execute(PGconn *pg, const char *sql, int n, const char *const *values, Outcome *outcome)
{
	PGresult   *res = PQexecParams(pg, sql, n, NULL, values, NULL, NULL, 0);
	bool		good = PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK;

	if (!good)
		*outcome = judge_error(res);
	PQclear(res);
	return good;
}

/* Hands the files over. */
static Outcome
apply(PGconn *pg)
{
	const char *session[] = {STATEMENT_TIMEOUT, "f"};
	Bytes		json = {0};
	const char *parameter[1];
	Outcome		outcome = CONFIGURED;

	config_files_json(front_config.settings, &json);
	bytes_add(&json, "", 1);
	parameter[0] = json.data;
	if (execute(pg, db_session_sql, 2, session, &outcome) &&
		execute(pg, "SELECT wazo_auth.apply_configuration($1::pg_catalog.jsonb)", 1, parameter, &outcome))
		front_log(LOG_INFO, "the database is configured");
	explicit_bzero(json.data, json.len);
	bytes_free(&json);
	return outcome;
}

static Outcome
configure(void)
{
	static const char *const keywords[] = {"gssencmode", "application_name", "connect_timeout", "dbname",
	"client_encoding", NULL};
	const char *values[] = {"disable", "wazo-auth", "5", front_config.database, "UTF8", NULL};
	Outcome		outcome = CONFIGURED;
	PGconn	   *pg = PQconnectdbParams(keywords, values, 1);

	if (PQstatus(pg) != CONNECTION_OK)
	{
		if (!told)
			front_log(LOG_WARNING, "the database cannot be configured yet: %s", PQerrorMessage(pg));
		PQfinish(pg);
		return CONFIGURE_AGAIN;
	}
	PQsetNoticeReceiver(pg, log_notice, NULL);
	if (front_config.db_upgrade)
		(void) execute(pg, "ALTER EXTENSION wazo_auth UPDATE", 0, NULL, &outcome);
	if (front_config.configured && outcome == CONFIGURED)
		outcome = apply(pg);
	PQfinish(pg);
	return outcome;
}

/* ---- the parent ---- */

/* Whether there is anything to do. */
static bool
is_wanted(void)
{
	return front_config.configured || front_config.db_upgrade;
}

/* Whether the first attempt has not ended yet; the workers wait for it. */
bool
configure_pending(void)
{
	return is_wanted() && !done && !told;
}

static void
start(void)
{
	sigset_t	none;

	running = fork();
	if (running == -1)
	{
		front_log(LOG_ERR, "cannot start the process that configures the database: %s", strerror(errno));
		running = 0;
		done = true;
	}
	if (running != 0)
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	kore_platform_proctitle("[configure]");
	log_start_child();
	_exit((int) configure());
}

/* Starts an attempt when one is due. Returns ms until the next one is, -1 for none. */
int64_t
configure_turn(void)
{
	uint64_t	now = kore_time_ms();

	if (!is_wanted() || done || running != 0)
		return -1;
	if (now < next_attempt)
		return (int64_t) (next_attempt - now);
	start();
	return -1;
}

/*
 * The end of a child. Returns whether it was this one. A value that the database refuses ends the program, with status
 * 1, while no worker serves yet; later the service goes on with the settings that the database has.
 */
bool
configure_ended(pid_t pid, int status)
{
	bool		first = configure_pending();

	if (pid != running || running == 0)
		return false;
	running = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CONFIGURE_AGAIN)
	{
		told = true;
		pause_ms = pause_ms == 0 ? PAUSE_FIRST : pause_ms * 2 > PAUSE_MOST ? PAUSE_MOST : pause_ms * 2;
		next_attempt = kore_time_ms() + pause_ms;
		return true;
	}
	done = true;
	if (!WIFEXITED(status))
		front_log(LOG_ERR, "the process that configures the database was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == CONFIGURE_REFUSED && first)
		exit(1);
	return true;
}

/* Ends what is under way; for the end of the program. */
void
configure_stop(void)
{
	if (running != 0)
		(void) kill(running, SIGKILL);
	running = 0;
}
