/*
 * lanes.h: the three lanes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LANES_H
#define WAZO_AUTH_FRONT_LANES_H

#include "lane.h"

typedef enum LaneId
{
	LANE_FAST,
	LANE_LOGIN,
	LANE_SLOW
} LaneId;

#define LANES 3

extern void lanes_start(const DbStatement *statement, const DbStatement *batch);
extern bool lanes_settled(void);
extern const char *lanes_name(LaneId id);
extern Job *lanes_submit(LaneId id, const FairKey *peer, bool repeatable, bool small, const JobCalls *calls,
						 void *owner);
extern void lanes_stop(void);

#endif
