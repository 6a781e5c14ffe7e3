/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/mount.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/directory/link.h"
#include "core/serve/tree.h"

/* What the hub's own paths begin with can't be mounted. */
static int
is_taken(const struct lintel_tree *t, const char *name)
{
    static const char *const own[] = {"d",  "models",    "maps",      "hub", ".well-known",
                                      "rd", "rd-lookup", "bnd",       "ps",  "bs",
                                      "dp", "tdd",       "authz-info"};
    for (size_t i = 0; i < LINTEL_COUNT(own); i++)
        if (strcmp(own[i], name) == 0)
            return 1;
    for (const struct lintel_mount *m = t->mounts; m != NULL; m = m->next)
        if (strcmp(m->name, name) == 0)
            return 1;
    return 0;
}

static int
is_link_document(const char *links)
{
    struct lintel_arena *a = lintel_arena_new();
    struct lintel_link_reader r = {links, strlen(links), 0};
    struct lintel_link link;
    const char *reason;
    int got = a == NULL ? -1 : 1;
    while (got > 0)
        got = lintel_link_next(&r, a, &link, &reason);
    lintel_arena_free(a);
    return got == 0;
}

static void
mount_free(struct lintel_mount *m)
{
    lintel_free(m->name);
    lintel_free(m->links);
    lintel_free(m);
}

lintel_status
lintel_tree_mount(struct lintel_tree *t, const char *name, const char *links,
                  const struct lintel_mount_ops *ops, void *ctx)
{
    size_t n = strlen(name);
    if (n == 0 || n > 63 || strchr(name, '/') != NULL || !is_link_document(links))
        return LINTEL_E_RANGE;
    if (is_taken(t, name))
        return LINTEL_E_BUSY;
    struct lintel_mount *m = lintel_alloc(sizeof *m);
    if (m == NULL)
        return LINTEL_E_NOMEM;
    *m = (struct lintel_mount){t->mounts, lintel_strdup(name), lintel_strdup(links), ops, ctx};
    if (m->name == NULL || m->links == NULL) {
        mount_free(m);
        return LINTEL_E_NOMEM;
    }
    t->mounts = m;
    return LINTEL_OK;
}

static void
fail_open(struct lintel_tree *t, const struct lintel_mount *m)
{
    for (uint32_t i = 0; i < t->nblocks * LINTEL_OPEN_BLOCK; i++) {
        struct lintel_open *o = &t->blocks[i / LINTEL_OPEN_BLOCK][i % LINTEL_OPEN_BLOCK];
        if (o->used && o->mount == m)
            lintel_open_fail(o, LINTEL_UNAVAILABLE, "what served this has stopped");
    }
}

void
lintel_tree_unmount(struct lintel_tree *t, void *ctx)
{
    for (struct lintel_mount **at = &t->mounts; *at != NULL;) {
        struct lintel_mount *m = *at;
        if (m->ctx != ctx) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        fail_open(t, m);
        mount_free(m);
    }
}

void
lintel_mounts_free(struct lintel_tree *t)
{
    while (t->mounts != NULL) {
        struct lintel_mount *m = t->mounts;
        t->mounts = m->next;
        mount_free(m);
    }
}

int
lintel_serve_mounted(struct lintel_call *c)
{
    struct lintel_mount *m = c->tree->mounts;
    while (m != NULL && (c->x->npath == 0 || c->x->path[0].n != strlen(m->name) ||
                         memcmp(c->x->path[0].p, m->name, c->x->path[0].n) != 0))
        m = m->next;
    if (m == NULL)
        return 0;
    c->zone = "";
    if (!lintel_call_may(c, "",
                         c->x->method == LINTEL_GET || c->x->method == LINTEL_FETCH
                             ? LINTEL_MAY_READ
                             : LINTEL_MAY_WRITE))
        return 1;
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL)
        return 1;
    o->mount = m;
    o->observe = (c->x->flags & LINTEL_X_OBSERVE) != 0;
    m->ops->request(m->ctx, c->ticket, c->x);
    return 1;
}

enum { FORMAT_MOST = 65535 }; /* RFC 7252 12.3 */

/* Classes of RFC 7252 5.9, and no more than a byte: else it would leave as a request, or as another
 * code. */
static int
is_response(uint32_t code)
{
    return code >> 5 == 2 || code >> 5 == 4 || code >> 5 == 5;
}

/* What a plugin says, as the tree's own answers are: members that its ABI did not have are empty,
 * none is larger than transports expect, and only who observes gets more than one answer. */
static lintel_answer
sound_answer(const struct lintel_open *o, const lintel_answer *a)
{
    lintel_answer ret = {0};
    memcpy(&ret, a, a->size < sizeof ret ? a->size : sizeof ret);
    ret.size = sizeof ret;
    if (!is_response(ret.code))
        ret.code = LINTEL_INTERNAL;
    if (ret.format < 0 || ret.format > FORMAT_MOST)
        ret.format = LINTEL_FORMAT_NONE;
    if (!o->observe || ret.code >= LINTEL_BAD_REQUEST)
        ret.flags &= ~(uint32_t)LINTEL_ANSWER_MORE;
    if (ret.netag > sizeof ret.etag)
        ret.netag = 0;
    if (ret.echo.n > LINTEL_ECHO_MOST)
        ret.flags &= ~(uint32_t)LINTEL_ANSWER_ECHO;
    return ret;
}

void
lintel_tree_mounted_answer(struct lintel_tree *t, void *ctx, lintel_ticket ticket,
                           const lintel_answer *a)
{
    struct lintel_open *o = lintel_open_find(t, ticket);
    if (o == NULL || o->mount == NULL || o->mount->ctx != ctx)
        return;
    lintel_answer sound = sound_answer(o, a);
    lintel_open_answer(o, &sound);
}
