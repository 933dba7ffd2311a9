/*
 * encoding.c
 *	  How messages travel: base64, percent signs, and DEFLATE with a limit.
 *
 * Every function that makes a buffer leaves it to its caller to free, and gives
 * NULL for bytes that are not of its form.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "encoding.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CHUNK_BYTES		16384

static const char white[] = " \t\r\n";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The text without white space; its length is told. */
static char *
squeezed(const char *text, size_t len, size_t *out_len)
{
	char	   *out = malloc(len + 1);
	size_t		n = 0;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == '\0' || strchr(white, text[i]) == NULL)
			out[n++] = text[i];
	}
	out[n] = '\0';
	*out_len = n;
	return out;
}

/* Groups of four with up to two "=" at the end, and nothing else. */
static bool
is_base64(const char *text, size_t len)
{
	size_t		body = strspn(text, digits);

	return len > 0 && len % 4 == 0 && len - body <= 2 && strspn(text + body, "=") == len - body;
}

/* White space is passed over. */
xmlBuffer *
base64_decode(const char *text, size_t len)
{
	size_t		n = 0;
	char	   *digits_only = squeezed(text, len, &n);
	unsigned char *bytes = malloc(n / 4 * 3 + 1);
	xmlBuffer  *out = NULL;
	int			got;

	if (digits_only != NULL && bytes != NULL && is_base64(digits_only, n))
	{
		got = EVP_DecodeBlock(bytes, (unsigned char *) digits_only, (int) n);
		got -= (digits_only[n - 1] == '=') + (digits_only[n - 2] == '=');
		out = xmlBufferCreate();
		if (out != NULL && (got <= 0 || xmlBufferAdd(out, bytes, got) != 0))
		{
			xmlBufferFree(out);
			out = NULL;
		}
	}
	free(digits_only);
	free(bytes);
	return out;
}

/* Without line feeds. */
xmlBuffer *
base64_encode(const void *bytes, size_t len)
{
	unsigned char *text = malloc((len + 2) / 3 * 4 + 1);
	xmlBuffer  *out = xmlBufferCreate();

	if (text == NULL || out == NULL)
		abort();
	xmlBufferAdd(out, text, EVP_EncodeBlock(text, bytes, (int) len));
	free(text);
	return out;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A value of a query string; "+" is a space, as forms have it. */
xmlBuffer *
percent_decode(const Field *text)
{
	xmlBuffer  *out = xmlBufferCreate();
	bool		good = out != NULL;

	for (size_t i = 0; good && i < text->len; i++)
	{
		xmlChar		c = (xmlChar) text->data[i];

		if (c == '+')
			c = ' ';
		else if (c == '%')
		{
			int			high = i + 2 < text->len ? hex_value(text->data[i + 1]) : -1;
			int			low = i + 2 < text->len ? hex_value(text->data[i + 2]) : -1;

			good = high >= 0 && low >= 0 && (high | low) != 0;
			c = (xmlChar) (high * 16 + low);
			i += 2;
		}
		good = good && xmlBufferAdd(out, &c, 1) == 0;
	}
	if (!good)
	{
		xmlBufferFree(out);
		return NULL;
	}
	return out;
}

/* All but what RFC 3986 calls unreserved. */
void
percent_encode(xmlBuffer *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];
		xmlChar		escape[3] = {'%', (xmlChar) hex[c >> 4], (xmlChar) hex[c & 15]};
		bool		plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '.' || c == '_' || c == '~';

		xmlBufferAdd(out, plain ? &c : escape, plain ? 1 : 3);
	}
}

/* Inflates until the end of the stream, which must be that of the bytes, or until out has more than max. */
static bool
inflate_all(z_stream *z, xmlBuffer *out, size_t max)
{
	unsigned char chunk[CHUNK_BYTES];
	int			status = Z_OK;

	while (status == Z_OK && (size_t) xmlBufferLength(out) <= max)
	{
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		status = inflate(z, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END)
			return false;
		if (xmlBufferAdd(out, chunk, (int) (sizeof(chunk) - z->avail_out)) != 0)
			return false;
	}
	return status == Z_OK || z->avail_in == 0;
}

/*
 * The bytes of a raw DEFLATE stream; NULL when it is none, or too_large when
 * they are more than max: no more than that is ever unpacked.
 */
xmlBuffer *
inflate_limited(const xmlBuffer *deflated, size_t max, bool *too_large)
{
	z_stream	z = {0};
	xmlBuffer  *out = xmlBufferCreate();
	bool		good;

	*too_large = false;
	if (out == NULL || inflateInit2(&z, -MAX_WBITS) != Z_OK)
		abort();
	z.next_in = (unsigned char *) xmlBufferContent(deflated);
	z.avail_in = (unsigned int) xmlBufferLength(deflated);
	good = inflate_all(&z, out, max);
	inflateEnd(&z);
	*too_large = good && (size_t) xmlBufferLength(out) > max;
	if (!good || *too_large)
	{
		xmlBufferFree(out);
		return NULL;
	}
	return out;
}

/* As a raw DEFLATE stream. */
xmlBuffer *
deflated(const char *bytes, size_t len)
{
	z_stream	z = {0};
	xmlBuffer  *out = xmlBufferCreate();
	unsigned char *packed;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (unsigned char *) bytes;
	z.avail_in = (unsigned int) len;
	z.avail_out = (unsigned int) deflateBound(&z, len);
	packed = malloc(z.avail_out);
	z.next_out = packed;
	if (out == NULL || packed == NULL || deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	xmlBufferAdd(out, packed, (int) z.total_out);
	deflateEnd(&z);
	free(packed);
	return out;
}
