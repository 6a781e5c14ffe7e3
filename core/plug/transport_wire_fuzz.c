/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a frame of a transport, in both directions. What was read is written and read again:
 * it is the same. */
#include "core/plug/transport_wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same_spans(const lintel_span *a, uint32_t na, const lintel_span *b, uint32_t nb)
{
    if (na != nb)
        return 0;
    for (uint32_t i = 0; i < na; i++)
        if (a[i].n != b[i].n || (a[i].n != 0 && memcmp(a[i].p, b[i].p, a[i].n) != 0))
            return 0;
    return 1;
}

static int
same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void
again(const struct lintel_tw *m,
      int (*read)(const unsigned char *, size_t, struct lintel_tw_scratch *, struct lintel_tw *))
{
    static struct lintel_tw_scratch s;
    struct lintel_buf b = {0};
    struct lintel_tw back;
    if (m->kind == LINTEL_TW_OPEN)
        return; /* its settings are not read here */
    lintel_tw_write(&b, m);
    LINTEL_ASSERT(!b.failed);
    LINTEL_ASSERT(read((const unsigned char *)b.p, b.n, &s, &back) == 0);
    LINTEL_ASSERT(back.instance == m->instance && back.kind == m->kind);
    LINTEL_ASSERT(back.ticket == m->ticket && back.number == m->number);
    LINTEL_ASSERT(back.status == m->status && back.x.flags == m->x.flags);
    LINTEL_ASSERT(same_spans(back.x.path, back.x.npath, m->x.path, m->x.npath));
    LINTEL_ASSERT(same_spans(back.x.etag, back.x.netag, m->x.etag, m->x.netag));
    LINTEL_ASSERT(same_spans(&back.x.payload, 1, &m->x.payload, 1));
    LINTEL_ASSERT(same_spans(&back.bytes, 1, &m->bytes, 1));
    LINTEL_ASSERT(same_text(back.x.identity, m->x.identity));
    LINTEL_ASSERT(same_text(back.x.thing, m->x.thing));
    LINTEL_ASSERT(same_text(back.name, m->name) && same_text(back.text, m->text));
    LINTEL_ASSERT(back.a.code == m->a.code && back.a.netag == m->a.netag);
    LINTEL_ASSERT(same_spans(back.a.location, back.a.nlocation, m->a.location, m->a.nlocation));
    LINTEL_ASSERT(same_spans(&back.a.payload, 1, &m->a.payload, 1));
    lintel_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lintel_tw_scratch s;
    struct lintel_tw m;
    uint64_t ticket;
    lintel_tw_is_reply(data, size, &ticket);
    if (lintel_tw_read_down(data, size, &s, &m) == 0)
        again(&m, lintel_tw_read_down);
    if (lintel_tw_read_up(data, size, &s, &m) == 0)
        again(&m, lintel_tw_read_up);
    return 0;
}
