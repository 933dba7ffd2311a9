/*
 * supervise.c: the parent process: the listening socket, starting, watching and stopping the workers.
 *
 * Kore 4.1 has a parent loop of its own, which starts a dead worker again without any pause, keeps one variable for all
 * signals (so that two at a time can lose a SIGTERM), waits without limit for workers that do not end, and leaves
 * them alone when it is killed itself. This one takes its signals one by one with sigtimedwait().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "supervise.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "configure.h"
#include "elapsed.h"
#include "kore_release.h"
#include "log.h"
#include "metrics.h"
#include "metrics_server.h"
#include "sandbox.h"

#define BACKLOG 4096
#define SYSTEMD_FIRST_FD 3
#define HEALTHY_MS 5000			/* a worker that lived longer is replaced at once */
#define PAUSE_FIRST 100			/* ms, doubled for each further early death */
#define PAUSE_MOST 5000

typedef struct Worker
{
	uint64_t	born;			/* ms */
	uint64_t	respawn;		/* ms, 0: running */
	uint32_t	pause;
} Worker;

static Worker workers[KORE_WORKER_MAX];
static int	listen_fd = -1;
static bool workers_started;

/* A socket handed over by systemd (LISTEN_FDS), so that a restart loses no connection; -1 without one. */
static int
inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");

	if (pid == NULL || fds == NULL || atol(pid) != (long) getpid() || atoi(fds) < 1)
		return -1;
	return SYSTEMD_FIRST_FD;
}

/*
 * Makes the listening socket of the configuration. family: its address family. Returns the descriptor; ends the program
 * with status 1 and a message that names address and port when that fails.
 */
int
supervise_listen(int *family)
{
	struct addrinfo hints = {0};
	struct addrinfo *found = NULL;
	const char *host = front_config.listen_address;
	char		port[16];
	struct sockaddr_storage addr = {0};
	socklen_t	len = sizeof(addr);
	int			one = 1;
	int			r;
	int			fd = inherited_socket();

	if (fd == -1)
	{
		snprintf(port, sizeof(port), "%d", front_config.listen_port);
		hints.ai_socktype = SOCK_STREAM;
		hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
		r = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &found);
		if (r != 0)
		{
			fprintf(stderr, "wazo-auth: cannot listen on %s port %s: %s\n", host, port, gai_strerror(r));
			exit(1);
		}
		fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
			bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		{
			fprintf(stderr, "wazo-auth: cannot listen on %s port %s: %s\n", host, port, strerror(errno));
			exit(1);
		}
		freeaddrinfo(found);
	}
	if (getsockname(fd, (struct sockaddr *) &addr, &len) != 0 ||
		(addr.ss_family != AF_INET && addr.ss_family != AF_INET6) || !kore_connection_nonblock(fd, 0))
	{
		fprintf(stderr, "wazo-auth: cannot use the listening socket: %s\n", strerror(errno));
		exit(1);
	}
	*family = addr.ss_family;
	listen_fd = fd;
	return fd;
}

/*
 * Kore's table of workers lives in a System V segment whose id it keeps to itself, and which would outlive a killed
 * parent. Marked now, it goes with the last process that has it.
 */
static void
mark_shared_memory(void)
{
	struct shm_info info;
	struct shmid_ds segment;
	int			most = shmctl(0, SHM_INFO, (struct shmid_ds *) (void *) &info);

	for (int i = 0; i <= most; i++)
	{
		int			id = shmctl(i, SHM_STAT, &segment);

		if (id >= 0 && segment.shm_cpid == getpid() && segment.shm_perm.cuid == geteuid())
			(void) shmctl(id, IPC_RMID, NULL);
	}
}

static struct kore_worker *
worker_at(int i)
{
	return kore_worker_data((u_int8_t) (KORE_WORKER_BASE + i));
}

static void
signal_workers(int sig)
{
	for (int i = 0; workers_started && i < front_config.workers; i++)
		if (workers[i].respawn == 0)
			(void) kill(worker_at(i)->pid, sig);
}

static void
worker_died(pid_t pid, int status, bool stopping)
{
	uint64_t	now = kore_time_ms();

	for (int i = 0; workers_started && i < front_config.workers; i++)
	{
		Worker	   *w = &workers[i];
		struct kore_worker *kw = worker_at(i);

		if (kw->pid != pid || w->respawn != 0)
			continue;
		(void) close(kw->pipe[0]);
		(void) close(kw->pipe[1]);
		w->respawn = now + 1;
		if (stopping)
			return;
		metrics_restart();
		if (elapsed(w->born, HEALTHY_MS, now))
			w->pause = 0;
		if (WIFSIGNALED(status))
			front_log(LOG_ERR, "worker %d was ended by signal %d%s; starting another in %u ms", i + 1, WTERMSIG(status),
					  WTERMSIG(status) == SIGSYS ? " (system call refused by the sandbox)" : "", w->pause);
		else
			front_log(LOG_ERR, "worker %d ended with status %d; starting another in %u ms", i + 1, WEXITSTATUS(status),
					  w->pause);
		w->respawn += w->pause;
		w->pause = w->pause == 0 ? PAUSE_FIRST : w->pause * 2 > PAUSE_MOST ? PAUSE_MOST : w->pause * 2;
		return;
	}
}

static void
reap(bool stopping)
{
	pid_t		pid;
	int			status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!configure_ended(pid, status) && !metrics_server_ended(pid, status))
			worker_died(pid, status, stopping);
}

static void
start_workers(void)
{
	for (int i = 0; i < front_config.workers; i++)
		workers[i].born = kore_time_ms();
	kore_worker_init();
	mark_shared_memory();
	workers_started = true;
}

/* Starts the workers that are due. Returns ms until the next one is, -1 for none. */
static int64_t
respawn(void)
{
	int64_t		wait = -1;

	if (!workers_started)
		start_workers();
	for (int i = 0; i < front_config.workers; i++)
	{
		Worker	   *w = &workers[i];
		struct kore_worker *kw = worker_at(i);
		uint64_t	now = kore_time_ms();

		if (w->respawn == 0)
			continue;
		if (now >= w->respawn)
		{
			w->respawn = 0;
			w->born = now;
			kw->restarted = 1;
			kore_worker_spawn((u_int16_t) (KORE_WORKER_BASE + i), kw->id, kw->cpu);
		}
		else if (wait < 0 || (int64_t) (w->respawn - now) < wait)
			wait = (int64_t) (w->respawn - now);
	}
	return wait;
}

static int
count_running(void)
{
	int			n = 0;

	for (int i = 0; workers_started && i < front_config.workers; i++)
		n += workers[i].respawn == 0;
	return n;
}

/* The shorter of two times to wait; -1 is for ever. */
static int64_t
sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Waits for one of the signals, at most ms (-1: for ever). Returns it, 0 when time is up. */
static int
wait_signal(const sigset_t *set, int64_t ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
	int			sig = sigtimedwait(set, NULL, ms < 0 ? NULL : &ts);

	return sig > 0 ? sig : 0;
}

/* Lets the workers answer what is open; what has not ended by then is killed. Exit status 0 either way. */
static void
__attribute__((noreturn))
stop(const sigset_t *set)
{
	uint64_t	end = kore_time_ms() + front_config.drain_timeout + 3000;

	/* When the last process has closed the socket, clients are refused and not left waiting. */
	(void) close(listen_fd);
	configure_stop();
	metrics_server_stop();
	signal_workers(SIGTERM);
	while (count_running() > 0)
	{
		uint64_t	now = kore_time_ms();

		if (now >= end)
		{
			front_log(LOG_ERR, "workers did not end in time and are killed");
			signal_workers(SIGKILL);
			end = now + 1000;
		}
		(void) wait_signal(set, (int64_t) (end - now));
		reap(true);
	}
	front_log(LOG_INFO, "stopped");
	exit(0);
}

/*
 * Starts the workers and watches them. Does not return; the program ends with status 0 after SIGTERM, SIGINT or
 * SIGQUIT. SIGHUP makes all processes open the log file again.
 */
void
supervise_run(void)
{
	sigset_t	set;

	sandbox_prepare();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	/* Workers inherit the mask and lift it when their handlers stand (kore_worker_configure). */
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void) signal(SIGPIPE, SIG_IGN);

	front_log(LOG_INFO, "listening on %s port %d, %d worker%s", front_config.listen_address, front_config.listen_port,
			  front_config.workers, front_config.workers == 1 ? "" : "s");
	for (;;)
	{
		int64_t		next_child = configure_pending() ? -1 : respawn();
		int64_t		wait = sooner(metrics_server_turn(), sooner(configure_turn(), next_child));
		int			sig = wait_signal(&set, wait);

		switch (sig)
		{
			case SIGHUP:
				if (log_open() != 0)
					front_log(LOG_ERR, "cannot open the log file again: %s", strerror(errno));
				signal_workers(SIGHUP);
				break;
			case SIGINT:
			case SIGQUIT:
			case SIGTERM:
				stop(&set);
			default:
				break;
		}
		reap(false);
	}
}
