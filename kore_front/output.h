/*
 * output.h: writing to a socket that may take less than there is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_OUTPUT_H
#define WAZO_AUTH_FRONT_OUTPUT_H

#include <stdbool.h>

#include "bytes.h"

typedef struct Output
{
	Bytes		kept;			/* what the socket did not take yet */
	size_t		pos;			/* how much of it has gone since */
} Output;

extern bool output_send(Output *out, int fd, const char *data, size_t len);
extern bool output_ready(Output *out, int fd, bool *moved);
extern void output_free(Output *out);

#endif
