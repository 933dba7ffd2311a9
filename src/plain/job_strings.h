/*
 * job_strings.h
 *	  Jobs of programs that the backend starts: strings on standard input.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_JOB_STRINGS_H
#define WAZO_AUTH_JOB_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

extern bool job_strings_read(char *room, size_t size, const char **members[], size_t n);

#endif							/* WAZO_AUTH_JOB_STRINGS_H */
