/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/tap.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/plug/worker_priv.h"

/* ---- frames ---------------------------------------------------------------------------------- */

static void
put_name(struct lintel_buf *b, const char *s, size_t room)
{
    char cut[LINTEL_TAP_PEER];
    (void)lintel_copy(cut, room, s != NULL ? s : "");
    lintel_cbor_str(b, cut, lintel_utf8_valid(cut, strlen(cut)));
}

void
lintel_wire_tapped(struct lintel_buf *b, uint32_t instance, uint64_t ticket, uint64_t lost,
                   const lintel_tap *t)
{
    lintel_cbor_uint(b, instance);
    lintel_cbor_uint(b, LINTEL_WIRE_TAPPED);
    lintel_cbor_uint(b, ticket);
    lintel_cbor_uint(b, lost);
    lintel_cbor_int(b, t->when);
    lintel_cbor_uint(b, t->flow == LINTEL_TAP_IN);
    put_name(b, t->protocol, LINTEL_TAP_NAME);
    put_name(b, t->peer, LINTEL_TAP_PEER);
    lintel_cbor_bytes(b, t->p, t->n < LINTEL_TAP_BYTES_MOST ? t->n : LINTEL_TAP_BYTES_MOST);
}

static int
get_name(struct lintel_cbor *c, char *out, size_t room)
{
    struct lintel_str s;
    return lintel_cbor_read_str(c, &s) != 0 ? -1 : lintel_str_copy(out, room, s);
}

int
lintel_wire_read_tapped(const unsigned char *p, size_t n, struct lintel_tapped *ret)
{
    struct lintel_cbor c = {p, n};
    struct lintel_str bytes;
    uint64_t instance, kind, flow;
    if (lintel_cbor_read_uint(&c, UINT32_MAX, &instance) != 0 ||
        lintel_cbor_read_uint(&c, LINTEL_WIRE_TAPPED, &kind) != 0 || kind != LINTEL_WIRE_TAPPED ||
        lintel_cbor_read_uint(&c, UINT64_MAX, &ret->ticket) != 0 ||
        lintel_cbor_read_uint(&c, UINT64_MAX, &ret->lost) != 0 ||
        lintel_cbor_read_int(&c, &ret->tap.when) != 0 ||
        lintel_cbor_read_uint(&c, LINTEL_TAP_IN, &flow) != 0 ||
        get_name(&c, ret->protocol, sizeof ret->protocol) != 0 ||
        get_name(&c, ret->peer, sizeof ret->peer) != 0 || lintel_cbor_read_bytes(&c, &bytes) != 0 ||
        bytes.n > LINTEL_TAP_BYTES_MOST || c.left != 0)
        return -1;
    ret->instance = (uint32_t)instance;
    ret->tap = (lintel_tap){.size = sizeof ret->tap,
                            .flow = (uint32_t)flow,
                            .protocol = ret->protocol,
                            .peer = ret->peer,
                            .p = bytes.p,
                            .n = (uint32_t)bytes.n,
                            .when = ret->tap.when};
    return 0;
}

/* ---- the plugin's side of a worker; any thread ----------------------------------------------- */

static int32_t
wire_wanted(const lintel_host *h)
{
    return atomic_load_explicit(&worker_of(h)->tapped, memory_order_relaxed);
}

static void
wire_tell(const lintel_host *h, const lintel_tap *t)
{
    struct lintel_worker *w = worker_of(h);
    lintel_tap own = {.flow = t->flow,
                      .protocol = t->protocol,
                      .peer = t->peer,
                      .p = t->p,
                      .n = t->n,
                      .when = t->when};
    if (!wire_wanted(h))
        return;
    pthread_mutex_lock(&w->lock);
    if (!w->dead) {
        if (own.when == 0)
            own.when = lintel_loop_wall(w->loop);
        lintel_buf_reset(&w->out);
        lintel_wire_tapped(&w->out, w->number, w->running, w->untold, &own);
        if (worker_send(w, 1) != 0)
            w->untold++;
        else
            w->untold = 0;
    }
    pthread_mutex_unlock(&w->lock);
}

static int32_t
wire_replaying(const lintel_host *h)
{
    (void)h;
    return 0;
}

/* Nobody asks for these while replaying() says no. */
static lintel_status
wire_find(const lintel_host *h, const lintel_tap *question, lintel_mono deadline, lintel_tap *ret)
{
    (void)h, (void)question, (void)deadline, (void)ret;
    return LINTEL_E_NOTSUP;
}

static int32_t
wire_message(const lintel_host *h, uint32_t i, lintel_tap *ret)
{
    (void)h, (void)i, (void)ret;
    return 0;
}

static void
wire_missed(const lintel_host *h, const lintel_tap *question)
{
    (void)h, (void)question;
}

static void
wire_wait(const lintel_host *h, lintel_mono until)
{
    (void)h, (void)until;
}

const lintel_host_wire lintel_worker_wire = {sizeof lintel_worker_wire,
                                             0,
                                             wire_wanted,
                                             wire_tell,
                                             wire_replaying,
                                             wire_find,
                                             wire_message,
                                             wire_missed,
                                             wire_wait};
