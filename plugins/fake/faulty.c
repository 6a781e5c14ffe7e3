/* SPDX-License-Identifier: Apache-2.0
 * A small driver with one fault, for the self-test of lintel-plugin-check: -DFAULT=FAULT_NAME and
 * -DONLY_NAME say which; with NONE it is right. Its device is asked by one byte over TCP and
 * answers with two; without a port it is no device but the number 7. Some do not block (WAITS). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <lintel/ext/loop.h>
#include <lintel/plugin.h>
#include <locale.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum fault {
    FAULT_NONE,
    FAULT_ENTRY,
    FAULT_EXPORT,
    FAULT_SYMBOL,
    FAULT_EXECSTACK,
    FAULT_CONSTRUCTOR,
    FAULT_REQUIRED,
    FAULT_OPTIONAL,
    FAULT_CREATEIO,
    FAULT_CREATECALL,
    FAULT_LEAK,
    FAULT_FDLEAK,
    FAULT_THREADLEAK,
    FAULT_LOST,
    FAULT_TWICE,
    FAULT_STRANGER,
    FAULT_NAN,
    FAULT_STACK,
    FAULT_NEVER,
    FAULT_DUPLICATE,
    FAULT_NOVALUE,
    FAULT_WRITE,
    FAULT_EXIT,
    FAULT_LATE,
    FAULT_CUT,
    FAULT_CANCEL,
    FAULT_STOP,
    FAULT_AFTER,
    FAULT_TIMER,
    FAULT_LOOP,
    FAULT_PUBLISH,
    FAULT_LOG,
    FAULT_CLOEXEC,
    FAULT_SIGNAL,
    FAULT_LOCALE,
    FAULT_FOLDER,
    FAULT_UMASK,
    FAULT_ENVIRONMENT,
    FAULT_SECRET,
    FAULT_MALLOC,
    FAULT_MALLOCLEAK
};
#define IS(name) (FAULT == FAULT_##name)
#if defined ONLY_CANCEL || defined ONLY_STOP || defined ONLY_TIMER || defined ONLY_LOOP
#define WAITS
#endif
#define MS INT64_C(1000000)
enum { SET_PORT, SET_LABEL, SET_SECRET, MANY = 500 };

struct bus {
    const lintel_host *host;
    const lintel_host_loop *loop;
    int64_t port;
    int fd, kept, started, has_thread;
    pthread_t thread;
    const lintel_request *open; /* of the one that does not block */
    void *one, *other;
};

static const lintel_field settings[] = {
    {.name = "port",
     .help = "TCP port of the device; without, the number 7.",
     .type = LINTEL_T_INT,
     .min = 1,
     .max = 65535},
    {.name = "label", .help = "Anything.", .type = LINTEL_T_STR},
    {.name = "secret",
     .help = "A word that must never be seen.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_SECRET},
    {.name = "mode",
     .help = "Anything.",
     .type = LINTEL_T_STR,
     .dflt = "plain",
     .flags = IS(REQUIRED) ? LINTEL_F_REQUIRED : 0},
    {0}};

#if defined ONLY_EXPORT
LINTEL_EXPORT extern int common_name;
int common_name = 1;
#elif defined ONLY_SYMBOL /* of a library that the program has, and the plugin does not name */
extern const char *jansson_version_str(void);
#elif defined ONLY_CONSTRUCTOR
static volatile int constructed;
__attribute__((constructor)) static void
construct(void)
{
    constructed = 1;
}
#endif

/* ---- threads that should not be, or not so --------------------------------------------------- */

static void
nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void
ring(void *arg)
{
    (void)arg;
}

static volatile int after_stop;
static const lintel_host *started_by;

static void *
run(void *arg)
{
    struct bus *b = arg;
    const lintel_host *host =
        started_by; /* of those that outlive it, the instance may be gone already */
    if (IS(THREADLEAK))
        pause();
    if (IS(LOOP))
        b->loop->timer(host, 0, ring, b);
    if (IS(AFTER)) {
        while (!after_stop)
            nap(20);
        nap(100);
        host->link(host, LINTEL_E_LINK, "too late");
    }
    if (IS(NONE)) /* from a thread of its own, which is allowed */
        host->link(host, LINTEL_OK, "from another thread");
    return NULL;
}

static int
start_thread(struct bus *b)
{
    int detached = IS(THREADLEAK) || IS(AFTER);
    started_by = b->host;
    if (pthread_create(&b->thread, NULL, run, b) != 0)
        return -1;
    if (detached)
        pthread_detach(b->thread);
    b->has_thread = !detached;
    return 0;
}

/* ---- create to destroy ----------------------------------------------------------------------- */

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    struct bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return LINTEL_E_NOMEM;
    *b = (struct bus){.host = h, .fd = -1, .kept = -1};
    b->port = v[SET_PORT].type == LINTEL_T_INT ? v[SET_PORT].as.i : 0;
    if (IS(OPTIONAL) && v[SET_LABEL].as.s[0] == '\0')
        h->log(h, LINTEL_LOG_WARN, "an empty label");
    if (IS(CREATEIO))
        b->kept = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (IS(CREATECALL))
        (void)h->now(h);
    if (IS(SECRET) && v[SET_SECRET].type == LINTEL_T_STR) {
        char line[128];
        snprintf(line, sizeof line, "logging in with %s", v[SET_SECRET].as.s);
        h->log(h, LINTEL_LOG_DEBUG, line);
    }
    if (IS(MALLOCLEAK)) {
        b->one = malloc(16);
        b->other = malloc(16);
        if (b->one == NULL || b->other == NULL) {
            free(b);
            return LINTEL_E_NOMEM;
        }
    }
    *self = b;
    return LINTEL_OK;
}

static void
destroy(void *self)
{
    struct bus *b = self;
    if (IS(LEAK) && !b->started)
        b->one = NULL, b->other = malloc(16); /* an early way out that forgets */
    else
        free(b->other);
    free(b->one);
    if (b->kept >= 0 && !IS(FDLEAK))
        close(b->kept);
    free(b);
}

static void
on_signal(int number)
{
    (void)number;
}

static void
change_process(void)
{
    if (IS(SIGNAL))
        signal(SIGUSR2, on_signal);
    if (IS(LOCALE))
        uselocale(newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0));
    if (IS(FOLDER) && chdir("/") != 0)
        return;
    if (IS(UMASK))
        umask(0);
    if (IS(ENVIRONMENT))
        setenv("FAULTY", "yes", 1);
}

static lintel_status
start(void *self)
{
    struct bus *b = self;
    after_stop = 0;
    b->started = 1;
    b->loop = b->host->extension(b->host, LINTEL_EXT_LOOP);
    if (IS(FDLEAK))
        b->kept = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (IS(CLOEXEC))
        b->kept = socket(AF_INET, SOCK_STREAM, 0);
    if (IS(THREADLEAK) || IS(AFTER) || IS(LOOP) || IS(NONE))
        (void)start_thread(b);
    if (IS(PUBLISH))
        b->host->publish(b->host, &(lintel_sample){.point = 999999}, 1);
    if (IS(LOG))
        b->host->log(b->host, LINTEL_LOG_INFO, "two\nlines");
    if (IS(TIMER) && b->loop != NULL)
        b->loop->timer(b->host, b->host->now(b->host) + 3600000 * MS, ring, b);
    if (IS(MALLOC)) {
        b->one = malloc(16);
        memset(b->one, 1, 16);
    }
    change_process();
#if defined ONLY_SYMBOL
    if (jansson_version_str() == NULL)
        return LINTEL_E_FAIL;
#endif
    return LINTEL_OK;
}

/* ---- the device ------------------------------------------------------------------------------ */

static void
hang_up(struct bus *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
}

static int
dial(struct bus *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)b->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (b->fd >= 0)
        return 0;
    b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (b->fd >= 0 && connect(b->fd, (const struct sockaddr *)&at, sizeof at) == 0)
        return 0;
    hang_up(b);
    return -1;
}

static void
use_stack(void)
{
    volatile char room[3 << 20];
    for (size_t i = sizeof room; i > 0; i -= 1024)
        room[i - 1024] = 1;
}

static void
answer(struct bus *b, const lintel_request *r, lintel_status st, const unsigned char raw[2])
{
    int many = r->npoints == MANY;
    lintel_sample *s = calloc(r->npoints + 1u, sizeof *s);
    uint32_t n = 0;
    if (s == NULL || (IS(NEVER) && many)) {
        if (s == NULL)
            b->host->complete(b->host, r, LINTEL_E_NOMEM, NULL, 0);
        free(s);
        return;
    }
    for (uint32_t i = 0; i < r->npoints; i++)
        s[n++] = (lintel_sample){.point = r->points[i]->id,
                                 .status = st,
                                 .value = {.type = LINTEL_T_BYTES, .len = 2, .as.p = raw},
                                 .detail = st != LINTEL_OK ? "no answer" : NULL};
    if (many && IS(NAN))
        s[0] = (lintel_sample){.point = s[0].point,
                               .value = {LINTEL_T_REAL, 0, {.r = (double)INFINITY}}};
    if (IS(DUPLICATE) && n == 3)
        s[2].status = LINTEL_E_BUSY;
    if (many && IS(LOST))
        n--;
    if (many && IS(STRANGER))
        s[n++] = (lintel_sample){.point = 999999};
    if (many && IS(STACK))
        use_stack();
    b->host->complete(b->host, r, LINTEL_OK, s, n);
    if (many && IS(TWICE))
        b->host->complete(b->host, r, LINTEL_OK, s, n);
    free(s);
}

/* ---- requests -------------------------------------------------------------------------------- */

#ifdef WAITS
static void
overdue(void *arg)
{
    struct bus *b = arg;
    const lintel_request *r = b->open;
    b->open = NULL;
    if (r != NULL)
        b->host->complete(b->host, r, LINTEL_E_TIMEOUT, NULL, 0);
}

static void
end_open(struct bus *b, lintel_status st)
{
    const lintel_request *r = b->open;
    b->open = NULL;
    b->loop->timer(b->host, 0, overdue, b);
    if (r != NULL)
        b->host->complete(b->host, r, st, NULL, 0);
}

static void
read_points(void *self, const lintel_request *r)
{
    struct bus *b = self;
    static const unsigned char seven[2] = {0, 7};
    if (b->port == 0 || dial(b) != 0) {
        answer(b, r, b->port == 0 ? LINTEL_OK : LINTEL_E_LINK, seven);
        return;
    }
    hang_up(b); /* whatever it would say: it is waited in vain */
    b->open = r;
    b->loop->timer(b->host, r->deadline, overdue, b);
}

static void
cancel(void *self, const lintel_request *r)
{
    struct bus *b = self;
    if (b->open == r && !IS(CANCEL))
        end_open(b, LINTEL_E_CANCELLED);
}
#else
/* The device's two bytes, until the deadline. */
static lintel_status
ask(struct bus *b, const lintel_request *r, unsigned char out[2])
{
    size_t had = 0;
    if (b->port == 0) {
        out[0] = 0, out[1] = 7;
        return IS(NOVALUE) ? LINTEL_E_DEVICE : LINTEL_OK;
    }
    if (dial(b) != 0 || send(b->fd, "?", 1, MSG_NOSIGNAL) != 1) {
        hang_up(b);
        return LINTEL_E_LINK;
    }
    while (had < 2) {
        struct pollfd p = {b->fd, POLLIN, 0};
        if (b->host->cancelled(b->host, r)) {
            hang_up(b); /* what comes later must not be taken for the next answer */
            if (IS(LATE))
                nap(1200);
            return b->host->now(b->host) >= r->deadline ? LINTEL_E_TIMEOUT : LINTEL_E_CANCELLED;
        }
        if (poll(&p, 1, 20) <= 0)
            continue;
        ssize_t n = recv(b->fd, out + had, 2 - had, 0);
        if (n <= 0) {
            hang_up(b);
            out[1] = 0;
            return IS(CUT) && had == 1 ? LINTEL_OK : LINTEL_E_LINK;
        }
        had += (size_t)n;
    }
    return LINTEL_OK;
}

static void
read_points(void *self, const lintel_request *r)
{
    struct bus *b = self;
    unsigned char raw[2] = {0, 0};
    lintel_status st = ask(b, r, raw);
    answer(b, r, st, raw);
}
#endif

static void
write_points(void *self, const lintel_request *r)
{
    struct bus *b = self;
    if (IS(EXIT) && r->values[0].type == LINTEL_T_STR)
        exit(3);
    if (IS(WRITE) && r->values[0].type == LINTEL_T_NULL)
        return;
    b->host->complete(b->host, r, LINTEL_E_NOTSUP, NULL, 0);
}

static void
stop(void *self)
{
    struct bus *b = self;
    after_stop = 1;
    if (b->has_thread)
        pthread_join(b->thread, NULL);
    hang_up(b);
#ifdef WAITS
    if (!IS(STOP))
        end_open(b, LINTEL_E_CANCELLED);
    else
        b->loop->timer(b->host, 0, overdue, b);
#endif
}

static const lintel_plugin plugin = {.size = sizeof plugin,
#ifndef WAITS
                                     .flags = LINTEL_PLUGIN_BLOCKING,
#else
                                     .cancel = cancel,
#endif
                                     .needs = LINTEL_NEED_NETWORK,
                                     .unit_bytes = 1,
                                     .name = "faulty",
                                     .version = "1",
                                     .summary = "A driver with one fault.",
                                     .natural = "u16",
                                     .bus = settings,
                                     .create = create,
                                     .destroy = destroy,
                                     .start = start,
                                     .stop = stop,
                                     .read = read_points,
                                     .write = write_points};
#if defined ONLY_ENTRY
static const lintel_plugin *const plugins[] = {&plugin};
LINTEL_EXPORT extern const lintel_entry lintel_plugin_entry;
const lintel_entry lintel_plugin_entry = {
    0, sizeof(lintel_entry), LINTEL_ABI_MAJOR, LINTEL_ABI_MINOR, sizeof(lintel_plugin), 1, plugins};
#else
LINTEL_PLUGIN_ENTRY(&plugin);
#endif
