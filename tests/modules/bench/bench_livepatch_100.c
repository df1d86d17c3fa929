// SPDX-License-Identifier: GPL-2.0
/* bench_livepatch_100.ko: a mainline livepatch of a hundred functions. */
#include "bench.h"

#define BENCH_SOME(F) BENCH_ALL(F)
#include "livepatch.h"
