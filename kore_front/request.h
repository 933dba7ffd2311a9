/*
 * request.h: an HTTP/1.x request as it was read.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_REQUEST_H
#define WAZO_AUTH_FRONT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fixed: clients of this API come nowhere near them. */
#define REQUEST_MAX_HEADERS 100
#define REQUEST_MAX_TARGET 8192
#define REQUEST_MAX_LINE (REQUEST_MAX_TARGET + 64)
#define REQUEST_MAX_HEADER_BLOCK 16384
#define REQUEST_MAX_METHOD 32

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
	uint32_t	authority;		/* of a target in absolute form; it stands for the header Host */
	uint32_t	authority_len;	/* 0: none */
	uint32_t	head_len;		/* up to and with the empty line */
	uint64_t	body_len;
	int			n_headers;
	int			origin;			/* index of the header, -1: none */
	int			traceparent;
	bool		http_1_0;
	bool		keep_alive;
	bool		expect_continue;
	bool		chunked;		/* the body is; body_len grows as it is read */
	bool		is_head;
	bool		is_options;
	RequestHeader headers[REQUEST_MAX_HEADERS];
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
extern bool request_is_token(const char *s, size_t len);
extern bool request_is_field(const char *s, size_t len);
extern bool request_method_is(const Request *req, const char *buf, const char *method);
extern const RequestHeader *request_header(const Request *req, const char *buf, const char *name);

#endif
