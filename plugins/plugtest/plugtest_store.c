/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/plugtest/plugtest.h"

#include <stdlib.h>
#include <string.h>

struct pt_item *
pt_item_find(struct pt *p, const char *path)
{
    for (size_t i = 0; i < PT_ITEMS_MOST; i++)
        if (p->items[i].body != NULL && strcmp(p->items[i].path, path) == 0)
            return &p->items[i];
    return NULL;
}

void
pt_item_remove(struct pt_item *i)
{
    free(i->body);
    *i = (struct pt_item){0};
}

void
pt_items_fini(struct pt *p)
{
    for (size_t i = 0; i < PT_ITEMS_MOST; i++)
        pt_item_remove(&p->items[i]);
}

struct pt_item *
pt_item_put(struct pt *p, const char *path, int32_t format, const void *body, size_t n)
{
    struct pt_item *item = pt_item_find(p, path);
    size_t length = strlen(path);
    for (size_t i = 0; item == NULL && i < PT_ITEMS_MOST; i++)
        if (p->items[i].body == NULL)
            item = &p->items[i];
    char *copy = length < PT_PATH_MOST && item != NULL ? malloc(n + 1) : NULL;
    if (copy == NULL)
        return NULL;
    if (n != 0)
        memcpy(copy, body, n);
    free(item->body);
    memcpy(item->path, path, length + 1);
    item->body = copy;
    item->n = n;
    item->format = format;
    return item;
}

/* Whether If-Match and If-None-Match hold for what is there. */
static bool
conditions_hold(const lintel_exchange *x, const struct pt_item *i)
{
    uint8_t etag[8];
    bool met = x->nif_match == 0;
    if (x->flags & LINTEL_X_IF_NONE_MATCH && i != NULL)
        return false;
    if (i == NULL)
        return met;
    uint32_t n = pt_tag(etag, i->format, i->body, i->n);
    for (uint32_t k = 0; k < x->nif_match; k++)
        met |= x->if_match[k].n == 0 ||
               (x->if_match[k].n == n && memcmp(x->if_match[k].p, etag, n) == 0);
    return met;
}

uint32_t
pt_store(struct pt *p, const lintel_exchange *x, const char *path, bool creates,
         struct pt_item **ret)
{
    struct pt_item *i = pt_item_find(p, path);
    *ret = i;
    if (x->payload.n > PT_BODY_MOST)
        return LINTEL_CODE(4, 13);
    if (x->method != LINTEL_GET && !conditions_hold(x, i))
        return LINTEL_CODE(4, 12);
    switch (x->method) {
    case LINTEL_GET: return i != NULL ? 0 : LINTEL_CODE(4, 4);
    case LINTEL_POST:
    case LINTEL_PUT: {
        if (i == NULL && !creates)
            return LINTEL_CODE(4, 4);
        int32_t format = x->format != LINTEL_FORMAT_NONE ? x->format : PT_TEXT;
        *ret = pt_item_put(p, path, format, x->payload.p, x->payload.n);
        if (*ret == NULL)
            return LINTEL_CODE(5, 3);
        return i != NULL ? LINTEL_CODE(2, 4) : LINTEL_CODE(2, 1);
    }
    case LINTEL_DELETE:
        if (i != NULL)
            pt_item_remove(i);
        *ret = NULL;
        return LINTEL_CODE(2, 2); /* also where nothing was (RFC 7252 5.8.4) */
    default: return LINTEL_CODE(4, 5);
    }
}
