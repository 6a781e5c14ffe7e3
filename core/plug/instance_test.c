/* SPDX-License-Identifier: Apache-2.0
 * Instances in threads and in children: the fakes are driven as the engine would do it. */
#include "core/plug/instance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/plug/plug_kit.h"
#include "tests/kit/kit.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const fakes[] = {"fake", "fake-blocking"};

static struct kit_op op, second;
static struct kit_bus bus, other;

/* A bus with device 0 and one point for each address. */
static void
begin(struct kit_plug *k, struct kit_bus *b, const char *fake, enum kit_isolation isolation,
      const char *const *settings, const char *const *const *addrs)
{
    kit_bus_start(k, b, fake, "line", isolation, settings);
    if (!kit_wait_ready(k, b))
        return;
    CHECK_INT(kit_attach(b, 0, NULL), 0);
    for (uint32_t i = 0; addrs != NULL && addrs[i] != NULL; i++)
        CHECK_INT(kit_bind(b, i, 0, addrs[i]), 0);
}
#define ADDRS(...) ((const char *const *const[]){__VA_ARGS__, NULL})

static void
values_in(const char *fake, enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, fake, isolation, NULL,
          ADDRS(LIST("value=2.5"), LIST("kind=counter", "value=7", "raw=integer"),
                LIST("kind=stored"), LIST("raw=text", "value=-1.25"),
                LIST("raw=f32", "value=0.5")));
    CHECK_STR(kit_stats(&bus).state, "running");
    CHECK_INT(kit_stats(&bus).pid != 0, isolation != KIT_THREAD);
    for (int64_t turn = 0; turn < 3; turn++) {
        CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 5, NULL, 5000), 0);
        kit_wait_op(&k, &op);
        CHECK_INT(op.status, LINTEL_OK);
        REQUIRE(op.n == 5);
        CHECK_INT(op.samples[0].value.type, LINTEL_T_REAL);
        CHECK_REAL(op.samples[0].value.as.r, 2.5);
        CHECK_INT(op.samples[1].value.type, LINTEL_T_INT);
        CHECK_INT(op.samples[1].value.as.i, 7 + turn);
        CHECK_REAL(op.samples[2].value.as.r, turn == 0 ? 0 : 42);
        CHECK_INT(op.samples[3].value.type, LINTEL_T_STR);
        CHECK_STR(op.bytes[3], "-1.25");
        CHECK_INT(op.samples[4].value.type, LINTEL_T_BYTES);
        CHECK_INT(op.samples[4].value.len, 4);
        CHECK(memcmp(op.bytes[4], "\x3f\0\0\0", 4) == 0);
        const lintel_value v = {LINTEL_T_REAL, 0, {.r = 42}};
        CHECK_INT(kit_submit(&k, &bus, &second, LINTEL_OP_WRITE, 2, 1, &v, 5000), 0);
        kit_wait_op(&k, &second);
        CHECK_INT(second.status, LINTEL_OK);
    }
    CHECK_STR(bus.bus->link, "the wire is there");
    CHECK_INT(kit_stats(&bus).misbehaved, 0);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
values_come_and_go(void)
{
    for (unsigned i = 0; i < 2; i++) {
        values_in(fakes[i], KIT_THREAD);
        values_in(fakes[i], KIT_PROCESS);
    }
}

/* What is wrong with a sample stays an error of that sample. */
static void
bad_samples_in(enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", isolation, NULL,
          ADDRS(LIST("kind=lost"), LIST("kind=nan"), LIST("kind=error"), LIST("kind=timeout")));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 3, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_OK);
    REQUIRE(op.n == 2);
    CHECK_INT(op.samples[0].point, 1); /* 0 was left out */
    CHECK_INT(op.samples[0].status, LINTEL_E_FAIL);
    CHECK_STR(op.detail[0], "the value is not a finite number");
    CHECK_INT(op.samples[1].status, LINTEL_E_DEVICE);
    CHECK_STR(op.detail[1], "the device is not in the mood");
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 3, 1, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_E_TIMEOUT);
    CHECK_INT(op.n, 0);
    CHECK_INT(kit_stats(&bus).misbehaved, 0);
    CHECK_INT(bus.bus->gones, 0);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
bad_samples_are_errors(void)
{
    bad_samples_in(KIT_THREAD);
    bad_samples_in(KIT_PROCESS);
}

static void
cancel_in(const char *fake, enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, fake, isolation, NULL, ADDRS(LIST("kind=stall"), LIST("value=1")));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    bus.bus->port.cancel(bus.bus->port.ctx, &op.op);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_E_CANCELLED);
    /* One that is unbound while a request has it: cancelled first, then unbound. */
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    if (strcmp(fake, "fake") == 0) {
        bus.bus->port.unbind(bus.bus->port.ctx, 0);
        kit_wait_op(&k, &op);
        CHECK_INT(op.status, LINTEL_E_CANCELLED);
    }
    /* And one that is open when the bus stops: never told. */
    int before = bus.bus->dones;
    CHECK_INT(kit_submit(&k, &bus, &second, LINTEL_OP_READ, 0, 2, NULL, 60000), 0);
    CHECK_INT(bus.bus->dones, before);
    kit_bus_stop(&k, &bus);
    CHECK_INT(second.done, 0);
    kit_plug_free(&k);
}

static void
requests_are_cancelled(void)
{
    for (unsigned i = 0; i < 2; i++) {
        cancel_in(fakes[i], KIT_THREAD);
        cancel_in(fakes[i], KIT_PROCESS);
    }
}

/* What never completes is ended by the hub a second after its deadline; a late answer is dropped.
 */
static void
a_hang_is_ended_by_the_hub(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_THREAD, NULL, ADDRS(LIST("kind=hang"), LIST("value=1")));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 10), 0);
    CHECK_INT(kit_submit(&k, &bus, &second, LINTEL_OP_READ, 1, 1, NULL, 5000), 0);
    kit_wait_op(&k, &second);
    CHECK_INT(op.done, 0);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_E_TIMEOUT);
    CHECK_INT(kit_stats(&bus).late, 1);
    kit_bus_stop(&k, &bus);
    CHECK_INT(op.done, 1);
    CHECK_HAS(kit_log(), "PLUGIN MISBEHAVING: fake left requests open at stop()");
    kit_plug_free(&k);
}

static void
refusals_say_why(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_PROCESS, NULL, ADDRS(LIST("kind=refused"), LIST("value=1")));
    CHECK_INT(kit_attach(&bus, 5, LIST("refused=true")), 0);
    CHECK_INT(kit_bind(&bus, 9, 5, NULL), 0);
    CHECK_INT(kit_attach(&bus, 6, LIST("down=true")), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 2, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    REQUIRE(op.n == 1);
    CHECK_INT(op.samples[0].point, 1);
    CHECK_STR(bus.bus->refused_device, "no such device");
    CHECK_STR(bus.bus->refused_point, "its device was refused"); /* the last */
    CHECK_INT(bus.bus->refused_id, 9);
    CHECK_INT(bus.bus->device_status, LINTEL_E_LINK);
    CHECK_STR(bus.bus->device, "it is away");
    /* A request of which nothing is left. */
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_E_ADDRESS);
    /* Detaching takes the points along; the number may be used again. */
    bus.bus->port.detach(bus.bus->port.ctx, 0);
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    CHECK_INT(kit_bind(&bus, 1, 0, LIST("value=8")), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 1, 1, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK_REAL(op.samples[0].value.as.r, 8);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
bad_starts(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, LIST("failing=settings"));
    kit_bus_start(&k, &other, "fake", "lane", KIT_THREAD, LIST("failing=start"));
    CHECK(kit_wait(&k, &bus.bus->gones, 1));
    CHECK_STR(kit_stats(&bus).state, "failed");
    CHECK_STR(kit_stats(&bus).reason, "these settings can't be");
    CHECK_INT(bus.bus->gone_status, LINTEL_E_CONFIG);
    CHECK(kit_wait(&k, &other.bus->gones, 3)); /* it is tried again and again */
    CHECK_STR(kit_stats(&other).state, "back-off");
    CHECK_STR(kit_stats(&other).reason, "start failed");
    CHECK_INT(bus.bus->gones, 1);
    CHECK_INT(kit_submit(&k, &other, &op, LINTEL_OP_READ, 0, 1, NULL, 100), -1);
    kit_bus_stop(&k, &bus);
    kit_bus_stop(&k, &other);
    kit_plug_free(&k);
}

static void
a_crash_ends_one_child_that_comes_back(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake-blocking", KIT_PROCESS, LIST("name=Harold"),
          ADDRS(LIST("kind=crash"), LIST("value=1")));
    kit_bus_start(&k, &other, "fake", "lane", KIT_PROCESS, NULL);
    kit_wait_ready(&k, &other);
    int64_t first = kit_stats(&bus).pid;
    CHECK(first != kit_stats(&other).pid);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), 0);
    CHECK(kit_wait(&k, &bus.bus->gones, 1));
    CHECK_INT(op.done, 0);
    CHECK_STR(bus.bus->gone, "its process was killed by signal 6 (Aborted)");
    CHECK_STR(kit_stats(&bus).state, "back-off");
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 60000), -1);
    CHECK(kit_wait(&k, &bus.bus->readies, 2));
    CHECK(kit_stats(&bus).pid != 0 && kit_stats(&bus).pid != first);
    CHECK_INT(kit_stats(&bus).restarts, 1);
    CHECK_INT(kit_attach(&bus, 0, NULL), 0);
    CHECK_INT(kit_bind(&bus, 1, 0, LIST("value=1")), 0);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 1, 1, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_OK);
    /* Killed from outside. */
    kill((pid_t)kit_stats(&bus).pid, SIGKILL);
    CHECK(kit_wait(&k, &bus.bus->gones, 2));
    CHECK_STR(bus.bus->gone, "its process was killed by signal 9 (Killed)");
    CHECK_INT(other.bus->gones, 0);
    CHECK_HAS(kit_log(), "line: this is Harold");
    kit_bus_stop(&k, &bus); /* while it is down */
    kit_bus_stop(&k, &other);
    kit_plug_free(&k);
}

static void
several_buses_share_a_child(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_SHARED, NULL, ADDRS(LIST("value=1"), LIST("kind=crash")));
    begin(&k, &other, "fake-blocking", KIT_SHARED, NULL, ADDRS(LIST("value=2")));
    CHECK_INT(kit_stats(&bus).pid, kit_stats(&other).pid);
    CHECK_STR(kit_stats(&bus).isolation, "process:field");
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 5000), 0);
    CHECK_INT(kit_submit(&k, &other, &second, LINTEL_OP_READ, 0, 1, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    kit_wait_op(&k, &second);
    CHECK_REAL(op.samples[0].value.as.r, 1);
    CHECK_REAL(second.samples[0].value.as.r, 2);
    /* Both are gone when it crashes, both come back. */
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 1, 1, NULL, 60000), 0);
    CHECK(kit_wait(&k, &other.bus->gones, 1));
    CHECK(kit_wait(&k, &bus.bus->readies, 2));
    CHECK(kit_wait(&k, &other.bus->readies, 2));
    int64_t pid = kit_stats(&other).pid;
    kit_bus_stop(&k, &bus);
    CHECK_INT(kit_attach(&other, 0, NULL), 0);
    CHECK_INT(kit_bind(&other, 0, 0, LIST("value=3")), 0);
    CHECK_INT(kit_submit(&k, &other, &second, LINTEL_OP_READ, 0, 1, NULL, 5000), 0);
    kit_wait_op(&k, &second);
    CHECK_REAL(second.samples[0].value.as.r, 3);
    CHECK_INT(kit_stats(&other).pid, pid);
    kit_bus_stop(&k, &other);
    CHECK_INT(kill((pid_t)pid, 0), -1); /* reaped, too */
    kit_plug_free(&k);
}

static void
floods_in(enum kit_isolation isolation)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", isolation, NULL,
          ADDRS(LIST("kind=flood"), LIST("kind=event", "value=5")));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 20000), 0);
    kit_wait_op(&k, &op);
    CHECK(bus.bus->published > 0 && bus.bus->published <= 100000);
    uint64_t before = bus.bus->published;
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_SUBSCRIBE, 1, 1, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK(kit_wait_count(&k, &bus.bus->published, before + 3));
    CHECK(bus.bus->last.value.as.r >= 7);
    CHECK_INT(bus.bus->last.point, 1);
    /* Unknown points are dropped and counted. */
    bus.bus->port.unbind(bus.bus->port.ctx, 1);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
values_are_published(void)
{
    floods_in(KIT_THREAD);
    floods_in(KIT_PROCESS);
}

/* One payload for many points is sent once, and arrives as the same memory. */
static void
payloads_are_shared(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_PROCESS, NULL,
          ADDRS(LIST("raw=payload"), LIST("raw=payload"), LIST("raw=f32"), LIST("raw=payload"),
                LIST("raw=payload"), LIST("raw=payload")));
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 6, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    REQUIRE(op.n == 6);
    CHECK_INT(op.shared, 3);
    CHECK_STR(op.bytes[5], "{\"one\":1,\"two\":2.5,\"three\":\"x\"}");
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static void
secrets_travel_over_the_socket_only(void)
{
    struct kit_plug k;
    char path[64], text[65536];
    kit_plug_new(&k);
    setenv("LINTEL_TEST", "kept back", 1);
    setenv("OTHER_TEST", "kept back", 1);
    begin(&k, &bus, "fake", KIT_PROCESS, LIST("secret=xyzzy-plugh"), NULL);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%lld/%s", (long long)kit_stats(&bus).pid,
                 i ? "environ" : "cmdline");
        FILE *f = fopen(path, "rb");
        REQUIRE(f != NULL);
        size_t n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        CHECK(n > 0);
        for (size_t c = 0; c < n; c++)
            if (text[c] == '\0')
                text[c] = ' ';
        text[n] = '\0';
        CHECK(strstr(text, "xyzzy") == NULL);
        CHECK(strstr(text, "kept back") == NULL);
        CHECK_HAS(text, i ? "PATH=" : "lintel-host --socket=3 --name line");
    }
    CHECK(strstr(kit_log(), "xyzzy") == NULL);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static int
never(void *ctx)
{
    (void)ctx;
    return 0;
}

static void
a_call_after_the_end_is_dropped(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_THREAD, LIST("failing=destroyed"), NULL);
    kit_bus_stop(&k, &bus);
    /* The plugin's own thread calls 20 ms after its end. */
    for (int i = 0; i < 5000 && strstr(kit_log(), "MISBEHAVING") == NULL; i++)
        lintel_loop_until(k.loop, never, NULL, 1000000);
    CHECK_HAS(kit_log(), "PLUGIN MISBEHAVING: it published values after it was destroyed");
    kit_plug_free(&k);
}

/* A plugin that does not come back from stop(): its child is killed, its thread left behind. */
static void
a_plugin_that_does_not_stop(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake-blocking", KIT_PROCESS, LIST("failing=stop"), NULL);
    begin(&k, &other, "fake-blocking", KIT_THREAD, LIST("failing=stop"), NULL);
    pid_t pid = (pid_t)kit_stats(&bus).pid;
    lintel_plug_free(k.plug);
    CHECK_INT(kill(pid, 0), -1);
    CHECK_HAS(kit_log(), "its thread is left behind");
    kit_bus_fini(&bus);
    kit_bus_fini(&other);
    lintel_loader_free(k.loader);
    lintel_loop_free(k.loop);
}

static void
a_missing_host_program_is_said(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    lintel_plug_free(k.plug);
    k.plug = lintel_plug_new(
        &(struct lintel_plug_source){.loop = k.loop, .host_program = "/nowhere/lintel-host"});
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    CHECK(kit_wait(&k, &bus.bus->gones, 2));
    CHECK_HAS(bus.bus->gone, "/nowhere/lintel-host can't be started: No such file or directory");
    kit_bus_stop(&k, &bus);
    /* One that is no lintel-host. */
    lintel_plug_free(k.plug);
    k.plug =
        lintel_plug_new(&(struct lintel_plug_source){.loop = k.loop, .host_program = "/bin/false"});
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    CHECK(kit_wait(&k, &bus.bus->gones, 1));
    CHECK_STR(bus.bus->gone, "its process ended with status 1");
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

/* ---- on a loop whose time the test moves; the children are real ------------------------------ */

/* Moves time by steps of 10 ms until *at has reached least, letting the children run in between. */
static int
drive(struct kit_plug *k, const int *at, int least)
{
    for (int i = 0; i < 20000 && *at < least; i++) {
        kit_run(k, at, least, 1000000);
        if (*at < least)
            lintel_loop_advance(k->loop, 10000000);
    }
    return CHECK(*at >= least);
}

static void
stop_on_fake_time(struct kit_plug *k, struct kit_bus *b)
{
    int stopped = 0;
    lintel_plug_stop_bus(k->plug, b->instance, kit_count, &stopped);
    drive(k, &stopped, 1);
    kit_bus_fini(b);
    kit_plug_free(k);
}

static void
a_child_that_hangs_is_started_anew(void)
{
    struct kit_plug k;
    kit_plug_new_fake(&k, NULL);
    kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
    drive(&k, &bus.bus->readies, 1);
    int64_t pid = kit_stats(&bus).pid;
    kit_attach(&bus, 0, NULL);
    kit_bind(&bus, 0, 0, LIST("kind=hang"));
    /* One request after the other, as the engine would do it, until the child is not reached any
     * more. */
    int requests = 0;
    while (requests < 100 && kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 1, NULL, 10) == 0) {
        requests++;
        drive(&k, &op.done, 1);
        CHECK_INT(op.status, LINTEL_E_TIMEOUT);
    }
    CHECK(requests > 5 && requests < 20);
    drive(&k, &bus.bus->gones, 1);
    CHECK_STR(bus.bus->gone,
              "it hangs: no request was completed for more than 10 s after a deadline");
    drive(&k, &bus.bus->readies, 2);
    CHECK(kit_stats(&bus).pid != pid);
    stop_on_fake_time(&k, &bus);
}

/* Programs in the place of lintel-host that do not speak the protocol. */
static void
strangers_in_the_place_of_the_host(void)
{
    static const struct {
        const char *script, *reason;
    } strangers[] = {
        {"#!/bin/sh\nprintf '\\0\\0\\0\\1x' >&3\nexec sleep 100\n",
         "it sent a frame that breaks the protocol"},
        {"#!/bin/sh\nprintf '\\377\\377\\377\\377' >&3\nexec sleep 100\n",
         "it sent a frame of a length that can't be"},
        {"#!/bin/sh\nexec sleep 100\n", "its process did not say hello within 5 s"},
        {"#!/bin/sh\nprintf '\\0\\0\\0\\11\\0\\30\\40\\30\\143\\0\\0\\0\\140' >&3\nexec sleep "
         "100\n",
         "speaks version 99 of the protocol, wanted is 1: install hub and lintel-host of one "
         "version"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(strangers); i++) {
        struct kit_plug k;
        const char *host = kit_write("stranger", strangers[i].script);
        chmod(host, 0755);
        kit_plug_new_fake(&k, host);
        kit_bus_start(&k, &bus, "fake", "line", KIT_PROCESS, NULL);
        drive(&k, &bus.bus->gones, 1);
        CHECK_HAS(bus.bus->gone, strangers[i].reason);
        stop_on_fake_time(&k, &bus);
    }
}

/* A child can't get out of its cage: one more that needs more makes it start anew. */
static void
one_that_needs_more_moves_in(void)
{
    struct kit_plug k;
    kit_plug_new(&k);
    begin(&k, &bus, "fake", KIT_SHARED, NULL, NULL);
    int64_t first = kit_stats(&bus).pid;
    CHECK(strstr(kit_stats(&bus).cage, "landlock") != NULL);
    CHECK(strstr(kit_stats(&bus).cage, "seccomp") != NULL);
    kit_bus_start(&k, &other, "file", "files", KIT_SHARED, LIST("folder=/nowhere/at/all"));
    CHECK(kit_wait(&k, &other.bus->readies, 1));
    CHECK(kit_wait(&k, &bus.bus->readies, 2));
    CHECK_STR(bus.bus->gone, "files, which needs more, moves into the same process");
    CHECK(kit_stats(&bus).pid != first);
    CHECK_INT(kit_stats(&bus).pid, kit_stats(&other).pid);
    kit_bus_stop(&k, &other);
    /* What needs no more than there is does not disturb. */
    first = kit_stats(&bus).pid;
    kit_bus_start(&k, &other, "fake-blocking", "more", KIT_SHARED, NULL);
    CHECK(kit_wait(&k, &other.bus->readies, 1));
    CHECK_INT(kit_stats(&bus).pid, first);
    CHECK_INT(bus.bus->gones, 1);
    kit_bus_stop(&k, &other);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

static int
is_told(void *ctx)
{
    (void)ctx;
    return strstr(kit_log(), "certificate.pem was replaced; a new process reads it") != NULL;
}

/* A file of the cage is replaced by another of that name: the process starts anew to read it, as
 * soon as somebody may want to. */
static void
a_replaced_file_is_noticed(void)
{
    struct kit_plug k;
    char path[1100], fresh[1100], setting[1200];
    kit_plug_new(&k);
    CHECK_INT(chmod(kit_folder(), 0711), 0);
    snprintf(path, sizeof path, "%s", kit_write("certificate.pem", "old"));
    snprintf(fresh, sizeof fresh, "%s", kit_write("new.pem", "new"));
    snprintf(setting, sizeof setting, "folder=%s", path);
    begin(&k, &bus, "file", KIT_SHARED, LIST(setting), NULL);
    int64_t first = kit_stats(&bus).pid;
    CHECK_INT(rename(fresh, path), 0);
    CHECK(lintel_loop_until(k.loop, is_told, NULL, INT64_C(20000000000)));
    CHECK_INT(bus.bus->gones, 0); /* what works goes on working */
    CHECK_INT(kit_stats(&bus).pid, first);
    kit_bus_start(&k, &other, "fake", "one that starts", KIT_SHARED, NULL);
    CHECK(kit_wait(&k, &bus.bus->readies, 2));
    CHECK(kit_wait(&k, &other.bus->readies, 1));
    CHECK_HAS(bus.bus->gone, "certificate.pem was replaced: a new process reads it");
    CHECK(kit_stats(&bus).pid != first);
    kit_bus_stop(&k, &other);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

/* The plugin of docs/tutorial-plugin.md. */
static void
the_tutorials_plugin_works(void)
{
    struct kit_plug k;
    char folder[1100], setting[1200];
    kit_plug_new(&k);
    kit_write("values/temperature", "21.5\n");
    kit_write("values/words", "no number\n");
    snprintf(folder, sizeof folder, "%s/values", kit_folder());
    snprintf(setting, sizeof setting, "folder=%s", folder);
    CHECK_INT(chmod(kit_folder(), 0711) | chmod(folder, 0777), 0); /* the child is somebody else */
    begin(&k, &bus, "file", KIT_PROCESS, LIST(setting),
          ADDRS(LIST("file=temperature"), LIST("file=words"), LIST("file=missing"),
                LIST("file=setpoint")));
    const lintel_value v = {LINTEL_T_REAL, 0, {.r = 22.25}};
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_WRITE, 3, 1, &v, 5000), 0);
    kit_wait_op(&k, &op);
    CHECK_INT(op.status, LINTEL_OK);
    CHECK_INT(kit_submit(&k, &bus, &op, LINTEL_OP_READ, 0, 4, NULL, 5000), 0);
    kit_wait_op(&k, &op);
    REQUIRE(op.n == 4);
    CHECK_REAL(op.samples[0].value.as.r, 21.5);
    CHECK_INT(op.samples[1].status, LINTEL_E_DEVICE);
    CHECK_STR(op.detail[1], "the file can't be opened, or holds no number");
    CHECK_INT(op.samples[2].status, LINTEL_E_DEVICE);
    CHECK_REAL(op.samples[3].value.as.r, 22.25);
    kit_bus_stop(&k, &bus);
    kit_plug_free(&k);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(values_come_and_go),
                                            KIT(bad_samples_are_errors),
                                            KIT(requests_are_cancelled),
                                            KIT(a_hang_is_ended_by_the_hub),
                                            KIT(refusals_say_why),
                                            KIT(bad_starts),
                                            KIT(a_crash_ends_one_child_that_comes_back),
                                            KIT(several_buses_share_a_child),
                                            KIT(values_are_published),
                                            KIT(payloads_are_shared),
                                            KIT(secrets_travel_over_the_socket_only),
                                            KIT(a_call_after_the_end_is_dropped),
                                            KIT(a_missing_host_program_is_said),
                                            KIT(one_that_needs_more_moves_in),
                                            KIT(a_replaced_file_is_noticed),
                                            KIT(the_tutorials_plugin_works),
                                            KIT(a_child_that_hangs_is_started_anew),
                                            KIT(strangers_in_the_place_of_the_host),
                                            KIT(a_plugin_that_does_not_stop),
                                            {0}};
    return kit_main("instance", tests, argc, argv);
}
