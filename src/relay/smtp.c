/*
 * smtp.c
 *	  Sending mail by SMTP without ever waiting for the server, on top of
 *	  libcurl's multi interface: the process waits for the library's sockets
 *	  together with everything else it waits for.
 *
 * Each mail has a connection of its own, so one that fails says nothing about
 * the next one.  No error is raised while the library is on the stack.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <signal.h>
#include <sys/select.h>

#include <curl/curl.h>

#include "utils/memutils.h"

#include "relay/smtp.h"

/*
 * Milliseconds: until the server is ready to take a mail, which some make
 * everybody wait for, and for all of a mail's conversation
 */
#define CONNECT_TIMEOUT_MS	20000
#define TRANSFER_TIMEOUT_MS 60000

/* How long (milliseconds) the library may go uncalled while it has no socket. */
#define POLL_MS				50

/* SMTP: the server is about to close the connection */
#define REPLY_CLOSING		421

struct SmtpTransfer
{
	MemoryContext context;		/* of everything here */
	CURL	   *easy;
	struct curl_slist *recipients;
	char	   *message;
	Size		len;
	Size		sent;			/* handed to the library */
	SmtpOutcome outcome;
	char		buffer[CURL_ERROR_SIZE];
	char		error[CURL_ERROR_SIZE + 64];
};

static CURLM *multi = NULL;
static int	running = 0;

/*
 * The library looks up names in threads.  They must not take signals that are
 * for this process's handlers, so they are born with all of them blocked.
 */
static void
block_signals(sigset_t *save)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, save);
}

static size_t
read_message(char *buffer, size_t size, size_t nitems, void *arg)
{
	SmtpTransfer *t = arg;
	Size		n = Min(size * nitems, t->len - t->sent);

	memcpy(buffer, t->message + t->sent, n);
	t->sent += n;
	return n;
}

/* What a server says beside the protocol is of no interest. */
static size_t
ignore_data(char *data, size_t size, size_t nitems, void *arg)
{
	return size * nitems;
}

static bool
open_multi(void)
{
	if (multi == NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		multi = curl_multi_init();
	return multi != NULL;
}

#define SET(option, value) \
	do { \
		if (curl_easy_setopt(t->easy, option, value) != CURLE_OK) \
			return #option; \
	} while (0)

/* Returns the name of an option that cannot be set, or NULL. */
static const char *
set_options(SmtpTransfer *t, const SmtpConfig *config, const char *url, const char *sender)
{
	SET(CURLOPT_ERRORBUFFER, t->buffer);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_URL, url);
	/* whatever the server's environment says */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long) TRANSFER_TIMEOUT_MS);
	/* giving up must not wait for a name server */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	if (strcmp(config->tls, "none") != 0)
		SET(CURLOPT_USE_SSL, (long) CURLUSESSL_ALL);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, config->tls_verify ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, config->tls_verify ? 2L : 0L);
	if (config->ca_file)
		SET(CURLOPT_CAINFO, config->ca_file);
	if (config->username)
		SET(CURLOPT_USERNAME, config->username);
	if (config->password)
		SET(CURLOPT_PASSWORD, config->password);
	SET(CURLOPT_MAIL_FROM, sender);
	SET(CURLOPT_MAIL_RCPT, t->recipients);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, read_message);
	SET(CURLOPT_READDATA, t);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) t->len);
	SET(CURLOPT_WRITEFUNCTION, ignore_data);
	SET(CURLOPT_PRIVATE, t);
	return NULL;
}

static void
cannot_start(SmtpTransfer *t, const char *why)
{
	t->outcome = SMTP_UNREACHABLE;
	snprintf(t->error, sizeof(t->error), "libcurl cannot send mail: %s", why);
}

/*
 * smtp_start
 *
 * Begins to send a mail, of which a copy is kept.  The addresses must be such
 * as wazo_auth.is_mail_address() accepts.  The outcome comes later, failures to
 * begin included; the transfer lives until smtp_free().
 */
SmtpTransfer *
smtp_start(const SmtpConfig *config, const char *sender, const char *recipient,
		   const char *message, Size len)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "wazo_auth mail", ALLOCSET_SMALL_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	bool		ipv6 = strchr(config->hostname, ':') != NULL;
	SmtpTransfer *t = palloc0(sizeof(SmtpTransfer));
	char	   *url = psprintf("%s://%s%s%s:%d", strcmp(config->tls, "tls") == 0 ? "smtps" : "smtp",
							   ipv6 ? "[" : "", config->hostname, ipv6 ? "]" : "", config->port);
	char	   *from = psprintf("<%s>", sender);
	char	   *to = psprintf("<%s>", recipient);
	const char *wrong;

	t->context = context;
	t->message = palloc(len);
	memcpy(t->message, message, len);
	t->len = len;
	MemoryContextSwitchTo(old_context);

	if (!open_multi() || (t->easy = curl_easy_init()) == NULL ||
		(t->recipients = curl_slist_append(NULL, to)) == NULL)
		cannot_start(t, "out of memory");
	else if ((wrong = set_options(t, config, url, from)) != NULL)
		cannot_start(t, wrong);
	else if (curl_multi_add_handle(multi, t->easy) != CURLM_OK)
		cannot_start(t, "it takes no more transfers");
	else
		running++;
	return t;
}

/*
 * Tells a mail that the server does not want from a server that cannot be
 * used: only the former counts against the mail.
 */
static void
note_result(SmtpTransfer *t, CURLcode result)
{
	long		reply = 0;

	(void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &reply);
	if (result == CURLE_OK)
	{
		t->outcome = SMTP_SENT;
		return;
	}

	/*
	 * The library reports MAIL, RCPT and DATA refused as the first, what comes after the text as the second.
	 */
	if (reply >= 400 && reply != REPLY_CLOSING &&
		(result == CURLE_SEND_ERROR || (result == CURLE_WEIRD_SERVER_REPLY && t->sent > 0)))
	{
		t->outcome = SMTP_REFUSED;
		snprintf(t->error, sizeof(t->error), "the mail server refuses the mail with the reply %ld (%s)", reply,
				 t->buffer[0] ? t->buffer : curl_easy_strerror(result));
		return;
	}
	t->outcome = SMTP_UNREACHABLE;
	snprintf(t->error, sizeof(t->error), "%s", t->buffer[0] ? t->buffer : curl_easy_strerror(result));
}

/* Does what can be done at once for all transfers. */
void
smtp_drive(void)
{
	sigset_t	save;
	int			unused;
	CURLMsg    *msg;

	if (running == 0)
		return;
	block_signals(&save);
	(void) curl_multi_perform(multi, &unused);
	sigprocmask(SIG_SETMASK, &save, NULL);
	while ((msg = curl_multi_info_read(multi, &unused)) != NULL)
	{
		char	   *t = NULL;

		if (msg->msg == CURLMSG_DONE && curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK && t)
		{
			note_result((SmtpTransfer *) t, msg->data.result);
			running--;
		}
	}
}

/*
 * smtp_outcome
 *
 * What became of a mail.  error: why it was not sent, in words that show no
 * secret; lives as long as the transfer.
 */
SmtpOutcome
smtp_outcome(const SmtpTransfer *transfer, const char **error)
{
	*error = transfer->error;
	return transfer->outcome;
}

/* Forgets a transfer, and ends it if it is still running. */
void
smtp_free(SmtpTransfer *t)
{
	if (t->easy)
	{
		if (t->outcome == SMTP_RUNNING)
			running--;
		(void) curl_multi_remove_handle(multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->recipients);
	explicit_bzero(t->message, t->len);
	MemoryContextDelete(t->context);
}

/* How long (milliseconds) smtp_drive() may go uncalled; -1: as long as you like. */
long
smtp_wait_limit(void)
{
	long		timeout = -1;
	int			max_fd = -1;
	fd_set		set[3];

	if (running == 0)
		return -1;
	for (int i = 0; i < 3; i++)
		FD_ZERO(&set[i]);
	if (curl_multi_timeout(multi, &timeout) != CURLM_OK || timeout < 0)
		timeout = TRANSFER_TIMEOUT_MS;
	if (curl_multi_fdset(multi, &set[0], &set[1], &set[2], &max_fd) != CURLM_OK || max_fd < 0)
		timeout = Min(timeout, POLL_MS);
	return timeout;
}

/* Adds the sockets that the transfers wait for, at most SMTP_MAX_SOCKETS. */
void
smtp_add_to_wait(WaitEventSet *wait_set)
{
	fd_set		set[3];
	int			max_fd = -1;
	int			n = 0;

	if (running == 0)
		return;
	for (int i = 0; i < 3; i++)
		FD_ZERO(&set[i]);
	if (curl_multi_fdset(multi, &set[0], &set[1], &set[2], &max_fd) != CURLM_OK)
		return;
	for (int fd = 0; fd <= max_fd && n < SMTP_MAX_SOCKETS; fd++)
	{
		uint32		events = (FD_ISSET(fd, &set[0]) ? WL_SOCKET_READABLE : 0) |
		(FD_ISSET(fd, &set[1]) ? WL_SOCKET_WRITEABLE : 0);

		if (events != 0)
		{
			AddWaitEventToSet(wait_set, events, fd, NULL, NULL);
			n++;
		}
	}
}
