/*
 * sandbox.h: what a child of the front may ask of the kernel.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_SANDBOX_H
#define WAZO_AUTH_FRONT_SANDBOX_H

extern void sandbox_prepare(void);
extern void sandbox_enter(void);

#endif
