/* SPDX-License-Identifier: Apache-2.0
 * lintel-host itself, spoken to over its socket as the daemon would: how it ends, and what it
 * prints. */
#include "core/plug/hosted.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/loop/frames.h"
#include "core/plug/cage.h"
#include "core/plug/load.h"
#include "core/plug/wire.h"
#include "tests/kit/kit.h"

struct host {
    pid_t pid;
    int fd;
    struct lintel_wire_scratch scratch;
    struct lintel_buf frame;
};

static const char *
built(const char *path)
{
    static char full[8][1024];
    static unsigned turn;
    char *ret = full[turn++ % 8];
    const char *build = getenv("LINTEL_BUILDDIR");
    snprintf(ret, sizeof full[0], "%s/%s", build ? build : ".", path);
    return ret;
}

static void
begin(struct host *h)
{
    int fds[2] = {-1, -1};
    *h = (struct host){0};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    const char *program = built("bin/lintel-host");
    h->pid = fork();
    if (h->pid == 0) {
        dup2(fds[1], 3);
        execl(program, "lintel-host", "--socket=3", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    h->fd = fds[0];
}

/* The next frame of the kind; lines of the log may stand in front. */
static int
expect(struct host *h, enum lintel_wire_kind kind, struct lintel_wire_up *m)
{
    while (lintel_frame_read(h->fd, &h->frame) == 0) {
        if (!CHECK(lintel_wire_read_up((const unsigned char *)h->frame.p, h->frame.n, &h->scratch,
                                       m) == 0))
            return 0;
        if (m->kind == kind)
            return 1;
    }
    return CHECK(0 && "a frame of this kind");
}

static void
put(struct host *h)
{
    CHECK_INT(lintel_frame_write(h->fd, &h->frame), 0);
}

/* Tells it what it may do, as the hub does. */
static int
let_in(struct host *h)
{
    struct lintel_cage cage = {0};
    struct lintel_wire_up m;
    if (!expect(h, LINTEL_WIRE_HELLO, &m))
        return 0;
    CHECK_INT(m.ticket, LINTEL_WIRE_VERSION);
    CHECK_INT(m.id, h->pid);
    lintel_cage_find_user(&cage.user);
    lintel_cage_add_path(&cage, built("plugins/fake/fake.so"), 0);
    lintel_cage_add_path(&cage, built("plugins/fake/fake-blocking.so"), 0);
    lintel_cage_add_path(&cage, built("plugins/fake/wrong-major.so"), 0);
    lintel_buf_reset(&h->frame);
    lintel_cage_write(&h->frame, &cage);
    put(h);
    lintel_cage_fini(&cage);
    if (!expect(h, LINTEL_WIRE_READY, &m))
        return 0;
    CHECK_INT(m.instance, 0);
    return 1;
}

static void
say(struct host *h, uint32_t number, enum lintel_wire_kind kind)
{
    lintel_buf_reset(&h->frame);
    lintel_wire_short(&h->frame, number, kind, 0);
    put(h);
}

static void
open_only(struct host *h, uint32_t number, const char *file, const char *plugin,
          struct lintel_str tables)
{
    const lintel_value settings[] = {{LINTEL_T_INT, 0, {.i = 0}},
                                     {LINTEL_T_INT, 0, {.i = 100}},
                                     {LINTEL_T_INT, 0, {.i = 0}},
                                     {LINTEL_T_INT, 0, {.i = 0}},
                                     {0},
                                     {0}};
    lintel_buf_reset(&h->frame);
    lintel_wire_open(&h->frame,
                     &(struct lintel_wire_down){.instance = number,
                                                .name = "line",
                                                .plugin = plugin,
                                                .file = file,
                                                .log = 2,
                                                .tables = tables},
                     settings, 6);
    put(h);
}

static void
open_instance(struct host *h, uint32_t number, const char *file, const char *plugin)
{
    open_only(h, number, file, plugin, (struct lintel_str){NULL, 0});
    say(h, number, LINTEL_WIRE_START);
}

static int
finish(struct host *h)
{
    int status = -1;
    CHECK_INT(waitpid(h->pid, &status, 0), h->pid);
    lintel_buf_fini(&h->frame);
    lintel_wire_scratch_fini(&h->scratch);
    return status;
}

static void
it_ends_with_its_hub(void)
{
    struct host h;
    struct lintel_wire_up m;
    begin(&h);
    REQUIRE(let_in(&h));
    open_instance(&h, 4, built("plugins/fake/fake.so"), "fake");
    REQUIRE(expect(&h, LINTEL_WIRE_READY, &m));
    CHECK_INT(m.instance, 4);
    CHECK_STR(m.text, "1.0");
    close(h.fd);
    CHECK_INT(finish(&h), 0);
}

static void
sigterm_stops_the_plugins(void)
{
    struct host h;
    struct lintel_wire_up m;
    begin(&h);
    REQUIRE(let_in(&h));
    open_instance(&h, 4, built("plugins/fake/fake.so"), "fake");
    REQUIRE(expect(&h, LINTEL_WIRE_READY, &m));
    kill(h.pid, SIGINT); /* Ctrl-C is not for it */
    kill(h.pid, SIGTERM);
    REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
    CHECK_INT(m.instance, 4);
    CHECK_INT(finish(&h), 0);
    close(h.fd);
}

static void
instances_come_and_go(void)
{
    struct host h;
    struct lintel_wire_up m;
    begin(&h);
    REQUIRE(let_in(&h));
    for (uint32_t i = 1; i <= 20; i++) {
        open_instance(&h, i, built("plugins/fake/fake.so"), "fake");
        REQUIRE(expect(&h, LINTEL_WIRE_READY, &m));
        CHECK_INT(m.instance, i);
        lintel_buf_reset(&h.frame);
        lintel_wire_short(&h.frame, i, LINTEL_WIRE_CLOSE, 0);
        put(&h);
        REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
    }
    /* One that is not there is closed already. */
    lintel_buf_reset(&h.frame);
    lintel_wire_short(&h.frame, 99, LINTEL_WIRE_CLOSE, 0);
    put(&h);
    REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
    CHECK_INT(m.instance, 99);
    open_instance(&h, 30, built("plugins/fake/wrong-major.so"), "wrong");
    REQUIRE(expect(&h, LINTEL_WIRE_REFUSED, &m));
    CHECK_INT(m.status, LINTEL_E_FAIL); /* it may come */
    CHECK_HAS(m.text, "it was built for plugin ABI 2.1, this hub has 1.1");
    open_instance(&h, 31, built("plugins/fake/fake.so"), "fiction");
    REQUIRE(expect(&h, LINTEL_WIRE_REFUSED, &m));
    CHECK_HAS(m.text, "holds no plugin named \"fiction\"");
    close(h.fd);
    CHECK_INT(finish(&h), 0);
}

/* OPEN creates, START starts; what is not started answers nothing, and ends without stop(). */
static void
opening_and_starting_are_two(void)
{
    struct host h;
    struct lintel_wire_up m;
    const char *file = built("plugins/fake/fake.so");
    begin(&h);
    REQUIRE(let_in(&h));
    open_only(&h, 1, file, "fake", (struct lintel_str){NULL, 0});
    REQUIRE(expect(&h, LINTEL_WIRE_OPENED, &m));
    CHECK_INT(m.instance, 1);
    CHECK_STR(m.text, "1.0");
    CHECK(m.ticket == lintel_load_mark(file));
    const uint32_t slot = 0;
    lintel_buf_reset(&h.frame);
    lintel_wire_request(
        &h.frame,
        &(struct lintel_wire_down){
            .instance = 1, .ticket = 7, .within = INT64_C(1000000000), .n = 1, .slots = &slot});
    put(&h);
    REQUIRE(expect(&h, LINTEL_WIRE_DONE, &m));
    CHECK(m.ticket == 7);
    CHECK_INT(m.status, LINTEL_E_CANCELLED);
    say(&h, 1, LINTEL_WIRE_START);
    REQUIRE(expect(&h, LINTEL_WIRE_READY, &m));
    say(&h, 1, LINTEL_WIRE_START); /* once is enough */
    say(&h, 1, LINTEL_WIRE_CLOSE);
    REQUIRE(h.fd >= 0 && expect(&h, LINTEL_WIRE_CLOSED, &m));
    open_only(&h, 2, file, "fake", (struct lintel_str){NULL, 0});
    REQUIRE(expect(&h, LINTEL_WIRE_OPENED, &m));
    say(&h, 2, LINTEL_WIRE_CLOSE);
    REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
    say(&h, 3, LINTEL_WIRE_START); /* of nobody */
    /* Settings that were read by other tables. */
    open_only(&h, 4, file, "fake", (struct lintel_str){"sixteen bytes...", 16});
    REQUIRE(expect(&h, LINTEL_WIRE_REFUSED, &m));
    CHECK_INT(m.instance, 4);
    CHECK_INT(m.status, LINTEL_E_CONFIG);
    CHECK_HAS(m.text, "another version of the plugin");
    CHECK_HAS(m.text, "'lintel plugin reload line'");
    close(h.fd);
    CHECK_INT(finish(&h), 0);
}

/* ---- who reads ------------------------------------------------------------------------------- */

enum { COUNTER = 1, STALL = 6, SPIN = 18 }; /* kinds of points, by number: plugins/fake/fake.c */

static void
bind_point(struct host *h, uint32_t number, uint32_t id, int kind)
{
    const lintel_value addr[] = {
        {LINTEL_T_INT, 0, {.i = kind}}, {LINTEL_T_REAL, 0, {.r = 1}}, {LINTEL_T_INT, 0, {.i = 0}}};
    lintel_buf_reset(&h->frame);
    lintel_wire_bind(
        &h->frame,
        &(struct lintel_wire_down){
            .instance = number, .id = id, .point_kind = LINTEL_K_PROPERTY, .name = "point"},
        addr, addr, 3);
    put(h);
}

static void
ask(struct host *h, uint32_t number, uint32_t slot, uint64_t ticket)
{
    lintel_buf_reset(&h->frame);
    lintel_wire_request(&h->frame, &(struct lintel_wire_down){.instance = number,
                                                              .ticket = ticket,
                                                              .within = INT64_C(60000000000),
                                                              .n = 1,
                                                              .slots = &slot});
    put(h);
}

static int
open_with_points(struct host *h, uint32_t number, const char *plugin)
{
    char file[64];
    static const lintel_value settings[] = {
        {LINTEL_T_INT, 0, {.i = 1}}, {LINTEL_T_BOOL, 0, {.i = 0}}, {LINTEL_T_BOOL, 0, {.i = 0}}};
    struct lintel_wire_up m;
    snprintf(file, sizeof file, "plugins/fake/%s.so", plugin);
    open_instance(h, number, built(file), plugin);
    if (!expect(h, LINTEL_WIRE_READY, &m))
        return 0;
    lintel_buf_reset(&h->frame);
    lintel_wire_attach(&h->frame, number, 0, "thing", settings, LINTEL_COUNT(settings));
    put(h);
    bind_point(h, number, 0, COUNTER);
    bind_point(h, number, 1, SPIN);
    bind_point(h, number, 2, STALL);
    return 1;
}

/* Asks `most` times, `pings` questions to the process in between; the counter shows that nothing is
 * lost, doubled or in another order. */
static void
count(struct host *h, uint32_t number, double *value, int most, int pings)
{
    static uint64_t ticket;
    struct lintel_wire_up m;
    uint64_t first = ticket + 1;
    for (int i = 0; i < most; i++) {
        ask(h, number, 0, ++ticket);
        if (pings)
            say(h, 0, LINTEL_WIRE_PING);
    }
    int pongs = 0;
    for (uint64_t expected = first; expected <= ticket || (pings && pongs < most);) {
        if (!CHECK_INT(lintel_frame_read(h->fd, &h->frame), 0) ||
            !CHECK_INT(
                lintel_wire_read_up((const unsigned char *)h->frame.p, h->frame.n, &h->scratch, &m),
                0))
            return;
        pongs += m.instance == 0 && m.kind == LINTEL_WIRE_PONG;
        if (m.kind != LINTEL_WIRE_DONE)
            continue;
        CHECK_INT(m.instance, number);
        CHECK(m.ticket == expected++);
        CHECK_INT(m.status, LINTEL_OK);
        if (CHECK_INT(m.n, 1))
            CHECK_INT(m.samples[0].value.as.r, (*value)++);
    }
}

/* The only instance reads for itself; the main thread has the questions, a second instance comes
 * and goes: each time another one reads, and no frame is lost. */
static void
who_reads_changes(void)
{
    struct host h;
    struct lintel_wire_up m;
    double values[2] = {1, 1};
    begin(&h);
    REQUIRE(let_in(&h));
    REQUIRE(open_with_points(&h, 1, "fake"));
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 20; i++)
            count(&h, 1, &values[0], 1, i % 5 == 0);
        count(&h, 1, &values[0], 20, round % 2);
        REQUIRE(open_with_points(&h, 2, "fake"));
        values[1] = 1;
        count(&h, 2, &values[1], 5, round % 2);
        count(&h, 1, &values[0], 5, 0);
        say(&h, 2, LINTEL_WIRE_CLOSE);
        REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
        CHECK_INT(m.instance, 2);
    }
    say(&h, 1, LINTEL_WIRE_CLOSE);
    REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
    close(h.fd);
    CHECK_INT(finish(&h), 0);
}

/* Until the instance is in the call of a request. The first question may be answered before it has
 * begun. */
static void
wait_for_call(struct host *h, uint32_t number)
{
    struct lintel_wire_up m;
    for (int told = 0; !told;) {
        say(h, 0, LINTEL_WIRE_PING);
        do {
            if (!expect(h, LINTEL_WIRE_PONG, &m))
                return;
            told |= m.instance == number && strcmp(m.text, "a request's call") == 0;
        } while (m.instance != 0);
    }
}

/* The one that reads is held up in its plugin: the process answers nevertheless, and says where. */
static void
who_reads_hangs(void)
{
    struct host h;
    double value = 1;
    begin(&h);
    REQUIRE(let_in(&h));
    REQUIRE(open_with_points(&h, 1, "fake"));
    count(&h, 1, &value, 20, 1);
    count(&h, 1, &value, 20, 0);
    ask(&h, 1, 1, 1000000);
    wait_for_call(&h, 1);
    /* A second instance is served beside it. */
    value = 1;
    REQUIRE(open_with_points(&h, 2, "fake"));
    count(&h, 2, &value, 20, 0);
    kill(h.pid, SIGKILL);
    CHECK(WIFSIGNALED(finish(&h)));
    close(h.fd);
}

/* Of several instances the one reads that much comes for; the others miss nothing, even when it is
 * held up. */
static void
one_of_several_reads(void)
{
    struct host h;
    double values[2] = {1, 1};
    begin(&h);
    REQUIRE(let_in(&h));
    REQUIRE(open_with_points(&h, 1, "fake"));
    REQUIRE(open_with_points(&h, 2, "fake-blocking"));
    for (int round = 0; round < 20; round++) {
        uint32_t one = (uint32_t)round % 2;
        for (int i = 0; i < 40; i++)
            count(&h, one + 1, &values[one], 1, 0);
        count(&h, one + 1, &values[one], 40, round % 3 == 0);
        count(&h, 2 - one, &values[1 - one], round, round % 4 == 0);
    }
    for (int i = 0; i < 40; i++)
        count(&h, 1, &values[0], 1, 0);
    ask(&h, 1, 1, 1000000);
    count(&h, 2, &values[1], 20, 0);
    kill(h.pid, SIGKILL);
    CHECK(WIFSIGNALED(finish(&h)));
    close(h.fd);
}

/* A plugin that blocks reads for itself while its calls are short. In a long one it hears of a
 * cancellation, and of the end, nevertheless. */
static void
who_reads_blocks(void)
{
    struct host h;
    struct lintel_wire_up m;
    double value = 1;
    begin(&h);
    REQUIRE(let_in(&h));
    REQUIRE(open_with_points(&h, 1, "fake-blocking"));
    for (uint64_t round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++)
            count(&h, 1, &value, 1, 0);
        ask(&h, 1, 2, 1000000 + round);
        if (round != 1) /* what waits in the inbox at the end is not answered */
            wait_for_call(&h, 1);
        if (round < 2) {
            lintel_buf_reset(&h.frame);
            lintel_wire_short(&h.frame, 1, LINTEL_WIRE_CANCEL, 1000000 + round);
            put(&h);
        } else {
            say(&h, 1, LINTEL_WIRE_CLOSE);
        }
        REQUIRE(expect(&h, LINTEL_WIRE_DONE, &m));
        CHECK(m.ticket == 1000000 + round);
        CHECK_INT(m.status, LINTEL_E_CANCELLED);
    }
    REQUIRE(expect(&h, LINTEL_WIRE_CLOSED, &m));
    close(h.fd);
    CHECK_INT(finish(&h), 0);
}

/* Answers of a plugin that blocks gather while its calls are brief. A call that lasts does not keep
 * back what was answered before it. */
static void
brief_answers_do_not_wait_for_long_calls(void)
{
    enum { BRIEF = 5 };
    struct host h;
    struct lintel_wire_up m;
    double value = 1;
    begin(&h);
    REQUIRE(let_in(&h));
    REQUIRE(open_with_points(&h, 1, "fake-blocking"));
    count(&h, 1, &value, 100, 0);
    for (uint64_t first = 1000; first < 1010; first++) {
        kill(h.pid, SIGSTOP); /* it finds all of it at once */
        for (uint64_t i = 0; i < BRIEF; i++)
            ask(&h, 1, 0, first + i);
        ask(&h, 1, 2, first + BRIEF);
        kill(h.pid, SIGCONT);
        for (uint64_t i = 0; i < BRIEF; i++) {
            REQUIRE(expect(&h, LINTEL_WIRE_DONE, &m));
            CHECK(m.ticket == first + i);
            CHECK_INT(m.status, LINTEL_OK);
        }
        lintel_buf_reset(&h.frame);
        lintel_wire_short(&h.frame, 1, LINTEL_WIRE_CANCEL, first + BRIEF);
        put(&h);
        REQUIRE(expect(&h, LINTEL_WIRE_DONE, &m));
        CHECK(m.ticket == first + BRIEF);
        CHECK_INT(m.status, LINTEL_E_CANCELLED);
    }
    close(h.fd);
    CHECK_INT(finish(&h), 0);
}

static void
a_hub_that_talks_nonsense(void)
{
    struct host h;
    struct lintel_wire_up m;
    begin(&h);
    REQUIRE(expect(&h, LINTEL_WIRE_HELLO, &m));
    CHECK_INT(send(h.fd, "\0\0\0\1\xff", 5, 0), 5);
    int status = finish(&h);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    close(h.fd);
}

/* Nothing of a plugin is loaded before the cage is shut. */
static void
a_hub_that_forgets_the_cage(void)
{
    struct host h;
    struct lintel_wire_up m;
    begin(&h);
    REQUIRE(expect(&h, LINTEL_WIRE_HELLO, &m));
    open_only(&h, 4, built("plugins/fake/fake.so"), "fake", (struct lintel_str){NULL, 0});
    CHECK_INT(lintel_frame_read(h.fd, &h.frame), 1);
    int status = finish(&h);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    close(h.fd);
}

static void
a_cage_comes_once(void)
{
    struct host h;
    struct lintel_cage cage = {0};
    begin(&h);
    REQUIRE(let_in(&h));
    lintel_buf_reset(&h.frame);
    lintel_cage_write(&h.frame, &cage);
    put(&h);
    int status = finish(&h);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    close(h.fd);
}

/* What a command prints, and its status. */
static int
run(const char *arguments, char *out, size_t size)
{
    char command[2048];
    snprintf(command, sizeof command, "%s %s 2>&1", built("bin/lintel-host"), arguments);
    FILE *f = popen(command, "r");
    if (!CHECK(f != NULL))
        return -1;
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    return pclose(f);
}

static void
on_the_command_line(void)
{
    char out[8192], arguments[2048];
    snprintf(arguments, sizeof arguments, "--inspect %s", built("plugins/file/file.so"));
    CHECK_INT(run(arguments, out, sizeof out), 0);
    CHECK_HAS(out, "\"name\":\"file\"");
    snprintf(arguments, sizeof arguments, "--inspect %s", built("plugins/fake/wrong-magic.so"));
    CHECK_INT(WEXITSTATUS(run(arguments, out, sizeof out)), 1);
    CHECK_HAS(out, "lintel-host: ");
    CHECK_HAS(out, "wanted is 0x4c4e5431");
    CHECK_INT(WEXITSTATUS(run("--socket=0 </dev/null", out, sizeof out)), 2);
    CHECK_HAS(out, "is not a socket");
    CHECK_INT(WEXITSTATUS(run("", out, sizeof out)), 2);
    CHECK_HAS(out, "usage: lintel-host --inspect FILE");
    CHECK_INT(run("--help", out, sizeof out), 0);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(it_ends_with_its_hub),
                                            KIT(sigterm_stops_the_plugins),
                                            KIT(instances_come_and_go),
                                            KIT(opening_and_starting_are_two),
                                            KIT(who_reads_changes),
                                            KIT(who_reads_hangs),
                                            KIT(one_of_several_reads),
                                            KIT(who_reads_blocks),
                                            KIT(brief_answers_do_not_wait_for_long_calls),
                                            KIT(a_hub_that_talks_nonsense),
                                            KIT(a_hub_that_forgets_the_cage),
                                            KIT(a_cage_comes_once),
                                            KIT(on_the_command_line),
                                            {0}};
    return kit_main("hosted", tests, argc, argv);
}
