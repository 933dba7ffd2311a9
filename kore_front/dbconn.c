/*
 * dbconn.c: one connection to PostgreSQL: libpq in pipeline mode, never blocking, on Kore's event loop.
 *
 * Every request is one execution of one prepared statement followed by its own Sync, so each is a transaction of its
 * own; the answer is handed on only when the Sync came back without error, that is, after the commit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "db.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define TEXTOID 25
#define BYTEAOID 17
#define TEXTARRAYOID 1009

static const char statement_name[] = "wazo_auth_http";
static const char statement[] = "SELECT wazo_auth.http($1, $2, $3, $4, $5)";

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

/* Closes the connection. What was under way on it stays in its ring, for the lane to deal with. */
void
db_close(DbConn *conn)
{
	forget_results(conn);
	if (conn->pg != NULL)
		PQfinish(conn->pg);		/* closing the socket takes it out of epoll */
	conn->pg = NULL;
	conn->fd = -1;
	conn->events = 0;
	conn->dirty = false;
	conn->retiring = false;
	conn->state = DB_CLOSED;
	conn->since = kore_time_ms();
}

/* While a database stays away its first complaint tells enough. */
#define LOG_AGAIN_MS 10000

static void
log_connect_error(DbConn *conn, const char *what)
{
	static uint64_t last;
	uint64_t	now = kore_time_ms();

	if (last != 0 && now - last < LOG_AGAIN_MS)
		return;
	last = now;
	front_log(LOG_WARNING, "%s: %s", what, conn->pg != NULL ? PQerrorMessage(conn->pg) : "out of memory");
}

/* Settings of the session and the statement, in one round trip. */
static bool
send_setup(DbConn *conn)
{
	static const Oid types[5] = {TEXTOID, TEXTOID, TEXTARRAYOID, BYTEAOID, TEXTOID};
	char		timeout[32];
	const char *values[1] = {timeout};

	/*
	 * The server ends what takes too long; the front's own deadline is for a server that does not answer.  The rest is
	 * set for the role wazo_auth_front, too, but a role that is a member of it inherits rights, not settings: parameters
	 * hold tokens and passwords, which are for no log, and the locks of the database's functions rely on the isolation.
	 */
	snprintf(timeout, sizeof(timeout), "%llu", (unsigned long long) front_config.request_timeout);
	return PQsendQueryParams(conn->pg,
							 "SELECT pg_catalog.set_config('statement_timeout', $1, false),"
							 " pg_catalog.set_config('default_transaction_isolation', 'read committed', false),"
							 " CASE WHEN pg_catalog.has_parameter_privilege('log_parameter_max_length', 'SET')"
							 " THEN pg_catalog.set_config('log_parameter_max_length', '0', false) END,"
							 " CASE WHEN pg_catalog.has_parameter_privilege('log_parameter_max_length_on_error', 'SET')"
							 " THEN pg_catalog.set_config('log_parameter_max_length_on_error', '0', false) END",
							 1, NULL, values, NULL, NULL, 0) &&
		PQsendPrepare(conn->pg, statement_name, statement, 5, types) &&
		PQpipelineSync(conn->pg);
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
			log_connect_error(conn, "cannot connect to the database");
			lane_lost(conn);
			return;
	}
	if (PQsetnonblocking(conn->pg, 1) != 0 || !PQenterPipelineMode(conn->pg) || !send_setup(conn))
	{
		log_connect_error(conn, "cannot set up the database session");
		lane_lost(conn);
		return;
	}
	conn->state = DB_SETUP;
	watch(conn, PQflush(conn->pg) == 1 ? EPOLLIN | EPOLLOUT : EPOLLIN, true);
}

/*
 * Starts to connect. conninfo: libpq connection string or URI, may be empty. Ends in lane_ready() or lane_lost(),
 * perhaps before it returns.
 */
void
db_open(DbConn *conn, const char *conninfo)
{
	/*
	 * gssencmode: a Kerberos cache is of no use to a sandboxed server, and the library's look for one costs system
	 * calls. The connection string comes after both and wins over them.
	 */
	static const char *const keywords[] = {"gssencmode", "application_name", "dbname", "client_encoding", NULL};
	const char *values[] = {"disable", "wazo-auth", conninfo, "UTF8", NULL};

	conn->evt.type = KORE_TYPE_PGSQL_CONN;
	conn->evt.handle = db_event;
	conn->evt.flags = 0;
	conn->state = DB_CONNECTING;
	conn->since = kore_time_ms();
	conn->head = conn->count = 0;
	conn->pg = PQconnectStartParams(keywords, values, 1);
	if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD)
	{
		log_connect_error(conn, "cannot connect to the database");
		lane_lost(conn);
		return;
	}
	PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
	/* As libpq says: begin as if the last poll had returned PGRES_POLLING_WRITING. */
	watch(conn, EPOLLOUT, true);
}

/* Puts a value of the wire format, big-endian, where there is room for it. */
static void
put_int32(char **p, uint32_t n)
{
	n = htonl(n);
	memcpy(*p, &n, 4);
	*p += 4;
}

/* The request's headers as text[] in binary format: name, value, name, value. Returns the length. */
static size_t
encode_headers(const Request *req, const char *buf, char *out)
{
	char	   *p = out;

	put_int32(&p, req->n_headers > 0 ? 1 : 0);	/* dimensions */
	put_int32(&p, 0);			/* no NULLs */
	put_int32(&p, TEXTOID);
	if (req->n_headers == 0)
		return (size_t) (p - out);
	put_int32(&p, (uint32_t) req->n_headers * 2);
	put_int32(&p, 1);			/* lower bound */
	for (int i = 0; i < req->n_headers; i++)
	{
		const RequestHeader *h = &req->headers[i];
		size_t		len;

		put_int32(&p, h->name_len);
		memcpy(p, buf + h->name, h->name_len);
		p += h->name_len;
		len = text_to_utf8(buf + h->value, h->value_len, p + 4);
		put_int32(&p, (uint32_t) len);
		p += len;
	}
	return (size_t) (p - out);
}

/*
 * Sends a request. The caller has seen that the connection is ready and has room. Returns false when the connection
 * is broken; the request is then not in its ring.
 */
bool
db_send(DbConn *conn, Job *job)
{
	/* headers: at most doubled by transcoding, plus two lengths each */
	static char headers[2 * FRONT_MAX_HEADER_BLOCK + 8 * FRONT_MAX_HEADERS + 32];
	static const int formats[5] = {1, 1, 1, 1, 1};
	char		peer[4 * FRONT_MAX_PEER];
	const char *buf;
	const char *body;
	const Request *req = client_request(job->client, &buf, &body);
	const char *values[5];
	int			lengths[5];

	values[0] = buf + req->method;
	lengths[0] = (int) req->method_len;
	values[1] = buf + req->target;
	lengths[1] = (int) req->target_len;
	values[2] = headers;
	lengths[2] = (int) encode_headers(req, buf, headers);
	values[3] = req->body_len > 0 ? body : NULL;
	lengths[3] = (int) req->body_len;
	values[4] = peer;
	lengths[4] = (int) request_peer(req, buf, front_config.num_proxies, client_tcp_peer(job->client),
									peer, sizeof(peer));
	if (!PQsendQueryPrepared(conn->pg, statement_name, 5, values, lengths, formats, 1) ||
		!PQpipelineSync(conn->pg))
		return false;
	if (conn->count == 0)
		conn->since = kore_time_ms();
	conn->ring[(conn->head + conn->count++) % DB_MAX_DEPTH] = job;
	job->conn = conn;
	conn->dirty = true;
	return true;
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

static void
keep_error(DbConn *conn, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *where = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);

	if (conn->sqlstate[0] != '\0')
		return;					/* the first one is the cause */
	snprintf(conn->sqlstate, sizeof(conn->sqlstate), "%s", state != NULL ? state : "08006");
	if (conn->state == DB_SETUP)
		return;					/* told by setup_done(), not at every attempt */
	/* The message may quote what the client sent, so it stays in the server's log. */
	front_log(LOG_ERR, "database error, SQLSTATE %s%s%s", conn->sqlstate, where != NULL ? " from " : "",
			  where != NULL ? where : "");
}

/* The session is set up, or not: then the reason is a missing extension, say, and a later attempt may find it. */
static bool
setup_done(DbConn *conn)
{
	if (conn->sqlstate[0] != '\0')
	{
		log_connect_error(conn, "cannot prepare wazo_auth.http (is the extension there?)");
		return false;
	}
	forget_results(conn);
	conn->state = DB_READY;
	conn->born = conn->since = conn->used = kore_time_ms();
	lane_ready(conn);
	return true;
}

static void
request_done(DbConn *conn)
{
	Job		   *job = conn->ring[conn->head];
	PGresult   *row = conn->row;
	char		sqlstate[sizeof(conn->sqlstate)];

	memcpy(sqlstate, conn->sqlstate, sizeof(sqlstate));
	conn->row = NULL;
	conn->sqlstate[0] = '\0';
	conn->head = (conn->head + 1) % DB_MAX_DEPTH;
	conn->count--;
	conn->since = conn->used = kore_time_ms();
	job->conn = NULL;
	lane_answer(conn, job, row, sqlstate);
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
				if (conn->state == DB_SETUP)
				{
					if (!setup_done(conn))
						return false;
				}
				else
					request_done(conn);
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
		lane_lost(conn);
		return;
	}
	if (flags & KORE_EVENT_WRITE)
		db_flush(conn);
}
