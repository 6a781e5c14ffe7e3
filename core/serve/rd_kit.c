/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/rd_kit.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/kit/kit.h"

struct rd_kit k;
static int asker;

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    CHECK(ctx == &asker && cookie == &k);
    CHECK(a->size == sizeof *a && a->payload.n < sizeof k.text);
    CHECK_INT(a->nlocation_query, 0); /* RFC 9176 section 5: no Location-Query */
    k.answers++;
    k.code = a->code;
    k.flags = a->flags;
    k.max_age = a->max_age;
    k.size1 = a->size1;
    k.answer_format = a->format;
    k.n = a->payload.n;
    if (k.n != 0)
        memcpy(k.text, a->payload.p, k.n);
    k.text[k.n] = '\0';
    memcpy(k.answer_etag, a->etag, sizeof k.answer_etag);
    k.location[0] = '\0';
    for (uint32_t i = 0; i < a->nlocation; i++) {
        size_t n = strlen(k.location);
        snprintf(k.location + n, sizeof k.location - n, "/%.*s", (int)a->location[i].n,
                 a->location[i].p);
    }
    k.echo_n = a->flags & LINTEL_ANSWER_ECHO ? a->echo.n : 0;
    CHECK(k.echo_n <= sizeof k.echo);
    if (k.echo_n != 0)
        memcpy(k.echo, a->echo.p, k.echo_n);
}

static lintel_status
send_request(void *ctx, void *from, const char *uri, const lintel_exchange *x, lintel_ticket t)
{
    CHECK(ctx == &k && (from == &asker || from == NULL));
    if (from == &asker && k.gone)
        return LINTEL_E_NOTSUP;
    k.sent_anyhow = from == NULL;
    CHECK_INT(x->method, LINTEL_GET);
    CHECK(x->naccept == 1 && x->accept[0] == LINTEL_FORMAT_LINK);
    if (k.send_status != LINTEL_OK)
        return k.send_status;
    k.sent++;
    snprintf(k.uri, sizeof k.uri, "%s", uri);
    k.sent_etag_n = x->netag != 0 ? x->etag[0].n : 0;
    if (k.sent_etag_n != 0)
        memcpy(k.sent_etag, x->etag[0].p, k.sent_etag_n);
    k.sent_session = x->session;
    k.sent_ticket = t;
    return LINTEL_OK;
}

void
rd_begin_with(struct lintel_store *store)
{
    struct lintel_loop *loop = k.loop;
    memset(&k, 0, sizeof k);
    k.loop = loop != NULL ? loop : lintel_loop_new_fake();
    k.engine = fake_engine_new(k.loop);
    k.who.flags = LINTEL_X_LOOPBACK;
    k.format = LINTEL_FORMAT_LINK;
    k.base = "coap://[::1]";
    k.tree = lintel_tree_new(&(struct lintel_tree_source){.engine = k.engine,
                                                          .loop = k.loop,
                                                          .hub_name = "plant-7",
                                                          .directory = store,
                                                          .seed = 7,
                                                          .send = send_request,
                                                          .ctx = &k});
    CHECK(k.tree != NULL);
    k.conf = lintel_directory_default;
    k.site.directory = &k.conf;
    lintel_tree_site(k.tree, &k.site);
}

void
rd_begin(void)
{
    k.loop = NULL;
    rd_begin_with(NULL);
}

void
rd_end(void)
{
    CHECK_INT(lintel_tree_open(k.tree), 0);
    lintel_tree_free(k.tree);
    fake_engine_free(k.engine);
    lintel_loop_free(k.loop);
    k.loop = NULL;
}

void
rd_advance(int64_t ns)
{
    lintel_loop_advance(k.loop, ns);
}

static uint32_t
split(const char *s, size_t n, char at, lintel_span *ret, uint32_t most)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n && count < most;) {
        const char *end = memchr(s + i, at, n - i);
        size_t length = end == NULL ? n - i : (size_t)(end - s) - i;
        ret[count++] = (lintel_span){s + i, length};
        i += length + 1;
    }
    return count;
}

lintel_ticket
rd_ask(uint32_t method, const char *uri, const char *payload)
{
    enum { MOST = 64 };
    lintel_span path[MOST], query[MOST], etag = {k.etag, k.etag_n};
    const char *mark = strchr(uri, '?');
    size_t n = mark != NULL ? (size_t)(mark - uri) : strlen(uri);
    lintel_exchange x = {.size = sizeof x,
                         .method = method,
                         .flags = k.who.flags,
                         .format = payload != NULL ? k.format : LINTEL_FORMAT_NONE,
                         .path = path,
                         .query = query,
                         .etag = &etag,
                         .netag = k.etag != NULL,
                         .payload = {payload, payload != NULL ? strlen(payload) : 0},
                         .identity = k.who.identity != NULL ? k.who.identity : "",
                         .authority = k.who.authority != NULL ? k.who.authority : "",
                         .peer = k.who.peer != NULL ? k.who.peer : "[::1]:40312",
                         .origin = k.who.origin,
                         .session = k.who.session,
                         .scope = k.who.scope,
                         .base = k.base,
                         .echo = {k.who.echo, k.who.echo_n},
                         .cookie = &k};
    x.npath = split(uri + 1, n - 1, '/', path, MOST);
    if (mark != NULL)
        x.nquery = split(mark + 1, strlen(mark + 1), '&', query, MOST);
    k.code = 0;
    k.who.echo_n = 0;
    return lintel_tree_submit(k.tree, &x, on_answer, &asker);
}

uint32_t
rd_code(uint32_t method, const char *uri, const char *payload)
{
    int before = k.answers;
    CHECK_INT(rd_ask(method, uri, payload), 0);
    CHECK_INT(k.answers, before + 1);
    return k.code;
}

const char *
rd_register(const char *query, const char *links, char out[80])
{
    char uri[400];
    snprintf(uri, sizeof uri, "/rd?%s", query);
    CHECK_INT(rd_code(LINTEL_POST, uri, links), IS(201));
    CHECK(k.code == IS(201) || printf("# %s: %s\n", query, k.text) < 0);
    snprintf(out, 80, "%s", k.location);
    return out;
}

const char *
rd_get(const char *uri)
{
    CHECK_INT(rd_code(LINTEL_GET, uri, NULL), IS(205));
    return k.text;
}

lintel_ticket
rd_observe(const char *uri)
{
    k.who.flags |= LINTEL_X_OBSERVE;
    lintel_ticket t = rd_ask(LINTEL_GET, uri, NULL);
    k.who.flags &= ~(uint32_t)LINTEL_X_OBSERVE;
    return t;
}

void
rd_reply(uint32_t code, int32_t format, uint32_t max_age, const char *etag, const char *payload)
{
    lintel_answer a = {.size = sizeof a,
                       .code = code,
                       .format = format,
                       .max_age = max_age,
                       .payload = {payload, payload != NULL ? strlen(payload) : 0}};
    if (etag != NULL) {
        a.netag = (uint32_t)strlen(etag);
        memcpy(a.etag, etag, a.netag);
    }
    lintel_tree_reply(k.tree, k.sent_ticket, &a);
}
