/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the modules of the benchmark share: the names of the 100 functions that
 * are patched, and how to make 100 of something.
 */
#ifndef MOLT_TESTS_BENCH_H
#define MOLT_TESTS_BENCH_H

#include <linux/types.h>

#define BENCH_FUNCTIONS 100

/* Exists exactly once, under its own name, and is really called. */
#define BENCH_FUNCTION noinline __attribute__((__noipa__))

/* BENCH_ALL(F) is F(0, 0) … F(9, 9), for bench_f000 … bench_f099. */
#define BENCH_TEN(F, t)							\
	F(t, 0) F(t, 1) F(t, 2) F(t, 3) F(t, 4)				\
	F(t, 5) F(t, 6) F(t, 7) F(t, 8) F(t, 9)
#define BENCH_ALL(F)							\
	BENCH_TEN(F, 0) BENCH_TEN(F, 1) BENCH_TEN(F, 2) BENCH_TEN(F, 3)	\
	BENCH_TEN(F, 4) BENCH_TEN(F, 5) BENCH_TEN(F, 6) BENCH_TEN(F, 7)	\
	BENCH_TEN(F, 8) BENCH_TEN(F, 9)

/*
 * What function number i returns tells which version ran: one of these + i.
 * The replacements of molt are in Rust, which has the number once more.
 */
#define BENCH_OLD	1000
#define BENCH_MOLT	2000
#define BENCH_LIVEPATCH	3000
#define BENCH_KPATCH	4000
#define BENCH_JUMP	5000

/* bench_target.ko: the functions, in order. */
extern int (*const bench_functions[BENCH_FUNCTIONS])(void);

/* Sleeps while tasks are to be asleep in bench_f001, its replacement included. */
void bench_rest(void);

#endif
