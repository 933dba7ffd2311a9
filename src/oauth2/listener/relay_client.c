/*
 * relay_client.c
 *	  Connections to relays of OAuth2 over WebSocket, by libwebsockets.
 *
 * One for each authorization that is waited for, all in one event loop; one
 * that cannot be made, or ends without a message, is made again after a pause
 * that grows.  The first text is the message, with which the waiting is over.
 * The worker's orders come by the same loop, and its end is the program's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oauth2/listener/relay_client.h"
#include "oauth2/listener/waiter.h"
#include "plain/public_address.h"

#define ORDER_MAX_BYTES		2048
#define CONNECT_SECONDS		10

/* seconds: the first pause and the longest one between two attempts */
#define FIRST_PAUSE			1
#define LONGEST_PAUSE		60

/* most connections at a time, and file descriptors beside them */
#define CONNECTIONS_MAX		1000
#define OTHER_FILES			64

static struct lws_context *context;
static bool private_allowed;
static bool over = false;

/* a relay that says nothing is asked whether it is there, and given up when it is not */
static const lws_retry_bo_t idle_policy = {
	.secs_since_valid_ping = 30,
	.secs_since_valid_hangup = 60,
};

/* Sends the worker a record: a word, a blank, a text, and a zero byte. */
static void
tell(const char *word, const char *text, size_t len)
{
	char		record[KEY_MAX_BYTES + MESSAGE_MAX_BYTES + 2];
	int			head = snprintf(record, KEY_MAX_BYTES + 1, "%s ", word);
	size_t		size;
	size_t		sent = 0;

	if (head < 0 || len > MESSAGE_MAX_BYTES)
		return;
	memcpy(record + head, text, len);
	size = (size_t) head + len;
	record[size++] = '\0';
	while (sent < size && !over)
	{
		struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
		ssize_t		n = write(STDOUT_FILENO, record + sent, size - sent);

		if (n > 0)
			sent += (size_t) n;
		else if (errno == EAGAIN || errno == EINTR)
			(void) poll(&wait, 1, -1);
		else
			over = true;
	}
}

static void connect_waiter(Waiter *waiter);

static void
connect_again(lws_sorted_usec_list_t * timer)
{
	connect_waiter(lws_container_of(timer, Waiter, again));
}

/* Says why, and tries again later. */
static void
pause_waiter(Waiter *waiter, const char *why)
{
	int			pause = FIRST_PAUSE;

	for (int i = 0; i < waiter->attempts && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	waiter->attempts++;
	waiter->connection = NULL;
	waiter->len = 0;
	lws_sul_schedule(context, 0, &waiter->again, connect_again,
					 (pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE) * LWS_US_PER_SEC);
	tell("!", why, strlen(why));
}

/*
 * The address of a host as text, the first one that may be connected to.  It is
 * looked up here and not by the library, so that it can be judged.
 */
static const char *
resolve(const char *host, char *address, size_t size)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	const char *why = NULL;
	int			error = getaddrinfo(host, NULL, &hints, &found);

	if (error != 0)
		return gai_strerror(error);
	why = "the relay has a private address; see wazo_auth.oauth2_private_addresses";
	for (struct addrinfo *at = found; at && why; at = at->ai_next)
		if ((private_allowed || public_address(at->ai_addr)) &&
			getnameinfo(at->ai_addr, at->ai_addrlen, address, (socklen_t) size, NULL, 0, NI_NUMERICHOST) == 0)
			why = NULL;
	freeaddrinfo(found);
	return why;
}

static void
connect_waiter(Waiter *waiter)
{
	char		address[NI_MAXHOST];
	char		host[HOST_MAX_BYTES + 16];
	const char *why = resolve(waiter->host, address, sizeof(address));
	struct lws_client_connect_info info = {
		.context = context,
		.address = address,
		.port = waiter->port,
		.ssl_connection = LCCSCF_USE_SSL,
		.path = waiter->path,
		.host = host,
		.origin = waiter->host,
		.local_protocol_name = "relay",
		.opaque_user_data = waiter,
		.retry_and_idle_policy = &idle_policy,
	};

	if (why)
	{
		pause_waiter(waiter, why);
		return;
	}
	/* of this the certificate must be */
	snprintf(host, sizeof(host), waiter->port == 443 ? "%s" : "%s:%d", waiter->host, waiter->port);
	waiter->connection = lws_client_connect_via_info(&info);
	if (waiter->connection == NULL && lws_dll2_is_detached(&waiter->again.list))
		pause_waiter(waiter, "the relay cannot be connected to");
}

/* Ends what is waited for, its connection with it. */
static void
drop(Waiter *waiter)
{
	lws_sul_cancel(&waiter->again);
	if (waiter->connection)
	{
		lws_set_opaque_user_data(waiter->connection, NULL);
		lws_set_timeout(waiter->connection, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	}
	waiter_remove(waiter);
}

/* Takes a part of a message; true when it was the last one, or the relay says what is no message. */
static bool
take_part(struct lws *connection, Waiter *waiter, const char *part, size_t len)
{
	if (lws_frame_is_binary(connection) || len > sizeof(waiter->message) - waiter->len || memchr(part, '\0', len))
	{
		tell("!", "the relay sent what is no message", strlen("the relay sent what is no message"));
		return true;
	}
	memcpy(waiter->message + waiter->len, part, len);
	waiter->len += len;
	if (!lws_is_final_fragment(connection) || lws_remaining_packet_payload(connection) != 0)
		return false;
	tell(waiter->key, waiter->message, waiter->len);
	return true;
}

/* What the library says of a certificate is nothing. */
static const char *
explain(const char *error)
{
	if (error == NULL)
		return "the relay cannot be connected to";
	if (strstr(error, "SSL") || strstr(error, "cert"))
		return "no TLS with the relay: its certificate must be of its host and of an authority in wazo_auth.oauth2_ca_file";
	return error;
}

static int
on_relay(struct lws *connection, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	Waiter	   *waiter = lws_get_opaque_user_data(connection);

	(void) user;
	if (waiter == NULL)
		/* given up while it was being made, when the library forgets to end it */
		return reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER || reason == LWS_CALLBACK_CLIENT_ESTABLISHED ||
			reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1 : 0;
	switch (reason)
	{
		case LWS_CALLBACK_CLIENT_ESTABLISHED:
			waiter->attempts = 0;
			break;
		case LWS_CALLBACK_CLIENT_RECEIVE:
			if (!take_part(connection, waiter, in, len))
				break;
			waiter->connection = NULL;
			lws_set_opaque_user_data(connection, NULL);
			drop(waiter);
			return -1;
		case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
			pause_waiter(waiter, explain(in));
			break;
		case LWS_CALLBACK_CLIENT_CLOSED:
			pause_waiter(waiter, "the relay closed the connection");
			break;
		default:
			break;
	}
	return 0;
}

/* "+key url" to wait, "-key" to give up. */
static void
obey(char *order)
{
	char	   *blank = strchr(order, ' ');
	Waiter	   *waiter;

	if (*order == '+' && blank)
	{
		*blank = '\0';
		waiter = waiter_add(order + 1, blank + 1);
		if (waiter)
			connect_waiter(waiter);
	}
	else if (*order == '-' && (waiter = waiter_find(order + 1)) != NULL)
		drop(waiter);
}

/* Reads the worker's orders; false at their end. */
static bool
read_orders(void)
{
	static char orders[ORDER_MAX_BYTES];
	static size_t len = 0;
	char	   *zero;
	ssize_t		n = read(STDIN_FILENO, orders + len, sizeof(orders) - len);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	len += (size_t) n;
	while ((zero = memchr(orders, '\0', len)) != NULL)
	{
		size_t		size = (size_t) (zero - orders) + 1;

		obey(orders);
		len -= size;
		memmove(orders, orders + size, len);
	}
	/* no order is so long */
	return len < sizeof(orders);
}

static int
on_orders(struct lws *file, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void) file;
	(void) user;
	(void) in;
	(void) len;
	if (reason == LWS_CALLBACK_RAW_CLOSE_FILE || (reason == LWS_CALLBACK_RAW_RX_FILE && !read_orders()))
		over = true;
	return 0;
}

static const struct lws_protocols protocols[] = {
	{.name = "relay", .callback = on_relay, .rx_buffer_size = MESSAGE_MAX_BYTES},
	{.name = "orders", .callback = on_orders},
	{.name = NULL}
};

/* Does what the worker orders until it ends. Returns the program's status. */
int
relay_client_run(const char *ca_file, bool private_addresses)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.client_ssl_ca_filepath = ca_file,
		.ssl_client_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1,
		.timeout_secs = CONNECT_SECONDS,
		.fd_limit_per_thread = CONNECTIONS_MAX + OTHER_FILES,
		.gid = -1,
		.uid = -1,
	};
	struct lws_vhost *host;
	lws_sock_file_fd_type input = {.filefd = STDIN_FILENO};

	private_allowed = private_addresses;
	lws_set_log_level(0, NULL);
	context = lws_create_context(&info);
	if (context == NULL)
	{
		tell("!", "libwebsockets does not start; look at wazo_auth.oauth2_ca_file",
			 strlen("libwebsockets does not start; look at wazo_auth.oauth2_ca_file"));
		return 1;
	}
	host = lws_get_vhost_by_name(context, "default");
	if (host == NULL || lws_adopt_descriptor_vhost(host, LWS_ADOPT_RAW_FILE_DESC, input, "orders", NULL) == NULL)
		return 1;
	while (!over && lws_service(context, 0) >= 0)
		;
	return 0;
}
