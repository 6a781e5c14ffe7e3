/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/plugtest/plugtest.h"

#include <stdio.h>
#include <string.h>

enum { PIECES_MOST = 8 };

void
pt_code(struct pt *p, lintel_ticket t, uint32_t code)
{
    lintel_answer a = {.size = sizeof a, .code = code, .format = LINTEL_FORMAT_NONE};
    p->tree->answer(p->host, t, &a);
}

void
pt_fail(struct pt *p, lintel_ticket t, uint32_t code, const char *why)
{
    lintel_answer a = {.size = sizeof a,
                       .code = code,
                       .format = LINTEL_FORMAT_NONE,
                       .max_age = 5,
                       .size1 = code == LINTEL_CODE(4, 13) ? PT_BODY_MOST : 0,
                       .payload = {why, strlen(why)}};
    p->tree->answer(p->host, t, &a);
}

bool
pt_accepts(const lintel_exchange *x, int32_t format)
{
    bool any = x->naccept == 0;
    for (uint32_t i = 0; i < x->naccept; i++)
        any |= x->accept[i] == format;
    return any;
}

uint32_t
pt_tag(uint8_t etag[8], int32_t format, const void *body, size_t n)
{
    const uint8_t *b = body;
    uint32_t h = 0x811c9dc5u ^ (uint32_t)format; /* FNV-1a, 32 bit */
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x01000193u;
    memcpy(etag, &h, sizeof h);
    return sizeof h;
}

void
pt_content(struct pt *p, lintel_ticket t, const lintel_exchange *x, int32_t format,
           const void *body, size_t n)
{
    lintel_answer a = {.size = sizeof a,
                       .code = LINTEL_CODE(2, 5),
                       .format = format,
                       .max_age = 60,
                       .payload = {body, n}};
    if (!pt_accepts(x, format)) {
        pt_fail(p, t, LINTEL_CODE(4, 6), "there is no representation in that format");
        return;
    }
    a.netag = pt_tag(a.etag, format, body, n);
    for (uint32_t i = 0; i < x->netag; i++)
        if (x->etag[i].n == a.netag && memcmp(x->etag[i].p, a.etag, a.netag) == 0) {
            a.code = LINTEL_CODE(2, 3);
            a.format = LINTEL_FORMAT_NONE;
            a.payload = (lintel_span){NULL, 0};
        }
    p->tree->answer(p->host, t, &a);
}

static uint32_t
split(const char *s, char at, lintel_span ret[PIECES_MOST])
{
    uint32_t n = 0;
    while (s != NULL && *s != '\0' && n < PIECES_MOST) {
        const char *end = strchr(s, at);
        size_t length = end != NULL ? (size_t)(end - s) : strlen(s);
        ret[n++] = (lintel_span){s, length};
        s += length + (end != NULL);
    }
    return n;
}

void
pt_located(struct pt *p, lintel_ticket t, uint32_t code, const char *path, const char *query)
{
    lintel_span segments[PIECES_MOST], pieces[PIECES_MOST];
    lintel_answer a = {.size = sizeof a,
                       .code = code,
                       .format = LINTEL_FORMAT_NONE,
                       .location = segments,
                       .location_query = pieces};
    a.nlocation = split(path, '/', segments);
    a.nlocation_query = split(query, '&', pieces);
    p->tree->answer(p->host, t, &a);
}

void
pt_fill(char *body, size_t n, const char *title)
{
    char line[80];
    for (size_t at = 0, number = 0; at < n; at += 64, number++) {
        int length = snprintf(line, sizeof line, "%4zu %-58.58s\n", number,
                              number == 0 ? title : "of a representation that needs blocks");
        memcpy(body + at, line, n - at < (size_t)length ? n - at : (size_t)length);
    }
}
