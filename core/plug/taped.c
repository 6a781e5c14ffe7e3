/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/taped.h"

#include <math.h>
#include <string.h>

#include "core/bind/field.h"
#include "core/plug/deck.h"

#define SECOND INT64_C(1000000000)
#define PATIENCE (600 * SECOND) /* of the fake clock, for the reading of all points */

struct play {
    const struct lintel_play_source *s;
    struct lintel_tape *tape;
    struct lintel_loop *loop;
    struct lintel_deck *deck;
    struct lintel_arena *arena;
    lintel_sample *samples; /* by affordance; status E_ADDRESS: none came */
    struct lintel_op op;
    uint32_t *slots;
    int done;
};

const lintel_value *
lintel_tape_settings(const struct lintel_tape *t, const lintel_plugin *p, struct lintel_arena *a,
                     struct lintel_report *report)
{
    const struct lintel_node *settings =
        t->about != NULL ? lintel_node_get(t->about->root, "settings") : NULL;
    char what[64];
    if (settings == NULL || settings->kind != LINTEL_NODE_MAP)
        return NULL;
    (void)lintel_format(what, sizeof what, "a %s bus", p->name);
    return lintel_fields_parse(
        p->bus,
        &(struct lintel_field_source){.doc = t->about,
                                      .map = settings,
                                      .what = what,
                                      .folder = "/",
                                      .at = {t->about->file, 0, 0},
                                      .flags = LINTEL_FIELDS_PARTIAL | LINTEL_FIELDS_OPEN},
        a, report);
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* A copy that lives as long as the play; trees are no raw values of a recording's protocols. */
static void
keep(struct play *p, const lintel_sample *s)
{
    if (s->point >= p->s->profile->n)
        return;
    lintel_sample *to = &p->samples[s->point];
    *to = *s;
    to->detail = s->detail != NULL ? lintel_arena_strdup(p->arena, s->detail) : NULL;
    if (s->status == LINTEL_OK && s->value.type == LINTEL_T_NULL)
        to->status = LINTEL_E_ADDRESS;
    if (s->status != LINTEL_OK ||
        (s->value.type != LINTEL_T_BYTES && s->value.type != LINTEL_T_STR))
        return;
    to->value.as.s = lintel_arena_strndup(p->arena, s->value.as.s, s->value.len);
    if (to->value.as.s == NULL)
        to->status = LINTEL_E_NOMEM;
}

static void
on_done(void *ctx, struct lintel_op *op, lintel_status status, const lintel_sample *s, uint32_t n)
{
    struct play *p = ctx;
    for (uint32_t i = 0; i < n; i++)
        keep(p, &s[i]);
    for (uint32_t i = 0; i < op->n && status != LINTEL_OK; i++)
        p->samples[op->slots[i]].status = status;
    p->done = 1;
}

static void
on_publish(void *ctx, const lintel_sample *s, uint32_t n)
{
    struct play *p = ctx;
    for (uint32_t i = 0; i < n; i++)
        keep(p, &s[i]);
}

static void
on_refused(void *ctx, int is_device, uint32_t id, lintel_status status, const char *why)
{
    struct play *p = ctx;
    for (uint32_t i = 0; i < p->s->profile->n; i++)
        if (is_device || i == id) {
            p->samples[i].status = status;
            p->samples[i].detail = lintel_arena_strdup(p->arena, why);
        }
}

/* ---- a play ---------------------------------------------------------------------------------- */

static void
play_end(void *play)
{
    struct play *p = play;
    lintel_deck_free(p->deck);
    lintel_loop_free(p->loop);
    lintel_tape_free(p->tape);
    lintel_arena_free(p->arena);
    lintel_free(p);
}

static void
run(struct play *p)
{
    struct lintel_bus_port port = lintel_deck_port(p->deck);
    const struct lintel_profile *profile = p->s->profile;
    const struct lintel_thing thing = {.id = "test", .settings = p->s->settings};
    int push = (p->s->plugin->flags & LINTEL_PLUGIN_PUSH) != 0;
    int64_t length = p->tape->last - p->tape->first,
            at = p->s->at >= 0 && p->s->at < 1e9 ? (int64_t)llround(p->s->at * 1e9) : length;
    uint32_t n = 0;
    if (port.attach(port.ctx, 0, &thing) != 0)
        return;
    for (uint32_t i = 0; i < profile->n; i++) {
        const struct lintel_bound *b = &profile->bound[i];
        if (!b->mapped || b->read.codec == NULL || b->affordance->kind == LINTEL_K_ACTION)
            continue;
        if (port.bind(port.ctx, i, 0, b, b->affordance->name) == 0 && (b->flags & LINTEL_P_READ))
            p->slots[n++] = i;
    }
    lintel_loop_advance(p->loop, at < length ? at : length);
    if (push || n == 0)
        return;
    p->op = (struct lintel_op){.kind = LINTEL_OP_READ,
                               .n = n,
                               .slots = p->slots,
                               .deadline = lintel_loop_now(p->loop) + PATIENCE};
    if (port.submit(port.ctx, &p->op) == 0)
        while (!p->done)
            lintel_loop_advance(p->loop, SECOND); /* the deck ends it in time */
}

static int
set_up(struct play *p, const lintel_value **ret_settings, struct lintel_report *report)
{
    char reason[LINTEL_TAPE_REASON];
    const struct lintel_play_source *s = p->s;
    p->tape = lintel_tape_read(s->file, s->bytes, s->n, reason);
    if (p->tape == NULL)
        return lintel_error(report, s->place, "%s: %s", s->file, reason);
    if (p->tape->n == 0)
        return lintel_error(report, s->place, "%s: nothing is recorded there", s->file);
    p->loop = lintel_loop_new_fake();
    p->arena = lintel_arena_new();
    p->samples = p->arena != NULL
                     ? lintel_arena_alloc(p->arena, (s->profile->n + 1) * sizeof *p->samples)
                     : NULL;
    p->slots = p->arena != NULL
                   ? lintel_arena_alloc(p->arena, (s->profile->n + 1) * sizeof *p->slots)
                   : NULL;
    if (p->loop == NULL || p->samples == NULL || p->slots == NULL)
        return lintel_error(report, s->place, "out of memory");
    for (uint32_t i = 0; i < s->profile->n; i++)
        p->samples[i].status = LINTEL_E_ADDRESS;
    lintel_loop_fake_wall(p->loop, p->tape->first);
    *ret_settings = lintel_tape_settings(p->tape, s->plugin, p->arena, report);
    if (*ret_settings == NULL)
        return lintel_error(report, s->place,
                            "%s does not tell the settings of its bus; was it made by `lintel "
                            "record`, of a %s bus?",
                            s->file, s->plugin->name);
    return 0;
}

static void *
play(const struct lintel_play_source *s, struct lintel_report *report)
{
    static const struct lintel_deck_fns fns = {
        .done = on_done, .publish = on_publish, .refused = on_refused};
    char reason[LINTEL_DECK_REASON];
    const lintel_value *settings;
    struct play *p = lintel_alloc(sizeof *p);
    if (p == NULL) {
        lintel_error(report, s->place, "out of memory");
        return NULL;
    }
    p->s = s;
    if (set_up(p, &settings, report) != 0) {
        play_end(p);
        return NULL;
    }
    p->deck = lintel_deck_new(&(struct lintel_deck_source){.loop = p->loop,
                                                           .plugin = s->plugin,
                                                           .settings = settings,
                                                           .tape = p->tape,
                                                           .fns = &fns,
                                                           .ctx = p},
                              reason);
    if (p->deck == NULL) {
        lintel_error(report, s->place, "%s: %s", s->file, reason);
        play_end(p);
        return NULL;
    }
    run(p);
    return p;
}

static lintel_status
played(void *play, uint32_t i, lintel_value *ret, char reason[LINTEL_REASON])
{
    const struct play *p = play;
    const lintel_sample *s = &p->samples[i];
    reason[0] = '\0';
    if (s->status != LINTEL_OK)
        (void)lintel_copy(reason, LINTEL_REASON,
                          s->detail != NULL ? s->detail : "the recording does not tell it");
    *ret = s->value;
    return s->status;
}

static int
plugin_of(const char *file, const void *bytes, size_t n, char *ret, size_t size)
{
    char reason[LINTEL_TAPE_REASON];
    struct lintel_tape *t = lintel_tape_read(file, bytes, n, reason);
    int known = t != NULL && *lintel_tape_about(t, "plugin") != '\0';
    (void)lintel_copy(ret, size, t == NULL ? reason : lintel_tape_about(t, "plugin"));
    if (t != NULL && !known)
        (void)lintel_copy(ret, size, "it does not tell of which plugin it is");
    lintel_tape_free(t);
    return known ? 0 : -1;
}

const struct lintel_site_player lintel_player = {plugin_of, play, played, play_end};
