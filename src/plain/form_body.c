/*
 * form_body.c
 *	  Reads the bodies of HTML forms, urlencoded and multipart (RFC 7578).
 *
 * What is not written as the RFCs say is refused, and so is a name that comes
 * twice: another reader might take the other value.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/form_body.h"

#include <string.h>
#include <strings.h>

static bool
starts_with(HttpSpan span, const char *word)
{
	size_t		len = strlen(word);

	return span.len >= len && strncasecmp(span.s, word, len) == 0;
}

static HttpSpan
skip(HttpSpan span, size_t n)
{
	return (HttpSpan) {span.s + n, span.len - n};
}

static HttpSpan
skip_blanks(HttpSpan span)
{
	while (span.len > 0 && (*span.s == ' ' || *span.s == '\t'))
		span = skip(span, 1);
	return span;
}

/* Takes a token or a quoted string off *rest; its text, as written between the quotes. */
static bool
take_value(HttpSpan *rest, HttpSpan *value)
{
	size_t		n = 0;

	if (rest->len > 0 && *rest->s == '"')
	{
		for (n = 1; n < rest->len && rest->s[n] != '"'; n++)
			if (rest->s[n] == '\\')
				n++;
		if (n >= rest->len)
			return false;
		*value = (HttpSpan) {rest->s + 1, n - 1};
		*rest = skip(*rest, n + 1);
		return true;
	}
	while (n < rest->len && strchr(" \t;,\"\\", rest->s[n]) == NULL)
		n++;
	*value = (HttpSpan) {rest->s, n};
	*rest = skip(*rest, n);
	return n > 0;
}

/*
 * Takes "; name=value" off *rest.  False at the end of the list, or where there
 * is something else; that is told apart by what is left.
 */
static bool
take_parameter(HttpSpan *rest, HttpSpan *name, HttpSpan *value)
{
	HttpSpan	s = skip_blanks(*rest);
	size_t		n = 0;

	*rest = s;
	if (s.len == 0 || *s.s != ';')
		return false;
	s = skip_blanks(skip(s, 1));
	while (n < s.len && s.s[n] != '=' && s.s[n] != ';' && s.s[n] != '"')
		n++;
	if (n == 0 || n == s.len || s.s[n] != '=')
		return false;
	*name = (HttpSpan) {s.s, n};
	s = skip(s, n + 1);
	if (!take_value(&s, value))
		return false;
	*rest = s;
	return true;
}

static bool
is_name(HttpSpan span, const char *name)
{
	return span.len == strlen(name) && strncasecmp(span.s, name, span.len) == 0;
}

static bool
boundary_valid(HttpSpan boundary)
{
	if (boundary.len == 0 || boundary.len > FORM_MAX_BOUNDARY || boundary.s[boundary.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < boundary.len; i++)
	{
		char		c = boundary.s[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL)))
			return false;
	}
	return true;
}

/*
 * form_kind
 *
 * What the value of a Content-Type says.  FORM_MULTIPART sets *boundary; it
 * points into the value, and is empty where there is no good one.
 */
FormKind
form_kind(const char *type, size_t len, HttpSpan *boundary)
{
	static const char urlencoded[] = "application/x-www-form-urlencoded";
	static const char multipart[] = "multipart/form-data";
	HttpSpan	rest = {type, len};
	HttpSpan	name;
	HttpSpan	value;

	*boundary = (HttpSpan) {type, 0};
	if (starts_with(rest, urlencoded))
		return FORM_URLENCODED;
	if (!starts_with(rest, multipart))
		return FORM_NONE;
	rest = skip(rest, strlen(multipart));
	while (take_parameter(&rest, &name, &value))
	{
		if (!is_name(name, "boundary"))
			continue;
		/* two of them: which one holds? */
		if (boundary->len > 0 || !boundary_valid(value))
		{
			boundary->len = 0;
			break;
		}
		*boundary = value;
	}
	return FORM_MULTIPART;
}

/* Adds a field; false for one too many, one without a name, and a second one of its name. */
static bool
add_field(FormBody *out, HttpSpan name, HttpSpan value)
{
	if (out->nfields == FORM_MAX_FIELDS || name.len == 0)
		return false;
	for (int i = 0; i < out->nfields; i++)
		if (out->name[i].len == name.len && memcmp(out->name[i].s, name.s, name.len) == 0)
			return false;
	out->name[out->nfields] = name;
	out->value[out->nfields++] = value;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes a name or a value into *buf and advances it; false for a "%" that begins no escape. */
static bool
decode(HttpSpan in, char **buf, HttpSpan *out)
{
	char	   *w = *buf;

	for (size_t i = 0; i < in.len; i++)
	{
		int			high;
		int			low;

		if (in.s[i] != '%')
		{
			*w++ = in.s[i] == '+' ? ' ' : in.s[i];
			continue;
		}
		if (in.len - i < 3 || (high = hex_digit(in.s[i + 1])) < 0 || (low = hex_digit(in.s[i + 2])) < 0)
			return false;
		*w++ = (char) (high << 4 | low);
		i += 2;
	}
	*out = (HttpSpan) {*buf, (size_t) (w - *buf)};
	*buf = w;
	return true;
}

/*
 * form_urlencoded
 *
 * Reads name=value&name=value.  buf: room for len bytes, which the spans of *out
 * point into; what they hold may be no UTF-8 and have null characters.  False
 * for what is no such body, with a name twice, or of too many fields.
 */
bool
form_urlencoded(const char *body, size_t len, char *buf, FormBody *out)
{
	const char *end = body + len;

	out->nfields = 0;
	for (const char *s = body; s < end;)
	{
		const char *amp = memchr(s, '&', (size_t) (end - s));
		const char *stop = amp ? amp : end;
		const char *eq = memchr(s, '=', (size_t) (stop - s));
		HttpSpan	name;
		HttpSpan	value;

		if (eq == NULL ||
			!decode((HttpSpan) {s, (size_t) (eq - s)}, &buf, &name) ||
			!decode((HttpSpan) {eq + 1, (size_t) (stop - eq - 1)}, &buf, &value) ||
			!add_field(out, name, value))
			return false;
		s = amp ? amp + 1 : end;
	}
	return true;
}

/* Takes the line that ends with CRLF off *rest. */
static bool
take_line(HttpSpan *rest, HttpSpan *line)
{
	const char *end = memmem(rest->s, rest->len, "\r\n", 2);

	if (end == NULL)
		return false;
	*line = (HttpSpan) {rest->s, (size_t) (end - rest->s)};
	*rest = skip(*rest, line->len + 2);
	return true;
}

/* Reads the value of Content-Disposition; *name stays empty where there is none. */
static bool
read_disposition(HttpSpan line, HttpSpan *name)
{
	static const char kind[] = "form-data";
	HttpSpan	parameter;
	HttpSpan	value;

	line = skip_blanks(line);
	if (name->len > 0 || !starts_with(line, kind))
		return false;
	line = skip(line, strlen(kind));
	while (take_parameter(&line, &parameter, &value))
	{
		if (!is_name(parameter, "name"))
			continue;
		if (name->len > 0)
			return false;
		*name = value;
	}
	return line.len == 0 && name->len > 0;
}

/* Reads the headers of a part up to the empty line, and finds its name. */
static bool
take_part_head(HttpSpan *rest, HttpSpan *name)
{
	static const char disposition[] = "Content-Disposition:";
	static const char encoding[] = "Content-Transfer-Encoding:";
	const char *start = rest->s;
	HttpSpan	line;

	*name = (HttpSpan) {start, 0};
	for (;;)
	{
		if (!take_line(rest, &line) || rest->s - start > FORM_MAX_PART_HEAD)
			return false;
		if (line.len == 0)
			return name->len > 0;
		if (starts_with(line, disposition) && !read_disposition(skip(line, strlen(disposition)), name))
			return false;
		/* RFC 7578 has none any more; what is encoded would be taken as it stands */
		if (starts_with(line, encoding))
			return false;
	}
}

/*
 * form_multipart
 *
 * Reads the parts of a multipart/form-data body, files like other fields.  The
 * spans of *out point into the body; a name is as it stands between its quotes.
 * False for what is no such body, with a name twice, or of too many fields.
 */
bool
form_multipart(const char *body, size_t len, HttpSpan boundary, FormBody *out)
{
	char		delimiter[FORM_MAX_BOUNDARY + 4];
	size_t		size = boundary.len + 4;
	HttpSpan	rest = {body, len};

	out->nfields = 0;
	if (boundary.len == 0 || boundary.len > FORM_MAX_BOUNDARY)
		return false;
	memcpy(delimiter, "\r\n--", 4);
	memcpy(delimiter + 4, boundary.s, boundary.len);
	/* the first one begins the body, without the end of a line before it */
	if (len < size - 2 || memcmp(body, delimiter + 2, size - 2) != 0)
		return false;
	rest = skip(rest, size - 2);
	for (;;)
	{
		HttpSpan	name;
		const char *end;

		if (rest.len >= 2 && memcmp(rest.s, "--", 2) == 0)
			return rest.len == 2 || (rest.len == 4 && memcmp(rest.s + 2, "\r\n", 2) == 0);
		if (rest.len < 2 || memcmp(rest.s, "\r\n", 2) != 0)
			return false;
		rest = skip(rest, 2);
		if (!take_part_head(&rest, &name))
			return false;
		end = memmem(rest.s, rest.len, delimiter, size);
		if (end == NULL || !add_field(out, name, (HttpSpan) {rest.s, (size_t) (end - rest.s)}))
			return false;
		rest = skip(rest, (size_t) (end - rest.s) + size);
	}
}
