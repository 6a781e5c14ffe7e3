/* SPDX-License-Identifier: Apache-2.0
 * Transports of the hub: started, told the things, and changed with the site. Those in a child take
 * their time to start and to end, so that a change goes in steps:
 *
 *   clearing   those that are not wanted any more end; a port is free when its child has ended
 *   starting   the new ones start; one that does not ends the change
 *   restoring  (then) those that were started end, and those of before start again
 *
 * With transports inside the daemon alone, all of it is done in one go. */
#include <string.h>

#include "core/base/log.h"
#include "core/daemon/hub_priv.h"

#define CHANGE_MOST (60 * INT64_C(1000000000)) /* more than starts and ends may take */

static void go_on(struct lintel_hub *h);

void
hub_tell_transports(struct lintel_hub *h, const struct lintel_thing *thing, int added)
{
    lintel_thing_info info = {sizeof info, thing->id, thing->zone};
    for (struct running *r = h->transports; r != NULL; r = r->next)
        lintel_transport_thing(r->transport, &info, added);
}

static void
tell_transport(struct lintel_hub *h, struct lintel_transport_instance *t)
{
    for (uint32_t i = 0; i < lintel_engine_nthings(h->engine); i++) {
        const struct lintel_thing *thing =
            lintel_live_thing_conf(lintel_engine_thing_at(h->engine, i));
        lintel_thing_info info = {sizeof info, thing->id, thing->zone};
        lintel_transport_thing(t, &info, 1);
    }
}

/* ---- starting and stopping one --------------------------------------------------------------- */

static void
on_turn(void *arg)
{
    go_on(arg);
}

/* What comes of it is looked at in the next turn: this is called from inside of the transport. */
static void
look_soon(struct lintel_hub *h)
{
    if (h->change.step != HUB_CHANGE_NONE &&
        lintel_timer_at(h->loop, &h->change.turn, lintel_loop_now(h->loop), on_turn, h) != 0)
        lintel_log(LINTEL_LOG_ERROR, "hub", "out of memory: the reload may not end");
}

static void
transport_changed(void *ctx, struct lintel_transport_instance *t)
{
    struct lintel_hub *h = ctx;
    if (lintel_transport_state(t) == LINTEL_TRANSPORT_RUNNING)
        tell_transport(h, t);
    look_soon(h);
}

static void
transport_ended(void *ctx)
{
    struct lintel_hub *h = ctx;
    h->change.ending--;
    look_soon(h);
}

static void
start_transport(struct lintel_hub *h, struct lintel_site *site, const struct lintel_port *conf)
{
    struct lintel_tree_port port = hub_tree_port(h);
    char reason[400] = "out of memory";
    port.changed = transport_changed;
    struct running *r = hub_running_add(h, &h->transports, conf);
    if (r != NULL)
        r->transport =
            lintel_plug_start_transport(h->plug, site, conf, &port, reason, sizeof reason);
    if (r != NULL && r->transport != NULL) {
        if (h->change.step == HUB_CHANGE_RESTORING)
            lintel_transport_insist(r->transport);
        if (lintel_transport_state(r->transport) == LINTEL_TRANSPORT_RUNNING)
            tell_transport(h, r->transport);
        return;
    }
    if (r != NULL)
        hub_running_remove(&h->transports, r);
    h->change.failed = 1;
    lintel_error(h->change.report, conf->at, "transport %s does not start: %s", conf->name, reason);
}

void
hub_stop_transport(struct lintel_hub *h, struct running *r)
{
    struct lintel_transport_instance *t = r->transport;
    hub_running_remove(&h->transports, r); /* first: nothing is said to it any more */
    h->change.ending++;
    lintel_plug_stop_transport(h->plug, t, transport_ended, h);
}

/* ---- a change of the site -------------------------------------------------------------------- */

/* Ends those that this site does not have, or has otherwise. */
static void
clear(struct lintel_hub *h, const struct lintel_site *site, struct lintel_hub_change *c)
{
    for (struct running *r = h->transports, *next; r != NULL; r = next) {
        const struct lintel_port *conf = hub_port(site->transports, site->ntransports, r->name);
        next = r->next;
        if (conf != NULL && memcmp(conf->digest, r->digest, sizeof r->digest) == 0)
            continue;
        if (conf == NULL)
            c->removed++;
        hub_stop_transport(h, r);
    }
}

static void
start(struct lintel_hub *h, const struct lintel_site *before, struct lintel_site *site,
      struct lintel_hub_change *c)
{
    for (uint32_t i = 0; i < site->ntransports; i++) {
        const struct lintel_port *conf = &site->transports[i];
        int known =
            before != NULL && hub_port(before->transports, before->ntransports, conf->name) != NULL;
        if (hub_running_find(h->transports, conf->name) != NULL) {
            c->kept++;
            continue;
        }
        *(known ? &c->changed : &c->added) += 1;
        start_transport(h, site, conf);
    }
}

/* Whether one is still starting; those that failed to are told and ended. */
static int
are_starting(struct lintel_hub *h, const struct lintel_site *site)
{
    int ret = 0;
    for (struct running *r = h->transports, *next; r != NULL; r = next) {
        enum lintel_transport_state state = lintel_transport_state(r->transport);
        const struct lintel_port *conf = hub_port(site->transports, site->ntransports, r->name);
        struct lintel_instance_stats s;
        next = r->next;
        ret |= state == LINTEL_TRANSPORT_STARTING;
        if (state != LINTEL_TRANSPORT_FAILED || conf == NULL)
            continue;
        lintel_transport_stats(r->transport, &s);
        lintel_error(h->change.report, conf->at, "transport %s does not start: %s", conf->name,
                     s.reason);
        h->change.failed = 1;
        hub_stop_transport(h, r);
    }
    return ret;
}

/* Puts back the transports of the site that goes on, after another one's did not start. */
static void
restore(struct lintel_hub *h)
{
    struct lintel_hub_change ignored = {0};
    struct lintel_report problems = {0}, *report = h->change.report;
    if (h->change.before != NULL) {
        h->change.report = &problems;
        start(h, h->change.before, h->change.before, &ignored);
        h->change.report = report;
        lintel_report_log(&problems, "hub");
        lintel_report_fini(&problems);
    }
    h->change.failed = 1;
}

static void
finish(struct lintel_hub *h)
{
    lintel_timer_stop(h->loop, &h->change.turn);
    h->change.step = HUB_CHANGE_NONE;
    h->coming = NULL;
    h->change.done(h, h->change.failed ? -1 : 0);
}

static void
go_on(struct lintel_hub *h)
{
    struct hub_change *m = &h->change;
    struct lintel_hub_change ignored = {0};
    struct lintel_site *before = m->before;
    if (m->step == HUB_CHANGE_CLEARING && m->ending == 0) {
        m->step = HUB_CHANGE_STARTING;
        start(h, before, m->site, m->counts);
    }
    if (m->step == HUB_CHANGE_STARTING && (m->failed || !are_starting(h, m->site) || m->failed)) {
        if (!m->failed) {
            finish(h);
            return;
        }
        m->step = HUB_CHANGE_RESTORING;
        h->coming = NULL;
        if (before != NULL)
            clear(h, before, &ignored);
        while (before == NULL && h->transports != NULL)
            hub_stop_transport(h, h->transports);
    }
    if (m->step == HUB_CHANGE_RESTORING && m->ending == 0) {
        restore(h);
        finish(h);
    }
}

void
hub_change_transports(struct lintel_hub *h, struct lintel_site *site, struct lintel_hub_change *c,
                      struct lintel_report *report, void (*done)(struct lintel_hub *h, int failed))
{
    h->change.step = HUB_CHANGE_CLEARING;
    h->change.site = site;
    h->change.before = h->site;
    h->change.counts = c;
    h->change.report = report;
    h->change.failed = 0;
    h->change.done = done;
    h->coming = site; /* one that starts asks for its keys */
    clear(h, site, c);
    go_on(h);
}

static int
is_over(void *ctx)
{
    const struct lintel_hub *h = ctx;
    return h->change.step == HUB_CHANGE_NONE;
}

int
hub_wait_transports(struct lintel_hub *h)
{
    return is_over(h) || lintel_loop_until(h->loop, is_over, h, CHANGE_MOST);
}
