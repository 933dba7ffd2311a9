/*
 * metrics.h: what the workers count, and how it is shown.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_METRICS_H
#define WAZO_AUTH_FRONT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

struct Request;					/* request.h: of HTTP, which lanes.c has no part in */
struct RouteName;				/* route.h */

#define METRICS_LANES 3

/* What a lane is at; of one worker, or summed over all. */
typedef struct LaneGauges
{
	uint64_t	queued;			/* jobs that wait for their turn */
	uint64_t	under_way;		/* jobs that the database works on */
	uint64_t	ready;			/* connections that can be used */
	uint64_t	opening;		/* connections that are being made */
} LaneGauges;

extern bool metrics_init(int workers);
extern void metrics_worker(int worker);
extern void metrics_request(int lane, const struct Request *req, const char *buf, const struct RouteName *route,
							int status, uint64_t microseconds);
extern void metrics_lane(int lane, const LaneGauges *gauges);
extern void metrics_restart(void);
extern void metrics_write(Bytes *out);

#endif
