/* SPDX-License-Identifier: Apache-2.0
 * Threads that plugins run on. */
#ifndef LINTEL_PLUG_THREAD_H
#define LINTEL_PLUG_THREAD_H
#include <pthread.h>
#include <stddef.h>

/* With all signals blocked: they are for the main thread. 0, or -1: there is none to be had. */
int lintel_thread_start(pthread_t *ret, size_t stack, void *(*run)(void *arg), void *arg);
#endif
