/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/try.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/engine/guest.h"
#include "core/plug/tap.h"
#include "core/serve/format.h"
#include "core/serve/json.h"

enum {
    TAPS_MOST = 16,       /* messages that are shown */
    TAP_BYTES_MOST = 4096 /* of one */
};

struct tapped { /* a message of the exchange */
    lintel_wall when;
    int out;
    struct lintel_buf bytes;
};

struct lintel_try {
    struct lintel_try_source s;
    const struct lintel_port *conf;
    struct lintel_arena *arena;
    struct lintel_doc *device_doc, *address_doc;
    struct lintel_codec *codec; /* as asked for */
    int typed;                  /* a type was given */
    struct lintel_thing thing;
    struct lintel_affordance affordance;
    struct lintel_bound bound;
    struct lintel_guest *guest;
    struct lintel_tap_listener listener;
    int listening;
    struct tapped taps[TAPS_MOST];
    uint32_t ntaps;
};

static const char FILE_NAME[] = "try";

/* ---- keys ------------------------------------------------------------------------------------ */

static const lintel_field *
find_field(const lintel_field *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static int
is_codec_key(const char *name)
{
    for (const char *const *k = lintel_codec_keys; *k != NULL; k++)
        if (strcmp(*k, name) == 0)
            return strcmp(name, "scaleFrom") != 0; /* there is no other property */
    return 0;
}

/* The field of which `word` is a choice; only where nobody could mean something else. */
static const lintel_field *
field_of_choice(const lintel_field *table, const char *word)
{
    struct lintel_str item;
    for (; table != NULL && table->name != NULL; table++)
        for (uint32_t i = 0;
             table->choices != NULL && (item = lintel_field_item(table->choices, i)).p != NULL; i++)
            if (lintel_str_eq(item, word))
                return table;
    return NULL;
}

static const lintel_field *
first_required(const lintel_field *table)
{
    for (; table != NULL && table->name != NULL; table++)
        if (table->flags & LINTEL_F_REQUIRED)
            return table;
    return NULL;
}

static void
add_member(struct lintel_buf *b, const char *name, const struct lintel_node *value)
{
    lintel_buf_adds(b, b->n > 1 ? "," : "");
    lintel_buf_add_json_str(b, name, strlen(name));
    lintel_buf_addc(b, ':');
    lintel_node_json(value, b);
}

/* Every word that may stand there, for "did you mean". */
static int
unknown_key(const struct lintel_plugin *p, const char *name, struct lintel_arena *a,
            struct lintel_report *report)
{
    const lintel_field *const tables[] = {p->device, p->address};
    const char *words[256] = {NULL};
    char hint[LINTEL_HINT];
    size_t n = 0;
    struct lintel_str item;
    for (size_t t = 0; t < LINTEL_COUNT(tables); t++)
        for (const lintel_field *f = tables[t]; f != NULL && f->name != NULL && n < 200; f++) {
            words[n++] = f->name;
            for (uint32_t i = 0; t == 1 && f->choices != NULL && n < 200 &&
                                 (item = lintel_field_item(f->choices, i)).p != NULL;
                 i++)
                words[n++] = lintel_arena_strndup(a, item.p, item.n);
        }
    for (const char *const *k = lintel_codec_keys; *k != NULL && n < 250; k++)
        words[n++] = *k;
    for (size_t i = 0; i < n; i++)
        if (words[i] == NULL)
            return lintel_error(report, (struct lintel_place){FILE_NAME, 0, 0}, "out of memory");
    return lintel_error(report, (struct lintel_place){FILE_NAME, 0, 0},
                        "a %s address has no key \"%.64s\"%s", p->name, name,
                        lintel_hint(hint, name, words));
}

/* Which key is whose: two maps of the one that was given. */
static int
sort_keys(struct lintel_try *t, const struct lintel_node *keys, struct lintel_buf *device,
          struct lintel_buf *address, struct lintel_report *report)
{
    const lintel_plugin *p = t->conf->plugin;
    lintel_buf_addc(device, '{');
    lintel_buf_addc(address, '{');
    int failed = 0;
    for (const struct lintel_node *n = keys->child; n != NULL; n = n->next) {
        const char *name = n->key.p;
        const lintel_field *of = field_of_choice(p->address, name),
                           *place = first_required(p->address);
        if (find_field(p->device, name) != NULL) {
            add_member(device, name, n);
        } else if (find_field(p->address, name) != NULL || is_codec_key(name)) {
            add_member(address, name, n);
        } else if (of != NULL && place != NULL) {
            lintel_buf_addf(address, "%s\"%s\":\"%s\"", address->n > 1 ? "," : "", of->name, name);
            add_member(address, place->name, n);
        } else {
            failed = unknown_key(p, name, t->arena, report);
        }
    }
    lintel_buf_addc(device, '}');
    lintel_buf_addc(address, '}');
    if (device->failed || address->failed)
        failed = lintel_error(report, (struct lintel_place){FILE_NAME, 0, 0}, "out of memory");
    return failed;
}

static struct lintel_codec *
codec_of(const struct lintel_doc *doc, const struct lintel_node *map, const char *natural,
         uint32_t unit_bytes, struct lintel_report *report)
{
    return lintel_codec_compile(
        &(struct lintel_codec_source){
            .doc = doc, .map = map, .natural = natural, .unit_bytes = unit_bytes},
        report);
}

/* A codec of keys written here. */
static struct lintel_codec *
codec_of_text(const char *text, uint32_t unit_bytes)
{
    struct lintel_report ignored = {0};
    struct lintel_doc *doc = lintel_doc_parse(FILE_NAME, text, strlen(text), &ignored);
    struct lintel_codec *c =
        doc != NULL ? codec_of(doc, doc->root, "", unit_bytes, &ignored) : NULL;
    lintel_doc_free(doc);
    lintel_report_fini(&ignored);
    return c;
}

/* Without a type, registers are read as two, so that all that they may be can be shown. */
static int
make_codec(struct lintel_try *t, const lintel_value *addr, struct lintel_report *report)
{
    const lintel_plugin *p = t->conf->plugin;
    const struct lintel_node *map = t->address_doc->root;
    const char *natural = lintel_fields_natural(p->address, addr, t->arena);
    if (natural == NULL)
        natural = p->natural != NULL ? p->natural : "";
    t->typed = lintel_node_get(map, "type") != NULL;
    for (const char *const *k = lintel_codec_keys; *k != NULL; k++)
        t->typed |= lintel_node_get(map, *k) != NULL && strcmp(*k, "count") != 0;
    if (!t->typed && p->unit_bytes == 2 && strcmp(natural, "u16") == 0 &&
        lintel_node_get(map, "count") == NULL)
        t->codec = codec_of_text("{\"type\":\"bytes\",\"count\":2}", 2);
    else
        t->codec = codec_of(t->address_doc, map,
                            !t->typed && lintel_node_get(map, "count") != NULL ? "bytes" : natural,
                            p->unit_bytes, report);
    return t->codec != NULL ? 0 : -1;
}

static int
read_keys(struct lintel_try *t, struct lintel_report *report)
{
    const lintel_plugin *p = t->conf->plugin;
    struct lintel_buf device = {0}, address = {0};
    char what[64], whose[64];
    int failed = -1;
    (void)lintel_format(what, sizeof what, "a %s address", p->name);
    (void)lintel_format(whose, sizeof whose, "a device on a %s bus", p->name);
    struct lintel_doc *doc = lintel_doc_parse(FILE_NAME, t->s.keys, t->s.nkeys, report);
    if (doc != NULL && doc->root->kind != LINTEL_NODE_MAP)
        lintel_error(report, (struct lintel_place){FILE_NAME, 0, 0},
                     "give keys and values, as in {\"unit\":1,\"address\":0}");
    else if (doc != NULL)
        failed = sort_keys(t, doc->root, &device, &address, report);
    if (!failed) {
        t->device_doc = lintel_doc_parse(FILE_NAME, device.p, device.n, report);
        t->address_doc = lintel_doc_parse(FILE_NAME, address.p, address.n, report);
        failed = t->device_doc == NULL || t->address_doc == NULL;
    }
    if (!failed) {
        struct lintel_field_source source = {.doc = t->device_doc,
                                             .map = t->device_doc->root,
                                             .what = whose,
                                             .folder = "/",
                                             .at = {FILE_NAME, 0, 0}};
        t->thing.settings = lintel_fields_parse(p->device, &source, t->arena, report);
        source = (struct lintel_field_source){.doc = t->address_doc,
                                              .map = t->address_doc->root,
                                              .also = lintel_codec_keys,
                                              .what = what,
                                              .folder = "/",
                                              .at = {FILE_NAME, 0, 0}};
        t->bound.read.addr = lintel_fields_parse(p->address, &source, t->arena, report);
        failed = t->thing.settings == NULL || t->bound.read.addr == NULL ||
                 make_codec(t, t->bound.read.addr, report) != 0;
    }
    lintel_doc_free(doc);
    lintel_buf_fini(&device);
    lintel_buf_fini(&address);
    return failed ? -1 : 0;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void
add_hex(struct lintel_buf *b, const void *p, size_t n)
{
    const unsigned char *byte = p;
    lintel_buf_addc(b, '"');
    for (size_t i = 0; i < n; i++)
        lintel_buf_addf(b, "%s%02x", i != 0 ? " " : "", byte[i]);
    lintel_buf_addc(b, '"');
}

/* One reading of the raw value: as asked for, or as it may be. */
static void
add_decoded(struct lintel_buf *b, const struct lintel_codec *c, const lintel_value *raw)
{
    struct lintel_decoding d;
    struct lintel_payload payload = {0};
    lintel_value v = {0};
    char how[128] = "";
    d.reason[0] = '\0';
    if (raw->type == LINTEL_T_BYTES)
        lintel_payload_reset(&payload, raw->as.p, raw->len);
    enum lintel_decoded came = lintel_codec_decode(c, raw, &payload, 0, &d, &v, NULL);
    lintel_codec_describe(c, how, sizeof how);
    lintel_json_text(b, "as", how);
    lintel_json_key(b, "value");
    if (came == LINTEL_DECODED || came == LINTEL_DECODED_RANGE)
        lintel_format_write(b, LINTEL_FORMAT_JSON, &v);
    else
        lintel_buf_adds(b, "null");
    lintel_json_text(b, "reason",
                     came == LINTEL_DECODED_BAD      ? d.reason
                     : came == LINTEL_DECODED_NONE   ? "the device says that it has no value"
                     : came == LINTEL_DECODED_ABSENT ? "the payload does not carry it"
                                                     : "");
    lintel_payload_reset(&payload, NULL, 0);
}

static void
add_guesses(struct lintel_buf *b, const struct lintel_try *t, const lintel_value *raw)
{
    static const struct {
        const char *type;
        uint32_t bytes;
    } types[] = {{"u16", 2}, {"s16", 2}, {"u32", 4}, {"s32", 4}, {"f32", 4}};
    static const char *const orders[] = {"big", "little"};
    lintel_json_key(b, "guesses");
    lintel_buf_addc(b, '[');
    for (size_t i = 0; i < LINTEL_COUNT(types); i++)
        for (size_t k = 0; k < LINTEL_COUNT(orders); k++) {
            char keys[80];
            lintel_value part = *raw;
            if (raw->len < types[i].bytes || (k > 0 && types[i].bytes == 2))
                continue;
            part.len = types[i].bytes;
            (void)lintel_format(keys, sizeof keys, "{\"type\":\"%s\",\"wordOrder\":\"%s\"}",
                                types[i].type, orders[k]);
            struct lintel_codec *c = codec_of_text(keys, t->conf->plugin->unit_bytes);
            if (c == NULL)
                continue;
            lintel_json_item(b);
            lintel_buf_addc(b, '{');
            lintel_json_text(b, "type", types[i].type);
            lintel_json_text(b, "wordOrder", orders[k]);
            add_decoded(b, c, &part);
            lintel_buf_addc(b, '}');
            lintel_codec_unref(c);
        }
    lintel_buf_addc(b, ']');
}

static void
add_taps(struct lintel_buf *b, const struct lintel_try *t)
{
    lintel_json_key(b, "messages");
    lintel_buf_addc(b, '[');
    for (uint32_t i = 0; i < t->ntaps; i++) {
        lintel_json_item(b);
        lintel_buf_addc(b, '{');
        lintel_json_flag(b, "out", t->taps[i].out);
        lintel_json_key(b, "bytes");
        add_hex(b, t->taps[i].bytes.p, t->taps[i].bytes.n);
        lintel_buf_addc(b, '}');
    }
    lintel_buf_addc(b, ']');
}

/* Between the first message out and the last one in, where both were seen. */
static int64_t
time_taken(const struct lintel_try *t, int64_t otherwise)
{
    const struct tapped *first = &t->taps[0], *last = &t->taps[t->ntaps > 0 ? t->ntaps - 1 : 0];
    return t->ntaps >= 2 && first->out && !last->out ? last->when - first->when : otherwise;
}

static void
stop_listening(struct lintel_try *t)
{
    if (t->listening)
        lintel_instance_untap(t->s.instance, &t->listener);
    t->listening = 0;
}

static void
on_done(void *ctx, const lintel_sample *s, lintel_status status, const char *detail, int64_t took)
{
    struct lintel_try *t = ctx;
    struct lintel_buf b = {0};
    (void)status; /* the detail says it in words */
    stop_listening(t);
    if (s == NULL && (t->conf->plugin->flags & LINTEL_PLUGIN_PUSH) != 0)
        t->ntaps = 0; /* what came was not of this address */
    lintel_buf_addc(&b, '{');
    lintel_json_text(&b, "bus", t->conf->name);
    lintel_json_flag(&b, "ok", s != NULL);
    lintel_json_text(&b, "detail", s != NULL ? "" : detail);
    lintel_json_real(&b, "ms", (double)(time_taken(t, took) / 1000) / 1000);
    add_taps(&b, t);
    if (s != NULL && s->value.type == LINTEL_T_BYTES) {
        lintel_json_key(&b, "raw");
        add_hex(&b, s->value.as.p, s->value.len);
        if (lintel_utf8_valid(s->value.as.p, s->value.len) == s->value.len &&
            t->conf->plugin->unit_bytes == 1) {
            lintel_json_key(&b, "text");
            lintel_buf_add_json_str(&b, s->value.as.s, s->value.len);
        }
    } else if (s != NULL) {
        lintel_json_key(&b, "raw");
        lintel_format_write(&b, LINTEL_FORMAT_JSON, &s->value);
    }
    if (s != NULL &&
        (t->typed || s->value.type != LINTEL_T_BYTES || t->conf->plugin->unit_bytes == 1))
        add_decoded(&b, t->codec, &s->value);
    else if (s != NULL)
        add_guesses(&b, t, &s->value);
    lintel_buf_addc(&b, '}');
    t->s.done(t->s.ctx, b.failed ? NULL : &b);
    lintel_buf_fini(&b);
}

static void
on_tap(void *ctx, const struct lintel_tapped *m)
{
    struct lintel_try *t = ctx;
    int push = (t->conf->plugin->flags & LINTEL_PLUGIN_PUSH) != 0;
    if (t->guest == NULL)
        return;
    if (push) {
        if (m->tap.flow == LINTEL_TAP_OUT)
            return;
        t->ntaps = 0; /* the last one before the value is it */
    } else if (m->ticket == 0 ||
               m->ticket != lintel_instance_ticket(t->s.instance, lintel_guest_op(t->guest))) {
        return; /* a poll's */
    }
    if (t->ntaps == TAPS_MOST)
        return;
    struct tapped *to = &t->taps[t->ntaps++];
    to->when = m->tap.when;
    to->out = m->tap.flow == LINTEL_TAP_OUT;
    lintel_buf_reset(&to->bytes);
    lintel_buf_add(&to->bytes, m->tap.p, m->tap.n < TAP_BYTES_MOST ? m->tap.n : TAP_BYTES_MOST);
}

static void
on_ended(void *ctx)
{
    ((struct lintel_try *)ctx)->listening = 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void
on_gone(void *ctx)
{
    struct lintel_try *t = ctx;
    stop_listening(t);
    for (uint32_t i = 0; i < TAPS_MOST; i++)
        lintel_buf_fini(&t->taps[i].bytes);
    lintel_codec_unref(t->codec);
    lintel_doc_free(t->device_doc);
    lintel_doc_free(t->address_doc);
    lintel_arena_free(t->arena);
    lintel_free(t);
}

static int
ask(struct lintel_try *t, struct lintel_report *report)
{
    static const char id[] = "lintel-try", name[] = "try", path[] = "Try/p/try";
    char reason[256];
    t->thing.id = id;
    t->affordance.name = name;
    t->affordance.path = path;
    t->affordance.kind = LINTEL_K_PROPERTY;
    t->affordance.readable = 1;
    t->bound.affordance = &t->affordance;
    t->bound.read.codec = t->codec;
    t->bound.scale_from = -1;
    t->bound.mapped = 1;
    t->bound.flags = LINTEL_P_READ; /* never LINTEL_P_WRITE */
    if (t->conf->plugin->flags & LINTEL_PLUGIN_PUSH)
        t->bound.flags |= LINTEL_P_NOTIFY;
    t->listener = (struct lintel_tap_listener){.on_tap = on_tap, .ended = on_ended, .ctx = t};
    lintel_instance_tap(t->s.instance, &t->listener);
    t->listening = 1;
    t->guest = lintel_engine_guest(t->s.engine, lintel_instance_bus(t->s.instance),
                                   &(struct lintel_guest_source){.thing = &t->thing,
                                                                 .bound = &t->bound,
                                                                 .within_ns = t->s.within_ns,
                                                                 .done = on_done,
                                                                 .gone = on_gone,
                                                                 .ctx = t},
                                   reason, sizeof reason);
    if (t->guest != NULL)
        return 0;
    return lintel_error(report, (struct lintel_place){FILE_NAME, 0, 0}, "%s", reason);
}

struct lintel_try *
lintel_try_start(const struct lintel_try_source *s, struct lintel_report *report)
{
    struct lintel_try *t = lintel_alloc(sizeof *t);
    if (t == NULL || (t->arena = lintel_arena_new()) == NULL) {
        lintel_free(t);
        lintel_error(report, (struct lintel_place){FILE_NAME, 0, 0}, "out of memory");
        return NULL;
    }
    t->s = *s;
    t->conf = lintel_instance_conf(s->instance);
    if (read_keys(t, report) == 0 && ask(t, report) == 0)
        return t;
    on_gone(t);
    return NULL;
}

void
lintel_try_leave(struct lintel_try *t)
{
    stop_listening(t);
    lintel_guest_leave(t->guest);
}
