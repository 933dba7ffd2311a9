/*
 * cors.h: the cross-origin headers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CORS_H
#define WAZO_AUTH_FRONT_CORS_H

#include "bytes.h"
#include "request.h"

extern void cors_add(Bytes *out, const Request *req, const char *buf);

#endif
