/* SPDX-License-Identifier: Apache-2.0
 * Instances that lie, hang, flood or die: how they end, what is said of it, and how they come back.
 * Time is moved by the test; threads and children are real. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/mem.h"
#include "core/plug/instance.h"
#include "core/plug/plug_kit.h"
#include "tests/kit/kit.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SECOND INT64_C(1000000000)
static const enum kit_isolation everywhere[] = {KIT_THREAD, KIT_PROCESS, KIT_SHARED};

static struct kit_op op, second;
static struct kit_bus bus, other;

/* Moves time by steps until *at has reached least, letting threads and children run in between. */
static int
drive_by(struct kit_plug *k, const int *at, int least, int64_t step)
{
    for (int i = 0; i < 20000 && *at < least; i++) {
        kit_run(k, at, least, 1000000);
        if (*at < least) /* what is due runs in any case */
            lintel_loop_advance(k->loop, kit_is_birth(k) ? 0 : step);
    }
    return CHECK(*at >= least);
}

static int
drive(struct kit_plug *k, const int *at, int least)
{
    return drive_by(k, at, least, 10000000);
}

static int
in_state(void *ctx)
{
    const char *const *want = ctx;
    return strcmp(kit_stats(&bus).state, *want) == 0;
}

/* A bus with device 0 and point 0. */
static void
begin(struct kit_plug *k, struct kit_bus *b, const char *fake, const char *name,
      enum kit_isolation isolation, const char *const *addr)
{
    kit_bus_start(k, b, fake, name, isolation, NULL);
    drive(k, &b->bus->readies, 1);
    CHECK_INT(kit_attach(b, 0, NULL), 0);
    CHECK_INT(kit_bind(b, 0, 0, addr), 0);
}

static void
stop(struct kit_plug *k, struct kit_bus *b)
{
    int stopped = 0;
    lintel_plug_stop_bus(k->plug, b->instance, kit_count, &stopped);
    drive(k, &stopped, 1);
    kit_bus_fini(b);
}

/* ---- lies ------------------------------------------------------------------------------------ */

static void
a_lie(const char *kind, const char *reason, enum kit_isolation isolation)
{
    struct kit_plug k;
    char line[128];
    kit_plug_new_fake(&k, NULL);
    begin(&k, &other, "fake", "lane", isolation, LIST("value=4"));
    begin(&k, &bus, "fake", "line", isolation, LIST(kind, "value=1"));
    int64_t pid = kit_stats(&other).pid;
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 600000), 0);
    drive(&k, &bus.bus->gones, 1);
    CHECK(op.done <= 1);
    CHECK_HAS(bus.bus->gone, reason);
    CHECK_HAS(kit_stats(&bus).reason, reason);
    CHECK(kit_stats(&bus).misbehaved >= 1);
    CHECK_INT(kit_submit(&k, &bus, &second, LINTEL_OP_READ, 0, 1, NULL, 60000), -1);
    drive(&k, &bus.bus->readies, 2);
    CHECK_INT(bus.bus->gones, 1);
    CHECK_INT(kit_stats(&bus).restarts, 1);
    /* One line says the end and the next start; the neighbour has not noticed. */
    snprintf(line, sizeof line, "line: PLUGIN MISBEHAVING: the plugin is %s",
             isolation == KIT_PROCESS ? "gone" : "ended");
    CHECK_INT(kit_lines(line), 1);
    CHECK_INT(kit_lines("MISBEHAVING"), 1);
    CHECK_INT(kit_lines("it starts again in 0.0"), 1);
    CHECK_INT(other.bus->gones, 0);
    CHECK_INT(kit_stats(&other).pid, pid);
    CHECK_INT(kit_submit(&k, &other, &second, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    drive(&k, &second.done, 1);
    CHECK_REAL(second.samples[0].value.as.r, 4);
    /* What is new works. */
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    CHECK_INT(kit_bind(&bus, 0, 0, LIST("value=9")), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    drive(&k, &op.done, 1);
    CHECK_REAL(op.samples[0].value.as.r, 9);
    stop(&k, &bus);
    stop(&k, &other);
    kit_plug_free(&k);
}

static void
lies_end_an_instance(void)
{
    static const char *const lies[][2] = {
        {"kind=twice", "its plugin completed a request twice"},
        {"kind=stranger", "its plugin answered for points that it was not asked for"},
        {"kind=alien", "its plugin published values of points that it does not have"}};
    for (size_t i = 0; i < LINTEL_COUNT(lies); i++)
        for (size_t k = 0; k < LINTEL_COUNT(everywhere); k++)
            a_lie(lies[i][0], lies[i][1], everywhere[k]);
}

/* A point is unbound while a request that does not end has it. */
static void
cancelled_requests_must_end(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    begin(&k, &bus, "fake", "line", KIT_PROCESS, LIST("kind=hang"));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 600000), 0);
    bus.bus->port.unbind(bus.bus->port.ctx, 0);
    drive_by(&k, &bus.bus->gones, 1, 1000000); /* the 2 s are the child's own, and real */
    CHECK_HAS(bus.bus->gone, "did not complete a cancelled request within 2 s");
    drive(&k, &bus.bus->readies, 2);
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* start() fails, and a thread of the plugin goes on after destroy(); the worker is the same. */
static void
a_call_after_a_failed_start(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_THREAD, LIST("failing=starts"));
    drive(&k, &bus.bus->gones, 1);
    for (int i = 0; i < 5000 && kit_stats(&bus).misbehaved == 0; i++)
        lintel_loop_until(k.loop, in_state, &(const char *){"none"}, 1000000);
    CHECK_INT(kit_stats(&bus).misbehaved, 1);
    CHECK_HAS(kit_log(), "published values after it was destroyed");
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* Published after stop() has returned: the bus goes anyway, so it is counted only. */
static void
a_call_after_stop(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_THREAD, LIST("failing=stopped"));
    drive(&k, &bus.bus->readies, 1);
    stop(&k, &bus);
    CHECK_HAS(kit_log(), "PLUGIN MISBEHAVING: fake published values after stop() had returned");
    kit_plug_free(&k);
}

/* ---- values on their way --------------------------------------------------------------------- */

/* Events flow while their point goes and another takes the number: none of the old reaches the new,
 * and none is a lie. */
static void
a_point_goes_while_it_publishes(enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    kit_bus_start(&k, &bus, "fake", "line", isolation, LIST("everyMs=1"));
    kit_wait_ready(&k, &bus);
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    for (int turn = 0; turn < 50; turn++) {
        char value[32];
        snprintf(value, sizeof value, "value=%d", (turn + 1) * 100000);
        CHECK_INT(kit_bind(&bus, 0, 0, LIST("kind=event", value)), 0);
        CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_SUBSCRIBE, 0, 1, NULL, 20000), 0);
        uint64_t before = bus.bus->published;
        kit_wait_op(&k, &op);
        CHECK(kit_wait_count(&k, &bus.bus->published, before + 2));
        CHECK(bus.bus->last.value.as.r >= (turn + 1) * 100000);
        CHECK(bus.bus->lowest >= (turn + 1) * 100000);
        bus.bus->port.unbind(bus.bus->port.ctx, 0);
        bus.bus->lowest = 1e9;
    }
    CHECK_INT(kit_stats(&bus).misbehaved, 0);
    CHECK_INT(kit_stats(&bus).dropped, 0);
    CHECK_INT(bus.bus->gones, 0);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
numbers_are_given_anew(void)
{
    a_point_goes_while_it_publishes(KIT_THREAD);
    a_point_goes_while_it_publishes(KIT_PROCESS);
}

/* ---- floods ---------------------------------------------------------------------------------- */

/* 100,000 values of one point while the hub takes none: the last one arrives, the rest was replaced
 * and is counted. */
static void
a_flood(enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    kit_bus_start(&k, &bus, "fake", "line", isolation, NULL);
    kit_wait_ready(&k, &bus);
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    CHECK_INT(kit_bind(&bus, 0, 0, LIST("kind=flood")), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    kit_nap(300); /* the hub is busy elsewhere */
    kit_wait_op(&k, &op);
    for (int i = 0; i < 5000 && bus.bus->published + kit_stats(&bus).replaced < 100000; i++)
        lintel_loop_until(k.loop, in_state, &(const char *){"none"}, 1000000);
    CHECK_INT(bus.bus->published + kit_stats(&bus).replaced, 100000);
    CHECK(bus.bus->published > 0);
    if (kit_stats(&bus).replaced != 0) {
        CHECK(kit_stats(&bus).floods);
        CHECK_INT(kit_lines("publishes faster than the hub can take"), 1);
    }
    CHECK_INT(kit_stats(&bus).dropped, 0);
    CHECK_INT(bus.bus->gones, 0);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
floods_are_degradation(void)
{
    a_flood(KIT_THREAD);
    a_flood(KIT_PROCESS);
}

/* ---- hangs ----------------------------------------------------------------------------------- */

/* Calls that no deadline watches over. */
static void
calls_that_do_not_return(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, LIST("failing=attach"));
    drive(&k, &bus.bus->readies, 1);
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    drive_by(&k, &bus.bus->gones, 1, SECOND / 4);
    CHECK_STR(bus.bus->gone, "it hangs: attach() has not returned for 30 s");
    drive(&k, &bus.bus->readies, 2);
    CHECK_INT(kit_lines("line: the plugin is gone"), 1);
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* One request is lost, nothing else is asked: found out all the same. */
static void
a_lost_request(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    begin(&k, &bus, "fake", "line", KIT_PROCESS, LIST("kind=hang"));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 1000), 0);
    drive(&k, &op.done, 1);
    CHECK_INT(op.status, LINTEL_E_TIMEOUT);
    CHECK_INT(bus.bus->gones, 0);
    drive_by(&k, &bus.bus->gones, 1, SECOND / 4);
    CHECK_HAS(bus.bus->gone, "it hangs: no request was completed");
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* In a thread it can't be ended: the bus is down until the call returns, and there is never a
 * second one beside it. */
static void
a_thread_that_hangs(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    begin(&k, &bus, "fake-blocking", "line", KIT_THREAD, LIST("kind=late", "value=3"));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 200), 0);
    lintel_loop_until(k.loop, in_state, &(const char *){"none"}, 50000000); /* the call began */
    drive_by(&k, &bus.bus->gones, 1, 4 * SECOND);
    CHECK_INT(op.status, LINTEL_E_TIMEOUT);
    CHECK_STR(kit_stats(&bus).state, "ending");
    lintel_loop_advance(k.loop, 6 * SECOND);
    CHECK_STR(kit_stats(&bus).state, "ending");
    CHECK_HAS(kit_stats(&bus).reason, "it hangs");
    CHECK_HAS(kit_log(), "a thread can't be ended");
    CHECK_INT(bus.bus->readies, 1);
    /* The call returns after 3.2 s of real time. */
    CHECK(lintel_loop_until(k.loop, in_state, &(const char *){"back-off"}, 20 * SECOND));
    drive(&k, &bus.bus->readies, 2);
    CHECK_INT(kit_stats(&bus).restarts, 1);
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* ---- deaths ---------------------------------------------------------------------------------- */

static void
deaths_have_reasons(void)
{
    static const char *const deaths[][2] = {
        {"kind=exit", "its process ended with status 3"},
        {"kind=crash", "its process was killed by signal 6 (Aborted)"}};
    for (size_t i = 0; i < LINTEL_COUNT(deaths); i++) {
        struct kit_plug k;
        kit_plug_new_fake(&k, NULL);
        begin(&k, &bus, "fake", "line", KIT_PROCESS, LIST(deaths[i][0]));
        CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
        drive(&k, &bus.bus->gones, 1);
        CHECK_STR(bus.bus->gone, deaths[i][1]);
        CHECK_INT(kit_lines(deaths[i][1]), 1);
        drive(&k, &bus.bus->readies, 2);
        stop(&k, &bus);
        kit_plug_free(&k);
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their memory has no limit   \
                                                                     */
static void
a_limit_of_memory_is_told(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_memory = 64;
    begin(&k, &bus, "fake", "line", KIT_PROCESS, LIST("kind=greedy"));
    kit_memory = 0;
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    drive(&k, &bus.bus->gones, 1);
    CHECK_STR(bus.bus->gone, "its process gave up when its memory limit was used up");
    drive(&k, &bus.bus->readies, 2);
    stop(&k, &bus);
    kit_plug_free(&k);
}
#endif

/* The pauses that the log tells, one after the other. */
static double
pause_told(int i)
{
    double ret = -1;
    const char *p = kit_log();
    for (; i >= 0 && (p = strstr(p, "starts again in ")) != NULL; i--)
        p += strlen("starts again in ");
    return p != NULL && sscanf(p, "%lf", &ret) == 1 ? ret : -1;
}

static void
too_many_deaths_are_an_alarm(void)
{
    static const double pauses[] = {0.05, 0.4, 0.8, 1.6};
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    for (int i = 0; i < 5; i++) {
        drive(&k, &bus.bus->readies, i + 1);
        kill((pid_t)kit_stats(&bus).pid, SIGKILL);
        drive(&k, &bus.bus->gones, i + 1);
        CHECK_STR(kit_stats(&bus).state, i < 4 ? "back-off" : "alarm");
        if (i < 4)
            CHECK(pause_told(i) >= pauses[i] * 0.75 - 0.01 &&
                  pause_told(i) <= pauses[i] * 1.25 + 0.01);
    }
    CHECK_INT(kit_lines("ALARM"), 1);
    CHECK_HAS(kit_log(), "0 line: ALARM: the plugin is gone: its process was killed by signal 9 "
                         "(Killed); this was the 5th end within ten minutes");
    CHECK_HAS(kit_log(), "then `lintel plugin reload line`");
    CHECK(kit_stats(&bus).next_try > 299 * SECOND && kit_stats(&bus).next_try <= 300 * SECOND);
    /* A try after five minutes, not before. */
    lintel_loop_advance(k.loop, 290 * SECOND);
    lintel_loop_until(k.loop, in_state, &(const char *){"none"}, 20000000);
    CHECK_INT(kit_stats(&bus).pid, 0);
    drive_by(&k, &bus.bus->readies, 6, SECOND);
    CHECK_INT(kit_stats(&bus).restarts, 5);
    CHECK_STR(kit_stats(&bus).state, "running");
    kill((pid_t)kit_stats(&bus).pid, SIGKILL);
    drive(&k, &bus.bus->gones, 6);
    CHECK_STR(kit_stats(&bus).state, "alarm");
    CHECK_INT(kit_lines("ALARM"), 1); /* told once */
    /* Somebody sees to it: at once, and the count begins anew. */
    lintel_plug_retry(k.plug, bus.instance);
    drive(&k, &bus.bus->readies, 7);
    kill((pid_t)kit_stats(&bus).pid, SIGKILL);
    drive(&k, &bus.bus->gones, 7);
    CHECK_STR(kit_stats(&bus).state, "back-off");
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* Refused starts count, too, in a thread and in a child. */
static void
too_many_refusals_are_an_alarm(void)
{
    for (size_t i = 0; i < LINTEL_COUNT(everywhere); i++) {
        struct kit_plug k;
        kit_plug_new_fake(&k, NULL);
        kit_bus_start(&k, &bus, "fake", "line", everywhere[i], LIST("failing=start"));
        drive(&k, &bus.bus->gones, 5);
        CHECK_STR(kit_stats(&bus).state, "alarm");
        CHECK_STR(kit_stats(&bus).reason, "start failed");
        CHECK_INT(kit_lines("ALARM"), 1);
        CHECK_INT(kit_lines("could not start"), 5);
        lintel_plug_retry(k.plug, bus.instance);
        drive(&k, &bus.bus->gones, 6);
        CHECK_STR(kit_stats(&bus).state, "back-off");
        stop(&k, &bus);
        kit_plug_free(&k);
    }
}

/* What the hub lacks is not the plugin's end, however long it lacks it. */
static void
no_descriptors_are_no_alarm(void)
{
    struct kit_plug k;
    struct rlimit was, none;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    drive(&k, &bus.bus->readies, 1);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &was) == 0);
    none = was;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    kill((pid_t)kit_stats(&bus).pid, SIGKILL);
    drive_by(&k, &bus.bus->gones, 12, SECOND);
    setrlimit(RLIMIT_NOFILE, &was);
    CHECK_INT(bus.bus->gones, 12);
    CHECK_HAS(bus.bus->gone, "can't be started: Too many open files");
    CHECK_STR(kit_stats(&bus).state, "back-off");
    CHECK_INT(kit_lines("ALARM"), 0);
    CHECK(kit_stats(&bus).next_try < 9 * SECOND);
    drive_by(&k, &bus.bus->readies, 2, SECOND);
    CHECK_STR(kit_stats(&bus).state, "running");
    stop(&k, &bus);
    kit_plug_free(&k);
}

static void
settings_that_can_not_be_are_tried_by_hand(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_THREAD, LIST("failing=settings"));
    drive(&k, &bus.bus->gones, 1);
    CHECK_STR(kit_stats(&bus).state, "failed");
    lintel_loop_advance(k.loop, 3600 * SECOND);
    CHECK_INT(bus.bus->gones, 1);
    lintel_plug_retry(k.plug, bus.instance);
    drive(&k, &bus.bus->gones, 2);
    CHECK_STR(kit_stats(&bus).state, "failed");
    stop(&k, &bus);
    kit_plug_free(&k);
}

/* A process that is stopped answers nothing. */
static void
a_child_that_does_not_answer(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    drive(&k, &bus.bus->readies, 1);
    kill((pid_t)kit_stats(&bus).pid, SIGSTOP);
    drive_by(&k, &bus.bus->gones, 1, SECOND);
    CHECK_STR(bus.bus->gone, "its process lives, but does not answer");
    drive(&k, &bus.bus->readies, 2);
    /* One that does is left alone. */
    for (int i = 0; i < 60; i++) {
        lintel_loop_advance(k.loop, SECOND);
        lintel_loop_until(k.loop, in_state, &(const char *){"none"}, 5000000);
    }
    CHECK_INT(bus.bus->gones, 1);
    stop(&k, &bus);
    kit_plug_free(&k);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(lies_end_an_instance),
        KIT(cancelled_requests_must_end),
        KIT(a_call_after_a_failed_start),
        KIT(a_call_after_stop),
        KIT(numbers_are_given_anew),
        KIT(floods_are_degradation),
        KIT(calls_that_do_not_return),
        KIT(a_lost_request),
        KIT(a_thread_that_hangs),
        KIT(deaths_have_reasons),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        KIT(a_limit_of_memory_is_told),
#endif
        KIT(too_many_deaths_are_an_alarm),
        KIT(too_many_refusals_are_an_alarm),
        KIT(no_descriptors_are_no_alarm),
        KIT(settings_that_can_not_be_are_tried_by_hand),
        KIT(a_child_that_does_not_answer),
        {0}
    };
    return kit_main("ending", tests, argc, argv);
}
