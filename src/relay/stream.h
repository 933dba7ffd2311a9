/*
 * stream.h
 *	  A connection over TCP, with TLS or without, that never makes anybody wait.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_STREAM_H
#define WAZO_AUTH_STREAM_H

#include "postgres.h"

#include "storage/latch.h"

typedef struct Stream Stream;

typedef enum StreamState
{
	STREAM_OPENING,				/* finding, reaching and greeting the host */
	STREAM_OPEN,
	STREAM_FAILED				/* stream_error() says why */
} StreamState;

extern Stream *stream_open(const char *host, int port, bool tls);
extern StreamState stream_drive(Stream *stream);
extern int	stream_read(Stream *stream, char *buffer, int size);
extern int	stream_write(Stream *stream, const char *data, int len);
extern const char *stream_error(const Stream *stream);
extern void stream_add_to_wait(const Stream *stream, WaitEventSet *set, bool wants_write);
extern bool stream_has_data(const Stream *stream);
extern void stream_close(Stream *stream);

#endif							/* WAZO_AUTH_STREAM_H */
