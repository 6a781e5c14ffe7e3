/* SPDX-License-Identifier: Apache-2.0
 * A plugin that tries to get out: each point is an attempt, made when it is read. The value tells
 * how it went: "refused: .." or "DONE". It blocks, so it lives in a process. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <lintel/plugin.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1024 * 1024)
enum { FORKS = 8, THREADS = 16, MEMORY_MOST = 3072 };

static const lintel_field bus_fields[] = {
    {.name = "device", .help = "A line.", .type = LINTEL_T_STR, .flags = LINTEL_F_FILE}, {0}};
static const lintel_field address_fields[] = {
    {.name = "attempt",
     .help = "What is tried.",
     .dflt = "work",
     .type = LINTEL_T_STR,
     .choices = "work|exec|shell|open|write|connect|fork|threads|memory|shared|trace|signal|root|"
                "abstract|limits|mount|unshare|environment|line|name|hidden|inject|owner|"
                "calls|families|datagram|stack|terminal|outlive|compat|x32"},
    {.name = "path", .help = "Of open and write.", .dflt = "", .type = LINTEL_T_STR},
    {0}};
enum {
    TRY_WORK,
    TRY_EXEC,
    TRY_SHELL,
    TRY_OPEN,
    TRY_WRITE,
    TRY_CONNECT,
    TRY_FORK,
    TRY_THREADS,
    TRY_MEMORY,
    TRY_SHARED,
    TRY_TRACE,
    TRY_SIGNAL,
    TRY_ROOT,
    TRY_ABSTRACT,
    TRY_LIMITS,
    TRY_MOUNT,
    TRY_UNSHARE,
    TRY_ENVIRONMENT,
    TRY_LINE,
    TRY_NAME,
    TRY_HIDDEN,
    TRY_INJECT,
    TRY_OWNER,
    TRY_CALLS,
    TRY_FAMILIES,
    TRY_DATAGRAM,
    TRY_STACK,
    TRY_TERMINAL,
    TRY_OUTLIVE,
    TRY_COMPAT,
    TRY_X32
};

struct bus {
    const lintel_host *host;
    char device[512];
    char said[512];
};

/* ok: it could be done. */
static void
judge(struct bus *b, int ok)
{
    snprintf(b->said, sizeof b->said, "%s%s", ok ? "DONE" : "refused: ", ok ? "" : strerror(errno));
}

static void
try_file(struct bus *b, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    judge(b, fd >= 0 && (flags == O_RDONLY || write(fd, "x", 1) == 1));
    if (fd >= 0)
        close(fd);
}

static void
try_connect(struct bus *b)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 &&
        errno == ECONNREFUSED)
        judge(b, 1);
    else
        judge(b, fd >= 0);
    if (fd >= 0)
        close(fd);
}

static void
try_fork(struct bus *b)
{
    int born = 0;
    errno = 0;
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        born += pid > 0;
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    judge(b, born != 0);
}

/* As a library would start a program. */
static void
try_shell(struct bus *b)
{
    extern char **environ;
    char name[] = "true";
    char *const argv[] = {name, NULL};
    pid_t pid;
    errno = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);
    judge(b, errno == 0);
}

static void *
sit(void *arg)
{
    return arg;
}

static void
try_threads(struct bus *b)
{
    pthread_t t[THREADS];
    int n = 0;
    while (n < THREADS && (errno = pthread_create(&t[n], NULL, sit, NULL)) == 0)
        n++;
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    judge(b, n == THREADS);
}

static void
try_memory(struct bus *b, int flags)
{
    unsigned char *blocks[MEMORY_MOST / 32];
    int n = 0;
    while (n < MEMORY_MOST / 32) {
        blocks[n] = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
        if (blocks[n] == MAP_FAILED)
            break;
        blocks[n++][0] = 1;
    }
    int error = errno;
    for (int i = 0; i < n; i++)
        munmap(blocks[i], 32 * MIB);
    if (n == MEMORY_MOST / 32)
        snprintf(b->said, sizeof b->said, "DONE");
    else
        snprintf(b->said, sizeof b->said, "refused after %d MiB: %s", n * 32, strerror(error));
}

static void
try_abstract(struct bus *b)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "\0lintel-escape"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    judge(b, fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0);
    if (fd >= 0)
        close(fd);
}

static void
try_limits(struct bus *b)
{
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_max++;
    l.rlim_cur = l.rlim_max;
    judge(b, setrlimit(RLIMIT_NOFILE, &l) == 0);
}

/* How much the environment holds that is not the path or meant for sanitizers. */
static void
try_environment(struct bus *b)
{
    extern char **environ;
    const char *found = NULL;
    for (char **e = environ; *e != NULL; e++)
        if (strncmp(*e, "PATH=", 5) != 0 && strncmp(*e, "TZ=", 3) != 0 &&
            strstr(*e, "SAN_OPTIONS=") == NULL)
            found = *e;
    snprintf(b->said, sizeof b->said, "%s%.400s", found ? "FOUND " : "clean", found ? found : "");
}

static void
try_line(struct bus *b)
{
    char some[4] = "";
    int fd = open(b->device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    judge(b, fd >= 0 && read(fd, some, 1) <= 0 && write(fd, "x", 1) == 1);
    if (fd >= 0)
        close(fd);
}

/* Typing into somebody's terminal. */
static void
try_inject(struct bus *b)
{
    int fd = open(b->device, O_RDWR | O_NOCTTY | O_CLOEXEC);
    judge(b, fd >= 0 && ioctl(fd, TIOCSTI, "x") == 0);
    if (fd >= 0)
        close(fd);
}

/* A call that is not known to filters of today. */
static void
try_hidden(struct bus *b)
{
    judge(b, syscall(SYS_memfd_create, "x", 0) >= 0);
}

/* ---- many calls at once ---------------------------------------------------------------------- */

struct call {
    const char *name;
    long number;
    long args[6];
};

/* Each must be stopped at the door: an answer other than "not permitted" comes from behind it. */
static void
try_calls(struct bus *b)
{
    static char here[] = ".", there[] = "/tmp/lintel-escaped";
    const long self = getpid(), at = AT_FDCWD, name = (long)there, dot = (long)here;
    const struct call calls[] = {
        {"io_uring_setup", SYS_io_uring_setup, {1}},
        {"memfd_create", SYS_memfd_create, {dot}},
        {"memfd_secret", 447, {0}},
        {"pidfd_open", SYS_pidfd_open, {self, 0}},
        {"pidfd_send_signal", SYS_pidfd_send_signal, {0}},
        {"kill all", SYS_kill, {-1, 0}},
        {"kill the group", SYS_kill, {0, 0}},
        {"kill the parent", SYS_kill, {getppid(), 0}},
        {"tkill", SYS_tkill, {getppid(), 0}},
        {"signal the parent's thread", SYS_tgkill, {getppid(), getppid(), 0}},
        {"keep core files", SYS_prctl, {PR_SET_DUMPABLE, 1}},
        {"live on", SYS_prctl, {PR_SET_PDEATHSIG, 0}},
        {"let be traced", SYS_prctl, {PR_SET_PTRACER, -1}},
        {"adopt", SYS_prctl, {PR_SET_CHILD_SUBREAPER, 1}},
        {"keep capabilities", SYS_prctl, {PR_SET_KEEPCAPS, 1}},
        {"raise ambient", SYS_prctl, {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 12}},
        {"set a limit", SYS_prlimit64, {0, RLIMIT_CORE, dot, 0}},
        {"setrlimit", SYS_setrlimit, {RLIMIT_CORE, dot}},
        {"sched_setscheduler", SYS_sched_setscheduler, {0, 0, dot}},
        {"sched_setattr", SYS_sched_setattr, {0, dot, 0}},
        {"sched_setaffinity", SYS_sched_setaffinity, {0, 1, dot}},
        {"setpriority", SYS_setpriority, {0, 0, 0}},
        {"ioprio_set", SYS_ioprio_set, {1, 0, 0}},
        {"setsid", SYS_setsid, {0}},
        {"setpgid", SYS_setpgid, {0, 0}},
        {"setuid", SYS_setuid, {0}},
        {"setfsuid", SYS_setfsuid, {0}},
        {"setgroups", SYS_setgroups, {0, 0}},
        {"capset", SYS_capset, {0, 0}},
        {"personality", SYS_personality, {0xffffffff}},
        {"vfork", SYS_clone, {0x4111, 0}},
        {"clone with a new net", SYS_clone, {0x40000011, 0}},
        {"inotify_init1", SYS_inotify_init1, {0}},
        {"fanotify_init", SYS_fanotify_init, {0, 0}},
        {"shmget", SYS_shmget, {0, 4096, 0600}},
        {"shmat", SYS_shmat, {0, 0, 0}},
        {"msgget", SYS_msgget, {0, 0600}},
        {"semget", SYS_semget, {0, 1, 0600}},
        {"mq_open", SYS_mq_open, {dot, O_RDWR | O_CREAT, 0600, 0}},
        {"fchmodat", SYS_fchmodat, {at, dot, 0777}},
        {"fchmod", SYS_fchmod, {1, 0777}},
        {"fchownat", SYS_fchownat, {at, dot, -1, -1, 0}},
        {"utimensat", SYS_utimensat, {at, dot, 0, 0}},
        {"linkat", SYS_linkat, {at, dot, at, name, 0}},
        {"symlinkat", SYS_symlinkat, {dot, at, name}},
        {"renameat2", SYS_renameat2, {at, dot, at, name, 0}},
        {"unlinkat", SYS_unlinkat, {at, name, 0}},
        {"mkdirat", SYS_mkdirat, {at, name, 0700}},
        {"mknodat", SYS_mknodat, {at, name, 0010600, 0}},
        {"truncate", SYS_truncate, {name, 0}},
        {"cut the log", SYS_ftruncate, {1, 0}},
        {"fallocate", SYS_fallocate, {1, 0, 0, 1}},
        {"setxattr", SYS_setxattr, {dot, name, dot, 1, 0}},
        {"chdir", SYS_chdir, {dot}},
        {"splice", SYS_splice, {0, 0, 1, 0, 1, 0}},
        {"vmsplice", SYS_vmsplice, {1, 0, 0, 0}},
        {"copy_file_range", SYS_copy_file_range, {0, 0, 1, 0, 1, 0}},
        {"landlock", 444, {0, 0, 1}},
        {"seccomp", SYS_seccomp, {2, 0, 0}},
        {"kcmp", SYS_kcmp, {self, getppid(), 0, 0, 0}},
        {"migrate_pages", SYS_migrate_pages, {0, 0, 0, 0}},
        {"move_pages", SYS_move_pages, {0, 0, 0, 0, 0, 0}},
        {"remap_file_pages", SYS_remap_file_pages, {0, 0, 0, 0, 0}},
        {"pkey_alloc", SYS_pkey_alloc, {0, 0}},
        {"syslog", SYS_syslog, {3, 0, 0}},
        {"adjtimex", SYS_adjtimex, {0}},
        {"terminal of its own", SYS_ioctl, {1, TIOCSCTTY, 0}},
        {"console", SYS_ioctl, {1, 0x541D /* TIOCCONS */, 0}},
        {"paste", SYS_ioctl, {1, 0x541C /* TIOCLINUX */, dot}},
        {"owner by ioctl", SYS_ioctl, {1, FIOASYNC, dot}},
        {"lease", SYS_fcntl, {1, 1024 /* F_SETLEASE */, 0}},
        {"watch a folder", SYS_fcntl, {1, 1026 /* F_NOTIFY */, 1}},
        {"signal number", SYS_fcntl, {1, 10 /* F_SETSIG */, 9}},
    };
    size_t n = 0;
    b->said[0] = '\0';
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const long *a = calls[i].args;
        if (syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 && errno == EPERM)
            continue;
        n += (size_t)snprintf(b->said + n, sizeof b->said - n, "%s%s", n == 0 ? "REACHED " : ", ",
                              calls[i].name);
        if (n >= sizeof b->said)
            return;
    }
    if (n == 0)
        snprintf(b->said, sizeof b->said, "refused all");
}

/* Sockets of other kinds than its own. */
static void
try_families(struct bus *b)
{
    static const int kinds[][3] = {{AF_UNIX, SOCK_STREAM, 0},
                                   {AF_UNIX, SOCK_DGRAM, 0},
                                   {AF_PACKET, SOCK_DGRAM, 0},
                                   {40 /* AF_VSOCK */, SOCK_STREAM, 0},
                                   {AF_ALG, SOCK_SEQPACKET, 0},
                                   {AF_BLUETOOTH, SOCK_RAW, 1},
                                   {AF_CAN, SOCK_RAW, 1},
                                   {44 /* AF_XDP */, SOCK_RAW, 0},
                                   {AF_KEY, SOCK_RAW, 2},
                                   {AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT},
                                   {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT},
                                   {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER},
                                   {AF_NETLINK, SOCK_RAW, NETLINK_GENERIC},
                                   {AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG},
                                   {AF_INET, SOCK_RAW, IPPROTO_ICMP},
                                   {AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
                                   {AF_INET6, SOCK_RAW, IPPROTO_RAW},
                                   {AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP},
                                   {AF_INET, SOCK_STREAM, IPPROTO_SCTP},
                                   {AF_INET, SOCK_DCCP, IPPROTO_DCCP},
                                   {AF_INET, SOCK_STREAM, 262 /* MPTCP */},
                                   {AF_INET, SOCK_STREAM, 256 /* SMC */}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && n < sizeof b->said; i++) {
        int fd = socket(kinds[i][0], kinds[i][1] | SOCK_CLOEXEC, kinds[i][2]);
        if (fd < 0 && errno == EPERM)
            continue;
        n += (size_t)snprintf(b->said + n, sizeof b->said - n, "%s%d/%d/%d",
                              n == 0 ? "REACHED " : ", ", kinds[i][0], kinds[i][1], kinds[i][2]);
        if (fd >= 0)
            close(fd);
    }
    if (n == 0)
        snprintf(b->said, sizeof b->said, "refused all");
}

/* One of a pair of datagram sockets can send to others than the other one. */
static void
try_datagram(struct bus *b, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int pair[2];
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) {
        judge(b, 0);
        return;
    }
    judge(b, sendto(pair[0], "x", 1, 0, (const struct sockaddr *)&to, sizeof to) == 1);
    close(pair[0]);
    close(pair[1]);
}

/* What is typed at the terminal that the hub was started from. */
static void
try_terminal(struct bus *b)
{
    char some[4];
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        judge(b, 1);
        return;
    }
    judge(b, read(STDERR_FILENO, some, 0) == 0 || read(STDOUT_FILENO, some, 0) == 0);
}

/* It takes away all by which it would learn that the hub has ended. */
static void *
cling(void *arg)
{
    int pair[2];
    struct timespec pause = {0, 300000000};
    nanosleep(&pause, NULL); /* until its answer is out */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0)
        dup2(pair[0], 3);
    for (;;) {
        signal(SIGTERM, SIG_IGN);
        signal(SIGALRM, SIG_IGN);
        alarm(0);
        nanosleep(&pause, NULL);
    }
    return arg;
}

static void
try_outlive(struct bus *b)
{
    pthread_t t;
    signal(SIGTERM, SIG_IGN);
    judge(b, pthread_create(&t, NULL, cling, NULL) == 0);
}

/* The calls of other processors that this one has too. */
static void
try_compat(struct bus *b)
{
#ifdef __x86_64__
    long ret = 20; /* getpid of the 32-bit ABI */
    __asm__ volatile("int $0x80" : "+a"(ret) : : "memory", "r8", "r9", "r10", "r11");
    judge(b, ret > 0);
#else
    execve("/bin/true", NULL, NULL);
    judge(b, 1);
#endif
}

static void
try_x32(struct bus *b)
{
#ifdef __x86_64__
    judge(b, syscall(0x40000000L | SYS_getpid) >= 0);
#else
    execve("/bin/true", NULL, NULL);
    judge(b, 1);
#endif
}

static void
attempt(struct bus *b, const lintel_value *addr)
{
    char *const none[] = {NULL};
    const char *path = addr[1].as.s;
    switch (addr[0].as.i) {
    case TRY_EXEC: judge(b, execve("/bin/true", none, none) == 0); break;
    case TRY_SHELL: try_shell(b); break;
    case TRY_OPEN: try_file(b, path, O_RDONLY); break;
    case TRY_WRITE: try_file(b, path, O_WRONLY | O_CREAT); break;
    case TRY_CONNECT: try_connect(b); break;
    case TRY_FORK: try_fork(b); break;
    case TRY_THREADS: try_threads(b); break;
    case TRY_MEMORY: try_memory(b, MAP_PRIVATE); break;
    case TRY_SHARED: try_memory(b, MAP_SHARED); break;
    case TRY_TRACE: judge(b, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0); break;
    case TRY_SIGNAL: judge(b, kill(getppid(), SIGTERM) == 0); break;
    case TRY_ROOT: judge(b, syscall(SYS_setresuid, 0, 0, 0) == 0); break;
    case TRY_ABSTRACT: try_abstract(b); break;
    case TRY_LIMITS: try_limits(b); break;
    case TRY_MOUNT: judge(b, mount("none", "/mnt", "tmpfs", 0, NULL) == 0); break;
    case TRY_UNSHARE: judge(b, syscall(SYS_unshare, 0x10000000 /* users */) == 0); break;
    case TRY_ENVIRONMENT: try_environment(b); break;
    case TRY_LINE: try_line(b); break;
    case TRY_NAME: judge(b, prctl(PR_SET_NAME, "harmless", 0, 0, 0) == 0); break;
    case TRY_HIDDEN: try_hidden(b); break;
    case TRY_INJECT: try_inject(b); break;
    /* The kernel would signal the hub in its place. */
    case TRY_OWNER: judge(b, fcntl(STDIN_FILENO, F_SETOWN, getppid()) == 0); break;
    case TRY_CALLS: try_calls(b); break;
    case TRY_FAMILIES: try_families(b); break;
    case TRY_DATAGRAM: try_datagram(b, path); break;
    /* What grows like a stack is not counted as data. */
    case TRY_STACK: try_memory(b, MAP_PRIVATE | MAP_GROWSDOWN); break;
    case TRY_TERMINAL: try_terminal(b); break;
    case TRY_OUTLIVE: try_outlive(b); break;
    case TRY_COMPAT: try_compat(b); break;
    case TRY_X32: try_x32(b); break;
    default: snprintf(b->said, sizeof b->said, "working"); break;
    }
}

static void
read_points(void *self, const lintel_request *r)
{
    struct bus *b = self;
    lintel_sample s;
    if (r->npoints != 1) { /* each attempt alone */
        b->host->complete(b->host, r, LINTEL_E_NOTSUP, NULL, 0);
        return;
    }
    attempt(b, r->points[0]->addr);
    s = (lintel_sample){.point = r->points[0]->id,
                        .value = {LINTEL_T_STR, (uint32_t)strlen(b->said), {.s = b->said}}};
    b->host->complete(b->host, r, LINTEL_OK, &s, 1);
}

static lintel_status
create(const lintel_host *h, const lintel_value *settings, void **self)
{
    struct bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = h;
    if (settings[0].type == LINTEL_T_STR)
        snprintf(b->device, sizeof b->device, "%s", settings[0].as.s);
    *self = b;
    return LINTEL_OK;
}

#ifndef ESCAPE_NEEDS
#define ESCAPE_NEEDS 0
#define ESCAPE_NAME "escape"
#endif
static const lintel_plugin escape = {.size = sizeof escape,
                                     .flags = LINTEL_PLUGIN_BLOCKING,
                                     .needs = ESCAPE_NEEDS,
                                     .name = ESCAPE_NAME,
                                     .unit_bytes = 1,
                                     .version = "1.0",
                                     .summary = "A plugin that tries to get out.",
                                     .natural = "",
                                     .bus = bus_fields,
                                     .address = address_fields,
                                     .create = create,
                                     .destroy = free,
                                     .read = read_points};
LINTEL_PLUGIN_ENTRY(&escape);
