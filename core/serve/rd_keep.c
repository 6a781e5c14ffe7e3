/* SPDX-License-Identifier: Apache-2.0
 * What survives a restart. A change is answered when it is on the disk. A disk that refuses does
 * not stop the directory: RFC 9176 calls registrations soft state, which their owners refresh. */
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/serve/rd_inside.h"
#include "core/store/store.h"

struct lintel_rd_pending { /* an answer that waits for the disk */
    struct lintel_rd_pending *next, **back;
    struct lintel_rd *rd;
    struct lintel_rd_receipt receipt;
};

static struct lintel_store *
store_of(const struct lintel_rd *rd)
{
    return lintel_rd_conf(rd)->keep ? rd->tree->source.directory : NULL;
}

static void
note_soft(struct lintel_rd *rd, int soft)
{
    struct lintel_store_stats stats;
    if (soft == rd->soft)
        return;
    rd->soft = soft;
    lintel_store_stats(rd->tree->source.directory, &stats);
    if (soft)
        lintel_log(
            LINTEL_LOG_ERROR, "directory",
            "registrations can't be kept%s%s; they are taken all the same, and are lost at a "
            "restart",
            stats.trouble != NULL && stats.trouble[0] ? ": " : "",
            stats.trouble != NULL ? stats.trouble : "");
    else
        lintel_log(LINTEL_LOG_INFO, "directory", "registrations are kept again");
}

static int
write_one(struct lintel_rd *rd, struct lintel_store *store, uint64_t id)
{
    const struct lintel_registration *reg = lintel_registry_find(rd->registry, id);
    struct lintel_buf b = {0};
    if (reg == NULL)
        return lintel_store_remove(store, id);
    if (reg->flags & LINTEL_REG_OWN)
        return 0;
    lintel_registration_pack(reg, lintel_rd_now(rd), lintel_loop_wall(rd->tree->source.loop), &b);
    int failed = b.failed || lintel_store_put(store, id, b.p, b.n) != 0 ? -1 : 0;
    lintel_buf_fini(&b);
    return failed;
}

int
lintel_rd_keep(struct lintel_rd *rd, uint64_t id)
{
    enum { UNKEPT_MOST = 1000000 };
    struct lintel_store *store = store_of(rd);
    if (store == NULL)
        return 0;
    if (write_one(rd, store, id) == 0) {
        lintel_map_take(&rd->unkept, (const char *)&id, sizeof id);
        return 0;
    }
    if (rd->unkept.n < UNKEPT_MOST)
        (void)lintel_map_put(&rd->unkept, (const char *)&id, sizeof id, rd);
    note_soft(rd, 1);
    return -1;
}

/* What was refused before, a few at a time. */
static void
catch_up(struct lintel_rd *rd)
{
    enum { AT_ONCE = 1000 };
    struct lintel_store *store = store_of(rd);
    for (int i = 0; store != NULL && rd->unkept.n != 0 && i < AT_ONCE; i++) {
        const struct lintel_map_slot *slot;
        size_t it = 0;
        uint64_t id;
        if (!lintel_map_next(&rd->unkept, &it, &slot))
            return;
        memcpy(&id, slot->key, sizeof id);
        if (write_one(rd, store, id) != 0)
            return;
        lintel_map_take(&rd->unkept, (const char *)&id, sizeof id);
    }
}

/* ---- answering ------------------------------------------------------------------------------- */

static void
answer_of(const struct lintel_rd_receipt *r, lintel_span location[2], char id[LINTEL_RD_ID],
          char state[8], lintel_answer *ret)
{
    lintel_rd_id_print(r->id, id);
    location[0] = (lintel_span){"rd", 2};
    location[1] = (lintel_span){id, LINTEL_RD_ID - 1};
    for (int i = 0; i < 8; i++)
        state[i] = (char)(r->state >> (56 - 8 * i));
    *ret = (lintel_answer){.size = sizeof *ret,
                           .code = r->code,
                           .flags = r->flags,
                           .format = LINTEL_FORMAT_NONE,
                           .location = r->location ? location : NULL,
                           .nlocation = r->location ? 2 : 0};
    if (r->flags & LINTEL_ANSWER_ECHO)
        ret->echo = (lintel_span){state, 8};
}

static void
answer_open(struct lintel_rd *rd, const struct lintel_rd_receipt *r)
{
    struct lintel_open *o = lintel_open_find(rd->tree, r->ticket);
    lintel_span location[2];
    char id[LINTEL_RD_ID], state[8];
    lintel_answer a;
    if (o == NULL)
        return; /* nobody waits any more */
    answer_of(r, location, id, state, &a);
    lintel_open_answer(o, &a);
}

static void
pending_free(struct lintel_rd_pending *p)
{
    *p->back = p->next;
    if (p->next != NULL)
        p->next->back = p->back;
    p->rd->npending--;
    lintel_free(p);
}

static void
synced(void *ctx, int failed)
{
    struct lintel_rd_pending *p = ctx;
    struct lintel_rd *rd = p->rd;
    const struct lintel_rd_receipt r = p->receipt;
    pending_free(p);
    if (!failed)
        catch_up(rd);
    note_soft(rd, failed != 0 || rd->unkept.n != 0);
    answer_open(rd, &r);
}

void
lintel_rd_done_open(struct lintel_rd *rd, const struct lintel_rd_receipt *r)
{
    struct lintel_store *store = store_of(rd);
    struct lintel_rd_pending *p = NULL;
    if (lintel_rd_keep(rd, r->id) == 0 && store != NULL && (p = lintel_alloc(sizeof *p)) != NULL) {
        *p = (struct lintel_rd_pending){rd->pending, &rd->pending, rd, *r};
        if (p->next != NULL)
            p->next->back = &p->next;
        rd->pending = p;
        rd->npending++;
        if (lintel_store_sync(store, synced, p) == 0)
            return;
        pending_free(p);
        note_soft(rd, 1);
    }
    answer_open(rd, r);
}

void
lintel_rd_done(struct lintel_call *c, uint32_t code, uint64_t id, int location)
{
    struct lintel_rd *rd = c->tree->rd;
    const struct lintel_registration *reg = lintel_registry_find(rd->registry, id);
    struct lintel_rd_receipt r = {.code = code, .id = id, .location = location};
    if (reg != NULL && c->x->flags & LINTEL_X_SECURE) {
        r.flags = LINTEL_ANSWER_ECHO;
        r.state = reg->state;
    }
    if (store_of(rd) == NULL) {
        lintel_span path[2];
        char text[LINTEL_RD_ID], state[8];
        lintel_answer a;
        answer_of(&r, path, text, state, &a);
        lintel_call_answer(c, &a);
        return;
    }
    if (lintel_call_open(c) == NULL) { /* answered; it is kept, and the client will ask again */
        (void)lintel_rd_keep(rd, id);
        return;
    }
    r.ticket = c->ticket;
    lintel_rd_done_open(rd, &r);
}

/* ---- reading back ---------------------------------------------------------------------------- */

struct loading {
    struct lintel_rd *rd;
    uint32_t n, bad;
    char reason[LINTEL_REASON]; /* of the first bad one */
};

static int
load_one(void *ctx, uint64_t id, const void *p, size_t n)
{
    struct loading *l = ctx;
    struct lintel_loop *loop = l->rd->tree->source.loop;
    char reason[LINTEL_REASON];
    if (lintel_registry_unpack(l->rd->registry, id, p, n, lintel_loop_now(loop),
                               lintel_loop_wall(loop), reason) != 0) {
        if (l->bad++ == 0)
            lintel_copy(l->reason, sizeof l->reason, reason);
        return 0;
    }
    const struct lintel_registration *reg = lintel_registry_find(l->rd->registry, id);
    if (lintel_registration_is_active(reg, lintel_loop_now(loop)))
        lintel_rd_count(l->rd, reg);
    lintel_rd_simple_resume(l->rd, reg);
    l->n++;
    return 0;
}

int
lintel_rd_load(struct lintel_rd *rd)
{
    struct loading l = {.rd = rd};
    struct lintel_store *store = rd->tree->source.directory;
    if (store == NULL)
        return 0;
    if (lintel_store_each(store, load_one, &l) != 0)
        lintel_log(LINTEL_LOG_ERROR, "directory",
                   "the registrations of before can't be read; the directory begins without them");
    if (l.bad != 0)
        lintel_log(LINTEL_LOG_WARN, "directory",
                   "%u of %u registrations could not be read back: %s", l.bad, l.bad + l.n,
                   l.reason);
    else if (l.n != 0)
        lintel_log(LINTEL_LOG_INFO, "directory", "%u registrations of before", l.n);
    return 0;
}

void
lintel_rd_keep_free(struct lintel_rd *rd)
{
    /* The store has been closed before, and with it all its open sync()s have ended. */
    LINTEL_ASSERT(rd->pending == NULL);
    lintel_map_fini(&rd->unkept);
}
