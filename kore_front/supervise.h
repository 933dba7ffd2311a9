/*
 * supervise.h: the parent process.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_SUPERVISE_H
#define WAZO_AUTH_FRONT_SUPERVISE_H

extern int	supervise_listen(int *family);
extern void supervise_run(void) __attribute__((noreturn));

#endif
