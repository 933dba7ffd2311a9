/*
 * main.c: the hooks that Kore calls: start of the parent, start and end of a worker.
 *
 * Kore's own main() initializes Kore and calls kore_parent_configure(). The front takes over there and does not return:
 * it needs neither Kore's configuration file, nor its PID file, nor its parent loop (supervise.c says why). Workers
 * run Kore's event loop.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "call.h"
#include "client.h"
#include "config.h"
#include "elapsed.h"
#include "hooks.h"
#include "kore_release.h"
#include "lanes.h"
#include "log.h"
#include "metrics.h"
#include "metrics_server.h"
#include "supervise.h"

#define SPARE_FDS 128			/* database connections, log, epoll, Kore's pipes */
#define ACCEPT_TICK 5			/* ms */
#define ACCEPT_ANYWAY 1000		/* ms */

/* Kore looks for a built-in configuration file; ours is set by code. */
extern u_int8_t asset_builtin_kore_conf[];
extern u_int32_t asset_len_builtin_kore_conf;
u_int8_t	asset_builtin_kore_conf[1];
u_int32_t	asset_len_builtin_kore_conf = 0;

static int	listen_fd = -1;
static int	listen_family;
static struct kore_timer *accept_timer;
static uint64_t started;

static void
__attribute__((noreturn))
start_error(const char *what, const char *name)
{
	fprintf(stderr, "wazo-auth: %s \"%s\": %s\n", what, name, strerror(errno));
	exit(1);
}

/*
 * From root to the user of the configuration, for parent and workers alike. What
 * answers strangers never goes on as root: without a user that is "wazo-auth".
 */
static void
drop_privileges(void)
{
	struct passwd *pw;
	bool		named = front_config.user != NULL && front_config.user[0] != '\0';
	const char *user = named ? front_config.user : "wazo-auth";

	if (!named && geteuid() != 0)
		return;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
	{
		fprintf(stderr, "wazo-auth: there is no user \"%s\"%s\n", user,
				named ? "" : "; started by root it needs one to go on as: --user USER");
		exit(1);
	}
	if (pw->pw_uid == 0)
	{
		fprintf(stderr, "wazo-auth: it does not run as root: --user USER\n");
		exit(1);
	}
	if (pw->pw_uid == getuid() && pw->pw_uid == geteuid())
		return;
	if (geteuid() != 0)
	{
		fprintf(stderr, "wazo-auth: only root can run it as user \"%s\"\n", user);
		exit(1);
	}
	if (front_config.log_file != NULL && chown(front_config.log_file, pw->pw_uid, pw->pw_gid) != 0)
		start_error("cannot give away the log file", front_config.log_file);
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
		setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		start_error("cannot change to user", user);
}

/* Sizes Kore's tables so that file descriptors never run out before connections do. */
static void
set_limits(void)
{
	struct rlimit limit;
	rlim_t		wanted = (rlim_t) front_config.max_connections + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		start_error("cannot read the limit of", "file descriptors");
	if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max - 16)
		wanted = limit.rlim_max - 16;
	if (wanted <= SPARE_FDS)
	{
		fprintf(stderr, "wazo-auth: the limit of file descriptors is too low\n");
		exit(1);
	}
	/* Kore tries every descriptor up to the soft limit once per worker: keep that short. */
	limit.rlim_cur = wanted + 16;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	(void) setrlimit(RLIMIT_NOFILE, &limit);
	worker_max_connections = (u_int32_t) (wanted - SPARE_FDS);
	/* Kore adds the descriptors that are open in a worker, some ten, and makes the sum the hard limit. */
	worker_rlimit_nofiles = (u_int32_t) wanted;
}

/*
 * Called by Kore's main() once Kore is initialized. Does not return.
 */
void
kore_parent_configure(int argc, char **argv)
{
	PQconninfoOption *defaults;

	config_load(argc, argv);
	log_configure(front_config.log_file, front_config.log_level, front_config.log_json);
	listen_fd = supervise_listen(&listen_family);
	metrics_server_listen();
	if (log_open() != 0)
		start_error("cannot open the log file", front_config.log_file);
	drop_privileges();
	set_limits();

	/* What libpq and the C library load at first use (users, time zone) is loaded before the sandbox closes. */
	defaults = PQconndefaults();
	PQconninfoFree(defaults);
	tzset();

	if (front_config.metrics_port != 0 && !metrics_init(front_config.workers))
		start_error("cannot make room for", "metrics");

	kore_foreground = 1;
	kore_quiet = 1;
	skip_chroot = 1;
	skip_runas = 1;
	kore_root_path = kore_strdup("/");
	worker_count = (u_int8_t) front_config.workers;
	worker_set_affinity = 0;	/* the scheduler knows better, PostgreSQL runs here too */
	kore_platform_proctitle("[parent]");	/* this also wipes the arguments, which may hold a password */
	fflush(NULL);
	supervise_run();
}

/* Clients are let in when the database connections stand, or when it is clear that they do not. */
static void
accept_when_settled(void *arg, u_int64_t now)
{
	(void) arg;
	if (!lanes_settled() && !elapsed(started, ACCEPT_ANYWAY, now))
	{
		accept_timer = kore_timer_add(accept_when_settled, ACCEPT_TICK, NULL, KORE_TIMER_ONESHOT);
		return;
	}
	accept_timer = NULL;
	client_listen(listen_fd, listen_family);
}

static void
stop_signal(int sig)
{
	sig_recv = sig;
	/* Whatever happens, the worker is gone by then: SIGALRM is left at its default. */
	(void) alarm((unsigned int) (front_config.drain_timeout / 1000 + 2));
}

/*
 * Called by Kore in a new worker, inside the sandbox, before its event loop.
 */
void
kore_worker_configure(void)
{
	struct sigaction sa;
	sigset_t	none;

	memset(&sa, 0, sizeof(sa));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = stop_signal;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGQUIT, &sa, NULL);
	sa.sa_handler = log_request_reopen;
	sigaction(SIGHUP, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	log_worker_start();
	metrics_worker(worker->id - 1);
	front_log(LOG_DEBUG, "worker %d starts", worker->id);
	lanes_start(&call_statement, &call_batch_statement);
	started = kore_time_ms();
	accept_timer = kore_timer_add(accept_when_settled, 0, NULL, KORE_TIMER_ONESHOT);
}

/*
 * Called by Kore in a worker that was told to stop. Does not return: what Kore would clean up ends with the process.
 */
void
kore_worker_teardown(void)
{
	if (accept_timer == NULL)
		client_drain();
	lanes_stop();
	front_log(LOG_DEBUG, "worker %d ends", worker->id);
	log_flush();
	_exit(0);
}
