/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/deck.h"

#include <string.h>

#include "core/plug/hostloop.h"
#include "core/plug/wire.h"

#define GRACE INT64_C(1000000000) /* after a deadline */

struct device {
    lintel_device pub;
    struct device *next;
};

struct point {
    lintel_point pub;
    struct point *next;
};

struct run { /* a request */
    struct run *next;
    struct lintel_deck *deck;
    lintel_request pub;
    struct lintel_op *op;
    struct lintel_timer timer; /* its beginning; its patience; its end */
    struct lintel_buf done;    /* a DONE frame, once it is completed */
    int started, completed;
    lintel_point *points[];
};

struct lintel_deck {
    struct lintel_hostloop hostloop; /* first: what the plugin has */
    struct lintel_deck_source s;
    void *self;
    struct device *devices;
    struct point *points;
    struct run *runs;
    struct lintel_wire_scratch scratch;
    lintel_mono ahead; /* of the plugin's clock, while it is called */
    lintel_mono busy;  /* a plugin that blocks is so until then */
    int knows_tapes;   /* it has asked whether it replays */
    unsigned char answer[LINTEL_TAP_BYTES_MOST];
    char last_line[LINTEL_DECK_REASON];
};

static struct lintel_deck *
deck_of(const lintel_host *h)
{
    union {
        const lintel_host *in;
        struct lintel_deck *out;
    } u = {h}; /* the plugin's view is const, the deck is not */
    return u.out;
}

static lintel_mono
now(const struct lintel_deck *d)
{
    return lintel_loop_now(d->s.loop) + d->ahead;
}

static int
blocks(const struct lintel_deck *d)
{
    return (d->s.plugin->flags & LINTEL_PLUGIN_BLOCKING) != 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void
free_run(struct run *r)
{
    struct run **at = &r->deck->runs;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    lintel_timer_stop(r->deck->s.loop, &r->timer);
    lintel_buf_fini(&r->done);
    lintel_free(r);
}

/* The time of its end has come: what the plugin said goes out. */
static void
tell_done(void *arg)
{
    struct run *r = arg;
    struct lintel_deck *d = r->deck;
    struct lintel_op *op = r->op;
    struct lintel_wire_up m = {.status = LINTEL_E_NOMEM};
    if (r->completed &&
        lintel_wire_read_up((const unsigned char *)r->done.p, r->done.n, &d->scratch, &m) != 0)
        m = (struct lintel_wire_up){.status = LINTEL_E_NOMEM};
    else if (!r->completed)
        m.status = LINTEL_E_TIMEOUT;
    struct lintel_buf frame = r->done; /* the samples lie in it */
    r->done = (struct lintel_buf){0};
    free_run(r);
    d->s.fns->done(d->s.ctx, op, m.status, m.samples, m.n);
    lintel_buf_fini(&frame);
}

/* By the timer, so that done() never comes out of a call into the plugin. Without memory for the
 * timer it is told by the loop's next turn. */
static void
tell_at(struct run *r, lintel_mono at)
{
    if (lintel_timer_at(r->deck->s.loop, &r->timer, at, tell_done, r) != 0)
        (void)lintel_loop_post(r->deck->s.loop, tell_done, r);
}

static void
start_run(void *arg)
{
    struct run *r = arg;
    struct lintel_deck *d = r->deck;
    const lintel_plugin *p = d->s.plugin;
    void (*const fns[])(void *, const lintel_request *) = {[LINTEL_OP_READ] = p->read,
                                                           [LINTEL_OP_WRITE] = p->write,
                                                           [LINTEL_OP_INVOKE] = p->invoke,
                                                           [LINTEL_OP_SUBSCRIBE] = p->subscribe};
    r->started = 1;
    if (fns[r->op->kind] == NULL || r->pub.npoints == 0) {
        lintel_wire_samples(&r->done, &(struct lintel_wire_up){.kind = LINTEL_WIRE_DONE,
                                                               .status = r->pub.npoints == 0
                                                                             ? LINTEL_E_ADDRESS
                                                                             : LINTEL_E_NOTSUP});
        r->completed = 1;
        tell_at(r, now(d));
        return;
    }
    tell_at(r, r->pub.deadline + GRACE); /* the end of patience; completing it moves it */
    fns[r->op->kind](d->self, &r->pub);
    if (blocks(d))
        d->busy = now(d);
    d->ahead = 0;
}

static int
deck_submit(void *ctx, struct lintel_op *op)
{
    struct lintel_deck *d = ctx;
    struct run *r = lintel_alloc(sizeof *r + op->n * sizeof r->points[0]);
    if (r == NULL)
        return -1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < op->n; i++) {
        struct point *p = d->points;
        while (p != NULL && p->pub.id != op->slots[i])
            p = p->next;
        if (p != NULL)
            r->points[n++] = &p->pub;
    }
    r->deck = d;
    r->op = op;
    r->pub = (lintel_request){.size = sizeof r->pub,
                              .npoints = n,
                              .points = r->points,
                              .values = n == op->n ? op->values : NULL,
                              .deadline = op->deadline,
                              .batch = n == op->n ? op->batch : 0,
                              .priority = op->priority};
    lintel_mono at = now(d) > d->busy ? now(d) : d->busy;
    if (lintel_timer_at(d->s.loop, &r->timer, at, start_run, r) != 0) {
        lintel_free(r);
        return -1;
    }
    r->next = d->runs;
    d->runs = r;
    op->port_data = r;
    return 0;
}

static void
deck_cancel(void *ctx, struct lintel_op *op)
{
    struct lintel_deck *d = ctx;
    struct run *r = d->runs;
    while (r != NULL && r->op != op)
        r = r->next;
    if (r != NULL && r->started && !r->completed && !blocks(d) && d->s.plugin->cancel != NULL)
        d->s.plugin->cancel(d->self, &r->pub);
}

/* ---- devices and points ---------------------------------------------------------------------- */

static void
tell_refused(struct lintel_deck *d, int is_device, uint32_t id, lintel_status st)
{
    if (d->s.fns->refused != NULL)
        d->s.fns->refused(d->s.ctx, is_device, id, st, d->last_line);
}

static int
deck_attach(void *ctx, uint32_t id, const struct lintel_thing *t)
{
    struct lintel_deck *d = ctx;
    struct device *new = lintel_alloc(sizeof *new);
    if (new == NULL)
        return -1;
    new->pub = (lintel_device){sizeof new->pub, id, t->id, t->settings, NULL};
    d->last_line[0] = '\0';
    lintel_status st =
        d->s.plugin->attach != NULL ? d->s.plugin->attach(d->self, &new->pub) : LINTEL_OK;
    if (st != LINTEL_OK) {
        lintel_free(new);
        tell_refused(d, 1, id, st);
        return 0;
    }
    new->next = d->devices;
    d->devices = new;
    return 0;
}

static void
unbind(struct lintel_deck *d, struct point **at)
{
    struct point *p = *at;
    *at = p->next;
    if (d->s.plugin->unbind != NULL)
        d->s.plugin->unbind(d->self, &p->pub);
    lintel_free(p);
}

static void
deck_detach(void *ctx, uint32_t id)
{
    struct lintel_deck *d = ctx;
    for (struct device **at = &d->devices; *at != NULL; at = &(*at)->next) {
        struct device *gone = *at;
        if (gone->pub.id != id)
            continue;
        for (struct point **p = &d->points; *p != NULL;)
            if ((*p)->pub.device == &gone->pub)
                unbind(d, p);
            else
                p = &(*p)->next;
        *at = gone->next;
        if (d->s.plugin->detach != NULL)
            d->s.plugin->detach(d->self, &gone->pub);
        lintel_free(gone);
        return;
    }
}

static int
deck_bind(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *b, const char *name)
{
    struct lintel_deck *d = ctx;
    struct device *of = d->devices;
    while (of != NULL && of->pub.id != device)
        of = of->next;
    if (of == NULL)
        return 0; /* it was refused */
    struct point *p = lintel_alloc(sizeof *p);
    if (p == NULL)
        return -1;
    p->pub = (lintel_point){
        .size = sizeof p->pub,
        .id = slot,
        .kind = b->affordance->kind,
        .flags = b->flags,
        .wire_bytes = b->read.codec != NULL ? lintel_codec_wire_bytes(b->read.codec) : 0,
        .write_wire_bytes = b->write.codec != NULL ? lintel_codec_wire_bytes(b->write.codec) : 0,
        .device = &of->pub,
        .addr = b->read.addr,
        .write_addr = b->write.addr,
        .name = name};
    d->last_line[0] = '\0';
    lintel_status st = d->s.plugin->bind != NULL ? d->s.plugin->bind(d->self, &p->pub) : LINTEL_OK;
    if (st != LINTEL_OK) {
        lintel_free(p);
        tell_refused(d, 0, slot, st);
        return 0;
    }
    p->next = d->points;
    d->points = p;
    return 0;
}

static void
deck_unbind(void *ctx, uint32_t slot)
{
    struct lintel_deck *d = ctx;
    struct point **at = &d->points;
    while (*at != NULL && (*at)->pub.id != slot)
        at = &(*at)->next;
    if (*at != NULL)
        unbind(d, at);
}

struct lintel_bus_port
lintel_deck_port(struct lintel_deck *d)
{
    return (struct lintel_bus_port){.ctx = d,
                                    .attach = deck_attach,
                                    .detach = deck_detach,
                                    .bind = deck_bind,
                                    .unbind = deck_unbind,
                                    .submit = deck_submit,
                                    .cancel = deck_cancel};
}

/* ---- the hub as the plugin sees it ----------------------------------------------------------- */

static void
host_log(const lintel_host *h, int32_t level, const char *line)
{
    struct lintel_deck *d = deck_of(h);
    (void)level;
    (void)lintel_copy(d->last_line, sizeof d->last_line, line);
}

static void
host_complete(const lintel_host *h, const lintel_request *request, lintel_status st,
              const lintel_sample *s, uint32_t n)
{
    struct lintel_deck *d = deck_of(h);
    struct run *r = d->runs;
    while (r != NULL && &r->pub != request)
        r = r->next;
    if (r == NULL || r->completed)
        return;
    lintel_wire_samples(&r->done, &(struct lintel_wire_up){.kind = LINTEL_WIRE_DONE,
                                                           .status = st,
                                                           .n = st == LINTEL_OK ? n : 0,
                                                           .samples = s});
    r->completed = 1;
    tell_at(r, now(d));
}

static void
host_publish(const lintel_host *h, const lintel_sample *s, uint32_t n)
{
    struct lintel_deck *d = deck_of(h);
    if (d->s.fns->publish != NULL)
        d->s.fns->publish(d->s.ctx, s, n);
}

static void
host_link(const lintel_host *h, lintel_status st, const char *detail)
{
    struct lintel_deck *d = deck_of(h);
    if (d->s.fns->link != NULL)
        d->s.fns->link(d->s.ctx, st, detail);
}

static void
host_device(const lintel_host *h, const lintel_device *device, lintel_status st, const char *detail)
{
    struct lintel_deck *d = deck_of(h);
    if (d->s.fns->device != NULL)
        d->s.fns->device(d->s.ctx, device->id, st, detail);
}

static int32_t
host_cancelled(const lintel_host *h, const lintel_request *r)
{
    return now(deck_of(h)) >= r->deadline;
}

static lintel_mono
host_now(const lintel_host *h)
{
    return now(deck_of(h));
}

static lintel_wall
host_wall(const lintel_host *h)
{
    const struct lintel_deck *d = deck_of(h);
    return lintel_loop_wall(d->s.loop) + d->ahead;
}

static int32_t
wire_wanted(const lintel_host *h)
{
    return deck_of(h)->s.fns->message != NULL;
}

static void
wire_tell(const lintel_host *h, const lintel_tap *t)
{
    struct lintel_deck *d = deck_of(h);
    lintel_tap own = *t;
    own.when = host_wall(h);
    if (d->s.fns->message != NULL)
        d->s.fns->message(d->s.ctx, &own);
}

static int32_t
wire_replaying(const lintel_host *h)
{
    deck_of(h)->knows_tapes = 1;
    return 1;
}

/* The plugin's clock goes to `until`. Only a plugin that blocks has one of its own. */
static void
wire_wait(const lintel_host *h, lintel_mono until)
{
    struct lintel_deck *d = deck_of(h);
    if (blocks(d) && until > now(d))
        d->ahead += until - now(d);
}

static lintel_status
wire_find(const lintel_host *h, const lintel_tap *question, lintel_mono deadline, lintel_tap *ret)
{
    struct lintel_deck *d = deck_of(h);
    const lintel_tap *answer = NULL,
                     *asked = lintel_tape_find(d->s.tape, question, host_wall(h), &answer);
    if (asked == NULL)
        return LINTEL_E_ADDRESS;
    lintel_mono came = answer != NULL ? now(d) + (answer->when - asked->when) : deadline;
    if (answer == NULL || came >= deadline || answer->n > sizeof d->answer) {
        wire_wait(h, deadline);
        return LINTEL_E_TIMEOUT;
    }
    wire_wait(h, came);
    memcpy(d->answer, answer->p, answer->n);
    if (answer->n >= question->serial)
        memcpy(d->answer, question->p, question->serial);
    *ret = *answer;
    ret->p = d->answer;
    ret->when = host_wall(h);
    return LINTEL_OK;
}

static int32_t
wire_message(const lintel_host *h, uint32_t i, lintel_tap *ret)
{
    const struct lintel_tape *t = deck_of(h)->s.tape;
    if (i >= t->n)
        return 0;
    *ret = t->messages[i];
    return 1;
}

static void
wire_missed(const lintel_host *h, const lintel_tap *question)
{
    struct lintel_deck *d = deck_of(h);
    if (d->s.fns->missed != NULL)
        d->s.fns->missed(d->s.ctx, question);
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    static const lintel_host_wire wire = {sizeof wire,    0,         wire_wanted,  wire_tell,
                                          wire_replaying, wire_find, wire_message, wire_missed,
                                          wire_wait};
    if (strcmp(id, LINTEL_EXT_WIRE) == 0)
        return &wire;
    if (strcmp(id, LINTEL_EXT_LOOP) == 0 && !blocks(deck_of(h)))
        return &lintel_hostloop_extension;
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static const lintel_host deck_host = {.size = sizeof deck_host,
                                      .abi_minor = LINTEL_ABI_MINOR,
                                      .log = host_log,
                                      .complete = host_complete,
                                      .publish = host_publish,
                                      .link = host_link,
                                      .device = host_device,
                                      .cancelled = host_cancelled,
                                      .now = host_now,
                                      .wall = host_wall,
                                      .extension = host_extension};

struct lintel_deck *
lintel_deck_new(const struct lintel_deck_source *s, char reason[LINTEL_DECK_REASON])
{
    const lintel_plugin *p = s->plugin;
    struct lintel_deck *d = lintel_alloc(sizeof *d);
    (void)lintel_copy(reason, LINTEL_DECK_REASON, "out of memory");
    if (d == NULL)
        return NULL;
    d->hostloop.host = deck_host;
    d->s = *s;
    d->hostloop.loop = s->loop;
    lintel_status st = p->create(&d->hostloop.host, s->settings, &d->self);
    if (st != LINTEL_OK) {
        (void)lintel_copy(reason, LINTEL_DECK_REASON, d->last_line);
        lintel_hostloop_clear(&d->hostloop);
        lintel_free(d);
        return NULL;
    }
    st = p->start != NULL ? p->start(d->self) : LINTEL_OK;
    d->ahead = 0;
    if (st == LINTEL_OK && d->knows_tapes)
        return d;
    if (st != LINTEL_OK)
        (void)lintel_copy(reason, LINTEL_DECK_REASON, d->last_line);
    else
        (void)lintel_format(reason, LINTEL_DECK_REASON, "the plugin \"%s\" can't play recordings",
                            p->name);
    lintel_deck_free(d);
    return NULL;
}

void
lintel_deck_free(struct lintel_deck *d)
{
    if (d == NULL)
        return;
    if (d->s.plugin->stop != NULL)
        d->s.plugin->stop(d->self);
    while (d->runs != NULL)
        free_run(d->runs);
    while (d->devices != NULL)
        deck_detach(d, d->devices->pub.id);
    d->s.plugin->destroy(d->self);
    lintel_hostloop_clear(&d->hostloop);
    lintel_wire_scratch_fini(&d->scratch);
    lintel_free(d);
}
