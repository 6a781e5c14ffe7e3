/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kit/host_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *
lintel_kit_must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

void *
lintel_kit_keep(struct piece **owner, size_t n)
{
    struct piece *p = lintel_kit_must(calloc(1, sizeof *p + n));
    p->next = *owner;
    *owner = p;
    return p->bytes;
}

char *
lintel_kit_keep_text(struct piece **owner, const char *s, size_t n)
{
    char *copy = lintel_kit_keep(owner, n + 1);
    memcpy(copy, s, n);
    return copy;
}

void
lintel_kit_pieces_free(struct piece *p)
{
    while (p != NULL) {
        struct piece *next = p->next;
        free(p);
        p = next;
    }
}

lintel_mono
lintel_kit_real_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- settings ---- */

static int
choice(const char *choices, const char *word, size_t n)
{
    int i = 0;
    for (const char *at = choices;; i++) {
        size_t length = strcspn(at, "|");
        if (length == n && memcmp(at, word, n) == 0)
            return i;
        if (at[length] == '\0')
            return -1;
        at += length + 1;
    }
}

static void
list(struct piece **owner, const char *text, lintel_value *ret)
{
    uint32_t n = *text != '\0';
    for (const char *c = text; *c != '\0'; c++)
        n += *c == ',';
    lintel_value *items = lintel_kit_keep(owner, (n + 1) * sizeof *items);
    const char *at = text;
    for (uint32_t i = 0; i < n; i++) {
        size_t length = strcspn(at, ",");
        items[i].type = LINTEL_T_STR;
        items[i].len = (uint32_t)length;
        items[i].as.s = lintel_kit_keep_text(owner, at, length);
        at += length + (at[length] != '\0');
    }
    *ret = (lintel_value){.type = LINTEL_T_LIST, .len = n, .as.list = items};
}

/* One setting's text by its row; 0 where the hub would refuse the file. */
static int
parse(struct piece **owner, const lintel_field *row, const char *text, lintel_value *ret)
{
    char *end;
    *ret = (lintel_value){.type = row->type};
    if (row->choices != NULL) {
        ret->type = LINTEL_T_INT;
        ret->as.i = choice(row->choices, text, strlen(text));
        return ret->as.i >= 0;
    }
    switch (row->type) {
    case LINTEL_T_BOOL:
        ret->as.i = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
        return ret->as.i || strcmp(text, "false") == 0 || strcmp(text, "no") == 0;
    case LINTEL_T_INT:
        ret->as.i = strtoll(text, &end, 0);
        return *text != '\0' && *end == '\0' &&
               (row->min >= row->max ||
                ((double)ret->as.i >= row->min && (double)ret->as.i <= row->max));
    case LINTEL_T_REAL:
        ret->as.r = strtod(text, &end);
        return *text != '\0' && *end == '\0' &&
               (row->min >= row->max || (ret->as.r >= row->min && ret->as.r <= row->max));
    case LINTEL_T_STR:
        ret->len = (uint32_t)strlen(text);
        ret->as.s = lintel_kit_keep_text(owner, text, ret->len);
        return 1;
    case LINTEL_T_LIST: list(owner, text, ret); return 1;
    default: return 0;
    }
}

static const lintel_field *
row_of(const lintel_field *table, const char *setting, size_t n)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strlen(table->name) == n && memcmp(table->name, setting, n) == 0)
            return table;
    return NULL;
}

static char refusal[LINTEL_KIT_REASON];

void
lintel_kit_refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(refusal, sizeof refusal, format, args);
    va_end(args);
}

const char *
lintel_kit_refusal(void)
{
    return refusal;
}

lintel_value *
lintel_kit_values_of(struct lintel_kit *h, const lintel_field *table, const char *const *settings)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    lintel_value *v = lintel_kit_keep(&h->pieces, (n + 1) * sizeof *v);
    for (size_t i = 0; i < n; i++)
        if (table[i].dflt != NULL && !parse(&h->pieces, &table[i], table[i].dflt, &v[i])) {
            lintel_kit_refuse("the default of \"%s\" does not parse", table[i].name);
            return NULL;
        }
    for (; settings != NULL && *settings != NULL; settings++) {
        size_t length = strcspn(*settings, "=");
        const lintel_field *row = row_of(table, *settings, length);
        if (row == NULL || (*settings)[length] != '=' ||
            !parse(&h->pieces, row, *settings + length + 1, &v[row - table])) {
            lintel_kit_refuse("the hub would refuse the setting \"%s\"", *settings);
            return NULL;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (v[i].type == LINTEL_T_NULL && (table[i].flags & LINTEL_F_REQUIRED)) {
            lintel_kit_refuse("the hub would ask for the setting \"%s\"", table[i].name);
            return NULL;
        }
    return v;
}

/* ---- copies ---- */

static void
copy(struct piece **owner, const lintel_value *v, lintel_value *ret)
{
    *ret = *v;
    switch (v->type) {
    case LINTEL_T_STR: ret->as.s = lintel_kit_keep_text(owner, v->as.s, v->len); break;
    case LINTEL_T_BYTES:
        ret->as.p =
            v->len ? lintel_kit_keep_text(owner, v->as.p, v->len) : lintel_kit_keep(owner, 0);
        break;
    case LINTEL_T_LIST: {
        lintel_value *items = lintel_kit_keep(owner, v->len * sizeof *items);
        for (uint32_t i = 0; i < v->len; i++)
            copy(owner, &v->as.list[i], &items[i]);
        ret->as.list = items;
        break;
    }
    case LINTEL_T_MAP: {
        lintel_member *members = lintel_kit_keep(owner, v->len * sizeof *members);
        for (uint32_t i = 0; i < v->len; i++) {
            members[i].name =
                lintel_kit_keep_text(owner, v->as.map[i].name, strlen(v->as.map[i].name));
            copy(owner, &v->as.map[i].value, &members[i].value);
        }
        ret->as.map = members;
        break;
    }
    default: break;
    }
}

void
lintel_kit_copy_sample(struct piece **owner, const lintel_sample *s, lintel_sample *ret)
{
    *ret = *s;
    if (s->status == LINTEL_OK)
        copy(owner, &s->value, &ret->value);
    else
        ret->value = (lintel_value){0};
    if (s->detail != NULL)
        ret->detail = lintel_kit_keep_text(owner, s->detail, strlen(s->detail));
}

struct kept *
lintel_kit_kept_new(uint32_t n)
{
    struct kept *k = lintel_kit_must(calloc(1, sizeof *k));
    k->result.n = n;
    k->result.samples = lintel_kit_must(calloc(n + 1u, sizeof *k->result.samples));
    return k;
}

void
lintel_kit_result_free(struct lintel_kit_result *r)
{
    if (r == NULL)
        return;
    struct kept *k = (struct kept *)(void *)r;
    lintel_kit_pieces_free(k->pieces);
    free(r->samples);
    free(k);
}
