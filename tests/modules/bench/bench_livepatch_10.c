// SPDX-License-Identifier: GPL-2.0
/* bench_livepatch_10.ko: a mainline livepatch of ten functions. */
#include "bench.h"

#define BENCH_SOME(F) BENCH_TEN(F, 0)
#include "livepatch.h"
