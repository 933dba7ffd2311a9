/*
 * chunked.h: the chunked transfer coding of request bodies.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CHUNKED_H
#define WAZO_AUTH_FRONT_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNKED_MAX_LINE 512	/* bytes of a chunk's size with its extensions */
#define CHUNKED_MAX_EXTENSIONS 4096 /* bytes, of all chunks together */
#define CHUNKED_MAX_TRAILER 4096	/* bytes */

/* Where the decoder stands; zeroed before the first call for a body. */
typedef struct Chunked
{
	uint64_t	left;			/* of the current chunk */
	uint32_t	extensions;		/* bytes seen */
	uint32_t	trailer;		/* bytes seen */
	bool		in_data;		/* else at a line */
	bool		after_data;		/* CR LF of the chunk is due */
	bool		in_trailer;
} Chunked;

#define CHUNKED_MORE 0
#define CHUNKED_DONE 1

extern int	chunked_decode(Chunked *ch, char *buf, size_t *body_len, size_t *len, size_t max_body);

#endif
