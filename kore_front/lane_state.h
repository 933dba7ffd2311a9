/*
 * lane_state.h: what a lane is made of: a fair queue, connections, and a policy.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LANE_STATE_H
#define WAZO_AUTH_FRONT_LANE_STATE_H

#include "dbconn.h"
#include "fair_queue.h"

#define LANE_MAX_CONNECTIONS 32
#define LANE_BATCH 64			/* most jobs that go together */

typedef enum JobFailure
{
	JOB_UNAVAILABLE,			/* not done, or unknown whether; may be tried again in a moment */
	JOB_LATE,					/* took too long */
	JOB_BROKEN					/* the database raised an error */
} JobFailure;

typedef struct Job Job;
typedef struct Lane Lane;

/* What the submitter of a job is asked and told. None of it happens before lane_submit() has returned. */
typedef struct JobCalls
{
	void		(*parameters) (void *owner, DbParameters *p);
	/* of LanePolicy.batch for n of them; all NULL for jobs that go alone */
	void		(*batch_parameters) (void *const *owners, int n, DbParameters *p);
	/* where the n answers in its value begin, NULL when it holds anything else */
	const char *(*batch_answers) (const char *value, size_t len, int n);
	const char *(*batch_next) (const char **answers, const char *end, size_t *len);
	void		(*answered) (void *owner, const char *value, size_t len);
	void		(*failed) (void *owner, JobFailure failure);
} JobCalls;

typedef struct LanePolicy
{
	const char *name;
	const char *conninfo;
	const DbStatement *statement;
	const DbStatement *batch;	/* for several jobs at a time, where the server has it; NULL: one by one */
	int			min_connections;	/* kept open */
	int			max_connections;
	uint32_t	depth;			/* most jobs under way on one connection, LANE_BATCH at most */
	int			limit;			/* jobs held at a time */
	/* milliseconds */
	uint64_t	time_limit;		/* for a job in all */
	uint64_t	statement_limit;	/* for its statement; less, so that those behind it in a pipeline keep theirs */
	uint64_t	queue_wait;		/* until its turn comes; what would wait longer is refused at once */
	uint64_t	reconnect_wait; /* for a database that is away */
} LanePolicy;

/* A connection of a lane. */
typedef struct Line
{
	DbConn		db;				/* first: DbKind's functions cast */
	Lane	   *lane;
	bool		retiring;		/* takes no more jobs, to be opened anew when its last one is answered */
	uint64_t	retired;		/* ms: last time it was retired */
	uint64_t	head_since;		/* us: when its oldest job became the oldest */
	struct kore_timer *timer;
} Line;

struct Lane
{
	LanePolicy	policy;
	DbKind		kind;
	FairQueue	queue;
	TAILQ_HEAD(JobsAgain, Job) again;	/* lost with their connection, to be sent once more; they go first */
	int			n_again;
	Line		lines[LANE_MAX_CONNECTIONS];
	bool		stopping;
	bool		down;			/* the last attempt to connect failed and no connection is left */
	bool		tried;
	void		(*dispatch) (Lane *lane);	/* sends what waits */
	bool		turn_planned;
	uint32_t	pause;			/* ms between attempts to connect */
	uint64_t	next_attempt;	/* ms */
	uint64_t	service;		/* us that a connection is busy with one job, on the average */
};

#endif
