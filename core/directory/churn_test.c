/* SPDX-License-Identifier: Apache-2.0
 * The registry against a model that is too simple to be wrong: a list of registrations, looked
 * through from end to end. Random operations, also without memory; random lookups after each;
 * restarts. Answers must be equal to the byte. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/directory/registry.h"
#include "tests/kit/kit.h"

enum { MOST = 120, LINKS = 6, TEXT = 24, DAY = 24 * 3600 };
#define SECOND INT64_C(1000000000)
#define WALL_AHEAD INT64_C(1000000000000000)

struct link {
    char path[TEXT], rt[2][TEXT], type[TEXT], anchor[TEXT]; /* "" : none */
};
struct entry {
    uint64_t id;
    char ep[TEXT], d[TEXT], base[TEXT], et[TEXT];
    uint32_t lt, nlinks;
    lintel_mono expires;
    int active;
    struct link links[LINKS];
};
struct world {
    struct lintel_registry *r;
    struct entry entries[MOST]; /* by time of registration */
    uint32_t n;
    lintel_mono now;
};

static uint32_t
dice(uint32_t n)
{
    return (uint32_t)(kit_random() % n);
}

static void
draw(char *out, const char *before, uint32_t n)
{
    snprintf(out, TEXT, "%s%u", before, dice(n));
}

/* ---- the model ------------------------------------------------------------------------------- */

static void
link_text(const struct entry *e, const struct link *l, int resolved, struct lintel_buf *out)
{
    lintel_buf_addf(out, "<%s%s>", resolved ? e->base : "", l->path);
    if (l->rt[0][0] != '\0')
        lintel_buf_addf(out, ";rt=\"%s%s%s\"", l->rt[0], l->rt[1][0] != '\0' ? " " : "", l->rt[1]);
    if (l->type[0] != '\0')
        lintel_buf_addf(out, ";if=\"%s\"", l->type);
    if (l->anchor[0] != '\0')
        lintel_buf_addf(out, ";anchor=\"%s%s\"", resolved ? e->base : "", l->anchor);
}

static void
draw_links(struct entry *e)
{
    e->nlinks = dice(LINKS + 1);
    for (uint32_t i = 0; i < e->nlinks; i++) {
        struct link *l = &e->links[i];
        *l = (struct link){0};
        draw(l->path, "/p", 30);
        if (dice(4) != 0)
            draw(l->rt[0], "r", 15);
        if (l->rt[0][0] != '\0' && dice(3) == 0)
            draw(l->rt[1], "r", 15);
        if (dice(2))
            draw(l->type, "i", 3);
        if (dice(5) == 0)
            draw(l->anchor, "/p", 30);
    }
}

struct want {
    char name[8], text[2 * TEXT];
    int prefix;
};

static int
is(const struct want *w, const char *name, const char *text)
{
    return strcmp(w->name, name) == 0 && text[0] != '\0' &&
           (w->prefix ? strncmp(text, w->text, strlen(w->text)) : strcmp(text, w->text)) == 0;
}

static int
entry_is(const struct want *w, const struct entry *e)
{
    return is(w, "ep", e->ep) || is(w, "d", e->d) || is(w, "et", e->et) || is(w, "base", e->base);
}

static int
link_is(const struct want *w, const struct entry *e, const struct link *l)
{
    char uri[2 * TEXT], anchor[2 * TEXT] = "";
    snprintf(uri, sizeof uri, "%s%s", e->base, l->path);
    if (l->anchor[0] != '\0')
        snprintf(anchor, sizeof anchor, "%s%s", e->base, l->anchor);
    return is(w, "rt", l->rt[0]) || is(w, "rt", l->rt[1]) || is(w, "if", l->type) ||
           is(w, "href", uri) || is(w, "anchor", anchor);
}

static void
model_answer(const struct world *w, int resources, const struct want *wants, uint32_t n,
             struct lintel_buf *out)
{
    for (uint32_t i = 0; i < w->n; i++) {
        const struct entry *e = &w->entries[i];
        uint32_t met = 0;
        for (uint32_t k = 0; e->active && k < n; k++) {
            int ok = entry_is(&wants[k], e);
            for (uint32_t j = 0; !resources && j < e->nlinks; j++)
                ok |= link_is(&wants[k], e, &e->links[j]);
            met += (uint32_t)ok;
        }
        if (!e->active)
            continue;
        if (!resources && met == n) {
            lintel_buf_addf(out, "%s</rd/%016" PRIx64 ">;ep=\"%s\"", out->n ? "," : "", e->id,
                            e->ep);
            if (e->d[0] != '\0')
                lintel_buf_addf(out, ";d=\"%s\"", e->d);
            lintel_buf_addf(out, ";base=\"%s\";rt=\"core.rd-ep\"", e->base);
            if (e->et[0] != '\0')
                lintel_buf_addf(out, ";et=\"%s\"", e->et);
        }
        for (uint32_t j = 0; resources && j < e->nlinks; j++) {
            uint32_t k = 0;
            while (k < n && (entry_is(&wants[k], e) || link_is(&wants[k], e, &e->links[j])))
                k++;
            if (k < n)
                continue;
            lintel_buf_adds(out, out->n ? "," : "");
            link_text(e, &e->links[j], 1, out);
        }
    }
}

/* ---- operations ------------------------------------------------------------------------------ */

static struct entry *
entry_of(struct world *w, const char *ep, const char *d)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (strcmp(w->entries[i].ep, ep) == 0 && strcmp(w->entries[i].d, d) == 0)
            return &w->entries[i];
    return NULL;
}

static void
drop(struct world *w, struct entry *e)
{
    size_t behind = (size_t)(&w->entries[w->n] - (e + 1));
    memmove(e, e + 1, behind * sizeof *e);
    w->n--;
}

/* Operations fail now and then, at any of their allocations. */
static void
short_of_memory(void)
{
    lintel_mem_fail_at(dice(4) == 0 ? 1 + dice(12) : 0);
}

static void
put(struct world *w)
{
    struct entry e = {0};
    char reason[LINTEL_REASON];
    struct lintel_buf links = {0};
    struct lintel_link_attr attr;
    draw(e.ep, "e", 70);
    if (dice(3) == 0)
        draw(e.d, "d", 2);
    draw(e.base, "coap://h", 20);
    if (dice(2))
        draw(e.et, "t", 3);
    e.lt = 1 + dice(2 * DAY);
    draw_links(&e);
    for (uint32_t i = 0; i < e.nlinks; i++) {
        lintel_buf_adds(&links, i ? ", " : "");
        link_text(&e, &e.links[i], 0, &links);
    }
    attr = (struct lintel_link_attr){lintel_str("et"), lintel_str(e.et)};
    struct lintel_reg_input in = {.ep = lintel_str(e.ep),
                                  .d = lintel_str(e.d),
                                  .base = lintel_str(e.base),
                                  .lt = e.lt,
                                  .attrs = &attr,
                                  .nattrs = e.et[0] != '\0',
                                  .links = {links.p, links.n}};
    struct entry *old = entry_of(w, e.ep, e.d);
    int is_new = 0;
    if (old != NULL || w->n < MOST) {
        short_of_memory();
        const struct lintel_registration *reg =
            lintel_registry_put(w->r, &in, w->now, &is_new, reason);
        lintel_mem_fail_at(0);
        if (reg != NULL) {
            e.id = reg->id;
            e.active = 1;
            e.expires = w->now + e.lt * SECOND;
            CHECK(old == NULL || old->id == e.id);
            CHECK_INT(is_new, old == NULL || !old->active);
            *(old != NULL ? old : &w->entries[w->n++]) = e;
        }
    }
    lintel_buf_fini(&links);
}

static void
update(struct world *w)
{
    struct entry *e = &w->entries[dice(w->n)], fresh = *e;
    struct lintel_reg_update u = {0};
    struct lintel_buf links = {0};
    char reason[LINTEL_REASON];
    struct lintel_link_attr attr;
    if (dice(2)) {
        draw(fresh.base, "coap://h", 20);
        u.base = lintel_str(fresh.base);
        u.base_given = 1;
    }
    if (dice(2))
        u.lt = fresh.lt = 1 + dice(DAY);
    if (dice(3) == 0) {
        draw(fresh.et, "t", 3);
        attr = (struct lintel_link_attr){lintel_str("et"), lintel_str(fresh.et)};
        u.attrs = &attr;
        u.nattrs = 1;
    }
    if (dice(3) == 0) {
        draw_links(&fresh);
        for (uint32_t i = 0; i < fresh.nlinks; i++) {
            lintel_buf_adds(&links, i ? "," : "");
            link_text(&fresh, &fresh.links[i], 0, &links);
        }
        u.links = (struct lintel_str){lintel_buf_str(&links), links.n};
    }
    short_of_memory();
    int failed = lintel_registry_update(w->r, e->id, &u, w->now, reason);
    lintel_mem_fail_at(0);
    if (!failed) {
        fresh.active = 1;
        fresh.expires = w->now + fresh.lt * SECOND;
        *e = fresh;
    }
    lintel_buf_fini(&links);
}

static void
wait(struct world *w)
{
    w->now += dice(DAY / 2) * SECOND;
    lintel_mem_fail_at(1); /* ends need no memory */
    while (lintel_registry_expire(w->r, w->now) <= w->now)
        ;
    lintel_mem_fail_at(0);
    for (uint32_t i = w->n; i-- > 0;) {
        struct entry *e = &w->entries[i];
        lintel_mono grace = e->lt < DAY ? DAY : e->lt;
        e->active = e->expires > w->now;
        if (e->expires + grace * SECOND <= w->now)
            drop(w, e);
    }
}

static void
take_away(struct world *w)
{
    struct entry *e = &w->entries[dice(w->n)];
    lintel_mem_fail_at(1);
    CHECK_INT(lintel_registry_remove(w->r, e->id), 0);
    lintel_mem_fail_at(0);
    drop(w, e);
}

static void
restart(struct world *w)
{
    struct lintel_registry_source source = {.seed = kit_random()};
    struct lintel_registry *again = lintel_registry_new(&source);
    struct lintel_buf bytes = {0};
    char reason[LINTEL_REASON];
    w->now += SECOND / 2;
    while (lintel_registry_expire(w->r, w->now) <= w->now)
        ;
    for (uint32_t i = 0; i < w->n; i++) {
        struct entry *e = &w->entries[i];
        lintel_buf_reset(&bytes);
        lintel_registration_pack(lintel_registry_find(w->r, e->id), w->now, w->now + WALL_AHEAD,
                                 &bytes);
        for (uint64_t n = 1; n < 12; n++) { /* without memory: taken whole, or not at all */
            lintel_mem_fail_at(n);
            int failed = lintel_registry_unpack(again, e->id, bytes.p, bytes.n, w->now,
                                                w->now + WALL_AHEAD, reason);
            lintel_mem_fail_at(0);
            CHECK(!failed == (lintel_registry_find(again, e->id) != NULL));
            if (!failed)
                break;
        }
        if (lintel_registry_find(again, e->id) == NULL)
            CHECK_INT(lintel_registry_unpack(again, e->id, bytes.p, bytes.n, w->now,
                                             w->now + WALL_AHEAD, reason),
                      0);
        CHECK_INT(lintel_registry_unpack(again, e->id, bytes.p, bytes.n, w->now,
                                         w->now + WALL_AHEAD, reason),
                  -1); /* it is there */
        e->active = e->expires > w->now;
    }
    lintel_buf_fini(&bytes);
    lintel_registry_free(w->r);
    w->r = again;
}

/* ---- lookups --------------------------------------------------------------------------------- */

static void
draw_want(struct want *w)
{
    static const char *const names[] = {"ep", "d", "et", "base", "rt", "if", "href", "anchor"};
    static const char *const before[] = {"e", "d", "t", "coap://h", "r", "i"};
    uint32_t which = dice(LINTEL_COUNT(names));
    snprintf(w->name, sizeof w->name, "%s", names[which]);
    if (which < LINTEL_COUNT(before))
        draw(w->text, before[which], which == 0 ? 70 : which == 3 ? 20 : which == 4 ? 15 : 3);
    else
        snprintf(w->text, sizeof w->text, "coap://h%u/p%u", dice(20), dice(30));
    w->prefix = dice(4) == 0;
    if (w->prefix)
        w->text[strlen(w->text) - dice(2)] = '\0';
}

static void
compare(struct world *w)
{
    struct want wants[2];
    char text[2][2 * TEXT + 16], reason[LINTEL_REASON];
    lintel_span query[2];
    struct lintel_buf model = {0}, found = {0};
    struct lintel_lookup l;
    uint32_t n = dice(3), resources = dice(2), budget = 1 + dice(20);
    for (uint32_t i = 0; i < n; i++) {
        draw_want(&wants[i]);
        int length = snprintf(text[i], sizeof text[i], "%s=%s%s", wants[i].name, wants[i].text,
                              wants[i].prefix ? "*" : "");
        query[i] = (lintel_span){text[i], (size_t)length};
    }
    model_answer(w, (int)resources, wants, n, &model);
    CHECK_INT(lintel_lookup_init(&l, (int)resources, query, n, reason), 0);
    while (lintel_lookup_step(w->r, &l, budget, &found))
        ;
    CHECK_STR(lintel_buf_str(&found), lintel_buf_str(&model));
    lintel_buf_fini(&model);
    lintel_buf_fini(&found);
}

static void
check_stats(struct world *w)
{
    struct lintel_registry_stats s;
    uint64_t links = 0;
    uint32_t active = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        active += (uint32_t)w->entries[i].active;
        links += w->entries[i].active ? w->entries[i].nlinks : 0;
    }
    lintel_registry_stats(w->r, &s);
    CHECK_INT(s.active, active);
    CHECK_INT(s.grace, w->n - active);
    CHECK_INT(s.links, links);
}

static void
told(void *ctx, const struct lintel_registration *reg, enum lintel_reg_change what, int was)
{
    (void)reg, (void)was;
    int *balance = ctx;
    *balance += what == LINTEL_REG_ADDED ? 1 : what == LINTEL_REG_REMOVED ? -1 : 0;
}

static void
random_operations(void)
{
    static struct world w;
    int balance = 0;
    struct lintel_registry_source source = {.seed = kit_random(), .changed = told, .ctx = &balance};
    w = (struct world){.r = lintel_registry_new(&source), .now = 1000 * SECOND};
    for (int i = 0; i < 20000; i++) {
        uint32_t what = dice(100);
        if (w.n == 0 || what < 45)
            put(&w);
        else if (what < 75)
            update(&w);
        else if (what < 85)
            take_away(&w);
        else if (what < 90)
            wait(&w);
        compare(&w);
        check_stats(&w);
    }
    struct lintel_registry_stats s;
    lintel_registry_stats(w.r, &s);
    CHECK_INT(balance, s.active);
    for (int i = 0; i < 20; i++) {
        restart(&w);
        for (int k = 0; k < 50; k++) {
            put(&w);
            update(&w);
            compare(&w);
        }
        wait(&w);
        check_stats(&w);
    }
    while (w.n != 0)
        take_away(&w);
    check_stats(&w);
    lintel_registry_free(w.r);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(random_operations), {0}};
    return kit_main("churn", tests, argc, argv);
}
