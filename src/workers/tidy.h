/*
 * tidy.h
 *	  Vacuums the tables whose rows come and go.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TIDY_H
#define WAZO_AUTH_TIDY_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern TimestampTz tidy(void);

#endif							/* WAZO_AUTH_TIDY_H */
