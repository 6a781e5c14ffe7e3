/* SPDX-License-Identifier: Apache-2.0
 * Which system calls plugins may make. A list of what they may: a call that is not on it fails with
 * EPERM, as libraries are used to from containers; a call that no plugin makes by accident ends the
 * process, so that it is seen. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "core/plug/cage_lock.h"

#ifndef HAVE_SECCOMP

int
lintel_cage_seccomp(const struct lintel_cage *c, char *ret_text, uint32_t size)
{
    (void)c;
    lintel_copy(ret_text, size, "built without libseccomp");
    return 0;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/serial.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"

/* The calls of termios with a speed of its own (linux/termios.h can't stand beside the library's).
 */
enum { TERMIOS_2 = 0x2A, TERMIOS_2_LAST = 0x2D };

static const char *const always[] = {
    /* memory and threads; mmap, clone and prlimit64 stand below */
    "brk", "munmap", "mremap", "mprotect", "madvise", "mincore", "mlock", "munlock", "futex",
    "futex_time64", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq",
    "arch_prctl", "set_tls", "membarrier", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getcpu", "gettid",
    "exit", "exit_group", "restart_syscall", "pause",
    /* signals, to itself */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack", "sigreturn", "sigprocmask",
    "signalfd", "signalfd4",
    /* time */
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
    "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "times", "alarm", "setitimer",
    "getitimer", "timer_create", "timer_settime", "timer_settime64", "timer_gettime",
    "timer_gettime64", "timer_getoverrun", "timer_delete", "timerfd_create", "timerfd_settime",
    "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64",
    /* what it is */
    "getpid", "getppid", "getpgrp", "getpgid", "getsid", "getuid", "geteuid", "getgid", "getegid",
    "getresuid", "getresgid", "getgroups", "getrusage", "getrlimit", "ugetrlimit", "getpriority",
    "uname", "sysinfo", "getrandom", "capget", "umask",
    /* descriptors and files; which files is for Landlock */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "lseek", "_llseek", "close", "close_range", "dup", "dup2", "dup3", "flock", "pipe",
    "pipe2", "eventfd", "eventfd2", "open", "openat", "openat2", "stat", "stat64", "lstat",
    "lstat64", "fstat", "fstat64", "newfstatat", "fstatat64", "statx", "statfs", "statfs64",
    "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd",
    "getdents", "getdents64", "fsync", "fdatasync", "fadvise64", "fadvise64_64", "arm_fadvise64_64",
    /* waiting */
    "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_wait", "epoll_pwait",
    "epoll_pwait2",
    /* of sockets that it has; socketpair stands below */
    "sendto", "sendmsg", "sendmmsg", "send", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64",
    "recv", "shutdown", "getsockopt", "setsockopt", "getsockname", "getpeername"};
/* Not of all: what stands on the standard error is a descriptor that may be written to. */
static const char *const files[] = {"ftruncate", "ftruncate64"};
static const char *const network[] = {"connect", "bind", "listen", "accept", "accept4"};
static const char *const deadly[] = {"execve",
                                     "execveat",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "mount",
                                     "umount",
                                     "umount2",
                                     "move_mount",
                                     "open_tree",
                                     "fsopen",
                                     "fsmount",
                                     "fsconfig",
                                     "fspick",
                                     "mount_setattr",
                                     "pivot_root",
                                     "chroot",
                                     "init_module",
                                     "finit_module",
                                     "delete_module",
                                     "kexec_load",
                                     "kexec_file_load",
                                     "keyctl",
                                     "add_key",
                                     "request_key",
                                     "bpf",
                                     "perf_event_open",
                                     "setns",
                                     "unshare",
                                     "reboot",
                                     "swapon",
                                     "swapoff",
                                     "acct",
                                     "quotactl",
                                     "settimeofday",
                                     "clock_settime",
                                     "clock_settime64",
                                     "stime",
                                     "iopl",
                                     "ioperm",
                                     "open_by_handle_at",
                                     "userfaultfd",
                                     "sethostname",
                                     "setdomainname",
                                     "nfsservctl",
                                     "vhangup",
                                     "lookup_dcookie",
                                     "pidfd_getfd",
                                     "process_madvise"};
/* What sanitizers do at the end of a process, to find leaks. */
static const char *const sanitizers[] = {"ptrace", "clone", "wait4",  "waitid",          "prctl",
                                         "kill",   "tkill", "tgkill", "process_vm_readv"};

struct filter {
    scmp_filter_ctx ctx;
    int failed; /* an errno; the first */
};

/* A name that this library or processor does not know is not there to be called. */
static void
rule(struct filter *f, uint32_t action, const char *name, unsigned n,
     const struct scmp_arg_cmp *args)
{
    int number = seccomp_syscall_resolve_name(name);
    int ret = number < 0 ? 0 : seccomp_rule_add_array(f->ctx, action, number, n, args);
    if (ret != 0 && f->failed == 0)
        f->failed = -ret;
}

static void
rules(struct filter *f, uint32_t action, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rule(f, action, names[i], 0, NULL);
}

static void
allow_if(struct filter *f, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
    rule(f, SCMP_ACT_ALLOW, name, n, args);
}

/* Threads, but no processes. The newer call hides its flags from filters; without it the library
 * takes the older one. */
static void
add_threads(struct filter *f)
{
    const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
    rule(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
    if (!LINTEL_SANITIZED)
        allow_if(f, "clone", 1, &thread);
}

/* Memory that is shared, and no file's, would be counted by no limit; what grows downwards is
 * counted as a stack, not as data. */
static void
add_memory(struct filter *f)
{
    const struct scmp_arg_cmp own = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE | MAP_GROWSDOWN,
                                            MAP_PRIVATE),
                              file = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS | MAP_GROWSDOWN, 0),
                              asked = SCMP_A2(SCMP_CMP_EQ, 0, 0);
    static const char *const maps[] = {"mmap", "mmap2"};
    for (size_t i = 0; i < LINTEL_COUNT(maps); i++) {
        allow_if(f, maps[i], 1, &own);
        allow_if(f, maps[i], 1, &file);
    }
    allow_if(f, "prlimit64", 1, &asked); /* to ask, not to set */
}

static void
add_itself(struct filter *f)
{
    static const char *const calls[] = {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"};
    static const unsigned names[] = {PR_SET_NAME,         PR_GET_NAME,         PR_GET_DUMPABLE,
                                     PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS,
#ifdef PR_SET_VMA
                                     PR_SET_VMA
#endif
    };
    const struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
    if (LINTEL_SANITIZED) {
        rules(f, SCMP_ACT_ALLOW, sanitizers, LINTEL_COUNT(sanitizers));
        return;
    }
    rule(f, SCMP_ACT_KILL_PROCESS, "ptrace", 0, NULL);
    for (size_t i = 0; i < LINTEL_COUNT(calls); i++)
        allow_if(f, calls[i], 1, &itself);
    for (size_t i = 0; i < LINTEL_COUNT(names); i++) {
        const struct scmp_arg_cmp name = SCMP_A0(SCMP_CMP_EQ, names[i], 0);
        allow_if(f, "prctl", 1, &name);
    }
}

static void
add_ioctl(struct filter *f, const unsigned long *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        /* 32 bits count: libraries pass the number as an int too. */
        const struct scmp_arg_cmp number =
            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, numbers[i] & UINT32_MAX);
        allow_if(f, "ioctl", 1, &number);
    }
}

/* Not F_SETOWN and its like, by which the kernel signals others. */
static void
add_fcntl(struct filter *f)
{
    static const scmp_datum_t commands[] = {
        F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,      F_SETFD,      F_GETFL,
        F_SETFL,     F_GETLK,         F_SETLK,      F_SETLKW,     F_OFD_GETLK,
        F_OFD_SETLK, F_OFD_SETLKW,    F_GETPIPE_SZ, F_SETPIPE_SZ, F_GET_SEALS};
    static const char *const calls[] = {"fcntl", "fcntl64"};
    for (size_t i = 0; i < LINTEL_COUNT(calls) * LINTEL_COUNT(commands); i++) {
        const struct scmp_arg_cmp command =
            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, commands[i / LINTEL_COUNT(calls)]);
        allow_if(f, calls[i % LINTEL_COUNT(calls)], 1, &command);
    }
}

static void
add_ioctls(struct filter *f, uint32_t needs)
{
    static const unsigned long all[] = {FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS};
    static const unsigned long sockets[] = {
        SIOCGIFINDEX, SIOCGIFNAME,   SIOCGIFFLAGS,   SIOCGIFADDR,    SIOCGIFCONF,
        SIOCGIFMTU,   SIOCGIFHWADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, TIOCOUTQ};
    /* Not TIOCSTI and its like, which type into another's terminal. */
    static const unsigned long lines[] = {
        TCSETS,   TCSETSW,     TCSETSF,     TCGETA,     TCSETA,     TCSETAW,      TCSETAF,
        TCSBRK,   TCSBRKP,     TCXONC,      TCFLSH,     TIOCMGET,   TIOCMSET,     TIOCMBIS,
        TIOCMBIC, TIOCMIWAIT,  TIOCGICOUNT, TIOCOUTQ,   TIOCEXCL,   TIOCNXCL,     TIOCSBRK,
        TIOCCBRK, TIOCGSERIAL, TIOCSSERIAL, TIOCGRS485, TIOCSRS485, TIOCSERGETLSR};
    add_ioctl(f, all, LINTEL_COUNT(all));
    if (needs & LINTEL_NEED_NETWORK)
        add_ioctl(f, sockets, LINTEL_COUNT(sockets));
    if (!(needs & LINTEL_NEED_SERIAL))
        return;
    add_ioctl(f, lines, LINTEL_COUNT(lines));
    for (unsigned long i = TERMIOS_2; i <= TERMIOS_2_LAST; i++) {
        const unsigned long number[] = {
            _IOC(i == TERMIOS_2 ? _IOC_READ : _IOC_WRITE, 'T', i, 44 /* struct termios2 */)};
        add_ioctl(f, number, 1);
    }
}

/* A pair leads nowhere, unless it is one of datagrams, which can be sent to any name. */
static void
add_pairs(struct filter *f)
{
    static const scmp_datum_t types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    for (size_t i = 0; i < LINTEL_COUNT(types); i++) {
        const struct scmp_arg_cmp type =
            SCMP_A1(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), types[i]);
        allow_if(f, "socketpair", 1, &type);
    }
}

/* TCP and UDP; the kernel has other protocols, which few need and many have attacked. */
static void
add_family(struct filter *f, scmp_datum_t family)
{
    static const scmp_datum_t kinds[][2] = {
        {SOCK_STREAM, 0}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, 0}, {SOCK_DGRAM, IPPROTO_UDP}};
    const scmp_datum_t type = ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);
    for (size_t i = 0; i < LINTEL_COUNT(kinds); i++) {
        const struct scmp_arg_cmp kind[] = {SCMP_A0(SCMP_CMP_EQ, family, 0),
                                            SCMP_A1(SCMP_CMP_MASKED_EQ, type, kinds[i][0]),
                                            SCMP_A2(SCMP_CMP_EQ, kinds[i][1], 0)};
        allow_if(f, "socket", 3, kind);
    }
}

static void
add_sockets(struct filter *f)
{
    const struct scmp_arg_cmp routes[] = {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
                                          SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE, 0)};
    rules(f, SCMP_ACT_ALLOW, network, LINTEL_COUNT(network));
    add_family(f, AF_INET);
    add_family(f, AF_INET6);
    allow_if(f, "socket", 2, routes);
}

static void
add_deadly(struct filter *f)
{
    for (size_t i = 0; i < LINTEL_COUNT(deadly); i++)
        if (!LINTEL_SANITIZED || strcmp(deadly[i], "process_vm_readv") != 0)
            rule(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
}

/* A filter of none is refused for its address by a kernel that has filters, and as no such thing by
 * one that has not. What the library says can't tell: it is lost for words without memory, too. */
static int
kernel_has_none(void)
{
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 && errno == EINVAL;
}

int
lintel_cage_seccomp(const struct lintel_cage *c, char *ret_text, uint32_t size)
{
    if (kernel_has_none()) {
        lintel_copy(ret_text, size, "this kernel has none");
        return 0;
    }
    struct filter f = {seccomp_init(SCMP_ACT_ERRNO(EPERM)), 0};
    if (f.ctx == NULL) {
        lintel_copy(ret_text, size, "seccomp failed: out of memory");
        return -1;
    }
    seccomp_attr_set(f.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    rules(&f, SCMP_ACT_ALLOW, always, LINTEL_COUNT(always));
    add_threads(&f);
    add_memory(&f);
    add_pairs(&f);
    add_itself(&f);
    add_fcntl(&f);
    add_ioctls(&f, c->needs);
    if (c->needs & LINTEL_NEED_NETWORK)
        add_sockets(&f);
    if (c->needs & LINTEL_NEED_FILES)
        rules(&f, SCMP_ACT_ALLOW, files, LINTEL_COUNT(files));
    add_deadly(&f);
    int ret = f.failed != 0 ? -f.failed : seccomp_load(f.ctx);
    seccomp_release(f.ctx);
    if (ret == 0)
        return 1;
    lintel_format(ret_text, size, "seccomp failed: %s", strerror(-ret));
    return -1;
}

#endif
