/*
 * job.h: the jobs of a lane, and the batches in which they are sent.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_JOB_H
#define WAZO_AUTH_FRONT_JOB_H

#include "lane_state.h"

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
	bool		alone;			/* may not go with others */
	uint64_t	queued;			/* ms: when it came */
	uint64_t	deadline;		/* ms */
	uint64_t	lost;			/* ms: when it was to be sent again */
	uint64_t	since;			/* ms: only a connection made since then will do; 0: any */
	TAILQ_ENTRY(Job) list;		/* of Lane.again */
};

/* What is under way on a connection as one statement: one job, or several. */
typedef struct Batch
{
	int			n;
	Job		   *jobs[LANE_BATCH];
} Batch;

extern void jobs_init(void);
extern Job *job_new(Lane *lane, const FairKey *peer);
extern void job_free(Job *job);
extern void job_tell_failure(Job *job, JobFailure failure);
extern void job_fail(Job *job, JobFailure failure);
extern void job_take_waiting(Job *job);
extern void job_send_again(Job *job, uint64_t since);
extern Batch *batch_new(void);
extern void batch_free(Batch *batch);

#endif
