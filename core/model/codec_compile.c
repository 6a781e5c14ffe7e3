/* SPDX-License-Identifier: Apache-2.0
 * From the keys of a binding to a program. Every key is looked at, so that one run tells all that
 * is wrong. */
#include <stdlib.h>
#include <string.h>

#include "core/model/codec_program.h"
#include "core/model/unit.h"

const char *const lintel_codec_keys[] = {
    "pointer", "pattern", "type", "count", "byteOrder", "wordOrder", "encoding", "bit",
    "width",   "invalid", "map",  "scale", "offset",    "scaleFrom", "unit",     NULL};

enum { COUNT_MOST = 65536 }; /* bytes of a text */

struct build {
    const struct lintel_codec_source *s;
    struct lintel_report *report;
    struct lintel_codec *c;
    enum wire_type natural;
    int type_given, code_given;
    int failed;
};
typedef const struct lintel_node node;

static struct lintel_place
at(const struct build *b, node *n)
{
    return n != NULL           ? lintel_node_place(b->s->doc, n)
           : b->s->map != NULL ? lintel_node_place(b->s->doc, b->s->map)
           : b->s->doc != NULL ? (struct lintel_place){.file = b->s->doc->file}
                               : (struct lintel_place){0};
}

#define WRONG(b, n, ...)                                                                           \
    ((b)->failed = 1, (void)lintel_error((b)->report, at((b), (n)), __VA_ARGS__))

static void
no_memory(struct build *b)
{
    WRONG(b, NULL, "out of memory");
}

static node *
key(const struct build *b, const char *name)
{
    return b->s->map != NULL ? lintel_node_get(b->s->map, name) : NULL;
}

/* The key as a scalar; NULL if it is not given, or wrong. */
static node *
scalar(struct build *b, const char *name)
{
    node *n = key(b, name);
    if (n == NULL || n->kind == LINTEL_NODE_SCALAR)
        return n;
    WRONG(b, n, "%s must be a single value, not a %s", name,
          n->kind == LINTEL_NODE_LIST ? "list" : "map");
    return NULL;
}

static int
has_nul(node *n)
{
    return n->text.n != 0 && memchr(n->text.p, '\0', n->text.n) != NULL;
}

/* The index of the key's word in a list; `otherwise` if it is not given or unknown. */
static int
word(struct build *b, const char *name, const char *const *words, int otherwise)
{
    node *n = scalar(b, name);
    if (n == NULL)
        return otherwise;
    for (int i = 0; words[i] != NULL; i++)
        if (lintel_str_eq(n->text, words[i]))
            return i;
    const char *meant = lintel_nearest(n->text.p, words);
    if (meant != NULL) {
        WRONG(b, n, "unknown %s \"%s\" (did you mean \"%s\"?)", name, n->text.p, meant);
    } else {
        struct lintel_buf all = {0};
        for (int i = 0; words[i] != NULL; i++) {
            lintel_buf_adds(&all, i != 0 ? ", " : "");
            lintel_buf_adds(&all, words[i]);
        }
        WRONG(b, n, "unknown %s \"%s\"; it is one of %s", name, n->text.p, lintel_buf_str(&all));
        lintel_buf_fini(&all);
    }
    return otherwise;
}

/* A whole number of a range; 0 if the key is not given, or wrong. */
static int
whole(struct build *b, const char *name, int64_t least, int64_t most, int64_t *ret)
{
    node *n = scalar(b, name);
    int64_t value;
    if (n == NULL)
        return 0;
    if (!lintel_node_int(n, &value) || value < least || value > most) {
        WRONG(b, n, "%s must be a whole number from %lld to %lld, not %s", name, (long long)least,
              (long long)most, n->text.p);
        return 0;
    }
    *ret = value;
    return 1;
}

static char *
copied(struct build *b, struct lintel_str s)
{
    char *copy = lintel_strndup(s.p, s.n);
    if (copy == NULL)
        no_memory(b);
    return copy;
}

static const char *
type_name(const struct lintel_codec *c)
{
    return c->type == WIRE_TYPED ? "a typed value" : lintel_codec_types[c->type];
}

static int
is_number(const struct lintel_codec *c)
{
    return c->size != 0;
}

/* ---- what part, which type ------------------------------------------------------------------- */

static void
compile_part(struct build *b)
{
    struct lintel_codec *c = b->c;
    node *pointer = scalar(b, "pointer"), *pattern = scalar(b, "pattern");
    if (pointer != NULL) {
        int st = pointer_parse(pointer->text, &c->pointer);
        c->has_pointer = 1;
        if (st == -2)
            no_memory(b);
        else if (st != 0)
            WRONG(b, pointer,
                  "pointer \"%s\" is no JSON pointer: it starts with /, as in /state or "
                  "/sensors/0/value; ~ is written ~0 and / in a name ~1 (RFC 6901)",
                  pointer->text.p);
    }
    if (pattern == NULL)
        return;
    char reason[LINTEL_REGEXP_REASON];
    lintel_copy(reason, sizeof reason, "out of memory");
    c->pattern_text = copied(b, pattern->text);
    c->pattern = lintel_regexp_compile(pattern->text.p, pattern->text.n, NULL, reason);
    if (c->pattern == NULL)
        WRONG(b, pattern, "pattern: %s", reason);
    else if (lintel_regexp_groups(c->pattern) == 0)
        WRONG(b, pattern, "pattern \"%s\" has no group: put ( ) around the value", pattern->text.p);
}

static void
compile_type(struct build *b)
{
    struct lintel_codec *c = b->c;
    const char *natural = b->s->natural != NULL ? b->s->natural : "";
    int i = 0;
    while (lintel_codec_types[i] != NULL && strcmp(lintel_codec_types[i], natural) != 0)
        i++;
    if (lintel_codec_types[i] == NULL) {
        WRONG(b, NULL, "the plugin's natural type \"%s\" is unknown; give a type", natural);
        i = WIRE_TYPED;
    }
    b->natural = (enum wire_type)i;
    b->type_given = key(b, "type") != NULL;
    c->type = b->natural;
    if (b->type_given)
        c->type =
            (enum wire_type)(word(b, "type", lintel_codec_types + 1, (int)b->natural - 1) + 1);
    /* A structure is not on the wire as bytes or words: it is JSON. */
    int structure = c->kind == LINTEL_DATA_ARRAY || c->kind == LINTEL_DATA_OBJECT;
    if (structure && !b->type_given && b->natural == WIRE_STRING && c->pattern == NULL &&
        !c->has_pointer) {
        c->has_pointer = 1;
        if (pointer_parse((struct lintel_str){"", 0}, &c->pointer) != 0)
            no_memory(b);
    }
    if (!b->type_given && (c->has_pointer || c->pattern != NULL))
        c->type = WIRE_TYPED;
    c->typed_out = !c->has_pointer &&
                   (b->natural == WIRE_TYPED || (b->natural == WIRE_BOOL && c->type == WIRE_BOOL));
}

/* ---- how long, in which order ---------------------------------------------------------------- */

static int
from_payload(const struct lintel_codec *c)
{
    return c->has_pointer || c->pattern != NULL;
}

static void
compile_length(struct build *b)
{
    struct lintel_codec *c = b->c;
    int64_t unit = b->s->unit_bytes != 0 ? b->s->unit_bytes : 1, count = 0;
    node *given = key(b, "count");
    int lengthy = c->type == WIRE_STRING || c->type == WIRE_BYTES || c->type == WIRE_BCD;
    if (unit > UNIT_MOST) {
        WRONG(b, NULL, "the plugin's addresses have %lld bytes, at most %d are known",
              (long long)unit, UNIT_MOST);
        unit = 1;
    }
    if (given != NULL && (from_payload(c) || !lengthy)) {
        WRONG(b, given, "count is for string, bytes and bcd%s, not for %s",
              from_payload(c) ? " outside of a payload's part" : "", type_name(c));
        given = NULL;
    }
    if (given != NULL)
        whole(b, "count", 1,
              c->type == WIRE_BCD ? (unit < WIRE_MOST ? WIRE_MOST / unit : 1) : COUNT_MOST / unit,
              &count);
    if (c->type == WIRE_STRING || c->type == WIRE_BYTES) {
        c->wire_bytes = (uint32_t)(count * unit);
        int by_address =
            b->natural != WIRE_TYPED && b->natural != WIRE_STRING && b->natural != WIRE_BYTES;
        if (given == NULL && by_address && !from_payload(c))
            WRONG(b, key(b, "type"), "%s needs count: its length in %s", type_name(c),
                  unit == 1 ? "bytes" : "addresses (registers)");
        return;
    }
    int64_t size = wire_size(c->type);
    if (c->type == WIRE_BCD) {
        size = count != 0 ? count * unit : unit > 2 ? unit : (2 + unit - 1) / unit * unit;
        if (size > WIRE_MOST) {
            WRONG(b, key(b, "type"), "bcd has at most %d bytes", WIRE_MOST);
            size = WIRE_MOST;
        }
    }
    c->size = (uint8_t)size;
    c->wire_bytes = (uint32_t)((size + unit - 1) / unit * unit);
}

static void
compile_order(struct build *b)
{
    static const char *const orders[] = {"big", "little", NULL};
    struct lintel_codec *c = b->c;
    node *bytes = key(b, "byteOrder"), *words = key(b, "wordOrder");
    c->little_bytes = word(b, "byteOrder", orders, 0);
    c->little_words = word(b, "wordOrder", orders, 0);
    node *first = bytes != NULL ? bytes : words;
    if (first != NULL &&
        (from_payload(c) || c->type == WIRE_TYPED || (c->type == WIRE_BOOL && c->typed_out)))
        WRONG(b, first, "%s needs bytes on the wire, and %s",
              bytes != NULL ? "byteOrder" : "wordOrder",
              c->has_pointer ? "pointer takes a value out of JSON"
              : c->pattern != NULL
                  ? "pattern takes a value out of a text"
                  : "the protocol gives a typed value here (with type: u16 it would be bytes)");
    else if (words != NULL && !is_number(c))
        WRONG(b, words, "wordOrder is for numbers, not for %s (byteOrder is for both)",
              type_name(c));
    else if (words != NULL && c->wire_bytes <= 2)
        lintel_warning(b->report, at(b, words), "wordOrder has no effect on %s, which is one word",
                       type_name(c));
    else if (bytes != NULL && c->wire_bytes == 1)
        lintel_warning(b->report, at(b, bytes), "byteOrder has no effect on a single byte");
    c->swaps = !is_number(c) && c->little_bytes;
    wire_places(c);
}

static void
compile_encoding(struct build *b)
{
    struct lintel_codec *c = b->c;
    node *n = key(b, "encoding");
    c->code = (enum text_code)word(b, "encoding", lintel_codec_encodings, CODE_UTF8);
    int coded = c->code == CODE_HEX || c->code == CODE_BASE64;
    if (n == NULL) {
        if (c->bytes_model && c->has_pointer)
            c->code = CODE_BASE64;
        else if (!c->bytes_model && (c->type == WIRE_BYTES || c->type == WIRE_TYPED))
            c->code = CODE_HEX;
    } else if (is_number(c)) {
        WRONG(b, n, "encoding is for texts, not for %s", type_name(c));
    } else if (c->type == WIRE_BYTES && c->bytes_model && !from_payload(c)) {
        WRONG(
            b, n,
            "encoding is for texts, and both the wire and the model have bytes here; leave it out");
    } else if (c->type == WIRE_BYTES && !coded) {
        WRONG(b, n, "bytes become text as hex or base64; for characters give type: string");
    } else if (from_payload(c) && coded && !c->bytes_model) {
        WRONG(b, n, "encoding %s in a payload's text needs a model with sdfType byte-string",
              n->text.p);
    }
}

static void
compile_bits(struct build *b)
{
    struct lintel_codec *c = b->c;
    node *bit = key(b, "bit"), *width = key(b, "width");
    int64_t lowest = 0, n = 1, most = is_number(c) ? c->size * 8 : 64;
    if (bit == NULL) {
        if (width != NULL)
            WRONG(b, width, "width needs bit, the lowest bit of the field");
        return;
    }
    if (wire_is_signed(c->type) || (c->type != WIRE_TYPED && !wire_is_integer(c->type))) {
        WRONG(b, bit, "bit needs an unsigned type such as %s, not %s",
              c->size > 4   ? "u64"
              : c->size > 2 ? "u32"
                            : "u16",
              type_name(c));
        return;
    }
    if (!whole(b, "bit", 0, most - 1, &lowest))
        return;
    if (width != NULL && !whole(b, "width", 1, most - lowest, &n))
        return;
    c->bit = (uint8_t)lowest;
    c->width = (uint8_t)n;
}

/* ---- raw values: invalid, map ---------------------------------------------------------------- */

static int
is_hex(struct lintel_str s)
{
    return s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X');
}

static int
is_nan(struct lintel_str s)
{
    return lintel_str_eq(s, "NaN") || lintel_str_eq(s, "nan") || lintel_str_eq(s, ".nan") ||
           lintel_str_eq(s, ".NaN");
}

static int
core_bool(node *n, int *ret)
{
    if (!lintel_str_eq(n->text, "true") && !lintel_str_eq(n->text, "false"))
        return 0;
    *ret = n->text.p[0] == 't';
    return 1;
}

static lintel_wide
wide_of(const lintel_value *v)
{
    return v->type == LINTEL_T_UINT ? (lintel_wide)v->as.u : (lintel_wide)v->as.i;
}

/* 0xffff of an s16 is -1: what a manual prints. */
static void
sign_of_hex(const struct lintel_codec *c, lintel_value *v)
{
    lintel_wide span = (lintel_wide)1 << (c->size * 8), w = wide_of(v);
    if (wire_is_signed(c->type) && w >= span / 2 && w < span)
        *v = (lintel_value){.type = LINTEL_T_INT, .as.i = (int64_t)(w - span)};
}

static void
check_raw_number(struct build *b, node *n, const struct raw_word *w)
{
    const struct lintel_codec *c = b->c;
    int integer =
        wire_is_integer(c->type) || c->type == WIRE_BCD || c->type == WIRE_BOOL || c->width != 0;
    if (w->is_bits || w->is_nan || w->number.type == LINTEL_T_NULL)
        return;
    if (integer && w->number.type == LINTEL_T_REAL)
        WRONG(b, n, "%s is not whole, and %s is", n->text.p, type_name(c));
    else if (integer && !wire_holds(c->type, c->size, wide_of(&w->number)))
        WRONG(b, n, "%s does not fit %s", n->text.p, type_name(c));
    else if (c->width != 0 && wide_of(&w->number) >> c->width != 0)
        WRONG(b, n, "%s does not fit %u bit%s", n->text.p, c->width, c->width == 1 ? "" : "s");
}

/* A raw value as written, owned by *ret even when it is wrong. */
static void
raw_word(struct build *b, node *n, const char *what, struct raw_word *ret)
{
    const struct lintel_codec *c = b->c;
    int truth, numeric = is_number(c);
    if (n->kind != LINTEL_NODE_SCALAR) {
        WRONG(b, n, "%s: a raw value is a number, a text, true or false", what);
        return;
    }
    ret->text = copied(b, n->text);
    ret->ntext = (uint32_t)n->text.n;
    if (n->quoted && !numeric)
        return;
    if (core_bool(n, &truth)) {
        ret->number = (lintel_value){.type = LINTEL_T_BOOL, .as.i = truth};
    } else if (is_nan(n->text)) {
        ret->is_nan = 1;
        if (numeric && c->type != WIRE_F32 && c->type != WIRE_F64)
            WRONG(b, n, "%s has no NaN", type_name(c));
    } else if (text_number(n->text, &ret->number)) {
        if (is_hex(n->text) && wire_is_integer(c->type))
            sign_of_hex(c, &ret->number);
        if (is_hex(n->text) && numeric && !wire_is_integer(c->type) && c->type != WIRE_BOOL) {
            ret->is_bits = 1;
            ret->bits = ret->number.as.u;
            ret->number = (lintel_value){.type = LINTEL_T_NULL};
        }
    } else {
        ret->number = (lintel_value){.type = LINTEL_T_NULL};
        if (numeric)
            WRONG(b, n, "%s: %s needs a number, not \"%s\"", what, type_name(c), n->text.p);
    }
    check_raw_number(b, n, ret);
}

static void
compile_invalid(struct build *b)
{
    struct lintel_codec *c = b->c;
    node *n = key(b, "invalid");
    if (n == NULL)
        return;
    if (n->kind == LINTEL_NODE_MAP || (n->kind == LINTEL_NODE_LIST && n->n == 0)) {
        WRONG(b, n, "invalid is a raw value, or a list of raw values");
        return;
    }
    if (c->bytes_model) {
        WRONG(b, n, "invalid needs numbers or texts, and the model has bytes");
        return;
    }
    uint32_t count = n->kind == LINTEL_NODE_LIST ? n->n : 1;
    c->invalid = lintel_alloc_array(count, sizeof *c->invalid);
    if (c->invalid == NULL) {
        no_memory(b);
        return;
    }
    c->ninvalid = count;
    node *each = n->kind == LINTEL_NODE_LIST ? n->child : n;
    for (uint32_t i = 0; i < count; i++, each = each->next)
        raw_word(b, each, "invalid", &c->invalid[i]);
}

static void
model_text(struct build *b, struct lintel_str s, struct map_entry *ret)
{
    ret->model_text = copied(b, s);
    if (ret->model_text != NULL)
        ret->model =
            (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)s.n, .as.s = ret->model_text};
}

/* 1: the word is one of the model's choices; its value is in *ret. */
static int
choice(struct build *b, node *n, struct map_entry *ret)
{
    const struct lintel_data *data = b->c->data;
    for (uint32_t i = 0; data->choices[i] != NULL; i++) {
        if (!lintel_str_eq(n->key, data->choices[i]))
            continue;
        const lintel_value *value = data->choice_values != NULL ? &data->choice_values[i] : NULL;
        if (value != NULL && value->type >= LINTEL_T_BOOL && value->type <= LINTEL_T_REAL)
            ret->model = *value;
        else if (value != NULL && value->type == LINTEL_T_STR)
            model_text(b, (struct lintel_str){value->as.s, value->len}, ret);
        else
            model_text(b, n->key, ret);
        return 1;
    }
    return 0;
}

/* The model's value that a name in `map` stands for. */
static void
model_value(struct build *b, node *n, struct map_entry *ret)
{
    const struct lintel_codec *c = b->c;
    struct lintel_place place = lintel_key_place(b->s->doc, n);
    int is_true = lintel_str_eq(n->key, "true"),
        is_bool = is_true || lintel_str_eq(n->key, "false");
    lintel_value number;
    if (c->data != NULL && c->data->choices != NULL && choice(b, n, ret))
        return;
    int is_numeric = text_number(n->key, &number) &&
                     (number.type != LINTEL_T_REAL || c->kind != LINTEL_DATA_INTEGER);
    if (c->data != NULL && c->data->choices != NULL && c->kind == LINTEL_DATA_STRING) {
        const char *meant = lintel_nearest(n->key.p, c->data->choices);
        b->failed = 1;
        lintel_error(b->report, place, "the model has no value \"%s\"%s%s%s", n->key.p,
                     meant ? " (did you mean \"" : "", meant ? meant : "", meant ? "\"?)" : "");
    } else if (c->kind == LINTEL_DATA_BOOLEAN || (c->kind == LINTEL_DATA_ANY && is_bool)) {
        ret->model = (lintel_value){.type = LINTEL_T_BOOL, .as.i = is_true};
        if (!is_bool) {
            b->failed = 1;
            lintel_error(b->report, place, "the model's value is true or false, not \"%s\"",
                         n->key.p);
        }
    } else if ((c->kind == LINTEL_DATA_INTEGER || c->kind == LINTEL_DATA_NUMBER ||
                c->kind == LINTEL_DATA_ANY) &&
               is_numeric) {
        ret->model = number;
        if (c->kind == LINTEL_DATA_NUMBER && number.type == LINTEL_T_INT)
            ret->model = (lintel_value){.type = LINTEL_T_REAL, .as.r = (double)number.as.i};
    } else if (c->kind == LINTEL_DATA_STRING || c->kind == LINTEL_DATA_ANY) {
        model_text(b, n->key, ret);
    } else {
        b->failed = 1;
        lintel_error(b->report, place, "the model's value is %s, not \"%s\"",
                     c->kind == LINTEL_DATA_INTEGER ? "a whole number" : "a number", n->key.p);
    }
}

/* So that no mapped value has to be judged when it comes. */
static void
check_model_value(struct build *b, node *n, const lintel_value *v)
{
    char reason[LINTEL_REASON] = "";
    if (v->type == LINTEL_T_NULL || b->c->data == NULL ||
        lintel_data_fit(b->c->data, v, reason) == LINTEL_FIT_OK)
        return;
    b->failed = 1;
    lintel_error(b->report, lintel_key_place(b->s->doc, n),
                 "the model does not allow this value: %s", reason);
}

static int
same_raw(const struct raw_word *x, const struct raw_word *y)
{
    if (x->number.type != LINTEL_T_NULL && y->number.type != LINTEL_T_NULL)
        return number_equal(&x->number, &y->number);
    return x->text != NULL && y->text != NULL && x->number.type == y->number.type &&
           strcmp(x->text, y->text) == 0;
}

static void
check_map_entry(struct build *b, node *map, node *n, uint32_t i)
{
    struct lintel_codec *c = b->c;
    const struct raw_word *raw = &c->map[i].raw;
    if (raw->is_bits || raw->is_nan)
        WRONG(b, n, "map: write the number itself, not %s", n->text.p);
    node *other = map->child;
    for (uint32_t k = 0; k < i; k++, other = other->next) {
        if (!same_raw(raw, &c->map[k].raw))
            continue;
        WRONG(b, n, "map is ambiguous: \"%s\" and \"%s\" are both %s on the wire; keep one of them",
              other->key.p, n->key.p, n->text.p);
        return;
    }
    for (uint32_t k = 0; k < c->ninvalid; k++) {
        if (same_raw(raw, &c->invalid[k]))
            WRONG(b, n, "map: %s is also in invalid, which means \"no value\"", n->text.p);
    }
}

static void
compile_map(struct build *b)
{
    struct lintel_codec *c = b->c;
    node *n = key(b, "map");
    if (n == NULL)
        return;
    if (n->kind != LINTEL_NODE_MAP || n->n == 0) {
        WRONG(b, n, "map is a map from model values to raw values, as in { true: 1, false: 0 }");
        return;
    }
    if (c->bytes_model || c->kind == LINTEL_DATA_ARRAY || c->kind == LINTEL_DATA_OBJECT) {
        WRONG(b, n, "map needs a model value that is a number, a text or a boolean");
        return;
    }
    c->map = lintel_alloc_array(n->n, sizeof *c->map);
    if (c->map == NULL) {
        no_memory(b);
        return;
    }
    c->nmap = n->n;
    node *each = n->child;
    for (uint32_t i = 0; i < n->n; i++, each = each->next) {
        model_value(b, each, &c->map[i]);
        check_model_value(b, each, &c->map[i].model);
        raw_word(b, each, "map", &c->map[i].raw);
        if (each->kind == LINTEL_NODE_SCALAR)
            check_map_entry(b, n, each, i);
    }
}

/* ---- scaling --------------------------------------------------------------------------------- */

static struct lintel_decimal
decimal(struct build *b, const char *name, int64_t otherwise)
{
    node *n = scalar(b, name);
    struct lintel_decimal d = {otherwise, 0};
    if (n != NULL && (n->quoted || !lintel_parse_decimal(n->text.p, n->text.n, &d)))
        WRONG(b, n, "%s must be a decimal number of at most 18 digits, such as 0.1, not %s%s%s",
              name, n->quoted ? "the text \"" : "", n->text.p, n->quoted ? "\"" : "");
    return d;
}

/* The conversion from the wire's unit to the model's; 0: none. */
static int
compile_unit(struct build *b, struct lintel_linear *ret)
{
    struct lintel_codec *c = b->c;
    node *n = scalar(b, "unit");
    const char *model = c->data != NULL ? c->data->unit : NULL;
    if (n == NULL)
        return 0;
    c->unit = copied(b, n->text);
    if (model != NULL && lintel_str_eq(n->text, model))
        return 0;
    const struct lintel_unit *from = has_nul(n) ? NULL : lintel_unit_find(n->text.p);
    const struct lintel_unit *to = model != NULL ? lintel_unit_find(model) : NULL;
    if (from == NULL) {
        const char *meant = has_nul(n) ? NULL : lintel_unit_nearest(n->text.p);
        WRONG(b, n, "unknown unit \"%s\"%s%s%s", n->text.p, meant ? " (did you mean \"" : "",
              meant ? meant : "", meant ? "\"?)" : "");
    } else if (model == NULL) {
        WRONG(b, n, "the model gives this value no unit, so %s can't be converted; leave unit out",
              n->text.p);
    } else if (to == NULL) {
        WRONG(b, n, "the model's unit \"%s\" is in no registry, so %s can't be converted to it",
              model, n->text.p);
    } else if (lintel_unit_convert(from, to, ret) != 0) {
        WRONG(b, n, "%s can't be converted to %s, the model's unit: they measure different things",
              n->text.p, model);
    } else {
        return 1;
    }
    return 0;
}

static void
compile_scale(struct build *b)
{
    static const char *const names[] = {"scale", "offset", "scaleFrom", "unit"};
    struct lintel_codec *c = b->c;
    struct lintel_linear conversion;
    node *from = scalar(b, "scaleFrom");
    const char *given = NULL;
    for (size_t i = 0; i < LINTEL_COUNT(names) && given == NULL; i++)
        if (key(b, names[i]) != NULL)
            given = names[i];
    c->scale = decimal(b, "scale", 1);
    c->offset = decimal(b, "offset", 0);
    int converts = compile_unit(b, &conversion);
    if (from != NULL && (from->text.n == 0 || has_nul(from)))
        WRONG(b, from, "scaleFrom is the name of the property that holds the power of ten");
    else if (from != NULL)
        c->scale_from = copied(b, from->text);
    if (c->scale.digits == 0 && !b->failed)
        WRONG(b, key(b, "scale"), "scale 0 would make every value the same; leave it out for 1");
    if (given == NULL || b->failed)
        return;
    if (c->nmap != 0)
        WRONG(b, key(b, given),
              "%s and map exclude each other: map gives the model's values already", given);
    else if (c->kind != LINTEL_DATA_INTEGER && c->kind != LINTEL_DATA_NUMBER &&
             c->kind != LINTEL_DATA_ANY)
        WRONG(b, key(b, given), "%s is for numbers, and the model's value is none", given);
    else if (c->type == WIRE_BYTES || c->type == WIRE_BOOL)
        WRONG(b, key(b, given), "%s is for numbers, and %s is none", given, type_name(c));
    else if (lintel_exact_make(c->scale, c->offset, converts ? &conversion : NULL, &c->exact) != 0)
        WRONG(b, key(b, given), "%s makes every value the same", given);
    c->scaled = c->scale_from != NULL || !c->exact.identity;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
list_choices(const struct lintel_data *d, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; d->choices[i] != NULL && n + 8 < size; i++) {
        lintel_copy(out + n, size - n, i != 0 ? ", " : "");
        n += strlen(out + n);
        lintel_copy(out + n, size - n, d->choices[i]);
        n += strlen(out + n);
    }
}

/* Whether what comes from the wire can be what the model wants. */
static void
check_kinds(struct build *b)
{
    const struct lintel_codec *c = b->c;
    node *n = key(b, "type");
    int wire_number = is_number(c) && !from_payload(c);
    switch (c->kind) {
    case LINTEL_DATA_BOOLEAN:
    case LINTEL_DATA_INTEGER:
    case LINTEL_DATA_NUMBER:
        if (c->type == WIRE_BYTES)
            WRONG(
                b, n,
                "the model's value is a %s, and bytes are none; give a type such as u16 or string",
                c->kind == LINTEL_DATA_BOOLEAN ? "boolean" : "number");
        break;
    case LINTEL_DATA_STRING:
        if (c->bytes_model && is_number(c)) {
            WRONG(b, n, "the model's value is a byte-string, and %s is a number; give type: bytes",
                  type_name(c));
        } else if (wire_number && c->nmap == 0 && c->data->choices != NULL) {
            char words[100];
            list_choices(c->data, words, sizeof words);
            WRONG(b, n, "the model's value is a word (%s): say with map which raw value is which",
                  words);
        }
        break;
    case LINTEL_DATA_ARRAY:
    case LINTEL_DATA_OBJECT:
        if (c->type != WIRE_TYPED || c->pattern != NULL)
            WRONG(b, n,
                  "the model's value is an %s, which comes as JSON (with pointer) or as a typed "
                  "value, "
                  "not as %s",
                  c->kind == LINTEL_DATA_ARRAY ? "array" : "object",
                  c->pattern != NULL ? "part of a text" : type_name(c));
        break;
    default: break;
    }
    if (c->has_pointer && c->type == WIRE_BCD)
        WRONG(b, n, "JSON has no bcd; leave type out");
    if (c->width != 0 && c->bytes_model)
        WRONG(b, key(b, "bit"), "a byte-string has no bits");
}

/* Whether lintel_data_fit could ever say no to a scalar of the right type. */
static int
has_limits(const struct lintel_data *d)
{
    const uint32_t limits =
        LINTEL_DATA_MIN | LINTEL_DATA_MAX | LINTEL_DATA_MULTIPLE | LINTEL_DATA_EMPTY;
    return (d->flags & limits) != 0 || d->min_length != 0 || d->max_length != 0 ||
           d->pattern != NULL || d->format != NULL || d->choices != NULL || d->constant != NULL ||
           d->kind == LINTEL_DATA_ARRAY || d->kind == LINTEL_DATA_OBJECT;
}

/* Whether a text of the wire's length may be longer than a decoding holds. */
static int
needs_room(const struct lintel_codec *c)
{
    if (c->type != WIRE_STRING && c->type != WIRE_BYTES)
        return 0;
    uint64_t n = c->wire_bytes, most = n + 1;
    if (c->code == CODE_LATIN1 || c->code == CODE_HEX || c->code == CODE_BASE64)
        most = n * 2 + 5;
    return n == 0 || most + (c->swaps ? n : 0) > LINTEL_CODEC_TEXT;
}

struct lintel_codec *
lintel_codec_compile(const struct lintel_codec_source *s, struct lintel_report *report)
{
    struct build b = {.s = s, .report = report, .c = lintel_alloc(sizeof *b.c)};
    struct lintel_codec *c = b.c;
    if (c == NULL) {
        no_memory(&b);
        return NULL;
    }
    atomic_init(&c->refs, 1);
    c->data = s->data;
    c->kind = s->data != NULL ? s->data->kind : LINTEL_DATA_ANY;
    c->bytes_model = c->kind == LINTEL_DATA_STRING && (s->data->flags & LINTEL_DATA_BYTES) != 0;
    compile_part(&b);
    compile_type(&b);
    compile_length(&b);
    compile_order(&b);
    compile_encoding(&b);
    compile_bits(&b);
    compile_invalid(&b);
    compile_map(&b);
    compile_scale(&b);
    if (!b.failed)
        check_kinds(&b);
    c->parses = from_payload(c) || needs_room(c);
    c->judged = s->data != NULL && c->nmap == 0 && has_limits(s->data);
    if (!b.failed)
        return c;
    lintel_codec_unref(c);
    return NULL;
}

struct lintel_codec *
lintel_codec_ref(struct lintel_codec *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void
lintel_codec_unref(struct lintel_codec *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < c->ninvalid; i++)
        lintel_free(c->invalid[i].text);
    for (uint32_t i = 0; i < c->nmap; i++) {
        lintel_free(c->map[i].raw.text);
        lintel_free(c->map[i].model_text);
    }
    lintel_free(c->invalid);
    lintel_free(c->map);
    lintel_free(c->unit);
    lintel_free(c->scale_from);
    lintel_free(c->pointer.tokens);
    lintel_free(c->pattern_text);
    lintel_regexp_free(c->pattern);
    lintel_free(c);
}

/* ---- looking --------------------------------------------------------------------------------- */

uint32_t
lintel_codec_wire_bytes(const struct lintel_codec *c)
{
    int typed = c->type == WIRE_BOOL && c->typed_out;
    return from_payload(c) || typed ? 0 : c->wire_bytes;
}

const char *
lintel_codec_scale_from(const struct lintel_codec *c)
{
    return c->scale_from;
}

int
lintel_codec_needs_prior(const struct lintel_codec *c)
{
    return c->width != 0 && !from_payload(c) && (c->size == 0 || c->width < c->size * 8);
}

int
lintel_codec_parses(const struct lintel_codec *c)
{
    return c->parses;
}

static void
describe_decimal(struct lintel_buf *b, const char *sign, struct lintel_decimal d)
{
    double value = (double)d.digits;
    char text[40];
    lintel_format(text, sizeof text, "%llde%d", (long long)d.digits, (int)d.exponent);
    (void)lintel_parse_real(text, strlen(text), &value);
    lintel_buf_adds(b, sign);
    lintel_buf_add_json_real(b, value);
}

static void
describe_part(const struct lintel_codec *c, struct lintel_buf *b)
{
    const char *token = c->pointer.tokens;
    if (c->has_pointer) {
        lintel_buf_adds(b, c->pointer.n != 0 ? "JSON " : "JSON");
        for (uint32_t i = 0; i < c->pointer.n; i++, token += strlen(token) + 1)
            lintel_buf_addf(b, "/%s", token);
    }
    if (c->pattern != NULL)
        lintel_buf_addf(b, "%spattern %s", b->n != 0 ? ", " : "", c->pattern_text);
    if (c->type != WIRE_TYPED || b->n == 0)
        lintel_buf_addf(b, "%s%s", b->n != 0 ? ", " : "",
                        c->type == WIRE_TYPED ? "typed" : lintel_codec_types[c->type]);
}

void
lintel_codec_describe(const struct lintel_codec *c, char *out, uint32_t size)
{
    struct lintel_buf b = {0};
    describe_part(c, &b);
    int fixed = !from_payload(c) && c->wire_bytes != 0;
    if (fixed && (!is_number(c) || c->type == WIRE_BCD))
        lintel_buf_addf(&b, " of %u bytes", c->wire_bytes);
    if (!is_number(c) && c->code != (c->type == WIRE_STRING ? CODE_UTF8 : CODE_HEX))
        lintel_buf_addf(&b, " %s", lintel_codec_encodings[c->code]);
    if (fixed && c->wire_bytes > 1 && !(c->type == WIRE_BOOL && c->typed_out) &&
        c->type != WIRE_BYTES)
        lintel_buf_adds(&b, c->little_bytes ? " little" : is_number(c) ? " big" : "");
    if (c->little_words)
        lintel_buf_adds(&b, ", words little");
    if (c->width > 1)
        lintel_buf_addf(&b, ", bits %u to %u", c->bit, c->bit + c->width - 1u);
    else if (c->width == 1)
        lintel_buf_addf(&b, ", bit %u", c->bit);
    if (c->nmap != 0)
        lintel_buf_addf(&b, ", map of %u", c->nmap);
    if (c->scale.digits != 1 || c->scale.exponent != 0)
        describe_decimal(&b, ", x ", c->scale);
    if (c->scale_from != NULL)
        lintel_buf_addf(&b, ", x 10^%s", c->scale_from);
    if (c->offset.digits != 0)
        describe_decimal(&b, c->offset.digits > 0 ? ", + " : ", ", c->offset);
    const char *unit = c->unit != NULL ? c->unit : c->data != NULL ? c->data->unit : NULL;
    if (unit != NULL)
        lintel_buf_addf(&b, ", %s", unit);
    lintel_copy(out, size, lintel_buf_str(&b));
    lintel_buf_fini(&b);
}
