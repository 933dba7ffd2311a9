/*
 * lanes.c: which request goes over which database connection, and what becomes of it when that breaks.
 *
 * Two lanes, so that a slow request never holds up a token check: the fast one pipelines many requests over one or
 * two connections, the slow one has one request at a time on each of a few connections, opened as they are needed.
 * Each lane has its own bounded queue. Nothing waits for a database that is away: after a failed attempt to connect
 * requests are refused at once until one succeeds.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "db.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST 50			/* ms, then doubled */
#define PAUSE_MOST 500			/* so that service is back within a second of the database */
#define CONNECT_TIMEOUT 5000	/* ms */
#define QUEUE_WITHOUT_CONNECTION 1000	/* ms that a request waits while a lane has no connection */
#define IDLE_CONNECTION 60000	/* ms until a slow connection beyond the first is closed */
#define SWEEP 500				/* ms */
#define RETIRE_INTERVAL 1000	/* ms */

struct Lane
{
	const char *name;
	const char *conninfo;
	DbConn		conns[FRONT_MAX_CONNECTIONS];
	int			n_conns;
	int			min_conns;		/* kept open */
	uint32_t	depth;			/* requests under way on one connection */
	bool		down;			/* the last attempt to connect failed and no connection is left */
	bool		tried;
	uint32_t	pause;			/* ms between attempts to connect */
	uint64_t	next_attempt;	/* ms */
	TAILQ_HEAD(job_queue, Job) queue;
	int			held;			/* requests queued or under way */
	int			limit;
};

static Lane fast;
static Lane slow;
static struct kore_pool job_pool;
static bool turn_planned;
static bool stopping;

static void plan_turn(void);
static void lane_open(DbConn *conn);

static int
count_state(const Lane *lane, DbState state)
{
	int			n = 0;

	for (int i = 0; i < lane->n_conns; i++)
		if (lane->conns[i].state == state)
			n++;
	return n;
}

static int
count_opening(const Lane *lane)
{
	return count_state(lane, DB_CONNECTING) + count_state(lane, DB_SETUP);
}

static void
free_job(Job *job)
{
	job->lane->held--;
	kore_pool_put(&job_pool, job);
}

static void
fail_job(Job *job, int status)
{
	Client	   *client = job->client;

	free_job(job);
	if (client != NULL)
		client_answer_error(client, status, status == 503);
}

static void
fail_queue(Lane *lane)
{
	Job		   *job;

	while ((job = TAILQ_FIRST(&lane->queue)) != NULL)
	{
		TAILQ_REMOVE(&lane->queue, job, list);
		fail_job(job, 503);
	}
}

/*
 * Takes a client's request. Returns its job, for lanes_abandon(), or NULL when it cannot be served now: the database
 * is away or too many requests are held (the client gets 503 then). The answer comes by client_answer_row() or
 * client_answer_error(), never before this function has returned.
 */
Job *
lanes_submit(Client *client)
{
	const char *buf;
	const char *body;
	const Request *req = client_request(client, &buf, &body);
	Lane	   *lane = request_is_fast(req, buf) ? &fast : &slow;
	Job		   *job;

	if (lane->down || lane->held >= lane->limit || stopping)
		return NULL;
	job = kore_pool_get(&job_pool);
	job->client = client;
	job->lane = lane;
	job->conn = NULL;
	job->deadline = kore_time_ms() + front_config.request_timeout;
	job->safe = lane == &fast || request_is_safe(req, buf);
	job->resent = false;
	job->lost = 0;
	lane->held++;
	TAILQ_INSERT_TAIL(&lane->queue, job, list);
	plan_turn();
	return job;
}

/* The client is gone: a queued request is dropped, the answer to one under way will be ignored. */
void
lanes_abandon(Job *job)
{
	job->client = NULL;
	if (job->conn == NULL)
	{
		TAILQ_REMOVE(&job->lane->queue, job, list);
		free_job(job);
	}
}

/*
 * Puts a request back in front of the queue, for a connection that is made after now: when a server ends, others may be
 * dead as well without having been heard of.
 */
static void
send_again(Lane *lane, Job *job)
{
	job->resent = true;
	job->lost = kore_time_ms();
	TAILQ_INSERT_HEAD(&lane->queue, job, list);
}

/* The usable connection with the least under way, NULL if all are full. since: made not before then (ms). */
static DbConn *
pick(Lane *lane, uint64_t since)
{
	DbConn	   *best = NULL;

	for (int i = 0; i < lane->n_conns; i++)
	{
		DbConn	   *conn = &lane->conns[i];

		if (conn->state == DB_READY && !conn->retiring && conn->count < lane->depth && conn->born >= since &&
			(best == NULL || conn->count < best->count))
			best = conn;
	}
	return best;
}

/* Opens one more connection of a lane whose requests have to wait, unless enough are on their way. */
static void
grow(Lane *lane)
{
	int			waiting = 0;
	int			opening = count_opening(lane);
	Job		   *job;

	TAILQ_FOREACH(job, &lane->queue, list)
		if (++waiting > opening)
			break;
	if (waiting <= opening)
		return;
	for (int i = 0; i < lane->n_conns; i++)
	{
		if (lane->conns[i].state == DB_CLOSED && lane->conns[i].timer == NULL)
		{
			lane_open(&lane->conns[i]);
			return;
		}
	}
}

static void
dispatch(Lane *lane)
{
	Job		   *job;
	Job		   *next;

	for (job = TAILQ_FIRST(&lane->queue); job != NULL; job = next)
	{
		DbConn	   *conn = pick(lane, job->lost);

		next = TAILQ_NEXT(job, list);
		if (conn == NULL)
		{
			if (job->resent)
				continue;		/* it waits for another one; do not hold up the rest */
			grow(lane);
			break;
		}
		TAILQ_REMOVE(&lane->queue, job, list);
		if (!db_send(conn, job))
		{
			/* Answers refused requests, so the queue may be another one afterwards. */
			TAILQ_INSERT_HEAD(&lane->queue, job, list);
			lane_lost(conn);
			break;
		}
	}
	for (int i = 0; i < lane->n_conns; i++)
		if (lane->conns[i].dirty)
			db_flush(&lane->conns[i]);
}

/* At the end of a loop turn: everything that came in during the turn goes out together. */
static void
turn(void *arg, u_int64_t now)
{
	(void) arg;
	(void) now;
	turn_planned = false;
	dispatch(&fast);
	dispatch(&slow);
}

static void
plan_turn(void)
{
	if (turn_planned)
		return;
	turn_planned = true;
	/* Kore runs its timers after the events of a turn; one of 0 ms is due at once. */
	(void) kore_timer_add(turn, 0, NULL, KORE_TIMER_ONESHOT);
}

/* A connection can be used. */
void
lane_ready(DbConn *conn)
{
	Lane	   *lane = conn->lane;

	if (lane->down)
		front_log(LOG_WARNING, "the database is back (%s lane)", lane->name);
	lane->down = false;
	lane->tried = true;
	lane->pause = 0;
	plan_turn();
}

static void
reopen_timer(void *arg, u_int64_t now)
{
	DbConn	   *conn = arg;
	Lane	   *lane = conn->lane;

	conn->timer = NULL;
	if (stopping || conn->state != DB_CLOSED)
		return;
	if (TAILQ_EMPTY(&lane->queue) && count_state(lane, DB_READY) >= lane->min_conns)
		return;					/* not needed now; grow() opens it when it is */
	/* While the database is away one attempt at a time is enough to find out when it is back. */
	if (now < lane->next_attempt || (lane->down && count_opening(lane) > 0))
	{
		uint64_t	wait = now < lane->next_attempt ? lane->next_attempt - now : PAUSE_FIRST;

		conn->timer = kore_timer_add(reopen_timer, wait, conn, KORE_TIMER_ONESHOT);
	}
	else
		lane_open(conn);
}

static void
lane_open(DbConn *conn)
{
	db_open(conn, conn->lane->conninfo);
}

/*
 * A connection is broken, could not be made or could not be set up. Requests that were under way on it are sent once
 * more if they only read; the others get 503, since nobody knows whether they were committed.
 */
void
lane_lost(DbConn *conn)
{
	Lane	   *lane = conn->lane;
	bool		was_ready = conn->state == DB_READY;
	Job		   *again[DB_MAX_DEPTH] = {0};
	uint32_t	n_again = 0;
	Job		   *failed[DB_MAX_DEPTH] = {0};
	uint32_t	n_failed = 0;

	if (was_ready && !conn->retiring)
		front_log(LOG_WARNING, "lost a database connection (%s lane)", lane->name);
	db_close(conn);
	for (; conn->count > 0; conn->count--)
	{
		Job		   *job = conn->ring[conn->head];

		conn->head = (conn->head + 1) % DB_MAX_DEPTH;
		job->conn = NULL;
		if (job->client != NULL && job->safe && !job->resent && !stopping)
			again[n_again++] = job;
		else
			failed[n_failed++] = job;
	}
	while (n_again > 0)
	{
		Job		   *job = again[--n_again];

		send_again(lane, job);
	}
	for (uint32_t i = 0; i < n_failed; i++)
		fail_job(failed[i], 503);

	if (!was_ready)
	{
		lane->tried = true;
		lane->pause = lane->pause == 0 ? PAUSE_FIRST : lane->pause * 2 > PAUSE_MOST ? PAUSE_MOST : lane->pause * 2;
		lane->next_attempt = kore_time_ms() + lane->pause;
		if (count_state(lane, DB_READY) == 0 && !lane->down)
		{
			front_log(LOG_WARNING, "the database is away (%s lane)", lane->name);
			lane->down = true;
		}
		if (lane->down)
			fail_queue(lane);
	}
	if (stopping)
		return;
	/* The first attempt after a loss at once, then after growing pauses. */
	if (conn->timer == NULL)
		conn->timer = kore_timer_add(reopen_timer, was_ready ? 0 : lane->pause, conn, KORE_TIMER_ONESHOT);
	plan_turn();
}

/* The HTTP status for an error that wazo_auth.http() did not map itself. */
static int
status_of(const char *sqlstate)
{
	if (strncmp(sqlstate, "57P", 3) == 0 || strncmp(sqlstate, "08", 2) == 0 || strcmp(sqlstate, "53300") == 0)
		return 503;
	if (strcmp(sqlstate, "57014") == 0)
		return 504;
	return 500;
}

/* Errors of a prepared statement that does not fit the database any more: the extension was replaced or dropped. */
static bool
is_stale(const char *sqlstate)
{
	static const char *const states[] = {"26000", "0A000", "42883", "3F000", "42704"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(sqlstate, states[i]) == 0)
			return true;
	return false;
}

/* Has a connection opened anew once it is idle; not more often than once a second, whatever requests come. */
static bool
retire(DbConn *conn)
{
	uint64_t	now = kore_time_ms();

	if (conn->retiring)
		return true;
	if (conn->retired != 0 && now - conn->retired < RETIRE_INTERVAL)
		return false;
	conn->retired = now;
	conn->retiring = true;
	front_log(LOG_WARNING, "preparing wazo_auth.http anew (%s lane)", conn->lane->name);
	return true;
}

static void
close_retired(void *arg, u_int64_t now)
{
	(void) arg;
	(void) now;
	for (int i = 0; i < fast.n_conns; i++)
		if (fast.conns[i].retiring && fast.conns[i].count == 0)
			lane_lost(&fast.conns[i]);
	for (int i = 0; i < slow.n_conns; i++)
		if (slow.conns[i].retiring && slow.conns[i].count == 0)
			lane_lost(&slow.conns[i]);
}

/* The database has answered a request: with a row and no error, committed; or with an error, rolled back. */
void
lane_answer(DbConn *conn, Job *job, const PGresult *row, const char *sqlstate)
{
	Lane	   *lane = conn->lane;

	if (sqlstate[0] != '\0' && is_stale(sqlstate) && retire(conn) && !job->resent &&
		job->client != NULL && !stopping)
	{
		send_again(lane, job);
	}
	else if (sqlstate[0] != '\0')
		fail_job(job, status_of(sqlstate));
	else if (row == NULL || PQntuples(row) != 1 || PQnfields(row) != 1 || PQgetisnull(row, 0, 0))
		fail_job(job, 500);
	else
	{
		Client	   *client = job->client;

		free_job(job);
		if (client != NULL)
			client_answer_row(client, PQgetvalue(row, 0, 0), (size_t) PQgetlength(row, 0, 0));
	}
	/* Not here: the caller is still reading from the connection. */
	if (conn->retiring && conn->count == 0)
		(void) kore_timer_add(close_retired, 0, NULL, KORE_TIMER_ONESHOT);
	if (!TAILQ_EMPTY(&lane->queue))
		plan_turn();
}

static void
sweep_connection(DbConn *conn, uint64_t now)
{
	Lane	   *lane = conn->lane;

	if (conn->count > 0 && now - conn->since > front_config.request_timeout + 1000)
	{
		/* The server should have cancelled it: it hangs, or the network does. */
		Job		   *job = conn->ring[conn->head];

		front_log(LOG_WARNING, "the database does not answer (%s lane)", lane->name);
		conn->head = (conn->head + 1) % DB_MAX_DEPTH;
		conn->count--;
		fail_job(job, 504);
		lane_lost(conn);
	}
	else if ((conn->state == DB_CONNECTING || conn->state == DB_SETUP) && now - conn->since > CONNECT_TIMEOUT)
	{
		front_log(LOG_WARNING, "connecting to the database takes too long (%s lane)", lane->name);
		lane_lost(conn);
	}
	else if (conn->state == DB_READY && conn->count == 0 && now - conn->used > IDLE_CONNECTION &&
			 count_state(lane, DB_READY) > lane->min_conns)
		db_close(conn);
}

static void
sweep_lane(Lane *lane, uint64_t now)
{
	Job		   *job;
	Job		   *next;
	bool		none = count_state(lane, DB_READY) == 0;

	for (int i = 0; i < lane->n_conns; i++)
		sweep_connection(&lane->conns[i], now);
	for (job = TAILQ_FIRST(&lane->queue); job != NULL; job = next)
	{
		uint64_t	waited = now + front_config.request_timeout - job->deadline;

		next = TAILQ_NEXT(job, list);
		if (now > job->deadline || (none && waited > QUEUE_WITHOUT_CONNECTION) ||
			(job->resent && now - job->lost > QUEUE_WITHOUT_CONNECTION))
		{
			TAILQ_REMOVE(&lane->queue, job, list);
			fail_job(job, 503);
		}
	}
	if (!TAILQ_EMPTY(&lane->queue))
		plan_turn();
}

static void
sweep(void *arg, u_int64_t now)
{
	(void) arg;
	sweep_lane(&fast, now);
	sweep_lane(&slow, now);
}

static void
init_lane(Lane *lane, const char *name, const char *conninfo, int conns, int min_conns, uint32_t depth)
{
	lane->name = name;
	lane->conninfo = conninfo;
	lane->n_conns = conns;
	lane->min_conns = min_conns;
	lane->depth = depth;
	lane->limit = (front_config.max_in_flight + front_config.workers - 1) / front_config.workers;
	TAILQ_INIT(&lane->queue);
	for (int i = 0; i < conns; i++)
	{
		lane->conns[i].lane = lane;
		lane->conns[i].fd = -1;
	}
	for (int i = 0; i < min_conns; i++)
		lane_open(&lane->conns[i]);
}

/* Opens the connections a worker starts with. */
void
lanes_start(void)
{
	kore_pool_init(&job_pool, "jobs", sizeof(Job), 256);
	init_lane(&fast, "fast", front_config.read_database != NULL ? front_config.read_database : front_config.database,
			  front_config.fast_connections, front_config.fast_connections, DB_MAX_DEPTH);
	init_lane(&slow, "slow", front_config.database, front_config.slow_connections, 1, 1);
	(void) kore_timer_add(sweep, SWEEP, NULL, 0);
}

/* Whether each lane has a connection, or has failed to make one: from then on clients get an answer at once. */
bool
lanes_settled(void)
{
	return fast.tried && slow.tried;
}

/* Closes all connections; for the end of a worker. */
void
lanes_stop(void)
{
	stopping = true;
	for (int i = 0; i < fast.n_conns; i++)
		db_close(&fast.conns[i]);
	for (int i = 0; i < slow.n_conns; i++)
		db_close(&slow.conns[i]);
}
