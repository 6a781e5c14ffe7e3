/* SPDX-License-Identifier: Apache-2.0
 * Simulated Modbus devices on TCP and on serial lines (ptys), with faults on demand. Its framing is
 * its own, so that the plugin is not tested against the library that it uses. A serial line with a
 * --baud has true byte timing (modbus_line.c). One loop, no threads; ends with SIGTERM, SIGINT, or
 * when stdin does. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/modbus_line.h"
#include "tests/sim/modbus_unit.h"

static const char help[] =
    "Usage: modbus_sim WIRE UNIT VALUE.. [FAULT..] [UNIT ..] [WIRE ..]\n"
    "Simulates Modbus devices until SIGTERM, or the end of stdin if that is a pipe. Says \"ready "
    "tcp PORT\" or \"ready pty PATH\" for each wire, in "
    "order.\n"
    "\n"
    "WIRE   --tcp PORT       a server on 127.0.0.1; 0: any free port\n"
    "       --pty LINK       a serial line (RTU); LINK becomes a link to its device; -: no link\n"
    "         --baud N       behind it: bytes take their time, and two at once are garbage\n"
    "         --format 8E1   8N1, 8N2, 8O1 .. [8E1]\n"
    "         --turnaround MS  from a request to its answer [30]\n"
    "         --wait MS      the master's timeout, for counting the line's use [500]\n"
    "UNIT   --unit N\n"
    "VALUE  coil:3=1  discrete:0=0  input:12=f32:308  holding:40=s16:215\n"
    "       types u16 s16 u32 s32 f32; u32-swap s32-swap f32-swap have the low word first\n"
    "       308*500          500 of them, one behind the other\n"
    "       308~noise:5      another one between 303 and 313 each second\n"
    "       308~ramp:0.5     half more each second\n"
    "       All other addresses are refused with exception 2.\n"
    "FAULT  most=N           reads of more than N registers are refused with exception 3\n"
    "       fault=dead|half|wrong-unit|wrong-tid|late|close|exception:CODE|slow:MS\n"
    "       every=N          the fault hits each N-th request only\n"
    "STDIN  kill N           all units of this number say nothing any more\n"
    "       revive N         they do again\n"
    "       count            tells what each line with a --baud was used for, as a line of JSON\n";

enum { WIRES_MOST = 256, HELD_MOST = 64 };
struct wire { /* a listener, a connection of it, or a serial line */
    enum wire_kind { LISTENER, CONNECTION, SERIAL } kind;
    int fd, slave;
    char link[256];
    struct unit *units;        /* a connection has its listener's */
    struct sim_line_conf conf; /* serial; baud 0: bytes take no time */
    struct sim_line *line;
    uint8_t in[1024];
    size_t have;
};
struct held { /* an answer that is sent later */
    struct wire *wire;
    double at; /* seconds; < 0: with the wire's next request */
    size_t n;
    uint8_t frame[260];
};
static struct wire *wires[WIRES_MOST];
static struct held held[HELD_MOST]; /* free where wire is NULL */
static double started;

static int64_t
nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double
seconds(void)
{
    return (double)nanoseconds() / 1e9;
}

/* ---- answers ---- */

static void
put(struct wire *w, const uint8_t *frame, size_t n)
{
    ssize_t sent = w->kind == SERIAL ? write(w->fd, frame, n) : send(w->fd, frame, n, MSG_NOSIGNAL);
    (void)sent; /* a client that is gone is noticed when reading */
}

static void
hold(struct wire *w, double at, const uint8_t *frame, size_t n)
{
    for (struct held *h = held; h < held + HELD_MOST; h++)
        if (h->wire == NULL) {
            *h = (struct held){.wire = w, .at = at, .n = n};
            memcpy(h->frame, frame, n);
            return;
        }
}

/* Sends what is due; with_request: also what waits for the wire's next request. */
static void
release(const struct wire *with_request)
{
    double now = seconds();
    for (struct held *h = held; h < held + HELD_MOST; h++)
        if (h->wire != NULL && (h->at < 0 ? h->wire == with_request : h->at <= now)) {
            put(h->wire, h->frame, h->n);
            h->wire = NULL;
        }
}

static size_t
frame_of(const struct wire *w, const uint8_t *tid, uint8_t unit, const uint8_t *pdu, size_t n,
         uint8_t *frame)
{
    if (w->kind == SERIAL) {
        frame[0] = unit;
        memcpy(frame + 1, pdu, n);
        uint16_t crc = sim_crc16(frame, n + 1);
        frame[n + 1] = (uint8_t)crc;
        frame[n + 2] = (uint8_t)(crc >> 8);
        return n + 3;
    }
    memcpy(frame, (uint8_t[]){tid[0], tid[1], 0, 0, 0, (uint8_t)(n + 1), unit}, 7);
    memcpy(frame + 7, pdu, n);
    return n + 7;
}

/* One request came. Returns 0 when the connection is to end. */
static int
serve(struct wire *w, const uint8_t *tid_in, uint8_t id, const uint8_t *pdu, size_t n)
{
    uint8_t answer[253], frame[260], tid[2] = {tid_in[0], tid_in[1]};
    struct unit *u = sim_unit_of(w->units, id);
    release(w);
    if (w->kind == SERIAL && id == 0) { /* broadcast: all take it, none answers */
        for (u = w->units; u != NULL; u = u->next)
            unit_answer(u, pdu, n, seconds() - started, answer);
        return 1;
    }
    if (u == NULL && w->kind == SERIAL)
        return 1;
    if (u == NULL) { /* as a gateway says it */
        put(w, frame, frame_of(w, tid, id, (uint8_t[]){pdu[0] | 0x80, 11}, 2, frame));
        return 1;
    }
    enum fault fault = ++u->requests % u->every == 0 ? u->fault : FAULT_NONE;
    if (u->killed)
        fault = FAULT_DEAD;
    if (fault == FAULT_DEAD)
        return 1;
    if (fault == FAULT_CLOSE)
        return 0;
    size_t m = unit_answer(u, pdu, n, seconds() - started, answer);
    if (fault == FAULT_EXCEPTION) {
        answer[0] = pdu[0] | 0x80;
        answer[1] = (uint8_t)u->fault_value;
        m = 2;
    }
    if (fault == FAULT_WRONG_TID)
        tid[1]++;
    m = frame_of(w, tid, fault == FAULT_WRONG_UNIT ? (uint8_t)(id + 1) : id, answer, m, frame);
    if (fault == FAULT_LATE || fault == FAULT_SLOW)
        hold(w, fault == FAULT_LATE ? -1 : seconds() + u->fault_value / 1e3, frame, m);
    else
        put(w, frame, fault == FAULT_HALF ? m / 2 : m);
    return 1;
}

/* ---- requests ---- */

/* The length of the first request in `in`: 0 if it is not whole yet, -1 if it is none. */
static int
tcp_request(const struct wire *w)
{
    size_t n = w->have >= 6 ? 6 + ((size_t)w->in[4] << 8 | w->in[5]) : 0;
    if (w->have >= 6 && (w->in[2] != 0 || w->in[3] != 0 || n < 8 || n > 260))
        return -1;
    return n == 0 || n > w->have ? 0 : (int)n;
}

static int
rtu_request(const struct wire *w)
{
    if (w->have < 8)
        return 0;
    size_t n = w->in[1] == 15 || w->in[1] == 16 ? 9u + w->in[6] : 8;
    if (n > w->have)
        return 0;
    uint16_t crc = sim_crc16(w->in, n - 2);
    return w->in[n - 2] == (uint8_t)crc && w->in[n - 1] == crc >> 8 ? (int)n : -1;
}

/* Returns 0 when the wire is to be closed. */
static int
take(struct wire *w)
{
    ssize_t got = read(w->fd, w->in + w->have, sizeof w->in - w->have);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR || w->kind == SERIAL);
    if (w->line != NULL) {
        sim_line_speak(w->line, nanoseconds(), w->in, (size_t)got);
        return 1;
    }
    w->have += (size_t)got;
    for (;;) {
        int n = w->kind == SERIAL ? rtu_request(w) : tcp_request(w);
        if (n == 0)
            return 1;
        if (n < 0 && w->kind == CONNECTION)
            return 0;
        if (n < 0)
            n = 1; /* noise: looks for the next frame's beginning */
        else if (w->kind == SERIAL)
            serve(w, (uint8_t[2]){0, 0}, w->in[0], w->in + 1, (size_t)n - 3);
        else if (!serve(w, w->in, w->in[6], w->in + 7, (size_t)n - 7))
            return 0;
        w->have -= (size_t)n;
        memmove(w->in, w->in + n, w->have);
    }
}

/* ---- wires ---- */

static struct wire *
wire_new(enum wire_kind kind, int fd, struct unit *units)
{
    for (int i = 0; i < WIRES_MOST; i++)
        if (wires[i] == NULL && (wires[i] = calloc(1, sizeof *wires[i])) != NULL) {
            wires[i]->kind = kind;
            wires[i]->fd = fd;
            wires[i]->slave = -1;
            wires[i]->units = units;
            wires[i]->conf =
                (struct sim_line_conf){.bits = 11, .turnaround = 30000000, .wait = 500000000};
            return wires[i];
        }
    close(fd);
    return NULL;
}

static void
wire_close(struct wire *w)
{
    for (struct held *h = held; h < held + HELD_MOST; h++)
        if (h->wire == w)
            h->wire = NULL;
    sim_line_free(w->line);
    close(w->fd);
    if (w->slave >= 0)
        close(w->slave);
    if (w->link[0] != '\0')
        unlink(w->link);
    while (w->kind != CONNECTION && w->units != NULL) {
        struct unit *next = w->units->next;
        unit_free(w->units);
        w->units = next;
    }
    for (int i = 0; i < WIRES_MOST; i++)
        if (wires[i] == w)
            wires[i] = NULL;
    free(w);
}

static struct wire *
open_tcp(const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    char *end;
    unsigned long number = strtoul(port, &end, 10);
    a.sin_port = htons((uint16_t)number);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (end == port || *end != '\0' || number > 65535 ||
        bind(fd, (struct sockaddr *)&a, size) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
        fprintf(stderr, "modbus_sim: can't listen on port \"%s\": %s\n", port, strerror(errno));
        close(fd);
        return NULL;
    }
    printf("ready tcp %u\n", ntohs(a.sin_port));
    return wire_new(LISTENER, fd, NULL);
}

static struct wire *
open_pty(const char *link)
{
    char name[64];
    struct termios t;
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, name, sizeof name) != 0) {
        fprintf(stderr, "modbus_sim: no pty: %s\n", strerror(errno));
        return NULL;
    }
    /* Held open, so that the line survives its clients. */
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || tcgetattr(slave, &t) != 0) {
        fprintf(stderr, "modbus_sim: %s: %s\n", name, strerror(errno));
        return NULL;
    }
    fchmod(slave, 0666); /* the hub's child is another user where root runs it */
    cfmakeraw(&t);
    tcsetattr(slave, TCSANOW, &t);
    struct wire *w = wire_new(SERIAL, fd, NULL);
    if (w == NULL)
        return NULL;
    w->slave = slave;
    if (strcmp(link, "-") != 0) {
        unlink(link);
        if (symlink(name, link) != 0) {
            fprintf(stderr, "modbus_sim: can't make %s: %s\n", link, strerror(errno));
            return NULL;
        }
        snprintf(w->link, sizeof w->link, "%s", link);
    }
    printf("ready pty %s\n", w->link[0] != '\0' ? w->link : name);
    return w;
}

static void
accept_one(const struct wire *listener)
{
    int on = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    wire_new(CONNECTION, fd, listener->units);
}

/* ---- arguments ---- */

static int
set_fault(struct unit *u, const char *text)
{
    static const char *const names[] = {"none", "dead",  "half",      "wrong-unit", "wrong-tid",
                                        "late", "close", "exception", "slow",       NULL};
    size_t n = strcspn(text, ":");
    for (int i = 0; names[i] != NULL; i++)
        if (strlen(names[i]) == n && memcmp(names[i], text, n) == 0) {
            u->fault = (enum fault)i;
            u->fault_value = text[n] == ':' ? (int)strtol(text + n + 1, NULL, 10) : 0;
            return 0;
        }
    fprintf(stderr, "modbus_sim: \"%s\" is no fault; see --help\n", text);
    return -1;
}

static struct unit *
add_unit(struct wire *w, const char *id)
{
    struct unit *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->id = (uint8_t)strtoul(id, NULL, 10);
    u->every = 1;
    u->most = 125;
    u->next = w->units;
    w->units = u;
    return u;
}

/* Of the line before it; 0 if the word is none. */
static int
set_line(struct wire *w, const char *word, const char *value)
{
    if (strcmp(word, "--baud") == 0)
        w->conf.baud = (int)strtol(value, NULL, 10);
    else if (strcmp(word, "--format") == 0 && strlen(value) == 3)
        w->conf.bits = 1 + (value[0] - '0') + (value[1] != 'N') + (value[2] - '0');
    else if (strcmp(word, "--turnaround") == 0)
        w->conf.turnaround = strtol(value, NULL, 10) * INT64_C(1000000);
    else if (strcmp(word, "--wait") == 0)
        w->conf.wait = strtol(value, NULL, 10) * INT64_C(1000000);
    else
        return 0;
    return 1;
}

static int
configure(int n, char **words, struct wire **w, struct unit **u)
{
    for (int i = 0; i < n; i++) {
        const char *word = words[i], *next = i + 1 < n ? words[i + 1] : "";
        if (strcmp(word, "--tcp") == 0 || strcmp(word, "--pty") == 0) {
            *w = word[2] == 't' ? open_tcp(next) : open_pty(next);
            *u = NULL;
            if (*w == NULL)
                return -1;
            i++;
        } else if (strcmp(word, "--unit") == 0 && *w != NULL) {
            *u = add_unit(*w, next);
            i++;
        } else if (*w != NULL && *u == NULL && (*w)->kind == SERIAL && set_line(*w, word, next)) {
            i++;
        } else if (*u == NULL) {
            fprintf(stderr, "modbus_sim: \"%s\" stands before a --unit on a wire; see --help\n",
                    word);
            return -1;
        } else if (strncmp(word, "fault=", 6) == 0) {
            if (set_fault(*u, word + 6) != 0)
                return -1;
        } else if (strncmp(word, "every=", 6) == 0 && strtoul(word + 6, NULL, 10) > 0) {
            (*u)->every = (unsigned)strtoul(word + 6, NULL, 10);
        } else if (strncmp(word, "most=", 5) == 0) {
            (*u)->most = (unsigned)strtoul(word + 5, NULL, 10);
        } else if (unit_set(*u, word) != 0) {
            return -1;
        }
    }
    return 0;
}

/* What the lines have said until now goes to the master. */
static void
release_lines(void)
{
    int64_t now = nanoseconds();
    for (int i = 0; i < WIRES_MOST; i++) {
        struct wire *w = wires[i];
        uint8_t out[256];
        size_t n = 0;
        for (int byte; w != NULL && w->line != NULL && n < sizeof out &&
                       (byte = sim_line_hear(w->line, now)) >= 0;)
            out[n++] = (uint8_t)byte;
        if (n > 0)
            put(w, out, n);
    }
}

/* Until something is due; NULL: nothing is. */
static const struct timespec *
until_next(struct timespec *ret)
{
    int64_t now = nanoseconds(), next = INT64_MAX;
    for (const struct held *h = held; h < held + HELD_MOST; h++)
        if (h->wire != NULL && h->at >= 0 && (int64_t)(h->at * 1e9) < next)
            next = (int64_t)(h->at * 1e9);
    for (int i = 0; i < WIRES_MOST; i++)
        if (wires[i] != NULL && wires[i]->line != NULL && sim_line_next(wires[i]->line) < next)
            next = sim_line_next(wires[i]->line);
    if (next == INT64_MAX)
        return NULL;
    int64_t left = next > now ? next - now : 0;
    *ret = (struct timespec){left / 1000000000, left % 1000000000};
    return ret;
}

/* ---- what is said on stdin ---- */

static void
tell_counts(const struct sim_line *l)
{
    const struct sim_line_counts *c = sim_line_counts(l);
    const char *comma = "";
    printf("{\"time\":%.3f,\"busy\":%.3f,\"requests\":%llu,\"answered\":%llu,\"collisions\":%llu,"
           "\"bytes\":%llu,\"units\":{",
           seconds() - started, (double)c->busy_ns / 1e9, (unsigned long long)c->requests,
           (unsigned long long)c->answered, (unsigned long long)c->collisions,
           (unsigned long long)c->bytes);
    for (int i = 0; i < 256; i++)
        if (c->requests_of[i] != 0) {
            printf("%s\"%d\":{\"requests\":%llu,\"busy\":%.3f}", comma, i,
                   (unsigned long long)c->requests_of[i], (double)c->busy_of[i] / 1e9);
            comma = ",";
        }
    puts("}}");
}

static void
obey(const char *line)
{
    int kill = strncmp(line, "kill ", 5) == 0, revive = strncmp(line, "revive ", 7) == 0;
    uint8_t id = kill || revive ? (uint8_t)strtoul(strchr(line, ' '), NULL, 10) : 0;
    for (int i = 0; i < WIRES_MOST; i++) {
        struct wire *w = wires[i];
        if (w == NULL || w->kind == CONNECTION)
            continue;
        struct unit *u = kill || revive ? sim_unit_of(w->units, id) : NULL;
        if (u != NULL)
            u->killed = kill;
        if (strcmp(line, "count") == 0 && w->line != NULL)
            tell_counts(w->line);
    }
    fflush(stdout);
}

/* Lines of stdin; 0: it has ended. */
static int
listen_to(int fd)
{
    static char text[256];
    static size_t have;
    ssize_t got = read(fd, text + have, sizeof text - 1 - have);
    if (got <= 0)
        return 0;
    have += (size_t)got;
    text[have] = '\0';
    for (char *end; (end = strchr(text, '\n')) != NULL;) {
        *end = '\0';
        obey(text);
        have -= (size_t)(end + 1 - text);
        memmove(text, end + 1, have + 1);
    }
    if (have == sizeof text - 1)
        have = 0;
    return 1;
}

/* ---- the loop ---- */

static void
run(int signals)
{
    static struct pollfd fds[WIRES_MOST + 2];
    static struct wire *of_fd[WIRES_MOST + 2];
    struct stat st;
    struct timespec left;
    int parent = fstat(0, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) ? 0 : -1;
    for (;;) {
        nfds_t n = 2;
        fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = parent, .events = POLLIN};
        for (int i = 0; i < WIRES_MOST; i++)
            if (wires[i] != NULL) {
                fds[n] = (struct pollfd){.fd = wires[i]->fd, .events = POLLIN};
                of_fd[n++] = wires[i];
            }
        int ready = ppoll(fds, n, until_next(&left), NULL);
        release(NULL);
        release_lines();
        if (ready <= 0)
            continue;
        if (fds[0].revents != 0 || (fds[1].revents != 0 && !listen_to(0)))
            return;
        for (nfds_t i = 2; i < n; i++) {
            if (fds[i].revents == 0)
                continue;
            if (of_fd[i]->kind == LISTENER)
                accept_one(of_fd[i]);
            else if (!take(of_fd[i]))
                wire_close(of_fd[i]);
        }
    }
}

static int
make_lines(void)
{
    for (int i = 0; i < WIRES_MOST; i++) {
        struct wire *w = wires[i];
        if (w == NULL || w->conf.baud <= 0)
            continue;
        w->line = sim_line_new(&w->conf, &w->units);
        if (w->line == NULL)
            return -1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    struct wire *w = NULL;
    struct unit *u = NULL;
    sigset_t set;
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs(help, argc < 2 ? stderr : stdout);
        return argc < 2;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    started = seconds();
    int failed = configure(argc - 1, argv + 1, &w, &u);
    fflush(stdout);
    if (failed == 0 && make_lines() == 0)
        run(signals);
    for (int pass = 0; pass < 2; pass++) /* connections first: they borrow their listener's units */
        for (int i = 0; i < WIRES_MOST; i++)
            if (wires[i] != NULL && (pass == 1 || wires[i]->kind == CONNECTION))
                wire_close(wires[i]);
    close(signals);
    return failed != 0;
}
