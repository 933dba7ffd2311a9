/*
 * kore_release.h: Kore's header, for the one release and the one way of building it that the front is written for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_KORE_RELEASE_H
#define WAZO_AUTH_FRONT_KORE_RELEASE_H

/* Kore lays out its structs by its build flags; front.mk hands us the flags and the release it found. */
#ifndef FRONT_KORE_RELEASE
#error "build with front.mk, which tells which Kore this is"
#endif
#if FRONT_KORE_RELEASE != 40100
#error "the front is written for Kore 4.1.0; check kore_front/README.md before raising this"
#endif
#ifndef KORE_NO_HTTP
#error "build Kore with NOHTTP=1: the front has its own HTTP layer"
#endif

#include "kore.h"

#endif
