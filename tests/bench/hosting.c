/* SPDX-License-Identifier: Apache-2.0
 * What it costs to host a plugin in a child: the same plugin in a thread of the hub and in a child,
 * in turns, under an engine that only counts; also one that blocks, and one that shares its child.
 * The middle one of the rounds is printed, as a ratio, too; and the processor time of daemon and
 * child together, which depends less on what else runs.
 * With "restart": the time from the death of a child to the first value of the next one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/plug/plug_kit.h"
#include "tests/kit/kit.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
enum { ROUNDS = 9, POINTS = 100, UNDER_WAY = 8, DEATHS = 100 };
static const double round_seconds = 0.25;

static struct kit_plug kit;
static struct kit_bus buses[3]; /* in a thread, in a child, beside it in the child */
static int nbuses;
static struct kit_op ops[UNDER_WAY];

static double
now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Of this process and the child. */
static double
processor_s(void)
{
    struct lintel_instance_stats s;
    struct timespec mine, its = {0};
    clockid_t clock;
    lintel_instance_stats(buses[1].instance, &s);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mine);
    if (clock_getcpuclockid((pid_t)s.pid, &clock) == 0)
        clock_gettime(clock, &its);
    return (double)(mine.tv_sec + its.tv_sec) + (double)(mine.tv_nsec + its.tv_nsec) / 1e9;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void
tell(struct kit_bus *b)
{
    kit_attach(b, 0, NULL);
    for (uint32_t i = 0; i < POINTS; i++)
        kit_bind(b, i, 0, LIST("kind=counter"));
    kit_bind(b, POINTS, 0, LIST("kind=flood"));
    kit_bind(b, POINTS + 1, 0, LIST("kind=drip"));
}

/* Values a second that the hub takes while the plugin publishes as fast as it can. */
static double
published(struct kit_bus *b, uint32_t slot)
{
    double begin = now_s(), end = begin;
    uint64_t before = b->bus->published;
    while (end - begin < round_seconds) {
        kit_submit(&kit, b, &ops[0], LINTEL_OP_READ, slot, 1, NULL, 60000);
        kit_wait_op(&kit, &ops[0]);
        end = now_s();
    }
    return (double)(b->bus->published - before) / (end - begin);
}

static int
some_are_done(void *ctx)
{
    int n = *(const int *)ctx;
    for (int i = 0; i < n; i++)
        if (ops[i].done)
            return 1;
    return 0;
}

/* Values a second with requests of so many points, so many of them under way. */
static double
polled(struct kit_bus *b, uint32_t points, int under_way)
{
    double begin = now_s(), end = begin;
    uint64_t values = 0;
    for (int i = 0; i < under_way; i++)
        kit_submit(&kit, b, &ops[i], LINTEL_OP_READ, 0, points, NULL, 60000);
    while (end - begin < round_seconds) {
        lintel_loop_until(kit.loop, some_are_done, &under_way, INT64_C(10000000000));
        for (int i = 0; i < under_way; i++)
            if (ops[i].done) {
                values += ops[i].n;
                kit_submit(&kit, b, &ops[i], LINTEL_OP_READ, 0, points, NULL, 60000);
            }
        end = now_s();
    }
    for (int i = 0; i < under_way; i++)
        kit_wait_op(&kit, &ops[i]);
    return (double)values / (end - begin);
}

static void
compare(const char *title, uint32_t points, int under_way)
{
    double rates[2][ROUNDS], ratios[ROUNDS], costs[2] = {0};
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < 2; i++) {
            double spent = processor_s(), begin = now_s();
            rates[i][r] = under_way == 0 ? published(&buses[i], points)
                                         : polled(&buses[i], points, under_way);
            costs[i] += (processor_s() - spent) / (rates[i][r] * (now_s() - begin)) / ROUNDS * 1e9;
        }
        ratios[r] = rates[1][r] / rates[0][r];
    }
    for (int i = 0; i < 2; i++)
        qsort(rates[i], ROUNDS, sizeof rates[i][0], by_size);
    qsort(ratios, ROUNDS, sizeof ratios[0], by_size);
    printf("%-44s %10.0f %10.0f   %3.0f %% (%.0f to %.0f)   %7.0f %7.0f\n", title,
           rates[0][ROUNDS / 2], rates[1][ROUNDS / 2], 100 * ratios[ROUNDS / 2], 100 * ratios[1],
           100 * ratios[ROUNDS - 2], costs[0], costs[1]);
}

/* The same plugin twice, and what else lives in the child. */
static void
begin(const char *plugin, enum kit_isolation isolation)
{
    kit_plug_new(&kit);
    kit_bus_start(&kit, &buses[0], plugin, "thread", KIT_THREAD, NULL);
    kit_bus_start(&kit, &buses[1], plugin, "child", isolation, NULL);
    if (isolation == KIT_SHARED)
        kit_bus_start(&kit, &buses[2], plugin, "beside", KIT_SHARED, NULL);
    nbuses = isolation == KIT_SHARED ? 3 : 2;
    for (int i = 0; i < nbuses; i++) {
        kit_wait_ready(&kit, &buses[i]);
        tell(&buses[i]);
    }
}

static void
finish(void)
{
    for (int i = 0; i < nbuses; i++)
        kit_bus_stop(&kit, &buses[i]);
    kit_plug_free(&kit);
}

/* A figure without its conditions tells nothing. */
static void
print_head(const char *what)
{
    struct utsname system;
    double load[3] = {0};
    uname(&system);
    getloadavg(load, 3);
    printf("\n%s; %ld cores, %s %s, load %.1f\n", what, sysconf(_SC_NPROCESSORS_ONLN),
           system.sysname, system.release, load[0]);
    printf("%-44s %10s %10s   %s\n", "values a second", "thread", "child",
           "child / thread (spread); ns of processor time a value");
}

static void
published_values(void)
{
    begin("fake", KIT_PROCESS);
    print_head("fake alone in its child");
    compare("published, 100 values a call", POINTS, 0);
    compare("published, 1 value a call", POINTS + 1, 0);
    finish();
}

static void
polled_values(const char *what, const char *plugin, enum kit_isolation isolation)
{
    static const struct {
        const char *title;
        uint32_t points;
        int under_way;
    } shapes[] = {{"polled, 1 point a request", 1, 1},
                  {"polled, 10 points a request", 10, 1},
                  {"polled, 100 points a request", 100, 1},
                  {"polled, 1 point, 8 requests under way", 1, UNDER_WAY},
                  {"polled, 10 points, 8 requests under way", 10, UNDER_WAY},
                  {"polled, 100 points, 8 requests under way", 100, UNDER_WAY}};
    begin(plugin, isolation);
    print_head(what);
    for (size_t i = 0; i < LINTEL_COUNT(shapes); i++)
        compare(shapes[i].title, shapes[i].points, shapes[i].under_way);
    finish();
}

static void
polled_alone(void)
{
    polled_values("fake alone in its child", "fake", KIT_PROCESS);
}

static void
polled_blocking(void)
{
    polled_values("fake-blocking alone in its child", "fake-blocking", KIT_PROCESS);
}

static void
polled_shared(void)
{
    polled_values("fake in a child with another bus, which rests", "fake", KIT_SHARED);
}

/* kill -9 until the first value of the new child is with the hub; forgiven each time, as it would
 * be an alarm otherwise. */
static void
restarts(void)
{
    double times[DEATHS];
    struct lintel_instance_stats s;
    kit_plug_new(&kit);
    kit_bus_start(&kit, &buses[1], "fake", "child", KIT_PROCESS, NULL);
    for (int i = 0; i < DEATHS; i++) {
        kit_wait(&kit, &buses[1].bus->ready, 1);
        buses[1].nbounds = 0;
        kit_attach(&buses[1], 0, NULL);
        kit_bind(&buses[1], 0, 0, LIST("kind=counter"));
        lintel_instance_stats(buses[1].instance, &s);
        lintel_plug_retry(kit.plug, buses[1].instance);
        int readies = buses[1].bus->readies;
        double begin = now_s();
        kill((pid_t)s.pid, SIGKILL);
        kit_wait(&kit, &buses[1].bus->readies, readies + 1);
        kit_attach(&buses[1], 0, NULL);
        kit_bind(&buses[1], 0, 0, LIST("kind=counter"));
        kit_submit(&kit, &buses[1], &ops[0], LINTEL_OP_READ, 0, 1, NULL, 60000);
        kit_wait_op(&kit, &ops[0]);
        times[i] = (now_s() - begin) * 1e3;
    }
    kit_bus_stop(&kit, &buses[1]);
    kit_plug_free(&kit);
    qsort(times, DEATHS, sizeof times[0], by_size);
    printf(
        "from kill -9 to the next value, %d deaths: %.0f ms at least, %.0f in the middle, %.0f for "
        "95 of 100, %.0f at most\n",
        DEATHS, times[0], times[DEATHS / 2], times[DEATHS * 95 / 100], times[DEATHS - 1]);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(published_values), KIT(polled_alone),
                                            KIT(polled_blocking),  KIT(polled_shared),
                                            KIT(restarts),         {0}};
    setenv("KIT_NO_TIMEOUT", "1", 1);
    return kit_main("hosting", tests, argc, argv);
}
