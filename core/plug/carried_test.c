/* SPDX-License-Identifier: Apache-2.0
 * Transports in a child: a real lintel-host with the transport of plugins/fake, and children that
 * lie. The tree's side is the test. As a hostile child this program runs itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/loop/frames.h"
#include "core/plug/plug_kit.h"
#include "core/plug/transport_wire.h"
#include "tests/kit/kit.h"

#define PATIENCE (20 * INT64_C(1000000000))
enum { TICKET = 700, ANSWERS_MOST = 64 };

/* ---- the tree -------------------------------------------------------------------------------- */

struct answer { /* of what the test has asked of the transport */
    uint32_t code, flags;
    char text[160];
};
static struct tree {
    int changes, ended;
    /* submit() */
    int submitted, abandoned, later, observing;
    uint32_t flags;
    uint64_t session;
    char identity[64], path[64];
    void *cookie;
    lintel_ticket ticket;
    /* mount(), request() */
    int mounts, unmounts, answered;
    struct answer answers[ANSWERS_MOST];
    /* all else */
    int replies, keys, based;
    uint32_t reply_code, reply_session;
    char reply[160], base[64];
} tree;
static struct lintel_site carried_site;

static void
answer_it(struct lintel_transport_instance *t, uint32_t flags, const char *text)
{
    const lintel_answer a = {.size = sizeof a,
                             .code = LINTEL_CODE(2, 5),
                             .flags = flags,
                             .payload = {text, strlen(text)}};
    lintel_transport_answer(t, tree.cookie, &a);
}

static lintel_ticket
tree_submit(void *ctx, struct lintel_transport_instance *t, const lintel_exchange *x)
{
    (void)ctx;
    tree.submitted++;
    tree.flags = x->flags;
    tree.session = x->session;
    tree.cookie = x->cookie;
    snprintf(tree.identity, sizeof tree.identity, "%s", x->identity);
    snprintf(tree.path, sizeof tree.path, "%.*s", x->npath ? (int)x->path[0].n : 0,
             x->npath ? x->path[0].p : "");
    if (tree.later)
        return tree.ticket = TICKET + (lintel_ticket)tree.submitted;
    answer_it(t, tree.observing ? LINTEL_ANSWER_MORE : 0, "now");
    return tree.ticket = tree.observing ? TICKET : 0;
}

static void
tree_abandon(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket)
{
    (void)ctx, (void)t;
    CHECK_INT(ticket, tree.ticket);
    tree.abandoned++;
}

static void
tree_reply(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
           const lintel_answer *a)
{
    (void)ctx, (void)t;
    CHECK_INT(ticket, 91);
    tree.replies++;
    tree.reply_code = a->code;
    tree.reply_session = a->max_age;
    snprintf(tree.reply, sizeof tree.reply, "%.*s", (int)a->payload.n, a->payload.p);
}

static void
tree_base(void *ctx, struct lintel_transport_instance *t, const char *thing, const char *base)
{
    (void)ctx, (void)t;
    snprintf(tree.base, sizeof tree.base, "%s %s", thing, base ? base : "gone");
    tree.based++;
}

static void
tree_derive(void *ctx, const void *label, size_t n, uint8_t ret[32])
{
    (void)ctx;
    memset(ret, 0xab, 32);
    memcpy(ret, label, n < 32 ? n : 32);
}

static uint32_t
tree_psk(void *ctx, struct lintel_transport_instance *t, const char *identity, size_t n,
         uint8_t *key, uint32_t room)
{
    (void)ctx, (void)t;
    tree.keys++;
    if (n == 0)
        return 2;
    if (n != 4 || memcmp(identity, "tool", 4) != 0 || room < 3)
        return 0;
    memcpy(key, "key", 3);
    return 3;
}

static lintel_status
tree_mount(void *ctx, struct lintel_transport_instance *t, const char *name, const char *links)
{
    (void)ctx, (void)t;
    if (strcmp(name, "fake") != 0)
        return LINTEL_E_BUSY;
    CHECK_STR(links, "</fake>;rt=fake");
    tree.mounts++;
    return LINTEL_OK;
}

static void
tree_unmount(void *ctx, struct lintel_transport_instance *t)
{
    (void)ctx, (void)t;
    tree.unmounts++;
}

static void
tree_resource_answer(void *ctx, struct lintel_transport_instance *t, lintel_ticket ticket,
                     const lintel_answer *a)
{
    (void)ctx, (void)t, (void)ticket;
    struct answer *to = &tree.answers[tree.answered++ % ANSWERS_MOST];
    to->code = a->code;
    to->flags = a->flags;
    snprintf(to->text, sizeof to->text, "%.*s", (int)(a->payload.n < 150 ? a->payload.n : 150),
             a->payload.p ? a->payload.p : "");
}

static void
tree_changed(void *ctx, struct lintel_transport_instance *t)
{
    (void)ctx, (void)t;
    tree.changes++;
}

static const struct lintel_tree_port port = {.submit = tree_submit,
                                             .abandon = tree_abandon,
                                             .reply = tree_reply,
                                             .thing_base = tree_base,
                                             .derive = tree_derive,
                                             .psk = tree_psk,
                                             .mount = tree_mount,
                                             .unmount = tree_unmount,
                                             .resource_answer = tree_resource_answer,
                                             .changed = tree_changed};

/* ---- set-up ---------------------------------------------------------------------------------- */

struct rig {
    struct kit_plug k;
    struct lintel_port conf;
    lintel_value settings[4];
    struct lintel_transport_instance *t;
};

static void
rig_new(struct rig *r)
{
    memset(r, 0, sizeof *r);
    tree = (struct tree){0};
    kit_plug_new(&r->k);
    r->conf = (struct lintel_port){.name = "fake", .log = -1, .memory = 512};
    r->conf.isolation = LINTEL_ISOLATION_PROCESS;
    r->conf.settings = r->settings;
    r->conf.plugin = kit_plugin(&r->k, "fake-transport", &r->conf.plugin_file);
    if (r->conf.plugin == NULL)
        exit(1);
}

static void
rig_start(struct rig *r)
{
    char reason[200] = "";
    r->t = lintel_plug_start_transport(r->k.plug, &carried_site, &r->conf, &port, reason,
                                       sizeof reason);
    if (!CHECK(r->t != NULL))
        exit(1);
    CHECK_INT(lintel_transport_state(r->t), LINTEL_TRANSPORT_STARTING);
}

static int
wait_changes(struct rig *r, int n)
{
    return CHECK(kit_wait(&r->k, &tree.changes, n));
}

static void
rig_run(struct rig *r)
{
    rig_start(r);
    wait_changes(r, 1);
    if (!CHECK_INT(lintel_transport_state(r->t), LINTEL_TRANSPORT_RUNNING)) {
        printf("# %s\n", kit_log());
        exit(1);
    }
}

static void
on_ended(void *ctx)
{
    (void)ctx;
    tree.ended++;
}

static void
rig_free(struct rig *r)
{
    lintel_plug_stop_transport(r->k.plug, r->t, on_ended, NULL);
    CHECK(kit_wait(&r->k, &tree.ended, 1));
    kit_plug_free(&r->k);
    CHECK_INT(carried_site.refs, 0);
}

/* A request for what is mounted: /fake/WHAT/path; does not wait. */
static void
request(struct rig *r, const char *what, const char *payload)
{
    const lintel_span path[] = {{"fake", 4}, {what, strlen(what)}, {"path", 4}};
    const lintel_exchange x = {.size = sizeof x,
                               .method = LINTEL_POST,
                               .format = LINTEL_FORMAT_NONE,
                               .path = path,
                               .npath = 3,
                               .identity = "",
                               .authority = "",
                               .peer = "",
                               .base = "",
                               .payload = {payload, strlen(payload)}};
    lintel_transport_request(r->t, 5, &x);
}

static const struct answer *
answer_no(struct rig *r, int n)
{
    if (!CHECK(kit_wait(&r->k, &tree.answered, n)))
        printf("# answers: %d of %d\n", tree.answered, n);
    return &tree.answers[(n - 1) % ANSWERS_MOST];
}

/* What the transport answers to that. */
static const char *
say(struct rig *r, const char *what, const char *payload)
{
    int n = tree.answered + 1;
    request(r, what, payload);
    return answer_no(r, n)->text;
}

static struct lintel_instance_stats
stats(const struct rig *r)
{
    struct lintel_instance_stats s;
    lintel_transport_stats(r->t, &s);
    return s;
}

/* ---- a real one ------------------------------------------------------------------------------ */

static void
exchanges_go_both_ways(void)
{
    struct rig r;
    rig_new(&r);
    rig_run(&r);
    CHECK_INT(tree.mounts, 1);
    CHECK_STR(stats(&r).state, "running");
    CHECK_STR(stats(&r).isolation, "process");
    CHECK(stats(&r).pid > 0);
    CHECK_STR(say(&r, "echo", "hello"), "hello");
    CHECK_STR(say(&r, "nothing", ""), "");
    CHECK_INT(tree.answers[1].code, LINTEL_CODE(4, 4));
    /* An answer that is there at once comes while submit() runs. */
    CHECK_STR(say(&r, "submit", "128"), "inside 69 now");
    CHECK_INT(tree.flags, LINTEL_X_LIMITED);
    CHECK_STR(tree.path, "path");
    CHECK_STR(say(&r, "submit", "256"), "inside 69 now"); /* at once */
    CHECK_INT(tree.flags, LINTEL_X_AT_ONCE);
    int n = tree.answered;
    tree.later = 1;
    request(&r, "submit", "0");
    CHECK(kit_wait(&r.k, &tree.submitted, 3));
    CHECK_STR(say(&r, "echo", "meanwhile"), "meanwhile");
    answer_it(r.t, 0, "then");
    CHECK_STR(answer_no(&r, n + 2)->text, "later 69 then");
    /* An observation, which the peer ends. */
    tree.later = 0;
    tree.observing = 1;
    CHECK_STR(say(&r, "submit", "1"), "inside 69 now");
    n = tree.answered;
    answer_it(r.t, LINTEL_ANSWER_MORE, "1");
    answer_it(r.t, LINTEL_ANSWER_MORE, "2");
    CHECK_STR(answer_no(&r, n + 2)->text, "later 69 2");
    CHECK_INT(tree.answers[n + 1].flags, LINTEL_ANSWER_MORE);
    request(&r, "abandon", "");
    CHECK(kit_wait(&r.k, &tree.abandoned, 1));
    CHECK_STR(answer_no(&r, n + 4)->text, "done");
    /* Nobody waits for the answer of the transport any more. */
    request(&r, "keep", "");
    lintel_transport_abandoned(r.t, 5);
    CHECK_STR(say(&r, "echo", "x"), "x");
    CHECK_HAS(kit_log(), "what was kept was abandoned");
    CHECK_INT(stats(&r).misbehaved, 0);
    rig_free(&r);
    CHECK_INT(tree.unmounts, 1);
}

static void
questions_are_answered(void)
{
    struct rig r;
    rig_new(&r);
    rig_run(&r);
    CHECK_STR(say(&r, "psk", "tool"), "6b6579 3");
    CHECK_STR(say(&r, "psk", "nobody"), " 0");
    CHECK_STR(say(&r, "psk", ""), " 2");
    CHECK_STR(say(&r, "derive", "ab"),
              "6162abababababababababababababababababababababababababababababab");
    CHECK_STR(say(&r, "base", "x"), "done");
    CHECK_STR(tree.base, "lamp fake://lamp");
    CHECK_STR(say(&r, "mount", ""), "-14");
    const lintel_thing_info lamp = {sizeof lamp, "lamp", "hall"};
    lintel_transport_thing(r.t, &lamp, 1);
    CHECK_STR(say(&r, "things", ""), "1");
    lintel_transport_thing(r.t, &lamp, 0);
    CHECK_STR(say(&r, "things", ""), "0");
    /* What the hub sends. */
    const lintel_exchange x = {.size = sizeof x, .method = LINTEL_GET, .identity = ""};
    CHECK_INT(lintel_transport_send(r.t, "fake://there", &x, 91), LINTEL_OK);
    CHECK(kit_wait(&r.k, &tree.replies, 1));
    CHECK_STR(tree.reply, "fake://there");
    CHECK_INT(lintel_transport_send(r.t, "fake://refused", &x, 91), LINTEL_OK);
    CHECK(kit_wait(&r.k, &tree.replies, 2));
    CHECK_INT(tree.reply_code, LINTEL_CODE(5, 2));
    rig_free(&r);
}

static void
keys_are_not_guessed(void)
{
    struct rig r;
    rig_new(&r);
    rig_run(&r);
    CHECK_STR(say(&r, "keys", ""), "0");
    if (tree.keys < 1000 || tree.keys > 2900) { /* 1,000 at once, and what a second allows */
        printf("# %d questions reached the site\n", tree.keys);
        CHECK(0);
    }
    CHECK_HAS(kit_log(), "keys were asked for of 1 identities that the site does not have");
    rig_free(&r);
}

static void
a_first_start_that_fails_is_told(void)
{
    struct rig r;
    rig_new(&r);
    r.settings[0] = (lintel_value){LINTEL_T_STR, 13, {.s = "no such thing"}};
    rig_start(&r);
    wait_changes(&r, 1);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_FAILED);
    CHECK_STR(stats(&r).reason, "no such thing");
    rig_free(&r);
    rig_new(&r);
    r.settings[1] = (lintel_value){LINTEL_T_BOOL, 0, {.i = 1}}; /* it dies */
    rig_start(&r);
    wait_changes(&r, 1);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_FAILED);
    CHECK_HAS(stats(&r).reason, "ended with status 7");
    rig_free(&r);
    rig_new(&r); /* one that is wanted all the same is tried again */
    r.settings[0] = (lintel_value){LINTEL_T_STR, 13, {.s = "no such thing"}};
    rig_start(&r);
    lintel_transport_insist(r.t);
    wait_changes(&r, 2);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_BACKOFF);
    CHECK_HAS(kit_log(), "next try in");
    rig_free(&r);
}

static void
death_ends_what_is_open(void)
{
    struct rig r;
    const lintel_exchange x = {.size = sizeof x, .method = LINTEL_GET, .identity = ""};
    rig_new(&r);
    rig_run(&r);
    tree.observing = 1;
    CHECK_STR(say(&r, "submit", "1 - - 77"), "inside 69 now");
    CHECK_INT(tree.session & 0xffff, 77);
    uint64_t before = tree.session;
    CHECK_STR(say(&r, "base", "x"), "done");
    CHECK_INT(lintel_transport_send(r.t, "fake://silent", &x, 91), LINTEL_OK);
    request(&r, "crash", "");
    wait_changes(&r, 2);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_BACKOFF);
    CHECK_HAS(stats(&r).reason, "signal 6");
    CHECK_INT(tree.abandoned, 1);
    CHECK_INT(tree.unmounts, 1);
    CHECK_INT(tree.reply_code, LINTEL_CODE(5, 3));
    CHECK_STR(tree.base, "lamp gone");
    /* Meanwhile who asks is told at once. */
    int n = tree.answered;
    request(&r, "echo", "x");
    CHECK_INT(tree.answered, n + 1);
    CHECK_INT(tree.answers[n].code, LINTEL_CODE(5, 3));
    CHECK_INT(lintel_transport_send(r.t, "fake://there", &x, 91), LINTEL_E_BUSY);
    wait_changes(&r, 3);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_RUNNING);
    CHECK_INT(stats(&r).restarts, 1);
    CHECK_INT(tree.mounts, 2);
    CHECK_STR(say(&r, "echo", "again"), "again");
    /* The same number of another life is another session, and the old one leads nowhere. */
    CHECK_STR(say(&r, "submit", "1 - - 77"), "inside 69 now");
    CHECK(tree.session != before && (tree.session & 0xffff) == 77);
    lintel_exchange y = x;
    y.session = before;
    CHECK_INT(lintel_transport_send(r.t, "fake://there", &y, 91), LINTEL_OK);
    CHECK(kit_wait(&r.k, &tree.replies, 2));
    CHECK_INT(tree.reply_session, 0);
    y.session = tree.session;
    CHECK_INT(lintel_transport_send(r.t, "fake://there", &y, 91), LINTEL_OK);
    CHECK(kit_wait(&r.k, &tree.replies, 3));
    CHECK_INT(tree.reply_session, 77);
    rig_free(&r);
}

/* A transport and a bus in one process: one ends, the other goes on. */
static void
a_process_can_be_shared(void)
{
    struct rig r;
    struct kit_bus bus;
    rig_new(&r);
    r.conf.process = "field";
    kit_bus_start(&r.k, &bus, "fake", "bus", KIT_SHARED, NULL);
    kit_wait_ready(&r.k, &bus);
    rig_run(&r);
    CHECK_STR(stats(&r).isolation, "process:field");
    struct lintel_instance_stats of_bus;
    lintel_instance_stats(bus.instance, &of_bus);
    CHECK_INT(stats(&r).pid, of_bus.pid);
    struct lintel_port second = r.conf;
    second.name = "second";
    char reason[100];
    struct lintel_transport_instance *t =
        lintel_plug_start_transport(r.k.plug, &carried_site, &second, &port, reason, sizeof reason);
    REQUIRE(t != NULL);
    wait_changes(&r, 2);
    int gones = bus.bus->gones; /* their site is not known here, so the cage grew while they came */
    lintel_plug_stop_transport(r.k.plug, t, on_ended, NULL);
    CHECK(kit_wait(&r.k, &tree.ended, 1));
    CHECK_STR(say(&r, "echo", "on"), "on");
    CHECK_INT(bus.bus->gones, gones);
    kit_bus_stop(&r.k, &bus);
    CHECK_STR(say(&r, "echo", "alone"), "alone");
    tree.ended = 0;
    rig_free(&r);
}

/* A transport that is refused again and again is no fault of the child that it shares: the bus in
 * it comes back at once after a death, and not after five minutes. */
static void
refusals_are_its_own(void)
{
    struct rig r;
    struct kit_bus bus;
    struct lintel_instance_stats of_bus;
    rig_new(&r);
    r.conf.process = "field";
    r.settings[0] = (lintel_value){LINTEL_T_STR, 13, {.s = "no such thing"}};
    kit_bus_start(&r.k, &bus, "fake", "bus", KIT_SHARED, NULL);
    kit_wait_ready(&r.k, &bus);
    rig_start(&r);
    lintel_transport_insist(r.t);
    wait_changes(&r, 6);
    lintel_instance_stats(bus.instance, &of_bus);
    CHECK_STR(of_bus.state, "running");
    int gones = bus.bus->gones;
    kill((pid_t)of_bus.pid, SIGKILL);
    CHECK(kit_wait(&r.k, &bus.bus->gones, gones + 1));
    lintel_instance_stats(bus.instance, &of_bus);
    CHECK_STR(of_bus.state, "back-off");
    CHECK(of_bus.next_try < INT64_C(1000000000));
    CHECK(strstr(kit_log(), "ALARM") == NULL);
    kit_bus_stop(&r.k, &bus);
    rig_free(&r);
}

/* What it says of its clients counts only where the site gave it the means to know. */
static void
trust_is_bounded(void)
{
    struct rig r;
    rig_new(&r);
    rig_run(&r);
    CHECK_STR(say(&r, "submit", "32"), "inside 69 now"); /* open to everybody */
    CHECK_INT(tree.flags, 0);
    CHECK_STR(say(&r, "submit", "8 tool psk"), "inside 69 now"); /* whose key it never had */
    CHECK_INT(tree.flags, 0);
    CHECK_STR(tree.identity, "");
    CHECK_INT(stats(&r).misbehaved, 2);
    CHECK_HAS(kit_log(), "can't know it");
    CHECK_STR(say(&r, "psk", "tool"), "6b6579 3");
    CHECK_STR(say(&r, "submit", "8 tool psk"), "inside 69 now");
    CHECK_INT(tree.flags, LINTEL_X_SECURE);
    CHECK_STR(tree.identity, "tool");
    CHECK_INT(stats(&r).misbehaved, 2);
    rig_free(&r);
    rig_new(&r);
    r.settings[2] = (lintel_value){LINTEL_T_BOOL, 0, {.i = 1}};
    rig_run(&r);
    CHECK_STR(say(&r, "submit", "32"), "inside 69 now");
    CHECK_INT(tree.flags, LINTEL_X_OPEN);
    rig_free(&r);
}

static int
is_backoff(void *ctx)
{
    const struct rig *r = ctx;
    return lintel_transport_state(r->t) == LINTEL_TRANSPORT_BACKOFF;
}

/* On a clock that the test moves. */
static void
one_that_hangs_is_killed(void)
{
    struct rig r;
    rig_new(&r);
    struct lintel_loop *real = r.k.loop;
    lintel_plug_free(r.k.plug);
    r.k.loop = lintel_loop_new_fake();
    r.k.plug =
        lintel_plug_new(&(struct lintel_plug_source){.loop = r.k.loop, .host_program = r.k.host});
    rig_start(&r);
    lintel_loop_advance(r.k.loop, 0);
    wait_changes(&r, 1);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_RUNNING);
    for (int i = 0; i < 12; i++) { /* a minute of good life */
        lintel_loop_advance(r.k.loop, INT64_C(5000000000));
        CHECK_STR(say(&r, "echo", "alive"), "alive");
    }
    CHECK_INT(stats(&r).restarts, 0);
    request(&r, "hang", "");
    for (int i = 0; i < 3; i++)
        lintel_loop_advance(r.k.loop, INT64_C(5000000000));
    for (int i = 0; i < 2000 && !is_backoff(&r); i++) { /* its death, in real time */
        lintel_loop_advance(r.k.loop, 60000000);
        lintel_loop_until(r.k.loop, is_backoff, &r, 10000000);
    }
    CHECK(is_backoff(&r));
    CHECK_HAS(stats(&r).reason, "it hangs");
    lintel_plug_stop_transport(r.k.plug, r.t, on_ended, NULL);
    lintel_plug_free(r.k.plug);
    CHECK_INT(tree.ended, 1);
    lintel_loader_free(r.k.loader);
    lintel_loop_free(r.k.loop);
    lintel_loop_free(real);
    CHECK_INT(carried_site.refs, 0);
}

/* ---- children that lie ----------------------------------------------------------------------- */

static struct lintel_buf frame;
static uint32_t me; /* number of the instance */

static void
put(struct lintel_tw m)
{
    m.instance = me;
    lintel_buf_reset(&frame);
    lintel_tw_write(&frame, &m);
    lintel_frame_write(3, &frame);
}

static void
put_wire(struct lintel_wire_up m)
{
    lintel_buf_reset(&frame);
    lintel_wire_say(&frame, &m);
    lintel_frame_write(3, &frame);
}

static struct lintel_tw
a_submit(uint64_t ticket, uint32_t flags)
{
    static const lintel_span path[] = {{"path", 4}};
    return (struct lintel_tw){.kind = LINTEL_TW_SUBMIT,
                              .ticket = ticket,
                              .x = {.method = LINTEL_GET,
                                    .flags = flags,
                                    .format = LINTEL_FORMAT_NONE,
                                    .path = path,
                                    .npath = 1,
                                    .identity = "",
                                    .authority = "",
                                    .peer = "",
                                    .base = ""}};
}

static void
on_signal(int signum)
{
    (void)signum;
}

/* Reads nothing until it is told to, then all: the newest notification is there, and few others. */
static void
read_slowly(void)
{
    static struct lintel_tw_scratch s;
    struct lintel_buf in = {0};
    struct lintel_tw m;
    char text[64];
    int n = 0, newest = 0;
    sigset_t usr, none;
    sigemptyset(&none);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr, NULL);
    signal(SIGUSR1, on_signal);
    put(a_submit(1, LINTEL_X_OBSERVE));
    sigsuspend(&none);
    while (newest != 9999 && lintel_frame_read(3, &in) == 0)
        if (lintel_tw_read_down((const unsigned char *)in.p, in.n, &s, &m) == 0 &&
            m.kind == LINTEL_TW_ANSWER && m.a.payload.n > 20) {
            n++;
            memcpy(text, m.a.payload.p, 10);
            text[10] = '\0';
            newest = (int)strtol(text, NULL, 10);
        }
    snprintf(text, sizeof text, "%d notifications, the newest %d", n, newest);
    put_wire((struct lintel_wire_up){
        .instance = me, .kind = LINTEL_WIRE_LOG, .level = LINTEL_LOG_INFO, .text = text});
}

/* The program as a child: it does what the name of its transport says. */
static int
lie(const char *what)
{
    static struct lintel_tw_scratch s;
    static struct lintel_buf in; /* static: it is still there at the end, so it is no leak */
    struct lintel_tw m;
    put_wire((struct lintel_wire_up){.kind = LINTEL_WIRE_HELLO, .ticket = LINTEL_WIRE_VERSION});
    if (lintel_frame_read(3, &in) != 0) /* the cage: it says that it is in */
        return 1;
    put_wire((struct lintel_wire_up){.kind = LINTEL_WIRE_READY, .text = "none"});
    if (lintel_frame_read(3, &in) != 0 ||
        lintel_tw_read_down((const unsigned char *)in.p, in.n, &s, &m) != 0)
        return 1;
    me = m.instance;
    put_wire((struct lintel_wire_up){.instance = me,
                                     .kind = LINTEL_WIRE_READY,
                                     .id = strcmp(what, "deaf") == 0 ? 0 : 31,
                                     .text = "1"});
    if (strcmp(what, "garbage") == 0) {
        lintel_buf_reset(&frame);
        lintel_buf_add(&frame, "\x18\x60\xff\xff", 4);
        lintel_frame_write(3, &frame);
        lintel_buf_reset(&frame);
        put((struct lintel_tw){.kind = LINTEL_TW_MOUNTED}); /* the other direction */
    } else if (strcmp(what, "twice") == 0 || strcmp(what, "deaf") == 0) {
        put(a_submit(1, LINTEL_X_OBSERVE));
        put(a_submit(1u << 17 | 1, 0)); /* the same place */
    } else if (strcmp(what, "far") == 0) {
        put(a_submit(65536, 0));
    } else if (strcmp(what, "question") == 0) {
        put(a_submit(LINTEL_TW_QUESTION | 1, 0));
    } else if (strcmp(what, "samples") == 0) {
        lintel_buf_reset(&frame);
        lintel_wire_samples(&frame,
                            &(struct lintel_wire_up){.instance = me, .kind = LINTEL_WIRE_PUBLISH});
        lintel_frame_write(3, &frame);
    } else if (strcmp(what, "replies") == 0) {
        put((struct lintel_tw){.kind = LINTEL_TW_REPLY, .ticket = 91, .a = {.code = 69}});
        put((struct lintel_tw){.kind = LINTEL_TW_ABANDON, .ticket = 12345});
        put((struct lintel_tw){.kind = LINTEL_TW_ABANDON, .ticket = UINT64_MAX});
        put((struct lintel_tw){
            .kind = LINTEL_TW_THING_BASE, .name = "lamp", .text = "coap://\xff"});
        put((struct lintel_tw){
            .kind = LINTEL_TW_THING_BASE, .name = "lamp", .text = "coap://h>;rt=x,<coap://i"});
        put((struct lintel_tw){.kind = LINTEL_TW_THING_BASE, .name = "lamp", .text = "coap://\n"});
        put((struct lintel_tw){.kind = LINTEL_TW_PONG, .ticket = 77});
        for (int i = 0; i < 100; i++)
            put((struct lintel_tw){.kind = LINTEL_TW_MOUNT,
                                   .ticket = LINTEL_TW_QUESTION | 1,
                                   .name = "fake",
                                   .text = "</fake>;rt=fake"});
        put(a_submit(5, 0));
    } else if (strcmp(what, "asks") == 0) {
        while (1)
            put((struct lintel_tw){
                .kind = LINTEL_TW_DERIVE, .ticket = LINTEL_TW_QUESTION | 1, .bytes = {"label", 5}});
    } else if (strcmp(what, "busy") == 0) {
        while (1) {
            put_wire((struct lintel_wire_up){.kind = LINTEL_WIRE_PONG}); /* its reader lives */
            nanosleep(&(struct timespec){0, 10000000}, NULL);
            put((struct lintel_tw){
                .kind = LINTEL_TW_THING_BASE, .name = "lamp", .text = "coap://h"});
        }
    } else if (strcmp(what, "slow") == 0) {
        read_slowly();
    }
    while (lintel_frame_read(3, &in) == 0)
        ;
    while (frame.n == 0 || strcmp(what, "replies") != 0)
        pause(); /* so that the reason is the hub's, not the exit's */
    return 0;
}

static void
lying_plug(struct rig *r, const char *what)
{
    r->conf.name = what;
    tree.observing = 1;
    lintel_plug_free(r->k.plug);
    ssize_t n = readlink("/proc/self/exe", r->k.host, sizeof r->k.host - 1);
    REQUIRE(n > 0);
    r->k.host[n] = '\0';
    r->k.plug =
        lintel_plug_new(&(struct lintel_plug_source){.loop = r->k.loop, .host_program = r->k.host});
}

static void
lying_rig(struct rig *r, const char *what)
{
    rig_new(r);
    lying_plug(r, what);
    rig_run(r);
}

static void
lies_end_the_child(void)
{
    static const char *const lies[] = {"garbage", "twice", "deaf", "far", "question", "samples"};
    for (size_t i = 0; i < LINTEL_COUNT(lies); i++) {
        struct rig r;
        lying_rig(&r, lies[i]);
        wait_changes(&r, 2);
        if (strstr(stats(&r).reason, "breaks the protocol") == NULL) {
            printf("# %s: %s\n", lies[i], stats(&r).reason);
            CHECK(0);
        }
        CHECK_INT(tree.abandoned, tree.submitted);
        rig_free(&r);
    }
}

/* It does not come to answer a ping, but it says something. */
static void
who_is_busy_lives(void)
{
    struct rig r;
    rig_new(&r);
    struct lintel_loop *real = r.k.loop;
    r.k.loop = lintel_loop_new_fake();
    lying_plug(&r, "busy");
    rig_start(&r);
    lintel_loop_advance(r.k.loop, 0);
    wait_changes(&r, 1);
    for (int i = 0; i < 6; i++) {
        lintel_loop_advance(r.k.loop, INT64_C(5000000000));
        CHECK(kit_wait(&r.k, &tree.based, tree.based + 1));
    }
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_RUNNING);
    CHECK_STR(stats(&r).reason, "");
    lintel_plug_free(r.k.plug);
    lintel_loader_free(r.k.loader);
    lintel_loop_free(r.k.loop);
    lintel_loop_free(real);
}

/* Replies that are not read don't pile up in the hub. */
static void
who_asks_and_never_reads_is_ended(void)
{
    struct rig r;
    lying_rig(&r, "asks");
    wait_changes(&r, 2);
    CHECK(strstr(stats(&r).reason, "does not read the replies") != NULL);
    rig_free(&r);
}

static void
what_is_not_its_own_is_dropped(void)
{
    struct rig r;
    lying_rig(&r, "replies");
    CHECK(kit_wait(&r.k, &tree.submitted, 1));
    CHECK_INT(tree.replies, 0);
    CHECK_INT(tree.abandoned, 0);
    CHECK_STR(tree.base, "");
    CHECK_INT(tree.mounts, 64);
    CHECK_INT(stats(&r).misbehaved, 4);
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_RUNNING);
    rig_free(&r);
}

static int
said_newest(void *ctx)
{
    (void)ctx;
    return strstr(kit_log(), "the newest 9999") != NULL;
}

/* Ten thousand notifications of 4 KiB for a child that does not read: 40 MB, of which the hub keeps
 * little. */
static void
a_slow_child_gets_the_newest(void)
{
    struct rig r;
    char text[4096];
    lying_rig(&r, "slow");
    CHECK(kit_wait(&r.k, &tree.submitted, 1));
    memset(text, '.', sizeof text);
    for (int i = 0; i < 10000; i++) {
        int n = snprintf(text, sizeof text, "%010d ", i);
        text[n] = '.';
        const lintel_answer a = {.size = sizeof a,
                                 .code = LINTEL_CODE(2, 5),
                                 .flags = LINTEL_ANSWER_MORE,
                                 .payload = {text, sizeof text}};
        lintel_transport_answer(r.t, tree.cookie, &a);
    }
    CHECK(stats(&r).dropped > 9000);
    kill((pid_t)stats(&r).pid, SIGUSR1);
    CHECK(lintel_loop_until(r.k.loop, said_newest, NULL, PATIENCE));
    CHECK_INT(lintel_transport_state(r.t), LINTEL_TRANSPORT_RUNNING);
    rig_free(&r);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(exchanges_go_both_ways),
                                            KIT(questions_are_answered),
                                            KIT(keys_are_not_guessed),
                                            KIT(a_first_start_that_fails_is_told),
                                            KIT(death_ends_what_is_open),
                                            KIT(a_process_can_be_shared),
                                            KIT(refusals_are_its_own),
                                            KIT(trust_is_bounded),
                                            KIT(one_that_hangs_is_killed),
                                            KIT(lies_end_the_child),
                                            KIT(who_asks_and_never_reads_is_ended),
                                            KIT(who_is_busy_lives),
                                            KIT(what_is_not_its_own_is_dropped),
                                            KIT(a_slow_child_gets_the_newest),
                                            {0}};
    if (argc == 4 && strcmp(argv[1], "--socket=3") == 0)
        return lie(argv[3]);
    return kit_main("carried", tests, argc, argv);
}
