/*
 * amqp_frame.c
 *	  Frames of AMQP 0-9-1, written to and read from buffers.
 *
 * librabbitmq encodes and decodes the fields of methods and properties; its own
 * way of sending and receiving them waits for the broker, so it is not used.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "relay/amqp_frame.h"

/* type, channel, size */
#define FRAME_HEAD			7

static void
put_uint8(StringInfo out, uint8 n)
{
	appendStringInfoCharMacro(out, (char) n);
}

static void
put_uint16(StringInfo out, uint16 n)
{
	n = pg_hton16(n);
	appendBinaryStringInfo(out, (char *) &n, sizeof(n));
}

static void
put_uint32(StringInfo out, uint32 n)
{
	n = pg_hton32(n);
	appendBinaryStringInfo(out, (char *) &n, sizeof(n));
}

static void
put_uint64(StringInfo out, uint64 n)
{
	n = pg_hton64(n);
	appendBinaryStringInfo(out, (char *) &n, sizeof(n));
}

/* Begins a frame; returns where it begins. */
static int
begin_frame(StringInfo out, uint8 type, uint16 channel)
{
	int			start = out->len;

	put_uint8(out, type);
	put_uint16(out, channel);
	put_uint32(out, 0);
	return start;
}

static void
end_frame(StringInfo out, int start)
{
	uint32		size = pg_hton32(out->len - start - FRAME_HEAD);

	memcpy(out->data + start + 3, &size, sizeof(size));
	put_uint8(out, AMQP_FRAME_END);
}

/* What a client says first. */
void
amqp_put_protocol_header(StringInfo out)
{
	static const char header[] = {'A', 'M', 'Q', 'P', 0, AMQP_PROTOCOL_VERSION_MAJOR, AMQP_PROTOCOL_VERSION_MINOR,
	AMQP_PROTOCOL_VERSION_REVISION};

	appendBinaryStringInfo(out, header, sizeof(header));
}

/*
 * amqp_put_method
 *
 * Appends a method with its fields, a struct of amqp_framing.h.  Returns false,
 * with nothing appended, when it does not fit into a frame.
 */
bool
amqp_put_method(StringInfo out, uint16 channel, amqp_method_number_t method, void *fields, Size frame_max)
{
	int			start = begin_frame(out, AMQP_FRAME_METHOD, channel);
	amqp_bytes_t room = {.len = frame_max - AMQP_FRAME_OVERHEAD - sizeof(method)};
	int			len;

	put_uint32(out, method);
	enlargeStringInfo(out, room.len);
	room.bytes = out->data + out->len;
	len = amqp_encode_method(method, fields, room);
	if (len < 0)
	{
		out->len = start;
		return false;
	}
	out->len += len;
	end_frame(out, start);
	return true;
}

/*
 * amqp_put_content
 *
 * Appends what follows a basic.publish: the properties and the body.  Returns
 * false, with nothing appended, when the properties do not fit into a frame.
 */
bool
amqp_put_content(StringInfo out, uint16 channel, amqp_basic_properties_t *properties,
				 const char *body, Size body_len, Size frame_max)
{
	int			start = begin_frame(out, AMQP_FRAME_HEADER, channel);
	amqp_bytes_t room = {.len = frame_max - AMQP_FRAME_OVERHEAD - 12};
	int			len;

	put_uint16(out, AMQP_BASIC_CLASS);
	put_uint16(out, 0);			/* weight */
	put_uint64(out, body_len);
	enlargeStringInfo(out, room.len);
	room.bytes = out->data + out->len;
	len = amqp_encode_properties(AMQP_BASIC_CLASS, properties, room);
	if (len < 0)
	{
		out->len = start;
		return false;
	}
	out->len += len;
	end_frame(out, start);
	for (Size done = 0; done < body_len;)
	{
		Size		part = Min(body_len - done, frame_max - AMQP_FRAME_OVERHEAD);

		start = begin_frame(out, AMQP_FRAME_BODY, channel);
		appendBinaryStringInfo(out, body + done, part);
		end_frame(out, start);
		done += part;
	}
	return true;
}

void
amqp_put_heartbeat(StringInfo out)
{
	end_frame(out, begin_frame(out, AMQP_FRAME_HEARTBEAT, 0));
}

/*
 * amqp_read_frame
 *
 * Takes the next frame from a buffer, from its cursor on.
 */
AmqpReadResult
amqp_read_frame(StringInfo in, Size frame_max, amqp_pool_t *pool, AmqpFrame *frame)
{
	const unsigned char *data = (const unsigned char *) in->data + in->cursor;
	Size		available = in->len - in->cursor;
	uint32		size;
	amqp_bytes_t fields;

	memset(frame, 0, sizeof(*frame));
	if (available < FRAME_HEAD)
		return AMQP_READ_MORE;
	size = (uint32) data[3] << 24 | (uint32) data[4] << 16 | (uint32) data[5] << 8 | data[6];
	if (size > frame_max - AMQP_FRAME_OVERHEAD)
		return AMQP_READ_BROKEN;
	if (available < size + AMQP_FRAME_OVERHEAD)
		return AMQP_READ_MORE;
	if (data[FRAME_HEAD + size] != AMQP_FRAME_END)
		return AMQP_READ_BROKEN;
	in->cursor += size + AMQP_FRAME_OVERHEAD;
	frame->type = data[0];
	frame->channel = (uint16) (data[1] << 8 | data[2]);
	if (frame->type != AMQP_FRAME_METHOD)
		return AMQP_READ_FRAME;
	if (size < sizeof(frame->method))
		return AMQP_READ_BROKEN;
	frame->method = (uint32) data[7] << 24 | (uint32) data[8] << 16 | (uint32) data[9] << 8 | data[10];
	fields.len = size - sizeof(frame->method);
	fields.bytes = unconstify(unsigned char *, data) + FRAME_HEAD + sizeof(frame->method);
	switch (amqp_decode_method(frame->method, pool, fields, &frame->decoded))
	{
		case AMQP_STATUS_OK:
			return AMQP_READ_FRAME;
		case AMQP_STATUS_UNKNOWN_METHOD:
			frame->method = 0;
			return AMQP_READ_FRAME;
		default:
			return AMQP_READ_BROKEN;
	}
}
