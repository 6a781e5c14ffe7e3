/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a link-format document: what is read and written again must read back the same. */
#include <string.h>

#include "core/directory/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same(struct lintel_str a, struct lintel_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Control characters become blanks and an empty value stays empty, so only plain values are
 * compared. */
static int
plain(struct lintel_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return 0;
    return 1;
}

static void
reads_back(const struct lintel_link *l)
{
    struct lintel_buf text = {0};
    struct lintel_arena *arena = lintel_arena_new();
    struct lintel_link again;
    const char *reason = "";
    lintel_link_write(&text, l);
    struct lintel_link_reader r = {text.p, text.n, 0};
    LINTEL_ASSERT(arena != NULL && lintel_link_next(&r, arena, &again, &reason) == 1);
    LINTEL_ASSERT(same(l->target, again.target) && l->n == again.n);
    for (uint32_t i = 0; i < l->n; i++) {
        LINTEL_ASSERT(same(l->attrs[i].name, again.attrs[i].name));
        LINTEL_ASSERT(!plain(l->attrs[i].value) || same(l->attrs[i].value, again.attrs[i].value));
    }
    lintel_arena_free(arena);
    lintel_buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_arena *arena = lintel_arena_new();
    struct lintel_link_reader r = {(const char *)data, size, 0};
    struct lintel_link link;
    const char *reason = NULL;
    lintel_span query[2] = {{(const char *)data, size < 12 ? size : 12}, {"rt=a*", 5}};
    int got;
    while ((got = lintel_link_next(&r, arena, &link, &reason)) == 1) {
        reads_back(&link);
        (void)lintel_link_matches(&link, query, 2);
    }
    LINTEL_ASSERT(got == 0 || reason != NULL);
    LINTEL_ASSERT(r.at <= size);
    lintel_arena_free(arena);
    return 0;
}
