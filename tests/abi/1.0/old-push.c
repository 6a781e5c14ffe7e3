/* SPDX-License-Identifier: Apache-2.0
 * A plugin for ABI 1.0 that does not block: publishes 100, 101 .. for each point that is subscribed. */
#include <lintel/ext/loop.h>
#include <lintel/plugin.h>
#include <stdlib.h>

_Static_assert(LINTEL_ABI_MAJOR == 1 && LINTEL_ABI_MINOR == 0, "this is not the old header");

enum { POINTS = 32 };
#define EVERY INT64_C(200000000)
struct bus {
    const lintel_host *host;
    const lintel_host_loop *loop;
    uint32_t ids[POINTS], n;
    int64_t next;
};
static const lintel_field none[] = {{0}};

static lintel_status
create(const lintel_host *host, const lintel_value *settings, void **self)
{
    struct bus *b = calloc(1, sizeof *b);
    (void)settings;
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = host;
    b->next = 100;
    *self = b;
    return LINTEL_OK;
}

static void
tick(void *arg)
{
    struct bus *b = arg;
    for (uint32_t i = 0; i < b->n; i++) {
        lintel_sample s = {.point = b->ids[i], .value = {.type = LINTEL_T_INT, .as.i = b->next}};
        b->host->publish(b->host, &s, 1);
    }
    b->next++;
    b->loop->timer(b->host, b->host->now(b->host) + EVERY, tick, b);
}

static lintel_status
start(void *self)
{
    struct bus *b = self;
    b->loop = b->host->extension(b->host, LINTEL_EXT_LOOP);
    if (b->loop == NULL)
        return LINTEL_E_NOTSUP;
    b->host->link(b->host, LINTEL_OK, "always there");
    return b->loop->timer(b->host, b->host->now(b->host) + EVERY, tick, b);
}

static void
stop(void *self)
{
    struct bus *b = self;
    b->loop->timer(b->host, 0, tick, b);
}

static void
subscribe(void *self, const lintel_request *r)
{
    struct bus *b = self;
    for (uint32_t i = 0; i < r->npoints && b->n < POINTS; i++)
        b->ids[b->n++] = r->points[i]->id;
    b->host->complete(b->host, r, LINTEL_OK, NULL, 0);
}

static void
read_points(void *self, const lintel_request *r)
{
    const struct bus *b = self;
    b->host->complete(b->host, r, LINTEL_E_NOTSUP, NULL, 0);
}

static void
unbind(void *self, lintel_point *p)
{
    struct bus *b = self;
    for (uint32_t i = 0; i < b->n; i++)
        if (b->ids[i] == p->id)
            b->ids[i--] = b->ids[--b->n];
}

static void
cancel(void *self, const lintel_request *r)
{
    (void)self, (void)r; /* all are complete at once */
}

static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .flags = LINTEL_PLUGIN_PUSH,
                                     .unit_bytes = 1,
                                     .name = "old-push",
                                     .version = "1.0",
                                     .summary = "A plugin for ABI 1.0 whose values come by themselves.",
                                     .natural = "",
                                     .bus = none,
                                     .create = create,
                                     .destroy = free,
                                     .start = start,
                                     .stop = stop,
                                     .unbind = unbind,
                                     .read = read_points,
                                     .subscribe = subscribe,
                                     .cancel = cancel};
LINTEL_PLUGIN_ENTRY(&plugin);
