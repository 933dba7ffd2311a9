/*
 * lanes.c: the three lanes of a worker.
 *
 * A slow job never holds up a quick one: the fast lane sends together what came in together, over a few connections;
 * logins, whose cost is a password hash that anybody may ask for, and everything else have one job at a time on each of
 * a few connections of their own, opened as they are needed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "lanes.h"

#include "config.h"
#include "metrics.h"

#define SWEEP 100				/* ms */

static Lane lanes[LANES];

/* Notes what a lane is at, for who watches. */
static void
note(int id)
{
	const Lane *lane = &lanes[id];
	LaneGauges	gauges = {.queued = (uint64_t) lane->queue.queued + (uint64_t) lane->n_again};

	for (int i = 0; i < lane->policy.max_connections; i++)
	{
		const DbConn *db = &lane->lines[i].db;

		gauges.under_way += db->count;
		gauges.ready += db->state == DB_READY;
		gauges.opening += db->state == DB_CONNECTING || db->state == DB_SETUP;
	}
	metrics_lane(id, &gauges);
}

static void
sweep(void *arg, u_int64_t now)
{
	(void) arg;
	for (int i = 0; i < LANES; i++)
	{
		lane_sweep(&lanes[i], now);
		note(i);
	}
}

/* Opens the connections a worker starts with. statement: what they execute; batch: for several fast jobs at a time. */
void
lanes_start(const DbStatement *statement, const DbStatement *batch)
{
	const FrontConfig *c = &front_config;
	LanePolicy	policy = {
		.conninfo = c->database,
		.statement = statement,
		.min_connections = 1,
		.depth = 1,
		.limit = (c->max_in_flight + c->workers - 1) / c->workers,
		.time_limit = c->request_timeout,
		.statement_limit = c->request_timeout,
		.queue_wait = c->queue_wait,
		.reconnect_wait = c->reconnect_wait
	};
	LanePolicy	fast = policy;

	policy.name = "login";
	policy.max_connections = c->login_connections;
	lane_start(&lanes[LANE_LOGIN], &policy);
	policy.name = "slow";
	policy.max_connections = c->slow_connections;
	lane_start(&lanes[LANE_SLOW], &policy);

	fast.name = "fast";
	fast.batch = batch;
	if (c->read_database != NULL)
		fast.conninfo = c->read_database;
	fast.min_connections = c->fast_connections;
	fast.max_connections = 2 * c->fast_connections; /* more only while all of these are held up */
	fast.depth = DB_MAX_DEPTH;
	fast.time_limit = c->fast_timeout;
	fast.statement_limit = c->fast_timeout / 2;
	lane_start(&lanes[LANE_FAST], &fast);
	(void) kore_timer_add(sweep, SWEEP, NULL, 0);
}

/* Whether each lane has a connection, or has failed to make one: from then on clients get an answer. */
bool
lanes_settled(void)
{
	for (int i = 0; i < LANES; i++)
		if (!lanes[i].tried)
			return false;
	return true;
}

/* Takes a job, as lane_submit() does. */
Job *
lanes_submit(LaneId id, const FairKey *peer, bool repeatable, bool small, const JobCalls *calls, void *owner)
{
	return lane_submit(&lanes[id], peer, repeatable, small, calls, owner);
}

/* What a lane is called. */
const char *
lanes_name(LaneId id)
{
	return lanes[id].policy.name;
}

/* Closes all connections; for the end of a worker. */
void
lanes_stop(void)
{
	for (int i = 0; i < LANES; i++)
		lane_stop(&lanes[i]);
}
