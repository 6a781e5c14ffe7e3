/* SPDX-License-Identifier: Apache-2.0
 * Lists of settings and addresses that stay, see core/plug/wire.h. */
#include <string.h>

#include "core/base/cbor.h"
#include "core/base/map.h"
#include "core/plug/wire.h"

/* Memory that v needs beside itself; texts get a NUL. */
static size_t
bytes_of(const lintel_value *v)
{
    size_t n = 0;
    switch (v->type) {
    case LINTEL_T_STR:
    case LINTEL_T_BYTES: return (v->len + 1u + 7u) & ~(size_t)7;
    case LINTEL_T_LIST:
        for (uint32_t i = 0; i < v->len; i++)
            n += sizeof *v + bytes_of(&v->as.list[i]);
        return n;
    default: return 0; /* tables have no maps */
    }
}

static lintel_value
copy(const lintel_value *v, char **at)
{
    lintel_value ret = *v;
    if (v->type == LINTEL_T_STR || v->type == LINTEL_T_BYTES) {
        char *to = *at;
        if (v->len != 0)
            memcpy(to, v->as.s, v->len);
        to[v->len] = '\0';
        *at += bytes_of(v);
        ret.as.s = to;
    } else if (v->type == LINTEL_T_LIST) {
        lintel_value *list = (lintel_value *)(void *)*at;
        *at += v->len * sizeof *list;
        for (uint32_t i = 0; i < v->len; i++)
            list[i] = copy(&v->as.list[i], at);
        ret.as.list = list;
    } else if (v->type == LINTEL_T_MAP) {
        ret = (lintel_value){0};
    }
    return ret;
}

static struct lintel_shared *
make(struct lintel_str cbor)
{
    struct lintel_cbor c = {(const unsigned char *)cbor.p, cbor.n};
    struct lintel_shared *s = NULL;
    lintel_value list;
    struct lintel_arena *arena = lintel_arena_new();
    if (arena != NULL && lintel_cbor_read_value(&c, arena, LINTEL_WIRE_VALUES_MOST, &list) == 0 &&
        (list.type == LINTEL_T_LIST || list.type == LINTEL_T_NULL)) {
        size_t bytes = bytes_of(&list);
        s = lintel_alloc(sizeof *s + bytes + cbor.n);
        if (s != NULL) {
            char *at = (char *)(s + 1);
            list = copy(&list, &at);
            memcpy(at, cbor.p, cbor.n);
            s->key = (struct lintel_str){at, cbor.n};
            s->values = list.type == LINTEL_T_LIST ? list.as.list : NULL;
        }
    }
    lintel_arena_free(arena);
    return s;
}

struct lintel_shared *
lintel_shared_get(struct lintel_map *m, struct lintel_str cbor)
{
    struct lintel_shared *s = lintel_map_get(m, cbor.p, cbor.n);
    if (s == NULL) {
        s = make(cbor);
        if (s != NULL && lintel_map_put(m, cbor.p, cbor.n, s) != 0) {
            lintel_free(s);
            s = NULL;
        }
    }
    if (s != NULL)
        s->refs++;
    return s;
}

void
lintel_shared_put(struct lintel_map *m, struct lintel_shared *s)
{
    if (s == NULL || --s->refs != 0)
        return;
    lintel_map_take(m, s->key.p, s->key.n);
    lintel_free(s);
}
