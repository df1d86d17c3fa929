/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of target.ko that tests patch, and the two helpers that
 * replacement functions call back.
 *
 * A TARGET exists exactly once, under its own name, and is really called: the
 * compiler may draw no conclusions from its body.
 */
#ifndef MOLT_TESTS_TARGET_H
#define MOLT_TESTS_TARGET_H

#define TARGET noinline __attribute__((__noipa__))

/* nap.c: functions a task sleeps in until `wake` is written. */
void target_wait(void);
int target_nap(void);
int target_late(void);
int target_nap_then_late(void);
int target_cold_nap(int sleepy);
int target_deep(void);
int target_nap_in_callee(void);
int target_spin(void);
void target_release(void);
int target_sleepers(void);

/* pair.c: two functions that must change together, and their hammer. */
#define PAIR_OLD 0x11
#define PAIR_NEW 0x22
int target_outer(void);
int target_inner(void);
int target_hammer(unsigned int threads);
extern unsigned int target_gap, target_inside;
extern atomic64_t target_olds, target_news, target_mixes;

/* value.c: functions that only return a number. */
int target_value(void);
int target_first(void);
int target_second(void);
int target_notrace(void);
int target_stopped(void *unused);

/* doze.c: a function that a kernel thread always sleeps in. */
int target_doze(void);
void target_sleep(void);
int target_dozes(void);
int target_dozer(bool wanted);

/* object.c: objects for shadow variables. */
extern const struct proc_ops target_object_file;

/* private.c: what is not exported. */
int target_private(void);

/* twin_a.c, twin_b.c: one name, two functions. */
int target_twin_a(void);
int target_twin_b(void);

#endif
