/*
 * db_session.h: the settings of a session with the database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_DB_SESSION_H
#define WAZO_AUTH_FRONT_DB_SESSION_H

extern const char db_session_sql[];

#endif
