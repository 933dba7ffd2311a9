/*
 * kept_plan.h
 *	  A query that a process plans once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_KEPT_PLAN_H
#define WAZO_AUTH_KEPT_PLAN_H

#include "postgres.h"

#include "executor/spi.h"

extern SPIPlanPtr kept_plan(SPIPlanPtr *plan, const char *query, int nargs, Oid *types);

#endif							/* WAZO_AUTH_KEPT_PLAN_H */
