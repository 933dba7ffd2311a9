/*
 * helper_process.c
 *	  Runs a small program beside the backend and waits for its answer.
 *
 * For work that blocks in somebody else's code or reads what strangers wrote:
 * a backend cannot be taken out of such a call, and must not crash in it.  The
 * program is spawned as with vfork(), so the size of shared memory does not
 * matter, with one socket for input and answer and nothing else open.  It dies
 * with the backend, and at once when the backend is cancelled or terminated.
 *
 * A backend waits for it (helper_run); a worker looks after several of them
 * between other things, and may go on talking with one (helper_talk_...).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <fcntl.h>

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/helper_process.h"

#define CHUNK_BYTES		4096

/* pause between two looks at a program that has closed its output but not ended yet, milliseconds */
#define END_POLL_MS		5

typedef struct Helper
{
	pid_t		pid;			/* 0: has been waited for */
	int			fd;
} Helper;

/* Ends the program if it still runs, and closes the socket. */
static void
helper_stop(Helper *helper)
{
	if (helper->pid > 0)
	{
		kill(helper->pid, SIGKILL);
		while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	helper->pid = 0;
	if (helper->fd >= 0)
	{
		close(helper->fd);
		ReleaseExternalFD();
	}
	helper->fd = -1;
}

static void
helper_stop_at_exit(int code, Datum arg)
{
	helper_stop((Helper *) DatumGetPointer(arg));
}

/* Spawns it: standard input and output are the socket, and it has the handlers and the mask of a new program. */
static int
spawn_with(pid_t *pid, const char *path, int fd)
{
	char	   *argv[] = {unconstify(char *, path), NULL};
	char	   *env[] = {"LC_ALL=C.UTF-8", "LDAPNOINIT=1", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t	none;
	sigset_t	all;
	int			error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	error = posix_spawn(pid, path, &actions, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Spawns it on one end of a socket pair, the other end is ours; tells an error of the system. */
static int
spawn_on_pair(Helper *helper, const char *path)
{
	int			fds[2];
	int			error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
	{
		ReleaseExternalFD();
		return errno;
	}
	helper->fd = fds[0];
	/* the program reads and writes it as a file */
	if (fcntl(fds[1], F_SETFL, 0) < 0)
		error = errno;
	else
		error = spawn_with(&helper->pid, path, fds[1]);
	close(fds[1]);
	if (error != 0)
		helper->pid = 0;
	return error;
}

static bool
helper_start(Helper *helper, const char *name)
{
	char		path[MAXPGPATH];
	int			error;

	snprintf(path, sizeof(path), "%s/%s", pkglib_path, name);
	error = AcquireExternalFD() ? spawn_on_pair(helper, path) : EMFILE;
	if (error == 0)
		return true;
	errno = error;
	ereport(LOG_SERVER_ONLY,
			(errcode_for_file_access(),
			 errmsg("could not start \"%s\": %m", path),
			 errhint("The extension's programs are installed beside its library."),
			 errhidestmt(true), errhidecontext(true)));
	return false;
}

/* Milliseconds until the deadline, 0 when it is over. */
static long
left_until(TimestampTz deadline)
{
	return Max(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline), 0);
}

/* Waits for these events of the socket, answers interrupts; false when the time is up. */
static bool
wait_for(pgsocket fd, int events, TimestampTz deadline)
{
	long		left = left_until(deadline);
	int			got;

	if (left == 0)
		return false;
	got = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | events,
							fd, left, PG_WAIT_EXTENSION);
	if (got & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return true;
}

/* Would a later try succeed? */
static bool
try_later(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/*
 * Sends what is left of the input and, after the last of it, the end of file.
 * Who does not want to read it all misses the rest.
 */
static void
send_some(Helper *helper, const char *input, size_t len, size_t *sent)
{
	ssize_t		n = *sent < len ? send(helper->fd, input + *sent, len - *sent, MSG_NOSIGNAL) : 0;

	if (try_later(n))
		return;
	*sent = n < 0 ? len : *sent + n;
	if (*sent >= len)
	{
		*sent = len;
		(void) shutdown(helper->fd, SHUT_WR);
	}
}

/* Input and answer, until the program closes its output. */
static HelperEnd
converse(Helper *helper, const char *input, size_t len, StringInfo output, size_t output_max, TimestampTz deadline)
{
	size_t		sent = 0;

	send_some(helper, input, len, &sent);
	for (;;)
	{
		ssize_t		n;

		if (!wait_for(helper->fd, WL_SOCKET_READABLE | (sent < len ? WL_SOCKET_WRITEABLE : 0), deadline))
			return HELPER_LATE;
		if (sent < len)
			send_some(helper, input, len, &sent);
		enlargeStringInfo(output, CHUNK_BYTES);
		n = recv(helper->fd, output->data + output->len, CHUNK_BYTES, 0);
		if (try_later(n))
			continue;
		if (n <= 0)
			return HELPER_DONE;
		output->len += n;
		output->data[output->len] = '\0';
		if ((size_t) output->len > output_max)
			return HELPER_TALKATIVE;
	}
}

/* What the end of the program means; one by itself of which nobody else tells is logged. */
static HelperEnd
judge_end(const char *name, int status)
{
	char	   *how;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return HELPER_DONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return HELPER_REFUSED;
	how = wait_result_to_str(status);
	ereport(LOG_SERVER_ONLY,
			(errmsg("program \"%s\" failed: %s", name, how),
			 errhidestmt(true), errhidecontext(true)));
	pfree(how);
	return HELPER_FAILED;
}

/* Waits for the end of a program that has closed its output. */
static HelperEnd
await_end(Helper *helper, const char *name, TimestampTz deadline)
{
	for (;;)
	{
		int			status;
		pid_t		pid = waitpid(helper->pid, &status, WNOHANG);

		if (pid == helper->pid)
		{
			helper->pid = 0;
			return judge_end(name, status);
		}
		if (pid < 0 && errno != EINTR)
		{
			helper->pid = 0;
			return HELPER_FAILED;
		}
		if (left_until(deadline) == 0)
			return HELPER_LATE;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, END_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Runs the program of this name in pkglibdir, without arguments, gives it the
 * input on its standard input and appends what it writes to output, which the
 * caller has made; at most output_max bytes and limit_ms milliseconds.  Nothing
 * of it is left when this returns or raises.  Input may be secret: it is on no
 * command line and in no environment; the caller wipes it.
 *
 * Raises nothing of its own, and answers cancel and terminate at once, whatever
 * the program does.
 */
HelperEnd
helper_run(const char *name, const char *input, size_t input_len, StringInfo output, size_t output_max, int limit_ms)
{
	Helper		helper = {0, -1};
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit_ms);
	volatile HelperEnd end = HELPER_FAILED;

	PG_ENSURE_ERROR_CLEANUP(helper_stop_at_exit, PointerGetDatum(&helper));
	{
		if (!helper_start(&helper, name))
			end = HELPER_NOT_STARTED;
		else
			end = converse(&helper, input, input_len, output, output_max, deadline);
		if (end == HELPER_DONE)
			end = await_end(&helper, name, deadline);
	}
	PG_END_ENSURE_ERROR_CLEANUP(helper_stop_at_exit, PointerGetDatum(&helper));
	helper_stop(&helper);
	return end;
}

struct HelperTalk
{
	Helper		helper;
	MemoryContext context;		/* of everything here */
	TimestampTz deadline;		/* 0: none */
	StringInfoData input;		/* what is still to be sent */
	bool		input_ends;		/* ... and is all there will be */
	StringInfoData output;		/* what has come and nobody has taken yet */
};

/*
 * Starts the program of this name in pkglibdir and returns at once.  limit_ms:
 * when helper_talk_turn() gives it up, 0 for never.  It lives until
 * helper_talk_stop(), or the process's end.  Raises the errors of the system
 * when it cannot be started.
 */
HelperTalk *
helper_talk_start(const char *name, int limit_ms)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "wazo_auth program", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	HelperTalk *talk = palloc0(sizeof(HelperTalk));

	talk->context = context;
	talk->helper.fd = -1;
	talk->deadline = limit_ms > 0 ? TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit_ms) : 0;
	initStringInfo(&talk->input);
	initStringInfo(&talk->output);
	MemoryContextSwitchTo(old_context);
	PG_TRY();
	{
		helper_start(&talk->helper, name);
	}
	PG_CATCH();
	{
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return talk;
}

/* Sends it more input, as soon as it takes it. */
void
helper_talk_send(HelperTalk *talk, const char *data, size_t len)
{
	appendBinaryStringInfo(&talk->input, data, len);
}

/* There is no more input. */
void
helper_talk_end_input(HelperTalk *talk)
{
	talk->input_ends = true;
}

static void
talk_send(HelperTalk *talk)
{
	ssize_t		n;

	if (talk->input.len == 0)
		return;
	n = send(talk->helper.fd, talk->input.data, talk->input.len, MSG_NOSIGNAL);
	if (try_later(n))
		return;
	/* who does not want to read it all misses the rest */
	if (n < 0)
		n = talk->input.len;
	memmove(talk->input.data, talk->input.data + n, talk->input.len - n);
	talk->input.len -= n;
	/* no copy of a secret stays behind */
	explicit_bzero(talk->input.data + talk->input.len, n);
	if (talk->input.len == 0 && talk->input_ends)
		(void) shutdown(talk->helper.fd, SHUT_WR);
}

/* Takes what it has written; false at the end of that. */
static bool
talk_receive(HelperTalk *talk, size_t output_max)
{
	ssize_t		n = 0;

	while ((size_t) talk->output.len <= output_max)
	{
		enlargeStringInfo(&talk->output, CHUNK_BYTES);
		n = recv(talk->helper.fd, talk->output.data + talk->output.len, CHUNK_BYTES, 0);
		if (n <= 0)
			break;
		talk->output.len += n;
		talk->output.data[talk->output.len] = '\0';
	}
	return n > 0 || try_later(n);
}

/* Has it ended, how? */
static bool
talk_ended(HelperTalk *talk, HelperEnd *end)
{
	int			status;
	pid_t		pid = waitpid(talk->helper.pid, &status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	talk->helper.pid = 0;
	*end = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? HELPER_DONE : HELPER_FAILED;
	return true;
}

/*
 * Sends and takes what can be at once.  Returns whether the program is over,
 * and then how; what it wrote stays.  One that has closed its output has no
 * socket any more and is soon over: look again.
 */
bool
helper_talk_turn(HelperTalk *talk, size_t output_max, HelperEnd *end)
{
	if (talk->helper.fd >= 0)
	{
		talk_send(talk);
		if (!talk_receive(talk, output_max))
		{
			close(talk->helper.fd);
			ReleaseExternalFD();
			talk->helper.fd = -1;
		}
	}
	if (talk->helper.fd < 0 && talk_ended(talk, end))
		return true;
	if ((size_t) talk->output.len > output_max)
		*end = HELPER_TALKATIVE;
	else if (talk->deadline != 0 && left_until(talk->deadline) == 0)
		*end = HELPER_LATE;
	else
		return false;
	helper_stop(&talk->helper);
	return true;
}

/* What it has written; the caller may take from its head. */
StringInfo
helper_talk_output(HelperTalk *talk)
{
	return &talk->output;
}

/* Its socket, PGINVALID_SOCKET when it has closed it. */
pgsocket
helper_talk_socket(const HelperTalk *talk)
{
	return talk->helper.fd >= 0 ? talk->helper.fd : PGINVALID_SOCKET;
}

/* The events of the socket that helper_talk_turn() waits for. */
uint32
helper_talk_events(const HelperTalk *talk)
{
	return WL_SOCKET_READABLE | (talk->input.len > 0 ? WL_SOCKET_WRITEABLE : 0);
}

/* Ends it if it still runs, and forgets it. */
void
helper_talk_stop(HelperTalk *talk)
{
	helper_stop(&talk->helper);
	explicit_bzero(talk->input.data, talk->input.maxlen);
	explicit_bzero(talk->output.data, talk->output.maxlen);
	MemoryContextDelete(talk->context);
}
