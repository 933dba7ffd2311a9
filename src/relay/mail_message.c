/*
 * mail_message.c
 *	  Makes the text of a mail as it goes to the mail server (RFC 5322, 2047).
 *
 * The headers are those of the Python server in its order (contract: mail.md,
 * SMTP), then Date and Message-ID.  Nothing that comes from outside can begin a
 * header of its own: control characters become blanks in names and subjects,
 * and are refused in addresses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <time.h>

#include "common/base64.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"

/* RFC 5321: a path, without its angle brackets */
#define MAX_ADDRESS		254

/*
 * RFC 5322: longest line; RFC 2047: longest encoded word, such that its line has
 * at most 76 characters with the header's name; RFC 2045: base64
 */
#define MAX_LINE		998
#define MAX_WORD		64
#define BASE64_LINE		76

PG_FUNCTION_INFO_V1(wazo_auth_mail_message);
PG_FUNCTION_INFO_V1(wazo_auth_is_mail_address);

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
is_ascii(const char *s, int len)
{
	for (int i = 0; i < len; i++)
		if ((unsigned char) s[i] >= 0x80)
			return false;
	return true;
}

/* Where the domain of an address begins, at its "@"; -1 for none. */
static int
find_at(const char *s, int len)
{
	while (--len >= 0 && s[len] != '@')
		;
	return len;
}

/*
 * What may stand in an envelope without meaning anything else there.  Whether
 * it is an address that exists is for the mail server to say.
 */
static bool
is_address(const char *s, int len)
{
	int			at = find_at(s, len);
	bool		quoted;

	if (len > MAX_ADDRESS || at < 1 || at == len - 1)
		return false;
	for (int i = 0; i < len; i++)
		if (is_control(s[i]) || strchr(" <>\\", s[i]))
			return false;
	quoted = at > 1 && s[0] == '"' && s[at - 1] == '"';
	for (int i = quoted ? 1 : 0; i < at - (quoted ? 1 : 0); i++)
		if (strchr(quoted ? "\"" : ",;:\"()[]@", s[i]))
			return false;
	for (int i = at + 1; i < len; i++)
		if (strchr(",;\"()", s[i]))
			return false;
	return true;
}

/* A copy whose control characters are blanks. */
static text *
one_line(const text *value)
{
	int			len = VARSIZE_ANY_EXHDR(value);
	text	   *copy = cstring_to_text_with_len(VARDATA_ANY(value), len);

	for (int i = 0; i < len; i++)
		if (is_control(VARDATA(copy)[i]))
			VARDATA(copy)[i] = ' ';
	return copy;
}

static void
append_base64(StringInfo out, const char *s, int len)
{
	int			size = pg_b64_enc_len(len);
	int			n;

	enlargeStringInfo(out, size);
	n = base64_encode(s, len, out->data + out->len, size);
	if (n < 0)
		elog(ERROR, "base64 needs more room than it says");
	out->len += n;
	out->data[out->len] = '\0';
}

/* Encoded words, each of whole characters, on a line each. */
static void
append_encoded(StringInfo out, const char *s, int len)
{
	static const char head[] = "=?utf-8?b?";
	int			room = (MAX_WORD - (int) strlen(head) - 2) / 4 * 3;
	bool		first = true;

	while (len > 0)
	{
		int			part = pg_mbcliplen(s, len, room);

		appendStringInfo(out, "%s%s", first ? "" : "\r\n ", head);
		append_base64(out, s, part);
		appendStringInfoString(out, "?=");
		s += part;
		len -= part;
		first = false;
	}
}

/* Text of a header, encoded where it has to be. */
static void
append_text(StringInfo out, const text *value)
{
	const text *line = one_line(value);
	const char *s = VARDATA_ANY(line);
	int			len = VARSIZE_ANY_EXHDR(line);

	if (is_ascii(s, len) && len < MAX_LINE - 20)
		appendBinaryStringInfo(out, s, len);
	else
		append_encoded(out, s, len);
}

/* name <address>, or the address alone */
static void
append_mailbox(StringInfo out, const text *name, const text *address)
{
	const char *addr = VARDATA_ANY(address);
	int			addr_len = VARSIZE_ANY_EXHDR(address);
	const char *s;
	int			len;
	bool		quoted = false;

	if (!is_address(addr, addr_len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an address of the mail cannot be used")));
	if (name == NULL || VARSIZE_ANY_EXHDR(name) == 0)
	{
		appendBinaryStringInfo(out, addr, addr_len);
		return;
	}
	name = one_line(name);
	s = VARDATA_ANY(name);
	len = VARSIZE_ANY_EXHDR(name);
	if (!is_ascii(s, len))
		append_encoded(out, s, len);
	else
	{
		for (int i = 0; i < len && !quoted; i++)
			quoted = strchr("][\\()<>@,:;\".", s[i]) != NULL;
		if (quoted)
			appendStringInfoChar(out, '"');
		for (int i = 0; i < len; i++)
		{
			if (s[i] == '\\' || s[i] == '"')
				appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, s[i]);
		}
		if (quoted)
			appendStringInfoChar(out, '"');
	}
	appendStringInfoString(out, " <");
	appendBinaryStringInfo(out, addr, addr_len);
	appendStringInfoChar(out, '>');
}

/* In UTC, with English names whatever the locale is. */
static void
append_date(StringInfo out, TimestampTz when)
{
	static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const month[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	time_t		seconds = (time_t) timestamptz_to_time_t(when);
	struct tm	tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		elog(ERROR, "a mail has no date");
	appendStringInfo(out, "%s, %02d %s %d %02d:%02d:%02d +0000", day[tm.tm_wday], tm.tm_mday,
					 month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The body with CR LF at the end of each line, the last one too. */
static void
normalize_body(StringInfo out, const text *body)
{
	const char *s = VARDATA_ANY(body);
	int			len = VARSIZE_ANY_EXHDR(body);

	for (int i = 0; i < len; i++)
	{
		if (s[i] == '\r' || s[i] == '\n')
		{
			if (s[i] == '\r' && i + 1 < len && s[i + 1] == '\n')
				i++;
			appendStringInfoString(out, "\r\n");
		}
		else
			appendStringInfoChar(out, s[i]);
	}
	if (out->len == 0 || out->data[out->len - 1] != '\n')
		appendStringInfoString(out, "\r\n");
}

/* May it go as it is, in 7 bits and lines that every server takes? */
static bool
is_plain(const StringInfoData *body)
{
	int			line = 0;

	for (int i = 0; i < body->len; i++)
	{
		line = body->data[i] == '\n' ? 0 : line + 1;
		if (line > MAX_LINE)
			return false;
	}
	return is_ascii(body->data, body->len);
}

static void
append_body(StringInfo out, const StringInfoData *body)
{
	StringInfoData encoded;

	if (is_plain(body))
	{
		appendBinaryStringInfo(out, body->data, body->len);
		return;
	}
	initStringInfo(&encoded);
	append_base64(&encoded, body->data, body->len);
	for (int i = 0; i < encoded.len; i += BASE64_LINE)
	{
		appendBinaryStringInfo(out, encoded.data + i, Min(BASE64_LINE, encoded.len - i));
		appendStringInfoString(out, "\r\n");
	}
}

/*
 * wazo_auth.mail_message(from_name text, from_address text, to_name text,
 *						  to_address text, subject text, body text,
 *						  date timestamptz, message_id text) returns text
 *
 * message_id: the part before the @, of the caller's making; what follows it
 * is the domain of from_address.  Raises 22023 for an address that could not
 * stand in an envelope.
 */
Datum
wazo_auth_mail_message(PG_FUNCTION_ARGS)
{
	const text *from_address;
	StringInfoData out;
	StringInfoData body;
	int			at;

	for (int i = 0; i < 8; i++)
		if (i != 0 && i != 2 && PG_ARGISNULL(i))
			PG_RETURN_NULL();
	from_address = PG_GETARG_TEXT_PP(1);
	initStringInfo(&body);
	normalize_body(&body, PG_GETARG_TEXT_PP(5));
	initStringInfo(&out);
	if (is_plain(&body))
		appendStringInfoString(&out, "Content-Type: text/plain; charset=\"us-ascii\"\r\n"
							   "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\nTo: ");
	else
		appendStringInfoString(&out, "Content-Type: text/plain; charset=\"utf-8\"\r\n"
							   "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nTo: ");
	append_mailbox(&out, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2), PG_GETARG_TEXT_PP(3));
	appendStringInfoString(&out, "\r\nFrom: ");
	append_mailbox(&out, PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), from_address);
	appendStringInfoString(&out, "\r\nSubject: ");
	append_text(&out, PG_GETARG_TEXT_PP(4));
	appendStringInfoString(&out, "\r\nDate: ");
	append_date(&out, PG_GETARG_TIMESTAMPTZ(6));
	at = find_at(VARDATA_ANY(from_address), VARSIZE_ANY_EXHDR(from_address));
	appendStringInfo(&out, "\r\nMessage-ID: <%s%.*s>\r\n\r\n", text_to_cstring(PG_GETARG_TEXT_PP(7)),
					 (int) VARSIZE_ANY_EXHDR(from_address) - at, VARDATA_ANY(from_address) + at);
	append_body(&out, &body);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * wazo_auth.is_mail_address(address text) returns boolean
 *
 * Can it stand in an envelope and in a header?
 */
Datum
wazo_auth_is_mail_address(PG_FUNCTION_ARGS)
{
	const text *address = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(is_address(VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address)));
}
