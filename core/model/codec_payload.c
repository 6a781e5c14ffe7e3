/* SPDX-License-Identifier: Apache-2.0
 * Parts of payloads: JSON pointers and patterns. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "core/model/codec_program.h"
#include "core/model/json_load.h"
#include "core/model/regexp.h"

enum { DEPTH_MOST = 64 };

void
lintel_payload_reset(struct lintel_payload *w, const void *p, uint32_t n)
{
    json_decref(w->json);
    lintel_arena_free(w->arena);
    *w = (struct lintel_payload){.p = p, .n = n};
}

static enum lintel_decoded
bad(char reason[LINTEL_REASON], const char *text)
{
    lintel_copy(reason, LINTEL_REASON, text);
    return LINTEL_DECODED_BAD;
}

/* ---- pointers -------------------------------------------------------------------------------- */

int
pointer_parse(struct lintel_str text, struct pointer *ret)
{
    if ((text.n != 0 && text.p[0] != '/') || (text.n != 0 && memchr(text.p, '\0', text.n) != NULL))
        return -1;
    char *tokens = lintel_alloc(text.n + 1);
    if (tokens == NULL)
        return -2;
    uint32_t count = 0, at = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '/') {
            if (count++ != 0)
                tokens[at++] = '\0';
            continue;
        }
        if (c == '~') {
            char next = i + 1 < text.n ? text.p[++i] : ' ';
            if (next != '0' && next != '1') {
                lintel_free(tokens);
                return -1;
            }
            c = next == '0' ? '~' : '/';
        }
        tokens[at++] = c;
    }
    *ret = (struct pointer){count, tokens, at + (count != 0)};
    return 0;
}

/* The index that a token names; 0: it names none. */
static int
list_index(const char *token, size_t *ret)
{
    uint64_t index;
    size_t n = strlen(token);
    if (n == 0 || n > 9 || (n > 1 && token[0] == '0') || !lintel_parse_uint(token, n, &index))
        return 0;
    *ret = (size_t)index;
    return 1;
}

static const json_t *
find_json(const json_t *at, const struct pointer *p)
{
    const char *token = p->tokens;
    for (uint32_t i = 0; i < p->n && at != NULL; i++, token += strlen(token) + 1) {
        size_t index;
        if (json_is_array(at))
            at = list_index(token, &index) ? json_array_get(at, index) : NULL;
        else
            at = json_object_get(at, token); /* NULL if it is no object */
    }
    return at;
}

static const lintel_value *
find_member(const lintel_value *map, const char *name)
{
    for (uint32_t i = 0; i < map->len; i++)
        if (strcmp(map->as.map[i].name, name) == 0)
            return &map->as.map[i].value;
    return NULL;
}

static const lintel_value *
find_value(const lintel_value *at, const struct pointer *p)
{
    const char *token = p->tokens;
    for (uint32_t i = 0; i < p->n && at != NULL; i++, token += strlen(token) + 1) {
        size_t index;
        if (at->type == LINTEL_T_LIST)
            at = list_index(token, &index) && index < at->len ? &at->as.list[index] : NULL;
        else
            at = at->type == LINTEL_T_MAP ? find_member(at, token) : NULL;
    }
    return at;
}

/* ---- JSON -> values -------------------------------------------------------------------------- */

static int json_tree(const json_t *j, struct lintel_arena *a, unsigned depth, lintel_value *ret);

static int
json_list(const json_t *j, struct lintel_arena *a, unsigned depth, lintel_value *ret)
{
    size_t n = json_array_size(j);
    lintel_value *list = lintel_arena_alloc(a, n * sizeof *list);
    if (list == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (json_tree(json_array_get(j, i), a, depth + 1, &list[i]) != 0)
            return -1;
    *ret = (lintel_value){.type = LINTEL_T_LIST, .len = (uint32_t)n, .as.list = list};
    return 0;
}

static int
json_map(json_t *j, struct lintel_arena *a, unsigned depth, lintel_value *ret)
{
    size_t n = json_object_size(j), i = 0;
    lintel_member *map = lintel_arena_alloc(a, n * sizeof *map);
    if (map == NULL)
        return -1;
    for (void *it = json_object_iter(j); it != NULL; it = json_object_iter_next(j, it), i++) {
        map[i].name = json_object_iter_key(it);
        if (json_tree(json_object_iter_value(it), a, depth + 1, &map[i].value) != 0)
            return -1;
    }
    *ret = (lintel_value){.type = LINTEL_T_MAP, .len = (uint32_t)n, .as.map = map};
    return 0;
}

static int
json_scalar(const json_t *j, lintel_value *ret)
{
    switch (json_typeof(j)) {
    case JSON_STRING:
        *ret = (lintel_value){.type = LINTEL_T_STR,
                              .len = (uint32_t)json_string_length(j),
                              .as.s = json_string_value(j)};
        return 1;
    case JSON_INTEGER:
        *ret = (lintel_value){.type = LINTEL_T_INT, .as.i = json_integer_value(j)};
        return 1;
    case JSON_REAL:
        *ret = (lintel_value){.type = LINTEL_T_REAL, .as.r = json_real_value(j)};
        return 1;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = (lintel_value){.type = LINTEL_T_BOOL, .as.i = json_is_true(j)};
        return 1;
    case JSON_NULL: *ret = (lintel_value){.type = LINTEL_T_NULL}; return 1;
    default: return 0;
    }
}

/* Names and texts stay where the JSON tree has them. */
static int
json_tree(const json_t *j, struct lintel_arena *a, unsigned depth, lintel_value *ret)
{
    if (json_scalar(j, ret))
        return 0;
    if (depth > DEPTH_MOST)
        return -1;
    /* jansson walks objects by non-const pointers only; nothing is changed. */
    union {
        const json_t *in;
        json_t *out;
    } open = {j};
    return json_is_array(j) ? json_list(j, a, depth, ret) : json_map(open.out, a, depth, ret);
}

static enum lintel_decoded
parse(struct lintel_payload *w, char reason[LINTEL_REASON])
{
    json_error_t error;
    int starved = 0;
    if (w->json != NULL)
        return LINTEL_DECODED;
    if (!w->no_json && w->n <= LINTEL_PAYLOAD_MOST) {
        /* An integer beyond 64 bits is no reason to lose the other members. */
        w->json = lintel_json_load_wide(w->p, w->n, JSON_DECODE_ANY, &error, &starved);
        w->no_json = w->json == NULL && !starved;
    }
    if (w->json != NULL)
        return LINTEL_DECODED;
    if (starved)
        return bad(reason, "out of memory");
    return bad(reason, w->n > LINTEL_PAYLOAD_MOST ? "the payload is above 1 MiB"
                                                  : "the payload is no JSON");
}

static enum lintel_decoded
json_part(const struct lintel_codec *c, struct lintel_payload *w, lintel_value *ret,
          char reason[LINTEL_REASON])
{
    enum lintel_decoded outcome = parse(w, reason);
    if (outcome != LINTEL_DECODED)
        return outcome;
    const json_t *found = find_json(w->json, &c->pointer);
    if (found == NULL)
        return LINTEL_DECODED_ABSENT;
    if (json_scalar(found, ret))
        return LINTEL_DECODED;
    if (c->kind != LINTEL_DATA_ARRAY && c->kind != LINTEL_DATA_OBJECT && c->kind != LINTEL_DATA_ANY)
        return bad(reason, json_is_array(found)
                               ? "a list stands where a single value is wanted"
                               : "an object stands where a single value is wanted");
    if (w->arena == NULL)
        w->arena = lintel_arena_new();
    if (w->arena == NULL || json_tree(found, w->arena, 0, ret) != 0)
        return bad(reason, "the structure is nested too deep, or memory is out");
    return LINTEL_DECODED;
}

/* ---- the part -------------------------------------------------------------------------------- */

static enum lintel_decoded
match(const struct lintel_codec *c, lintel_value *v, struct lintel_payload *w,
      char reason[LINTEL_REASON])
{
    struct lintel_str group;
    if (v->type != LINTEL_T_STR && v->type != LINTEL_T_BYTES)
        return bad(reason, "pattern needs a text, and the value is none");
    struct lintel_str all = {v->as.p, v->len};
    if (all.n > LINTEL_PAYLOAD_MOST)
        return bad(reason, "the payload is above 1 MiB");
    if (lintel_utf8_valid(all.p, all.n) != all.n)
        return bad(reason, "the text is no UTF-8");
    if (!lintel_regexp_search(c->pattern, all.p, all.n, &group) || group.p == NULL)
        return LINTEL_DECODED_ABSENT;
    if (group.n != 0 && memchr(group.p, '\0', group.n) != NULL)
        return bad(reason, "the text has a NUL in it");
    if (w->arena == NULL)
        w->arena = lintel_arena_new();
    char *text = w->arena != NULL ? lintel_arena_strndup(w->arena, group.p, group.n) : NULL;
    if (text == NULL)
        return bad(reason, "out of memory");
    *v = (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)group.n, .as.s = text};
    return LINTEL_DECODED;
}

enum lintel_decoded
payload_part(const struct lintel_codec *c, const lintel_value *raw, struct lintel_payload *w,
             lintel_value *ret, char reason[LINTEL_REASON])
{
    *ret = *raw;
    int flat = raw->type == LINTEL_T_BYTES || raw->type == LINTEL_T_STR;
    if (flat && w != NULL && (w->p != raw->as.p || w->n != raw->len))
        lintel_payload_reset(w, raw->as.p, raw->len);
    if (!c->has_pointer && c->pattern == NULL)
        return LINTEL_DECODED;
    if (w == NULL)
        return bad(reason, "pointer and pattern need a payload");
    if (flat && raw->len == 0) /* an empty message, which clears a retained one */
        return LINTEL_DECODED_ABSENT;
    if (c->has_pointer && flat) {
        enum lintel_decoded outcome = json_part(c, w, ret, reason);
        if (outcome != LINTEL_DECODED)
            return outcome;
    } else if (c->has_pointer) {
        const lintel_value *found = find_value(raw, &c->pointer);
        if (found == NULL)
            return LINTEL_DECODED_ABSENT;
        *ret = *found;
    }
    if (c->pattern != NULL && ret->type != LINTEL_T_NULL)
        return match(c, ret, w, reason);
    return LINTEL_DECODED;
}

/* ---- values -> JSON -------------------------------------------------------------------------- */

int
payload_open(const struct pointer *p, struct lintel_buf *out)
{
    const char *token = p->tokens;
    size_t index;
    for (uint32_t i = 0; i < p->n; i++, token += strlen(token) + 1) {
        if (list_index(token, &index) || strcmp(token, "-") == 0)
            return -1;
        lintel_buf_addc(out, '{');
        lintel_buf_add_json_str(out, token, strlen(token));
        lintel_buf_addc(out, ':');
    }
    return 0;
}

void
payload_close(const struct pointer *p, struct lintel_buf *out)
{
    for (uint32_t i = 0; i < p->n; i++)
        lintel_buf_addc(out, '}');
}

static void
put(const lintel_value *v, unsigned depth, struct lintel_buf *out)
{
    char number[LINTEL_REAL_TEXT];
    if (depth > DEPTH_MOST) {
        lintel_buf_adds(out, "null");
        return;
    }
    switch (v->type) {
    case LINTEL_T_BOOL: lintel_buf_adds(out, v->as.i ? "true" : "false"); break;
    case LINTEL_T_INT:
    case LINTEL_T_UINT:
    case LINTEL_T_REAL:
        number_print(v, number);
        lintel_buf_adds(out, number);
        break;
    case LINTEL_T_STR: lintel_buf_add_json_str(out, v->as.s, v->len); break;
    case LINTEL_T_BYTES:
        lintel_buf_addc(out, '"');
        put_text_of_octets(CODE_BASE64, (struct lintel_str){v->as.p, v->len}, out);
        lintel_buf_addc(out, '"');
        break;
    case LINTEL_T_LIST:
        lintel_buf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i != 0)
                lintel_buf_addc(out, ',');
            put(&v->as.list[i], depth + 1, out);
        }
        lintel_buf_addc(out, ']');
        break;
    case LINTEL_T_MAP:
        lintel_buf_addc(out, '{');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i != 0)
                lintel_buf_addc(out, ',');
            lintel_buf_add_json_str(out, v->as.map[i].name, strlen(v->as.map[i].name));
            lintel_buf_addc(out, ':');
            put(&v->as.map[i].value, depth + 1, out);
        }
        lintel_buf_addc(out, '}');
        break;
    default: lintel_buf_adds(out, "null"); break;
    }
}

void
payload_put_json(const lintel_value *v, struct lintel_buf *out)
{
    put(v, 0, out);
}
