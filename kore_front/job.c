/*
 * job.c: what a lane does to one job, wherever it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "job.h"

#include <string.h>

static struct kore_pool job_pool;
static struct kore_pool batch_pool;

/* Makes the memory for jobs; may be called again. */
void
jobs_init(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	kore_pool_init(&job_pool, "jobs", sizeof(Job), 256);
	kore_pool_init(&batch_pool, "batches", sizeof(Batch), 64);
}

/* A job in the lane's queue; NULL when its peer's share of that is used up. */
Job *
job_new(Lane *lane, const FairKey *peer)
{
	Job		   *job = kore_pool_get(&job_pool);

	memset(job, 0, sizeof(*job));
	if (!fair_put(&lane->queue, &job->item, peer))
	{
		kore_pool_put(&job_pool, job);
		return NULL;
	}
	job->lane = lane;
	job->place = JOB_QUEUED;
	job->queued = kore_time_ms();
	job->deadline = job->queued + lane->policy.time_limit;
	return job;
}

void
job_free(Job *job)
{
	fair_release(&job->lane->queue, &job->item);
	kore_pool_put(&job_pool, job);
}

/* Tells the owner, if it is still there; the job lives on. */
void
job_tell_failure(Job *job, JobFailure failure)
{
	void	   *owner = job->owner;

	job->owner = NULL;
	if (owner != NULL)
		job->calls->failed(owner, failure);
}

/* Tells the owner, if it is still there, and frees the job. */
void
job_fail(Job *job, JobFailure failure)
{
	const JobCalls *calls = job->calls;
	void	   *owner = job->owner;

	job_free(job);
	if (owner != NULL)
		calls->failed(owner, failure);
}

/* Takes a job that waits out of where it waits. */
void
job_take_waiting(Job *job)
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

/* Has a job sent once more, over a connection that is made at that time (ms) or later. */
void
job_send_again(Job *job, uint64_t since)
{
	Lane	   *lane = job->lane;

	job->place = JOB_AGAIN;
	job->lost = kore_time_ms();
	job->since = since;
	TAILQ_INSERT_TAIL(&lane->again, job, list);
	lane->n_again++;
}

/* An empty batch. */
Batch *
batch_new(void)
{
	Batch	   *batch = kore_pool_get(&batch_pool);

	batch->n = 0;
	return batch;
}

void
batch_free(Batch *batch)
{
	kore_pool_put(&batch_pool, batch);
}
