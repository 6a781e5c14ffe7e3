/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kit/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/kit/check_sim.h"

enum { LINES_MOST = 8, SAID_MOST = 64 * 1024, LIMIT_FACTOR = 3, CHECKS_MOST = 64, AT_ONCE = 8 };

static const char usage[] =
    "Usage: lintel-plugin-check FILE [--set KEY=VALUE].. [--device KEY=VALUE].. \n"
    "           [--address KEY=VALUE[,KEY=VALUE]..].. [--sim COMMAND] [OPTION]..\n"
    "Checks whether the plugin FILE keeps the contract of lintel/plugin.h; prints TAP.\n"
    "\n"
    "  --set KEY=VALUE      a setting of the bus or transport; {port} and {line} in it are "
    "replaced by\n"
    "                       a TCP and UDP port of 127.0.0.1, or a serial line, where a peer "
    "answers\n"
    "  --device KEY=VALUE   a setting of the device\n"
    "  --address K=V,..     the address of a point; {n} is replaced by its number\n"
    "  --bytes N            bytes of a point's raw value; else by the plugin's natural type\n"
    "  --sim COMMAND        starts a simulated device, which listens on {port}, or on a serial "
    "line at\n"
    "                       its standard input and output\n"
    "  --plugin NAME        which one, where the file holds several\n"
    "  --only WORD          only checks that have it in their title\n"
    "  --debug              in this process and without time limits: for gdb --args\n"
    "  --constructors       code that runs when the file is opened is no fault (C++)\n"
    "  --help\n";

/* ---- what a check says: lines with a letter before them ------------------------------------- */

static void __attribute__((format(printf, 3, 0)))
say(const struct check *c, char letter, const char *format, va_list args)
{
    struct lintel_buf b = {0};
    lintel_buf_addc(&b, letter);
    lintel_buf_addv(&b, format, args);
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] == '\n')
            b.p[i] = ' ';
    lintel_buf_addc(&b, '\n');
    ssize_t n = write(c->result, b.p, b.n);
    (void)n;
    lintel_buf_fini(&b);
}

void
check_fail(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, 'F', format, args);
    va_end(args);
}

void
check_skip(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, 'S', format, args);
    va_end(args);
    c->skipped = 1;
}

void
check_note(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, 'N', format, args);
    va_end(args);
}

/* ---- one check in its process ---------------------------------------------------------------- */

struct task {
    void (*fn)(struct check *c);
    struct check *c;
};

static void *
run_task(void *arg)
{
    const struct task *t = arg;
    t->fn(t->c);
    return NULL;
}

void
check_on_thread(void (*fn)(struct check *c), struct check *c)
{
    struct task task = {fn, c};
    pthread_attr_t attr;
    pthread_t thread;
    /* As core/plug/worker.c: a plugin that needs more must meet that here. */
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, check_sanitized() ? 2048 * 1024 : 256 * 1024);
    if (pthread_create(&thread, &attr, run_task, &task) == 0)
        pthread_join(thread, NULL);
    else
        check_fail(c, "no thread can be made: %s", strerror(errno));
    pthread_attr_destroy(&attr);
}

static void
make_check(const struct check_options *o, const struct check_row *row, int result)
{
    struct check c = {.o = o, .result = result};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* as in the hub */
    if (row->bare)
        row->fn(&c);
    else
        check_on_thread(row->fn, &c);
    ssize_t n = write(result, "E\n", 2);
    (void)n;
}

static void
how_it_ended(int status, int in_time, unsigned seconds, int ended, struct lintel_buf *out)
{
    if (!in_time)
        lintel_buf_addf(
            out,
            "F it hangs: the check was not over after %u s. A call returns by the deadline of "
            "its request; create(), stop() and destroy() return soon\n",
            seconds);
    else if (WIFSIGNALED(status))
        lintel_buf_addf(
            out,
            "F it crashed: signal %d (%s). The hub would restart the bus. Look at it by: gdb "
            "--args lintel-plugin-check .. --debug --only \"..\" (instances have a stack of 256 "
            "KiB)\n",
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (!ended)
        lintel_buf_addf(out,
                        "F it ended the process, with status %d: a plugin never exits or aborts "
                        "(lintel/plugin.h, \"errors\")\n",
                        WEXITSTATUS(status));
    else if (WEXITSTATUS(status) != 0)
        lintel_buf_addf(out, "F a sanitizer complained, see above (status %d)\n",
                        WEXITSTATUS(status));
}

static unsigned
print_lines(const struct lintel_buf *said, char letter, const char *before, unsigned most)
{
    unsigned n = 0, more = 0;
    for (size_t i = 0; i < said->n;) {
        const char *end = memchr(said->p + i, '\n', said->n - i);
        size_t line = end != NULL ? (size_t)(end - said->p) - i : said->n - i;
        if (line > 0 && said->p[i] == letter) {
            size_t skip = line > 1 && said->p[i + 1] == ' ' ? 2 : 1;
            if (n < most)
                printf("%s%.*s\n", before, (int)(line - skip), said->p + i + skip);
            more += n >= most;
            n++;
        }
        i += line + 1;
    }
    if (more > 0)
        printf("%s(and %u more)\n", before, more);
    return n;
}

static int
has_line(const struct lintel_buf *said, char letter)
{
    for (size_t i = 0; i + 1 < said->n; i++)
        if (said->p[i] == letter && (i == 0 || said->p[i - 1] == '\n'))
            return 1;
    return 0;
}

/* ---- all of them, some at a time ------------------------------------------------------------- */

struct running {
    const struct check_row *row;
    pid_t pid; /* 0: none any more */
    int fd;    /* -1: it has ended */
    int in_time;
    int64_t until; /* ms; 0: for ever */
    struct lintel_buf said;
};

int64_t
check_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned
limit_of(const struct check_row *row)
{
    return row->seconds * (check_sanitized() ? LIMIT_FACTOR : 1);
}

static int
launch(const struct check_options *o, struct running *r)
{
    int pipes[2];
    r->fd = -1;
    r->in_time = 1;
    r->said.limit = SAID_MOST;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return -1;
    fflush(stdout);
    r->pid = o->debug ? 0 : fork();
    if (r->pid == 0 && !o->debug) {
        close(pipes[0]);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* what the plugin prints is no TAP */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        make_check(o, r->row, pipes[1]);
        exit(0);
    }
    if (o->debug)
        make_check(o, r->row, pipes[1]);
    close(pipes[1]);
    r->fd = pipes[0];
    r->until = o->debug ? 0 : check_now_ms() + limit_of(r->row) * INT64_C(1000);
    return r->pid < 0 ? -1 : 0;
}

static void
end(struct running *r)
{
    int status = 0;
    if (r->pid > 0) {
        if (!r->in_time)
            kill(r->pid, SIGKILL);
        waitpid(r->pid, &status, 0);
    }
    r->pid = 0;
    close(r->fd);
    r->fd = -1;
    how_it_ended(status, r->in_time, limit_of(r->row), has_line(&r->said, 'E'), &r->said);
}

/* Takes what they say; ends those that are over. */
static void
attend(struct running *all, int n)
{
    struct pollfd fds[CHECKS_MOST];
    char piece[4096];
    for (int i = 0; i < n; i++)
        fds[i] = (struct pollfd){all[i].fd, POLLIN, 0};
    (void)poll(fds, (nfds_t)n, 100);
    for (int i = 0; i < n; i++) {
        struct running *r = &all[i];
        if (r->fd < 0)
            continue;
        ssize_t got = fds[i].revents != 0 ? read(r->fd, piece, sizeof piece) : -1;
        if (got > 0)
            lintel_buf_add(&r->said, piece, (size_t)got);
        else if (got == 0)
            end(r);
        if (r->fd >= 0 && r->until != 0 && check_now_ms() >= r->until) {
            r->in_time = 0;
            end(r);
        }
    }
}

/* 1: failed. */
static int
print_check(struct running *r, int number)
{
    int failed = has_line(&r->said, 'F') || r->said.failed,
        skipped = !failed && has_line(&r->said, 'S');
    printf("%s %d - %s%s", failed ? "not ok" : "ok", number, r->row->title, skipped ? "" : "\n");
    if (skipped)
        print_lines(&r->said, 'S', " # SKIP ", 1);
    print_lines(&r->said, 'F', "#   ", LINES_MOST);
    print_lines(&r->said, 'N', "#   note: ", LINES_MOST);
    fflush(stdout);
    lintel_buf_fini(&r->said);
    return failed;
}

static int
run_all(const struct check_options *o, struct running *all, int n, int first)
{
    int begun = 0, printed = 0, failed = 0, most = o->sim != NULL || o->debug ? 1 : AT_ONCE;
    while (printed < n) {
        int open = 0;
        for (int i = printed; i < begun; i++)
            open += all[i].fd >= 0;
        for (; begun < n && open < most; open++, begun++)
            if (launch(o, &all[begun]) != 0)
                lintel_buf_adds(&all[begun].said, "F no process can be started\n");
        attend(all, begun);
        for (; printed < begun && all[printed].fd < 0; printed++)
            failed += print_check(&all[printed], first + printed);
    }
    return failed;
}

static int
check_all(const struct check_options *o)
{
    const struct check_row *const tables[] = {check_file_rows, check_life_rows, check_ask_rows,
                                              check_traces_rows, check_alloc_rows};
    static struct running all[CHECKS_MOST];
    int n = 0, failed = 0, first = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("TAP version 13\n# %s\n", o->file);
    for (unsigned t = 0; t < LINTEL_COUNT(tables); t++)
        for (const struct check_row *row = tables[t]; row->title != NULL && n < CHECKS_MOST; row++)
            if (o->only == NULL || strstr(row->title, o->only) != NULL)
                all[n++].row = row;
    if (n > 0 && all[0].row == check_file_rows) {
        failed = run_all(o, all, 1, 1);
        first = 1;
        if (failed != 0) {
            printf("Bail out! the hub refuses the file\n");
            return 1;
        }
    }
    failed += run_all(o, all + first, n - first, first + 1);
    printf("1..%d\n", n);
    if (failed > 0)
        printf("# %d of %d checks failed; the contract stands in docs/plugin-abi.md\n", failed, n);
    return n == 0 || failed > 0;
}

/* ---- options --------------------------------------------------------------------------------- */

static int
wrong(const char *format, const char *what)
{
    fprintf(stderr, "lintel-plugin-check: ");
    fprintf(stderr, "%s \"%s\"; --help tells more\n", format, what);
    return 2;
}

static int
add_text(struct texts *t, const char *text)
{
    if (strchr(text, '=') == NULL || t->n == TEXTS_MOST)
        return 0;
    t->at[t->n++] = text;
    return 1;
}

/* "a=1,b=2"; a piece without = belongs to the one before it (a value with a comma). */
static int
add_address(struct check_options *o, char *text)
{
    struct texts *t = &o->addresses.at[o->addresses.n];
    if (o->addresses.n == TEXTS_MOST)
        return 0;
    for (char *at = text; *at != '\0';) {
        char *comma = at;
        while ((comma = strchr(comma, ',')) != NULL) {
            const char *next = strpbrk(comma + 1, ",=");
            if (next != NULL && *next == '=')
                break;
            comma++;
        }
        if (comma != NULL)
            *comma = '\0';
        if (!add_text(t, at))
            return 0;
        if (comma == NULL)
            break;
        at = comma + 1;
    }
    o->addresses.n++;
    return 1;
}

/* -1: go on; else the program's status. */
static int
read_options(struct check_options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        int64_t number;
        if (strcmp(a, "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(a, "--debug") == 0)
            o->debug = 1;
        else if (strcmp(a, "--constructors") == 0)
            o->constructors = 1;
        else if (a[0] != '-' && o->file == NULL)
            o->file = a;
        else if (i + 1 == argc)
            return wrong("it takes no, or needs something behind,", a);
        else if (strcmp(a, "--set") == 0 && !add_text(&o->set, argv[++i]))
            return wrong("--set takes KEY=VALUE, not", argv[i]);
        else if (strcmp(a, "--device") == 0 && !add_text(&o->device, argv[++i]))
            return wrong("--device takes KEY=VALUE, not", argv[i]);
        else if (strcmp(a, "--address") == 0 && !add_address(o, argv[++i]))
            return wrong("--address takes KEY=VALUE,.., not", argv[i]);
        else if (strcmp(a, "--sim") == 0)
            o->sim = argv[++i];
        else if (strcmp(a, "--plugin") == 0)
            o->plugin = argv[++i];
        else if (strcmp(a, "--only") == 0)
            o->only = argv[++i];
        else if (strcmp(a, "--bytes") == 0) {
            if (!lintel_parse_int(argv[i + 1], strlen(argv[i + 1]), &number) || number < 0 ||
                number > 65536)
                return wrong("--bytes takes a number up to 65536, not", argv[i + 1]);
            o->wire_bytes = (unsigned)number;
            i++;
        } else if (strcmp(a, "--set") != 0 && strcmp(a, "--device") != 0 &&
                   strcmp(a, "--address") != 0)
            return wrong("there is no option", a);
    }
    return o->file != NULL ? -1 : wrong("which file? There is none in", "lintel-plugin-check FILE");
}

/* A port that stays taken and refuses connections. */
static int
refusing_port(uint16_t *ret)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        fprintf(stderr, "lintel-plugin-check: no port can be had: %s\n", strerror(errno));
        return -1;
    }
    *ret = ntohs(at.sin_port);
    return fd;
}

int
main(int argc, char **argv)
{
    static struct check_options o;
    struct check_sim sim = {0};
    int status = read_options(&o, argc, argv);
    if (status >= 0)
        return status;
    int port = refusing_port(&o.port);
    if (port < 0)
        return 1;
    if (o.sim != NULL) {
        close(port);
        port = -1;
        if (check_sim_start(&sim, &o) != 0)
            return 1;
    }
    status = check_all(&o);
    check_sim_stop(&sim);
    if (port >= 0)
        close(port);
    return status;
}
