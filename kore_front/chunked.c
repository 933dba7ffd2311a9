/*
 * chunked.c: the chunked transfer coding of request bodies (RFC 9112, 7.1), read as strictly as the rest.
 *
 * Lines end with CR LF and nothing else. Extensions and trailers must be well formed; their size is bounded and they
 * are dropped, as the RFC allows: a server that hands the body on as one piece has no use for them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "chunked.h"

#include <string.h>

#include "bytes.h"
#include "request.h"

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static const char *
skip_token(const char *p, const char *end)
{
	while (p < end && request_is_token(p, 1))
		p++;
	return p;
}

/* The end of a quoted string that begins here, NULL if it is none. */
static const char *
skip_quoted(const char *p, const char *end)
{
	if (p == end || *p++ != '"')
		return NULL;
	for (; p < end && *p != '"'; p++)
	{
		if (*p == '\\' && ++p == end)
			return NULL;
		if (!request_is_field(p, 1))
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

/* *( BWS ";" BWS name [ BWS "=" BWS value ] ) */
static bool
extensions_ok(const char *p, const char *end)
{
	while (p < end)
	{
		const char *name;
		const char *after;

		p = skip_blanks(p, end);
		if (p == end || *p != ';')
			return false;
		name = skip_blanks(p + 1, end);
		p = skip_token(name, end);
		if (p == name)
			return false;
		after = skip_blanks(p, end);
		if (after < end && *after == '=')
		{
			const char *value = skip_blanks(after + 1, end);

			p = skip_token(value, end);
			if (p == value && (p = skip_quoted(value, end)) == NULL)
				return false;
		}
	}
	return true;
}

/* The line that begins a chunk, without its end. */
static int
read_size(Chunked *ch, const char *line, size_t len, size_t room)
{
	uint64_t	n = 0;
	size_t		i = 0;

	for (; i < len && bytes_hex_digit(line[i]) >= 0; i++)
	{
		if (i == 16)
			return 400;			/* also zeros without end */
		n = n << 4 | (uint64_t) bytes_hex_digit(line[i]);
	}
	if (i == 0 || !extensions_ok(line + i, line + len))
		return 400;
	ch->extensions += (uint32_t) (len - i);
	if (ch->extensions > CHUNKED_MAX_EXTENSIONS)
		return 431;
	if (n > room)
		return 413;
	ch->left = n;
	ch->in_data = n > 0;
	ch->in_trailer = n == 0;
	return CHUNKED_MORE;
}

/* A line of the trailer section, without its end; the empty one is the last. */
static int
read_trailer(Chunked *ch, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	if (len == 0)
		return CHUNKED_DONE;
	ch->trailer += (uint32_t) len + 2;
	if (ch->trailer > CHUNKED_MAX_TRAILER)
		return 431;
	if (colon == NULL || colon == line || !request_is_token(line, (size_t) (colon - line)) ||
		!request_is_field(colon + 1, (size_t) (line + len - colon - 1)))
		return 400;
	return CHUNKED_MORE;
}

/*
 * Takes the line at the beginning of what is there. Returns its length with its end, 0 when it is incomplete, or -1
 * with *status set.
 */
static int
take_line(const char *p, size_t len, size_t most, int too_long, int *status)
{
	const char *nl = memchr(p, '\n', len < most ? len : most);
	size_t		before = nl != NULL ? (size_t) (nl - p) : len < most ? len : most;
	const char *cr = memchr(p, '\r', before);

	/* A CR anywhere but before the LF, or an LF without one, is refused as soon as it is seen. */
	if ((cr != NULL && cr + 1 < p + before) || (nl != NULL && (nl == p || nl[-1] != '\r')))
		*status = 400;
	else if (nl == NULL && len >= most)
		*status = too_long;
	else
		return nl != NULL ? (int) (nl + 1 - p) : 0;
	return -1;
}

/* Reads the line that is due. Returns as chunked_decode(); *used: its length, 0 when it is incomplete. */
static int
read_line(Chunked *ch, const char *p, size_t len, size_t room, size_t *used)
{
	int			status = CHUNKED_MORE;
	int			line = take_line(p, len, ch->in_trailer ? CHUNKED_MAX_TRAILER : CHUNKED_MAX_LINE,
								 ch->in_trailer ? 431 : 400, &status);

	*used = 0;
	if (line < 0)
		return status;
	if (line == 0)
		return ch->after_data && len > 0 && p[0] != '\r' ? 400 : CHUNKED_MORE;
	*used = (size_t) line;
	if (ch->after_data)
	{
		ch->after_data = false;
		return line == 2 ? CHUNKED_MORE : 400;
	}
	if (ch->in_trailer)
		return read_trailer(ch, p, (size_t) line - 2);
	return read_size(ch, p, (size_t) line - 2, room);
}

/*
 * Decodes what has arrived, in place.
 * buf: *body_len bytes of the body, decoded before, and behind them what has arrived since; *len: all of it. Both are
 * brought up to date: afterwards the buffer holds the body as far as it is known and what could not be read yet, or,
 * at the end, what comes after the body. max_body: most bytes of a body.
 * Returns CHUNKED_MORE, CHUNKED_DONE, or a status: 400, 413, 431. The state of the buffer is then of no use.
 */
int
chunked_decode(Chunked *ch, char *buf, size_t *body_len, size_t *len, size_t max_body)
{
	size_t		from = *body_len;
	int			r = CHUNKED_MORE;

	while (r == CHUNKED_MORE && from < *len)
	{
		size_t		n = *len - from;

		if (ch->in_data)
		{
			if (n > ch->left)
				n = (size_t) ch->left;
			memmove(buf + *body_len, buf + from, n);
			*body_len += n;
			ch->left -= n;
			ch->in_data = ch->left > 0;
			ch->after_data = ch->left == 0;
		}
		else
		{
			r = read_line(ch, buf + from, n, max_body - *body_len, &n);
			if (n == 0)
				break;
		}
		from += n;
	}
	memmove(buf + *body_len, buf + from, *len - from);
	*len -= from - *body_len;
	return r;
}
