/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/random.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/daemon/hub_priv.h"
#include "core/serve/local.h"
#include "core/serve/trail.h"
#include "core/store/store.h"
#include "core/trust/secret.h"

struct running *
hub_running_find(struct running *list, const char *name)
{
    for (; list != NULL; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

struct running *
hub_running_add(struct lintel_hub *h, struct running **list, const struct lintel_port *conf)
{
    struct running *r = lintel_alloc(sizeof *r);
    if (r == NULL || (r->name = lintel_strdup(conf->name)) == NULL) {
        lintel_free(r);
        return NULL;
    }
    memcpy(r->digest, conf->digest, sizeof r->digest);
    r->hub = h;
    r->next = *list;
    *list = r;
    return r;
}

void
hub_running_remove(struct running **list, struct running *r)
{
    while (*list != r)
        list = &(*list)->next;
    *list = r->next;
    lintel_free(r->name);
    lintel_free(r);
}

/* ---- what there was no memory for ------------------------------------------------------------ */

#define MEND_FIRST INT64_C(100000000)
#define MEND_MOST INT64_C(10000000000)
#define MEND_CALM (4 * MEND_MOST) /* then it counts as the first time */
#define MEND_NEVER (INT64_MAX / 2)

static void on_mend(void *arg);

/* Soon, and ever more slowly where it was of no use: a plugin may say for ever that it has no
 * memory. */
static void
mend_later(void *arg)
{
    struct lintel_hub *h = arg;
    lintel_mono now = lintel_loop_now(h->loop);
    if (h->lacking || h->mend.slot == 0)
        return;
    h->lacking = 1;
    if (h->mend_pause == 0 || now - h->mended > MEND_CALM)
        h->mend_pause = MEND_FIRST;
    else if ((h->mend_pause *= 2) > MEND_MOST)
        h->mend_pause = MEND_MOST;
    (void)lintel_timer_at(h->loop, &h->mend, now + h->mend_pause, on_mend, h);
}

/* ---- starting and stopping parts ------------------------------------------------------------- */

static void
add_thing(struct lintel_hub *h, struct lintel_site *site, const struct lintel_thing *t)
{
    struct lintel_bus *bus = lintel_engine_find_bus(h->engine, t->bus);
    struct lintel_live_thing *live =
        bus == NULL ? NULL : lintel_engine_add_thing(h->engine, bus, site, t);
    if (live == NULL) {
        lintel_log(LINTEL_LOG_ERROR, "hub", "%s can't be started: out of memory", t->id);
        mend_later(h);
        return;
    }
    lintel_tree_thing(h->tree, live, 1);
    hub_tell_transports(h, t, 1);
}

static void
remove_thing(struct lintel_hub *h, struct lintel_live_thing *live)
{
    const struct lintel_thing *conf = lintel_live_thing_conf(live);
    lintel_tree_thing(h->tree, live, 0);
    lintel_engine_remove_thing(h->engine, live); /* buried at the end of the turn */
    hub_tell_transports(h, conf, 0); /* last: who observes it at its own address hears of it */
}

/* One thing in the place of another one with its id, on the same bus: its observers go on, and it
 * keeps an own address. With another zone it is another endpoint, for other people. */
static void
replace_thing(struct lintel_hub *h, struct lintel_live_thing *live, struct lintel_site *site,
              const struct lintel_thing *t)
{
    if (strcmp(lintel_live_thing_conf(live)->zone, t->zone) != 0) {
        remove_thing(h, live);
        add_thing(h, site, t);
        return;
    }
    struct lintel_live_thing *now = lintel_engine_replace_thing(h->engine, live, site, t);
    if (now != NULL) {
        lintel_tree_thing_replaced(h->tree, now);
        return;
    }
    lintel_log(LINTEL_LOG_ERROR, "hub", "%s stays as it was: out of memory", t->id);
    mend_later(h);
}

static void
start_bus(struct lintel_hub *h, struct lintel_site *site, const struct lintel_port *conf)
{
    struct running *r = hub_running_add(h, &h->buses, conf);
    if (r != NULL)
        r->instance = lintel_plug_start_bus(h->plug, site, conf);
    if (r != NULL && r->instance != NULL)
        return;
    if (r != NULL)
        hub_running_remove(&h->buses, r);
    lintel_log(LINTEL_LOG_ERROR, "hub", "bus %s can't be started: out of memory", conf->name);
    mend_later(h);
}

const struct lintel_port *
hub_port(const struct lintel_port *ports, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(ports[i].name, name) == 0)
            return &ports[i];
    return NULL;
}

static void
start_things_of(struct lintel_hub *h, const char *bus)
{
    for (uint32_t i = 0; i < h->site->nthings; i++)
        if (strcmp(h->site->things[i].bus, bus) == 0)
            add_thing(h, h->site, &h->site->things[i]);
}

/* A bus has ended. If the site of now wants one of that name, its line or port is free again. */
static void
bus_ended(void *ctx)
{
    struct running *r = ctx;
    struct lintel_hub *h = r->hub;
    const struct lintel_port *conf = hub_port(h->site->buses, h->site->nbuses, r->name);
    hub_running_remove(&h->buses, r);
    if (conf == NULL || h->closing)
        return;
    start_bus(h, h->site, conf);
    start_things_of(h, conf->name);
}

/* Its things go with it: those that are wanted come back with a new bus, or elsewhere. */
static void
stop_bus(struct lintel_hub *h, struct running *r, const struct lintel_map *wanted,
         struct lintel_hub_change *c)
{
    for (uint32_t i = lintel_engine_nthings(h->engine); i-- > 0;) {
        struct lintel_live_thing *t = lintel_engine_thing_at(h->engine, i);
        const char *id = lintel_live_thing_conf(t)->id;
        if (strcmp(lintel_live_thing_conf(t)->bus, r->name) != 0)
            continue;
        *(lintel_map_get(wanted, id, strlen(id)) != NULL ? &c->changed : &c->removed) += 1;
        remove_thing(h, t);
    }
    r->stopping = 1;
    lintel_plug_stop_bus(h->plug, r->instance, bus_ended, r);
}

/* ---- taking a site in ------------------------------------------------------------------------ */

static void
apply_buses(struct lintel_hub *h, const struct lintel_site *before, struct lintel_site *site,
            const struct lintel_map *wanted, struct lintel_hub_change *c)
{
    for (struct running *r = h->buses, *next; r != NULL; r = next) {
        const struct lintel_port *conf = hub_port(site->buses, site->nbuses, r->name);
        next = r->next;
        if (r->stopping || (conf != NULL && memcmp(conf->digest, r->digest, sizeof r->digest) == 0))
            continue;
        if (conf == NULL)
            c->removed++;
        stop_bus(h, r, wanted, c);
    }
    for (uint32_t i = 0; i < site->nbuses; i++) {
        const struct lintel_port *conf = &site->buses[i];
        struct running *r = hub_running_find(h->buses, conf->name);
        if (r != NULL && !r->stopping) {
            c->kept++;
            continue;
        }
        int known = before != NULL && hub_port(before->buses, before->nbuses, conf->name) != NULL;
        *(known ? &c->changed : &c->added) += 1;
        if (r == NULL)
            start_bus(h, site, conf); /* else bus_ended() does */
    }
}

/* Things of the new site by id. -1: out of memory. */
static int
index_things(const struct lintel_site *site, struct lintel_map *ret)
{
    for (uint32_t i = 0; i < site->nthings; i++)
        if (lintel_map_put(ret, site->things[i].id, strlen(site->things[i].id), &site->things[i]) !=
            0)
            return -1;
    return 0;
}

static void
apply_things(struct lintel_hub *h, struct lintel_site *site, const struct lintel_map *wanted,
             const struct lintel_map *had, struct lintel_hub_change *c)
{
    for (uint32_t i = lintel_engine_nthings(h->engine); i-- > 0;) {
        struct lintel_live_thing *live = lintel_engine_thing_at(h->engine, i);
        const struct lintel_thing *was = lintel_live_thing_conf(live);
        const struct lintel_thing *is = lintel_map_get(wanted, was->id, strlen(was->id));
        if (is != NULL && memcmp(is->digest, was->digest, sizeof is->digest) == 0 &&
            strcmp(is->bus, was->bus) == 0 && !lintel_live_thing_starved(live)) {
            c->kept++;
            continue;
        }
        *(is == NULL ? &c->removed : &c->changed) += 1;
        if (is != NULL && strcmp(is->bus, was->bus) == 0) {
            replace_thing(h, live, site, is); /* its bus runs: a stopped one has no things */
            continue;
        }
        remove_thing(h, live);
        const struct running *r = is != NULL ? hub_running_find(h->buses, is->bus) : NULL;
        if (r != NULL && !r->stopping)
            add_thing(h, site, is);
    }
    for (uint32_t i = 0; i < site->nthings; i++) {
        const struct lintel_thing *t = &site->things[i];
        struct running *r = hub_running_find(h->buses, t->bus);
        if (r == NULL || r->stopping || /* bus_ended() starts its things */
            lintel_engine_find_thing(h->engine, t->id, strlen(t->id)) != NULL)
            continue;
        add_thing(h, site, t);
        c->added += lintel_map_get(had, t->id, strlen(t->id)) == NULL; /* else it is counted */
    }
}

void
hub_things_of(struct lintel_hub *h, struct lintel_site *site, const char *bus,
              struct lintel_hub_change *c)
{
    for (uint32_t i = 0; i < site->nthings; i++) {
        const struct lintel_thing *t = &site->things[i];
        struct lintel_live_thing *live =
            strcmp(t->bus, bus) == 0 ? lintel_engine_find_thing(h->engine, t->id, strlen(t->id))
                                     : NULL;
        if (strcmp(t->bus, bus) != 0)
            continue;
        if (live == NULL) {
            add_thing(h, site, t);
            c->added++;
        } else if (strcmp(lintel_live_thing_conf(live)->bus, bus) == 0) {
            replace_thing(h, live, site, t);
            c->changed++;
        } /* else it moves here with the next reload */
    }
    for (uint32_t i = lintel_engine_nthings(h->engine); i-- > 0;) {
        struct lintel_live_thing *live = lintel_engine_thing_at(h->engine, i);
        const struct lintel_thing *was = lintel_live_thing_conf(live);
        /* What was not replaced has settings that the new plugin can't read. */
        if (strcmp(was->bus, bus) != 0 ||
            (was >= site->things && was < site->things + site->nthings))
            continue;
        remove_thing(h, live);
        c->removed++;
    }
}

/* The site of now once more: what runs as it shall is not touched. */
static void
on_mend(void *arg)
{
    struct lintel_hub *h = arg;
    struct lintel_hub_change c = {0};
    struct lintel_map wanted = {0};
    (void)lintel_timer_at(h->loop, &h->mend, MEND_NEVER, on_mend, h); /* its place is free */
    h->lacking = 0;
    h->mended = lintel_loop_now(h->loop);
    if (h->reading || h->renewing || h->site == NULL || index_things(h->site, &wanted) != 0) {
        mend_later(h);
    } else {
        apply_buses(h, h->site, h->site, &wanted, &c);
        apply_things(h, h->site, &wanted, &wanted, &c);
        if (!h->lacking)
            lintel_log(LINTEL_LOG_INFO, "hub", "what there was no memory for is started");
    }
    lintel_map_fini(&wanted);
}

/* Transports go first: they alone can still fail, and then nothing else has changed. The rest: */
static void
apply_rest(struct lintel_hub *h, struct lintel_site *site)
{
    struct lintel_site *before = h->site;
    h->site = site;
    lintel_tree_site(h->tree, site);
    lintel_trail_keep(h->trail, site->audit_records, site->audit_days);
    apply_buses(h, before, site, &h->wanted, &h->counts);
    apply_things(h, site, &h->wanted, &h->had, &h->counts);
    lintel_map_fini(&h->wanted);
    lintel_map_fini(&h->had);
    lintel_site_unref(before);
}

/* Makes the hub run this site, now or when its transports have started; done(): 0, or -1: refused
 * as a whole, and still the caller's. */
static void
apply(struct lintel_hub *h, struct lintel_site *site, struct lintel_report *report,
      void (*done)(struct lintel_hub *h, int failed))
{
    h->counts = (struct lintel_hub_change){0};
    lintel_map_fini(&h->wanted);
    lintel_map_fini(&h->had);
    if (index_things(site, &h->wanted) != 0 ||
        (h->site != NULL && index_things(h->site, &h->had) != 0)) {
        lintel_error(report, (struct lintel_place){site->dir, 0, 0}, "out of memory");
        done(h, -1);
        return;
    }
    hub_change_transports(h, site, &h->counts, report, done);
}

/* ---- reloading ------------------------------------------------------------------------------- */

static void reload_start(struct lintel_hub *h);

/* Tells those who wait that it is over, one way or the other. */
static void
tell_waiting(struct waiting **list, const struct lintel_hub_change *c,
             struct lintel_report *problems)
{
    struct waiting *w = *list;
    *list = NULL;
    while (w != NULL) {
        struct waiting *next = w->next;
        if (w->done != NULL)
            w->done(w->ctx, c, problems);
        lintel_free(w);
        w = next;
    }
}

static void
reload_done(struct lintel_hub *h, int failed)
{
    struct lintel_hub_change change = h->counts;
    struct lintel_report *problems = failed ? &h->problems : NULL;
    h->reading = 0;
    if (failed)
        lintel_site_unref(h->fresh);
    else
        apply_rest(h, h->fresh);
    h->fresh = NULL;
    if (problems == NULL)
        lintel_log(LINTEL_LOG_INFO, "hub", "reloaded: %u added, %u changed, %u removed, %u kept",
                   h->counts.added, h->counts.changed, h->counts.removed, h->counts.kept);
    else
        lintel_report_log(problems, "hub");
    if (!failed)
        change = h->counts;
    tell_waiting(&h->waiting, &change, problems);
    lintel_report_fini(&h->problems);
    hub_next(h);
}

static void
reload_read(void *ctx)
{
    struct lintel_hub *h = ctx;
    pthread_join(h->reading_thread, NULL);
    h->joined = 1;
    if (h->closing)
        return;
    hub_note_plugins(h);
    if (h->fresh == NULL)
        reload_done(h, -1);
    else
        apply(h, h->fresh, &h->problems, reload_done);
}

static void *
read_thread(void *ctx)
{
    struct lintel_hub *h = ctx;
    h->fresh = lintel_site_read(&h->reader.source, &h->problems);
    while (lintel_loop_post(h->loop, reload_read, h) != 0)
        ; /* out of memory for a few bytes: others will give some back */
    return NULL;
}

static void
reload_start(struct lintel_hub *h)
{
    h->again = 0;
    h->waiting = h->waiting_next;
    h->waiting_next = NULL;
    h->reader.source.before = h->site;
    h->reading = 1;
    h->joined = 0;
    if (pthread_create(&h->reading_thread, NULL, read_thread, h) == 0)
        return;
    h->reading = 0;
    lintel_error(&h->problems, (struct lintel_place){h->reader.source.dir, 0, 0},
                 "no thread can be started to read the site; try again");
    tell_waiting(&h->waiting, &(struct lintel_hub_change){0}, &h->problems);
    lintel_report_fini(&h->problems);
    hub_next(h);
}

static void
on_turn(void *arg)
{
    struct lintel_hub *h = arg;
    if (h->reading || h->renewing)
        return; /* its end comes back here */
    if (h->again)
        reload_start(h);
    else
        hub_renew(h);
}

void
hub_next(struct lintel_hub *h)
{
    if (!h->closing &&
        lintel_timer_at(h->loop, &h->turn, lintel_loop_now(h->loop), on_turn, h) != 0)
        on_turn(h);
}

void
lintel_hub_reload(struct lintel_hub *h, const char *who, lintel_hub_reloaded_fn *done, void *ctx)
{
    struct waiting *w = lintel_alloc(sizeof *w);
    lintel_log(LINTEL_LOG_INFO, "hub", "reload of %s asked for by %s", h->reader.source.dir, who);
    if (w == NULL) {
        struct lintel_report problems = {0};
        lintel_error(&problems, (struct lintel_place){h->reader.source.dir, 0, 0}, "out of memory");
        if (done != NULL)
            done(ctx, &(struct lintel_hub_change){0}, &problems);
        lintel_report_fini(&problems);
        return;
    }
    *w = (struct waiting){h->waiting_next, done, ctx};
    h->waiting_next = w;
    h->again = 1;
    hub_next(h);
}

/* ---- life ------------------------------------------------------------------------------------ */

static uint64_t
random_seed(void)
{
    uint64_t seed = 0;
    while (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        ;
    return seed;
}

/* Registrations are soft state: a hub that can't keep them serves all the same. */
static void
open_directory(struct lintel_hub *h, const char *state_dir)
{
    char path[LINTEL_PATH_MOST], reason[300] = "the path is too long";
    if (lintel_format(path, sizeof path, "%s/directory.db", state_dir))
        h->directory = lintel_store_open(h->loop, path, "directory 1", reason, sizeof reason);
    if (h->directory == NULL)
        lintel_log(LINTEL_LOG_ERROR, "hub", "registrations can't be kept: %s", reason);
}

static int
open_trail(struct lintel_hub *h, const struct lintel_hub_source *s, struct lintel_report *report)
{
    char reason[300] = "", path[LINTEL_PATH_MOST];
    struct lintel_place at = {s->state_dir, 0, 0};
    if (!lintel_format(path, sizeof path, "%s/audit.db", s->state_dir))
        return lintel_error(report, at, "the path is too long");
    at.file = path;
    struct lintel_store *store =
        lintel_store_open(s->loop, path, LINTEL_TRAIL_KIND, reason, sizeof reason);
    if (store != NULL && (h->trail = lintel_trail_new(s->loop, store, reason, sizeof reason)))
        return 0;
    lintel_store_close(store);
    return lintel_error(report, at, "%s", reason);
}

/* The parts that every site needs. */
static int
make_parts(struct lintel_hub *h, const struct lintel_hub_source *s, struct lintel_report *report)
{
    char reason[300] = "out of memory", socket_path[LINTEL_PATH_MOST];
    if (lintel_hubkey_open(s->state_dir, &h->key, reason, sizeof reason) != 0)
        return lintel_error(report, (struct lintel_place){s->state_dir, 0, 0}, "%s", reason);
    if (open_trail(h, s, report) != 0)
        return -1;
    open_directory(h, s->state_dir);
    h->engine = lintel_engine_new(s->loop, random_seed());
    if (lintel_timer_at(s->loop, &h->mend, MEND_NEVER, on_mend, h) != 0)
        return lintel_error(report, (struct lintel_place){s->site_dir, 0, 0}, "%s", reason);
    if (h->engine != NULL) {
        lintel_engine_recorder(h->engine, lintel_trail_command, h->trail);
        lintel_engine_on_starved(h->engine, mend_later, h);
        h->plug = lintel_plug_new(&(struct lintel_plug_source){s->loop, h->engine, s->paths->host,
                                                               hub_is_uncaged(s->paths)});
    }
    if (h->plug != NULL) {
        struct lintel_tree_source source = hub_tree_source(h);
        source.engine = h->engine;
        source.loop = s->loop;
        source.hub_name = h->site->name;
        source.directory = h->directory;
        source.trail = h->trail;
        source.seed = random_seed();
        h->tree = lintel_tree_new(&source);
    }
    if (h->tree == NULL)
        return lintel_error(report, (struct lintel_place){s->site_dir, 0, 0}, "%s", reason);
    if (!lintel_format(socket_path, sizeof socket_path, "%s/lintel.sock", s->run_dir))
        return lintel_error(report, (struct lintel_place){s->run_dir, 0, 0},
                            "the path is too long");
    h->local = lintel_local_new(s->loop, h->tree, socket_path, reason, sizeof reason);
    if (h->local == NULL)
        return lintel_error(report, (struct lintel_place){socket_path, 0, 0}, "%s", reason);
    return 0;
}

static void
first_done(struct lintel_hub *h, int failed)
{
    h->refused = failed;
}

struct lintel_hub *
lintel_hub_new(const struct lintel_hub_source *s, struct lintel_report *report)
{
    struct lintel_place whole = {s->site_dir, 0, 0};
    struct lintel_hub *h = lintel_alloc(sizeof *h);
    if (h == NULL || lintel_site_reader_init(&h->reader, s->paths, s->site_dir) != 0) {
        lintel_error(report, whole, "out of memory");
        lintel_free(h);
        return NULL;
    }
    h->loop = s->loop;
    struct lintel_site *site = lintel_site_read(&h->reader.source, report);
    h->site = site;
    hub_note_plugins(h);
    if (site == NULL || make_parts(h, s, report) != 0) {
        lintel_hub_free(h);
        return NULL;
    }
    h->site = NULL; /* nothing of it runs yet, and nobody is served */
    h->refused = -1;
    lintel_tree_hold(h->tree, 1);
    apply(h, site, report, first_done);
    if (!hub_wait_transports(h))
        lintel_error(report, whole, "the transports do not start");
    if (h->refused) {
        h->site = site; /* also where it was refused before anything started */
        lintel_hub_free(h);
        return NULL;
    }
    apply_rest(h, site);
    lintel_tree_hold(h->tree, 0);
    hub_files_begin(h);
    lintel_log(LINTEL_LOG_INFO, "hub", "%s runs: %u things on %u buses, %u transports", site->name,
               site->nthings, site->nbuses, site->ntransports);
    return h;
}

void
lintel_hub_free(struct lintel_hub *h)
{
    if (h == NULL)
        return;
    h->closing = 1;
    if (h->reading && !h->joined)
        pthread_join(h->reading_thread, NULL);
    h->change.step = HUB_CHANGE_NONE;
    lintel_timer_stop(h->loop, &h->change.turn);
    hub_renewals_join(h);
    hub_files_end(h);
    lintel_timer_stop(h->loop, &h->turn);
    lintel_timer_stop(h->loop, &h->mend);
    lintel_site_unref(h->fresh);
    lintel_report_fini(&h->problems);
    lintel_error(&h->problems, (struct lintel_place){"", 0, 0}, "the hub is ending");
    tell_waiting(&h->waiting, &(struct lintel_hub_change){0}, &h->problems);
    tell_waiting(&h->waiting_next, &(struct lintel_hub_change){0}, &h->problems);
    lintel_report_fini(&h->problems);
    lintel_local_free(h->local);
    while (h->transports != NULL)
        hub_stop_transport(h, h->transports);
    lintel_store_close(h->directory); /* whoever waits for the disk is answered now */
    lintel_tree_free(h->tree);
    for (uint32_t i = h->engine ? lintel_engine_nthings(h->engine) : 0; i-- > 0;)
        lintel_engine_remove_thing(h->engine, lintel_engine_thing_at(h->engine, i));
    lintel_plug_free(h->plug);
    hub_renewals_free(h);
    while (h->buses != NULL)
        hub_running_remove(&h->buses, h->buses);
    lintel_engine_free(h->engine);
    lintel_trail_free(h->trail);
    lintel_site_unref(h->site);
    lintel_site_reader_fini(&h->reader);
    lintel_buf_fini(&h->plugins);
    lintel_map_fini(&h->wanted);
    lintel_map_fini(&h->had);
    lintel_secret_wipe(&h->key, sizeof h->key);
    lintel_free(h);
}
