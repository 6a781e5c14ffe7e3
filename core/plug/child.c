/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/loop/frames.h"
#include "core/plug/cage_lock.h"
#include "core/plug/last_word.h"
#include "core/plug/wire.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define HELLO_MOST (5 * SECOND)
#define DEBUG_MOST (3600 * SECOND)
#define END_MOST (5 * SECOND)
#define PING_EVERY (5 * SECOND)
#define REAP_FIRST (1 * MS)
#define REAP_KILL (100 * MS) /* without its connection it is of no use */
enum {
    CHILD_FD = 3,
    PINGS_MOST = 3,                 /* without an answer: it does not live any more */
    QUEUE_MOST = 256 * 1024 * 1024, /* a start tells all points at once */
    REASON = 256
};

enum state { STARTING, CAGING, UP, DYING, WAITING };

struct lintel_child {
    struct lintel_loop *loop;
    char *program, *name;
    struct lintel_child_fns fns;
    void *ctx;
    struct lintel_supervise *life;
    enum state state;
    int born;     /* it was started once */
    int ending;   /* _end() was called */
    int killed;   /* SIGKILL was sent */
    int debugged; /* LINTEL_HOST_WAIT names it: nothing is done because of time */
    int renewing; /* for no fault of its own */
    int starved;  /* nor this: the hub had no memory or descriptors for it */
    int was_up;   /* plugins' code was in it */
    int gave_up;  /* it said that memory is out */
    pid_t pid;
    struct lintel_frames *frames;
    struct lintel_wire_scratch scratch;
    struct lintel_timer timer; /* hello; pings; reaping; the next start */
    lintel_mono dying_since;
    int64_t reap_wait;
    uint32_t pings; /* not answered */
    uint32_t restarts;
    char reason[REASON];
    char cage[REASON];
};

static void start(struct lintel_child *c);
static void on_timer(void *arg);

static void
set_timer(struct lintel_child *c, int64_t in)
{
    /* Can't fail: once armed, the heap has room for it. */
    lintel_timer_at(c->loop, &c->timer, lintel_loop_now(c->loop) + in, on_timer, c);
}

/* ---- death ----------------------------------------------------------------------------------- */

static void
free_child(struct lintel_child *c)
{
    lintel_timer_stop(c->loop, &c->timer);
    lintel_frames_close(c->frames);
    lintel_wire_scratch_fini(&c->scratch);
    lintel_free(c->program);
    lintel_free(c->name);
    lintel_free(c);
}

static void
bury(struct lintel_child *c)
{
    c->pid = 0;
    if (c->ending) {
        c->fns.ended(c->ctx);
        free_child(c);
        return;
    }
    c->state = WAITING;
    lintel_mono now = lintel_loop_now(c->loop);
    int64_t wait = c->renewing                ? 0
                   : c->starved               ? lintel_supervise_starved(c->life, now)
                   : !c->was_up || c->gave_up ? lintel_supervise_short(c->life, now)
                                              : lintel_supervise_ended(c->life, now);
    set_timer(c, wait);
    c->fns.gone(c->ctx, c->reason, wait);
}

static void
note_exit(struct lintel_child *c, int status)
{
    if (c->killed)
        return; /* the reason of that stands there */
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        lintel_copy(c->reason, sizeof c->reason, "its process did what its cage forbids (SIGSYS)");
    else if (WIFSIGNALED(status))
        lintel_format(c->reason, sizeof c->reason, "its process was killed by signal %d (%s)",
                      WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status) && WEXITSTATUS(status) == LINTEL_LAST_WORD_MEMORY)
        lintel_copy(c->reason, sizeof c->reason,
                    "its process gave up when its memory limit was used up");
    else if (WIFEXITED(status) && WEXITSTATUS(status) == LINTEL_LAST_WORD_STARVED) {
        lintel_copy(c->reason, sizeof c->reason, "its process gave up: memory is out");
        c->gave_up = 1;
    } else if (WIFEXITED(status))
        lintel_format(c->reason, sizeof c->reason, "its process ended with status %d",
                      WEXITSTATUS(status));
}

static void
reap(struct lintel_child *c)
{
    int status = 0;
    pid_t pid = waitpid(c->pid, &status, WNOHANG);
    if (pid == c->pid || (pid < 0 && errno == ECHILD)) {
        if (pid == c->pid)
            note_exit(c, status);
        bury(c);
        return;
    }
    int64_t dying = lintel_loop_now(c->loop) - c->dying_since;
    if (!c->killed && dying >= (c->ending ? END_MOST : REAP_KILL)) {
        kill(c->pid, SIGKILL);
        c->killed = 1;
    }
    if (c->reap_wait < 50 * MS)
        c->reap_wait *= 2;
    set_timer(c, c->reap_wait);
}

/* From now on only its death is waited for. */
static void
begin_dying(struct lintel_child *c)
{
    lintel_frames_close(c->frames);
    c->frames = NULL;
    c->state = DYING;
    c->dying_since = lintel_loop_now(c->loop);
    c->reap_wait = REAP_FIRST;
    set_timer(c, REAP_FIRST);
}

void
lintel_child_kill(struct lintel_child *c, const char *reason)
{
    if (c->state != STARTING && c->state != CAGING && c->state != UP)
        return;
    lintel_copy(c->reason, sizeof c->reason, reason);
    kill(c->pid, SIGKILL);
    c->killed = 1;
    begin_dying(c);
}

int
lintel_child_may_be_late(const struct lintel_child *c, const char *reason)
{
    if (!c->debugged || c->ending)
        return 0;
    lintel_log(LINTEL_LOG_WARN, c->name, "not ended, because it is debugged: %s", reason);
    return 1;
}

void
lintel_child_kill_late(struct lintel_child *c, const char *reason)
{
    if (!lintel_child_may_be_late(c, reason))
        lintel_child_kill(c, reason);
}

void
lintel_child_renew(struct lintel_child *c, const char *reason)
{
    if (c->state != STARTING && c->state != CAGING && c->state != UP)
        return;
    lintel_child_kill(c, reason);
    c->renewing = 1;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void
send_cage(struct lintel_child *c)
{
    struct lintel_buf b = {0};
    c->state = CAGING; /* the timer of the hello goes on */
    if (c->fns.cage(c->ctx, &b) != 0 || lintel_frames_send(c->frames, &b) != 0)
        lintel_child_kill(c, "its process can't be caged: out of memory");
    lintel_buf_fini(&b);
}

static int
on_hello(struct lintel_child *c, const unsigned char *data, size_t n)
{
    struct lintel_wire_up m;
    if (lintel_wire_read_up(data, n, &c->scratch, &m) != 0 || m.kind != LINTEL_WIRE_HELLO)
        return -1;
    if (m.ticket != LINTEL_WIRE_VERSION) {
        char reason[REASON];
        lintel_format(reason, sizeof reason,
                      "%s speaks version %llu of the protocol, wanted is %d: "
                      "install hub and lintel-host of one version",
                      c->program, (unsigned long long)m.ticket, LINTEL_WIRE_VERSION);
        lintel_child_kill(c, reason);
        return 0;
    }
    send_cage(c);
    return 0;
}

/* What it says of itself. READY: it is in its cage. REFUSED: it can't be, or a file of its cage was
 * replaced. */
static int
on_own(struct lintel_child *c, const unsigned char *data, size_t n)
{
    struct lintel_wire_up m;
    if (lintel_wire_read_up(data, n, &c->scratch, &m) != 0)
        return -1;
    if (m.kind == LINTEL_WIRE_LOG && c->state == CAGING) { /* still the hub's own code */
        lintel_log(LINTEL_LOG_WARN, c->name, "%s", m.text);
    } else if (m.kind == LINTEL_WIRE_REFUSED && c->state == CAGING) {
        char reason[REASON];
        lintel_format(reason, sizeof reason, "its process can't be caged: %s", m.text);
        lintel_child_kill(c, reason);
    } else if (m.kind == LINTEL_WIRE_REFUSED) {
        c->fns.outdated(c->ctx, m.text);
    } else if (m.kind == LINTEL_WIRE_READY && c->state == CAGING) {
        lintel_copy(c->cage, sizeof c->cage, m.text);
        c->state = UP;
        c->was_up = 1;
        c->pings = 0;
        set_timer(c, PING_EVERY);
        lintel_supervise_ready(c->life, lintel_loop_now(c->loop));
        c->fns.up(c->ctx);
    } else {
        return -1;
    }
    return 0;
}

/* Asks whether it lives, and in which calls its instances are. What it has sent was read before the
 * third question goes out, so a hub that was away itself does not take that for a death. */
static void
ping(struct lintel_child *c)
{
    struct lintel_buf b = {0};
    if (c->pings >= PINGS_MOST) {
        static const char silent[] = "its process lives, but does not answer";
        if (!lintel_child_may_be_late(c, silent)) {
            lintel_child_kill(c, silent);
            return;
        }
        c->pings = 0;
    }
    lintel_wire_short(&b, 0, LINTEL_WIRE_PING, 0);
    if (lintel_frames_send(c->frames, &b) == 0)
        c->pings++;
    lintel_buf_fini(&b);
    set_timer(c, PING_EVERY);
}

static int
take_frame(struct lintel_child *c, const unsigned char *data, size_t n)
{
    uint32_t instance;
    enum lintel_wire_kind kind;
    if (c->state == STARTING)
        return on_hello(c, data, n);
    if (lintel_wire_peek(data, n, &instance, &kind) != 0)
        return -1;
    if (instance == 0 && kind == LINTEL_WIRE_PONG) {
        c->pings = 0;
        return 0;
    }
    if (instance == 0)
        return on_own(c, data, n);
    return c->state == UP ? c->fns.frame(c->ctx, data, n) : -1;
}

/* What breaks the protocol is killed, so that this is the reason, and not what it does then. */
static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct lintel_child *c = ctx;
    int ret = take_frame(c, data, n);
    if (ret != 0)
        lintel_child_kill(c, "it sent a frame that breaks the protocol");
    return ret;
}

static void
on_closed(void *ctx, const char *reason)
{
    struct lintel_child *c = ctx;
    lintel_copy(c->reason, sizeof c->reason, reason);
    begin_dying(c);
}

int
lintel_child_send(struct lintel_child *c, const struct lintel_buf *b, int later)
{
    if (c->state != UP || c->ending)
        return -1;
    return later ? lintel_frames_queue(c->frames, b) : lintel_frames_send(c->frames, b);
}

size_t
lintel_child_queued(const struct lintel_child *c)
{
    return c->frames != NULL ? lintel_frames_queued(c->frames) : 0;
}

/* ---- birth ----------------------------------------------------------------------------------- */

/* All that a child gets of the daemon's environment, which may hold anything. */
static const char *const passed[] = {"PATH",
                                     "TZ",
#if LINTEL_SANITIZED
                                     "ASAN_OPTIONS",
                                     "LSAN_OPTIONS",
                                     "TSAN_OPTIONS",
                                     "UBSAN_OPTIONS",
#endif
                                     NULL};

static int
is_passed(const char *variable)
{
    size_t n = strcspn(variable, "=");
    for (const char *const *p = passed; *p != NULL; p++)
        if (strlen(*p) == n && memcmp(*p, variable, n) == 0)
            return 1;
    return 0;
}

char **
lintel_child_environment(void)
{
    extern char **environ;
    size_t k = 0;
    char **ret = lintel_alloc_array(LINTEL_COUNT(passed), sizeof *ret);
    for (char **e = environ; ret != NULL && *e != NULL && k + 1 < LINTEL_COUNT(passed); e++)
        if (is_passed(*e))
            ret[k++] = *e;
    return ret;
}

/* With fd as descriptor 3, the standard ones, and no other. 0 or an errno. */
static int
spawn(struct lintel_child *c, int fd)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    char socket_arg[] = "--socket=3", name_arg[] = "--name";
    char wait_arg[] = "--wait";
    char *argv[] = {c->program, socket_arg, name_arg, c->name, c->debugged ? wait_arg : NULL, NULL};
    char **env = lintel_child_environment();
    if (env == NULL)
        return ENOMEM;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, fd, CHILD_FD);
    posix_spawn_file_actions_addclosefrom_np(&files, CHILD_FD + 1);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int ret = posix_spawn(&c->pid, c->program, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    lintel_free(env);
    return ret;
}

static void
could_not(struct lintel_child *c, int error)
{
    c->starved = lintel_supervise_is_want(error);
    lintel_format(c->reason, sizeof c->reason, "%s can't be started: %s", c->program,
                  strerror(error));
    bury(c);
}

static void
start(struct lintel_child *c)
{
    static const struct lintel_frames_fns fns = {on_frame, on_closed};
    int fds[2];
    c->state = STARTING;
    c->killed = c->renewing = c->starved = c->was_up = c->gave_up = 0;
    c->reason[0] = c->cage[0] = '\0';
    c->pid = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        could_not(c, errno);
        return;
    }
    c->frames = lintel_frames_new(c->loop, fds[0], QUEUE_MOST, &fns, c);
    if (c->frames == NULL) {
        close(fds[0]);
        close(fds[1]);
        could_not(c, ENOMEM);
        return;
    }
    int error = spawn(c, fds[1]);
    close(fds[1]);
    if (error != 0) {
        c->pid = 0;
        lintel_frames_close(c->frames);
        c->frames = NULL;
        could_not(c, error);
        return;
    }
    set_timer(c, c->debugged ? DEBUG_MOST : HELLO_MOST);
}

static void
on_timer(void *arg)
{
    struct lintel_child *c = arg;
    switch (c->state) {
    case STARTING: lintel_child_kill_late(c, "its process did not say hello within 5 s"); break;
    case CAGING: lintel_child_kill_late(c, "its process was not in its cage within 5 s"); break;
    case UP: ping(c); break;
    case DYING: reap(c); break;
    case WAITING:
        c->restarts++;
        start(c);
        break;
    }
}

static void
on_first(void *arg)
{
    struct lintel_child *c = arg;
    c->born = 1;
    start(c);
}

struct lintel_child *
lintel_child_new(struct lintel_loop *loop, const char *program, const char *name,
                 struct lintel_supervise *life, const struct lintel_child_fns *fns, void *ctx)
{
    struct lintel_child *c = lintel_alloc(sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct lintel_child){.loop = loop,
                               .program = lintel_strdup(program),
                               .name = lintel_strdup(name),
                               .fns = *fns,
                               .ctx = ctx,
                               .life = life,
                               .state = WAITING};
    const char *debugged = getenv("LINTEL_HOST_WAIT");
    c->debugged = debugged != NULL && strcmp(debugged, name) == 0;
    /* Not from here: the caller does not know the child yet. */
    if (c->program == NULL || c->name == NULL ||
        lintel_timer_at(loop, &c->timer, lintel_loop_now(loop), on_first, c) != 0) {
        free_child(c);
        return NULL;
    }
    return c;
}

void
lintel_child_retry(struct lintel_child *c)
{
    if (c->state == WAITING && c->born)
        set_timer(c, 0);
}

void
lintel_child_end(struct lintel_child *c)
{
    c->ending = 1;
    if (c->state == WAITING)
        bury(c);
    else if (c->state != DYING)
        begin_dying(c);
}

void
lintel_child_free(struct lintel_child *c)
{
    if (c == NULL)
        return;
    if (c->pid != 0) {
        kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free_child(c);
}

int
lintel_child_is_up(const struct lintel_child *c)
{
    return c->state == UP;
}

int
lintel_child_is_dying(const struct lintel_child *c)
{
    return c->state == DYING;
}

int64_t
lintel_child_pid(const struct lintel_child *c)
{
    return c->pid;
}

const char *
lintel_child_cage(const struct lintel_child *c)
{
    return c->cage;
}

uint32_t
lintel_child_restarts(const struct lintel_child *c)
{
    return c->restarts;
}
