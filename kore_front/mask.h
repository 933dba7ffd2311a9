/*
 * mask.h: what of a request may be shown in the access log.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_MASK_H
#define WAZO_AUTH_FRONT_MASK_H

#include "request.h"

extern size_t mask_target(const char *target, size_t len, char *out, size_t out_size);
extern const char *mask_trace_id(const Request *req, const char *buf);

#endif
