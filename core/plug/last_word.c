/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/last_word.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SIZE, RESIDENT, SHARED, TEXT, LIBRARY, DATA, FIELDS }; /* of /proc/self/statm, in pages */

static int statm = -1;
static long page;

/* Only what a signal handler may do. */
static unsigned
read_statm(unsigned long long ret[FIELDS])
{
    char text[256];
    unsigned n = 0;
    int digits = 0;
    ssize_t length = pread(statm, text, sizeof text, 0);
    ret[0] = 0;
    for (ssize_t i = 0; i < length && n < FIELDS; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            ret[n] = ret[n] * 10 + (unsigned)(text[i] - '0');
            digits = 1;
        } else if (digits) {
            digits = 0;
            if (++n < FIELDS)
                ret[n] = 0;
        }
    }
    return n;
}

/* Less than an eighth is left. What asked for more than that at once is not found out. */
static int
is_used_up(int resource, unsigned long long pages)
{
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)resource, &limit) == 0 &&
           limit.rlim_cur != RLIM_INFINITY &&
           pages * (unsigned long long)page >= limit.rlim_cur - limit.rlim_cur / 8;
}

static int
memory_is_used_up(void)
{
    unsigned long long is[FIELDS];
    return read_statm(is) == FIELDS &&
           (is_used_up(RLIMIT_DATA, is[DATA]) || is_used_up(RLIMIT_AS, is[SIZE]));
}

void
lintel_last_word_give_up(void)
{
    _exit(memory_is_used_up() ? LINTEL_LAST_WORD_MEMORY : LINTEL_LAST_WORD_STARVED);
}

static void
on_signal(int signum)
{
    if (memory_is_used_up())
        _exit(LINTEL_LAST_WORD_MEMORY);
    raise(signum); /* its default now */
}

void
lintel_last_word_init(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they have handlers */
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    page = sysconf(_SC_PAGESIZE);
    for (size_t i = 0; statm >= 0 && i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
#else
    (void)on_signal;
#endif
}
