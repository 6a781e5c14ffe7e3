/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a frame, in both directions. Samples that were read are written and read again: they
 * are the same. */
#include "core/plug/wire.h"

#include <string.h>

#include "core/base/map.h"
#include "core/loop/frames.h"
#include "core/plug/cage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const struct lintel_wire_up *m)
{
    struct lintel_buf b = {0};
    struct lintel_wire_scratch s = {0};
    struct lintel_wire_up back;
    if (lintel_wire_samples(&b, m) == m->n) {
        LINTEL_ASSERT(!b.failed && b.n <= LINTEL_FRAME_MOST);
        LINTEL_ASSERT(lintel_wire_read_up((const unsigned char *)b.p, b.n, &s, &back) == 0);
        LINTEL_ASSERT(back.n == m->n);
        for (uint32_t i = 0; i < m->n; i++) {
            LINTEL_ASSERT(back.samples[i].point == m->samples[i].point);
            LINTEL_ASSERT(back.samples[i].status == m->samples[i].status ||
                          back.samples[i].status == LINTEL_E_FAIL);
        }
    }
    lintel_wire_scratch_fini(&s);
    lintel_buf_fini(&b);
}

static void
keep(struct lintel_str cbor)
{
    struct lintel_map map = {0};
    struct lintel_shared *s = cbor.n != 0 ? lintel_shared_get(&map, cbor) : NULL;
    lintel_shared_put(&map, s);
    lintel_map_fini(&map);
}

/* A cage that was read is written and read again: it allows the same. */
static void
cage(const uint8_t *data, size_t size)
{
    struct lintel_cage c, back;
    struct lintel_buf b = {0};
    if (lintel_cage_read(data, size, &c) != 0)
        return;
    lintel_cage_write(&b, &c);
    LINTEL_ASSERT(!b.failed && b.n <= LINTEL_FRAME_MOST);
    LINTEL_ASSERT(lintel_cage_read((const unsigned char *)b.p, b.n, &back) == 0);
    LINTEL_ASSERT(back.npaths == c.npaths && back.user.uid == c.user.uid && back.off == c.off);
    for (uint32_t i = 0; i < c.npaths; i++)
        LINTEL_ASSERT(strcmp(back.paths[i].path, c.paths[i].path) == 0);
    lintel_cage_fini(&back);
    lintel_cage_fini(&c);
    lintel_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_wire_scratch s = {0};
    struct lintel_wire_up up;
    struct lintel_wire_down down;
    uint32_t instance;
    enum lintel_wire_kind kind;
    lintel_wire_peek(data, size, &instance, &kind);
    cage(data, size);
    if (lintel_wire_read_up(data, size, &s, &up) == 0 &&
        (up.kind == LINTEL_WIRE_DONE || up.kind == LINTEL_WIRE_PUBLISH))
        again(&up);
    if (lintel_wire_read_down(data, size, &s, &down) == 0) {
        keep(down.settings);
        keep(down.addr);
        keep(down.write_addr);
    }
    lintel_wire_scratch_fini(&s);
    return 0;
}
