/* SPDX-License-Identifier: Apache-2.0
 * lintel record: the wire of a bus into a file. The hub tells what goes over it
 * (core/daemon/bus_wire.c); the file is written here, with the rights of who asks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/pcapng.h"
#include "core/base/text.h"
#include "core/daemon/cli.h"
#include "core/daemon/version.h"

enum { FORMAT_JSON = 50, COMMENT = 200, SECONDS_MOST = 31 * 24 * 3600 };

struct recording {
    struct cli *c;
    struct lintel_local_client *hub;
    const char *file;
    int fd;
    int begun;     /* the head is written */
    int64_t until; /* ns; 0: until Ctrl-C */
    char plugin[64];
    uint64_t id, messages, lost, bytes;
    int64_t last; /* time of the last message */
};

static volatile sig_atomic_t stopped;

static void
on_signal(int signum)
{
    (void)signum;
    stopped = 1;
}

static int64_t
now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
write_all(struct recording *r, const struct lintel_buf *b)
{
    if (b->failed) {
        cli_say("out of memory");
        return -1;
    }
    for (size_t at = 0; at < b->n;) {
        ssize_t n = write(r->fd, b->p + at, b->n - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            cli_say("%s: %s", r->file, n < 0 ? strerror(errno) : "nothing can be written");
            return -1;
        }
        at += (size_t)n;
    }
    r->bytes += b->n;
    return 0;
}

/* What the hub says of the bus, as the file's head. */
static int
write_head(struct recording *r, const json_t *head)
{
    char comment[COMMENT], detail[COMMENT];
    struct lintel_buf b = {0};
    /* Messages can carry what is nobody else's business. */
    struct stat st;
    r->fd = open(r->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (r->fd < 0 || fstat(r->fd, &st) != 0 ||
        (S_ISREG(st.st_mode) && fchmod(r->fd, 0600) != 0)) { /* a file that was there, too */
        cli_say("%s: %s", r->file, strerror(errno));
        return -1;
    }
    (void)lintel_copy(r->plugin, sizeof r->plugin, cli_text(head, "plugin"));
    char *json = json_dumps(head, JSON_COMPACT | CLI_REALS);
    (void)lintel_format(comment, sizeof comment, "bus %s of hub %s: plugin %s %s, Lintel %s",
                        cli_text(head, "bus"), cli_text(head, "hub"), cli_text(head, "plugin"),
                        cli_text(head, "version"), cli_text(head, "lintel"));
    (void)lintel_format(detail, sizeof detail, "plugin %s", cli_text(head, "plugin"));
    const struct lintel_pcapng_head h = {.application = "Lintel " LINTEL_VERSION,
                                         .comment = comment,
                                         .name = cli_text(head, "bus"),
                                         .detail = detail,
                                         .interface_comment = json};
    lintel_pcapng_begin(&b, &h);
    int ret = json != NULL ? write_all(r, &b) : -1;
    lintel_buf_fini(&b);
    free(json);
    r->begun = 1;
    return ret;
}

static int
nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

static void
add_message(struct recording *r, const json_t *m, uint64_t lost, struct lintel_buf *b)
{
    const char *hex = cli_text(m, "bytes");
    size_t n = strlen(hex) / 2;
    char comment[COMMENT] = "";
    unsigned char *bytes = lintel_alloc(n + 1);
    if (bytes == NULL) {
        r->lost++;
        return;
    }
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    if (lost != 0)
        (void)lintel_format(comment, sizeof comment,
                            "%llu messages before this one are missing: they came faster than they "
                            "could be taken",
                            (unsigned long long)lost);
    r->last = json_integer_value(json_object_get(m, "at"));
    lintel_pcapng_packet(
        b, &(struct lintel_pcapng_packet){.when = r->last,
                                          .incoming = !json_is_true(json_object_get(m, "out")),
                                          .protocol = cli_text(m, "protocol"),
                                          .peer = cli_text(m, "peer"),
                                          .p = bytes,
                                          .n = n,
                                          .comment = comment});
    r->messages++;
    lintel_free(bytes);
}

static int
write_batch(struct recording *r, const json_t *batch)
{
    struct lintel_buf b = {0};
    size_t i;
    json_t *m;
    uint64_t lost = (uint64_t)json_integer_value(json_object_get(batch, "lost"));
    r->lost += lost;
    json_array_foreach(json_object_get(batch, "messages"), i, m)
        add_message(r, m, i == 0 ? lost : 0, &b);
    int ret = write_all(r, &b);
    lintel_buf_fini(&b);
    return ret;
}

static void
show_progress(const struct recording *r, int last)
{
    char lost[64] = "";
    if (r->lost != 0)
        (void)lintel_format(lost, sizeof lost, ", %llu lost", (unsigned long long)r->lost);
    if (!last && !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "%s%llu messages%s, %llu bytes%s", isatty(STDERR_FILENO) ? "\r" : "",
            (unsigned long long)r->messages, lost, (unsigned long long)r->bytes,
            last ? "\n" : " (Ctrl-C ends) ");
}

/* Until the next answer, the end of the time or a signal: 1 in the first case. */
static int
wait_answer(const struct recording *r, const sigset_t *mask)
{
    struct pollfd p = {.fd = lintel_local_fd(r->hub), .events = POLLIN};
    while (!stopped) {
        int64_t left = r->until != 0 ? r->until - now_ns(CLOCK_MONOTONIC) : INT64_C(1000000000);
        if (left <= 0)
            return 0;
        struct timespec t = {left / 1000000000, left % 1000000000};
        int n = ppoll(&p, 1, &t, mask);
        if (n > 0)
            return 1;
    }
    return 0;
}

static int
follow(struct recording *r)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigset_t block, before;
    int status = CLI_OK;
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, &before);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    while (status == CLI_OK && wait_answer(r, &before)) {
        json_t *json = NULL;
        uint64_t id;
        if (cli_next(r->hub, &id, &json) != 0)
            status = CLI_NO_HUB;
        else if (json == NULL || (r->begun ? write_batch(r, json) : write_head(r, json)) != 0)
            status = CLI_FAILED;
        json_decref(json);
        show_progress(r, 0);
    }
    return status;
}

static int
finish(struct recording *r, int status)
{
    struct lintel_buf b = {0};
    if (r->fd < 0)
        return status; /* nothing was opened */
    if (r->begun) {
        lintel_pcapng_end(&b, r->last != 0 ? r->last : now_ns(CLOCK_REALTIME),
                          r->messages + r->lost, r->lost);
        if (write_all(r, &b) != 0)
            status = CLI_FAILED;
        lintel_buf_fini(&b);
    }
    if (close(r->fd) != 0 && status == CLI_OK) {
        cli_say("%s: %s", r->file, strerror(errno));
        status = CLI_FAILED;
    }
    if (r->begun)
        show_progress(r, 1);
    if (r->begun && r->messages + r->lost == 0 && status == CLI_OK) {
        cli_say(
            "nothing was recorded: either no device was asked in this time, or the plugin \"%s\" "
            "does not tell what goes over its wire",
            r->plugin);
        status = CLI_FAILED;
    }
    return status;
}

int
cli_record(struct cli *c)
{
    struct recording r = {.c = c, .fd = -1};
    const char *text = NULL;
    int64_t seconds = 0;
    int has = cli_option(c, "--seconds", &text);
    if (has < 0 || cli_options_left(c))
        return CLI_USAGE;
    if (has > 0 && (!lintel_parse_int(text, strlen(text), &seconds) || seconds < 1 ||
                    seconds > SECONDS_MOST)) {
        cli_say("--seconds: a whole number from 1 to %d", SECONDS_MOST);
        return CLI_USAGE;
    }
    if (c->argc != 2) {
        cli_say("record takes a bus and a file: lintel record line-1 line-1.pcapng");
        return CLI_USAGE;
    }
    const char *const path[] = {"hub", "buses", c->argv[0], "wire", NULL};
    if ((r.hub = cli_connect(c)) == NULL)
        return CLI_NO_HUB;
    r.file = c->argv[1];
    int status = cli_observe(r.hub, path, FORMAT_JSON, &r.id);
    if (status == CLI_OK) {
        r.until = seconds != 0 ? now_ns(CLOCK_MONOTONIC) + seconds * 1000000000 : 0;
        status = finish(&r, follow(&r));
    }
    lintel_local_close(r.hub);
    return status;
}
