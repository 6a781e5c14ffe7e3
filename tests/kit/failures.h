/* SPDX-License-Identifier: Apache-2.0
 * Memory that runs out, at every place where it can. Apart from kit.h, since it needs core/base. */
#ifndef LINTEL_TESTS_FAILURES_H
#define LINTEL_TESTS_FAILURES_H
#include <stdint.h>

/* Calls run(ctx) again and again: with the n-th allocation of core/base failing, alone and with all
 * after it, for n = 1, 2, .. until a run needs fewer. run() makes all that it needs, checks what
 * must hold also then (a reason is told, nothing is half done, nothing leaks), and returns whether
 * it got what it wanted: where nothing failed it must have. What it does with
 * kit_memory_is_back() is done with memory again. Returns how many allocations a good run makes; a
 * run that makes none fails the test, as does one with more than 100,000. LINTEL_FAIL_FROM=N in the
 * environment begins there. */
uint64_t kit_each_failure(int (*run)(void *ctx), void *ctx);
/* For run(): from here on nothing fails. */
void kit_memory_is_back(void);
/* For run(): the count begins here, at one. With kit_memory_is_back() as its first call, what it
 * makes before this is made with memory. */
void kit_memory_fails_from_here(void);
#endif
