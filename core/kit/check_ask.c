/* SPDX-License-Identifier: Apache-2.0
 * Requests: completed once, in time, whatever the other end does. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/kit/check.h"

#define MS INT64_C(1000000)
enum {
    PLENTY = 5000,      /* ms: a deadline that is not the point */
    SHORT = 400,        /* ms */
    LATE_MOST = 100,    /* ms behind the deadline */
    CANCEL_AFTER = 300, /* ms */
    CANCEL_MOST = 2000, /* ms: the hub waits so long (HOLD_MOST of core/plug/worker.c) */
    LONG = 5000
};

static void
reads(struct check *c)
{
    static const unsigned counts[] = {1, POINTS_MOST, 1, 0};
    struct rig r;
    if (!check_load(c) || !check_has_points(c))
        return;
    check_watch(c, LINTEL_KIT_COMPLETE | LINTEL_KIT_SAMPLE | LINTEL_KIT_VALUE);
    if (!check_rig(c, PEER_ANY, POINTS_MOST, &r))
        return;
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
        lintel_kit_result_free(check_ask(c, &r, LINTEL_KIT_READ, counts[i], NULL, PLENTY));
    lintel_kit_free(r.kit);
}

/* Two points at one address: two things may well share a register. */
static void
duplicates(struct check *c)
{
    struct rig r;
    static struct check_options one;
    if (!check_load(c) || !check_has_points(c))
        return;
    one = *c->o;
    one.addresses.n = one.addresses.n > 0;
    for (unsigned i = 0; i < one.addresses.at[0].n; i++)
        one.addresses.at[0].at[i] = check_fill(c, one.addresses.at[0].at[i], 0);
    c->o = &one;
    check_watch(c, LINTEL_KIT_COMPLETE | LINTEL_KIT_SAMPLE);
    if (!check_rig(c, PEER_ANY, 3, &r))
        return;
    struct lintel_kit_result *got = check_ask(c, &r, LINTEL_KIT_READ, 3, NULL, PLENTY);
    for (unsigned i = 1; i < 3 && got->done != 0; i++)
        if (got->samples[i].status != got->samples[0].status ||
            got->samples[i].value.type != got->samples[0].value.type)
            check_fail(c,
                       "three points at one address got different answers in one read(): %d and %d",
                       (int)got->samples[0].status, (int)got->samples[i].status);
    lintel_kit_result_free(got);
    lintel_kit_free(r.kit);
}

static void
values(struct check *c)
{
    struct rig r;
    unsigned good = 0;
    if (!check_load(c) || !check_has_points(c))
        return;
    if (c->o->sim == NULL && check_has_peer(c)) {
        check_skip(c, "no simulated device, --sim");
        return;
    }
    unsigned n = c->o->addresses.n ? c->o->addresses.n : 1;
    if (!check_rig(c, PEER_ANY, n, &r))
        return;
    if (c->plugin->flags & LINTEL_PLUGIN_PUSH && check_op_exists(c, LINTEL_KIT_SUBSCRIBE)) {
        struct lintel_kit_result *got;
        (void)lintel_kit_wait_link(r.kit, LINTEL_OK, PLENTY);
        lintel_kit_result_free(check_ask(c, &r, LINTEL_KIT_SUBSCRIBE, n, NULL, PLENTY));
        got = lintel_kit_published(r.kit, 1, PLENTY);
        for (unsigned i = 0; i < got->n; i++)
            good += got->samples[i].status == LINTEL_OK;
        lintel_kit_result_free(got);
    }
    /* A connection may need a second try. */
    for (unsigned tries = 0; tries < 10 && good == 0; tries++) {
        struct lintel_kit_result *got = check_ask(c, &r, LINTEL_KIT_READ, n, NULL, PLENTY);
        for (unsigned i = 0; i < n; i++)
            good += got->samples[i].status == LINTEL_OK;
        if (tries == 9 && good == 0)
            check_fail(c, "no value came from the device; the first point says %d, %s. The log: %s",
                       (int)got->samples[0].status,
                       got->samples[0].detail ? got->samples[0].detail : "without a detail",
                       lintel_kit_log(r.kit));
        lintel_kit_result_free(got);
        if (good == 0)
            lintel_kit_run(r.kit, 200);
    }
    lintel_kit_free(r.kit);
}

/* Writes of each kind of value to a device that is not there, so that none is changed. */
static void
writes(struct check *c)
{
    static const char bytes[8] = "";
    const lintel_value kinds[] = {
        {LINTEL_T_BYTES, 2, {.p = bytes}},     {LINTEL_T_INT, 0, {.i = 1}},
        {LINTEL_T_UINT, 0, {.u = UINT64_MAX}}, {LINTEL_T_REAL, 0, {.r = 1.5}},
        {LINTEL_T_BOOL, 0, {.i = 1}},          {LINTEL_T_STR, 2, {.s = "on"}},
        {LINTEL_T_BYTES, 0, {.p = bytes}},     {LINTEL_T_NULL, 0, {.i = 0}}};
    struct rig r;
    if (!check_load(c) || !check_has_points(c))
        return;
    if (!check_op_exists(c, LINTEL_KIT_WRITE) && !check_op_exists(c, LINTEL_KIT_INVOKE)) {
        check_skip(c, "it has neither write() nor invoke()");
        return;
    }
    check_watch(c, LINTEL_KIT_COMPLETE | LINTEL_KIT_SAMPLE | LINTEL_KIT_VALUE);
    if (!check_rig(c, PEER_SILENT, 1, &r))
        return;
    if (!r.writable)
        check_skip(c, "this address can't be written");
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds && r.writable; i++)
        for (int op = LINTEL_KIT_WRITE; op <= LINTEL_KIT_INVOKE; op++)
            if (check_op_exists(c, op))
                lintel_kit_result_free(check_ask(c, &r, op, 1, &kinds[i], 60));
    lintel_kit_free(r.kit);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* How much longer than it should a short sleep takes now: what the machine's load costs everybody.
 */
struct load {
    pthread_t thread;
    _Atomic int over;
    _Atomic int64_t worst;
};

static int64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *
feel_load(void *arg)
{
    struct load *l = arg;
    while (!l->over) {
        int64_t before = now_ns();
        nanosleep(&(struct timespec){0, 10 * MS}, NULL);
        int64_t more = now_ns() - before - 10 * MS;
        if (more > l->worst)
            l->worst = more;
    }
    return NULL;
}

/* The best of three, and the load's part is forgiven: what is late then is late by itself. */
static void
keep_deadline(struct check *c, enum check_peer peer)
{
    struct rig r;
    int64_t best = INT64_MAX, forgiven = 0;
    struct load load = {0};
    if (!check_rig(c, peer, 2, &r))
        return;
    if (pthread_create(&load.thread, NULL, feel_load, &load) != 0) {
        check_fail(c, "no thread can be made");
        lintel_kit_free(r.kit);
        return;
    }
    for (int tries = 0; tries < 3 && best > LATE_MOST * MS; tries++) {
        load.worst = 0;
        struct lintel_kit_result *got = check_ask(c, &r, LINTEL_KIT_READ, 2, NULL, SHORT);
        int64_t late = got->done != 0 ? got->late - 2 * load.worst : INT64_MAX;
        if (late < best) {
            best = late;
            forgiven = 2 * load.worst;
        }
        lintel_kit_result_free(got);
    }
    load.over = 1;
    pthread_join(load.thread, NULL);
    if (best != INT64_MAX && best > LATE_MOST * MS)
        check_fail(c,
                   "read() came back %lld ms behind its deadline, in the best of three tries (%lld "
                   "ms more were "
                   "forgiven for the load of this machine); %d ms are allowed: wait in steps, and "
                   "compute each "
                   "from lintel_request.deadline",
                   (long long)(best / MS), (long long)(forgiven / MS), LATE_MOST);
    lintel_kit_free(r.kit);
}

static int
can_be_silent(struct check *c)
{
    if (!check_load(c) || !check_has_points(c))
        return 0;
    if (!check_has_peer(c))
        check_skip(c, "no setting has {port} or {line} in it, so there is no wire to be silent");
    return !c->skipped;
}

static void
silent(struct check *c)
{
    if (can_be_silent(c))
        keep_deadline(c, PEER_SILENT);
}

static void
cutting(struct check *c)
{
    struct rig r;
    if (!can_be_silent(c) || !check_rig(c, PEER_CUTTING, 2, &r))
        return;
    for (int i = 0; i < 10; i++) {
        struct lintel_kit_result *got = check_ask(c, &r, LINTEL_KIT_READ, 2, NULL, 300);
        for (unsigned k = 0; k < got->n && got->done != 0; k++)
            if (got->samples[k].status == LINTEL_OK && got->samples[k].value.type != LINTEL_T_NULL)
                check_fail(c, "a peer that sent one byte and hung up gave a value: check each "
                              "answer's length "
                              "before it is taken");
        lintel_kit_result_free(got);
    }
    lintel_kit_free(r.kit);
}

static void
ended_from_outside(struct check *c, int stop)
{
    struct rig r;
    if (!can_be_silent(c))
        return;
    if (!stop && !(c->plugin->flags & LINTEL_PLUGIN_BLOCKING) && c->plugin->cancel == NULL) {
        check_skip(c, "it has no cancel()");
        return;
    }
    if (!check_rig(c, PEER_SILENT, 2, &r))
        return;
    check_watch(c, stop ? LINTEL_KIT_OPEN : 0);
    (stop ? lintel_kit_stop_in : lintel_kit_cancel_in)(r.kit, CANCEL_AFTER);
    struct lintel_kit_result *got =
        lintel_kit_request(r.kit, LINTEL_KIT_READ, r.points, 2, NULL, LONG, 0);
    int blocking = (c->plugin->flags & LINTEL_PLUGIN_BLOCKING) != 0;
    if (!stop && got->done == 0)
        check_fail(c, "a request was never completed after %s",
                   blocking ? "cancelled() had come true" : "cancel()");
    else if (got->took > (CANCEL_AFTER + CANCEL_MOST) * MS)
        check_fail(
            c,
            "%s: a request went on for %lld ms after the hub wanted its end; %d ms are allowed. %s",
            stop ? "stop" : "cancel", (long long)(got->took / MS - CANCEL_AFTER), CANCEL_MOST,
            blocking
                ? "Ask cancelled() in each loop that waits, every 100 ms (lintel_host.cancelled)"
                : "Complete it soon, with LINTEL_E_CANCELLED (lintel_plugin.cancel)");
    lintel_kit_result_free(got);
    lintel_kit_free(r.kit);
}

static void
cancelled(struct check *c)
{
    ended_from_outside(c, 0);
}

static void
stopped(struct check *c)
{
    ended_from_outside(c, 1);
}

const struct check_row check_ask_rows[] = {
    {"requests: 1, 500 and 0 points, completed once, one sample a point", reads, 40, 0},
    {"requests: three points at one address", duplicates, 20, 0},
    {"requests: a value is read from the device", values, 90, 0},
    {"requests: write() and invoke() of any value end once", writes, 60, 0},
    {"time: a silent peer costs no more than the deadline", silent, 30, 0},
    {"time: a peer that closes after each byte", cutting, 40, 0},
    {"time: a cancelled request ends soon", cancelled, 30, 0},
    {"time: stop() ends open requests", stopped, 30, 0},
    {NULL, NULL, 0, 0}};
