/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/cage_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/mem.h"

enum {
    FILES = 256,           /* descriptors, of a child without a network */
    FILES_NETWORK = 65536, /* an address for each thing takes some of each */
    THREADS = 4096,        /* of all children together: the kernel counts for each user */
    STACK = 8,             /* MiB */
    THREAD_STACK = 2,      /* MiB; counted as memory before it is used */
    ARENAS = 4,            /* each reserves 64 MiB of addresses */
    GROUPS_MOST = 32
};
#define MIB ((rlim_t)1024 * 1024)

/* ---- limits ---------------------------------------------------------------------------------- */

/* Lowers both limits; what is lower already stays. */
static void
limit(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit l;
    if (getrlimit(what, &l) != 0)
        return;
    if (l.rlim_max > most)
        l.rlim_max = most;
    if (l.rlim_cur > l.rlim_max)
        l.rlim_cur = l.rlim_max;
    setrlimit(what, &l);
}

static int
is_file(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void
set_limits(const struct lintel_cage *c)
{
    pthread_attr_t attr;
    rlim_t memory = (c->memory != 0 ? c->memory : LINTEL_CAGE_MEMORY) * MIB;
    limit(RLIMIT_CORE, 0); /* a core file would hold secrets */
    limit(RLIMIT_STACK, STACK * MIB);
    limit(RLIMIT_NOFILE, c->needs & LINTEL_NEED_NETWORK ? FILES_NETWORK : FILES);
    if (strcmp(c->user.name, LINTEL_CAGE_USER) == 0)
        limit(RLIMIT_NPROC, THREADS); /* another user may run what is not ours */
    /* Landlock lets nothing be opened for writing; this is for kernels without it. What stands on
     * the standard output may be a file, and must be seen. */
    if (!(c->needs & LINTEL_NEED_FILES) && !is_file(STDOUT_FILENO) && !is_file(STDERR_FILENO)) {
        signal(SIGXFSZ, SIG_IGN);
        limit(RLIMIT_FSIZE, 0);
    }
    if (LINTEL_SANITIZED)
        return; /* their shadow is larger than any limit */
    /* What counts is what can be written to; addresses alone cost nothing, but have an end too. */
    mallopt(M_ARENA_MAX, ARENAS);
    if (pthread_attr_init(&attr) == 0) {
        pthread_attr_setstacksize(&attr, THREAD_STACK * (size_t)MIB);
        pthread_setattr_default_np(&attr);
        pthread_attr_destroy(&attr);
    }
    limit(RLIMIT_DATA, memory);
    limit(RLIMIT_AS, 4 * memory + 1024 * MIB);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

struct capabilities {
    struct __user_cap_header_struct head;
    struct __user_cap_data_struct data[2];
};

static uint64_t
wanted_capabilities(const struct lintel_cage *c)
{
    uint64_t ret = 0;
    if (c->needs & LINTEL_NEED_NETWORK)
        ret |= UINT64_C(1) << CAP_NET_BIND_SERVICE;
    if (c->needs & LINTEL_NEED_ADDRESSES)
        ret |= UINT64_C(1) << CAP_NET_ADMIN;
    return ret;
}

static void
narrow_bounds(uint64_t wanted)
{
    for (unsigned i = 0; i < 64; i++)
        if (!(wanted >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
            prctl(PR_CAPBSET_DROP, i, 0, 0, 0); /* only who may; nothing is executed later */
}

/* Keeps of the capabilities that it has those that are wanted. */
static int
keep_capabilities(uint64_t wanted)
{
    struct capabilities c = {.head = {.version = _LINUX_CAPABILITY_VERSION_3}};
    uint32_t more = 0;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &c.head, c.data) != 0)
        return -1;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t mask = (uint32_t)(wanted >> (32 * i));
        more |= (c.data[i].permitted | c.data[i].effective | c.data[i].inheritable) & ~mask;
        c.data[i].permitted &= mask;
        c.data[i].effective = c.data[i].permitted;
        c.data[i].inheritable = 0;
    }
    /* Where a filter of the service manager's forbids the call there is mostly nothing to drop. */
    return syscall(SYS_capset, &c.head, c.data) == 0 || more == 0 ? 0 : -1;
}

/* ---- the user -------------------------------------------------------------------------------- */

/* The groups of serial lines: of those that are there, and the usual one for those that come. */
static size_t
groups_of(const struct lintel_cage *c, gid_t ret[GROUPS_MOST])
{
    size_t n = 0;
    struct stat st;
    if (!(c->needs & LINTEL_NEED_SERIAL))
        return 0;
    if (c->user.serial != 0)
        ret[n++] = c->user.serial;
    for (uint32_t i = 0; i < c->npaths && n < GROUPS_MOST; i++)
        if (c->paths[i].device && stat(c->paths[i].path, &st) == 0 && S_ISCHR(st.st_mode) &&
            st.st_gid != 0 && st.st_gid != c->user.serial)
            ret[n++] = st.st_gid;
    return n;
}

static int
become(const struct lintel_cage *c)
{
    gid_t groups[GROUPS_MOST];
    size_t n = groups_of(c, groups);
    if (c->user.name[0] == '\0')
        return 0;
    if (setgroups(n, groups) != 0 || setresgid(c->user.gid, c->user.gid, c->user.gid) != 0 ||
        setresuid(c->user.uid, c->user.uid, c->user.uid) != 0)
        return -1;
    if (LINTEL_SANITIZED)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* the search for leaks looks at its own process */
    return 0;
}

static int
change_user(const struct lintel_cage *c, char *ret_text, uint32_t size)
{
    uint64_t wanted = wanted_capabilities(c);
    narrow_bounds(wanted);
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (become(c) != 0) {
        lintel_format(ret_text, size, "it can't become user %s: %s", c->user.name, strerror(errno));
        return -1;
    }
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    if (keep_capabilities(wanted) != 0) {
        lintel_format(ret_text, size, "its capabilities can't be dropped: %s (in a unit: %s)",
                      strerror(errno), "SystemCallFilter=capset");
        return -1;
    }
    return 0;
}

int
lintel_cage_die_with(int64_t parent)
{
    if (parent == 0)
        return 0;
    /* Not a signal that a plugin could ignore: what clings to life would keep lines and ports. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return getppid() == (pid_t)parent ? 0 : -1;
}

/* The terminal that the hub was started from would show what is typed there. */
static int
leave_terminal(void)
{
    char path[32];
    setsid(); /* fails if it leads its group, and then the terminal is not one that it was given */
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (!isatty(fd))
            continue;
        lintel_format(path, sizeof path, "/proc/self/fd/%d", fd);
        int only = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
        if (only < 0)
            only = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (only < 0 || dup2(only, fd) != fd)
            return -1;
        close(only);
    }
    return 0;
}

/* Landlock and seccomp hold the thread that asks for them, and what it starts later. */
static int
has_threads(void)
{
    struct stat st;
    return !LINTEL_SANITIZED && stat("/proc/self/task", &st) == 0 && st.st_nlink > 3;
}

/* ---- all ------------------------------------------------------------------------------------- */

static const char *
user_name(const struct lintel_cage *c, char *text, size_t size)
{
    if (c->user.name[0] != '\0')
        return c->user.name;
    lintel_format(text, size, "%ld", (long)geteuid());
    return text;
}

/* Better told now than by a library that says "error 1". */
static void
check_paths(const struct lintel_cage *c, void (*say)(void *ctx, const char *line), void *ctx)
{
    char line[400], own[32];
    for (uint32_t i = 0; say != NULL && i < c->npaths; i++) {
        const char *path = c->paths[i].path;
        if (access(path, R_OK) == 0 || errno != EACCES)
            continue;
        lintel_format(line, sizeof line,
                      "%s can't be read by user %s, as whom plugins run: let it by chgrp or chmod; "
                      "its folders must be open to it too",
                      path, user_name(c, own, sizeof own));
        say(ctx, line);
    }
}

/* "landlock 7", or "no landlock (why)". */
static void
note_part(struct lintel_buf *b, const char *name, int held, const char *why)
{
    if (b->n != 0)
        lintel_buf_adds(b, ", ");
    if (held == 0)
        lintel_buf_addf(b, "no %s (%s)", name, why);
    else if (strcmp(name, "landlock") == 0)
        lintel_buf_addf(b, "%s %d", name, held);
    else
        lintel_buf_adds(b, name);
}

int
lintel_cage_lock(const struct lintel_cage *c, int64_t parent, char *ret_text, uint32_t size,
                 void (*say)(void *ctx, const char *line), void *ctx)
{
    char why_files[200] = "", why_calls[200] = "";
    if (c->off) {
        lintel_copy(ret_text, size, "none (LINTEL_UNCAGED is set)");
        return lintel_cage_die_with(parent);
    }
    if (has_threads()) {
        lintel_copy(ret_text, size, "it has threads already, which a cage would not hold");
        return -1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        lintel_format(ret_text, size, "no_new_privs can't be set: %s", strerror(errno));
        return -1;
    }
    if (parent != 0 && leave_terminal() != 0) { /* else somebody looks into a plugin there */
        lintel_format(ret_text, size, "it can't leave its terminal: %s", strerror(errno));
        return -1;
    }
    set_limits(c);
    if (change_user(c, ret_text, size) != 0)
        return -1;
    if (lintel_cage_die_with(parent) != 0) { /* again: the change of the user has forgotten it */
        lintel_copy(ret_text, size, "the hub has ended");
        return -1;
    }
    check_paths(c, say, ctx);
    int files = lintel_cage_landlock(c, why_files, sizeof why_files);
    int calls = files < 0 ? 0 : lintel_cage_seccomp(c, why_calls, sizeof why_calls);
    if (files < 0 || calls < 0) {
        lintel_copy(ret_text, size, files < 0 ? why_files : why_calls);
        return -1;
    }
    struct lintel_buf text = {0};
    if (c->user.name[0] != '\0')
        lintel_buf_addf(&text, "user %s", c->user.name);
    note_part(&text, "landlock", files, why_files);
    note_part(&text, "seccomp", calls, why_calls);
    lintel_copy(ret_text, size, lintel_buf_str(&text));
    lintel_buf_fini(&text);
    return 0;
}
