/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/guest.h"

#include "core/base/text.h"
#include "core/engine/engine_priv.h"
#include "core/engine/pace.h"
#include "core/engine/values.h"

enum { GUESTS_MOST = 16 }; /* of a bus, at a time */

struct lintel_guest {
    struct lintel_guest *next;
    struct lintel_bus *bus;
    struct lintel_guest_source s;
    struct lintel_op op;
    uint32_t slot, device;
    int asked; /* the port has the op */
    int over;  /* done() was called, or nobody waits */
    lintel_mono began;
    struct lintel_timer timer;
};

/* Gives its numbers back and frees it. */
static void
bury(struct lintel_guest *g, int tell)
{
    struct lintel_bus *b = g->bus;
    struct lintel_guest **at = &b->guests;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    lintel_timer_stop(b->engine->loop, &g->timer);
    if (tell) {
        b->port.unbind(b->port.ctx, g->slot);
        b->port.detach(b->port.ctx, g->device);
    }
    ranges_give(&b->slots, g->slot, 1);
    ranges_give(&b->devices, g->device, 1);
    g->s.gone(g->s.ctx);
    lintel_free(g);
}

static void
end(struct lintel_guest *g, const lintel_sample *s, lintel_status status, const char *detail)
{
    if (g->over)
        return;
    g->over = 1;
    g->s.done(g->s.ctx, s, status, detail != NULL && *detail ? detail : status_text(status),
              lintel_loop_now(g->bus->engine->loop) - g->began);
}

/* What comes by itself has not come. */
static void
on_late(void *arg)
{
    struct lintel_guest *g = arg;
    end(g, NULL, LINTEL_E_TIMEOUT, "nothing came in time");
    if (g->asked)
        g->bus->port.cancel(g->bus->port.ctx, &g->op); /* its end buries the guest */
    else
        bury(g, 1);
}

static uint32_t
count(const struct lintel_bus *b)
{
    uint32_t n = 0;
    for (const struct lintel_guest *g = b->guests; g != NULL; g = g->next)
        n++;
    return n;
}

/* Makes device and point known, and asks. -1: the port takes nothing now. */
static int
ask(struct lintel_guest *g)
{
    struct lintel_bus *b = g->bus;
    int listens = (b->plugin->flags & LINTEL_PLUGIN_PUSH) != 0;
    if (b->port.attach(b->port.ctx, g->device, g->s.thing) != 0 ||
        b->port.bind(b->port.ctx, g->slot, g->device, g->s.bound, g->s.thing->id) != 0)
        return -1;
    if (listens &&
        lintel_timer_at(b->engine->loop, &g->timer, g->began + g->s.within_ns, on_late, g) != 0)
        return -1;
    g->op = (struct lintel_op){.kind = listens ? LINTEL_OP_SUBSCRIBE : LINTEL_OP_READ,
                               .n = 1,
                               .slots = &g->slot,
                               .deadline = g->began + g->s.within_ns};
    if (b->port.submit(b->port.ctx, &g->op) != 0)
        return -1;
    g->asked = 1;
    return 0;
}

struct lintel_guest *
lintel_engine_guest(struct lintel_engine *e, struct lintel_bus *b,
                    const struct lintel_guest_source *s, char *reason, size_t size)
{
    if (!b->ready || b->held || count(b) >= GUESTS_MOST) {
        if (b->held)
            (void)lintel_copy(reason, size, "its plugin is being exchanged; try again soon");
        else if (b->ready)
            (void)lintel_copy(reason, size, "too many are asking already; try again soon");
        else
            (void)lintel_format(reason, size, "the bus %s does not run: %s", b->name,
                                b->detail != NULL ? b->detail : "it is starting");
        return NULL;
    }
    (void)lintel_copy(reason, size, "out of memory");
    struct lintel_guest *g = lintel_alloc(sizeof *g);
    if (g == NULL)
        return NULL;
    *g = (struct lintel_guest){.bus = b, .s = *s, .began = lintel_loop_now(e->loop)};
    if (ranges_take(&b->slots, 1, &g->slot) != 0) {
        lintel_free(g);
        return NULL;
    }
    if (ranges_take(&b->devices, 1, &g->device) != 0) {
        ranges_give(&b->slots, g->slot, 1);
        lintel_free(g);
        return NULL;
    }
    g->next = b->guests;
    b->guests = g;
    if (ask(g) == 0)
        return g;
    (void)lintel_format(reason, size, "the bus %s takes no request now; try again soon", b->name);
    b->guests = g->next;
    lintel_timer_stop(e->loop, &g->timer);
    b->port.unbind(b->port.ctx, g->slot);
    b->port.detach(b->port.ctx, g->device);
    ranges_give(&b->slots, g->slot, 1);
    ranges_give(&b->devices, g->device, 1);
    lintel_free(g);
    return NULL;
}

void
lintel_guest_leave(struct lintel_guest *g)
{
    g->over = 1;
    if (g->asked)
        g->bus->port.cancel(g->bus->port.ctx, &g->op);
    else
        bury(g, 1);
}

const struct lintel_op *
lintel_guest_op(const struct lintel_guest *g)
{
    return &g->op;
}

int
guest_complete(struct lintel_bus *b, const struct lintel_op *op, lintel_status status,
               const lintel_sample *s, uint32_t n)
{
    struct lintel_guest *g = b->guests;
    while (g != NULL && &g->op != op)
        g = g->next;
    if (g == NULL)
        return 0;
    g->asked = 0;
    if (op->kind == LINTEL_OP_SUBSCRIBE && !g->over &&
        (status == LINTEL_OK || status == LINTEL_E_NOTSUP))
        return 1; /* now the value is waited for */
    if (status != LINTEL_OK)
        end(g, NULL, status, NULL);
    else if (n == 0)
        end(g, NULL, LINTEL_E_FAIL, "the plugin gave no value");
    else if (s[0].status != LINTEL_OK)
        end(g, NULL, s[0].status, s[0].detail);
    else
        end(g, &s[0], LINTEL_OK, "");
    bury(g, 1);
    return 1;
}

int
guest_publish(struct lintel_bus *b, const lintel_sample *s)
{
    struct lintel_guest *g = b->guests;
    while (g != NULL && g->slot != s->point)
        g = g->next;
    if (g == NULL)
        return 0;
    end(g, s->status == LINTEL_OK ? s : NULL, s->status, s->detail);
    if (!g->asked)
        bury(g, 1);
    return 1;
}

int
guest_refused(struct lintel_bus *b, int is_device, uint32_t id, lintel_status status,
              const char *detail)
{
    struct lintel_guest *g = b->guests;
    while (g != NULL && (is_device ? g->device : g->slot) != id)
        g = g->next;
    if (g != NULL)
        end(g, NULL, status, detail); /* the request ends for want of points */
    return g != NULL;
}

void
guests_gone(struct lintel_bus *b, lintel_status status, const char *detail)
{
    while (b->guests != NULL) {
        end(b->guests, NULL, status, detail);
        bury(b->guests, 0);
    }
}
