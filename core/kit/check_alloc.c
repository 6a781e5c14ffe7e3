/* SPDX-License-Identifier: Apache-2.0
 * malloc() of this program, and so of the plugin: it counts the blocks that the plugin's own code
 * has asked for, and can refuse the n-th. Whose code it was says the return address. A library that
 * the plugin uses is not meant: its author decides what it does without memory. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/kit/check.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define OWN_MALLOC 0
#else
#define OWN_MALLOC 1
#endif

int
check_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 1;
#else
    return 0;
#endif
}

#if OWN_MALLOC
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

enum { SLOTS = 1 << 16 }; /* of blocks that the plugin has; a power of two */
#define GONE ((void *)1)
static void *slots[SLOTS];
static atomic_flag lock = ATOMIC_FLAG_INIT;
static long nblocks;
static uintptr_t low, high; /* where the plugin's code is */
static _Atomic unsigned long fail_at, seen;

static size_t
place(const void *p)
{
    return ((uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 48 & (SLOTS - 1);
}

static void
take_lock(void)
{
    while (atomic_flag_test_and_set(&lock))
        ;
}

static void
put(void *p)
{
    size_t i = place(p);
    take_lock();
    for (size_t n = 0; n < SLOTS; n++, i = (i + 1) & (SLOTS - 1))
        if (slots[i] == NULL || slots[i] == GONE) {
            slots[i] = p;
            nblocks++;
            break;
        }
    atomic_flag_clear(&lock);
}

static int
take(const void *p)
{
    size_t i = place(p);
    int found = 0;
    take_lock();
    for (size_t n = 0; n < SLOTS && slots[i] != NULL; n++, i = (i + 1) & (SLOTS - 1))
        if (slots[i] == p) {
            slots[i] = GONE;
            nblocks--;
            found = 1;
            break;
        }
    atomic_flag_clear(&lock);
    return found;
}

static int
is_plugins(const void *caller)
{
    return (uintptr_t)caller >= low && (uintptr_t)caller < high;
}

static int
is_refused(void)
{
    unsigned long n = fail_at;
    if (n == 0 || ++seen != n)
        return 0;
    errno = ENOMEM;
    return 1;
}

#define EXPORTED __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

static void *
note(void *p, const void *caller)
{
    if (p != NULL && is_plugins(caller))
        put(p);
    return p;
}

EXPORTED void *
malloc(size_t n)
{
    if (is_plugins(CALLER) && is_refused())
        return NULL;
    return note(__libc_malloc(n), CALLER);
}

EXPORTED void *
calloc(size_t n, size_t size)
{
    if (is_plugins(CALLER) && is_refused())
        return NULL;
    return note(__libc_calloc(n, size), CALLER);
}

static void *
resize(void *p, size_t n, const void *caller)
{
    if (is_plugins(caller) && is_refused())
        return NULL;
    int had = p != NULL && low != 0 && take(p);
    void *other = __libc_realloc(p, n);
    if (other != NULL && (had || is_plugins(caller)))
        put(other);
    else if (other == NULL && had && n != 0)
        put(p);
    return other;
}

EXPORTED void *
realloc(void *p, size_t n)
{
    return resize(p, n, CALLER);
}

EXPORTED void *
reallocarray(void *p, size_t n, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(n, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(p, all, CALLER);
}

EXPORTED void
free(void *p)
{
    if (p != NULL && low != 0)
        (void)take(p);
    __libc_free(p);
}

EXPORTED char *
strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = is_plugins(CALLER) && is_refused() ? NULL : note(__libc_malloc(n), CALLER);
    return copy != NULL ? memcpy(copy, s, n) : NULL;
}

EXPORTED char *
strndup(const char *s, size_t most)
{
    size_t n = strnlen(s, most);
    char *copy = is_plugins(CALLER) && is_refused() ? NULL : note(__libc_malloc(n + 1), CALLER);
    if (copy == NULL)
        return NULL;
    copy[n] = '\0';
    return memcpy(copy, s, n);
}

static int
find_range(struct dl_phdr_info *info, size_t size, void *arg)
{
    uintptr_t from = UINTPTR_MAX, to = 0, inside = (uintptr_t)arg;
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD)
            continue;
        uintptr_t at = info->dlpi_addr + p->p_vaddr;
        from = at < from ? at : from;
        to = at + p->p_memsz > to ? at + p->p_memsz : to;
    }
    if (inside < from || inside >= to)
        return 0;
    low = from;
    high = to;
    return 1;
}

void
check_alloc_watch(const void *inside)
{
    union {
        const void *in;
        void *out;
    } u = {inside};
    dl_iterate_phdr(find_range, u.out);
}

long
check_blocks(void)
{
    return nblocks;
}

/* ---- the n-th fails -------------------------------------------------------------------------- */

enum { ROUNDS_MOST = 1000, SECONDS_MOST = 40, ROUND_SECONDS = 8 };

/* A whole life, in which anything may be refused. */
static void
live(struct check *c)
{
    struct rig r;
    unsigned points = check_knows_points(c) ? 2 : 0;
    struct check quiet = *c;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    quiet.result = nowhere; /* a refusal is the right answer here */
    if (check_rig(&quiet, PEER_ANY, points, &r)) {
        for (int op = LINTEL_KIT_READ; op <= LINTEL_KIT_SUBSCRIBE && points > 0; op++) {
            static const lintel_value values[2] = {{LINTEL_T_INT, 0, {.i = 1}},
                                                   {LINTEL_T_INT, 0, {.i = 1}}};
            if (op == LINTEL_KIT_INVOKE || !check_op_exists(c, op) ||
                (op == LINTEL_KIT_WRITE && c->o->sim != NULL))
                continue;
            struct lintel_kit_result *got = lintel_kit_request(
                r.kit, op, r.points, points, op == LINTEL_KIT_WRITE ? values : NULL, 150, 0);
            if (got->done == 0)
                check_fail(
                    c,
                    "a request was never completed when allocation %lu failed: complete it with "
                    "LINTEL_E_NOMEM",
                    (unsigned long)fail_at);
            lintel_kit_result_free(got);
        }
        lintel_kit_run(r.kit, 10);
        lintel_kit_free(r.kit);
    }
    close(nowhere);
    c->skipped = quiet.skipped;
}

/* The number of allocations of a life in which the n-th fails; -1: it failed by itself, told. */
static long
round_of(struct check *c, unsigned long n, long *ret_left)
{
    struct {
        unsigned long seen;
        long left;
    } got = {0, 0};
    int pipes[2], status = 0;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(ROUND_SECONDS);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fail_at = n;
        check_on_thread(live, c);
        got.seen = seen;
        got.left = check_blocks();
        ssize_t sent = write(pipes[1], &got, sizeof got);
        _exit(sent != sizeof got || c->skipped ? 3 : 0);
    }
    close(pipes[1]);
    int whole = child > 0 && read(pipes[0], &got, sizeof got) == (ssize_t)sizeof got;
    close(pipes[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    *ret_left = got.left;
    if (whole)
        return (long)got.seen;
    if (WIFSIGNALED(status))
        check_fail(
            c,
            "it %s when its allocation number %lu failed (signal %d, %s): every allocation can "
            "fail, and "
            "the caller goes on. For gdb: LINTEL_KIT_FAIL_AT=%lu with --debug --only allocation",
            WTERMSIG(status) == SIGALRM ? "hung" : "crashed", n, WTERMSIG(status),
            strsignal(WTERMSIG(status)), n);
    else
        check_fail(c, "it ended the process when its allocation number %lu failed", n);
    return -1;
}

static void
every_allocation(struct check *c)
{
    long left = 0, left_before = 0, total;
    struct timespec now, end;
    const char *one = getenv("LINTEL_KIT_FAIL_AT");
    if (!check_load(c))
        return;
    lintel_kit *k = check_create(c, PEER_ANY, NULL);
    lintel_kit_free(k);
    if (k == NULL)
        return;
    if (one != NULL) {
        fail_at = strtoul(one, NULL, 10);
        live(c);
        return;
    }
    total = round_of(c, ROUNDS_MOST * 1000UL, &left_before);
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += SECONDS_MOST;
    for (unsigned long n = 1; total >= 0; n++) {
        long got = round_of(c, n, &left);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (got < 0)
            return;
        if (left > left_before)
            check_fail(c,
                       "%ld blocks were left behind after destroy() when allocation number %lu "
                       "failed: free what "
                       "was made before it",
                       left - left_before, n);
        if ((unsigned long)got < n) {
            check_note(c, "%lu allocations of its own", n - 1);
            return;
        }
        if (n == ROUNDS_MOST || now.tv_sec >= end.tv_sec) {
            check_note(c, "ended at number %lu, for lack of time", n);
            return;
        }
    }
}

#else

void
check_alloc_watch(const void *inside)
{
    (void)inside;
}

long
check_blocks(void)
{
    return -1;
}

static void
every_allocation(struct check *c)
{
    check_skip(c, "this program was built with a sanitizer, to which malloc() belongs");
}
#endif

const struct check_row check_alloc_rows[] = {
    {"memory: each allocation may fail", every_allocation, 60, 1}, {NULL, NULL, 0, 0}};
