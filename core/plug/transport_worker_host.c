/* SPDX-License-Identifier: Apache-2.0
 * The hub as a transport in a child sees it, see core/plug/transport_worker_priv.h. What plugins
 * call on the transports' thread goes to the hub as a frame. What a caller inside the daemon would
 * know when the call returns is waited for, so that a plugin sees no difference: a first answer
 * that is there at once travels in the response that the client waits for. */
#include <string.h>
#include <sys/random.h>

#include "core/base/log.h"
#include "core/plug/transport_worker_priv.h"
#include "core/trust/secret.h"

#define MS INT64_C(1000000)
#define OUTCOME_MOST (100 * MS)   /* for the tree to answer, or to say that it takes longer */
#define QUESTION_MOST (2000 * MS) /* for derive(), psk() and mount() */
enum { SLOT_BITS = 17 };          /* of a ticket: the place of the exchange */

static struct lintel_transport_worker *
worker_of(const lintel_host *h)
{
    union {
        const lintel_host *in;
        struct lintel_transport_worker *out;
    } u = {h}; /* the plugin's view is const, the worker is not */
    return u.out;
}

void
tw_misbehaving(struct lintel_transport_worker *w, const char *what)
{
    if (w->dead)
        lintel_log(LINTEL_LOG_ERROR, "plugin", "PLUGIN MISBEHAVING: it %s after it was destroyed",
                   what);
    else
        tw_say_locked(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_MISBEHAVING, .text = what});
}

/* Whether the plugin may speak to the tree; else it is told. */
static int
may_speak(struct lintel_transport_worker *w, const char *what)
{
    pthread_mutex_lock(&w->thread->lock);
    int ok = !w->dead && w->plugin != NULL;
    if (!ok)
        tw_misbehaving(w, what);
    pthread_mutex_unlock(&w->thread->lock);
    return ok;
}

/* ---- exchanges ------------------------------------------------------------------------------- */

static struct tw_slot *
slot_of(struct lintel_transport_worker *w, uint64_t ticket)
{
    uint64_t i = ticket & ((1u << SLOT_BITS) - 1);
    return ticket != 0 && i < w->nslots && w->slots[i].ticket == ticket ? &w->slots[i] : NULL;
}

static struct tw_slot *
take_slot(struct lintel_transport_worker *w, void *cookie)
{
    uint32_t i;
    if (w->free_slot != 0) {
        i = w->free_slot - 1;
        w->free_slot = w->slots[i].next_free;
    } else {
        if (w->nslots == LINTEL_TW_OPEN_MOST)
            return NULL;
        if ((w->nslots & (w->nslots - 1)) == 0) { /* a power of two: full */
            uint32_t room = w->nslots != 0 ? w->nslots * 2 : 1;
            struct tw_slot *slots = lintel_grow(w->slots, room, sizeof *slots);
            if (slots == NULL)
                return NULL;
            w->slots = slots;
        }
        i = w->nslots++;
    }
    w->slots[i] =
        (struct tw_slot){cookie, (++w->serial << SLOT_BITS | i) & (LINTEL_TW_QUESTION - 1), 0};
    return &w->slots[i];
}

static void
free_slot(struct lintel_transport_worker *w, struct tw_slot *s)
{
    s->ticket = 0;
    s->next_free = w->free_slot;
    w->free_slot = (uint32_t)(s - w->slots) + 1;
}

/* Unless it has ended meanwhile. */
static void
free_slot_of(struct lintel_transport_worker *w, uint64_t ticket)
{
    struct tw_slot *s = slot_of(w, ticket);
    if (s != NULL)
        free_slot(w, s);
}

void
tw_slots_fini(struct lintel_transport_worker *w)
{
    lintel_free(w->slots);
    w->slots = NULL;
    w->nslots = w->free_slot = 0;
}

int
tw_outcome(struct lintel_transport_worker *w, const struct lintel_tw *m)
{
    struct tw_slot *s = slot_of(w, m->ticket);
    if (w->late == m->ticket)
        w->late = 0; /* the hub has caught up */
    if (s == NULL)
        return 0; /* abandoned in between */
    void *cookie = s->cookie;
    int goes_on =
        m->kind == LINTEL_TW_ANSWER ? (m->a.flags & LINTEL_ANSWER_MORE) != 0 : m->number != 0;
    if (!goes_on)
        free_slot(w, s); /* first: the plugin may submit from inside */
    if (m->kind == LINTEL_TW_ANSWER && LINTEL_HAS(w->ops, answer))
        w->ops->answer(w->self, cookie, &m->a);
    return goes_on && slot_of(w, m->ticket) != NULL;
}

/* Answers what can't go to the hub. */
static lintel_ticket
answer_here(struct lintel_transport_worker *w, const lintel_exchange *x, uint32_t code,
            const char *text)
{
    const lintel_answer a = {.size = sizeof a,
                             .code = code,
                             .format = LINTEL_FORMAT_NONE,
                             .size1 = code == LINTEL_CODE(4, 13) ? LINTEL_TW_BODY : 0,
                             .payload = {text, strlen(text)}};
    if (!(x->flags & LINTEL_X_AT_ONCE))
        w->ops->answer(w->self, x->cookie, &a);
    return 0;
}

/* The outcome has come while submit() ran. */
static int
take_outcome(struct lintel_transport_worker *w, const struct tw_message *reply)
{
    struct tw_scratch *s = tw_scratch_take(w->thread);
    struct lintel_tw m;
    int goes_on = 0;
    if (s != NULL && lintel_tw_read_down(reply->data, reply->n, &s->scratch, &m) == 0)
        goes_on = tw_outcome(w, &m);
    else /* the plugin would wait for an answer that was here */
        w->fns.lost(w->ctx);
    if (s != NULL)
        tw_scratch_put(w->thread, s);
    return goes_on;
}

static lintel_ticket
tree_submit(const lintel_host *h, const lintel_exchange *x)
{
    struct lintel_transport_worker *w = worker_of(h);
    struct lintel_tw m = {.kind = LINTEL_TW_SUBMIT};
    int failed = 0;
    if (!may_speak(w, "submitted a request"))
        return 0;
    if (!LINTEL_HAS(w->ops, answer)) {
        pthread_mutex_lock(&w->thread->lock);
        tw_misbehaving(w, "submits a request, but has no answer() for what comes");
        pthread_mutex_unlock(&w->thread->lock);
        return 0;
    }
    if (x->payload.n > LINTEL_TW_BODY)
        return answer_here(w, x, LINTEL_CODE(4, 13), "too large for a transport in a process");
    struct tw_slot *s = take_slot(w, x->cookie);
    if (s == NULL)
        return answer_here(w, x, LINTEL_CODE(5, 3), "too many requests under way");
    uint64_t ticket = m.ticket = s->ticket;
    memcpy(&m.x, x, x->size < sizeof m.x ? x->size : sizeof m.x);
    /* A hub that is behind is not waited for again and again: then answers come by themselves. */
    struct tw_message *reply = tw_ask(w, &m, w->late != 0 ? 0 : OUTCOME_MOST, &failed);
    if (failed != 0) {
        free_slot_of(w, ticket);
        return failed == TW_LONG
                   ? answer_here(w, x, LINTEL_CODE(4, 0), "a part of the request is too long")
                   : answer_here(w, x, LINTEL_CODE(5, 3), "out of memory");
    }
    if (reply != NULL) {
        int goes_on = take_outcome(w, reply);
        lintel_free(reply);
        return goes_on ? ticket : 0;
    }
    if (x->flags & LINTEL_X_AT_ONCE) {
        free_slot_of(w, ticket); /* what comes yet is for nobody */
        return 0;
    }
    w->late = ticket;
    return ticket;
}

static void
tree_abandon(const lintel_host *h, lintel_ticket ticket)
{
    struct lintel_transport_worker *w = worker_of(h);
    if (!may_speak(w, "abandoned a request"))
        return;
    struct tw_slot *s = slot_of(w, ticket);
    if (s == NULL)
        return;
    free_slot(w, s);
    tw_tell(w, (struct lintel_tw){.kind = LINTEL_TW_ABANDON, .ticket = ticket});
}

/* Members that the plugin's ABI did not have are empty. */
static lintel_answer
whole(const lintel_answer *a)
{
    lintel_answer ret = {0};
    memcpy(&ret, a, a->size < sizeof ret ? a->size : sizeof ret);
    ret.size = sizeof ret;
    return ret;
}

static void
send_answer(struct lintel_transport_worker *w, enum lintel_tw_kind kind, lintel_ticket ticket,
            const lintel_answer *a)
{
    static const char why[] = "the answer is larger than a plugin in a process can give";
    if (!may_speak(w, "answered") ||
        tw_tell(w, (struct lintel_tw){.kind = kind, .ticket = ticket, .a = whole(a)}) != TW_LONG)
        return;
    tw_tell(w, (struct lintel_tw){.kind = kind,
                                  .ticket = ticket,
                                  .a = {.code = LINTEL_CODE(5, 0),
                                        .format = LINTEL_FORMAT_NONE,
                                        .payload = {why, sizeof why - 1}}});
}

static void
tree_reply(const lintel_host *h, lintel_ticket ticket, const lintel_answer *a)
{
    send_answer(worker_of(h), LINTEL_TW_REPLY, ticket, a);
}

static void
resources_answer(const lintel_host *h, lintel_ticket ticket, const lintel_answer *a)
{
    send_answer(worker_of(h), LINTEL_TW_RESOURCE_ANSWER, ticket, a);
}

static void
tree_thing_base(const lintel_host *h, const char *thing, const char *base)
{
    struct lintel_transport_worker *w = worker_of(h);
    if (may_speak(w, "told of an address"))
        tw_tell(w, (struct lintel_tw){.kind = LINTEL_TW_THING_BASE, .name = thing, .text = base});
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The reply to a question, read into s; NULL: none has come. The caller frees it. */
static struct tw_message *
question(struct lintel_transport_worker *w, struct lintel_tw *m, enum lintel_tw_kind wanted,
         struct lintel_tw_scratch *s, struct lintel_tw *ret)
{
    int failed;
    m->ticket = LINTEL_TW_QUESTION | ++w->questions;
    struct tw_message *reply = tw_ask(w, m, QUESTION_MOST, &failed);
    if (reply != NULL && lintel_tw_read_down(reply->data, reply->n, s, ret) == 0 &&
        ret->kind == wanted)
        return reply;
    lintel_free(reply);
    return NULL;
}

static void
could_not(struct lintel_transport_worker *w, const char *line)
{
    tw_say(w, (struct lintel_wire_up){
                  .kind = LINTEL_WIRE_LOG, .level = LINTEL_LOG_ERROR, .text = line});
}

/* Without a reply the bytes are random, and told by nobody: what is made of them proves nothing. */
static void
tree_derive(const lintel_host *h, const void *label, size_t n, uint8_t ret[32])
{
    struct lintel_transport_worker *w = worker_of(h);
    struct lintel_tw m = {.kind = LINTEL_TW_DERIVE, .bytes = {label, n}}, in;
    struct tw_scratch *s = may_speak(w, "asked for a secret") ? tw_scratch_take(w->thread) : NULL;
    struct tw_message *reply =
        s != NULL ? question(w, &m, LINTEL_TW_DERIVED, &s->scratch, &in) : NULL;
    if (reply != NULL) {
        memcpy(ret, in.bytes.p, 32);
        lintel_secret_wipe(reply->data, reply->n);
        lintel_free(reply);
    } else {
        could_not(w, "the hub did not answer within 2 s: values derived now are of no use");
        if (getrandom(ret, 32, GRND_NONBLOCK) != 32)
            memset(ret, 0, 32);
    }
    if (s != NULL)
        tw_scratch_put(w->thread, s);
}

static uint32_t
tree_psk(const lintel_host *h, const char *identity, size_t n, uint8_t *key, uint32_t room)
{
    struct lintel_transport_worker *w = worker_of(h);
    struct lintel_tw m = {
        .kind = LINTEL_TW_PSK, .bytes = {identity, n}, .number = room < 1024 ? room : 1024};
    struct lintel_tw in;
    uint32_t ret = 0;
    struct tw_scratch *s = may_speak(w, "asked for a key") ? tw_scratch_take(w->thread) : NULL;
    struct tw_message *reply = s != NULL ? question(w, &m, LINTEL_TW_KEY, &s->scratch, &in) : NULL;
    if (reply != NULL) {
        if (n == 0) {
            ret = in.number; /* how many there are */
        } else if (in.bytes.n == in.number && in.number <= room) {
            ret = in.number;
            if (ret != 0)
                memcpy(key, in.bytes.p, ret);
        }
        lintel_secret_wipe(reply->data, reply->n);
        lintel_free(reply);
    } else {
        could_not(w, "the hub did not give a key within 2 s");
    }
    if (s != NULL)
        tw_scratch_put(w->thread, s);
    return ret;
}

static lintel_status
resources_mount(const lintel_host *h, const char *name, const char *links)
{
    struct lintel_transport_worker *w = worker_of(h);
    struct lintel_tw m = {.kind = LINTEL_TW_MOUNT, .name = name, .text = links}, in;
    lintel_status ret = LINTEL_E_FAIL;
    if (!w->started || !LINTEL_HAS(w->resources, request))
        return LINTEL_E_NOTSUP;
    struct tw_scratch *s = may_speak(w, "mounted a name") ? tw_scratch_take(w->thread) : NULL;
    if (s == NULL)
        return LINTEL_E_NOMEM;
    if (strlen(name) >= LINTEL_TW_NAME || strlen(links) >= LINTEL_TW_LINKS) {
        ret = LINTEL_E_RANGE;
    } else {
        struct tw_message *reply = question(w, &m, LINTEL_TW_MOUNTED, &s->scratch, &in);
        if (reply != NULL)
            ret = in.status;
        else
            could_not(w, "the hub did not answer within 2 s: nothing is mounted");
        lintel_free(reply);
    }
    tw_scratch_put(w->thread, s);
    return ret;
}

/* ---- all else -------------------------------------------------------------------------------- */

static void
host_log(const lintel_host *h, int32_t level, const char *line)
{
    struct lintel_transport_worker *w = worker_of(h);
    pthread_mutex_lock(&w->thread->lock);
    if (w->dead) {
        tw_misbehaving(w, "wrote to the log");
    } else {
        lintel_copy(w->last_line, sizeof w->last_line, line);
        if (level <= w->log_most)
            tw_say_locked(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_LOG,
                                                     .level = level < 0   ? 0
                                                              : level > 3 ? 3
                                                                          : level,
                                                     .text = line});
    }
    pthread_mutex_unlock(&w->thread->lock);
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    struct lintel_transport_worker *w = worker_of(h);
    if (may_speak(w, "told of its connection"))
        tw_say(w, (struct lintel_wire_up){.kind = LINTEL_WIRE_LINK,
                                          .status = st > 0 ? LINTEL_E_FAIL : st,
                                          .text = detail});
}

/* Requests, values and devices are a protocol plugin's. */
static void
no_points(const lintel_host *h)
{
    struct lintel_transport_worker *w = worker_of(h);
    pthread_mutex_lock(&w->thread->lock);
    tw_misbehaving(w, "completes or publishes points: a transport has none");
    pthread_mutex_unlock(&w->thread->lock);
}

static void
host_complete(const lintel_host *h, const lintel_request *r, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    (void)r, (void)st, (void)s, (void)n;
    no_points(h);
}

static void
host_publish(const lintel_host *h, const lintel_sample *s, uint32_t n)
{
    (void)s, (void)n;
    no_points(h);
}

static void
host_device(const lintel_host *h, const lintel_device *d, lintel_status st, const char *detail)
{
    (void)d, (void)st, (void)detail;
    no_points(h);
}

static int32_t
host_cancelled(const lintel_host *h, const lintel_request *r)
{
    (void)h, (void)r;
    return 1;
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    static const lintel_host_transport tree = {
        .size = sizeof tree,
        .submit = tree_submit,
        .abandon = tree_abandon,
        .reply = tree_reply,
        .thing_base = tree_thing_base,
        .derive = tree_derive,
        .psk = tree_psk,
    };
    static const lintel_host_resources resources = {sizeof resources, 0, resources_mount,
                                                    resources_answer};
    (void)h;
    if (strcmp(id, LINTEL_EXT_LOOP) == 0)
        return &lintel_hostloop_extension;
    if (strcmp(id, LINTEL_EXT_RESOURCES) == 0)
        return &resources;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &tree : NULL;
}

const lintel_host tw_host = {.size = sizeof tw_host,
                             .abi_minor = LINTEL_ABI_MINOR,
                             .log = host_log,
                             .complete = host_complete,
                             .publish = host_publish,
                             .link = host_link,
                             .device = host_device,
                             .cancelled = host_cancelled,
                             .now = lintel_hostloop_now,
                             .wall = lintel_hostloop_wall,
                             .extension = host_extension};
