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
    unsigned points =
        check_is_transport(c) || c->plugin->read == NULL || c->o->addresses.n == 0 ? 0 : 2;
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

/* Each setting that the user gave but need not, left out; and all of them. */
static void
left_out(struct check *c)
{
    if (!check_load(c))
        return;
    lintel_kit_free(check_create(c, PEER_ANY, NULL));
    if (c->skipped)
        return;
    for (unsigned skip = 0; skip <= c->o->set.n; skip++) {
        struct texts set = {0};
        for (unsigned i = 0; i < c->o->set.n; i++) {
            size_t n = strcspn(c->o->set.at[i], "=");
            int required = 0;
            for (const lintel_field *f = c->plugin->bus; f->name != NULL; f++)
                required |= (f->flags & LINTEL_F_REQUIRED) && strlen(f->name) == n &&
                            memcmp(f->name, c->o->set.at[i], n) == 0;
            if (required || (skip < c->o->set.n && i != skip))
                set.at[set.n++] = check_fill(c, c->o->set.at[i], 0);
        }
        lintel_kit *k = lintel_kit_new(c->plugin, set.at, 1);
        if (k == NULL && strstr(lintel_kit_refusal(), "logs no reason") != NULL)
            check_fail(c,
                       "create() refuses settings without \"%s\" and does not say why: log one "
                       "line before an "
                       "error is returned (lintel_host.log); the hub shows it with the bus",
                       skip < c->o->set.n ? c->o->set.at[skip] : "any optional one");
        lintel_kit_free(k);
    }
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
