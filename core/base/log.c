/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/text.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char journal_prefix[] = {'3', '4', '6', '7'};

static _Atomic int32_t level_now = -1; /* -1: not yet read from the environment */
static void (*sink_now)(void *, int32_t, const char *, const char *);
static void *sink_ctx;

void
lintel_log_level(int32_t level)
{
    atomic_store(&level_now, level);
}

int
lintel_log_wants(int32_t level)
{
    int32_t most = atomic_load_explicit(&level_now, memory_order_relaxed);
    if (most < 0) {
        const char *env = getenv("LINTEL_LOG");
        most = 2;
        for (int32_t i = 0; env != NULL && i < 4; i++)
            if (strcmp(env, level_names[i]) == 0)
                most = i;
        atomic_store(&level_now, most);
    }
    return level <= most;
}

void
lintel_log_sink(void (*sink)(void *, int32_t, const char *, const char *), void *ctx)
{
    sink_now = sink;
    sink_ctx = ctx;
}

void
lintel_log(int32_t level, const char *topic, const char *format, ...)
{
    if (level < 0)
        level = 0;
    if (level > 3)
        level = 3;
    if (!lintel_log_wants(level))
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    lintel_tame(line, ""); /* foreign text must not forge lines or move the terminal's cursor */
    if (sink_now != NULL) {
        sink_now(sink_ctx, level, topic, line);
        return;
    }
    if (getenv("JOURNAL_STREAM") != NULL) {
        fprintf(stderr, "<%c>%s: %s\n", journal_prefix[level], topic, line);
        return;
    }
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    fprintf(stderr, "%02d:%02d:%02d.%03ld %-5s %s: %s\n", utc.tm_hour, utc.tm_min, utc.tm_sec,
            now.tv_nsec / 1000000, level_names[level], topic, line);
}
