/*
 * utf8.h: header values of any bytes as UTF-8.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_UTF8_H
#define WAZO_AUTH_FRONT_UTF8_H

#include <stddef.h>

extern size_t text_to_utf8(const char *in, size_t len, char *out);

#endif
