/* SPDX-License-Identifier: Apache-2.0
 * Children that say odd things at odd times, or are held by a debugger. The program is its own
 * child: it speaks the protocol in the place of lintel-host, and what it is to do is told by the
 * names of devices. Time is moved by the test. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/loop/frames.h"
#include "core/plug/plug_kit.h"
#include "core/plug/wire.h"
#include "tests/kit/kit.h"

#define SECOND INT64_C(1000000000)
enum { HUB = 3 };

/* ---- the child ------------------------------------------------------------------------------- */

static struct lintel_buf frame, in;
static int deaf;       /* requests are not answered */
static int pings;      /* so far */
static uint32_t asked; /* to start, and has not answered yet */

static void
say(struct lintel_wire_up m)
{
    lintel_buf_reset(&frame);
    lintel_wire_say(&frame, &m);
    if (lintel_frame_write(HUB, &frame) != 0)
        _exit(1);
}

static void
say_done(const struct lintel_wire_down *m)
{
    lintel_buf_reset(&frame);
    lintel_wire_samples(&frame, &(struct lintel_wire_up){
                                    .instance = m->instance,
                                    .kind = LINTEL_WIRE_DONE,
                                    .ticket = m->ticket,
                                    .n = 1,
                                    .samples = &(lintel_sample){.point = m->slots[0],
                                                                .value = {.type = LINTEL_T_INT}}});
    if (lintel_frame_write(HUB, &frame) != 0)
        _exit(1);
}

static void
do_as(const char *what, uint32_t number)
{
    struct lintel_wire_up own = {.kind = LINTEL_WIRE_READY, .text = "again"};
    if (strcmp(what, "outdated") == 0)
        say((struct lintel_wire_up){
            .kind = LINTEL_WIRE_REFUSED, .status = LINTEL_E_BUSY, .text = "ca.pem was replaced"});
    else if (strcmp(what, "lost") == 0)
        say((struct lintel_wire_up){.instance = number,
                                    .kind = LINTEL_WIRE_LINK,
                                    .status = LINTEL_E_LINK,
                                    .text = "no connection"});
    else if (strcmp(what, "deaf") == 0)
        deaf = 1;
    else if (strcmp(what, "well") == 0)
        deaf = 0;
    else if (strcmp(what, "lie") == 0)
        say((struct lintel_wire_up){
            .instance = number, .kind = LINTEL_WIRE_MISBEHAVING, .text = "lied"});
    else if (strcmp(what, "own ready") == 0)
        say(own);
    else if (strcmp(what, "own log") == 0)
        say((struct lintel_wire_up){.kind = LINTEL_WIRE_LOG, .text = "hello"});
    else if (strcmp(what, "ready again") == 0)
        say((struct lintel_wire_up){.instance = number, .kind = LINTEL_WIRE_READY, .text = "2"});
    else if (strcmp(what, "refused again") == 0)
        say((struct lintel_wire_up){.instance = number,
                                    .kind = LINTEL_WIRE_REFUSED,
                                    .status = LINTEL_E_FAIL,
                                    .text = "too late"});
    else if (strcmp(what, "closed") == 0)
        say((struct lintel_wire_up){.instance = number, .kind = LINTEL_WIRE_CLOSED});
    else if (strcmp(what, "of nobody") == 0)
        say((struct lintel_wire_up){
            .instance = number + 1000, .kind = LINTEL_WIRE_CLOSED, .text = ""});
    else if (strcmp(what, "hang up") == 0)
        shutdown(HUB, SHUT_RDWR);
}

/* Its births are counted in a file, whose path stands in its name behind a blank. */
static int
births(const char *name)
{
    FILE *f = fopen(strchr(name, ' ') + 1, "a");
    long n = -1;
    if (f != NULL && fputc('x', f) == 'x')
        n = ftell(f);
    if (f != NULL)
        fclose(f);
    return (int)n;
}

static void
start(const char *name, uint32_t number)
{
    if (strncmp(name, "slow", 4) == 0 && pings < 8) {
        asked = number;
        return;
    }
    if (strncmp(name, "renewed ", 8) == 0 && births(name) == 1) {
        do_as("outdated", number);
        say((struct lintel_wire_up){.instance = number,
                                    .kind = LINTEL_WIRE_REFUSED,
                                    .status = LINTEL_E_CONFIG,
                                    .text = "ca.pem can't be read"});
        return;
    }
    say((struct lintel_wire_up){.instance = number, .kind = LINTEL_WIRE_READY, .text = "1"});
}

static void
obey(const char *name, const struct lintel_wire_down *m)
{
    switch (m->kind) {
    case LINTEL_WIRE_PING:
        say((struct lintel_wire_up){.kind = LINTEL_WIRE_PONG, .text = ""});
        if (++pings == 8 && asked != 0)
            start(name, asked);
        break;
    case LINTEL_WIRE_OPEN:
        say((struct lintel_wire_up){
            .instance = m->instance, .kind = LINTEL_WIRE_OPENED, .text = "1"});
        break;
    case LINTEL_WIRE_START: start(name, m->instance); break;
    case LINTEL_WIRE_ATTACH: do_as(m->name, m->instance); break;
    case LINTEL_WIRE_REQUEST:
        if (!deaf)
            say_done(m);
        break;
    case LINTEL_WIRE_CLOSE:
        say((struct lintel_wire_up){
            .instance = m->instance, .kind = LINTEL_WIRE_CLOSED, .text = ""});
        break;
    default: break;
    }
}

static int
be_child(const char *name)
{
    static struct lintel_wire_scratch s;
    struct lintel_wire_down m;
    int patience = 0;
    say((struct lintel_wire_up){
        .kind = LINTEL_WIRE_HELLO, .ticket = LINTEL_WIRE_VERSION, .text = ""});
    if (lintel_frame_read(HUB, &in) != 0) /* the cage: it says that it is in */
        return 1;
    say((struct lintel_wire_up){.kind = LINTEL_WIRE_READY, .text = "none"});
    while (lintel_frame_read(HUB, &in) == 0)
        if (lintel_wire_read_down((const unsigned char *)in.p, in.n, &s, &m) == 0) {
            obey(name, &m);
            patience = m.kind == LINTEL_WIRE_ATTACH && strcmp(m.name, "hang up") == 0;
        }
    while (patience)
        pause(); /* without a connection, but alive */
    return 0;
}

/* ---- the hub --------------------------------------------------------------------------------- */

static struct kit_op op;
static struct kit_bus bus, other;

/* This program is its own child. */
static void
on_fake_time(struct kit_plug *k)
{
    char self[sizeof k->host];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    REQUIRE(n > 0);
    self[n] = '\0';
    kit_plug_new_fake(k, self);
}

static int held; /* a child is slow by itself, so that its birth is not waited for */

static int
is_birth(struct kit_plug *k)
{
    return !held && kit_is_birth(k);
}

/* Moves time until *at has reached least, at most `most`; each step gives the child real time. */
static int
drive(struct kit_plug *k, const int *at, int least, int64_t step, int64_t most)
{
    for (int64_t t = 0; t < most && *at < least;) {
        int64_t now = is_birth(k) ? 1000000 : step;
        kit_run(k, at, least, 3000000);
        if (*at < least)
            lintel_loop_advance(k->loop, now);
        t += now;
    }
    return *at >= least;
}

static int
soon(struct kit_plug *k, const int *at, int least)
{
    for (int i = 0; i < 2000 && *at < least; i++) {
        kit_run(k, at, least, 10000000);
        if (*at < least)
            lintel_loop_advance(k->loop, is_birth(k) ? 1000000 : 5000000);
    }
    return CHECK(*at >= least);
}

/* Whether the child has got it. */
static int
tell(struct kit_bus *b, uint32_t device, const char *what)
{
    struct lintel_thing t = {.id = what, .settings = b->device};
    return b->bus->port.attach(b->bus->port.ctx, device, &t);
}

static void
begin(struct kit_plug *k, struct kit_bus *b, const char *name, enum kit_isolation isolation)
{
    kit_bus_start(k, b, "fake", name, isolation, NULL);
    soon(k, &b->bus->readies, 1);
    CHECK_INT(kit_attach(b, 0, NULL), 0);
    CHECK_INT(kit_bind(b, 0, 0, NULL), 0);
}

static void
stop(struct kit_plug *k, struct kit_bus *b)
{
    int stopped = 0;
    lintel_plug_stop_bus(k->plug, b->instance, kit_count, &stopped);
    CHECK(drive(k, &stopped, 1, 10000000, 20 * SECOND));
    kit_bus_fini(b);
}

static int
wait_pings(struct kit_plug *k, int64_t t)
{
    static const int never;
    return !drive(k, &never, 1, SECOND, t);
}

/* ---- a debugger has it ----------------------------------------------------------------------- */

static void
one_that_is_debugged_may_be_late(void)
{
    struct kit_plug k;
    held = 1;
    setenv("LINTEL_HOST_WAIT", "slow line", 1);
    on_fake_time(&k);
    kit_bus_start(&k, &bus, "fake", "slow line", KIT_PROCESS, NULL);
    CHECK(drive(&k, &bus.bus->readies, 1, SECOND / 2, 120 * SECOND)); /* start() took 40 s */
    CHECK_INT(bus.bus->gones, 0);
    CHECK_HAS(kit_log(), "because it is debugged: it hangs: start() did not return within 30 s");
    int64_t pid = kit_stats(&bus).pid;
    /* A request that ends never, for a minute. */
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    CHECK_INT(kit_bind(&bus, 0, 0, NULL), 0);
    CHECK_INT(tell(&bus, 1, "deaf"), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 500), 0);
    CHECK(drive(&k, &op.done, 1, SECOND / 10, 10 * SECOND));
    CHECK_INT(op.status, LINTEL_E_TIMEOUT);
    wait_pings(&k, 60 * SECOND);
    CHECK_INT(bus.bus->gones, 0);
    CHECK_STR(kit_stats(&bus).state, "running");
    /* And values come again. */
    CHECK_INT(tell(&bus, 2, "well"), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 500), 0);
    CHECK(drive(&k, &op.done, 1, SECOND / 100, SECOND));
    CHECK_INT(op.status, LINTEL_OK);
    CHECK_INT(kit_stats(&bus).pid, pid);
    /* What is wrong at any time ends it. */
    CHECK_INT(tell(&bus, 3, "lie"), 0);
    soon(&k, &bus.bus->gones, 1);
    CHECK_HAS(bus.bus->gone, "its plugin lied");
    soon(&k, &bus.bus->gones, 1);
    CHECK(drive(&k, &bus.bus->readies, 2, SECOND / 2, 120 * SECOND));
    CHECK(kit_stats(&bus).pid != pid);
    stop(&k, &bus);
    kit_plug_free(&k);
    unsetenv("LINTEL_HOST_WAIT");
    held = 0;
}

/* ---- a file of its cage was replaced --------------------------------------------------------- */

/* A renewal is no end: an alarm is not told again, and nobody is put off for five minutes. */
static void
a_renewal_is_no_alarm(void)
{
    struct kit_plug k;
    on_fake_time(&k);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    for (int i = 0; i < 5; i++) {
        CHECK(drive(&k, &bus.bus->readies, i + 1, SECOND / 10, 20 * SECOND));
        kill((pid_t)kit_stats(&bus).pid, SIGKILL);
        soon(&k, &bus.bus->gones, i + 1);
    }
    CHECK_INT(kit_lines("ALARM"), 1);
    CHECK(drive(&k, &bus.bus->readies, 6, SECOND, 310 * SECOND));
    CHECK_INT(tell(&bus, 0, "outdated"), 0);
    CHECK_INT(tell(&bus, 1, "lost"), 0);
    soon(&k, &bus.bus->gones, 6);
    CHECK_STR(bus.bus->gone, "ca.pem was replaced: a new process reads it");
    soon(&k, &bus.bus->readies, 7);
    CHECK_INT(kit_lines("ALARM"), 1);
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* start() said that its settings can't be, for it could not read the new file: the new process
 * tries again. */
static void
a_start_that_could_not_read_is_tried_again(void)
{
    struct kit_plug k;
    char name[1200];
    on_fake_time(&k);
    snprintf(name, sizeof name, "renewed %s", kit_write("births", ""));
    kit_bus_start(&k, &bus, "fake", name, KIT_PROCESS, NULL);
    soon(&k, &bus.bus->readies, 1);
    CHECK_STR(kit_stats(&bus).state, "running");
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* ---- words at a wrong time ------------------------------------------------------------------- */

static void
own_words_at_a_wrong_time(void)
{
    static const char *const words[] = {"own ready", "own log", "closed"};
    struct kit_plug k;
    on_fake_time(&k);
    begin(&k, &bus, "line", KIT_PROCESS);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(tell(&bus, 1, words[i]), 0);
        soon(&k, &bus.bus->gones, i + 1);
        CHECK_STR(bus.bus->gone, "it sent a frame that breaks the protocol");
        CHECK(drive(&k, &bus.bus->readies, i + 2, SECOND / 10, 20 * SECOND));
    }
    stop(&k, &bus);
    kit_plug_free(&k);
}

static void
words_that_come_too_late_are_dropped(void)
{
    struct kit_plug k;
    on_fake_time(&k);
    begin(&k, &bus, "line", KIT_PROCESS);
    CHECK_INT(tell(&bus, 1, "ready again"), 0);
    CHECK_INT(tell(&bus, 2, "refused again"), 0);
    CHECK_INT(tell(&bus, 3, "of nobody"), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    soon(&k, &op.done, 1);
    CHECK_INT(op.status, LINTEL_OK);
    CHECK_INT(bus.bus->readies, 1);
    CHECK_INT(bus.bus->gones, 0);
    CHECK_STR(kit_stats(&bus).state, "running");
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* ---- a bus is stopped while its child dies --------------------------------------------------- */

struct ended {
    pid_t pid;
    int done, was_alive;
};

static void
on_ended(void *ctx)
{
    struct ended *e = ctx;
    e->done = 1;
    e->was_alive = kill(e->pid, 0) == 0 || errno != ESRCH;
}

/* The child has lost its connection, but lives for a moment more: until it is dead, what a bus of
 * it has opened is not free. */
static void
what_is_stopped_ends_with_the_child(void)
{
    struct kit_plug k;
    on_fake_time(&k);
    begin(&k, &other, "lane", KIT_SHARED);
    begin(&k, &bus, "line", KIT_SHARED);
    struct ended e = {.pid = (pid_t)kit_stats(&bus).pid};
    CHECK_INT(tell(&bus, 1, "hang up"), 0);
    for (int i = 0; i < 1000 && tell(&other, 1, "nothing") == 0; i++)
        kit_nap(1), kit_run(&k, &e.done, 1, 1000000);
    CHECK_INT(other.bus->gones, 0); /* its death is not known yet */
    lintel_plug_stop_bus(k.plug, bus.instance, on_ended, &e);
    soon(&k, &e.done, 1);
    CHECK_INT(e.was_alive, 0);
    kit_bus_fini(&bus);
    soon(&k, &other.bus->readies, 2);
    stop(&k, &other);
    kit_plug_free(&k);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(one_that_is_debugged_may_be_late),
                                            KIT(a_renewal_is_no_alarm),
                                            KIT(a_start_that_could_not_read_is_tried_again),
                                            KIT(own_words_at_a_wrong_time),
                                            KIT(words_that_come_too_late_are_dropped),
                                            KIT(what_is_stopped_ends_with_the_child),
                                            {0}};
    if (argc >= 4 && strcmp(argv[1], "--socket=3") == 0)
        return be_child(argv[3]);
    return kit_main("odd_child", tests, argc, argv);
}
