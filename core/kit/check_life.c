/* SPDX-License-Identifier: Apache-2.0
 * create() to destroy(). */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/text.h"
#include "core/kit/check.h"

enum { CREATES = 1000, STARTS = 30, WARM = 10, SETTLE_MS = 2000 };

static unsigned
count(const char *folder)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    while (d != NULL && readdir(d) != NULL)
        n++;
    if (d != NULL)
        closedir(d);
    return n;
}

struct growth {
    unsigned fds, threads;
    long blocks;
};

static struct growth
measure(void)
{
    return (struct growth){count("/proc/self/fd"), count("/proc/self/task"), check_blocks()};
}

static void
judge_growth(struct check *c, const struct growth *before, unsigned rounds, const char *of)
{
    struct growth now = measure();
    /* A thread that was joined is gone from /proc a moment later. */
    for (unsigned waited = 0; now.threads > before->threads && waited < SETTLE_MS; waited += 20) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        now = measure();
    }
    if (now.fds > before->fds)
        check_fail(
            c,
            "%u rounds of %s left %u descriptors open: destroy() frees all (lintel_plugin.destroy)",
            rounds, of, now.fds - before->fds);
    if (now.threads > before->threads)
        check_fail(c,
                   "%u rounds of %s left %u threads running: stop() ends and joins them "
                   "(lintel_plugin.stop)",
                   rounds, of, now.threads - before->threads);
    if (now.blocks >= 0 && now.blocks - before->blocks >= (long)rounds / 2)
        check_fail(c,
                   "%u rounds of %s left %ld blocks of memory: destroy() frees all "
                   "(lintel_plugin.destroy); "
                   "valgrind --leak-check=full lintel-plugin-check .. --debug names them",
                   rounds, of, now.blocks - before->blocks);
}

static void
created(struct check *c)
{
    struct growth before = {0};
    if (!check_load(c))
        return;
    for (unsigned i = 0; i < CREATES; i++) {
        if (i == WARM)
            before = measure();
        lintel_kit *k = check_create(c, PEER_ANY, NULL);
        if (k == NULL)
            return;
        lintel_kit_free(k);
    }
    judge_growth(c, &before, CREATES - WARM, "create() and destroy()");
}

static void
started(struct check *c)
{
    struct growth before = {0};
    struct rig r;
    if (!check_load(c))
        return;
    /* Without points where their addresses are not known. */
    unsigned points = check_knows_points(c) ? 2 : 0;
    for (unsigned i = 0; i < STARTS; i++) {
        if (i == WARM)
            before = measure();
        if (c->plugin->device != NULL && points == 0) {
            r.kit = check_create(c, PEER_ANY, NULL);
            if (r.kit == NULL)
                return;
            lintel_status st = lintel_kit_start(r.kit);
            if (st != LINTEL_OK)
                check_fail(c, "start() returned %d: %s", (int)st, lintel_kit_log(r.kit));
        } else if (!check_rig(c, PEER_ANY, points, &r)) {
            return;
        }
        lintel_kit_run(r.kit, 5);
        if (points > 0)
            lintel_kit_result_free(
                lintel_kit_request(r.kit, LINTEL_KIT_READ, r.points, points, NULL, 100, 0));
        lintel_kit_free(r.kit);
    }
    judge_growth(c, &before, STARTS - WARM, "create(), start(), read(), stop() and destroy()");
}

static int
is_required(const lintel_field *table, const char *text)
{
    size_t n = strcspn(text, "=");
    for (; table != NULL && table->name != NULL; table++)
        if ((table->flags & LINTEL_F_REQUIRED) && strlen(table->name) == n &&
            memcmp(table->name, text, n) == 0)
            return 1;
    return 0;
}

/* The user's texts without the skip-th, unless it is required; with skip beyond their end, without
 * all that are not. */
static void
without(const struct check *c, const lintel_field *table, const struct texts *given, unsigned skip,
        struct texts *ret)
{
    *ret = (struct texts){0};
    for (unsigned i = 0; i < given->n; i++)
        if (is_required(table, given->at[i]) || (skip < given->n && i != skip))
            ret->at[ret->n++] = check_fill(c, given->at[i], 0);
}

static void
judge_refusal(struct check *c, const char *call, const struct texts *given, unsigned skip)
{
    const char *why = lintel_kit_refusal();
    size_t n = strlen(why);
    if (strstr(why, "logs no reason") != NULL || (n >= 2 && why[n - 1] == ' ' && why[n - 2] == ':'))
        check_fail(c,
                   "%s refuses what is written without \"%s\", and does not say why: log one line "
                   "before an error "
                   "is returned; the hub shows it (lintel_plugin.attach)",
                   call, skip < given->n ? given->at[skip] : "any optional key");
}

/* Each setting that the user gave but need not, left out; and all of them. */
static void
left_out(struct check *c)
{
    struct texts some;
    if (!check_load(c))
        return;
    lintel_kit *whole = check_create(c, PEER_ANY, NULL);
    if (whole == NULL)
        return;
    for (unsigned skip = 0; skip <= c->o->set.n; skip++) {
        without(c, c->plugin->bus, &c->o->set, skip, &some);
        lintel_kit *k = lintel_kit_new(c->plugin, some.at, 1);
        if (k == NULL)
            judge_refusal(c, "create()", &c->o->set, skip);
        lintel_kit_free(k);
    }
    for (unsigned skip = 0; skip <= c->o->device.n && check_knows_points(c); skip++) {
        without(c, c->plugin->device, &c->o->device, skip, &some);
        int device = lintel_kit_attach(whole, "check-thing", some.at);
        if (device < 0) {
            judge_refusal(c, "attach()", &c->o->device, skip);
            continue;
        }
        const struct texts *address = &c->o->addresses.at[0];
        for (unsigned key = 0; key <= address->n; key++) {
            without(c, c->plugin->address, address, key, &some);
            if (lintel_kit_bind(whole, device, LINTEL_K_PROPERTY, LINTEL_P_READ, 2, some.at, NULL) <
                0)
                judge_refusal(c, "bind()", address, key);
        }
    }
    lintel_kit_free(whole);
}

static void
no_io(struct check *c)
{
    if (!check_load(c))
        return;
    lintel_kit_free(check_create(c, PEER_ANY, NULL)); /* what a library opens once and for all */
    if (c->skipped)
        return;
    check_watch(c, LINTEL_KIT_CREATE);
    struct growth before = measure();
    lintel_kit *k = check_create(c, PEER_ANY, NULL);
    struct growth now = measure();
    /* The hub of this program has a pipe of its own. */
    if (k != NULL && now.fds > before.fds + 2)
        check_fail(
            c,
            "create() opened %u descriptors: no I/O there, connections are opened by start() "
            "(lintel_plugin.create). While a plugin is reloaded two instances exist, and only one "
            "may "
            "have the line",
            now.fds - before.fds - 2);
    if (k != NULL && now.threads > before.threads)
        check_fail(c, "create() started %u threads: start() does that (lintel_plugin.create)",
                   now.threads - before.threads);
    lintel_kit_free(k);
}

const struct check_row check_life_rows[] = {
    {"settings: each optional one may be left out", left_out, 20, 0},
    {"life: create() does no I/O, and calls nothing but log()", no_io, 10, 0},
    {"life: create() and destroy(), 1000 times, leave nothing", created, 60, 0},
    {"life: start() and stop(), 30 times, leave nothing", started, 60, 0},
    {NULL, NULL, 0, 0}};
