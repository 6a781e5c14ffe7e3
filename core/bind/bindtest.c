/* SPDX-License-Identifier: Apache-2.0
 * The tests that a binding carries: raw data in the plugin's notation, and what must come of it.
 *
 *   lintel:tests:
 *     - given:  { modbus: { input: { 12: "43 9A 00 00" } } }
 *       expect: { activePower: 308 }                     # null: no value
 *     - replay: recordings/em1.pcapng                  # of `lintel record`, beside the binding
 *       at:     12.5                                   # seconds; without it the recording's end
 *       expect: { activePower: 3480 }
 *     - write:  { setPoint: 21 }
 *       sends:  { modbus: { setPoint: "00 D2" } }        # hexadecimal, or the payload's text
 *
 * sdfContext, beside them, gives the device settings and parameters that a thing would give. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/files.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"
#include "lintel/ext/given.h"

enum { SCRATCH_MOST = 1024 * 1024, RECORDING_MOST = 64 * 1024 * 1024 };

struct run {
    struct lintel_reader *r;
    const struct lintel_doc *doc; /* for places */
    const struct lintel_node *test;
    const lintel_plugin *plugin;
    const lintel_plugin_given *source; /* NULL: nothing is given */
    struct lintel_profile *profile;
    lintel_value given;
    lintel_device device;
    void *scratch; /* two pieces: of the point, of its scaleFrom */
    const struct lintel_site_player *player;
    void *play; /* of a recording; NULL: the test has none */
};

/* ---- values in words ------------------------------------------------------------------------- */

static void
show(const lintel_value *v, struct lintel_buf *out)
{
    switch (v->type) {
    case LINTEL_T_BOOL: lintel_buf_adds(out, v->as.i ? "true" : "false"); break;
    case LINTEL_T_INT: lintel_buf_addf(out, "%lld", (long long)v->as.i); break;
    case LINTEL_T_UINT: lintel_buf_addf(out, "%llu", (unsigned long long)v->as.u); break;
    case LINTEL_T_REAL: lintel_buf_add_json_real(out, v->as.r); break;
    case LINTEL_T_STR: lintel_buf_add_json_str(out, v->as.s, v->len); break;
    case LINTEL_T_BYTES:
        for (uint32_t i = 0; i < v->len; i++)
            lintel_buf_addf(out, "%s%02X", i ? " " : "", ((const unsigned char *)v->as.p)[i]);
        break;
    case LINTEL_T_LIST:
        lintel_buf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            lintel_buf_adds(out, i ? ", " : "");
            show(&v->as.list[i], out);
        }
        lintel_buf_addc(out, ']');
        break;
    case LINTEL_T_MAP:
        lintel_buf_addc(out, '{');
        for (uint32_t i = 0; i < v->len; i++) {
            lintel_buf_addf(out, "%s%s: ", i ? ", " : "", v->as.map[i].name);
            show(&v->as.map[i].value, out);
        }
        lintel_buf_addc(out, '}');
        break;
    default: lintel_buf_adds(out, "no value"); break;
    }
}

/* Equal as people see it: a single-precision 308.1 is 308.1. Whole numbers are compared exactly. */
static int
is_equal(const lintel_value *a, const lintel_value *b)
{
    double x, y;
    if (lintel_value_number(a, &x) && lintel_value_number(b, &y)) {
        if (a->type == b->type && a->type != LINTEL_T_REAL)
            return a->as.u == b->as.u;
        return fabs(x - y) <= 1e-6 * fmax(fabs(x), fabs(y));
    }
    if (a->type != b->type || (a->type != LINTEL_T_BOOL && a->len != b->len))
        return 0;
    switch (a->type) {
    case LINTEL_T_BOOL: return a->as.i == b->as.i;
    case LINTEL_T_STR:
    case LINTEL_T_BYTES: return a->len == 0 || memcmp(a->as.p, b->as.p, a->len) == 0;
    case LINTEL_T_LIST:
        for (uint32_t i = 0; i < a->len; i++)
            if (!is_equal(&a->as.list[i], &b->as.list[i]))
                return 0;
        return 1;
    case LINTEL_T_MAP:
        for (uint32_t i = 0; i < a->len; i++) {
            uint32_t k = 0;
            while (k < b->len && strcmp(a->as.map[i].name, b->as.map[k].name) != 0)
                k++;
            if (k == b->len || !is_equal(&a->as.map[i].value, &b->as.map[k].value))
                return 0;
        }
        return 1;
    default: return 1;
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The bound affordance that a test names, or NULL with the reason. */
static const struct lintel_bound *
find_bound(const struct run *t, const struct lintel_node *n)
{
    const struct lintel_profile *p = t->profile;
    struct lintel_place at = lintel_key_place(t->doc, n);
    const char **words = lintel_arena_alloc(t->r->scratch, (p->n + 1) * sizeof *words);
    char hint[LINTEL_HINT] = "";
    for (uint32_t i = 0; i < p->n; i++) {
        const struct lintel_affordance *a = p->bound[i].affordance;
        if (words != NULL)
            words[i] = a->name;
        if (strcmp(a->name, n->key.p) != 0 && strcmp(a->path, n->key.p) != 0)
            continue;
        if (p->bound[i].mapped)
            return &p->bound[i];
        lintel_error(t->r->report, at, "\"%s\" is not mapped for %s", a->name, t->plugin->name);
        return NULL;
    }
    if (words != NULL)
        lintel_hint(hint, n->key.p, words);
    lintel_error(t->r->report, at, "\"%.64s\" has no \"%.64s\"%s", p->id, n->key.p, hint);
    return NULL;
}

/* What a read of the point would have brought. */
static lintel_status
raw_of(const struct run *t, const struct lintel_bound *b, void *scratch, lintel_value *ret,
       char reason[LINTEL_REASON])
{
    char why[128] = "";
    if (t->play != NULL)
        return t->player->value(t->play, (uint32_t)(b - t->profile->bound), ret, reason);
    if (t->source == NULL || b->read.addr == NULL)
        return LINTEL_E_ADDRESS;
    lintel_device device = t->device;
    lintel_point point = {
        .size = sizeof point,
        .kind = b->affordance->kind,
        .flags = b->flags,
        .wire_bytes = b->read.codec ? lintel_codec_wire_bytes(b->read.codec) : 0,
        .write_wire_bytes = b->write.codec ? lintel_codec_wire_bytes(b->write.codec) : 0,
        .device = &device,
        .addr = b->read.addr,
        .write_addr = b->write.addr ? b->write.addr : b->read.addr,
        .name = b->affordance->name,
    };
    lintel_status st = t->source->value(&t->given, &point, scratch, ret, why);
    why[sizeof why - 1] = '\0';
    (void)lintel_copy(reason, LINTEL_REASON, why);
    return st;
}

/* The raw number of the point's scaleFrom; 0: none. */
static int32_t
exponent_of(const struct run *t, const struct lintel_bound *b)
{
    char reason[LINTEL_REASON];
    struct lintel_decoding d;
    lintel_value raw, value;
    int64_t number = 0;
    if (b->scale_from < 0)
        return 0;
    const struct lintel_bound *from = &t->profile->bound[b->scale_from];
    void *scratch = t->source != NULL ? (char *)t->scratch + t->source->scratch : NULL;
    if (raw_of(t, from, scratch, &raw, reason) != LINTEL_OK)
        return 0;
    struct lintel_payload payload = {0};
    if (raw.type == LINTEL_T_BYTES)
        lintel_payload_reset(&payload, raw.as.p, raw.len);
    (void)lintel_codec_decode(from->read.codec, &raw, &payload, 0, &d, &value, &number);
    lintel_payload_reset(&payload, NULL, 0);
    return number >= INT32_MIN && number <= INT32_MAX ? (int32_t)number : 0;
}

static void
compare(const struct run *t, const struct lintel_node *n, const lintel_value *got,
        const char *reason)
{
    struct lintel_buf wanted = {0}, found = {0};
    lintel_value expected;
    if (lintel_node_value(n, t->r->scratch, 0, &expected) != 0)
        return;
    if (!is_equal(&expected, got)) {
        show(&expected, &wanted);
        show(got, &found);
        lintel_error(t->r->report, lintel_node_place(t->doc, n), "%s: expected %s, got %s%s%s",
                     n->key.p, lintel_buf_str(&wanted), lintel_buf_str(&found),
                     reason[0] ? ": " : "", reason);
    }
    lintel_buf_fini(&wanted);
    lintel_buf_fini(&found);
}

/* One member of `expect`. */
static void
expect(const struct run *t, const struct lintel_node *n)
{
    lintel_value raw, got = {.type = LINTEL_T_NULL};
    struct lintel_decoding d;
    struct lintel_payload payload = {0};
    char reason[LINTEL_REASON] = "";
    const struct lintel_bound *b = find_bound(t, n);
    if (b == NULL)
        return;
    if (b->read.codec == NULL) {
        lintel_error(t->r->report, lintel_key_place(t->doc, n),
                     "\"%s\" is not read, so nothing can be expected", n->key.p);
        return;
    }
    lintel_status st = raw_of(t, b, t->scratch, &raw, reason);
    if (st != LINTEL_OK) {
        lintel_error(t->r->report, lintel_node_place(t->doc, n), "%s: %s", n->key.p,
                     (st == LINTEL_E_ADDRESS && t->play == NULL) || reason[0] == '\0'
                         ? "nothing is given for its address"
                         : reason);
        return;
    }
    d.reason[0] = '\0';
    if (raw.type == LINTEL_T_BYTES)
        lintel_payload_reset(&payload, raw.as.p, raw.len);
    enum lintel_decoded how =
        lintel_codec_decode(b->read.codec, &raw, &payload, exponent_of(t, b), &d, &got, NULL);
    if (how != LINTEL_DECODED && how != LINTEL_DECODED_RANGE)
        got = (lintel_value){.type = LINTEL_T_NULL};
    compare(t, n, &got,
            how == LINTEL_DECODED_BAD      ? d.reason
            : how == LINTEL_DECODED_ABSENT ? "the payload does not carry it"
                                           : "");
    lintel_payload_reset(&payload, NULL, 0);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Whether text is these bytes in hexadecimal, blanks left out. */
static int
is_hex_of(const char *text, const lintel_value *v)
{
    struct lintel_buf hex = {0};
    int equal = 1;
    show(v, &hex);
    const char *p = lintel_buf_str(&hex);
    for (; equal && (*text != '\0' || *p != '\0');) {
        if (*text == ' ')
            text++;
        else if (*p == ' ')
            p++;
        else
            equal = toupper((unsigned char)*text++) == *p++;
    }
    lintel_buf_fini(&hex);
    return equal;
}

/* One member of `sends`, with the value that `write` gives for it. */
static void
send(const struct run *t, const struct lintel_node *n)
{
    const struct lintel_node *value = lintel_node_get(lintel_node_get(t->test, "write"), n->key.p);
    struct lintel_place at = lintel_node_place(t->doc, n);
    const struct lintel_bound *b = find_bound(t, n);
    lintel_value v, prior, sent;
    char reason[LINTEL_REASON] = "", ignored[LINTEL_REASON];
    struct lintel_buf out = {0};
    if (b == NULL)
        return;
    if (value == NULL || b->write.codec == NULL) {
        lintel_error(t->r->report, at, "%s: %s", n->key.p,
                     value == NULL ? "`write` gives no value for it" : "it can't be written");
        return;
    }
    if (lintel_node_value(value, t->r->scratch, 0, &v) != 0)
        return;
    int has_prior = raw_of(t, b, t->scratch, &prior, ignored) == LINTEL_OK;
    if (lintel_codec_encode(b->write.codec, &v, has_prior ? &prior : NULL, exponent_of(t, b), &out,
                            &sent, reason) != LINTEL_OK) {
        lintel_error(t->r->report, at, "%s: not sent: %s", n->key.p, reason);
    } else if (sent.type == LINTEL_T_BYTES && n->kind == LINTEL_NODE_SCALAR) {
        int same_text = n->text.n == sent.len && memcmp(n->text.p, sent.as.p, sent.len) == 0;
        struct lintel_buf found = {0};
        show(&sent, &found);
        if (!same_text && !is_hex_of(n->text.p, &sent))
            lintel_error(t->r->report, at, "%s: expected %s, sends %s", n->key.p, n->text.p,
                         lintel_buf_str(&found));
        lintel_buf_fini(&found);
    } else {
        compare(t, n, &sent, "");
    }
    lintel_buf_fini(&out);
}

/* ---- one test -------------------------------------------------------------------------------- */

/* What a test runs of a plugin, in this process; NULL: a warning says why not. */
static const lintel_plugin *
code_of(struct lintel_reader *r, const lintel_plugin *p, struct lintel_place at)
{
    char reason[600];
    const lintel_plugin *ret =
        r->s->plugin_code != NULL ? r->s->plugin_code(r->s->plugin_ctx, p, 0, reason, sizeof reason)
                                  : p;
    if (ret == NULL)
        lintel_warning(r->report, at, "not tested: the plugin \"%s\": %s", p->name, reason);
    return ret;
}

/* Everything that one plugin needs for one test; 0, or -1: reported. */
static int
prepare(struct run *t, struct lintel_origin *o, const struct lintel_node *given,
        struct lintel_place at)
{
    struct lintel_reader *r = t->r;
    struct lintel_kind *kind = lintel_reader_kind(r, o->id, t->plugin, at);
    const struct lintel_node *context = lintel_node_get(t->test, "sdfContext");
    if (kind == NULL || kind->failed)
        return -1;
    struct lintel_field_source source = {.doc = t->doc,
                                         .map = context,
                                         .fallback = kind->device,
                                         .fallback_doc = kind->device_doc,
                                         .also = kind->context_also,
                                         .what = kind->what,
                                         .folder = r->folder,
                                         .at = at,
                                         .secret = lintel_reader_secret,
                                         .secret_ctx = r,
                                         .flags = LINTEL_FIELDS_PARTIAL};
    const lintel_value *settings = lintel_fields_parse(t->plugin->device, &source, r->a, r->report);
    if (settings == NULL)
        return -1;
    if (context == NULL && kind->nparams != 0)
        return lintel_error(
            r->report, at,
            "this binding has sdfParameters; give the test an sdfContext with \"%s\"",
            kind->params[0]);
    t->profile = lintel_reader_profile(r, kind, t->doc, context, at);
    t->device = (lintel_device){.size = sizeof t->device, .name = "test", .settings = settings};
    if (t->profile == NULL || given == NULL)
        return t->profile != NULL ? 0 : -1;
    const lintel_plugin *code = code_of(r, t->plugin, at);
    if (code == NULL)
        return -1;
    t->source = LINTEL_HAS(code, extension) ? code->extension(NULL, LINTEL_EXT_GIVEN) : NULL;
    if (t->source == NULL || t->source->scratch > SCRATCH_MOST) {
        t->source = NULL;
        return lintel_error(r->report, at, "the plugin \"%s\" can't read data of tests",
                            t->plugin->name);
    }
    t->scratch = lintel_arena_alloc(r->scratch, 2 * (size_t)t->source->scratch + 1);
    return t->scratch != NULL ? lintel_node_value(given, r->scratch, 1, &t->given) : -1;
}

/* All that a test says of one plugin. */
static void
run_plugin(struct lintel_reader *r, struct lintel_origin *o, const struct lintel_doc *doc,
           const struct lintel_node *test, const struct lintel_node *named)
{
    struct lintel_place at = lintel_key_place(doc, named);
    const struct lintel_node *given = lintel_node_get(lintel_node_get(test, "given"), named->key.p);
    const struct lintel_node *sends = lintel_node_get(lintel_node_get(test, "sends"), named->key.p);
    const struct lintel_node *expected = given ? lintel_node_get(test, "expect") : NULL;
    struct run t = {.r = r, .doc = doc, .test = test};
    if ((t.plugin = lintel_reader_plugin(r, named->key.p, at)) == NULL) {
        lintel_warning(r->report, at, "not tested: the plugin \"%.64s\" is not installed here",
                       named->key.p);
        return;
    }
    if (prepare(&t, o, given, at) != 0)
        return;
    for (const struct lintel_node *c = expected ? expected->child : NULL; c != NULL; c = c->next)
        expect(&t, c);
    for (const struct lintel_node *c = sends ? sends->child : NULL; c != NULL; c = c->next)
        send(&t, c);
}

/* ---- recordings ------------------------------------------------------------------------------ */

/* The recording's bytes, to be freed; NULL: reported. */
static char *
read_recording(struct lintel_reader *r, const struct lintel_origin *o, const struct lintel_node *n,
               struct lintel_place at, const char **ret_path, size_t *ret_n)
{
    char *bytes = NULL;
    const char *slash = strrchr(o->path, '/');
    const char *folder =
        slash != NULL ? lintel_arena_strndup(r->scratch, o->path, (size_t)(slash - o->path)) : ".";
    const char *path = folder == NULL        ? NULL
                       : n->text.p[0] == '/' ? n->text.p
                                             : lintel_path_join(r->scratch, folder, n->text.p);
    if (path == NULL)
        return lintel_reader_no_memory(r);
    int missing = r->files->read(r->files->ctx, path, RECORDING_MOST, &bytes, ret_n, r->report);
    if (missing > 0)
        lintel_error(r->report, at, "there is no file %s", path);
    *ret_path = path;
    return missing == 0 ? bytes : NULL;
}

/* `at:`, in seconds; -1: the end. 0: reported. */
static int
moment(struct lintel_reader *r, const struct lintel_doc *doc, const struct lintel_node *test,
       double *ret)
{
    const struct lintel_node *n = lintel_node_get(test, "at");
    *ret = -1;
    if (n == NULL || (lintel_node_real(n, ret) && *ret >= 0))
        return 1;
    lintel_error(r->report, lintel_node_place(doc, n),
                 "at: must be a number of seconds from the recording's beginning");
    return 0;
}

struct recording {
    const struct lintel_node *named;
    const char *path, *bytes;
    size_t n;
};

static void
run_recording(struct lintel_reader *r, struct lintel_origin *o, const struct lintel_doc *doc,
              const struct lintel_node *test, const struct recording *rec)
{
    struct lintel_place at = lintel_node_place(doc, rec->named);
    const struct lintel_node *expected = lintel_node_get(test, "expect");
    struct run t = {.r = r, .doc = doc, .test = test, .player = r->s->player};
    struct lintel_play_source source = {
        .file = rec->path, .bytes = rec->bytes, .n = rec->n, .place = at};
    char name[128];
    if (!moment(r, doc, test, &source.at))
        return;
    if (t.player->plugin(rec->path, rec->bytes, rec->n, name, sizeof name) != 0) {
        lintel_error(r->report, at, "%s: %s", rec->path, name);
        return;
    }
    if ((t.plugin = lintel_reader_plugin(r, name, at)) == NULL) {
        lintel_warning(r->report, at, "not tested: the plugin \"%.64s\" is not installed here",
                       name);
        return;
    }
    if (prepare(&t, o, NULL, at) != 0)
        return;
    if ((source.plugin = code_of(r, t.plugin, at)) == NULL)
        return;
    source.profile = t.profile;
    source.settings = t.device.settings;
    t.play = t.player->play(&source, r->report);
    for (const struct lintel_node *c = expected->child; t.play != NULL && c != NULL; c = c->next)
        expect(&t, c);
    if (t.play != NULL)
        t.player->end(t.play);
}

static void
replay(struct lintel_reader *r, struct lintel_origin *o, const struct lintel_doc *doc,
       const struct lintel_node *test, const struct lintel_node *named)
{
    struct lintel_place at = lintel_node_place(doc, named);
    struct recording rec = {.named = named};
    if (named->kind != LINTEL_NODE_SCALAR || named->text.n == 0) {
        lintel_error(r->report, at, "replay: must be the path of a recording, from this file");
        return;
    }
    if (lintel_node_get(test, "expect") == NULL || lintel_node_get(test, "given") != NULL ||
        lintel_node_get(test, "sends") != NULL) {
        lintel_error(r->report, at,
                     "a test with `replay` needs `expect`, and no `given` or `sends`");
        return;
    }
    if (r->s->player == NULL) {
        lintel_warning(r->report, at, "not tested: recordings are not played here");
        return;
    }
    char *bytes = read_recording(r, o, named, at, &rec.path, &rec.n);
    rec.bytes = bytes;
    if (bytes != NULL)
        run_recording(r, o, doc, test, &rec);
    lintel_free(bytes);
}

/* ---- a binding's tests ----------------------------------------------------------------------- */

static int
is_map_or_missing(struct lintel_reader *r, const struct lintel_doc *doc,
                  const struct lintel_node *test, const char *key)
{
    const struct lintel_node *n = lintel_node_get(test, key);
    if (n == NULL || n->kind == LINTEL_NODE_MAP)
        return 1;
    lintel_error(r->report, lintel_node_place(doc, n), "%s: must be a map", key);
    return 0;
}

static void
run_test(struct lintel_reader *r, struct lintel_origin *o, const struct lintel_doc *doc,
         const struct lintel_node *test)
{
    static const char *const keys[] = {"title", "sdfContext", "given", "expect", "write",
                                       "sends", "replay",     "at",    NULL};
    static const char *const maps[] = {"sdfContext", "given", "expect", "write", "sends", NULL};
    if (lintel_reader_keys(r, doc, test, keys, "a test") != 0)
        return;
    for (size_t i = 0; maps[i] != NULL; i++)
        if (!is_map_or_missing(r, doc, test, maps[i]))
            return;
    if (lintel_node_get(test, "replay") != NULL) {
        replay(r, o, doc, test, lintel_node_get(test, "replay"));
        return;
    }
    const struct lintel_node *given = lintel_node_get(test, "given"),
                             *sends = lintel_node_get(test, "sends");
    if ((given == NULL) != (lintel_node_get(test, "expect") == NULL) && sends == NULL) {
        lintel_error(r->report, lintel_node_place(doc, test),
                     "a test needs both `given` and `expect`");
        return;
    }
    if (given == NULL && sends == NULL) {
        lintel_error(r->report, lintel_node_place(doc, test),
                     "a test needs `given` or `replay`, and `expect`; or `write` and `sends`");
        return;
    }
    for (const struct lintel_node *c = given ? given->child : NULL; c != NULL; c = c->next)
        run_plugin(r, o, doc, test, c);
    for (const struct lintel_node *c = sends ? sends->child : NULL; c != NULL; c = c->next)
        if (lintel_node_get(given, c->key.p) == NULL)
            run_plugin(r, o, doc, test, c);
}

void
lintel_reader_tests(struct lintel_reader *r, struct lintel_origin *o)
{
    const struct lintel_node *tests = lintel_node_get(o->model->root, "lintel:tests");
    if (tests == NULL)
        return;
    const struct lintel_doc *doc = lintel_model_doc(o->model, tests);
    if (tests->kind != LINTEL_NODE_LIST) {
        lintel_error(r->report, lintel_node_place(doc, tests),
                     "lintel:tests must be a list of tests");
        return;
    }
    for (const struct lintel_node *c = tests->child; c != NULL; c = c->next)
        run_test(r, o, doc, c);
}
