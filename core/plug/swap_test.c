/* SPDX-License-Identifier: Apache-2.0
 * New instances in the place of running ones, in threads and in children: what is answered, what
 * waits, what ends how. */
#include "core/plug/swap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plug/cage.h"
#include "core/plug/instance_priv.h"
#include "core/plug/plug_kit.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ADDRS(...) ((const char *const *const[]){__VA_ARGS__, NULL})

static struct kit_op op, second;
static struct kit_bus bus, other;

/* What came of a swap. */
static struct end {
    int done, begun, moved;
    char reason[400];
    int64_t gap_ns;
} end;

static void
on_moved(void *ctx)
{
    struct end *e = ctx;
    e->moved++;
    CHECK_INT(e->done, 0);
}

static void
on_done(void *ctx, const struct lintel_swap_result *r)
{
    struct end *e = ctx;
    e->done++;
    e->begun = r->begun;
    e->gap_ns = r->gap_ns;
    lintel_copy(e->reason, sizeof e->reason, r->reason != NULL ? r->reason : "");
}

/* Device 0 and one point for each address, as the engine tells them to each new instance. */
static void
tell(struct kit_bus *b, const char *const *const *addrs)
{
    CHECK_INT(kit_attach(b, 0, NULL), 0);
    for (uint32_t i = 0; addrs != NULL && addrs[i] != NULL; i++)
        CHECK_INT(kit_bind(b, i, 0, addrs[i]), 0);
}

static void
begin(struct kit_plug *k, struct kit_bus *b, const char *fake, enum kit_isolation isolation,
      const char *const *settings, const char *const *const *addrs)
{
    kit_bus_start(k, b, fake, b == &other ? "lane" : "line", isolation, settings);
    if (kit_wait_ready(k, b))
        tell(b, addrs);
}

static struct lintel_swap_member
member(const struct kit_bus *b, const struct lintel_port *conf)
{
    return (struct lintel_swap_member){.instance = b->instance,
                                       .plugin = b->conf.plugin,
                                       .file = b->conf.plugin_file,
                                       .conf = conf};
}

static int
swap(struct kit_plug *k, const struct lintel_swap_member *members, uint32_t n)
{
    end = (struct end){0};
    return lintel_plug_swap(k->plug, &(struct lintel_swap_source){.members = members,
                                                                  .n = n,
                                                                  .site = kit_site(),
                                                                  .moved = on_moved,
                                                                  .done = on_done,
                                                                  .ctx = &end});
}

static void
read_one(struct kit_plug *k, struct kit_bus *b, uint32_t slot, double want)
{
    CHECK_INT(kit_submit(k, b, &op, LINTEL_OP_READ, slot, 1, NULL, 5000), 0);
    kit_wait_op(k, &op);
    CHECK_INT(op.status, LINTEL_OK);
    if (CHECK_INT(op.n, 1))
        CHECK_REAL(op.samples[0].value.as.r, want);
}

/* ---- good ones ------------------------------------------------------------------------------- */

static void
good_in(const char *fake, enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    const char *const *const *addrs = ADDRS(LIST("kind=counter", "value=7"), LIST("value=2.5"));
    begin(&k, &bus, fake, isolation, NULL, addrs);
    read_one(&k, &bus, 0, 7);
    read_one(&k, &bus, 0, 8);
    int64_t pid = kit_stats(&bus).pid;
    for (int turn = 1; turn <= 3; turn++) {
        const struct lintel_swap_member m = member(&bus, NULL);
        REQUIRE(swap(&k, &m, 1) == 0);
        CHECK_INT(swap(&k, &m, 1), -1); /* one at a time */
        CHECK_STR(kit_stats(&bus).state, "reloading");
        CHECK(kit_wait(&k, &end.done, 1));
        CHECK_INT(end.begun, 1);
        CHECK_STR(end.reason, "");
        CHECK_INT(end.moved, 1);
        CHECK_INT(bus.bus->holds, turn);
        CHECK_INT(bus.bus->renewals, turn);
        CHECK_INT(bus.bus->held, 0);
        CHECK_STR(kit_stats(&bus).state, "running");
        CHECK_STR(kit_stats(&bus).version, "1.0");
        tell(&bus, addrs);
        read_one(&k, &bus, 0, 7); /* another instance: it counts anew */
        read_one(&k, &bus, 1, 2.5);
    }
    CHECK_INT(bus.bus->readies, 1);
    CHECK_INT(bus.bus->gones, 0);
    CHECK_INT(kit_stats(&bus).pid != pid, isolation != KIT_THREAD);
    CHECK_INT(lintel_plug_ninstances(k.plug), 1); /* the old ones are gone */
    CHECK_INT(kit_stats(&bus).misbehaved, 0);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
a_new_one_takes_over(void)
{
    good_in("fake", KIT_THREAD);
    good_in("fake", KIT_PROCESS);
    good_in("fake-blocking", KIT_THREAD);
    good_in("fake-blocking", KIT_PROCESS);
}

static void
those_of_one_child_go_together(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_SHARED, NULL, ADDRS(LIST("value=1")));
    begin(&k, &other, "fake-blocking", KIT_SHARED, NULL, ADDRS(LIST("value=2")));
    int64_t pid = kit_stats(&bus).pid;
    CHECK_INT(kit_stats(&other).pid, pid);
    CHECK(lintel_plug_together(bus.instance, other.instance));
    const struct lintel_swap_member m[] = {member(&bus, NULL), member(&other, NULL)};
    REQUIRE(swap(&k, m, 2) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_STR(end.reason, "");
    CHECK_INT(end.moved, 1);
    CHECK(kit_stats(&bus).pid != pid);
    CHECK_INT(kit_stats(&bus).pid, kit_stats(&other).pid);
    CHECK_INT(kill((pid_t)pid, 0), -1); /* the old child has ended */
    tell(&bus, ADDRS(LIST("value=1")));
    tell(&other, ADDRS(LIST("value=2")));
    read_one(&k, &bus, 0, 1);
    read_one(&k, &other, 0, 2);
    kit_bus_stop(&k, &bus);
    kit_bus_stop(&k, &other);
    kit_plug_free(&k);
}

/* Other settings come with the new one, and another place to run. */
static void
settings_may_be_others(void)
{
    struct kit_plug k;
    struct lintel_port conf;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_THREAD, LIST("name=Harold"), NULL);
    kit_conf(&bus, LIST("name=Maude"), &conf);
    conf.isolation = LINTEL_ISOLATION_PROCESS;
    const struct lintel_swap_member m = member(&bus, &conf);
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_STR(end.reason, "");
    CHECK_HAS(kit_log(), "line: this is Harold");
    CHECK_HAS(kit_log(), "line: this is Maude");
    CHECK_STR(kit_stats(&bus).isolation, "process");
    CHECK(kit_stats(&bus).pid != 0);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
    free((void *)(uintptr_t)conf.settings);
}

/* ---- what is under way ----------------------------------------------------------------------- */

static void
late_answers_in(const char *fake, enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, fake, isolation, LIST("delayMs=150"), ADDRS(LIST("value=1"), LIST("value=2")));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 5000), 0);
    const struct lintel_swap_member m = member(&bus, NULL);
    REQUIRE(swap(&k, &m, 1) == 0);
    /* Until the drain the old one is as good as ever. */
    CHECK_INT(kit_submit(&k, &bus, &second, LINTEL_OP_READ, 1, 1, NULL, 5000), 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_STR(end.reason, "");
    CHECK_INT(op.done, 1);
    CHECK_INT(second.done, 1);
    CHECK_INT(op.status, LINTEL_OK);
    CHECK_INT(second.status, LINTEL_OK);
    CHECK_REAL(second.samples[0].value.as.r, 2);
    CHECK(end.gap_ns > 0);
    kit_bus_stop(&k, &bus);
    CHECK_INT(op.done, 1);
    CHECK_INT(second.done, 1);
    kit_plug_free(&k);
}

static void
what_is_under_way_is_answered(void)
{
    late_answers_in("fake", KIT_THREAD);
    late_answers_in("fake", KIT_PROCESS);
    late_answers_in("fake-blocking", KIT_THREAD);
    late_answers_in("fake-blocking", KIT_PROCESS);
}

/* ---- refusals: the old one goes on ----------------------------------------------------------- */

static void
refused_in(enum kit_isolation isolation, const char *failing, const char *file, const char *why)
{
    struct kit_plug k;
    struct lintel_port conf;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", isolation, NULL, ADDRS(LIST("kind=counter", "value=7")));
    int64_t pid = kit_stats(&bus).pid;
    read_one(&k, &bus, 0, 7);
    kit_conf(&bus, failing != NULL ? LIST(failing) : NULL, &conf);
    struct lintel_swap_member m = member(&bus, &conf);
    if (file != NULL)
        m.file = file;
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_INT(end.begun, 0);
    CHECK_HAS(end.reason, why);
    CHECK_INT(end.moved, 0);
    CHECK_INT(bus.bus->holds, 0);
    CHECK_INT(bus.bus->gones, 0);
    CHECK_STR(kit_stats(&bus).state, "running");
    CHECK_INT(kit_stats(&bus).pid, pid);
    read_one(&k, &bus, 0, 8);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
    free((void *)(uintptr_t)conf.settings);
}

static void
refusals_change_nothing(void)
{
    refused_in(KIT_THREAD, "failing=create", NULL, "line: create failed");
    refused_in(KIT_PROCESS, "failing=create", NULL, "line: create failed");
    refused_in(KIT_THREAD, "failing=settings", NULL, "line: these settings can't be");
    refused_in(KIT_PROCESS, "failing=settings", NULL, "line: these settings can't be");
    refused_in(KIT_PROCESS, NULL, "/nowhere/fake.so", "/nowhere/fake.so: No such file");
}

/* ---- the new one does not start -------------------------------------------------------------- */

static void
fails_in(enum kit_isolation isolation, const char *failing, const char *why)
{
    struct kit_plug k;
    struct lintel_port conf;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", isolation, NULL, NULL);
    kit_conf(&bus, LIST(failing), &conf);
    struct lintel_swap_member m = member(&bus, &conf);
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_INT(end.begun, 1);
    CHECK_HAS(end.reason, why);
    CHECK(bus.bus->gones >= 1);
    CHECK_INT(bus.bus->ready, 0);
    CHECK_STR(kit_stats(&bus).state, "back-off");
    CHECK_HAS(kit_stats(&bus).reason, why);
    CHECK(kit_wait(&k, &bus.bus->gones, 2)); /* it is tried again and again */
    /* Another reload mends it. */
    struct lintel_port good;
    kit_conf(&bus, NULL, &good);
    m = member(&bus, &good);
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_STR(end.reason, "");
    CHECK_STR(kit_stats(&bus).state, "running");
    tell(&bus, ADDRS(LIST("value=4")));
    read_one(&k, &bus, 0, 4);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
    free((void *)(uintptr_t)conf.settings);
    free((void *)(uintptr_t)good.settings);
}

static void
one_that_does_not_start_is_tried_again(void)
{
    fails_in(KIT_THREAD, "failing=start", "start failed");
    fails_in(KIT_PROCESS, "failing=start", "start failed");
    fails_in(KIT_PROCESS, "failing=crash", "signal 6");
}

static void
one_that_rests_is_replaced(void)
{
    struct kit_plug k;
    struct lintel_port conf;
    kit_plug_new(&k);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, LIST("failing=settings"));
    CHECK(kit_wait(&k, &bus.bus->gones, 1));
    CHECK_STR(kit_stats(&bus).state, "failed");
    kit_conf(&bus, NULL, &conf);
    struct lintel_swap_member m = member(&bus, &conf);
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_STR(end.reason, "");
    CHECK_STR(kit_stats(&bus).state, "running");
    CHECK_STR(kit_stats(&bus).reason, "");
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
    free((void *)(uintptr_t)conf.settings);
}

/* ---- stopped in the middle ------------------------------------------------------------------- */

static void
stopped_in(enum kit_isolation isolation, int late)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", isolation, late ? LIST("delayMs=100") : NULL, ADDRS(LIST("value=1")));
    if (late)
        CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 5000), 0);
    struct lintel_swap_member m = member(&bus, NULL);
    REQUIRE(swap(&k, &m, 1) == 0);
    if (late)
        CHECK(kit_wait(&k, &bus.bus->holds, 1));
    kit_bus_stop(&k, &bus);
    CHECK_INT(end.done, 1);
    CHECK_HAS(end.reason, "stopped meanwhile");
    kit_plug_free(&k);
}

static void
a_bus_may_be_stopped_meanwhile(void)
{
    for (int late = 0; late < 2; late++) {
        stopped_in(KIT_THREAD, late);
        stopped_in(KIT_PROCESS, late);
    }
}

static void
the_hub_may_end_meanwhile(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_SHARED, NULL, NULL);
    begin(&k, &other, "fake", KIT_SHARED, NULL, NULL);
    const struct lintel_swap_member m[] = {member(&bus, NULL), member(&other, NULL)};
    REQUIRE(swap(&k, m, 2) == 0);
    kit_plug_free(&k);
    CHECK_INT(end.done, 1);
    kit_bus_fini(&bus);
    kit_bus_fini(&other);
}

/* ---- on a loop whose time the test moves; the children are real ------------------------------ */

/* Moves time by steps of 10 ms until *at has reached least; ms: how many are allowed. */
static int
drive(struct kit_plug *k, const int *at, int least, int ms)
{
    for (int i = 0; i < ms / 10 && *at < least; i++) {
        kit_run(k, at, least, 1000000);
        if (*at < least)
            lintel_loop_advance(k->loop, 10000000);
    }
    return *at >= least;
}

static void
stop_on_fake_time(struct kit_plug *k, struct kit_bus *b)
{
    int stopped = 0;
    lintel_plug_stop_bus(k->plug, b->instance, kit_count, &stopped);
    CHECK(drive(k, &stopped, 1, 20000));
    kit_bus_fini(b);
    kit_plug_free(k);
}

/* A swap that waits for a request which never ends. */
static int
begin_draining(struct kit_plug *k)
{
    kit_plug_new_fake(k, NULL);
    kit_bus_start(k, &bus, "fake", "line", KIT_PROCESS, NULL);
    CHECK(drive(k, &bus.bus->readies, 1, 20000));
    tell(&bus, ADDRS(LIST("kind=hang")));
    CHECK_INT(kit_submit(k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    struct lintel_swap_member m = member(&bus, NULL);
    int begun = swap(k, &m, 1) == 0;
    CHECK(begun && drive(k, &bus.bus->holds, 1, 8000));
    return begun;
}

/* The request is waited for 5 s, then it ends as cancelled; once. */
static void
one_that_does_not_drain(void)
{
    struct kit_plug k;
    REQUIRE(begin_draining(&k));
    CHECK(!drive(&k, &op.done, 1, 4500));
    CHECK_INT(bus.bus->held, 1);
    CHECK_INT(end.moved, 0);
    CHECK(drive(&k, &end.done, 1, 6000));
    CHECK_INT(op.done, 1);
    CHECK_INT(op.status, LINTEL_E_CANCELLED);
    CHECK_STR(end.reason, "");
    CHECK_INT(bus.bus->gones, 0);
    stop_on_fake_time(&k, &bus);
    CHECK_INT(op.done, 1);
}

/* The old one does not come back from stop(): it is killed, or its thread left behind, and the new
 * one starts then. */
static void
stuck_in(enum kit_isolation isolation)
{
    struct kit_plug k;
    struct lintel_port conf;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake-blocking", "line", isolation, LIST("failing=stop"));
    CHECK(drive(&k, &bus.bus->readies, 1, 20000));
    kit_conf(&bus, NULL, &conf);
    struct lintel_swap_member m = member(&bus, &conf);
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(drive(&k, &end.done, 1, 12000));
    CHECK_STR(end.reason, "");
    CHECK_INT(bus.bus->renewals, 1);
    CHECK(end.gap_ns >= 4 * INT64_C(1000000000));
    CHECK(end.gap_ns <= 7 * INT64_C(1000000000));
    stop_on_fake_time(&k, &bus);
    free((void *)(uintptr_t)conf.settings);
}

static void
one_that_does_not_stop(void)
{
    stuck_in(KIT_PROCESS);
    stuck_in(KIT_THREAD);
}

/* The old one dies while its request is waited for: then there is nothing to wait for. */
static void
one_that_dies_while_it_drains(void)
{
    struct kit_plug k;
    REQUIRE(begin_draining(&k));
    kill((pid_t)kit_stats(&bus).pid, SIGKILL);
    CHECK(drive(&k, &bus.bus->gones, 1, 1000));
    CHECK(drive(&k, &end.done, 1, 2000));
    CHECK_STR(end.reason, "");
    CHECK_INT(bus.bus->renewals, 1);
    CHECK_INT(bus.bus->readies, 1); /* the old one did not come back in between */
    stop_on_fake_time(&k, &bus);
}

/* While others still drain, one that died comes up again: nothing is sent to it any more. */
static void
one_that_comes_back_while_others_drain(int give_up)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    kit_bus_start(&k, &other, "fake", "lane", KIT_PROCESS, NULL);
    CHECK(drive(&k, &bus.bus->readies, 1, 20000));
    CHECK(drive(&k, &other.bus->readies, 1, 20000));
    tell(&other, ADDRS(LIST("kind=hang")));
    CHECK_INT(kit_submit(&k, &other, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    const struct lintel_swap_member m[] = {member(&bus, NULL), member(&other, NULL)};
    REQUIRE(swap(&k, m, 2) == 0);
    CHECK(drive(&k, &other.bus->holds, 1, 8000));
    kill((pid_t)kit_stats(&bus).pid, SIGKILL);
    CHECK(drive(&k, &bus.bus->gones, 1, 1000));
    CHECK(!drive(&k, &bus.bus->ready, 1, 1500));
    CHECK(kit_stats(&bus).pid != 0);
    CHECK_INT(end.done, 0);
    for (uint32_t i = 0; give_up && i < lintel_plug_ninstances(k.plug); i++) {
        struct lintel_instance_stats s;
        lintel_instance_stats(lintel_plug_at(k.plug, i), &s);
        if (s.aside)
            kill((pid_t)s.pid, SIGKILL); /* then the old ones go on, and it is one of them */
    }
    CHECK(drive(&k, &end.done, 1, 8000));
    CHECK_INT(end.begun, !give_up);
    CHECK_INT(bus.bus->renewals, !give_up);
    CHECK_INT(bus.bus->readies, give_up ? 2 : 1);
    CHECK_INT(bus.bus->ready, 1);
    CHECK_INT(other.bus->gones, 0);
    int stopped = 0;
    lintel_plug_stop_bus(k.plug, other.instance, kit_count, &stopped);
    CHECK(drive(&k, &stopped, 1, 20000));
    kit_bus_fini(&other);
    stop_on_fake_time(&k, &bus);
}

static void
nothing_is_sent_to_one_that_is_to_go(void)
{
    one_that_comes_back_while_others_drain(0);
    one_that_comes_back_while_others_drain(1);
}

/* ---- newer code ------------------------------------------------------------------------------ */

/* The site was read with the old plugin, whose file the cage of the new child is not about. */
static void
code_in_another_file(enum kit_isolation isolation)
{
    struct kit_plug k;
    size_t n;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", isolation, NULL, NULL);
    CHECK_INT(chmod(kit_folder(), 0711), 0);
    char path[1100];
    snprintf(path, sizeof path, "%s", kit_write("fake.so", ""));
    FILE *from = fopen(bus.conf.plugin_file, "rb"), *to = fopen(path, "wb");
    REQUIRE(from != NULL && to != NULL);
    for (char piece[4096]; (n = fread(piece, 1, sizeof piece, from)) > 0;)
        CHECK_INT(fwrite(piece, 1, n, to), n);
    fclose(from);
    CHECK_INT(fclose(to), 0);
    CHECK_INT(chmod(path, 0644), 0);
    struct lintel_swap_member m = member(&bus, NULL);
    m.file = path;
    REQUIRE(swap(&k, &m, 1) == 0);
    CHECK(kit_wait(&k, &end.done, 1));
    CHECK_STR(end.reason, "");
    CHECK_STR(kit_stats(&bus).file, path);
    tell(&bus, ADDRS(LIST("value=5")));
    read_one(&k, &bus, 0, 5);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
newer_code_has_its_own_cage(void)
{
    code_in_another_file(KIT_PROCESS);
    code_in_another_file(KIT_SHARED);
    /* Its needs are those that it declares, not those of the one before. */
    struct lintel_cage c = {0};
    lintel_plugin before = {.needs = LINTEL_NEED_SERIAL}, now = {.needs = LINTEL_NEED_NETWORK};
    static const lintel_field none[] = {{0}};
    before.bus = now.bus = none;
    struct lintel_port conf = {.plugin = &before, .plugin_file = "/old.so"};
    CHECK_INT(lintel_cage_add_code(&c, &conf, &now, "/new.so"), 0);
    CHECK_INT(c.needs, LINTEL_NEED_NETWORK);
    CHECK_INT(c.npaths, 1);
    lintel_cage_fini(&c);
}

/* ---- without memory -------------------------------------------------------------------------- */

static int
swap_without_memory(void *ctx)
{
    struct kit_plug *k = ctx;
    kit_take_newest();
    struct lintel_instance *i = lintel_plug_start_bus(k->plug, kit_site(), &bus.conf);
    if (i == NULL) {
        free(kit_take_newest());
        CHECK(k->plug->processes == NULL);
        return 0;
    }
    const struct lintel_swap_member m = {
        .instance = i, .plugin = bus.conf.plugin, .file = bus.conf.plugin_file};
    struct lintel_bus *b = lintel_instance_bus(i);
    struct process *first = k->plug->processes;
    int begun = swap(k, &m, 1) == 0, stopped = 0;
    if (!begun)
        CHECK(k->plug->processes == first); /* no child is left for nobody */
    kit_memory_is_back();
    lintel_plug_stop_bus(k->plug, i, kit_count, &stopped);
    CHECK(drive(k, &stopped, 1, 10000));
    CHECK_INT(end.done, begun);
    CHECK_INT(lintel_plug_ninstances(k->plug), 0);
    CHECK(k->plug->processes == NULL);
    free(b);
    return begun;
}

static void
memory_may_run_out(void)
{
    static const enum kit_isolation where[] = {KIT_PROCESS, KIT_SHARED};
    for (size_t i = 0; i < LINTEL_COUNT(where); i++) {
        struct kit_plug k;
        int stopped = 0;
        kit_plug_new_fake(&k, NULL);
        kit_bus_start(&k, &bus, "fake", "line", where[i], NULL);
        lintel_plug_stop_bus(k.plug, bus.instance, kit_count, &stopped);
        CHECK(drive(&k, &stopped, 1, 10000));
        CHECK(kit_each_failure(swap_without_memory, &k) > 5);
        kit_bus_fini(&bus);
        kit_plug_free(&k);
    }
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(a_new_one_takes_over),
                                            KIT(those_of_one_child_go_together),
                                            KIT(settings_may_be_others),
                                            KIT(what_is_under_way_is_answered),
                                            KIT(refusals_change_nothing),
                                            KIT(one_that_does_not_start_is_tried_again),
                                            KIT(one_that_rests_is_replaced),
                                            KIT(a_bus_may_be_stopped_meanwhile),
                                            KIT(the_hub_may_end_meanwhile),
                                            KIT(one_that_does_not_drain),
                                            KIT(one_that_does_not_stop),
                                            KIT(one_that_dies_while_it_drains),
                                            KIT(nothing_is_sent_to_one_that_is_to_go),
                                            KIT(newer_code_has_its_own_cage),
                                            KIT(memory_may_run_out),
                                            {0}};
    return kit_main("swap", tests, argc, argv);
}
