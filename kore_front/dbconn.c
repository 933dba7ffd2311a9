/*
 * dbconn.c: one connection to PostgreSQL: libpq in pipeline mode, never blocking, on Kore's event loop.
 *
 * Every job is one execution of one prepared statement followed by its own Sync, so each is a transaction of its
 * own; the answer is handed on only when the Sync came back without error, that is, after the commit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "dbconn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "db_session.h"
#include "elapsed.h"
#include "log.h"

static void db_event(void *arg, int error);

/* Tells epoll what to watch; called with force whenever libpq may have made another socket. */
static void
watch(DbConn *conn, int events, bool force)
{
	int			fd = PQsocket(conn->pg);

	if (fd < 0)
		return;
	if (!force && fd == conn->fd && events == conn->events)
		return;
	conn->fd = fd;
	conn->events = events;
	kore_platform_event_schedule(fd, events, 0, conn);
}

/* Notices may quote what a user sent; the server's log has them. */
static void
ignore_notice(void *arg, const PGresult *res)
{
	(void) arg;
	(void) res;
}

static void
forget_results(DbConn *conn)
{
	PQclear(conn->row);
	conn->row = NULL;
	conn->sqlstate[0] = '\0';
}

/*
 * No connection has been made yet, and none has failed. Only then the front says that its database is the live one
 * (wazo_auth.go_live()), so that the database's workers work: a database that comes later, or comes back, may be half
 * restored, and its workers have to wait until somebody says that it is complete.
 */
static bool starting = true;

/* Closes the connection. What was under way on it stays in its ring, for the owner to deal with. */
void
db_close(DbConn *conn)
{
	forget_results(conn);
	if (conn->pg != NULL)
	{
		starting = false;
		PQfinish(conn->pg);		/* closing the socket takes it out of epoll */
	}
	conn->pg = NULL;
	conn->fd = -1;
	conn->events = 0;
	conn->dirty = false;
	conn->state = DB_CLOSED;
	conn->since = kore_time_ms();
}

/* While a database stays away, the same complaint again tells nothing. */
#define LOG_AGAIN_MS 10000

/*
 * Tells why there is no connection. reason: of libpq or the server; nothing has been sent by then but our own
 * statements, and libpq's messages hold no password.
 */
static void
log_connect_error(const char *what, const char *reason)
{
	static uint64_t last;
	static char last_reason[256];
	uint64_t	now = kore_time_ms();

	if (last != 0 && !elapsed(last, LOG_AGAIN_MS, now) && strncmp(reason, last_reason, sizeof(last_reason) - 1) == 0)
		return;
	last = now;
	snprintf(last_reason, sizeof(last_reason), "%s", reason);
	front_log(LOG_WARNING, "%s: %s", what, reason);
}

static const char *
libpq_reason(const DbConn *conn)
{
	return conn->pg != NULL ? PQerrorMessage(conn->pg) : "out of memory";
}

static bool
send_prepare(DbConn *conn, const DbStatement *st)
{
	return PQsendPrepare(conn->pg, st->name, st->sql, st->n_parameters, st->types) && PQpipelineSync(conn->pg);
}

/* Settings of the session and the statements, in one round trip. */
static bool
send_setup(DbConn *conn)
{
	const DbKind *kind = conn->kind;
	char		timeout[32];
	const char *values[2] = {timeout, starting ? "t" : "f"};

	snprintf(timeout, sizeof(timeout), "%llu", (unsigned long long) kind->statement_timeout);
	return PQsendQueryParams(conn->pg, db_session_sql, 2, NULL, values, NULL, NULL, 0) &&
		send_prepare(conn, kind->statement) &&
		(kind->optional == NULL || send_prepare(conn, kind->optional));
}

static void
poll_connect(DbConn *conn)
{
	switch (PQconnectPoll(conn->pg))
	{
		case PGRES_POLLING_READING:
			watch(conn, EPOLLIN, true);
			return;
		case PGRES_POLLING_WRITING:
			watch(conn, EPOLLOUT, true);
			return;
		case PGRES_POLLING_OK:
			break;
		default:
			log_connect_error("cannot connect to the database", libpq_reason(conn));
			conn->kind->lost(conn);
			return;
	}
	if (PQsetnonblocking(conn->pg, 1) != 0 || !PQenterPipelineMode(conn->pg) || !send_setup(conn))
	{
		log_connect_error("cannot set up the database session", libpq_reason(conn));
		conn->kind->lost(conn);
		return;
	}
	conn->state = DB_SETUP;
	watch(conn, PQflush(conn->pg) == 1 ? EPOLLIN | EPOLLOUT : EPOLLIN, true);
}

/*
 * Starts to connect. Ends in kind->ready() or kind->lost(), perhaps before it returns.
 */
void
db_open(DbConn *conn)
{
	/*
	 * gssencmode: a Kerberos cache is of no use to a sandboxed server, and the library's look for one costs system
	 * calls. The connection string comes after both and wins over them.
	 */
	static const char *const keywords[] = {"gssencmode", "application_name", "dbname", "client_encoding", NULL};
	const char *values[] = {"disable", "wazo-auth", conn->kind->conninfo, "UTF8", NULL};

	conn->evt.type = KORE_TYPE_PGSQL_CONN;
	conn->evt.handle = db_event;
	conn->evt.flags = 0;
	conn->state = DB_CONNECTING;
	conn->has_required = conn->has_optional = false;
	conn->since = kore_time_ms();
	conn->head = conn->count = 0;
	conn->pg = PQconnectStartParams(keywords, values, 1);
	if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD)
	{
		log_connect_error("cannot connect to the database", libpq_reason(conn));
		conn->kind->lost(conn);
		return;
	}
	PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
	/* As libpq says: begin as if the last poll had returned PGRES_POLLING_WRITING. */
	watch(conn, EPOLLOUT, true);
}

/*
 * Sends a job: st, one of its kind's statements, with these parameters. The caller has seen that the connection is
 * ready and has room. Returns false when the connection is
 * broken; the job is then not in its ring.
 */
bool
db_send(DbConn *conn, const DbStatement *st, void *job, const DbParameters *p)
{
	static const int formats[DB_MAX_PARAMETERS] = {1, 1, 1, 1, 1, 1, 1, 1};

	if (!PQsendQueryPrepared(conn->pg, st->name, st->n_parameters, p->values, p->lengths, formats, 1) ||
		!PQpipelineSync(conn->pg))
		return false;
	if (conn->count == 0)
		conn->since = kore_time_ms();
	conn->ring[(conn->head + conn->count++) % DB_MAX_DEPTH] = job;
	conn->dirty = true;
	return true;
}

/* Takes the oldest job out of the ring; NULL when there is none. */
void *
db_take(DbConn *conn)
{
	void	   *job;

	if (conn->count == 0)
		return NULL;
	job = conn->ring[conn->head];
	conn->head = (conn->head + 1) % DB_MAX_DEPTH;
	conn->count--;
	return job;
}

/* Sends what libpq has kept back; once a loop turn for each connection that was written to. */
void
db_flush(DbConn *conn)
{
	int			r;

	conn->dirty = false;
	if (conn->pg == NULL)
		return;
	r = PQflush(conn->pg);
	if (r == 0)
		watch(conn, EPOLLIN, false);
	else if (r == 1)
		watch(conn, EPOLLIN | EPOLLOUT, false);
	/* r == -1 shows itself as an event, after what the server said last has been read */
}

/*
 * Does the error come from a pooler that gives each transaction another
 * connection?  Prepared statements are then there where they should not be, and
 * the other way round.
 */
static bool
is_pooler_error(const char *sqlstate)
{
	return strcmp(sqlstate, "42P05") == 0 || strcmp(sqlstate, "26000") == 0;
}

static void
keep_error(DbConn *conn, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *where = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);

	if (state != NULL && conn->sqlstate[0] == '\0' && is_pooler_error(state))
		front_log(LOG_ERR, "the database is behind a pooler that keeps no prepared statements, as PgBouncer with "
				  "pool_mode = transaction; connect to PostgreSQL itself, or through pool_mode = session");
	if (conn->sqlstate[0] != '\0')
		return;					/* the first one is the cause */
	snprintf(conn->sqlstate, sizeof(conn->sqlstate), "%s", state != NULL ? state : "08006");
	if (conn->state == DB_SETUP && conn->has_required)
		return;
	if (conn->state == DB_SETUP)
	{
		log_connect_error("cannot set up the database session (is the extension there?)", PQresultErrorMessage(res));
		return;
	}
	/* The message may quote what the client sent, so it stays in the server's log. */
	front_log(LOG_ERR, "database error, SQLSTATE %s%s%s", conn->sqlstate, where != NULL ? " from " : "",
			  where != NULL ? where : "");
}

/*
 * A step of setting up the session is done, or not: then the reason is a missing extension, say, and a later attempt
 * may find it. An extension that is older than this front lacks the optional statement, and does without.
 */
static bool
setup_step_done(DbConn *conn)
{
	bool		failed = conn->sqlstate[0] != '\0';

	forget_results(conn);
	if (!conn->has_required)
	{
		if (failed)
			return false;
		starting = false;
		conn->has_required = true;
		if (conn->kind->optional != NULL)
			return true;
	}
	conn->has_optional = conn->kind->optional != NULL && !failed;
	conn->state = DB_READY;
	conn->born = conn->since = conn->used = kore_time_ms();
	conn->kind->ready(conn);
	return true;
}

static void
job_done(DbConn *conn)
{
	void	   *job = db_take(conn);
	PGresult   *row = conn->row;
	char		sqlstate[sizeof(conn->sqlstate)];

	memcpy(sqlstate, conn->sqlstate, sizeof(sqlstate));
	conn->row = NULL;
	conn->sqlstate[0] = '\0';
	conn->since = conn->used = kore_time_ms();
	conn->kind->answer(conn, job, row, sqlstate);
	PQclear(row);
}

/* Takes the results that are complete. Returns false when the connection has to go. */
static bool
take_results(DbConn *conn)
{
	while ((conn->state == DB_SETUP || conn->count > 0) && !PQisBusy(conn->pg))
	{
		PGresult   *res = PQgetResult(conn->pg);

		if (res == NULL)
		{
			/* The end of one statement's results; a second one in a row means that nothing is left to read. */
			if (PQisBusy(conn->pg))
				break;
			res = PQgetResult(conn->pg);
			if (res == NULL)
				return false;
		}
		switch (PQresultStatus(res))
		{
			case PGRES_TUPLES_OK:
				PQclear(conn->row);
				conn->row = res;
				break;
			case PGRES_COMMAND_OK:
				PQclear(res);
				break;
			case PGRES_PIPELINE_SYNC:
				PQclear(res);
				if (conn->state != DB_SETUP)
					job_done(conn);
				else if (!setup_step_done(conn))
					return false;
				break;
			case PGRES_PIPELINE_ABORTED:
				PQclear(res);
				break;
			default:
				keep_error(conn, res);
				PQclear(res);
				if (PQstatus(conn->pg) == CONNECTION_BAD)
					return false;
				break;
		}
	}
	return true;
}

static void
db_event(void *arg, int error)
{
	DbConn	   *conn = arg;
	int			flags = conn->evt.flags;
	bool		alive = true;

	conn->evt.flags = 0;
	if (conn->state == DB_CLOSED)
		return;					/* closed earlier in this turn */
	if (conn->state == DB_CONNECTING)
	{
		poll_connect(conn);
		return;
	}
	if (error || (flags & KORE_EVENT_READ))
		alive = PQconsumeInput(conn->pg) == 1;
	/* What has been read before the end counts: the last message often tells why. */
	if (!take_results(conn) || !alive || PQstatus(conn->pg) == CONNECTION_BAD)
	{
		conn->kind->lost(conn);
		return;
	}
	if (flags & KORE_EVENT_WRITE)
		db_flush(conn);
}
