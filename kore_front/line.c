/*
 * line.c: the connections of a lane as they come and go, and what they answer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "line.h"

#include <string.h>

#include "elapsed.h"
#include "job.h"
#include "log.h"

#define PAUSE_FIRST 50			/* ms, then doubled */
#define PAUSE_MOST 500			/* so that service is back within a second of the database */
#define RETIRE_INTERVAL 1000	/* ms */

/* How many of its connections are in that state. */
int
lane_count(const Lane *lane, DbState state)
{
	int			n = 0;

	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.state == state)
			n++;
	return n;
}

/* How many are being made. */
int
lane_opening(const Lane *lane)
{
	return lane_count(lane, DB_CONNECTING) + lane_count(lane, DB_SETUP);
}

/* At the end of a loop turn: everything that came in during the turn goes out together. */
static void
turn(void *arg, u_int64_t now)
{
	Lane	   *lane = arg;

	(void) now;
	lane->turn_planned = false;
	if (!lane->stopping)
		lane->dispatch(lane);
}

/* Has the lane's waiting jobs sent at the end of this loop turn. */
void
lane_wake(Lane *lane)
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
	lane_wake(lane);
}

static void
reopen(void *arg, u_int64_t now)
{
	Line	   *line = arg;
	Lane	   *lane = line->lane;

	line->timer = NULL;
	if (lane->stopping || line->db.state != DB_CLOSED)
		return;
	if (lane->queue.queued + lane->n_again == 0 && lane_count(lane, DB_READY) >= lane->policy.min_connections)
		return;					/* not needed now; grow() opens it when it is */
	/* While the database is away one attempt at a time is enough to find out when it is back. */
	if (now < lane->next_attempt || (lane->down && lane_opening(lane) > 0))
	{
		uint64_t	wait = now < lane->next_attempt ? lane->next_attempt - now : PAUSE_FIRST;

		line->timer = kore_timer_add(reopen, wait, line, KORE_TIMER_ONESHOT);
	}
	else
		db_open(&line->db);
}

/*
 * What was under way on a lost connection is sent once more if that does no harm, each job alone, in case that one of
 * them was the cause; of the rest nobody knows.  When a server ends, other connections may be dead unheard of: only one
 * that is made from now on will do.
 */
static void
settle_lost_jobs(Line *line)
{
	Lane	   *lane = line->lane;
	Batch	   *lost[DB_MAX_DEPTH];
	uint32_t	n = 0;

	while ((lost[n] = db_take(&line->db)) != NULL)
		n++;
	for (uint32_t i = 0; i < n; i++)
	{
		for (int k = 0; k < lost[i]->n; k++)
		{
			Job		   *job = lost[i]->jobs[k];

			if (job->owner != NULL && job->repeatable && !job->repeated && !lane->stopping)
			{
				job->repeated = job->alone = true;
				job_send_again(job, kore_time_ms());
			}
			else
				job_fail(job, JOB_UNAVAILABLE);
		}
		batch_free(lost[i]);
	}
}

/* An attempt to connect has failed. */
static void
attempt_failed(Lane *lane)
{
	FairItem   *item;

	lane->tried = true;
	lane->pause = lane->pause == 0 ? PAUSE_FIRST : lane->pause * 2 > PAUSE_MOST ? PAUSE_MOST : lane->pause * 2;
	lane->next_attempt = kore_time_ms() + lane->pause;
	if (lane_count(lane, DB_READY) > 0 || lane->down)
		return;
	front_log(LOG_WARNING, "the database is away (%s lane)", lane->policy.name);
	lane->down = true;
	while (lane->queue.queued > LANE_AWAY_MOST && (item = fair_first(&lane->queue)) != NULL)
	{
		job_take_waiting((Job *) item);
		job_fail((Job *) item, JOB_UNAVAILABLE);
	}
}

/* A connection is broken, or could not be made: closes it, sees to its jobs, and plans the next attempt. */
void
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
	lane_wake(lane);
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
	if (line->retired != 0 && !elapsed(line->retired, RETIRE_INTERVAL, now))
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

/* Keeps the average time that a connection is busy with one job. n: jobs just done. */
static void
count_service(Line *line, int n)
{
	Lane	   *lane = line->lane;
	uint64_t	now = front_time_us();
	uint64_t	took = (now - line->head_since) / (uint64_t) n;

	lane->service = (lane->service * 15 + took + 15) / 16;
	line->head_since = now;
}

/* Tells a job's owner its answer; NULL: there should have been one. */
static void
job_answered(Job *job, const char *value, size_t len)
{
	const JobCalls *calls = job->calls;
	void	   *owner = job->owner;

	if (value == NULL)
	{
		job_fail(job, JOB_BROKEN);
		return;
	}
	job_free(job);
	if (owner != NULL)
		calls->answered(owner, value, len);
}

/* A job that went alone. value: its answer without an error. */
static void
one_done(Line *line, Job *job, const char *value, size_t len, const char *sqlstate)
{
	if (sqlstate[0] != '\0' && is_stale(sqlstate) && retire(line) && !job->repeated && job->owner != NULL &&
		!line->lane->stopping)
	{
		job->repeated = true;
		job_send_again(job, kore_time_ms());
	}
	else if (sqlstate[0] != '\0')
		job_fail(job, failure_of(sqlstate));
	else
		job_answered(job, value, len);
}

/* Several jobs that went together, without an error. answers: those of all, up to end. */
static void
all_answered(const Batch *batch, const char *answers, const char *end)
{
	for (int i = 0; i < batch->n; i++)
	{
		size_t		len = 0;
		const char *value = batch->jobs[i]->calls->batch_next(&answers, end, &len);

		job_answered(batch->jobs[i], value, len);
	}
}

/* Several jobs that went together, and one of them, nobody knows which, has spoilt it for all: each goes alone. */
static void
all_alone(Line *line, const Batch *batch, const char *sqlstate)
{
	if (is_stale(sqlstate))
		(void) retire(line);
	for (int i = 0; i < batch->n; i++)
	{
		batch->jobs[i]->alone = true;
		if (batch->jobs[i]->owner != NULL)
			job_send_again(batch->jobs[i], is_stale(sqlstate) ? kore_time_ms() : 0);
		else
			job_free(batch->jobs[i]);
	}
}

static void
line_answer(DbConn *conn, void *arg, const PGresult *row, const char *sqlstate)
{
	Line	   *line = (Line *) conn;
	Lane	   *lane = line->lane;
	Batch	   *batch = arg;
	bool		whole = row != NULL && PQntuples(row) == 1 && PQnfields(row) == 1 && !PQgetisnull(row, 0, 0);
	const char *value = whole ? PQgetvalue(row, 0, 0) : NULL;
	size_t		len = whole ? (size_t) PQgetlength(row, 0, 0) : 0;
	const char *answers = NULL;

	count_service(line, batch->n);
	if (batch->n > 1 && sqlstate[0] == '\0' && whole)
		answers = batch->jobs[0]->calls->batch_answers(value, len, batch->n);
	if (batch->n == 1)
		one_done(line, batch->jobs[0], value, len, sqlstate);
	else if (answers != NULL)
		all_answered(batch, answers, value + len);
	else
		all_alone(line, batch, sqlstate);
	batch_free(batch);
	/* Not here: the caller is still reading from the connection. */
	if (line->retiring && conn->count == 0)
		(void) kore_timer_add(close_retired, 0, lane, KORE_TIMER_ONESHOT);
	if (lane->queue.queued + lane->n_again > 0)
		lane_wake(lane);
}

/* Prepares the lines of a lane and opens those that it keeps. */
void
lines_start(Lane *lane)
{
	const LanePolicy *policy = &lane->policy;

	lane->kind = (DbKind) {
						   .conninfo = policy->conninfo,
						   .statement = policy->statement,
						   .optional = policy->batch,
						   .statement_timeout = policy->statement_limit,
						   .ready = line_ready,
						   .lost = line_lost,
						   .answer = line_answer
		};
	for (int i = 0; i < policy->max_connections; i++)
	{
		lane->lines[i].lane = lane;
		lane->lines[i].db.kind = &lane->kind;
		lane->lines[i].db.fd = -1;
	}
	for (int i = 0; i < policy->min_connections; i++)
		db_open(&lane->lines[i].db);
}
