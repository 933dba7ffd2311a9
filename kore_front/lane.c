/*
 * lane.c: one way through the database: which job goes over which connection, and what becomes of it when that breaks.
 *
 * A job waits in the lane's fair queue for its turn; what would wait too long is refused at once. A connection carries
 * as many jobs as it answers within a few milliseconds, so that turns are taken in the queue and not in the pipeline.
 * A job keeps its time limit wherever it is: in the queue, behind others in a pipeline, in work, and while the
 * database is away.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "lane.h"

#include <string.h>

#include "log.h"

#define PAUSE_FIRST 50			/* ms, then doubled */
#define PAUSE_MOST 500			/* so that service is back within a second of the database */
#define CONNECT_TIMEOUT 5000	/* ms */
#define IDLE_CONNECTION 60000	/* ms until a connection beyond those kept open is closed */
#define RETIRE_INTERVAL 1000	/* ms */
#define GRACE 500				/* ms for the server to end what its own time limit ends */
#define STALLED 50000			/* us after which a pipeline counts as held up by its oldest job */
#define PIPELINE_TIME 2000		/* us of work under way on a pipelined connection */
#define PIPELINE_LEAST 8		/* jobs; fewer would wait for the network */
#define AWAY_MOST 64			/* jobs that wait for a database that is away */

typedef enum JobPlace
{
	JOB_QUEUED,
	JOB_AGAIN,
	JOB_SENT
} JobPlace;

struct Job
{
	FairItem	item;			/* first: the queue hands it out */
	const JobCalls *calls;
	void	   *owner;			/* NULL: gone, or told already */
	Lane	   *lane;
	JobPlace	place;
	bool		repeatable;
	bool		repeated;
	uint64_t	queued;			/* ms: when it came */
	uint64_t	deadline;		/* ms */
	uint64_t	lost;			/* ms: when its connection went; only one made since then will do */
	TAILQ_ENTRY(Job) list;		/* of Lane.again */
};

static struct kore_pool job_pool;

static void plan_turn(Lane *lane);
static void line_lost(DbConn *conn);

static int
count_state(const Lane *lane, DbState state)
{
	int			n = 0;

	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.state == state)
			n++;
	return n;
}

static int
count_opening(const Lane *lane)
{
	return count_state(lane, DB_CONNECTING) + count_state(lane, DB_SETUP);
}

/* ---- jobs ---- */

static void
free_job(Job *job)
{
	fair_release(&job->lane->queue, &job->item);
	kore_pool_put(&job_pool, job);
}

/* Tells the owner, if it is still there; the job lives on. */
static void
tell_failure(Job *job, JobFailure failure)
{
	void	   *owner = job->owner;

	job->owner = NULL;
	if (owner != NULL)
		job->calls->failed(owner, failure);
}

static void
fail_job(Job *job, JobFailure failure)
{
	const JobCalls *calls = job->calls;
	void	   *owner = job->owner;

	free_job(job);
	if (owner != NULL)
		calls->failed(owner, failure);
}

/* Takes a job that waits out of where it waits. */
static void
take_waiting(Job *job)
{
	Lane	   *lane = job->lane;

	if (job->place == JOB_QUEUED)
		fair_take(&lane->queue, &job->item);
	else
	{
		TAILQ_REMOVE(&lane->again, job, list);
		lane->n_again--;
	}
	job->place = JOB_SENT;
}

/* Has a job sent over a connection that is made after now: when a server ends, others may be dead unheard of. */
static void
send_again(Job *job)
{
	Lane	   *lane = job->lane;

	job->place = JOB_AGAIN;
	job->lost = kore_time_ms();
	TAILQ_INSERT_TAIL(&lane->again, job, list);
	lane->n_again++;
}

/* How long a new job of that peer would wait for its turn, ms. */
static uint64_t
expected_wait(const Lane *lane, const FairKey *peer)
{
	return (uint64_t) fair_ahead(&lane->queue, peer) * lane->service / (uint64_t) lane->policy.max_connections / 1000;
}

/*
 * Takes a job. peer: whose share of the lane it takes. repeatable: it may be done twice. Returns it, for
 * lane_abandon(), or NULL when it is refused: its turn would come too late, its peer's share is used up, or enough jobs
 * wait for a database that is away.
 */
Job *
lane_submit(Lane *lane, const FairKey *peer, bool repeatable, const JobCalls *calls, void *owner)
{
	Job		   *job;

	if (lane->stopping || expected_wait(lane, peer) > lane->policy.queue_wait ||
		(lane->queue.queued >= AWAY_MOST && count_state(lane, DB_READY) == 0))
		return NULL;
	job = kore_pool_get(&job_pool);
	memset(job, 0, sizeof(*job));
	if (!fair_put(&lane->queue, &job->item, peer))
	{
		kore_pool_put(&job_pool, job);
		return NULL;
	}
	job->calls = calls;
	job->owner = owner;
	job->lane = lane;
	job->place = JOB_QUEUED;
	job->repeatable = repeatable;
	job->queued = kore_time_ms();
	job->deadline = job->queued + lane->policy.time_limit;
	plan_turn(lane);
	return job;
}

/* The owner is gone: a job that waits is dropped, the answer to one under way will be ignored. */
void
lane_abandon(Job *job)
{
	job->owner = NULL;
	if (job->place != JOB_SENT)
	{
		take_waiting(job);
		free_job(job);
	}
}

/* ---- sending ---- */

/* Jobs that may be under way on one connection now. */
static uint32_t
depth_now(const Lane *lane)
{
	uint64_t	n;

	if (lane->policy.depth == 1 || lane->service == 0)
		return lane->policy.depth;
	n = PIPELINE_TIME / lane->service;
	return n < PIPELINE_LEAST ? PIPELINE_LEAST : n > lane->policy.depth ? lane->policy.depth : (uint32_t) n;
}

/* A connection that may still be opened, NULL without one. */
static Line *
spare_line(Lane *lane)
{
	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.state == DB_CLOSED && lane->lines[i].timer == NULL)
			return &lane->lines[i];
	return NULL;
}

/* Whether its oldest job holds up what is behind it. */
static bool
is_stalled(const Line *line, uint64_t now)
{
	return line->db.count > 0 && now - line->head_since > STALLED;
}

/*
 * The usable connection with the least under way, NULL if all are full. since: made not before then (ms). Those that
 * are held up are used only when all are and there cannot be another.
 */
static Line *
pick(Lane *lane, uint64_t since)
{
	uint32_t	depth = depth_now(lane);
	uint64_t	now = front_time_us();
	Line	   *best[2] = {NULL, NULL}; /* [1]: of the stalled ones */
	bool		moving = spare_line(lane) != NULL || count_opening(lane) > 0;

	for (int i = 0; i < lane->policy.max_connections; i++)
	{
		Line	   *line = &lane->lines[i];
		bool		stalled = is_stalled(line, now);

		if (line->db.state != DB_READY || line->retiring || line->db.born < since)
			continue;
		moving = moving || !stalled;
		if (line->db.count < depth && (best[stalled] == NULL || line->db.count < best[stalled]->db.count))
			best[stalled] = line;
	}
	return moving ? best[0] : best[1];
}

/* Opens one more connection when more jobs wait than are being opened. */
static void
grow(Lane *lane)
{
	Line	   *line;

	if (lane->queue.queued + lane->n_again > count_opening(lane) && (line = spare_line(lane)) != NULL)
		db_open(&line->db);
}

/* Returns false when the connection turned out to be broken. */
static bool
send_job(Line *line, Job *job)
{
	DbParameters p;

	take_waiting(job);
	if (line->db.count == 0)
		line->head_since = front_time_us();
	job->calls->parameters(job->owner, &p);
	if (db_send(&line->db, job, &p))
		return true;
	send_again(job);
	line_lost(&line->db);
	return false;
}

static void
dispatch(Lane *lane)
{
	FairItem   *item;
	Line	   *line;
	Job		   *job;
	Job		   *next;
	bool		good = true;

	for (job = TAILQ_FIRST(&lane->again); good && job != NULL; job = next)
	{
		next = TAILQ_NEXT(job, list);
		if ((line = pick(lane, job->lost)) != NULL)
			good = send_job(line, job);
	}
	while (good && (item = fair_first(&lane->queue)) != NULL && (line = pick(lane, 0)) != NULL)
		good = send_job(line, (Job *) item);
	grow(lane);
	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.dirty)
			db_flush(&lane->lines[i].db);
}

/* At the end of a loop turn: everything that came in during the turn goes out together. */
static void
turn(void *arg, u_int64_t now)
{
	Lane	   *lane = arg;

	(void) now;
	lane->turn_planned = false;
	if (!lane->stopping)
		dispatch(lane);
}

static void
plan_turn(Lane *lane)
{
	if (lane->turn_planned)
		return;
	lane->turn_planned = true;
	/* Kore runs its timers after the events of a turn; one of 0 ms is due at once. */
	(void) kore_timer_add(turn, 0, lane, KORE_TIMER_ONESHOT);
}

/* ---- connections come and go ---- */

static void
line_ready(DbConn *conn)
{
	Lane	   *lane = ((Line *) conn)->lane;

	if (lane->down)
		front_log(LOG_WARNING, "the database is back (%s lane)", lane->policy.name);
	lane->down = false;
	lane->tried = true;
	lane->pause = 0;
	plan_turn(lane);
}

static void
reopen(void *arg, u_int64_t now)
{
	Line	   *line = arg;
	Lane	   *lane = line->lane;

	line->timer = NULL;
	if (lane->stopping || line->db.state != DB_CLOSED)
		return;
	if (lane->queue.queued + lane->n_again == 0 && count_state(lane, DB_READY) >= lane->policy.min_connections)
		return;					/* not needed now; grow() opens it when it is */
	/* While the database is away one attempt at a time is enough to find out when it is back. */
	if (now < lane->next_attempt || (lane->down && count_opening(lane) > 0))
	{
		uint64_t	wait = now < lane->next_attempt ? lane->next_attempt - now : PAUSE_FIRST;

		line->timer = kore_timer_add(reopen, wait, line, KORE_TIMER_ONESHOT);
	}
	else
		db_open(&line->db);
}

/* What was under way on a lost connection is sent once more if that does no harm; of the rest nobody knows. */
static void
settle_lost_jobs(Line *line)
{
	Lane	   *lane = line->lane;
	Job		   *failed[DB_MAX_DEPTH];
	uint32_t	n = 0;
	Job		   *job;

	while ((job = db_take(&line->db)) != NULL)
	{
		if (job->owner != NULL && job->repeatable && !job->repeated && !lane->stopping)
		{
			job->repeated = true;
			send_again(job);
		}
		else
			failed[n++] = job;
	}
	for (uint32_t i = 0; i < n; i++)
		fail_job(failed[i], JOB_UNAVAILABLE);
}

/* An attempt to connect has failed. */
static void
attempt_failed(Lane *lane)
{
	FairItem   *item;

	lane->tried = true;
	lane->pause = lane->pause == 0 ? PAUSE_FIRST : lane->pause * 2 > PAUSE_MOST ? PAUSE_MOST : lane->pause * 2;
	lane->next_attempt = kore_time_ms() + lane->pause;
	if (count_state(lane, DB_READY) > 0 || lane->down)
		return;
	front_log(LOG_WARNING, "the database is away (%s lane)", lane->policy.name);
	lane->down = true;
	while (lane->queue.queued > AWAY_MOST && (item = fair_first(&lane->queue)) != NULL)
	{
		take_waiting((Job *) item);
		fail_job((Job *) item, JOB_UNAVAILABLE);
	}
}

static void
line_lost(DbConn *conn)
{
	Line	   *line = (Line *) conn;
	Lane	   *lane = line->lane;
	bool		was_ready = conn->state == DB_READY;

	if (was_ready && !line->retiring)
		front_log(LOG_WARNING, "lost a database connection (%s lane)", lane->policy.name);
	db_close(conn);
	line->retiring = false;
	settle_lost_jobs(line);
	if (!was_ready)
		attempt_failed(lane);
	if (lane->stopping)
		return;
	/* The first attempt after a loss at once, then after growing pauses. */
	if (line->timer == NULL)
		line->timer = kore_timer_add(reopen, was_ready ? 0 : lane->pause, line, KORE_TIMER_ONESHOT);
	plan_turn(lane);
}

/* ---- answers ---- */

/* What an error of the server means for a job. */
static JobFailure
failure_of(const char *sqlstate)
{
	if (strncmp(sqlstate, "57P", 3) == 0 || strncmp(sqlstate, "08", 2) == 0 || strcmp(sqlstate, "53300") == 0)
		return JOB_UNAVAILABLE;
	if (strcmp(sqlstate, "57014") == 0)
		return JOB_LATE;
	return JOB_BROKEN;
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

/* Has a connection opened anew once it is idle; not more often than once a second, whatever jobs come. */
static bool
retire(Line *line)
{
	uint64_t	now = kore_time_ms();

	if (line->retiring)
		return true;
	if (line->retired != 0 && now - line->retired < RETIRE_INTERVAL)
		return false;
	line->retired = now;
	line->retiring = true;
	front_log(LOG_WARNING, "preparing the statement anew (%s lane)", line->lane->policy.name);
	return true;
}

static void
close_retired(void *arg, u_int64_t now)
{
	Lane	   *lane = arg;

	(void) now;
	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].retiring && lane->lines[i].db.count == 0)
			line_lost(&lane->lines[i].db);
}

/* Keeps the average time that a connection is busy with one job. */
static void
count_service(Line *line)
{
	Lane	   *lane = line->lane;
	uint64_t	now = front_time_us();
	uint64_t	took = now - line->head_since;

	lane->service = (lane->service * 15 + took + 15) / 16;
	line->head_since = now;
}

static void
line_answer(DbConn *conn, void *arg, const PGresult *row, const char *sqlstate)
{
	Line	   *line = (Line *) conn;
	Lane	   *lane = line->lane;
	Job		   *job = arg;

	count_service(line);
	if (sqlstate[0] != '\0' && is_stale(sqlstate) && retire(line) && !job->repeated && job->owner != NULL &&
		!lane->stopping)
	{
		job->repeated = true;
		send_again(job);
	}
	else if (sqlstate[0] != '\0')
		fail_job(job, failure_of(sqlstate));
	else if (row == NULL || PQntuples(row) != 1 || PQnfields(row) != 1 || PQgetisnull(row, 0, 0))
		fail_job(job, JOB_BROKEN);
	else
	{
		const JobCalls *calls = job->calls;
		void	   *owner = job->owner;

		free_job(job);
		if (owner != NULL)
			calls->answered(owner, PQgetvalue(row, 0, 0), (size_t) PQgetlength(row, 0, 0));
	}
	/* Not here: the caller is still reading from the connection. */
	if (line->retiring && conn->count == 0)
		(void) kore_timer_add(close_retired, 0, lane, KORE_TIMER_ONESHOT);
	if (lane->queue.queued + lane->n_again > 0)
		plan_turn(lane);
}

/* ---- time limits ---- */

/*
 * Jobs under way whose time is up are answered where they stand. If the oldest is among them and the server does not
 * end it either, its connection is replaced, so that those behind it go on over another one; the server ends the
 * statement when it sees that the connection is closed (dbconn.c).
 */
static void
sweep_pipeline(Line *line, uint64_t now)
{
	DbConn	   *conn = &line->db;
	uint64_t	end = conn->since + line->lane->policy.statement_limit;
	Job		   *job;

	for (uint32_t i = 0; i < conn->count; i++)
	{
		job = conn->ring[(conn->head + i) % DB_MAX_DEPTH];
		if (now >= job->deadline)
			tell_failure(job, JOB_LATE);
	}
	if (conn->count == 0)
		return;
	job = conn->ring[conn->head];
	if (now < (job->deadline < end ? job->deadline : end) + GRACE)
		return;
	front_log(LOG_WARNING, "the database does not answer in time (%s lane)", line->lane->policy.name);
	fail_job(db_take(conn), JOB_LATE);
	line_lost(conn);
}

static void
sweep_line(Line *line, uint64_t now)
{
	Lane	   *lane = line->lane;
	DbConn	   *conn = &line->db;

	sweep_pipeline(line, now);
	if ((conn->state == DB_CONNECTING || conn->state == DB_SETUP) && now - conn->since > CONNECT_TIMEOUT)
	{
		front_log(LOG_WARNING, "connecting to the database takes too long (%s lane)", lane->policy.name);
		line_lost(conn);
	}
	else if (conn->state == DB_READY && conn->count == 0 && now - conn->used > IDLE_CONNECTION &&
			 count_state(lane, DB_READY) > lane->policy.min_connections)
		db_close(conn);
}

/* Whether a job has waited too long. away: no connection is there. */
static bool
waited_enough(const Job *job, bool away, uint64_t now)
{
	const LanePolicy *policy = &job->lane->policy;
	uint64_t	since = job->place == JOB_AGAIN ? job->lost : job->queued;

	return now >= job->deadline || now - since > policy->queue_wait ||
		(now - since > policy->reconnect_wait && (away || job->place == JOB_AGAIN));
}

/* Refuses the jobs that have waited too long. They are taken out first: what their owners do changes the queue. */
static void
sweep_queue(Lane *lane, uint64_t now)
{
	TAILQ_HEAD(LateJobs, Job) late = TAILQ_HEAD_INITIALIZER(late);
	bool		away = count_state(lane, DB_READY) == 0;
	FairPeer   *peer;
	FairPeer   *next_peer;
	FairItem   *item;
	FairItem   *next_item;
	Job		   *job;
	Job		   *next;

	for (job = TAILQ_FIRST(&lane->again); job != NULL; job = next)
	{
		next = TAILQ_NEXT(job, list);
		if (waited_enough(job, away, now))
		{
			take_waiting(job);
			TAILQ_INSERT_TAIL(&late, job, list);
		}
	}
	for (peer = TAILQ_FIRST(&lane->queue.turns); peer != NULL; peer = next_peer)
	{
		next_peer = TAILQ_NEXT(peer, turn);
		for (item = TAILQ_FIRST(&peer->items); item != NULL; item = next_item)
		{
			next_item = TAILQ_NEXT(item, list);
			if (waited_enough((Job *) item, away, now))
			{
				take_waiting((Job *) item);
				TAILQ_INSERT_TAIL(&late, (Job *) item, list);
			}
		}
	}
	while ((job = TAILQ_FIRST(&late)) != NULL)
	{
		TAILQ_REMOVE(&late, job, list);
		fail_job(job, JOB_UNAVAILABLE);
	}
}

/* Keeps the time limits; to be called several times a second. now: ms. */
void
lane_sweep(Lane *lane, uint64_t now)
{
	for (int i = 0; i < lane->policy.max_connections; i++)
		sweep_line(&lane->lines[i], now);
	sweep_queue(lane, now);
	if (lane->queue.queued + lane->n_again > 0)
		plan_turn(lane);
}

/* ---- start and end ---- */

/* Opens the connections that a lane keeps. */
void
lane_start(Lane *lane, const LanePolicy *policy)
{
	static bool pool_made;
	DbKind		kind = {
		.conninfo = policy->conninfo,
		.statement = policy->statement,
		.statement_timeout = policy->statement_limit,
		.ready = line_ready,
		.lost = line_lost,
		.answer = line_answer
	};

	if (!pool_made)
		kore_pool_init(&job_pool, "jobs", sizeof(Job), 256);
	pool_made = true;
	lane->policy = *policy;
	lane->kind = kind;
	fair_init(&lane->queue, policy->limit);
	TAILQ_INIT(&lane->again);
	for (int i = 0; i < policy->max_connections; i++)
	{
		lane->lines[i].lane = lane;
		lane->lines[i].db.kind = &lane->kind;
		lane->lines[i].db.fd = -1;
	}
	for (int i = 0; i < policy->min_connections; i++)
		db_open(&lane->lines[i].db);
}

/* Closes all connections. */
void
lane_stop(Lane *lane)
{
	lane->stopping = true;
	for (int i = 0; i < lane->policy.max_connections; i++)
		db_close(&lane->lines[i].db);
}
