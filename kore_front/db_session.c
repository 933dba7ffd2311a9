/*
 * db_session.c: the settings of a session with the database: of the lanes (dbconn.c), of the hand-over of the
 * configuration (configure.c) and of the commands.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "db_session.h"

/*
 * Settings of the session. The server ends what takes too long; the owner's own deadline is for a server that does not
 * answer. It also ends what nobody waits for any more, once it sees that the connection is closed: that is how a job is
 * cancelled. The rest is set for the role wazo_auth_front, too, but a role that is a member of it inherits rights, not
 * settings: parameters hold tokens and passwords, which are for no log, and the locks of the database's functions rely
 * on the isolation. $1: ms, $2: whether to say that this database is the live one.
 */
const char	db_session_sql[] =
"SELECT pg_catalog.set_config('statement_timeout', $1, false),"
" CASE WHEN pg_catalog.version() LIKE '%-linux-%'"
" THEN pg_catalog.set_config('client_connection_check_interval', '500ms', false) END,"
" pg_catalog.set_config('default_transaction_isolation', 'read committed', false),"
" CASE WHEN pg_catalog.has_parameter_privilege('log_parameter_max_length', 'SET')"
" THEN pg_catalog.set_config('log_parameter_max_length', '0', false) END,"
" CASE WHEN pg_catalog.has_parameter_privilege('log_parameter_max_length_on_error', 'SET')"
" THEN pg_catalog.set_config('log_parameter_max_length_on_error', '0', false) END,"
" CASE WHEN pg_catalog.has_parameter_privilege('auto_explain.log_parameter_max_length', 'SET')"
" THEN pg_catalog.set_config('auto_explain.log_parameter_max_length', '0', false) END,"
 /* a plan of its own would have the parameters in it as constants */
" pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),"
" pg_catalog.set_config('debug_print_parse', 'off', false),"
" pg_catalog.set_config('debug_print_rewritten', 'off', false),"
" pg_catalog.set_config('debug_print_plan', 'off', false),"
" CASE WHEN $2 THEN wazo_auth.go_live() END";
