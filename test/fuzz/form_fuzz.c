/*
 * form_fuzz.c
 *	  libFuzzer target: the body of a form.  What is read of one, written by the
 *	  book, reads the same; names are there and differ.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/form_body.h"
#include "require.h"

static void
same(const FormBody *a, const FormBody *b)
{
	require(a->nfields == b->nfields);
	for (int i = 0; i < a->nfields; i++)
	{
		require(a->name[i].len == b->name[i].len && a->value[i].len == b->value[i].len);
		require(memcmp(a->name[i].s, b->name[i].s, a->name[i].len) == 0);
		require(memcmp(a->value[i].s, b->value[i].s, a->value[i].len) == 0);
	}
}

static void
check_fields(const FormBody *form, size_t size)
{
	size_t		total = 0;

	require(form->nfields >= 0 && form->nfields <= FORM_MAX_FIELDS);
	for (int i = 0; i < form->nfields; i++)
	{
		require(form->name[i].len > 0);
		total += form->name[i].len + form->value[i].len;
		for (int j = 0; j < i; j++)
			require(form->name[i].len != form->name[j].len ||
					memcmp(form->name[i].s, form->name[j].s, form->name[i].len) != 0);
	}
	require(total <= size);
}

static char *
escape(char *out, HttpSpan span)
{
	for (size_t i = 0; i < span.len; i++)
		out += sprintf(out, "%%%02X", (unsigned char) span.s[i]);
	return out;
}

static void
urlencoded_again(const FormBody *form, size_t size)
{
	char	   *text = malloc(3 * size + 2 * FORM_MAX_FIELDS + 1);
	char	   *buf = malloc(3 * size + 2 * FORM_MAX_FIELDS + 1);
	char	   *end = text;
	FormBody	second;

	for (int i = 0; i < form->nfields; i++)
	{
		end = escape(end, form->name[i]);
		*end++ = '=';
		end = escape(end, form->value[i]);
		*end++ = '&';
	}
	require(form_urlencoded(text, (size_t) (end - text), buf, &second));
	same(form, &second);
	free(text);
	free(buf);
}

static void
multipart_again(const FormBody *form, size_t size, HttpSpan boundary)
{
	static const char head[] = "\r\nContent-Disposition: form-data; name=\"";
	char	   *text = malloc(size + (FORM_MAX_FIELDS + 1) * (sizeof(head) + boundary.len + 16));
	char	   *end = text;
	FormBody	second;

	for (int i = 0; i < form->nfields; i++)
	{
		end += sprintf(end, "%s--%.*s%s", i ? "\r\n" : "", (int) boundary.len, boundary.s, head);
		memcpy(end, form->name[i].s, form->name[i].len);
		end += form->name[i].len;
		end += sprintf(end, "\"\r\n\r\n");
		memcpy(end, form->value[i].s, form->value[i].len);
		end += form->value[i].len;
	}
	end += sprintf(end, "%s--%.*s--", form->nfields ? "\r\n" : "", (int) boundary.len, boundary.s);
	require(form_multipart(text, (size_t) (end - text), boundary, &second));
	same(form, &second);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *) data;
	const char *line = memchr(s, '\n', size);
	size_t		type_len = line ? (size_t) (line - s) : size;
	const char *body = line ? line + 1 : s + size;
	size_t		len = size - (size_t) (body - s);
	char	   *buf = malloc(len + 1);
	FormBody	form;
	HttpSpan	boundary;

	/* the first line is the type, so that the boundary is found, too */
	switch (form_kind(s, type_len, &boundary))
	{
		case FORM_URLENCODED:
			if (form_urlencoded(body, len, buf, &form))
			{
				check_fields(&form, len);
				urlencoded_again(&form, len);
			}
			break;
		case FORM_MULTIPART:
			if (form_multipart(body, len, boundary, &form))
			{
				check_fields(&form, len);
				multipart_again(&form, len, boundary);
			}
			break;
		case FORM_NONE:
			break;
	}
	free(buf);
	return 0;
}
