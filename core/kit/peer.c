/* SPDX-License-Identifier: Apache-2.0
 * Devices for plugins to talk to: a thread that reads, asks a function, and answers. A script is
 * one such function. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "core/kit/host_priv.h"

enum { SETTINGS_MOST = 8, SETTING = 160 };

struct script {
    const char *at; /* the line that comes next */
    char *text;
    int silent, bad;
};
struct lintel_kit_peer {
    int kind;
    uint16_t port;
    int listening, conn; /* -1: none. UDP and serial lines: conn alone */
    int slave;           /* kept open, so that the line is not hung up between two opens */
    int end[2];          /* written to end the thread */
    lintel_kit_answer *answer;
    void *arg;
    struct script *script;
    char line[64], settings[SETTINGS_MOST][SETTING];
    unsigned nsettings;
    uint8_t in[LINTEL_KIT_RECEIVE_MOST];
    size_t nin;
    pthread_t thread;
};

/* ---- the thread ---- */

static void
send_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = write(fd, p, n);
        if (sent <= 0)
            return; /* it has gone */
        p += sent;
        n -= (size_t)sent;
    }
}

static void
hang_up(struct lintel_kit_peer *p)
{
    if (p->kind == LINTEL_KIT_TCP && p->conn >= 0) {
        close(p->conn);
        p->conn = -1;
    }
    p->nin = 0;
}

/* Asks for answers until nothing more is taken. */
static void
serve(struct lintel_kit_peer *p, const struct sockaddr *to, socklen_t nto)
{
    for (;;) {
        uint8_t out[LINTEL_KIT_SEND_MOST];
        size_t nout = 0;
        uint32_t flags = 0;
        size_t took = p->answer(p->arg, p->in, p->nin, out, &nout, &flags);
        if (took > p->nin)
            took = p->nin;
        if (nout > 0 && to != NULL)
            sendto(p->conn, out, nout, 0, to, nto);
        else if (nout > 0)
            send_all(p->conn, out, nout);
        memmove(p->in, p->in + took, p->nin - took);
        p->nin -= took;
        if (flags & LINTEL_KIT_CLOSE) {
            hang_up(p);
            return;
        }
        if ((took == 0 && nout == 0) || to != NULL)
            break;
    }
    if (to != NULL || p->nin == sizeof p->in)
        p->nin = 0;
}

static void
receive(struct lintel_kit_peer *p)
{
    struct sockaddr_storage from;
    socklen_t nfrom = sizeof from;
    if (p->kind == LINTEL_KIT_UDP) {
        ssize_t n = recvfrom(p->conn, p->in, sizeof p->in, 0, (struct sockaddr *)&from, &nfrom);
        p->nin = n > 0 ? (size_t)n : 0;
        if (n > 0)
            serve(p, (const struct sockaddr *)&from, nfrom);
        return;
    }
    ssize_t n = read(p->conn, p->in + p->nin, sizeof p->in - p->nin);
    if (n <= 0) {
        hang_up(p);
        return;
    }
    p->nin += (size_t)n;
    serve(p, NULL, 0);
}

static void *
run(void *arg)
{
    struct lintel_kit_peer *p = arg;
    for (;;) {
        struct pollfd fds[3] = {{p->end[0], POLLIN, 0},
                                {p->conn < 0 ? p->listening : -1, POLLIN, 0},
                                {p->conn, POLLIN, 0}};
        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[0].revents != 0)
            return NULL;
        if (fds[1].revents != 0) {
            p->conn = accept4(p->listening, NULL, NULL, SOCK_CLOEXEC);
            if (p->conn >= 0 && p->script != NULL)
                serve(p, NULL, 0); /* it may speak first */
        } else if (fds[2].revents != 0)
            receive(p);
    }
}

/* ---- scripts ---- */

static size_t
hex(const char *text, size_t n, uint8_t *out, size_t room)
{
    size_t had = 0;
    for (size_t i = 0; i + 1 < n && had < room;) {
        char pair[3] = {text[i], text[i + 1], '\0'}, *end;
        if (text[i] == ' ') {
            i++;
            continue;
        }
        out[had++] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2)
            return SIZE_MAX;
        i += 2;
    }
    return had;
}

static void
wrong_line(struct script *s, size_t n, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "the peer's script was left at \"%.*s\": %s", (int)n, s->at, what);
    if (!s->bad)
        lintel_kit_expect(0, LINTEL_KIT_TEST, text);
    s->bad = 1;
}

/* Follows the script as far as what came lets it. */
static size_t
follow(void *arg, const uint8_t *in, size_t n, uint8_t out[LINTEL_KIT_SEND_MOST], size_t *ret_n,
       uint32_t *ret_flags)
{
    struct script *s = arg;
    size_t took = 0;
    while (!s->bad && !s->silent && s->at[0] != '\0') {
        uint8_t want[LINTEL_KIT_RECEIVE_MOST];
        s->at += strspn(s->at, " \t\n");
        size_t line = strcspn(s->at, "\n");
        if (strncmp(s->at, "expect ", 7) == 0) {
            size_t length = hex(s->at + 7, line - 7, want, sizeof want);
            size_t left = n - took, same = length < left ? length : left;
            if (length == SIZE_MAX)
                wrong_line(s, line, "these are no bytes in hexadecimal");
            else if (memcmp(in + took, want, same) != 0)
                wrong_line(s, line, "other bytes came");
            if (s->bad || left < length)
                return s->bad ? n : took;
            took += length;
        } else if (strncmp(s->at, "send ", 5) == 0) {
            size_t length = hex(s->at + 5, line - 5, out + *ret_n, LINTEL_KIT_SEND_MOST - *ret_n);
            if (length == SIZE_MAX)
                wrong_line(s, line, "these are no bytes in hexadecimal");
            else
                *ret_n += length;
        } else if (strncmp(s->at, "wait ", 5) == 0) {
            poll(NULL, 0, (int)strtol(s->at + 5, NULL, 10));
        } else if (strncmp(s->at, "close", 5) == 0) {
            s->at += line;
            *ret_flags = LINTEL_KIT_CLOSE;
            return n;
        } else if (strncmp(s->at, "silent", 6) == 0) {
            s->silent = 1;
        } else if (line > 0) {
            wrong_line(s, line, "wanted is expect, send, wait, close or silent");
        }
        s->at += line;
    }
    return took < n && !s->silent && s->at[0] == '\0' ? n : s->silent ? n : took;
}

static size_t
say_nothing(void *arg, const uint8_t *in, size_t n, uint8_t out[LINTEL_KIT_SEND_MOST],
            size_t *ret_n, uint32_t *ret_flags)
{
    (void)arg, (void)in, (void)out, (void)ret_n, (void)ret_flags;
    return n;
}

/* ---- making and ending ---- */

static int
open_socket(struct lintel_kit_peer *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(p->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int one = 1;
    int fd =
        socket(AF_INET, (p->kind == LINTEL_KIT_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
        (p->kind == LINTEL_KIT_TCP && listen(fd, 16) != 0)) {
        close(fd);
        return -1;
    }
    p->port = ntohs(at.sin_port);
    *(p->kind == LINTEL_KIT_TCP ? &p->listening : &p->conn) = fd;
    return 0;
}

static int
open_line(struct lintel_kit_peer *p)
{
    struct termios raw;
    p->conn = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->conn < 0 || grantpt(p->conn) != 0 || unlockpt(p->conn) != 0 ||
        ptsname_r(p->conn, p->line, sizeof p->line) != 0)
        return -1;
    p->slave = open(p->line, O_RDWR | O_NOCTTY | O_CLOEXEC);
    /* Where root runs a hub, its children are another user; a line of a test is no secret. */
    if (p->slave < 0 || fchmod(p->slave, 0666) != 0 || tcgetattr(p->slave, &raw) != 0)
        return -1;
    cfmakeraw(&raw);
    return tcsetattr(p->slave, TCSANOW, &raw);
}

static void
free_peer(struct lintel_kit_peer *p)
{
    const int fds[] = {p->listening, p->conn, p->slave, p->end[0], p->end[1]};
    for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (p->script != NULL)
        free(p->script->text);
    free(p->script);
    free(p);
}

static lintel_kit_peer *
open_peer(int kind, uint16_t port, lintel_kit_answer *answer, void *arg, struct script *script)
{
    struct lintel_kit_peer *p = lintel_kit_must(calloc(1, sizeof *p));
    *p = (struct lintel_kit_peer){.kind = kind,
                                  .port = port,
                                  .listening = -1,
                                  .conn = -1,
                                  .slave = -1,
                                  .end = {-1, -1},
                                  .answer = answer != NULL ? answer : say_nothing,
                                  .arg = arg,
                                  .script = script};
    if ((kind == LINTEL_KIT_SERIAL ? open_line(p) : open_socket(p)) != 0 ||
        pipe2(p->end, O_CLOEXEC) != 0 || pthread_create(&p->thread, NULL, run, p) != 0) {
        int why = errno;
        free_peer(p);
        errno = why;
        return NULL;
    }
    return p;
}

lintel_kit_peer *
lintel_kit_peer_new(int kind, uint16_t port, lintel_kit_answer *answer, void *arg)
{
    return open_peer(kind, port, answer, arg, NULL);
}

lintel_kit_peer *
lintel_kit_peer_script(int kind, const char *text)
{
    struct script *s = lintel_kit_must(calloc(1, sizeof *s));
    s->at = s->text = lintel_kit_must(strdup(text));
    return open_peer(kind, 0, follow, s, s);
}

uint16_t
lintel_kit_peer_port(const lintel_kit_peer *p)
{
    return p->port;
}

const char *
lintel_kit_peer_line(const lintel_kit_peer *p)
{
    return p->line;
}

const char *
lintel_kit_peer_setting(lintel_kit_peer *p, const char *key)
{
    char *text = p->settings[p->nsettings++ % SETTINGS_MOST];
    if (p->kind == LINTEL_KIT_SERIAL)
        snprintf(text, SETTING, "%s%s", key, p->line);
    else
        snprintf(text, SETTING, "%s%u", key, (unsigned)p->port);
    return text;
}

int
lintel_kit_peer_free(lintel_kit_peer *p)
{
    int ok = 1;
    if (p == NULL)
        return 1;
    ssize_t n = write(p->end[1], "", 1);
    (void)n;
    pthread_join(p->thread, NULL);
    if (p->script != NULL) {
        struct script *s = p->script;
        s->at += strspn(s->at, " \t\n");
        if (s->at[0] != '\0' && !s->silent)
            wrong_line(s, strcspn(s->at, "\n"), "the plugin ended before it");
        ok = !s->bad;
    }
    free_peer(p);
    return ok;
}
