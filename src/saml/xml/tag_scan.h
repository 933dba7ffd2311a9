/*
 * tag_scan.h
 *	  How many attributes the tags of a document have, before it is parsed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef TAG_SCAN_H
#define TAG_SCAN_H

#include <stdbool.h>
#include <stddef.h>

extern bool tags_are_short(const char *bytes, size_t len, int max_attributes);

#endif							/* TAG_SCAN_H */
