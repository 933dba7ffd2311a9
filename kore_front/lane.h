/*
 * lane.h: one way through the database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LANE_H
#define WAZO_AUTH_FRONT_LANE_H

#include "lane_state.h"

extern void lane_start(Lane *lane, const LanePolicy *policy);
extern Job *lane_submit(Lane *lane, const FairKey *peer, bool repeatable, bool small, const JobCalls *calls,
						void *owner);
extern void lane_abandon(Job *job);
extern void lane_sweep(Lane *lane, uint64_t now);
extern void lane_stop(Lane *lane);

#endif
