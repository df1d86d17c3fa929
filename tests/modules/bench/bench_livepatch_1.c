// SPDX-License-Identifier: GPL-2.0
/* bench_livepatch_1.ko: a mainline livepatch of one function. */
#include "bench.h"

#define BENCH_SOME(F) F(0, 0)
#include "livepatch.h"
