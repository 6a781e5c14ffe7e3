/* SPDX-License-Identifier: Apache-2.0
 * Faults for a whole hub, preloaded (LD_PRELOAD): system calls that are interrupted or do less than
 * was asked for, a disk that is full or broken, descriptors that run out, a clock that jumps, an
 * allocation that fails. Never in a product.
 *
 *   LINTEL_FAULTS=FILE    32-bit numbers that a test writes while we run (enum below): they are
 *                         mapped. Behind them we count what we have done.
 *   LINTEL_FAULT_SEED=N   of the dice; the number of the process is added
 *   LINTEL_FAULT_STATE=P  the disk's faults are for regular files below P
 *   LINTEL_FAULT_MALLOC=N the N-th allocation of the process fails; with a + behind it, all after
 *                         it fail too
 *   LINTEL_FAULT_PROGRAM=NAME  only in programs of that name
 *
 * A kernel does nothing here that a real one may not: short counts only where a stream or a file
 * may give them, EINTR before anything was moved. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
    SHORT,   /* of 1,000: reads and writes that do less */
    EINTRS,  /* of 1,000: calls that are interrupted */
    DISK,    /* error of writes to the state: 0, ENOSPC, EIO */
    EMFILES, /* 1: no new descriptor */
    CLOCK,   /* seconds that CLOCK_REALTIME is off */
    MEMORY,  /* 1: no allocation. 2: the heap can't grow, none beyond the most that the process has
                had at once since 3 was written. Counted: those that failed, or with
                LINTEL_FAULT_MALLOC all until the one */
    LATER,   /* N: the N-th allocation from now on, of all processes together, fails */
    MANY,    /* and so many after it */
    COUNTS = 8, /* + SHORT ..: how often */
    HELD = 15   /* bytes that are held, less those from before we were loaded */
};

static _Atomic int32_t none[16];
static _Atomic int32_t *control = none;
static const char *state;
static size_t nstate;
static _Atomic uint64_t dice;
static _Atomic int64_t malloc_in; /* 0: off */
static bool malloc_all;

static bool
applies(void)
{
    const char *only = getenv("LINTEL_FAULT_PROGRAM");
    return only == NULL || strcmp(only, program_invocation_short_name) == 0;
}

/* Before main(), with one thread. */
__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("LINTEL_FAULTS"), *seed = getenv("LINTEL_FAULT_SEED");
    const char *fail = getenv("LINTEL_FAULT_MALLOC");
    if (!applies())
        return;
    state = getenv("LINTEL_FAULT_STATE");
    nstate = state != NULL ? strlen(state) : 0;
    atomic_store(&dice, (seed != NULL ? strtoull(seed, NULL, 10) : 1) * 1000003u +
                            (unsigned long long)getpid());
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *p = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED)
            control = p;
        close(fd);
    }
    if (fail != NULL) {
        malloc_all = strchr(fail, '+') != NULL;
        atomic_store(&malloc_in, strtoll(fail, NULL, 10));
    }
}

static uint32_t
roll(void)
{
    uint64_t z = atomic_fetch_add(&dice, 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}

static bool
strikes(int what)
{
    int32_t of_1000 = atomic_load(&control[what]);
    if (of_1000 <= 0 || (int32_t)(roll() % 1000) >= of_1000)
        return false;
    atomic_fetch_add(&control[COUNTS + what], 1);
    return true;
}

static bool
interrupted(void)
{
    if (!strikes(EINTRS))
        return false;
    errno = EINTR;
    return true;
}

/* Whether less than was asked for may be moved: streams, pipes and files; not datagrams. */
static bool
may_be_short(int fd)
{
    struct stat st;
    int type = 0, before = errno;
    socklen_t n = sizeof type;
    bool may = fstat(fd, &st) == 0 &&
               (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) ||
                (S_ISSOCK(st.st_mode) && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
                 type == SOCK_STREAM));
    errno = before;
    return may;
}

static size_t
less(int fd, size_t n)
{
    if (n < 2 || atomic_load(&control[SHORT]) <= 0 || !may_be_short(fd) || !strikes(SHORT))
        return n;
    return 1 + roll() % (n - 1);
}

/* Whether a write goes to the state, which has an error. */
static bool
disk_refuses(int fd)
{
    char name[32], target[1024];
    int error = atomic_load(&control[DISK]), before = errno;
    struct stat st;
    if (error == 0 || state == NULL || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    size_t at = sizeof name;
    name[--at] = '\0';
    unsigned left = (unsigned)fd;
    do
        name[--at] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    static const char head[] = "/proc/self/fd/";
    at -= sizeof head - 1;
    memcpy(name + at, head, sizeof head - 1);
    ssize_t n = readlink(name + at, target, sizeof target);
    errno = before;
    if (n < (ssize_t)nstate || memcmp(target, state, nstate) != 0)
        return false;
    atomic_fetch_add(&control[COUNTS + DISK], 1);
    errno = error;
    return true;
}

static bool
no_descriptor(void)
{
    if (atomic_load(&control[EMFILES]) == 0)
        return false;
    atomic_fetch_add(&control[COUNTS + EMFILES], 1);
    errno = EMFILE;
    return true;
}

#define REAL(ret, name, ...)                                                                       \
    static ret (*_Atomic real)(__VA_ARGS__);                                                       \
    if (real == NULL)                                                                              \
    real = (ret(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* ---- moving ---------------------------------------------------------------------------------- */

EXPORT ssize_t
read(int fd, void *p, size_t n)
{
    REAL(ssize_t, read, int, void *, size_t);
    return interrupted() ? -1 : real(fd, p, n > 8 ? less(fd, n) : n);
}

EXPORT ssize_t
write(int fd, const void *p, size_t n)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return interrupted() || disk_refuses(fd) ? -1 : real(fd, p, less(fd, n));
}

EXPORT ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
    REAL(ssize_t, pread64, int, void *, size_t, off64_t);
    return interrupted() ? -1 : real(fd, p, less(fd, n), at);
}

EXPORT ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return interrupted() || disk_refuses(fd) ? -1 : real(fd, p, less(fd, n), at);
}

/* One piece of the list alone is short enough. */
EXPORT ssize_t
writev(int fd, const struct iovec *v, int n)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    if (interrupted() || disk_refuses(fd))
        return -1;
    if (n > 0 && v[0].iov_len > 1 && less(fd, 1000) < 1000) {
        struct iovec one = {v[0].iov_base, v[0].iov_len / 2};
        return real(fd, &one, 1);
    }
    return real(fd, v, n);
}

EXPORT ssize_t
recv(int fd, void *p, size_t n, int flags)
{
    REAL(ssize_t, recv, int, void *, size_t, int);
    return interrupted() ? -1 : real(fd, p, less(fd, n), flags);
}

EXPORT ssize_t
send(int fd, const void *p, size_t n, int flags)
{
    REAL(ssize_t, send, int, const void *, size_t, int);
    return interrupted() ? -1 : real(fd, p, less(fd, n), flags);
}

EXPORT ssize_t
recvfrom(int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *nfrom)
{
    REAL(ssize_t, recvfrom, int, void *, size_t, int, struct sockaddr *, socklen_t *);
    return interrupted() ? -1 : real(fd, p, less(fd, n), flags, from, nfrom);
}

EXPORT ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t nto)
{
    REAL(ssize_t, sendto, int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    return interrupted() ? -1 : real(fd, p, less(fd, n), flags, to, nto);
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
    REAL(ssize_t, recvmsg, int, struct msghdr *, int);
    return interrupted() ? -1 : real(fd, m, flags);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
    REAL(ssize_t, sendmsg, int, const struct msghdr *, int);
    return interrupted() ? -1 : real(fd, m, flags);
}

/* ---- waiting --------------------------------------------------------------------------------- */

EXPORT int
poll(struct pollfd *fds, nfds_t n, int ms)
{
    REAL(int, poll, struct pollfd *, nfds_t, int);
    return interrupted() ? -1 : real(fds, n, ms);
}

EXPORT int
epoll_wait(int fd, struct epoll_event *e, int n, int ms)
{
    REAL(int, epoll_wait, int, struct epoll_event *, int, int);
    return interrupted() ? -1 : real(fd, e, n, ms);
}

EXPORT int
epoll_pwait(int fd, struct epoll_event *e, int n, int ms, const sigset_t *set)
{
    REAL(int, epoll_pwait, int, struct epoll_event *, int, int, const sigset_t *);
    return interrupted() ? -1 : real(fd, e, n, ms, set);
}

EXPORT int
select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *t)
{
    REAL(int, select, int, fd_set *, fd_set *, fd_set *, struct timeval *);
    return interrupted() ? -1 : real(n, r, w, x, t);
}

/* ---- the disk -------------------------------------------------------------------------------- */

EXPORT int
fsync(int fd)
{
    REAL(int, fsync, int);
    return disk_refuses(fd) ? -1 : real(fd);
}

EXPORT int
fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    return disk_refuses(fd) ? -1 : real(fd);
}

EXPORT int
ftruncate64(int fd, off64_t n)
{
    REAL(int, ftruncate64, int, off64_t);
    return disk_refuses(fd) ? -1 : real(fd, n);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

EXPORT int
socket(int domain, int type, int protocol)
{
    REAL(int, socket, int, int, int);
    return no_descriptor() ? -1 : real(domain, type, protocol);
}

EXPORT int
socketpair(int domain, int type, int protocol, int fds[2])
{
    REAL(int, socketpair, int, int, int, int *);
    return no_descriptor() ? -1 : real(domain, type, protocol, fds);
}

EXPORT int
accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    REAL(int, accept4, int, struct sockaddr *, socklen_t *, int);
    return no_descriptor() || interrupted() ? -1 : real(fd, a, n, flags);
}

EXPORT int
pipe2(int fds[2], int flags)
{
    REAL(int, pipe2, int *, int);
    return no_descriptor() ? -1 : real(fds, flags);
}

EXPORT int
eventfd(unsigned n, int flags)
{
    REAL(int, eventfd, unsigned, int);
    return no_descriptor() ? -1 : real(n, flags);
}

EXPORT int
open64(const char *path, int flags, ...)
{
    REAL(int, open64, const char *, int, ...);
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return no_descriptor() ? -1 : real(path, flags, mode);
}

EXPORT int
open(const char *path, int flags, ...)
{
    REAL(int, open, const char *, int, ...);
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return no_descriptor() ? -1 : real(path, flags, mode);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static int64_t
off(void)
{
    int32_t seconds = atomic_load(&control[CLOCK]);
    if (seconds != 0)
        atomic_fetch_add(&control[COUNTS + CLOCK], 1);
    return seconds;
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *t)
{
    REAL(int, clock_gettime, clockid_t, struct timespec *);
    int got = real(id, t);
    if (got == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        t->tv_sec += off();
    return got;
}

EXPORT int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    REAL(int, gettimeofday, struct timeval *, void *);
    int got = real(t, zone);
    if (got == 0)
        t->tv_sec += off();
    return got;
}

EXPORT time_t
time(time_t *ret)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    if (ret != NULL)
        *ret = t.tv_sec;
    return t.tv_sec;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* glibc's own names: asking dlsym() would allocate. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

/* LATER counts down to 1 and stays there as long as there are some of MANY. */
static bool
its_turn(void)
{
    int32_t left = atomic_load(&control[LATER]);
    while (left > 1)
        if (atomic_compare_exchange_weak(&control[LATER], &left, left - 1))
            return false;
    if (left < 1)
        return false;
    if (atomic_fetch_sub(&control[MANY], 1) <= 0)
        atomic_store(&control[LATER], 0);
    return true;
}

static _Atomic int64_t in_use, most; /* bytes of this process: now; at once */
static _Atomic int32_t seen;         /* of MEMORY */

static bool
is_full(int32_t memory, size_t n)
{
    if (atomic_exchange(&seen, memory) != memory && memory == 3)
        atomic_store(&most, atomic_load(&in_use));
    return memory == 2 && atomic_load(&in_use) + (int64_t)n > atomic_load(&most);
}

static bool
memory_is_out(size_t n)
{
    int32_t memory = atomic_load_explicit(&control[MEMORY], memory_order_relaxed);
    if (memory == 1 || (memory != 0 && is_full(memory, n))) {
        atomic_fetch_add(&control[COUNTS + MEMORY], 1);
        errno = ENOMEM;
        return true;
    }
    if (atomic_load_explicit(&control[LATER], memory_order_relaxed) > 0 && its_turn()) {
        atomic_fetch_add(&control[COUNTS + LATER], 1);
        errno = ENOMEM;
        return true;
    }
    if (atomic_load_explicit(&malloc_in, memory_order_relaxed) == 0)
        return false;
    atomic_fetch_add(&control[COUNTS + MEMORY], 1);
    int64_t left = atomic_fetch_sub(&malloc_in, 1);
    if (left > 1)
        return false;
    if (left <= 0 || malloc_all) /* 0: another thread had it */
        atomic_store(&malloc_in, malloc_all ? 1 : 0);
    if (left != 1)
        return false;
    errno = ENOMEM;
    return true;
}

void __libc_free(void *p);
void *__libc_memalign(size_t align, size_t n);

static void
count(int64_t bytes)
{
    int64_t now = atomic_fetch_add(&in_use, bytes) + bytes, before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        ;
    atomic_fetch_add_explicit(&control[HELD], (int32_t)bytes, memory_order_relaxed);
}

static void *
held(void *p)
{
    if (p != NULL)
        count((int64_t)malloc_usable_size(p));
    return p;
}

EXPORT void *
malloc(size_t n)
{
    return memory_is_out(n) ? NULL : held(__libc_malloc(n));
}

EXPORT void *
calloc(size_t n, size_t size)
{
    return memory_is_out(n * size) ? NULL : held(__libc_calloc(n, size));
}

EXPORT void
free(void *p)
{
    if (p == NULL)
        return;
    count(-(int64_t)malloc_usable_size(p));
    __libc_free(p);
}

/* As glibc does it: of size 0 it frees. */
EXPORT void *
realloc(void *p, size_t n)
{
    if (p == NULL)
        return malloc(n);
    if (n == 0) {
        free(p);
        return NULL;
    }
    size_t before = malloc_usable_size(p);
    if (memory_is_out(n > before ? n - before : 0))
        return NULL;
    void *moved = __libc_realloc(p, n);
    if (moved != NULL)
        count((int64_t)malloc_usable_size(moved) - (int64_t)before);
    return moved;
}

EXPORT void *
memalign(size_t align, size_t n)
{
    return memory_is_out(n) ? NULL : held(__libc_memalign(align, n));
}

EXPORT void *
aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

EXPORT int
posix_memalign(void **ret, size_t align, size_t n)
{
    int before = errno;
    void *p = memalign(align, n);
    errno = before;
    if (p == NULL)
        return ENOMEM;
    *ret = p;
    return 0;
}
