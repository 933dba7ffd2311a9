/*
 * json_text.h
 *	  JSON as upstream writes it: pure ASCII, with ", " and ": ".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_JSON_TEXT_H
#define WAZO_AUTH_JSON_TEXT_H

#include "lib/stringinfo.h"

extern void json_append_string(StringInfo out, const char *s, int len);
extern void json_append_ascii(StringInfo out, const char *json, int len);
extern void json_append_compact(StringInfo out, const char *json, int len);

#endif							/* WAZO_AUTH_JSON_TEXT_H */
