/*
 * lane_limits.h: the time limits of a lane.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LANE_LIMITS_H
#define WAZO_AUTH_FRONT_LANE_LIMITS_H

#include "lane_state.h"

extern void lane_keep_limits(Lane *lane, uint64_t now);

#endif
