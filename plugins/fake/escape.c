/* SPDX-License-Identifier: Apache-2.0
 * A plugin that tries to get out: each point is an attempt, made when it is read. The value tells
 * how it went: "refused: .." or "DONE". It blocks, so it lives in a process. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#include <sys/wait.h>
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
                "abstract|limits|mount|unshare|environment|line|name|hidden|inject|owner"},
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
    TRY_OWNER
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
try_memory(struct bus *b, int shared)
{
    unsigned char *blocks[MEMORY_MOST / 32];
    int n = 0;
    while (n < MEMORY_MOST / 32) {
        blocks[n] = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE,
                         (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
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
    case TRY_MEMORY: try_memory(b, 0); break;
    case TRY_SHARED: try_memory(b, 1); break;
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
