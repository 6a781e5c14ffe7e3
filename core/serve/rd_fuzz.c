/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a run of requests to the directory: each begins with a byte that chooses what is
 * asked and by whom, then a query, a NUL, and a body up to the next NUL. Each must be answered
 * once, and nothing may be left open but observations. */
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/codes.h"
#include "core/serve/format.h"
#include "core/serve/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MOST = 64, PIECES_MOST = 48 };

struct run {
    struct lintel_tree *tree;
    int answers;
    char location[32]; /* of the last 2.01 */
    lintel_ticket fetch;
};

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    struct run *r = ctx;
    (void)cookie;
    r->answers++;
    LINTEL_ASSERT(a->code >= LINTEL_CODE(2, 1) && a->code < LINTEL_CODE(6, 0));
    if (a->code == LINTEL_CREATED) {
        LINTEL_ASSERT(a->nlocation == 2 && a->location[1].n < sizeof r->location);
        memcpy(r->location, a->location[1].p, a->location[1].n);
    }
}

static lintel_status
on_send(void *ctx, void *asker, const char *uri, const lintel_exchange *x, lintel_ticket ticket)
{
    struct run *r = ctx;
    (void)asker, (void)uri, (void)x;
    r->fetch = ticket;
    return LINTEL_OK;
}

static uint32_t
split(const char *s, size_t n, lintel_span *ret)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n && count < PIECES_MOST;) {
        const char *end = memchr(s + i, '&', n - i);
        size_t length = end == NULL ? n - i : (size_t)(end - s) - i;
        ret[count++] = (lintel_span){s + i, length};
        i += length + 1;
    }
    return count;
}

static void
ask(struct run *r, uint8_t how, lintel_span text, lintel_span body)
{
    static const char *const paths[][2] = {
        {"rd", NULL},          {"rd", ""}, {"rd-lookup", "ep"}, {"rd-lookup", "res"},
        {".well-known", "rd"}, {"rd", ""}, {"rd", NULL},        {".well-known", "core"}};
    static const uint32_t methods[] = {LINTEL_POST, LINTEL_POST,   LINTEL_GET,  LINTEL_GET,
                                       LINTEL_POST, LINTEL_DELETE, LINTEL_POST, LINTEL_GET};
    static const char *const identities[] = {"", "alice", "bob", ""};
    unsigned what = how & 7, who = how >> 3 & 3;
    lintel_span path[2], query[PIECES_MOST];
    const char *second = paths[what][1];
    if (second != NULL && second[0] == '\0')
        second = r->location;
    path[0] = (lintel_span){paths[what][0], strlen(paths[what][0])};
    if (second != NULL)
        path[1] = (lintel_span){second, strlen(second)};
    lintel_exchange x = {.size = sizeof x,
                         .method = methods[what],
                         .flags = who == 1 || who == 2 ? LINTEL_X_SECURE | LINTEL_X_LOOPBACK
                                  : who == 3           ? LINTEL_X_OPEN | LINTEL_X_LIMITED
                                                       : LINTEL_X_LOOPBACK,
                         .format = body.n != 0 ? LINTEL_FORMAT_LINK : LINTEL_FORMAT_NONE,
                         .path = path,
                         .npath = second != NULL ? 2 : 1,
                         .query = query,
                         .nquery = split(text.p, text.n, query),
                         .payload = body,
                         .identity = identities[who],
                         .authority = identities[who][0] ? "psk" : "",
                         .peer = "[2001:db8::1]:5683",
                         .origin = how & 32 ? NULL : "coap://[2001:db8::1]",
                         .session = who + 1,
                         .base = "coap://[::1]",
                         .echo = {"\0\0\0\0\0\0\0\1", 8}};
    if (how & 64)
        x.flags |= LINTEL_X_OBSERVE;
    int before = r->answers;
    r->fetch = 0; /* one that a timer sent is left without an answer */
    lintel_ticket t = lintel_tree_submit(r->tree, &x, on_answer, r);
    LINTEL_ASSERT(t != 0 ? r->answers <= before + 1 : r->answers == before + 1);
    if (t != 0 && r->fetch != 0) {
        lintel_answer a = {.size = sizeof a,
                           .code = LINTEL_CONTENT,
                           .format = LINTEL_FORMAT_LINK,
                           .max_age = how,
                           .payload = text};
        lintel_tree_reply(r->tree, r->fetch, &a);
        LINTEL_ASSERT(r->answers == before + 1);
    } else if (t != 0 && how & 128) {
        lintel_tree_abandon(r->tree, t);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run r = {0};
    struct lintel_loop *loop = lintel_loop_new_fake();
    struct lintel_engine *engine = loop != NULL ? lintel_engine_new(loop, 1) : NULL;
    if (engine != NULL)
        r.tree = lintel_tree_new(&(struct lintel_tree_source){.engine = engine,
                                                              .loop = loop,
                                                              .hub_name = "fuzz",
                                                              .seed = 1,
                                                              .send = on_send,
                                                              .ctx = &r});
    LINTEL_ASSERT(r.tree != NULL);
    const char *p = (const char *)data;
    for (int i = 0; i < REQUESTS_MOST && size > 0; i++) {
        uint8_t how = (uint8_t)*p++;
        size--;
        lintel_span text[2];
        for (int k = 0; k < 2; k++) {
            const char *end = size != 0 ? memchr(p, '\0', size) : NULL;
            text[k] = (lintel_span){p, end != NULL ? (size_t)(end - p) : size};
            p += text[k].n + (end != NULL);
            size -= text[k].n + (end != NULL);
        }
        ask(&r, how, text[0], text[1]);
        lintel_loop_advance(loop, (int64_t)how * 100000000);
    }
    lintel_tree_free(r.tree);
    lintel_engine_free(engine);
    lintel_loop_free(loop);
    return 0;
}
