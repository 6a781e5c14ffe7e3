/* SPDX-License-Identifier: Apache-2.0
 * A line with the query of a registration, a line with that of a lookup, then links: what is taken
 * can be looked up, changed, kept and removed again, and each answer is a document. */
#include <string.h>

#include "core/base/mem.h"
#include "core/directory/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARGS = 40 };
#define HERE "coap://[fd00::1]"

/* Cuts a line off. */
static struct lintel_str
line(const uint8_t **p, size_t *n)
{
    struct lintel_str ret = {(const char *)*p, 0};
    while (ret.n < *n && (*p)[ret.n] != '\n')
        ret.n++;
    size_t with = ret.n + (ret.n < *n);
    *p += with;
    *n -= with;
    return ret;
}

static uint32_t
spans(struct lintel_str text, lintel_span out[ARGS])
{
    uint32_t n = 0;
    size_t start = 0;
    for (size_t i = 0; i <= text.n && n < ARGS; i++)
        if (i == text.n || text.p[i] == '&') {
            out[n++] = (lintel_span){text.p + start, i - start};
            start = i + 1;
        }
    return n;
}

static void
read_input(struct lintel_str text, struct lintel_link_attr attrs[ARGS],
           struct lintel_reg_input *ret)
{
    lintel_span args[ARGS];
    uint32_t n = spans(text, args);
    *ret = (struct lintel_reg_input){.attrs = attrs};
    for (uint32_t i = 0; i < n; i++) {
        const char *equals = args[i].n == 0 ? NULL : memchr(args[i].p, '=', args[i].n);
        struct lintel_str name = {args[i].p, equals ? (size_t)(equals - args[i].p) : args[i].n};
        struct lintel_str value = {NULL, 0};
        if (equals != NULL)
            value = (struct lintel_str){equals + 1, args[i].n - name.n - 1};
        if (lintel_str_eq(name, "ep"))
            ret->ep = value;
        else if (lintel_str_eq(name, "d"))
            ret->d = value;
        else if (lintel_str_eq(name, "base"))
            ret->base = value;
        else if (lintel_str_eq(name, "own"))
            ret->flags |= LINTEL_REG_OWN;
        else
            attrs[ret->nattrs++] = (struct lintel_link_attr){name, value};
    }
}

/* The links of a document; it must be one. */
static uint64_t
count_links(const struct lintel_buf *doc)
{
    struct lintel_link_reader r = {doc->p, doc->n, 0};
    struct lintel_arena *arena = lintel_arena_new();
    struct lintel_link link;
    const char *reason = "";
    uint64_t n = 0;
    int got;
    LINTEL_ASSERT(arena != NULL);
    /* An endpoint may have more attributes than a link that is read. */
    while ((got = lintel_link_next(&r, arena, &link, &reason)) == 1)
        n++;
    LINTEL_ASSERT(got == 0 || strcmp(reason, "a link has too many attributes") == 0);
    lintel_arena_free(arena);
    return got == 0 ? n : UINT64_MAX;
}

static uint64_t
look(const struct lintel_registry *r, int resources, struct lintel_str query,
     const struct lintel_registration *reg)
{
    struct lintel_lookup l;
    struct lintel_buf out = {0};
    lintel_span args[ARGS];
    char reason[LINTEL_REASON];
    uint32_t n = spans(query, args);
    if (lintel_lookup_init(&l, resources, args, n, reason) != 0)
        return 0;
    l.here = lintel_str(HERE);
    while (lintel_lookup_step(r, &l, 1, &out))
        ;
    LINTEL_ASSERT(!out.failed);
    uint64_t found = count_links(&out);
    LINTEL_ASSERT(found == UINT64_MAX || found == l.given);
    LINTEL_ASSERT(l.given == 0 || lintel_lookup_concerns(r, &l, reg));
    lintel_buf_fini(&out);
    return l.given;
}

static void
comes_back_after_a_restart(const struct lintel_registration *reg)
{
    struct lintel_registry_source source = {.seed = 2};
    struct lintel_registry *again = lintel_registry_new(&source);
    struct lintel_buf first = {0}, second = {0};
    char reason[LINTEL_REASON];
    LINTEL_ASSERT(again != NULL);
    lintel_registration_pack(reg, 1, 1, &first);
    LINTEL_ASSERT(lintel_registry_unpack(again, reg->id, first.p, first.n, 1, 1, reason) == 0);
    lintel_registration_pack(lintel_registry_find(again, reg->id), 1, 1, &second);
    LINTEL_ASSERT(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    lintel_buf_fini(&first);
    lintel_buf_fini(&second);
    lintel_registry_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_str registration = line(&data, &size), query = line(&data, &size);
    struct lintel_registry_source source = {.seed = 1};
    struct lintel_registry *r = lintel_registry_new(&source);
    struct lintel_link_attr attrs[ARGS];
    struct lintel_reg_input in;
    struct lintel_registry_stats stats;
    char reason[LINTEL_REASON];
    int is_new;
    LINTEL_ASSERT(r != NULL);
    read_input(registration, attrs, &in);
    in.links = (struct lintel_str){(const char *)data, size};
    const struct lintel_registration *reg = lintel_registry_put(r, &in, 1, &is_new, reason);
    look(r, 1, query, reg);
    if (reg != NULL) {
        look(r, 0, query, reg);
        LINTEL_ASSERT(look(r, 1, (struct lintel_str){"", 0}, reg) == reg->nlinks);
        LINTEL_ASSERT(look(r, 0, (struct lintel_str){"", 0}, reg) == 1);
        comes_back_after_a_restart(reg);
        uint64_t id = reg->id;
        struct lintel_reg_update u = {.links = {"</x>", 4}};
        LINTEL_ASSERT(lintel_registry_update(r, id, &u, 2, reason) == 0);
        look(r, 1, query, lintel_registry_find(r, id));
        LINTEL_ASSERT(lintel_registry_remove(r, id) == 0);
        lintel_registry_stats(r, &stats);
        LINTEL_ASSERT(stats.active == 0 && stats.grace == 0 && stats.links == 0);
    }
    lintel_registry_free(r);
    return 0;
}
