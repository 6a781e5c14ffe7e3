/* SPDX-License-Identifier: Apache-2.0
 * What is open between the tree and a transport in a child. What the child says is believed only as
 * far as it can be its own: see docs/security.md. */
#include <string.h>

#include "core/base/log.h"
#include "core/plug/process.h"
#include "core/plug/transport_priv.h"
#include "core/trust/secret.h"

enum {
    INDEX_BITS = 17,               /* of a child's ticket */
    QUEUE_HIGH = 1024 * 1024,      /* bytes that wait for the child before notifications are held */
    QUEUE_MOST = 4 * 1024 * 1024,  /* the same for answers */
    HELD_MOST = 8 * 1024 * 1024,   /* bytes held; beyond them an exchange ends with 5.03 */
    ASKED_MOST = 16 * 1024 * 1024, /* bytes that wait when it asks on, and it reads no more */
    MOUNTS_MOST = 64,
    BASES_MOST = 65536,
    KEYS_RATE = 200,   /* keys that may be asked for in a second */
    UNAVAILABLE = 163, /* 5.03 */
    SESSION_BITS = 48
};
#define FLUSH (LINTEL_SECOND / 50)
#define KEYS_TOLD (60 * LINTEL_SECOND)

/* What it has asked for. One that asks on and never reads would fill the hub's memory. */
static void
tell(struct carried *c, const struct lintel_tw *m)
{
    if (lintel_child_queued(process_child(c->process)) > ASKED_MOST)
        lintel_child_kill(process_child(c->process), "it asks, and does not read the replies");
    else
        carried_send(c, m);
}

/* ---- exchanges ------------------------------------------------------------------------------- */

/* The place of a ticket; NULL: it has none, or memory is out. */
static struct carried_exchange *
place_of(struct carried *c, uint64_t theirs, int make)
{
    uint64_t i = theirs & ((1u << INDEX_BITS) - 1);
    if (i >= LINTEL_TW_OPEN_MOST)
        return NULL;
    struct carried_exchange **block = &c->blocks[i / CARRIED_BLOCK];
    if (*block == NULL && make) {
        *block = lintel_alloc_array(CARRIED_BLOCK, sizeof **block);
        for (uint32_t k = 0; *block != NULL && k < CARRIED_BLOCK; k++)
            (*block)[k].carried = c;
    }
    return *block != NULL ? &(*block)[i % CARRIED_BLOCK] : NULL;
}

static void
drop_held(struct carried_exchange *e)
{
    struct carried *c = e->carried;
    if (e->held.n == 0)
        return;
    *(e->before_held != NULL ? &e->before_held->next_held : &c->held) = e->next_held;
    *(e->next_held != NULL ? &e->next_held->before_held : &c->held_last) = e->before_held;
    e->next_held = e->before_held = NULL;
    c->held_bytes -= e->held.n;
    lintel_buf_fini(&e->held);
}

static void
free_exchange(struct carried_exchange *e)
{
    struct carried *c = e->carried;
    drop_held(e);
    *e = (struct carried_exchange){.carried = c};
    c->nopen--;
}

/* Also in the tree, where it may go on. */
static void
end_exchange(struct carried_exchange *e)
{
    struct lintel_transport_instance *t = e->carried->t;
    lintel_ticket ticket = e->ticket;
    free_exchange(e);
    if (ticket != 0)
        t->tree.abandon(t->tree.ctx, t, ticket);
}

static void
on_flush(void *arg)
{
    struct carried *c = arg;
    struct lintel_child *child = process_child(c->process);
    while (c->held != NULL && lintel_child_queued(child) < QUEUE_HIGH) {
        struct carried_exchange *e = c->held;
        lintel_child_send(child, &e->held, 0);
        drop_held(e);
        if (e->over)
            end_exchange(e);
    }
    if (c->held != NULL)
        lintel_timer_at(c->t->plug->loop, &c->flush, lintel_loop_now(c->t->plug->loop) + FLUSH,
                        on_flush, c);
}

/* Keeps c->out until the child has read on; what was kept of this exchange before is older. */
static int
hold(struct carried_exchange *e)
{
    struct carried *c = e->carried;
    if (e->held.n != 0)
        c->replaced++;
    drop_held(e);
    lintel_buf_add(&e->held, c->out.p, c->out.n);
    if (e->held.failed) {
        lintel_buf_fini(&e->held);
        return -1;
    }
    e->before_held = c->held_last;
    e->next_held = NULL;
    *(c->held_last != NULL ? &c->held_last->next_held : &c->held) = e;
    c->held_last = e;
    c->held_bytes += e->held.n;
    if (c->flush.slot == 0)
        lintel_timer_at(c->t->plug->loop, &c->flush, lintel_loop_now(c->t->plug->loop) + FLUSH,
                        on_flush, c);
    return 0;
}

/* Writes an answer in place of one that can't go. It is the last; where the tree would go on, it is
 * told so when it is not inside of this. */
static void
write_failure(struct carried_exchange *e, uint32_t code, const char *text)
{
    struct carried *c = e->carried;
    struct lintel_tw m = {.instance = c->number,
                          .kind = LINTEL_TW_ANSWER,
                          .ticket = e->theirs,
                          .a = {.code = code,
                                .format = LINTEL_FORMAT_NONE,
                                .max_age = 10,
                                .payload = {text, strlen(text)}}};
    lintel_buf_reset(&c->out);
    lintel_tw_write(&c->out, &m);
    e->over = 1;
}

void
open_answer(struct carried_exchange *e, const lintel_answer *a)
{
    struct carried *c = e->carried;
    struct lintel_child *child = process_child(c->process);
    struct lintel_tw m = {
        .instance = c->number, .kind = LINTEL_TW_ANSWER, .ticket = e->theirs, .a = *a};
    int inside = e->inside;
    if (e->theirs == 0 || e->over)
        return; /* it ended for lack of room, while the tree went on */
    e->answered = 1;
    e->over = (a->flags & LINTEL_ANSWER_MORE) == 0;
    if (e->over)
        e->ticket = 0;
    lintel_buf_reset(&c->out);
    lintel_tw_write(&c->out, &m);
    if (c->out.failed)
        write_failure(e, LINTEL_CODE(5, 0),
                      "the answer is larger than a transport in a process can carry");
    size_t queued = lintel_child_queued(child);
    if (e->held.n == 0 && (e->ticket == 0 || !e->over) &&
        queued < (size_t)(e->over ? QUEUE_MOST : QUEUE_HIGH)) {
        lintel_child_send(child, &c->out, 1); /* one that is not there is told nothing */
    } else {
        if (c->held_bytes - e->held.n + c->out.n > HELD_MOST)
            write_failure(e, UNAVAILABLE, "the transport is too slow");
        if (hold(e) != 0)
            lintel_child_kill(child, "out of memory for what it does not read");
    }
    if (e->over && !inside && e->held.n == 0)
        free_exchange(e);
}

/* What its word counts for. */
static void
judge(struct carried *c, lintel_exchange *x)
{
    if (x->flags & LINTEL_X_OPEN && !c->may_open) {
        x->flags &= ~(uint32_t)LINTEL_X_OPEN;
        carried_misbehaving(c,
                            "says that a listener is open to everybody, which the site does not");
    }
    int by_key = strcmp(x->authority, "psk") == 0;
    if (x->flags & LINTEL_X_SECURE && !c->may_secure) /* the site may have keys since */
        c->may_secure = c->t->tree.psk(c->t->tree.ctx, c->t, "", 0, NULL, 0) > 0;
    if (x->flags & LINTEL_X_SECURE &&
        (!c->may_secure ||
         (by_key && lintel_map_get(&c->given, x->identity, strlen(x->identity)) == NULL))) {
        x->flags &= ~(uint32_t)LINTEL_X_SECURE;
        x->identity = x->authority = "";
        carried_misbehaving(c, "says that a client is authenticated, and can't know it");
    }
    /* Sessions of a child that has died are not those of the next. */
    if (x->session != 0)
        x->session = (x->session & ((UINT64_C(1) << SESSION_BITS) - 1)) | (uint64_t)c->birth
                                                                              << SESSION_BITS;
}

uint64_t
open_their_session(const struct carried *c, uint64_t session)
{
    return session >> SESSION_BITS == c->birth ? session & ((UINT64_C(1) << SESSION_BITS) - 1) : 0;
}

int
open_submit(struct carried *c, struct lintel_tw *m)
{
    struct lintel_tree_port *tree = &c->t->tree;
    struct lintel_tw taken = {.kind = LINTEL_TW_TAKEN, .ticket = m->ticket};
    struct carried_exchange *e = place_of(c, m->ticket, 1);
    if (m->ticket == 0 || m->ticket >= LINTEL_TW_QUESTION ||
        (m->ticket & ((1u << INDEX_BITS) - 1)) >= LINTEL_TW_OPEN_MOST)
        return -1;
    if (e != NULL && e->theirs != 0) {
        /* What is over may still be held for a slow child, which has given up waiting for it. */
        if (!e->over)
            return -1;
        end_exchange(e);
    }
    if (!(c->has & LINTEL_TW_HAS_ANSWER) && c->t->state == LINTEL_TRANSPORT_RUNNING)
        return -1;
    if (e == NULL) {
        tell(c, &taken);
        return 0;
    }
    c->nopen++;
    e->theirs = m->ticket;
    e->inside = 1;
    judge(c, &m->x);
    m->x.cookie = e;
    e->ticket = tree->submit(tree->ctx, c->t, &m->x);
    e->inside = 0;
    taken.number = e->ticket != 0;
    if (!e->answered)
        tell(c, &taken);
    if (e->over && e->ticket != 0) { /* its first answer had no room */
        tree->abandon(tree->ctx, c->t, e->ticket);
        e->ticket = 0;
    }
    if (e->ticket == 0 && e->held.n == 0)
        free_exchange(e);
    else if (e->ticket == 0)
        e->over = 1;
    return 0;
}

void
open_abandon(struct carried *c, uint64_t theirs)
{
    struct carried_exchange *e = place_of(c, theirs, 0);
    if (theirs == 0 || e == NULL || e->theirs != theirs)
        return; /* its last answer is on its way */
    end_exchange(e);
}

/* ---- requests of the hub's own --------------------------------------------------------------- */

void
open_reply(struct carried *c, const struct lintel_tw *m)
{
    uint32_t i = 0;
    while (i < c->nsends && c->sends[i] != m->ticket)
        i++;
    if (i == c->nsends) {
        carried_misbehaving(c, "answers what the hub did not send");
        return;
    }
    c->sends[i] = c->sends[--c->nsends];
    c->t->tree.reply(c->t->tree.ctx, c->t, m->ticket, &m->a);
}

/* ---- things ---------------------------------------------------------------------------------- */

/* RFC 3986, section 2: what else stood there would come out as links of its own where it is listed.
 */
static int
is_uri(const char *text)
{
    const char *at = text;
    while (*at > ' ' && *at < 0x7f && strchr("<>\"\\^`{|}", *at) == NULL)
        at++;
    return at != text && *at == '\0';
}

void
open_base(struct carried *c, const struct lintel_tw *m)
{
    size_t n = strlen(m->name);
    if (m->text == NULL) {
        if (lintel_map_take(&c->bases, m->name, n) == NULL)
            return;
    } else if (c->bases.n >= BASES_MOST || !is_uri(m->text)) {
        carried_misbehaving(c, "tells of addresses that can't be");
        return;
    } else if (lintel_map_put(&c->bases, m->name, n, c) != 0) {
        return; /* it stays reachable below /d */
    }
    c->t->tree.thing_base(c->t->tree.ctx, c->t, m->name, m->text);
}

/* ---- questions ------------------------------------------------------------------------------- */

void
open_derive(struct carried *c, const struct lintel_tw *m)
{
    uint8_t bytes[32];
    c->t->tree.derive(c->t->tree.ctx, m->bytes.p, m->bytes.n, bytes);
    tell(c, &(struct lintel_tw){.kind = LINTEL_TW_DERIVED,
                                .ticket = m->ticket,
                                .bytes = {(const char *)bytes, sizeof bytes}});
    lintel_secret_wipe(bytes, sizeof bytes);
}

/* Whether one more key may be asked for: a bucket that fills again. */
static int
may_ask(struct carried *c)
{
    lintel_mono now = lintel_loop_now(c->t->plug->loop);
    int64_t more = (now - c->keys_at) / (LINTEL_SECOND / KEYS_RATE);
    if (more > 0) {
        c->keys_at = now;
        c->keys_left = more + c->keys_left < CARRIED_KEYS ? c->keys_left + (uint32_t)more
                                                          : (uint32_t)CARRIED_KEYS;
    }
    if (c->keys_left == 0)
        return 0;
    c->keys_left--;
    return 1;
}

/* Who looks for identities that are there is seen. */
static void
tell_keys(struct carried *c)
{
    lintel_mono now = lintel_loop_now(c->t->plug->loop);
    if (c->keys_told != 0 && now - c->keys_told < KEYS_TOLD)
        return;
    lintel_log(LINTEL_LOG_WARN, c->t->conf->name,
               "keys were asked for of %u identities that the site does not have, and %u times too "
               "often",
               c->keys_unknown, c->keys_refused);
    c->keys_told = now;
    c->keys_unknown = c->keys_refused = 0;
}

void
open_psk(struct carried *c, const struct lintel_tw *m)
{
    uint8_t key[LINTEL_TW_KEY_MOST];
    struct lintel_tree_port *tree = &c->t->tree;
    uint32_t n = 0;
    int count = m->bytes.n == 0;
    const char *identity = m->bytes.p != NULL ? m->bytes.p : "";
    if (!count && !may_ask(c)) {
        c->keys_refused++;
        tell_keys(c);
    } else {
        n = tree->psk(tree->ctx, c->t, identity, m->bytes.n, key, m->number);
        if (!count && n == 0) {
            c->keys_unknown++;
            tell_keys(c);
        } else if (!count && lintel_map_put(&c->given, identity, m->bytes.n, c) != 0) {
            n = 0; /* what is not remembered can't be believed later */
        }
    }
    tell(c, &(struct lintel_tw){.kind = LINTEL_TW_KEY,
                                .ticket = m->ticket,
                                .number = n,
                                .bytes = {(const char *)key, count ? 0 : n}});
    if (c->out.n != 0)
        lintel_secret_wipe(c->out.p, c->out.n);
    lintel_secret_wipe(key, sizeof key);
}

void
open_mount(struct carried *c, const struct lintel_tw *m)
{
    lintel_status st = LINTEL_E_RANGE;
    if (c->nmounts < MOUNTS_MOST)
        st = c->t->tree.mount(c->t->tree.ctx, c->t, m->name, m->text);
    if (st == LINTEL_OK)
        c->nmounts++;
    tell(c, &(struct lintel_tw){.kind = LINTEL_TW_MOUNTED, .ticket = m->ticket, .status = st});
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
clear_exchanges(struct carried *c)
{
    for (uint32_t b = 0; b < LINTEL_COUNT(c->blocks); b++) {
        for (uint32_t i = 0; c->blocks[b] != NULL && i < CARRIED_BLOCK; i++) {
            struct carried_exchange *e = &c->blocks[b][i];
            if (e->theirs != 0)
                end_exchange(e);
        }
        lintel_free(c->blocks[b]);
        c->blocks[b] = NULL;
    }
}

static void
clear_sends(struct carried *c)
{
    static const char why[] = "the transport has ended";
    const lintel_answer a = {.size = sizeof a,
                             .code = UNAVAILABLE,
                             .format = LINTEL_FORMAT_NONE,
                             .payload = {why, sizeof why - 1}};
    while (c->nsends > 0) {
        lintel_ticket ticket = c->sends[--c->nsends];
        c->t->tree.reply(c->t->tree.ctx, c->t, ticket, &a);
    }
}

void
open_clear(struct carried *c)
{
    struct lintel_tree_port *tree = &c->t->tree;
    const struct lintel_map_slot *slot;
    lintel_timer_stop(c->t->plug->loop, &c->flush);
    clear_exchanges(c);
    if (c->nmounts > 0)
        tree->unmount(tree->ctx, c->t); /* who waits is told */
    c->nmounts = 0;
    clear_sends(c);
    for (size_t it = 0; lintel_map_next(&c->bases, &it, &slot);)
        tree->thing_base(tree->ctx, c->t, slot->key, NULL);
    lintel_map_fini(&c->bases);
    lintel_map_fini(&c->given);
    c->has = 0;
}

void
open_fini(struct carried *c)
{
    open_clear(c);
}
