/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/registry_kit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "tests/kit/kit.h"

static void
changed(void *ctx, const struct lintel_registration *reg, enum lintel_reg_change what, int was)
{
    struct dir *d = ctx;
    lintel_buf_addf(&d->told, "%s%s%.*s%s", d->told.n ? " " : "",
                    what == LINTEL_REG_ADDED     ? "+"
                    : what == LINTEL_REG_REMOVED ? "-"
                                                 : "~",
                    (int)reg->ep.n, reg->ep.p, was && what == LINTEL_REG_CHANGED ? "(was)" : "");
    CHECK(what == LINTEL_REG_ADDED ? !was : what == LINTEL_REG_CHANGED || was);
}

static void
forgotten(void *ctx, uint64_t id)
{
    struct dir *d = ctx;
    (void)id;
    d->forgotten++;
}

void
dir_open(struct dir *d)
{
    *d = (struct dir){.now = INT64_C(1000000000000), .here = "coap://[fd00::1]"};
    struct lintel_registry_source source = {4711, changed, forgotten, d};
    d->r = lintel_registry_new(&source);
    LINTEL_ASSERT(d->r != NULL);
}

void
dir_close(struct dir *d)
{
    lintel_registry_free(d->r);
    lintel_buf_fini(&d->told);
}

uint32_t
dir_query(const char *query, lintel_span *out, uint32_t room)
{
    uint32_t n = 0;
    for (const char *p = query; *p != '\0' && n < room;) {
        size_t length = strcspn(p, "&");
        out[n++] = (lintel_span){p, length};
        p += length + (p[length] == '&');
    }
    return n;
}

/* The arguments of a registration or an update; what has no name of its own becomes an attribute.
 */
struct args {
    struct lintel_str ep, d, base, source;
    uint32_t lt, nattrs;
    struct lintel_link_attr attrs[64];
};

static void
read_args(const char *query, struct args *ret)
{
    lintel_span spans[64];
    uint32_t n = dir_query(query, spans, 64);
    *ret = (struct args){0};
    for (uint32_t i = 0; i < n; i++) {
        const char *equals = memchr(spans[i].p, '=', spans[i].n);
        struct lintel_str name = {spans[i].p, equals ? (size_t)(equals - spans[i].p) : spans[i].n};
        struct lintel_str value = {NULL, 0};
        int64_t number = 0;
        if (equals != NULL)
            value = (struct lintel_str){equals + 1, spans[i].n - name.n - 1};
        if (lintel_str_eq(name, "ep"))
            ret->ep = value;
        else if (lintel_str_eq(name, "d"))
            ret->d = value;
        else if (lintel_str_eq(name, "base"))
            ret->base = value;
        else if (lintel_str_eq(name, "source"))
            ret->source = value;
        else if (lintel_str_eq(name, "lt") && lintel_parse_int(value.p, value.n, &number))
            ret->lt = (uint32_t)number;
        else
            ret->attrs[ret->nattrs++] = (struct lintel_link_attr){name, value};
    }
}

static uint32_t
number_of(struct dir *d, uint64_t id)
{
    for (uint32_t i = 0; i < d->nids; i++)
        if (d->ids[i] == id)
            return i + 1;
    LINTEL_ASSERT(d->nids < DIR_IDS);
    d->ids[d->nids++] = id;
    return d->nids;
}

uint32_t
dir_put(struct dir *d, const char *query, const char *links, uint32_t flags)
{
    struct args args;
    read_args(query, &args);
    struct lintel_reg_input in = {.ep = args.ep,
                                  .d = args.d,
                                  .base = args.base.p ? args.base : args.source,
                                  .lt = args.lt,
                                  .flags = flags | (args.base.p ? LINTEL_REG_BASE : 0),
                                  .attrs = args.attrs,
                                  .nattrs = args.nattrs,
                                  .links = lintel_str(links)};
    int is_new = -1;
    const struct lintel_registration *reg =
        lintel_registry_put(d->r, &in, d->now, &is_new, d->reason);
    if (reg == NULL)
        return 0;
    CHECK(is_new == 0 || is_new == 1);
    return number_of(d, reg->id);
}

int
dir_update(struct dir *d, uint32_t number, const char *query, const char *links)
{
    struct args args;
    read_args(query, &args);
    struct lintel_reg_update u = {.base = args.base.p ? args.base : args.source,
                                  .base_given = args.base.p != NULL,
                                  .lt = args.lt,
                                  .attrs = args.attrs,
                                  .nattrs = args.nattrs};
    if (links != NULL)
        u.links = lintel_str(links);
    return lintel_registry_update(d->r, d->ids[number - 1], &u, d->now, d->reason);
}

void
dir_wait(struct dir *d, double seconds)
{
    d->now += (lintel_mono)(seconds * 1e9);
    while (lintel_registry_expire(d->r, d->now) <= d->now)
        ;
}

/* /rd/16 digits becomes /rd/number. */
static void
number_ids(struct dir *d, const char *text, struct lintel_buf *out)
{
    for (const char *at; (at = strstr(text, "</rd/")) != NULL; text = at + 21) {
        uint64_t id = strtoull(at + 5, NULL, 16);
        lintel_buf_add(out, text, (size_t)(at - text));
        lintel_buf_addf(out, "</rd/%" PRIu32, number_of(d, id));
    }
    lintel_buf_adds(out, text);
}

const char *
dir_look(struct dir *d, int resources, const char *query, uint32_t budget)
{
    static char text[1 << 16];
    lintel_span spans[64];
    struct lintel_lookup l;
    struct lintel_buf raw = {0}, out = {0};
    if (lintel_lookup_init(&l, resources, spans, dir_query(query, spans, 64), d->reason) != 0) {
        lintel_format(text, sizeof text, "4.00 %s", d->reason);
        return text;
    }
    l.here = lintel_str(d->here);
    while (lintel_lookup_step(d->r, &l, budget, &raw))
        ;
    CHECK(!raw.failed);
    number_ids(d, lintel_buf_str(&raw), &out);
    CHECK(lintel_copy(text, sizeof text, lintel_buf_str(&out)));
    lintel_buf_fini(&raw);
    lintel_buf_fini(&out);
    return text;
}

const char *
dir_told(struct dir *d)
{
    static char text[4096];
    lintel_copy(text, sizeof text, lintel_buf_str(&d->told));
    lintel_buf_reset(&d->told);
    return text;
}
