/* SPDX-License-Identifier: Apache-2.0
 * A registration as bytes: a CBOR array [2, ep, d, base, owner, lt, flags, state, end, attributes,
 * number of links, links]; end is a time of the wall clock in ns or null, attributes are name,
 * value or null, name, .., links are bytes as reg_block.h packs them: to judge those takes a third
 * of the time of reading a document again. */
#include <string.h>

#include "core/base/cbor.h"
#include "core/directory/registry_priv.h"

enum { VERSION = 2, FIELDS = 12 };
#define GRACE_ENDED (INT64_C(8) * 24 * 3600 * 1000000000) /* longer ago makes no difference */

static void
add_str(struct lintel_buf *out, struct lintel_str s)
{
    if (s.p == NULL)
        lintel_cbor_null(out);
    else
        lintel_cbor_str(out, s.p, s.n);
}

static lintel_wall
end_on_wall(lintel_mono expires, lintel_mono now, lintel_wall wall)
{
    lintel_mono left = expires - now; /* expires is no more than some days before now */
    return left > 0 && wall > INT64_MAX - left ? INT64_MAX : wall + left;
}

void
lintel_registration_pack(const struct lintel_registration *pub, lintel_mono now, lintel_wall wall,
                         struct lintel_buf *out)
{
    const struct reg *reg = (const struct reg *)(const void *)pub;
    struct reg_cursor attrs;
    struct reg_attr attr;
    lintel_cbor_array(out, FIELDS);
    lintel_cbor_uint(out, VERSION);
    add_str(out, pub->ep);
    add_str(out, pub->d);
    add_str(out, pub->base);
    add_str(out, pub->owner);
    lintel_cbor_uint(out, pub->lt);
    lintel_cbor_uint(out, pub->flags);
    lintel_cbor_uint(out, pub->state);
    if (pub->expires == INT64_MAX)
        lintel_cbor_null(out);
    else
        lintel_cbor_int(out, end_on_wall(pub->expires, now, wall));
    lintel_cbor_array(out, 2 * (size_t)reg->nattrs);
    reg_attrs(reg, &attrs);
    while (reg_attr_next(&attrs, &attr)) {
        add_str(out, attr.name);
        add_str(out, attr.value);
    }
    const struct lintel_str links = reg_block_links(reg);
    lintel_cbor_uint(out, pub->nlinks);
    lintel_cbor_bytes(out, links.p, links.n);
}

/* A text, or null where that may be. */
static int
read_str(struct lintel_cbor *c, int nullable, struct lintel_str *ret)
{
    struct lintel_cbor_item item;
    switch (lintel_cbor_next(c, &item)) {
    case LINTEL_CBOR_STR: *ret = (struct lintel_str){item.p, item.n}; return 0;
    case LINTEL_CBOR_NULL: *ret = (struct lintel_str){NULL, 0}; return nullable ? 0 : -1;
    default: return -1;
    }
}

static int
read_u32(struct lintel_cbor *c, uint32_t *ret)
{
    uint64_t value = 0;
    if (lintel_cbor_read_uint(c, UINT32_MAX, &value) != 0)
        return -1;
    *ret = (uint32_t)value;
    return 0;
}

/* When it ends, on the clock of today. A wall clock that was moved gives nobody more than the
 * lifetime that was asked for. */
static int
read_end(struct lintel_cbor *c, uint32_t lt, lintel_mono now, lintel_wall wall, lintel_mono *ret)
{
    struct lintel_cbor peek = *c;
    struct lintel_cbor_item item;
    int64_t end = 0;
    if (lintel_cbor_next(&peek, &item) == LINTEL_CBOR_NULL) {
        *c = peek;
        *ret = INT64_MAX;
        return 0;
    }
    if (lintel_cbor_read_int(c, &end) != 0)
        return -1;
    end = end < 0 ? 0 : end;
    wall = wall < 0 ? 0 : wall;
    lintel_mono most = reg_end(now, lt), left = end - wall;
    if (left < -GRACE_ENDED)
        left = -GRACE_ENDED;
    *ret = left > most - now ? most : now + left;
    return 0;
}

static int
read_attrs(struct lintel_cbor *c, struct lintel_link_attr attrs[LINTEL_REG_ATTRS_MOST],
           uint32_t *ret_n)
{
    size_t n = 0;
    if (lintel_cbor_read_array(c, 2 * LINTEL_REG_ATTRS_MOST, &n) != 0 || n % 2 != 0)
        return -1;
    for (size_t i = 0; i < n / 2; i++)
        if (read_str(c, 0, &attrs[i].name) != 0 || read_str(c, 1, &attrs[i].value) != 0)
            return -1;
    *ret_n = (uint32_t)(n / 2);
    return 0;
}

int
lintel_registry_unpack(struct lintel_registry *r, uint64_t id, const void *p, size_t n,
                       lintel_mono now, lintel_wall wall, char reason[LINTEL_REASON])
{
    struct lintel_link_attr attrs[LINTEL_REG_ATTRS_MOST];
    struct lintel_reg_input in = {.attrs = attrs};
    struct lintel_cbor c = {p, n};
    struct lintel_str links = {NULL, 0};
    uint64_t version = 0, state = 0;
    uint32_t nlinks = 0;
    size_t fields = 0;
    lintel_mono expires = 0;
    if (lintel_cbor_read_array(&c, FIELDS, &fields) != 0 || fields != FIELDS ||
        lintel_cbor_read_uint(&c, VERSION, &version) != 0 || version != VERSION ||
        read_str(&c, 0, &in.ep) != 0 || read_str(&c, 0, &in.d) != 0 ||
        read_str(&c, 0, &in.base) != 0 || read_str(&c, 0, &in.owner) != 0 ||
        read_u32(&c, &in.lt) != 0 || in.lt == 0 || read_u32(&c, &in.flags) != 0 ||
        lintel_cbor_read_uint(&c, UINT64_MAX, &state) != 0 ||
        read_end(&c, in.lt, now, wall, &expires) != 0 || read_attrs(&c, attrs, &in.nattrs) != 0 ||
        read_u32(&c, &nlinks) != 0 || lintel_cbor_read_bytes(&c, &links) != 0 || c.left != 0) {
        lintel_copy(reason, LINTEL_REASON, "the bytes are no registration of this version");
        return -1;
    }
    return registry_take(r, &in, links, nlinks, id, state, expires, now, reason);
}
