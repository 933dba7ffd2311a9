/*
 * broker_greeting.c
 *	  What is said before a broker takes messages: the login, what both sides
 *	  can, the exchange.
 *
 * The exchange is declared as upstream declares it: durable, not auto-delete
 * (contract: events.md section 1).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "relay/broker_greeting.h"

#define HEARTBEAT_S			30
#define FRAME_MAX			131072

/* what the protocol allows before the sides have agreed on more */
#define FRAME_MIN			4096

/*
 * What is sent next in the greeting once the broker has answered with this
 * method; the answers come in this order.
 */
typedef enum Greeting
{
	AWAIT_START,
	AWAIT_TUNE,
	AWAIT_OPEN_OK,
	AWAIT_CHANNEL_OPEN_OK,
	AWAIT_EXCHANGE_DECLARE_OK,
	AWAIT_CONFIRM_SELECT_OK,
	GREETED
} Greeting;

static const struct
{
	amqp_method_number_t answer;
	const char *failure;		/* what it means when something else comes */
}			greetings[] = {
	[AWAIT_START] = {AMQP_CONNECTION_START_METHOD, "could not connect"},
	[AWAIT_TUNE] = {AMQP_CONNECTION_TUNE_METHOD, "could not log in"},
	[AWAIT_OPEN_OK] = {AMQP_CONNECTION_OPEN_OK_METHOD, "could not log in"},
	[AWAIT_CHANNEL_OPEN_OK] = {AMQP_CHANNEL_OPEN_OK_METHOD, "could not open a channel"},
	[AWAIT_EXCHANGE_DECLARE_OK] = {AMQP_EXCHANGE_DECLARE_OK_METHOD, "could not declare the exchange"},
	[AWAIT_CONFIRM_SELECT_OK] = {AMQP_CONFIRM_SELECT_OK_METHOD, "could not turn on confirmations"},
	[GREETED] = {0, NULL},
};

static Greeting greeting;
static BrokerTerms terms;
static const struct amqp_connection_info *login;
static const char *exchange_name;
static const char *exchange_type;

/* Begins; what is given lives as long as the connection. */
void
greeting_start(const struct amqp_connection_info *info, const char *name, const char *type)
{
	login = info;
	exchange_name = name;
	exchange_type = type;
	greeting = AWAIT_START;
	terms = (BrokerTerms) {.frame_max = FRAME_MIN};
}

/* Does the broker take messages? */
bool
greeting_is_over(void)
{
	return greeting == GREETED;
}

/* Has the broker said anything yet? */
bool
greeting_is_answered(void)
{
	return greeting != AWAIT_START;
}

/* What it means when it does not go on; not for one that is over. */
const char *
greeting_failure(void)
{
	return greetings[greeting].failure;
}

/* What the sides have agreed on so far. */
const BrokerTerms *
greeting_terms(void)
{
	return &terms;
}

/* Returns what is wrong, or NULL. */
static const char *
put_method(StringInfo output, uint16 channel, amqp_method_number_t method, void *fields)
{
	return amqp_put_method(output, channel, method, fields, terms.frame_max) ? NULL : "it does not fit into a frame";
}

static amqp_table_entry_t
can(const char *what)
{
	amqp_table_entry_t entry = {
		.key = amqp_cstring_bytes(what),
		.value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}
	};

	return entry;
}

static amqp_table_entry_t
property(const char *name, const char *text)
{
	amqp_table_entry_t entry = {
		.key = amqp_cstring_bytes(name),
		.value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text)}
	};

	return entry;
}

/* The name and password, and what we can do. */
static const char *
put_start_ok(StringInfo output)
{
	amqp_table_entry_t capabilities[] = {
		can("authentication_failure_close"),
		can("basic.nack"),
		can("publisher_confirms"),
	};
	amqp_table_entry_t properties[] = {
		property("product", "wazo_auth"),
		property("version", WAZO_AUTH_VERSION),
		property("connection_name", "wazo_auth relay"),
		{
			.key = amqp_cstring_bytes("capabilities"),
			.value.kind = AMQP_FIELD_KIND_TABLE,
			.value.value.table = {.num_entries = lengthof(capabilities), .entries = capabilities}
		},
	};
	const char *error;
	size_t		user_len = strlen(login->user);
	size_t		password_len = strlen(login->password);
	amqp_connection_start_ok_t start_ok = {
		.client_properties = {.num_entries = lengthof(properties), .entries = properties},
		.mechanism = amqp_cstring_bytes("PLAIN"),
		.response = {.len = user_len + password_len + 2},
		.locale = amqp_cstring_bytes("en_US"),
	};
	char	   *response = palloc0(start_ok.response.len);

	memcpy(response + 1, login->user, user_len);
	memcpy(response + user_len + 2, login->password, password_len);
	start_ok.response.bytes = response;
	error = put_method(output, 0, AMQP_CONNECTION_START_OK_METHOD, &start_ok);
	explicit_bzero(response, user_len + password_len + 2);
	pfree(response);
	return error;
}

/* Agrees on what the broker offers, up to what we want. */
static const char *
put_tune_ok(StringInfo output, const amqp_connection_tune_t *tune)
{
	amqp_connection_tune_ok_t tune_ok = {
		.channel_max = tune->channel_max ? Min(tune->channel_max, BROKER_CHANNEL) : BROKER_CHANNEL,
		.frame_max = tune->frame_max ? Max(Min(tune->frame_max, FRAME_MAX), FRAME_MIN) : FRAME_MAX,
		.heartbeat = tune->heartbeat ? Min(tune->heartbeat, HEARTBEAT_S) : HEARTBEAT_S,
	};

	/* kombu, which upstream uses, knows no empty virtual host */
	amqp_connection_open_t open = {
		.virtual_host = amqp_cstring_bytes(login->vhost[0] ? login->vhost : "/"),
	};

	const char *error;

	terms.frame_max = tune_ok.frame_max;
	terms.heartbeat_ms = tune_ok.heartbeat * 1000;
	error = put_method(output, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &tune_ok);
	return error ? error : put_method(output, 0, AMQP_CONNECTION_OPEN_METHOD, &open);
}

/* Answers the broker's next method with ours.  Returns what is wrong, or NULL. */
static const char *
answer(const AmqpFrame *frame, StringInfo output)
{
	amqp_channel_open_t open = {.out_of_band = amqp_empty_bytes};
	amqp_exchange_declare_t declare = {
		.exchange = amqp_cstring_bytes(exchange_name),
		.type = amqp_cstring_bytes(exchange_type),
		.durable = 1,
	};
	amqp_confirm_select_t select = {.nowait = 0};

	if (frame->method != greetings[greeting].answer)
		return "unexpected answer";
	switch (greeting)
	{
		case AWAIT_START:
			return put_start_ok(output);
		case AWAIT_TUNE:
			return put_tune_ok(output, frame->decoded);
		case AWAIT_OPEN_OK:
			return put_method(output, BROKER_CHANNEL, AMQP_CHANNEL_OPEN_METHOD, &open);
		case AWAIT_CHANNEL_OPEN_OK:
			return put_method(output, BROKER_CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, &declare);
		case AWAIT_EXCHANGE_DECLARE_OK:
			return put_method(output, BROKER_CHANNEL, AMQP_CONFIRM_SELECT_METHOD, &select);
		default:
			return NULL;
	}
}

/*
 * greeting_answer
 *
 * Appends to the output what comes after this method of the broker's.  Returns
 * what is wrong with it, which ends the connection, or NULL.
 */
const char *
greeting_answer(const AmqpFrame *frame, StringInfo output)
{
	const char *error = answer(frame, output);

	if (error == NULL)
		greeting++;
	return error;
}
