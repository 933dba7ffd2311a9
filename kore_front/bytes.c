/*
 * bytes.c: a growing byte buffer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

/* Makes room for more bytes. Ends the worker when memory is out; the parent starts another one. */
void
bytes_reserve(Bytes *b, size_t more)
{
	size_t		size = b->size != 0 ? b->size : 4096;

	if (b->size - b->len >= more)
		return;
	while (size - b->len < more)
		size *= 2;
	b->data = realloc(b->data, size);
	if (b->data == NULL)
	{
		front_log(LOG_CRIT, "out of memory");
		_exit(1);
	}
	b->size = size;
}

/* Adds bytes. */
void
bytes_add(Bytes *b, const void *data, size_t len)
{
	bytes_reserve(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

/* Adds a number in decimal digits. */
void
bytes_add_number(Bytes *b, uint64_t n)
{
	char		digits[24];
	size_t		i = sizeof(digits);

	do
		digits[--i] = (char) ('0' + n % 10);
	while ((n /= 10) > 0);
	bytes_add(b, digits + i, sizeof(digits) - i);
}

/* Gives the memory back; the buffer is empty afterwards and can be used again. */
void
bytes_free(Bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* The value of a hexadecimal digit, or -1. */
int
bytes_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
