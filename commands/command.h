/*
 * command.h: what the commands beside the server share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_COMMAND_H
#define WAZO_AUTH_COMMAND_H

#include <libpq-fe.h>

#include "../kore_front/tree.h"

#define COMMAND_PASSWORD_SIZE 29	/* with its end */

extern const char *command_name;

extern void command_fail(const char *fmt,...) __attribute__((noreturn, format(printf, 1, 2)));
extern Tree *command_settings(const char *config_file);
extern char *command_database(const char *config_file);
extern PGconn *command_connect(const char *conninfo, int tries, int pause_ms);
extern PGresult *command_execute(PGconn *pg, const char *sql, int n, const char *const *values);
extern void command_session(PGconn *pg);
extern void command_become(const char *user);
extern void command_random_password(char *out);
extern void command_wipe(char *argument);

#endif
