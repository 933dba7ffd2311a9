/*
 * front.h: what the files of the HTTP front share.
 *
 * The front is one process tree: a parent that watches (supervise.c) and workers that each run Kore's event loop.
 * In a worker, client.c owns the client connections, request.c reads requests, lanes.c and dbconn.c talk to
 * PostgreSQL, response.c writes answers, log.c the log.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_H
#define WAZO_AUTH_FRONT_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

/* Kore lays out its structs by its build flags; front.mk hands us the flags and the release it found. */
#ifndef FRONT_KORE_RELEASE
#error "build with front.mk, which tells which Kore this is"
#endif
#if FRONT_KORE_RELEASE != 40100
#error "the front is written for Kore 4.1.0; check kore_front/README.md before raising this"
#endif
#ifndef KORE_NO_HTTP
#error "build Kore with NOHTTP=1: the front has its own HTTP layer"
#endif

/* Limits of the request reader (fixed: clients of this API come nowhere near them). */
#define FRONT_MAX_HEADERS 100
#define FRONT_MAX_TARGET 8192
#define FRONT_MAX_REQUEST_LINE (FRONT_MAX_TARGET + 64)
#define FRONT_MAX_HEADER_BLOCK 16384
#define FRONT_MAX_METHOD 32
#define FRONT_MAX_PEER 256		/* characters of the client's address */

#define FRONT_MAX_CORS_HEADERS 64
#define FRONT_MAX_CONNECTIONS 16	/* per lane and worker */

/* ---- config.c ---- */

typedef struct FrontConfig
{
	char	   *config_file;
	char	   *user;
	char	   *listen_address;
	int			listen_port;
	char	   *database;		/* libpq connection string, may be empty */
	char	   *read_database;	/* the same for the fast lane, NULL: database */
	char	   *log_file;		/* NULL: standard error */
	int			log_level;		/* LOG_CRIT .. LOG_DEBUG */
	int			workers;
	int			num_proxies;
	bool		cors;
	char	   *cors_headers[FRONT_MAX_CORS_HEADERS];
	int			n_cors_headers;
	size_t		max_body;		/* bytes */
	int			max_in_flight;	/* requests, per lane, over all workers */
	int			max_connections;	/* client connections per worker */
	int			fast_connections;	/* database connections per worker */
	int			slow_connections;
	/* milliseconds */
	uint64_t	header_timeout;
	uint64_t	body_timeout;
	uint64_t	keepalive_timeout;
	uint64_t	request_timeout;
	uint64_t	drain_timeout;
} FrontConfig;

extern FrontConfig front_config;

extern void config_load(int argc, char **argv);

/* ---- supervise.c ---- */

extern int	supervise_listen(int *family);
extern void supervise_run(void) __attribute__((noreturn));

/* ---- request.c ---- */

typedef struct RequestHeader
{
	uint32_t	name;			/* offsets into the buffer */
	uint32_t	value;
	uint32_t	name_len;
	uint32_t	value_len;
} RequestHeader;

typedef struct Request
{
	uint32_t	method;
	uint32_t	method_len;		/* 0: the request line was not understood */
	uint32_t	target;
	uint32_t	target_len;
	uint32_t	head_len;		/* up to and with the empty line */
	uint64_t	body_len;
	int			n_headers;
	int			origin;			/* index of the header, -1: none */
	int			traceparent;
	bool		http_1_0;
	bool		keep_alive;
	bool		expect_continue;
	bool		is_head;
	bool		is_options;
	RequestHeader headers[FRONT_MAX_HEADERS];
} Request;

/* Where the search for the end of the header block stands, kept between reads. */
typedef struct RequestScan
{
	uint32_t	pos;			/* bytes looked at */
	uint32_t	line;			/* start of the current line */
	uint32_t	lines;			/* complete lines seen */
	uint32_t	first_line;		/* length of the request line with its end */
} RequestScan;

#define REQUEST_MORE 0
#define REQUEST_READY 1

extern int	request_scan(RequestScan *scan, const char *buf, size_t len);
extern int	request_parse(Request *req, const char *buf, size_t head_len, size_t max_body);
extern bool request_is_fast(const Request *req, const char *buf);
extern bool request_is_safe(const Request *req, const char *buf);
extern size_t request_peer(const Request *req, const char *buf, int num_proxies, const char *tcp_peer,
						   char *out, size_t out_size);
extern size_t text_to_utf8(const char *in, size_t len, char *out);

/* ---- log.c ---- */

extern int	log_open(void);
extern void log_worker_start(void);
extern void log_flush(void);
extern void log_request_reopen(int sig);
extern void front_log(int level, const char *fmt,...) __attribute__((format(printf, 2, 3)));
extern void log_access(const char *peer, const Request *req, const char *buf, int status, uint64_t bytes,
					   uint64_t microseconds);
extern uint64_t front_time_us(void);

/* ---- mask.c ---- */

extern size_t log_mask_target(const char *target, size_t len, char *out, size_t out_size);
extern const char *log_trace_id(const Request *req, const char *buf);

/* ---- response.c ---- */

/* Growing byte buffer; reused for every response of a worker. */
typedef struct Bytes
{
	char	   *data;
	size_t		len;
	size_t		size;
} Bytes;

extern void bytes_reserve(Bytes *b, size_t more);
extern void bytes_add(Bytes *b, const void *data, size_t len);
extern void bytes_free(Bytes *b);

extern int	response_from_row(Bytes *out, const Request *req, const char *buf, const char *row, size_t len,
							  bool close);
extern void response_error(Bytes *out, const Request *req, const char *buf, int status, bool retry_after,
						   bool close);
extern const char *response_reason(int status);

/* ---- client.c ---- */

typedef struct Client Client;

extern void client_listen(int fd, int family);
extern void client_drain(void);
extern const Request *client_request(const Client *client, const char **buf, const char **body);
extern const char *client_tcp_peer(const Client *client);
extern void client_answer_row(Client *client, const char *row, size_t len);
extern void client_answer_error(Client *client, int status, bool retry_after);

/* ---- lanes.c ---- */

/* One request on its way through the database. */
typedef struct Job Job;

extern void lanes_start(void);
extern bool lanes_settled(void);
extern Job *lanes_submit(Client *client);
extern void lanes_abandon(Job *job);
extern void lanes_stop(void);


#endif
