/*
 * plugin_limits.c
 *	  How long a registered function may run, and how much memory it may take.
 *
 * Time: a timer cancels the statement as statement_timeout does.  A function
 * can catch that (EXCEPTION WHEN query_canceled), so the timer goes on, and
 * whoever has caught it three times loses the connection.  What never looks for
 * interrupts (a loop in PL/Perl or PL/Python that asks the database nothing)
 * cannot be ended from inside its process.
 *
 * A cancel that comes from elsewhere meanwhile is not ours to swallow: it is
 * noted by a handler in front of the server's own.
 *
 * Memory: the soft limit on the process's data is lowered, so that PostgreSQL
 * runs out of memory with an error, long before the system takes to killing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/plugin_limits.h"

/* pause between two cancels, milliseconds, and how many may be caught */
#define REPEAT_MS		1000
#define MAX_CAUGHT		3

static int	plugin_memory = 256;	/* megabytes; 0: no limit */

static TimeoutId timeout = MAX_TIMEOUTS;
static int	depth = 0;
static TimestampTz end = 0;

static volatile sig_atomic_t out_of_time = false;
static volatile sig_atomic_t cancelled = false;
static volatile sig_atomic_t caught = 0;

static struct sigaction server_handler;
static struct rlimit server_data;
static bool data_limited = false;

static void
on_timeout(void)
{
	/* Somebody else's cancel that has not been served yet comes first. */
	if (QueryCancelPending)
		return;
	if (out_of_time && ++caught >= MAX_CAUGHT)
		ProcDiePending = true;
	out_of_time = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/* In front of the server's handler of SIGINT, by which cancels and statement_timeout come. */
static void
on_cancel(SIGNAL_ARGS)
{
	if (!get_timeout_indicator(LOCK_TIMEOUT, false))
		cancelled = true;
	if (server_handler.sa_handler != SIG_IGN && server_handler.sa_handler != SIG_DFL)
		server_handler.sa_handler(postgres_signal_arg);
}

/* A connection that ends for a function that does not says so. */
static void
tell_why_it_ends(int code, Datum arg)
{
	if (depth > 0 && caught >= MAX_CAUGHT)
		ereport(LOG,
				(errmsg("the connection ends because a registered function goes on although its time is over"),
				 errdetail("It has caught its cancel %d times.", MAX_CAUGHT),
				 errhidestmt(true)));
}

/* Bytes of data that the process has, as RLIMIT_DATA counts them; 0: not known */
static rlim_t
data_bytes(void)
{
	char		text[256];
	unsigned long long pages[6] = {0};
	int			fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		(void) close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu %llu %llu %llu %llu",
			   &pages[0], &pages[1], &pages[2], &pages[3], &pages[4], &pages[5]) != 6)
		return 0;
	return (rlim_t) pages[5] * (rlim_t) sysconf(_SC_PAGESIZE);
}

static void
limit_data(void)
{
	struct rlimit lower;
	rlim_t		now = plugin_memory > 0 ? data_bytes() : 0;

	if (now == 0 || getrlimit(RLIMIT_DATA, &server_data) != 0)
		return;
	lower = server_data;
	lower.rlim_cur = now + (rlim_t) plugin_memory * 1024 * 1024;
	if (server_data.rlim_cur != RLIM_INFINITY && server_data.rlim_cur <= lower.rlim_cur)
		return;
	data_limited = setrlimit(RLIMIT_DATA, &lower) == 0;
}

static void
watch_cancels(void)
{
	struct sigaction handler;

	(void) sigaction(SIGINT, NULL, &server_handler);
	handler = server_handler;
	handler.sa_handler = on_cancel;
	(void) sigaction(SIGINT, &handler, NULL);
	if (QueryCancelPending)
		cancelled = true;
}

/*
 * plugin_limits_begin
 *
 * Starts the limits of a call.  The call of a registered function within
 * another's has the other's limits, too.  Returns what plugin_limits_end()
 * wants.
 */
PluginLimits
plugin_limits_begin(int time_limit_ms)
{
	PluginLimits outer = {.outer_end = end, .depth = depth};
	TimestampTz own_end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), time_limit_ms);

	if (timeout == MAX_TIMEOUTS)
	{
		timeout = RegisterTimeout(USER_TIMEOUT, on_timeout);
		before_shmem_exit(tell_why_it_ends, (Datum) 0);
	}
	if (depth == 0)
	{
		cancelled = false;
		watch_cancels();
		limit_data();
	}
	out_of_time = false;
	caught = 0;
	end = depth == 0 || own_end < end ? own_end : end;
	depth++;
	enable_timeout_every(timeout, end, REPEAT_MS);
	return outer;
}

/*
 * plugin_limits_end
 *
 * Ends the limits of a call, however that has ended, and says what stopped it.
 * A cancel of ours that nobody has served yet goes with it.
 */
PluginStop
plugin_limits_end(const PluginLimits *outer)
{
	PluginStop	stop;

	disable_timeout(timeout, false);
	if (out_of_time && !cancelled)
		QueryCancelPending = false;
	stop = cancelled ? PLUGIN_CANCELLED : out_of_time ? PLUGIN_OUT_OF_TIME : PLUGIN_NOT_STOPPED;
	out_of_time = false;
	depth = outer->depth;
	end = outer->outer_end;
	if (depth > 0)
		enable_timeout_every(timeout, end, REPEAT_MS);
	else
	{
		(void) sigaction(SIGINT, &server_handler, NULL);
		if (data_limited)
			(void) setrlimit(RLIMIT_DATA, &server_data);
		data_limited = false;
	}
	return stop;
}

/* Defines the setting; called from _PG_init. */
void
plugin_limits_init(void)
{
	DefineCustomIntVariable("wazo_auth.plugin_memory",
							"Memory that a registered function may take beside what its connection has.",
							"0 means no limit.",
							&plugin_memory,
							256, 0, MAX_KILOBYTES / 1024,
							PGC_SUSET, GUC_UNIT_MB, NULL, NULL, NULL);
}
