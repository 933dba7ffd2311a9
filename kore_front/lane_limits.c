/*
 * lane_limits.c: the time limits of a lane's jobs and connections.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "lane_limits.h"

#include "elapsed.h"
#include "job.h"
#include "line.h"
#include "log.h"

#define CONNECT_TIMEOUT 5000	/* ms */
#define IDLE_CONNECTION 60000	/* ms until a connection beyond those kept open is closed */
#define GRACE 500				/* ms for the server to end what its own time limit ends */

/* When the time of the first job of a batch is up, ms. */
static uint64_t
first_deadline(const Batch *batch)
{
	uint64_t	first = batch->jobs[0]->deadline;

	for (int i = 1; i < batch->n; i++)
		if (batch->jobs[i]->deadline < first)
			first = batch->jobs[i]->deadline;
	return first;
}

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
	Batch	   *batch;

	for (uint32_t i = 0; i < conn->count; i++)
	{
		batch = conn->ring[(conn->head + i) % DB_MAX_DEPTH];
		for (int k = 0; k < batch->n; k++)
			if (now >= batch->jobs[k]->deadline)
				job_tell_failure(batch->jobs[k], JOB_LATE);
	}
	if (conn->count == 0)
		return;
	batch = conn->ring[conn->head];
	if (now < (first_deadline(batch) < end ? first_deadline(batch) : end) + GRACE)
		return;
	front_log(LOG_WARNING, "the database does not answer in time (%s lane)", line->lane->policy.name);
	if (batch->n == 1)
	{
		/* it is the cause */
		(void) db_take(conn);
		job_fail(batch->jobs[0], JOB_LATE);
		batch_free(batch);
	}
	line_lost(conn);
}

static void
sweep_line(Line *line, uint64_t now)
{
	Lane	   *lane = line->lane;
	DbConn	   *conn = &line->db;

	sweep_pipeline(line, now);
	if ((conn->state == DB_CONNECTING || conn->state == DB_SETUP) && elapsed(conn->since, CONNECT_TIMEOUT, now))
	{
		front_log(LOG_WARNING, "connecting to the database takes too long (%s lane)", lane->policy.name);
		line_lost(conn);
	}
	else if (conn->state == DB_READY && conn->count == 0 && elapsed(conn->used, IDLE_CONNECTION, now) &&
			 lane_count(lane, DB_READY) > lane->policy.min_connections)
		db_close(conn);
}

/* Whether a job has waited too long. away: no connection is there. */
static bool
waited_enough(const Job *job, bool away, uint64_t now)
{
	const LanePolicy *policy = &job->lane->policy;
	uint64_t	since = job->place == JOB_AGAIN ? job->lost : job->queued;

	return now >= job->deadline || elapsed(since, policy->queue_wait, now) ||
		(elapsed(since, policy->reconnect_wait, now) && (away || job->place == JOB_AGAIN));
}

/* Refuses the jobs that have waited too long. They are taken out first: what their owners do changes the queue. */
static void
sweep_queue(Lane *lane, uint64_t now)
{
	TAILQ_HEAD(LateJobs, Job) late = TAILQ_HEAD_INITIALIZER(late);
	bool		away = lane_count(lane, DB_READY) == 0;
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
			job_take_waiting(job);
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
				job_take_waiting((Job *) item);
				TAILQ_INSERT_TAIL(&late, (Job *) item, list);
			}
		}
	}
	while ((job = TAILQ_FIRST(&late)) != NULL)
	{
		TAILQ_REMOVE(&late, job, list);
		job_fail(job, JOB_UNAVAILABLE);
	}
}

/* Ends what has taken too long, or waited too long. now: ms. */
void
lane_keep_limits(Lane *lane, uint64_t now)
{
	for (int i = 0; i < lane->policy.max_connections; i++)
		sweep_line(&lane->lines[i], now);
	sweep_queue(lane, now);
}
