/* SPDX-License-Identifier: Apache-2.0
 * POST /hub/buses/{bus}/reload: new code for a bus, without a stop. A thread looks for the plugin's
 * file and opens it. Where the new tables say the same, the things stay as they are; else the
 * site's files are read again, and of them this bus and its things are taken in, nothing else.
 * Buses that share a child with it go along. */
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bind/tables.h"
#include "core/daemon/hub_priv.h"
#include "core/plug/swap.h"
#include "core/serve/codes.h"
#include "core/serve/format.h"
#include "core/serve/json.h"

struct part { /* one bus of those that go together */
    struct running *bus;
    struct lintel_place at; /* in the site that runs */
    const lintel_plugin *was, *is;
    const char *file;
    char from[64]; /* version */
    int inside;    /* it runs in a thread of the hub */
    int same;      /* its settings and addresses fit the new tables */
};

struct renewal {
    struct bus_work work; /* first */
    struct renewal *next;
    struct lintel_hub *hub;
    void (*done)(void *done_ctx, const lintel_answer *a); /* NULL: nobody waits */
    void *done_ctx;
    char *bus;
    pthread_t thread;
    int reading;        /* the thread runs, or is to be joined */
    int starting, over; /* it has ended before its start has returned */
    struct lintel_report problems;
    struct lintel_site *site; /* where the tables are others */
    struct lintel_hub_change change;
    struct part *parts; /* the first is the one that was asked for */
    uint32_t n;
};

/* ---- the end --------------------------------------------------------------------------------- */

static void
renewal_free(struct renewal *w)
{
    lintel_report_fini(&w->problems);
    lintel_site_unref(w->site);
    lintel_free(w->parts);
    lintel_free(w->bus);
    lintel_free(w);
}

static void
answer(struct renewal *w, uint32_t code, int32_t format, const struct lintel_buf *b)
{
    static const char nomem[] = "out of memory";
    lintel_answer a = {.size = sizeof a,
                       .code = b->failed ? LINTEL_INTERNAL : code,
                       .format = b->failed ? LINTEL_FORMAT_NONE : format,
                       .payload = {b->failed ? nomem : b->p, b->failed ? sizeof nomem - 1 : b->n}};
    void (*done)(void *, const lintel_answer *) = w->done;
    w->done = NULL;
    if (done != NULL)
        done(w->done_ctx, &a);
}

/* The first one is over, and was answered. */
static void
end(struct renewal *w)
{
    struct lintel_hub *h = w->hub;
    LINTEL_ASSERT(h->renewals == w);
    h->renewals = w->next;
    h->renewing = 0;
    w->over = 1;
    if (!w->starting)
        renewal_free(w);
    hub_next(h);
}

static void
refuse(struct renewal *w, uint32_t code, const char *text, const char *more)
{
    struct lintel_buf b = {0};
    lintel_buf_addf(&b, "%s%s", text, more);
    lintel_log(LINTEL_LOG_ERROR, w->bus, "reload of its plugin: %s",
               b.failed ? "out of memory" : lintel_buf_str(&b));
    answer(w, code, LINTEL_FORMAT_NONE, &b);
    lintel_buf_fini(&b);
    end(w);
}

static void
refuse_files(struct renewal *w)
{
    struct lintel_buf b = {0};
    lintel_report_log(&w->problems, w->bus);
    lintel_report_json(&w->problems, &b);
    answer(w, LINTEL_UNPROCESSABLE, LINTEL_FORMAT_JSON, &b);
    lintel_buf_fini(&b);
    end(w);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void
add_part(struct lintel_buf *b, const struct part *p)
{
    struct lintel_instance_stats s;
    lintel_instance_stats(p->bus->instance, &s);
    lintel_json_item(b);
    lintel_buf_addc(b, '{');
    lintel_json_text(b, "bus", p->bus->name);
    lintel_json_text(b, "plugin", s.plugin);
    lintel_json_text(b, "from", p->from);
    lintel_json_text(b, "to", s.version);
    lintel_json_text(b, "file", s.file);
    lintel_buf_addc(b, '}');
    lintel_log(LINTEL_LOG_INFO, p->bus->name, "plugin %s reloaded: %s -> %s", s.plugin, p->from,
               s.version);
}

/* Buses that still run another file of the plugin. */
static void
add_others(struct lintel_buf *b, struct lintel_hub *h, const struct part *p)
{
    struct lintel_instance_stats mine, s;
    lintel_instance_stats(p->bus->instance, &mine);
    for (const struct running *r = h->buses; r != NULL; r = r->next) {
        lintel_instance_stats(r->instance, &s);
        if (r->stopping || strcmp(s.plugin, mine.plugin) != 0 || s.mark == mine.mark || s.mark == 0)
            continue;
        lintel_json_item(b);
        lintel_buf_add_json_str(b, r->name, strlen(r->name));
    }
}

static void
tell(struct renewal *w, int64_t gap_ns)
{
    const struct lintel_hub_change *c = &w->change;
    struct lintel_buf b = {0};
    lintel_buf_addc(&b, '{');
    lintel_json_key(&b, "buses");
    lintel_buf_addc(&b, '[');
    for (uint32_t k = 0; k < w->n; k++)
        add_part(&b, &w->parts[k]);
    lintel_buf_addc(&b, ']');
    lintel_json_seconds(&b, "gap", gap_ns, 1);
    lintel_json_count(&b, "added", c->added);
    lintel_json_count(&b, "changed", c->changed);
    lintel_json_count(&b, "removed", c->removed);
    lintel_json_key(&b, "others");
    lintel_buf_addc(&b, '[');
    add_others(&b, w->hub, &w->parts[0]);
    lintel_buf_adds(&b, "]}");
    answer(w, LINTEL_CHANGED, LINTEL_FORMAT_JSON, &b);
    lintel_buf_fini(&b);
    end(w);
}

/* The old instances have left. What was read by the new tables takes the place of the old. */
static void
moved(void *ctx)
{
    struct renewal *w = ctx;
    for (uint32_t k = 0; k < w->n; k++) {
        struct running *r = w->parts[k].bus;
        if (w->parts[k].same)
            continue;
        const struct lintel_port *conf = hub_port(w->site->buses, w->site->nbuses, r->name);
        memcpy(r->digest, conf->digest, sizeof r->digest);
        hub_things_of(w->hub, w->site, r->name, &w->change);
    }
}

static void
swapped(void *ctx, const struct lintel_swap_result *r)
{
    struct renewal *w = ctx;
    if (r->reason == NULL)
        tell(w, r->gap_ns);
    else if (!r->begun)
        refuse(w, LINTEL_UNPROCESSABLE, r->reason, "; nothing was changed, the old one runs on");
    else
        refuse(w, LINTEL_UNAVAILABLE, r->reason,
               "; the old one has ended, the new one is tried again ('lintel status')");
}

/* ---- the swap -------------------------------------------------------------------------------- */

/* Its entry in the files, where it must be read anew. 0 after refusing. */
static int
find_entry(struct renewal *w, const struct part *p, const struct lintel_port **ret)
{
    *ret = NULL;
    if (p->same)
        return 1;
    const struct lintel_port *conf = hub_port(w->site->buses, w->site->nbuses, p->bus->name);
    if (conf == NULL || strcmp(conf->plugin->name, p->was->name) != 0) {
        refuse(
            w, LINTEL_UNPROCESSABLE, p->bus->name,
            ": the new version of the plugin has other settings or keys, so that the site's files "
            "were read again; there this bus is gone or has another plugin: 'lintel reload' takes "
            "that in");
        return 0;
    }
    *ret = conf;
    return 1;
}

static void
swap(struct renewal *w)
{
    struct lintel_swap_member *members = lintel_alloc_array(w->n, sizeof *members);
    const struct lintel_swap_source source = {
        .members = members, .n = w->n, .site = w->site, .moved = moved, .done = swapped, .ctx = w};
    for (uint32_t k = 0; members != NULL && k < w->n; k++) {
        const struct part *p = &w->parts[k];
        members[k] = (struct lintel_swap_member){
            .instance = p->bus->instance, .plugin = p->is, .file = p->file};
        if (!find_entry(w, p, &members[k].conf)) {
            lintel_free(members);
            return;
        }
    }
    int begun = members != NULL && lintel_plug_swap(w->hub->plug, &source) == 0;
    lintel_free(members);
    if (!begun)
        refuse(w, LINTEL_INTERNAL, "out of memory", "; nothing was changed");
}

/* ---- reading, on a thread -------------------------------------------------------------------- */

static void
was_read(void *ctx)
{
    struct lintel_hub *h = ctx;
    struct renewal *w = h->renewals;
    if (h->closing || w == NULL || !w->reading)
        return;
    pthread_join(w->thread, NULL);
    w->reading = 0;
    hub_note_plugins(h);
    if (w->problems.errors != 0)
        refuse_files(w);
    else
        swap(w);
}

/* What will run inside of the hub is opened now: not on the loop. */
static void
open_inside(struct renewal *w, struct part *p)
{
    char reason[600];
    const struct lintel_port *conf = w->site != NULL && !p->same
                                         ? hub_port(w->site->buses, w->site->nbuses, p->bus->name)
                                         : NULL;
    if (conf != NULL ? conf->isolation != LINTEL_ISOLATION_THREAD : !p->inside)
        return;
    const lintel_plugin *code =
        lintel_loader_code(w->hub->reader.loader, p->is, 1, reason, sizeof reason);
    if (code == NULL)
        lintel_error(&w->problems, p->at, "plugin \"%s\" can't run inside of the hub: %s",
                     p->is->name, reason);
    p->is = code;
}

static void *
read_thread(void *ctx)
{
    struct renewal *w = ctx;
    struct lintel_hub *h = w->hub;
    int others = 0;
    for (uint32_t k = 0; k < w->n; k++) {
        struct part *p = &w->parts[k];
        p->is = lintel_loader_renew(h->reader.loader, p->was->name, p->at, &p->file, &w->problems);
        p->same = p->is != NULL && lintel_plugin_same_tables(p->was, p->is);
        others |= p->is != NULL && !p->same;
    }
    if (others && w->problems.errors == 0)
        w->site = lintel_site_read(&h->reader.source, &w->problems);
    for (uint32_t k = 0; k < w->n && w->problems.errors == 0; k++)
        open_inside(w, &w->parts[k]);
    while (lintel_loop_post(h->loop, was_read, h) != 0)
        ; /* out of memory for a few bytes: others will give some back */
    return NULL;
}

/* The bus that was asked for, and those that live in its child. -1: out of memory. */
static int
gather(struct renewal *w, struct running *first)
{
    struct lintel_hub *h = w->hub;
    uint32_t n = 0;
    for (const struct running *r = h->buses; r != NULL; r = r->next)
        n++;
    if ((w->parts = lintel_alloc_array(n, sizeof *w->parts)) == NULL)
        return -1;
    w->parts[w->n++].bus = first;
    for (struct running *r = h->buses; r != NULL; r = r->next)
        if (r != first && !r->stopping && lintel_plug_together(r->instance, first->instance))
            w->parts[w->n++].bus = r;
    for (uint32_t k = 0; k < w->n; k++) {
        struct part *p = &w->parts[k];
        struct lintel_instance_stats s;
        const struct lintel_port *conf = hub_port(h->site->buses, h->site->nbuses, p->bus->name);
        lintel_instance_stats(p->bus->instance, &s);
        lintel_copy(p->from, sizeof p->from, s.version);
        p->was = lintel_instance_plugin(p->bus->instance);
        p->inside = lintel_instance_conf(p->bus->instance)->isolation == LINTEL_ISOLATION_THREAD;
        p->at = conf != NULL ? conf->at : (struct lintel_place){h->site->dir, 0, 0};
    }
    return 0;
}

void
hub_renew(struct lintel_hub *h)
{
    struct renewal *w = h->renewals;
    if (w == NULL)
        return;
    h->renewing = 1;
    struct running *r = h->buses;
    while (r != NULL && (strcmp(r->name, w->bus) != 0 || r->stopping))
        r = r->next;
    if (r == NULL) {
        refuse(w, LINTEL_UNAVAILABLE, "the bus was stopped meanwhile", "");
        return;
    }
    h->reader.source.before = h->site;
    w->reading = 1;
    if (gather(w, r) == 0 && pthread_create(&w->thread, NULL, read_thread, w) == 0)
        return;
    w->reading = 0;
    refuse(w, LINTEL_INTERNAL, "out of memory or threads", "; try again");
}

/* ---- the verb -------------------------------------------------------------------------------- */

static void *
start(struct lintel_hub *h, struct running *r, const struct lintel_bus_call *call)
{
    struct renewal *w = lintel_alloc(sizeof *w), **last = &h->renewals;
    if (w == NULL || (w->bus = lintel_strdup(r->name)) == NULL) {
        lintel_free(w);
        bus_refuse(call, LINTEL_INTERNAL, "out of memory");
        return NULL;
    }
    lintel_log(LINTEL_LOG_INFO, r->name, "reload of its plugin asked for by %s", call->who);
    w->hub = h;
    w->done = call->done;
    w->done_ctx = call->done_ctx;
    while (*last != NULL)
        last = &(*last)->next;
    *last = w;
    w->starting = 1;
    hub_next(h); /* without memory for a turn of its own it begins here */
    w->starting = 0;
    if (!w->over)
        return w;
    renewal_free(w);
    return NULL;
}

static void
abandon(struct lintel_hub *h, void *work)
{
    struct renewal *w = work;
    (void)h;
    w->done = NULL; /* it goes on: half of it would be worse */
}

const struct bus_verb bus_reload_verb = {"reload", LINTEL_POST, start, abandon};

void
hub_renewals_join(struct lintel_hub *h)
{
    if (h->renewals == NULL || !h->renewals->reading)
        return;
    pthread_join(h->renewals->thread, NULL);
    h->renewals->reading = 0;
}

void
hub_renewals_free(struct lintel_hub *h)
{
    while (h->renewals != NULL) {
        struct renewal *w = h->renewals;
        h->renewals = w->next;
        renewal_free(w);
    }
}
