/*
 * broker.c
 *	  A connection to an AMQP 0-9-1 broker that confirms what it is given, on
 *	  top of librabbitmq.
 *
 * The library blocks, and knows nothing of PostgreSQL's interrupts.  So every
 * call of it is watched: when its time is over, or the process is to end
 * (broker_abort() from the signal handler), the socket is shut down, and the
 * call returns with an error.  Waiting for confirmations is done here, on the
 * latch.  No error is raised while the library is on the stack.
 *
 * A process has one such connection.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "relay/broker.h"
#include "relay/broker_headers.h"
#include "workers/worker.h"

#define CHANNEL				1
#define HEARTBEAT_S			30
#define FRAME_MAX			131072

/* milliseconds */
#define CONNECT_TIMEOUT_MS	5000
#define CALL_TIMEOUT_MS		10000
#define CONFIRM_TIMEOUT_MS	30000

/* longest routing key, by the protocol */
#define SHORT_STRING_MAX	255

/* the whole of the headers has to fit into one frame */
#define HEADERS_MAX			(FRAME_MAX - 4096)

static amqp_connection_state_t connection = NULL;
static char exchange[SHORT_STRING_MAX + 1];
static uint64 next_tag;			/* of the next message published */

/* what the signal handlers shut down; -1 for nothing */
static volatile sig_atomic_t watched_socket = -1;
static TimeoutId watch;

static char last_error[512];

/* The last error, in words that show no secret. */
const char *
broker_error(void)
{
	return last_error;
}

bool
broker_is_connected(void)
{
	return connection != NULL;
}

/* The socket to wait on, or PGINVALID_SOCKET. */
int
broker_socket(void)
{
	return connection ? amqp_get_sockfd(connection) : PGINVALID_SOCKET;
}

/* How long (milliseconds) broker_idle() may stay uncalled. */
int
broker_idle_limit(void)
{
	return HEARTBEAT_S * 1000 / 3;
}

/*
 * Makes whatever the library is doing fail.  May be called from a signal
 * handler.
 */
void
broker_abort(void)
{
	int			save_errno = errno;

	if (watched_socket >= 0)
		(void) shutdown(watched_socket, SHUT_RDWR);
	errno = save_errno;
}

/* Registers the watch; called once in the process that is to connect. */
void
broker_init(void)
{
	watch = RegisterTimeout(USER_TIMEOUT, broker_abort);
	leave_openssl_alone();
}

static void
watch_begin(int socket, int timeout_ms)
{
	watched_socket = socket;
	enable_timeout_after(watch, timeout_ms);
	/* a signal that came before the socket was known */
	if (ProcDiePending)
		broker_abort();
}

static void
watch_end(void)
{
	disable_timeout(watch, false);
	watched_socket = -1;
}

/* Closes the connection without a word, which every broker understands. */
void
broker_disconnect(void)
{
	if (connection == NULL)
		return;
	watched_socket = -1;
	/* frees and closes, without waiting for the peer */
	(void) amqp_destroy_connection(connection);
	connection = NULL;
}

static bool pg_attribute_printf(1, 2)
failed(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	broker_disconnect();
	return false;
}

static bool
failed_status(const char *what, int status)
{
	return failed("%s: %s", what, amqp_error_string2(status));
}

/*
 * The reason of a channel.close or connection.close.  Its text comes from the
 * broker: printable ASCII of it is kept.
 */
static void
describe_close(char *out, size_t size, const char *what, int code, amqp_bytes_t text)
{
	size_t		n;

	snprintf(out, size, "%s: %d ", what, code);
	n = strlen(out);
	for (size_t i = 0; i < text.len && n + 1 < size; i++)
	{
		char		c = ((const char *) text.bytes)[i];

		out[n++] = (c >= ' ' && c <= '~') ? c : '?';
	}
	out[n] = '\0';
}

static bool
failed_reply(const char *what, amqp_rpc_reply_t reply)
{
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
		return failed_status(what, reply.library_error);
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
	{
		if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
		{
			amqp_channel_close_t *m = reply.reply.decoded;

			describe_close(last_error, sizeof(last_error), what, m->reply_code, m->reply_text);
		}
		else if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
		{
			amqp_connection_close_t *m = reply.reply.decoded;

			describe_close(last_error, sizeof(last_error), what, m->reply_code, m->reply_text);
		}
		else
			snprintf(last_error, sizeof(last_error), "%s: unexpected method", what);
		broker_disconnect();
		return false;
	}
	return failed("%s: no answer", what);
}

/*
 * Connects to one address.  Returns the socket, or -1 with errno set.  Answers
 * the latch, so that a terminated worker does not wait for a dead host.
 */
static int
connect_address(const struct addrinfo *addr)
{
	int			sock = socket(addr->ai_family, addr->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, addr->ai_protocol);
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONNECT_TIMEOUT_MS);
	int			on = 1;
	int			error = 0;
	socklen_t	len = sizeof(error);

	if (sock < 0)
		return -1;
	(void) setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(sock, addr->ai_addr, addr->ai_addrlen) == 0)
		return sock;
	if (errno != EINPROGRESS)
		goto fail;
	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
		int			events;

		errno = ETIMEDOUT;
		if (left <= 0 || ProcDiePending)
			goto fail;
		events = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_CONNECTED | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								   sock, left, PG_WAIT_EXTENSION);
		if (events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		if (events & WL_SOCKET_CONNECTED)
			break;
	}
	if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return sock;
	errno = error;
fail:
	error = errno;
	close(sock);
	errno = error;
	return -1;
}

static int
connect_host(const char *host, int port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	char		service[16];
	int			sock = -1;
	int			ret;

	snprintf(service, sizeof(service), "%d", port);
	/* its time is limited by resolv.conf */
	ret = getaddrinfo(host, service, &hints, &list);
	if (ret != 0)
	{
		snprintf(last_error, sizeof(last_error), "could not find the host: %s", gai_strerror(ret));
		return -1;
	}
	for (struct addrinfo *addr = list; addr && sock < 0; addr = addr->ai_next)
		sock = connect_address(addr);
	if (sock < 0)
		snprintf(last_error, sizeof(last_error), "could not connect: %s", strerror(errno));
	freeaddrinfo(list);
	return sock;
}

static bool
open_socket(const struct amqp_connection_info *info)
{
	struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_MS / 1000};
	amqp_socket_t *sock;
	int			fd;
	int			status;

	if (!info->ssl)
	{
		fd = connect_host(info->host, info->port);
		if (fd < 0)
			return false;
		sock = amqp_tcp_socket_new(connection);
		if (sock == NULL)
		{
			close(fd);
			return failed("out of memory");
		}
		amqp_tcp_socket_set_sockfd(sock, fd);
		return true;
	}
	sock = amqp_ssl_socket_new(connection);
	if (sock == NULL)
		return failed("TLS: no memory");
	if (SSL_CTX_set_default_verify_paths(amqp_ssl_socket_get_context(sock)) != 1)
		return failed("TLS: no certificates of authorities");
	amqp_ssl_socket_set_verify_peer(sock, 1);
	amqp_ssl_socket_set_verify_hostname(sock, 1);
	status = amqp_socket_open_noblock(sock, info->host, info->port, &timeout);
	if (status != AMQP_STATUS_OK)
		return failed_status("could not connect", status);
	return true;
}

/* Logs in, opens the channel, declares the exchange, asks for confirmations. */
static bool
introduce(const struct amqp_connection_info *info, const BrokerConfig *config)
{
	amqp_table_entry_t entry = {
		.key = amqp_cstring_bytes("connection_name"),
		.value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("wazo_auth relay")},
	};
	amqp_table_t properties = {.num_entries = 1, .entries = &entry};
	/* kombu, which upstream uses, knows no empty virtual host */
	const char *vhost = info->vhost[0] ? info->vhost : "/";
	amqp_rpc_reply_t reply;

	reply = amqp_login_with_properties(connection, vhost, AMQP_DEFAULT_MAX_CHANNELS, FRAME_MAX, HEARTBEAT_S,
									   &properties, AMQP_SASL_METHOD_PLAIN, info->user, info->password);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return failed_reply("could not log in", reply);
	(void) amqp_channel_open(connection, CHANNEL);
	reply = amqp_get_rpc_reply(connection);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return failed_reply("could not open a channel", reply);
	(void) amqp_exchange_declare(connection, CHANNEL, amqp_cstring_bytes(config->exchange_name),
								 amqp_cstring_bytes(config->exchange_type),
								 0 /* passive */ , 1 /* durable */ , 0 /* auto-delete */ ,
								 0 /* internal */ , amqp_empty_table);
	reply = amqp_get_rpc_reply(connection);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return failed_reply("could not declare the exchange", reply);
	(void) amqp_confirm_select(connection, CHANNEL);
	reply = amqp_get_rpc_reply(connection);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return failed_reply("could not turn on confirmations", reply);
	return true;
}

/*
 * broker_connect
 *
 * Returns whether there is a connection now; broker_error() says why not.  The
 * exchange is declared as upstream declares it: durable, not auto-delete
 * (contract: events.md section 1).
 */
bool
broker_connect(const BrokerConfig *config)
{
	struct timeval timeout = {.tv_sec = CALL_TIMEOUT_MS / 1000};
	struct amqp_connection_info info;
	char	   *uri;
	bool		ok = false;

	broker_disconnect();
	strlcpy(exchange, config->exchange_name, sizeof(exchange));
	uri = pstrdup(config->uri);
	if (amqp_parse_url(uri, &info) != AMQP_STATUS_OK)
	{
		(void) failed("amqp.uri is not a valid URI");
		goto done;
	}
	connection = amqp_new_connection();
	if (connection == NULL)
	{
		(void) failed("out of memory");
		goto done;
	}
	(void) amqp_set_handshake_timeout(connection, &timeout);
	(void) amqp_set_rpc_timeout(connection, &timeout);
	if (!open_socket(&info))
	{
		/* it has left its words */
		broker_disconnect();
		goto done;
	}
	watch_begin(amqp_get_sockfd(connection), CALL_TIMEOUT_MS);
	ok = introduce(&info, config);
	watch_end();
	next_tag = 1;
done:
	/* there is a password in it */
	explicit_bzero(uri, strlen(config->uri));
	pfree(uri);
	return ok;
}

/* Settles the messages up to this tag. */
static void
settle(BrokerMessage **messages, int n, uint64 first_tag, uint64 tag, bool multiple,
	   BrokerOutcome outcome, int *pending)
{
	for (int i = 0; i < n; i++)
	{
		uint64		t = first_tag + i;

		if (messages[i]->outcome != BROKER_PENDING || (multiple ? t > tag : t != tag))
			continue;
		messages[i]->outcome = outcome;
		if (outcome == BROKER_REFUSED)
			messages[i]->error = "the broker did not take it (basic.nack)";
		(*pending)--;
	}
}

/*
 * Reads what the broker has sent, without waiting.  *pending is lowered by the
 * messages settled.  Returns false when the connection is lost; a channel that
 * was closed because of the only message under way refuses that message.
 */
static bool
read_frames(BrokerMessage **messages, int n, uint64 first_tag, int *pending)
{
	for (;;)
	{
		struct timeval now = {0, 0};
		amqp_frame_t frame;
		int			status = amqp_simple_wait_frame_noblock(connection, &frame, &now);

		if (status == AMQP_STATUS_TIMEOUT)
			return true;
		if (status != AMQP_STATUS_OK)
			return failed_status("connection lost", status);
		if (frame.frame_type != AMQP_FRAME_METHOD)
			continue;
		switch (frame.payload.method.id)
		{
			case AMQP_BASIC_ACK_METHOD:
				{
					amqp_basic_ack_t *m = frame.payload.method.decoded;

					settle(messages, n, first_tag, m->delivery_tag, m->multiple, BROKER_CONFIRMED, pending);
					break;
				}
			case AMQP_BASIC_NACK_METHOD:
				{
					amqp_basic_nack_t *m = frame.payload.method.decoded;

					settle(messages, n, first_tag, m->delivery_tag, m->multiple, BROKER_REFUSED, pending);
					break;
				}
			case AMQP_CHANNEL_CLOSE_METHOD:
				{
					amqp_channel_close_t *m = frame.payload.method.decoded;
					int			code = m->reply_code;

					describe_close(last_error, sizeof(last_error), "channel closed", code, m->reply_text);
					/* not for an exchange that somebody has deleted */
					if (n == 1 && *pending == 1 && code != AMQP_NOT_FOUND)
					{
						messages[0]->outcome = BROKER_REFUSED;
						messages[0]->error = pstrdup(last_error);
					}
					broker_disconnect();
					return false;
				}
			case AMQP_CONNECTION_CLOSE_METHOD:
				{
					amqp_connection_close_t *m = frame.payload.method.decoded;

					describe_close(last_error, sizeof(last_error), "connection closed", m->reply_code, m->reply_text);
					broker_disconnect();
					return false;
				}
			default:
				break;
		}
		amqp_maybe_release_buffers(connection);
	}
}

/* Gives one message to the library. */
static int
publish_one(const BrokerMessage *message, const BrokerHeaders *headers)
{
	amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
			AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
			AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
		.content_type = amqp_cstring_bytes("application/json"),
		.content_encoding = amqp_cstring_bytes("utf-8"),
		.headers = headers->table,
		.delivery_mode = AMQP_DELIVERY_PERSISTENT,
		.priority = 0,
		.message_id = amqp_cstring_bytes(message->message_id),
	};
	amqp_bytes_t body = {.len = message->body_len, .bytes = unconstify(char *, message->body)};

	return amqp_basic_publish(connection, CHANNEL, amqp_cstring_bytes(exchange),
							  amqp_cstring_bytes(message->routing_key),
							  0 /* mandatory */ , 0 /* immediate */ , &properties, body);
}

/* Why the protocol cannot carry a message, or NULL. */
static const char *
unfit(const BrokerMessage *message)
{
	if (strlen(message->routing_key) > SHORT_STRING_MAX)
		return "the routing key is longer than 255 bytes";
	if (message->headers_len > HEADERS_MAX)
		return "the headers do not fit into a frame";
	return NULL;
}

/*
 * Sends the messages that the protocol can carry; the others are refused.
 * Leaves those sent in sent[] and returns false when the connection is lost.
 */
static bool
send_messages(BrokerMessage **messages, int n, BrokerMessage **sent, int *n_sent)
{
	bool		ok = true;

	watch_begin(amqp_get_sockfd(connection), CALL_TIMEOUT_MS);
	for (int i = 0; i < n && ok; i++)
	{
		BrokerMessage *message = messages[i];
		BrokerHeaders headers;
		int			status;

		message->error = unfit(message);
		if (message->error == NULL)
			message->error = broker_headers_parse(message->headers, message->headers_len, &headers);
		if (message->error)
		{
			message->outcome = BROKER_REFUSED;
			continue;
		}
		status = publish_one(message, &headers);
		if (status != AMQP_STATUS_OK)
			ok = failed_status("could not publish", status);
		else
		{
			sent[(*n_sent)++] = message;
			next_tag++;
		}
	}
	watch_end();
	return ok;
}

/*
 * broker_publish
 *
 * Publishes messages in their order and waits for their confirmations.  What
 * the protocol cannot carry is refused and not sent.  Returns false when the
 * connection is lost; each message then has the outcome known by that time.
 * Ends the process when it is to be terminated.
 */
bool
broker_publish(BrokerMessage **messages, int n)
{
	BrokerMessage **sent = palloc(sizeof(BrokerMessage *) * Max(n, 1));
	uint64		first_tag = next_tag;
	int			n_sent = 0;
	bool		ok;
	TimestampTz end;
	int			pending;

	for (int i = 0; i < n; i++)
		messages[i]->outcome = BROKER_PENDING;
	ok = send_messages(messages, n, sent, &n_sent);
	pending = n_sent;
	end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONFIRM_TIMEOUT_MS);
	while (ok && pending > 0)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
		int			events;

		watch_begin(amqp_get_sockfd(connection), CALL_TIMEOUT_MS);
		ok = read_frames(sent, n_sent, first_tag, &pending);
		watch_end();
		if (!ok || pending == 0)
			break;
		if (left <= 0)
		{
			ok = failed("the broker does not confirm");
			break;
		}
		events = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								   amqp_get_sockfd(connection), left, PG_WAIT_EXTENSION);
		if (events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			worker_check_interrupts();
		}
	}
	return ok;
}

/*
 * broker_idle
 *
 * Handles what the broker has sent meanwhile, and sends it a heartbeat when one
 * is due.  Returns false when the connection is lost.
 */
bool
broker_idle(void)
{
	int			pending = 0;
	bool		ok;

	if (connection == NULL)
		return false;
	watch_begin(amqp_get_sockfd(connection), CALL_TIMEOUT_MS);
	ok = read_frames(NULL, 0, 0, &pending);
	watch_end();
	return ok;
}
