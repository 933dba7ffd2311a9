/*
 * lane.c: one way through the database: which job goes over which connection, and what becomes of it when that breaks.
 *
 * A job waits in the lane's fair queue for its turn; what would wait too long is refused at once. Jobs that
 * came in together go to the server together, as one statement, where the lane has one for that: the protocol and the
 * executor cost more than a token check does. While a connection is busy, others gather; a job that finds one idle goes
 * at once. A connection carries as many jobs as it answers within a few milliseconds, so that turns are taken in the
 * queue and not in the pipeline.
 * A job keeps its time limit wherever it is: in the queue, behind others in a pipeline, in work, and while the
 * database is away.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "lane.h"

#include "elapsed.h"
#include "job.h"
#include "lane_limits.h"
#include "line.h"
#include "log.h"

#define STALLED 50000			/* us after which a connection counts as held up by its oldest job */
#define PIPELINE_TIME 2000		/* us of work under way on a pipelined connection */
#define PIPELINE_LEAST 8		/* jobs; fewer would wait for the network */

/* How long a new job of that peer would wait for its turn, ms. */
static uint64_t
expected_wait(const Lane *lane, const FairKey *peer)
{
	return (uint64_t) fair_ahead(&lane->queue, peer) * lane->service / (uint64_t) lane->policy.max_connections / 1000;
}

/*
 * Takes a job. peer: whose share of the lane it takes. repeatable: it may be done twice. small: it may go together
 * with others, if it is repeatable. Returns it, for lane_abandon(), or NULL when it is refused: its turn would come
 * too late, its peer's share is used up, or enough jobs wait for a database that is away.
 */
Job *
lane_submit(Lane *lane, const FairKey *peer, bool repeatable, bool small, const JobCalls *calls, void *owner)
{
	Job		   *job;

	if (lane->stopping || expected_wait(lane, peer) > lane->policy.queue_wait ||
		(lane->queue.queued >= LANE_AWAY_MOST && lane_count(lane, DB_READY) == 0) ||
		(job = job_new(lane, peer)) == NULL)
		return NULL;
	job->calls = calls;
	job->owner = owner;
	job->repeatable = repeatable;
	job->alone = !repeatable || !small || calls->batch_parameters == NULL;
	lane_wake(lane);
	return job;
}

/* The owner is gone: a job that waits is dropped, the answer to one under way will be ignored. */
void
lane_abandon(Job *job)
{
	job->owner = NULL;
	if (job->place != JOB_SENT)
	{
		job_take_waiting(job);
		job_free(job);
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
	return line->db.count > 0 && elapsed(line->head_since, STALLED, now);
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
	bool		moving = spare_line(lane) != NULL || lane_opening(lane) > 0;

	for (int i = 0; i < lane->policy.max_connections; i++)
	{
		Line	   *line = &lane->lines[i];
		bool		stalled = is_stalled(line, now);

		/* what goes together is one statement; others gather meanwhile */
		uint32_t	room = line->db.has_optional ? 1 : depth;

		if (line->db.state != DB_READY || line->retiring || line->db.born < since)
			continue;
		moving = moving || !stalled;
		if (line->db.count < room && (best[stalled] == NULL || line->db.count < best[stalled]->db.count))
			best[stalled] = line;
	}
	return moving ? best[0] : best[1];
}

/* Whether a connection answers, so that what waits will have its turn without another one. */
static bool
is_moving(const Lane *lane)
{
	uint64_t	now = front_time_us();

	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.state == DB_READY && !lane->lines[i].retiring && !is_stalled(&lane->lines[i], now))
			return lane_count(lane, DB_READY) >= lane->policy.min_connections;
	return false;
}

/* Opens one more connection when more jobs wait than are being opened. */
static void
grow(Lane *lane)
{
	Line	   *line;

	if (lane->queue.queued + lane->n_again > lane_opening(lane) && (lane->policy.batch == NULL || !is_moving(lane)) &&
		(line = spare_line(lane)) != NULL)
		db_open(&line->db);
}

/* Sends the jobs of a batch. Returns false when the connection turned out to be broken. */
static bool
send_batch(Line *line, Batch *batch)
{
	const LanePolicy *policy = &line->lane->policy;
	const JobCalls *calls = batch->jobs[0]->calls;
	void	   *owners[LANE_BATCH];
	DbParameters p;

	if (line->db.count == 0)
		line->head_since = front_time_us();
	for (int i = 0; i < batch->n; i++)
		owners[i] = batch->jobs[i]->owner;
	if (batch->n == 1)
		calls->parameters(owners[0], &p);
	else
		calls->batch_parameters(owners, batch->n, &p);
	if (db_send(&line->db, batch->n == 1 ? policy->statement : policy->batch, batch, &p))
		return true;
	for (int i = 0; i < batch->n; i++)
		job_send_again(batch->jobs[i], kore_time_ms());
	batch_free(batch);
	line_lost(&line->db);
	return false;
}

/* Sends one job alone, likewise. */
static bool
send_alone(Line *line, Job *job)
{
	Batch	   *batch = batch_new();

	job_take_waiting(job);
	batch->jobs[batch->n++] = job;
	return send_batch(line, batch);
}

/* How many jobs go together now: the work of a few milliseconds, and a share for each idle connection. */
static uint32_t
batch_size(const Lane *lane)
{
	uint32_t	most = depth_now(lane);
	uint32_t	idle = 0;
	uint32_t	share;

	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.state == DB_READY && lane->lines[i].db.count == 0)
			idle++;
	share = idle > 1 ? ((uint32_t) lane->queue.queued + idle - 1) / idle : most;
	if (share < PIPELINE_LEAST)
		share = PIPELINE_LEAST;
	return share < most ? share : most;
}

/* Sends the queue's next jobs together, as many as may. */
static bool
send_together(Line *line)
{
	Lane	   *lane = line->lane;
	uint32_t	most = batch_size(lane);
	Batch	   *batch = batch_new();
	Job		   *job;

	while ((uint32_t) batch->n < most && (job = (Job *) fair_first(&lane->queue)) != NULL && !job->alone)
	{
		job_take_waiting(job);
		batch->jobs[batch->n++] = job;
	}
	return send_batch(line, batch);
}

/* Sends what waits over the connections that have room. */
static void
dispatch(Lane *lane)
{
	Line	   *line;
	Job		   *job;
	Job		   *next;
	bool		good = true;

	for (job = TAILQ_FIRST(&lane->again); good && job != NULL; job = next)
	{
		next = TAILQ_NEXT(job, list);
		if ((line = pick(lane, job->since)) != NULL)
			good = send_alone(line, job);
	}
	while (good && (job = (Job *) fair_first(&lane->queue)) != NULL && (line = pick(lane, 0)) != NULL)
		good = job->alone || !line->db.has_optional ? send_alone(line, job) : send_together(line);
	grow(lane);
	for (int i = 0; i < lane->policy.max_connections; i++)
		if (lane->lines[i].db.dirty)
			db_flush(&lane->lines[i].db);
}

/* ---- start and end ---- */

/* Opens the connections that a lane keeps. */
void
lane_start(Lane *lane, const LanePolicy *policy)
{
	jobs_init();
	lane->policy = *policy;
	lane->dispatch = dispatch;
	fair_init(&lane->queue, policy->limit);
	TAILQ_INIT(&lane->again);
	lines_start(lane);
}

/* Keeps the time limits; to be called several times a second. now: ms. */
void
lane_sweep(Lane *lane, uint64_t now)
{
	lane_keep_limits(lane, now);
	if (lane->queue.queued + lane->n_again > 0)
		lane_wake(lane);
}

/* Closes all connections. */
void
lane_stop(Lane *lane)
{
	lane->stopping = true;
	for (int i = 0; i < lane->policy.max_connections; i++)
		db_close(&lane->lines[i].db);
}
