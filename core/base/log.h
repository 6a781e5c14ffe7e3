/* SPDX-License-Identifier: Apache-2.0
 * The log: one event, one line. Library code does not log errors that it returns; who acts on them
 * does. */
#ifndef LINTEL_BASE_LOG_H
#define LINTEL_BASE_LOG_H
#include <stdint.h>

/* Levels are those of lintel/plugin.h: 0 error, 1 warning, 2 info, 3 debug. Threads: any. */
void lintel_log(int32_t level, const char *topic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What is written: level 2 unless the environment's LINTEL_LOG says "error|warn|info|debug". With
 * stderr connected to the journal (JOURNAL_STREAM) lines carry sd-daemon(3) prefixes, no times. */
void lintel_log_level(int32_t level);
int lintel_log_wants(int32_t level);

/* Tests: lines go to sink(ctx, ..) instead of stderr; NULL puts stderr back. */
void lintel_log_sink(void (*sink)(void *ctx, int32_t level, const char *topic, const char *line),
                     void *ctx);
#endif
