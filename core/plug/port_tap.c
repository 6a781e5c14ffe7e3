/* SPDX-License-Identifier: Apache-2.0
 * The hub's end of core/plug/tap.h: who looks at the messages of an instance's wire. */
#include "core/plug/instance_priv.h"
#include "core/plug/tap.h"

/* A child or thread is told only of the first who looks and of the last who goes. */
static void
tell(struct lintel_instance *i, uint32_t on)
{
    struct lintel_buf *b = &i->plug->out;
    if (i->state != INSTANCE_RUNNING)
        return; /* tap_begin() tells it */
    lintel_buf_reset(b);
    lintel_wire_short(b, i->number, LINTEL_WIRE_TAP, on);
    (void)instance_send(i, b, 0);
}

void
tap_begin(struct lintel_instance *i)
{
    if (i->listeners != NULL)
        tell(i, 1);
}

void
lintel_instance_tap(struct lintel_instance *i, struct lintel_tap_listener *l)
{
    int first = i->listeners == NULL;
    l->next = i->listeners;
    i->listeners = l;
    if (first)
        tell(i, 1);
}

void
lintel_instance_untap(struct lintel_instance *i, struct lintel_tap_listener *l)
{
    struct lintel_tap_listener **at = &i->listeners;
    while (*at != NULL && *at != l)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = l->next;
    if (i->listeners == NULL)
        tell(i, 0);
}

/* A TAPPED frame: 0, or 1 where it breaks the protocol; -1: it is another kind of frame. */
int
tap_frame(struct lintel_instance *i, const unsigned char *data, size_t n)
{
    struct lintel_tapped t;
    uint32_t instance;
    enum lintel_wire_kind kind;
    if (lintel_wire_peek(data, n, &instance, &kind) != 0 || kind != LINTEL_WIRE_TAPPED)
        return -1;
    if (lintel_wire_read_tapped(data, n, &t) != 0)
        return 1;
    for (struct lintel_tap_listener *l = i->listeners, *next; l != NULL; l = next) {
        next = l->next;
        l->on_tap(l->ctx, &t);
    }
    return 0;
}

void
tap_fini(struct lintel_instance *i)
{
    while (i->listeners != NULL) {
        struct lintel_tap_listener *l = i->listeners;
        i->listeners = l->next;
        l->ended(l->ctx);
    }
}

uint64_t
lintel_instance_ticket(const struct lintel_instance *i, const struct lintel_op *op)
{
    const struct open_op *o = op->port_data;
    return o != NULL && o->op == op && o->instance == i ? (uint64_t)o->serial << 16 | o->index : 0;
}

struct lintel_bus *
lintel_instance_bus(const struct lintel_instance *i)
{
    return i->bus;
}

const struct lintel_port *
lintel_instance_conf(const struct lintel_instance *i)
{
    return i->conf;
}
