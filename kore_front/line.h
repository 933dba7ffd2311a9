/*
 * line.h: the connections of a lane.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LINE_H
#define WAZO_AUTH_FRONT_LINE_H

#include "lane_state.h"

#define LANE_AWAY_MOST 64		/* jobs that wait for a database that is away */

extern int	lane_count(const Lane *lane, DbState state);
extern int	lane_opening(const Lane *lane);
extern void lane_wake(Lane *lane);
extern void lines_start(Lane *lane);
extern void line_lost(DbConn *conn);

#endif
