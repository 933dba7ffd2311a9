/*
 * require.h
 *	  How a fuzzer says that something must hold: libFuzzer keeps an input that
 *	  aborts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FUZZ_REQUIRE_H
#define WAZO_AUTH_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
require(bool good)
{
	if (!good)
		abort();
}

#endif							/* WAZO_AUTH_FUZZ_REQUIRE_H */
