/* SPDX-License-Identifier: Apache-2.0
 * What the checks have in common: an instance with the user's settings, a peer, points, a request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/kit/check.h"
#include "core/plug/load.h"

enum { COMPLAINTS_MOST = 20 };
#define MS INT64_C(1000000)

static struct check *watching;
static uint32_t watched, complaints;

static void
complain(uint32_t rule, const char *what)
{
    if (watching != NULL && (rule & watched) != 0 &&
        __atomic_add_fetch(&complaints, 1, __ATOMIC_SEQ_CST) <= COMPLAINTS_MOST)
        check_fail(watching, "%s", what);
}

void
check_watch(struct check *c, uint32_t rules)
{
    watching = c;
    watched = rules | LINTEL_KIT_TEST;
    lintel_kit_on_complaint(complain);
}

/* A transport listens on {port}, and several checks run at a time: each has a port of its own. */
static uint16_t
own_port(uint16_t otherwise)
{
    lintel_kit_peer *p = lintel_kit_peer_new(LINTEL_KIT_UDP, 0, NULL, NULL);
    uint16_t port = p != NULL ? lintel_kit_peer_port(p) : otherwise;
    lintel_kit_peer_free(p);
    return port;
}

int
check_load(struct check *c)
{
    char reason[600];
    check_watch(c, 0);
    if (c->entry == NULL &&
        (c->entry = lintel_load_file(c->o->file, reason, sizeof reason)) == NULL) {
        check_fail(c, "%s", reason);
        return 0;
    }
    c->plugin = c->entry->plugins[0];
    for (uint32_t i = 0; i < c->entry->nplugins && c->o->plugin != NULL; i++)
        if (strcmp(c->entry->plugins[i]->name, c->o->plugin) == 0)
            c->plugin = c->entry->plugins[i];
    if (c->o->plugin != NULL && strcmp(c->plugin->name, c->o->plugin) != 0) {
        check_fail(c, "the file holds no plugin named %s", c->o->plugin);
        return 0;
    }
    c->port = check_is_transport(c) ? own_port(c->o->port) : c->o->port;
    c->line = c->o->line;
    check_alloc_watch(c->plugin);
    return 1;
}

static int
mentions(const struct texts *t, const char *what)
{
    for (unsigned i = 0; i < t->n; i++)
        if (strstr(t->at[i], what) != NULL)
            return 1;
    return 0;
}

int
check_has_peer(const struct check *c)
{
    return mentions(&c->o->set, "{port}") || mentions(&c->o->set, "{line}");
}

int
check_is_transport(const struct check *c)
{
    return (c->plugin->flags & LINTEL_PLUGIN_TRANSPORT) != 0;
}

int
check_op_exists(const struct check *c, int op)
{
    void (*const calls[])(void *, const lintel_request *) = {
        c->plugin->read, c->plugin->write, c->plugin->invoke, c->plugin->subscribe};
    return calls[op] != NULL;
}

static const char *
missing(const lintel_field *table, const struct texts *given)
{
    for (; table != NULL && table->name != NULL; table++) {
        size_t n = strlen(table->name);
        int has = !(table->flags & LINTEL_F_REQUIRED) || table->dflt != NULL;
        for (unsigned i = 0; i < given->n && !has; i++)
            has = strncmp(given->at[i], table->name, n) == 0 && given->at[i][n] == '=';
        if (!has)
            return table->name;
    }
    return NULL;
}

/* Which key of an address or a device the user would have to give; NULL: none. */
static const char *
missing_key(const struct check *c, const char **ret_option)
{
    static const struct texts none;
    const char *row =
        missing(c->plugin->address, c->o->addresses.n ? &c->o->addresses.at[0] : &none);
    *ret_option = row != NULL ? "--address" : "--device";
    return row != NULL ? row : missing(c->plugin->device, &c->o->device);
}

int
check_knows_points(const struct check *c)
{
    const char *option;
    return !check_is_transport(c) && c->plugin->read != NULL && missing_key(c, &option) == NULL;
}

int
check_has_points(struct check *c)
{
    const char *row, *option;
    if (check_is_transport(c))
        check_skip(c, "a transport has no points");
    else if (c->plugin->read == NULL)
        check_skip(c, "it has no read()");
    else if ((row = missing_key(c, &option)) != NULL)
        check_skip(c, "it needs %s %s=..", option, row);
    return !c->skipped;
}

/* Reachable to the end, so that tools that look for leaks see the plugin's alone. */
static struct filled {
    struct filled *next;
    char *text;
} * filled;

static const char *
keep(char *text)
{
    struct filled *f = malloc(sizeof *f);
    if (f == NULL)
        abort();
    *f = (struct filled){filled, text};
    filled = f;
    return text;
}

const char *
check_fill(const struct check *c, const char *text, unsigned n)
{
    struct lintel_buf b = {0};
    for (const char *at = text; *at != '\0';) {
        if (strncmp(at, "{port}", 6) == 0) {
            lintel_buf_addf(&b, "%u", c->port);
            at += 6;
        } else if (strncmp(at, "{line}", 6) == 0) {
            lintel_buf_adds(&b, c->line != NULL && c->line[0] != '\0' ? c->line : "/dev/null");
            at += 6;
        } else if (strncmp(at, "{n}", 3) == 0) {
            lintel_buf_addf(&b, "%u", n);
            at += 3;
        } else {
            lintel_buf_addc(&b, *at++);
        }
    }
    (void)lintel_buf_str(&b);
    return b.p != NULL ? keep(b.p) : "";
}

/* ---- peers ----------------------------------------------------------------------------------- */

static size_t
cut(void *arg, const uint8_t *in, size_t n, uint8_t out[LINTEL_KIT_SEND_MOST], size_t *ret_n,
    uint32_t *ret_flags)
{
    (void)arg, (void)in;
    out[0] = 0;
    *ret_n = n > 0;
    *ret_flags = n > 0 ? LINTEL_KIT_CLOSE : 0;
    return n;
}

/* TCP and UDP on one port, and a serial line. */
static int
open_peers(struct check *c, lintel_kit_answer *answer)
{
    lintel_kit_peer *tcp = NULL, *udp = NULL;
    for (int tries = 0; tries < 10 && udp == NULL; tries++) {
        lintel_kit_peer_free(tcp);
        tcp = lintel_kit_peer_new(LINTEL_KIT_TCP, 0, answer, NULL);
        if (tcp != NULL)
            udp = lintel_kit_peer_new(LINTEL_KIT_UDP, lintel_kit_peer_port(tcp), answer, NULL);
    }
    c->peers[0] = tcp;
    c->peers[1] = udp;
    c->peers[2] = lintel_kit_peer_new(LINTEL_KIT_SERIAL, 0, answer, NULL);
    if (udp == NULL || c->peers[2] == NULL) {
        check_fail(c, "no silent peer can be made on 127.0.0.1");
        return 0;
    }
    c->port = lintel_kit_peer_port(tcp);
    c->line = lintel_kit_peer_line(c->peers[2]);
    return 1;
}

/* ---- an instance ----------------------------------------------------------------------------- */

static void
put(struct texts *t, const char *text)
{
    size_t n = strcspn(text, "=") + 1;
    for (unsigned i = 0; i < t->n; i++)
        if (strncmp(t->at[i], text, n) == 0) {
            t->at[i] = text;
            return;
        }
    if (t->n < TEXTS_MOST)
        t->at[t->n++] = text;
}

lintel_kit *
check_create(struct check *c, enum check_peer peer, const struct texts *more)
{
    struct texts set = {0};
    const char *row = missing(c->plugin->bus, &c->o->set);
    if (row != NULL) {
        check_skip(c, "it needs --set %s=..", row);
        return NULL;
    }
    if (peer != PEER_ANY && c->peers[0] == NULL &&
        !open_peers(c, peer == PEER_CUTTING ? cut : NULL))
        return NULL;
    for (unsigned i = 0; i < c->o->set.n; i++)
        put(&set, check_fill(c, c->o->set.at[i], 0));
    for (unsigned i = 0; more != NULL && i < more->n; i++)
        put(&set, more->at[i]);
    lintel_kit *k = lintel_kit_new(c->plugin, set.at, 1);
    if (k == NULL && lintel_kit_create_status() != LINTEL_E_NOMEM)
        check_fail(c, "no instance: %s. Give settings that can be by --set", lintel_kit_refusal());
    return k;
}

static unsigned
natural_bytes(const struct check *c)
{
    static const struct {
        const char *type;
        unsigned bytes;
    } types[] = {{"u8", 1},  {"s8", 1},  {"u16", 2}, {"s16", 2}, {"u32", 4}, {"s32", 4},
                 {"f32", 4}, {"u64", 8}, {"s64", 8}, {"f64", 8}, {"", 0}};
    unsigned i = 0;
    if (c->o->wire_bytes != 0)
        return c->o->wire_bytes;
    while (types[i].bytes != 0 && strcmp(types[i].type, c->plugin->natural) != 0)
        i++;
    return types[i].bytes;
}

static int
bind_points(struct check *c, int device, unsigned n, struct rig *r)
{
    uint32_t flags = LINTEL_P_READ | LINTEL_P_WRITE;
    if (c->plugin->flags & LINTEL_PLUGIN_PUSH)
        flags |= LINTEL_P_NOTIFY;
    for (r->n = 0; r->n < n; r->n++) {
        struct texts address = {0};
        const struct texts *from =
            c->o->addresses.n ? &c->o->addresses.at[r->n % c->o->addresses.n] : NULL;
        for (unsigned i = 0; from != NULL && i < from->n; i++)
            put(&address, check_fill(c, from->at[i], r->n));
        r->points[r->n] = lintel_kit_bind(r->kit, device, LINTEL_K_PROPERTY, flags,
                                          natural_bytes(c), address.at, NULL);
        if (r->points[r->n] < 0 && r->n == 0) { /* perhaps it is for reading alone */
            r->writable = 0;
            flags &= ~(uint32_t)LINTEL_P_WRITE;
            r->points[0] = lintel_kit_bind(r->kit, device, LINTEL_K_PROPERTY, flags,
                                           natural_bytes(c), address.at, NULL);
        }
        if (r->points[r->n] < 0) {
            check_fail(c, "no point: %s. Give an address that can be by --address",
                       lintel_kit_refusal());
            return 0;
        }
    }
    return 1;
}

int
check_rig(struct check *c, enum check_peer peer, unsigned n, struct rig *ret)
{
    struct texts device = {0};
    ret->n = 0;
    ret->writable = 1;
    if ((ret->kit = check_create(c, peer, NULL)) == NULL)
        return 0;
    lintel_status st = lintel_kit_start(ret->kit);
    if (st != LINTEL_OK) {
        check_fail(
            c,
            "start() returned %d: that a device can't be reached is told by link(), and is no "
            "error of start(). It logged: %s",
            (int)st, lintel_kit_log(ret->kit));
        lintel_kit_free(ret->kit);
        return 0;
    }
    for (unsigned i = 0; i < c->o->device.n; i++)
        put(&device, check_fill(c, c->o->device.at[i], 0));
    int id = check_is_transport(c) ? 0 : lintel_kit_attach(ret->kit, "check-thing", device.at);
    if (id < 0)
        check_fail(c, "no device: %s. Give settings that can be by --device", lintel_kit_refusal());
    if (id < 0 || !bind_points(c, id, n, ret)) {
        lintel_kit_free(ret->kit);
        return 0;
    }
    return 1;
}

struct lintel_kit_result *
check_ask(struct check *c, struct rig *r, int op, unsigned n, const lintel_value *values,
          uint32_t deadline_ms)
{
    static const char *const names[] = {"read", "write", "invoke", "subscribe"};
    struct lintel_kit_result *got =
        lintel_kit_request(r->kit, op, r->points, n, values, deadline_ms, 0);
    if (got->done == 0)
        check_fail(
            c,
            "%s() of %u points was not completed 2 s after its deadline: each request ends with "
            "complete(), exactly once (lintel_host.complete)",
            names[op], n);
    else if (op == LINTEL_KIT_READ && got->missing > 0)
        check_fail(
            c,
            "read() of %u points brought no sample for %u of them: one sample a point, with a "
            "status where there is no value (lintel_host.complete)",
            n, got->missing);
    return got;
}
