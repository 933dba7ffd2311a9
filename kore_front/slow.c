/*
 * slow.c: what is told of requests that took long: which route, and where the time went.
 *
 * A request is over when its client has taken the answer, and by then the request itself is gone from memory; so what
 * is to be told of it is noted when it is answered.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "slow.h"

#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "elapsed.h"
#include "log.h"
#include "mask.h"
#include "plain/traceparent.h"

#define TARGET_SIZE 512			/* of a target that is shown */

struct SlowNote
{
	SlowTimes	times;
	int			status;
	const char *lane;
	char		request[TARGET_SIZE + 200];
	char		trace[TRACE_ID_LEN + 1];
};

/* Notes a request that is answered and may turn out to be slow; for slow_tell(). NULL without memory. */
SlowNote *
slow_note(const Request *req, const char *buf, RouteName route, int status, const char *lane, const SlowTimes *times)
{
	SlowNote   *note = malloc(sizeof(*note));
	const char *trace = mask_trace_id(req, buf);
	char		target[TARGET_SIZE];
	size_t		len = mask_target(buf + req->target, req->target_len, target, sizeof(target));

	if (note == NULL)
		return NULL;
	note->times = *times;
	note->status = status;
	note->lane = lane;
	snprintf(note->request, sizeof(note->request), "%.*s %.*s (route %.*s)", (int) req->method_len, buf + req->method,
			 (int) len, target, route.len > 0 ? (int) route.len : 4, route.len > 0 ? route.s : "none");
	snprintf(note->trace, sizeof(note->trace), "%.*s", trace != NULL ? TRACE_ID_LEN : 0, trace != NULL ? trace : "");
	return note;
}

/*
 * The request is over, its answer sent, or not taken in whole: tells of it if it took long, and forgets the note. NULL
 * is none.
 */
void
slow_tell(SlowNote *note, bool whole)
{
	uint64_t	now = front_time_us();
	const SlowTimes *t;
	uint64_t	left_queue;

	if (note == NULL)
		return;
	t = &note->times;
	left_queue = t->sent != 0 ? t->sent : t->answered;
	if (now - t->started > front_config.slow_request * 1000)
		front_log(LOG_WARNING, "slow request: %s, %d after %llu ms: %llu ms in the queue of the %s lane, %llu ms in the "
				  "database, %llu ms to send%s%s%s", note->request, note->status,
				  (unsigned long long) ((now - t->started) / 1000),
				  (unsigned long long) ((left_queue - t->started) / 1000), note->lane,
				  (unsigned long long) ((t->answered - left_queue) / 1000),
				  (unsigned long long) ((now - t->answered) / 1000), whole ? "" : ", not taken in whole",
				  note->trace[0] != '\0' ? ", trace " : "", note->trace);
	free(note);
}
