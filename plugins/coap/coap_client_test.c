/* SPDX-License-Identifier: Apache-2.0
 * The transport against libcoap's coap-client, a program that we did not write. */
#include "plugins/coap/coap_testclient.h"
#include "tests/kit/kit.h"

#include <stdio.h>
#include <string.h>

extern const lintel_entry lintel_plugin_entry;

static char stored[8000]; /* what was put last */
static size_t nstored;
static lintel_ticket slow, stream;
static lintel_mono due;
static int sent;

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    lintel_mono now = t->host.now(&t->host);
    if (x->npath == 1 && x->path[0].n == 4 && memcmp(x->path[0].p, "slow", 4) == 0) {
        slow = ticket;
        due = now + INT64_C(3000000000); /* more than ACK_TIMEOUT */
    } else if (x->flags & LINTEL_X_OBSERVE) {
        stream = ticket;
        due = now + 20000000;
        sent = 0;
        testhost_text(t, ticket, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "v0;");
    } else if (x->method == LINTEL_PUT || x->method == LINTEL_POST) {
        nstored = x->payload.n < sizeof stored ? x->payload.n : 0;
        memcpy(stored, x->payload.p, nstored);
        testhost_text(t, ticket, LINTEL_CODE(2, 4), 0, x->method == LINTEL_PUT ? "put" : "posted");
    } else {
        lintel_answer a = {
            .size = sizeof a, .code = LINTEL_CODE(2, 5), .format = 0, .payload = {stored, nstored}};
        testhost_answer(t, ticket, &a);
    }
}

/* What the tree does by itself: the slow answer, and eleven notifications. */
static void
tick(struct testhost *t)
{
    char text[20];
    lintel_mono now = t->host.now(&t->host);
    if (now < due)
        return;
    if (slow != 0)
        testhost_text(t, slow, LINTEL_CODE(2, 5), 0, "at last");
    slow = 0;
    if (stream != 0 && sent < 11) {
        snprintf(text, sizeof text, "v%d;", ++sent);
        testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, text);
        due = now + 20000000;
    }
}

/* Runs coap-client with these arguments, the host serving it; its output, or NULL if it can't be
 * run. */
static const char *
client(struct testhost *t, unsigned listener, const char *path, const char *const *options)
{
    const char *argv[20] = {"coap-client-notls", "-B", "10"};
    int n = 3;
    while (*options != NULL && n < 18)
        argv[n++] = *options++;
    argv[n] =
        testclient_uri(t, listener, listener == 0 ? "coap://[::1]" : "coap://127.0.0.1", path);
    return testclient(t, argv, tick);
}
#define RUN(t, listener, path, ...)                                                                \
    client(t, listener, path, (const char *const[]){__VA_ARGS__, NULL})

static struct testhost *
open_host(void)
{
    static const char *const listen[] = {"coap://[::1]:0", "coap://127.0.0.1:0", NULL};
    struct testhost_settings s = {.listen = listen};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    slow = stream = 0;
    CHECK(t != NULL);
    if (t != NULL)
        CHECK_INT(testhost_start(t), LINTEL_OK);
    return t;
}

static void
reads_and_writes(void)
{
    struct testhost *t = open_host();
    REQUIRE(t != NULL);
    for (unsigned listener = 0; listener < 2; listener++) {
        const char *text = RUN(t, listener, "x", "-m", "put", "-e", "21.5");
        if (text == NULL)
            break;
        CHECK_HAS(text, "put");
        CHECK_HAS(RUN(t, listener, "x", "-m", "get"), "21.5");
        CHECK_HAS(RUN(t, listener, "x", "-N"), "21.5");
        CHECK_HAS(RUN(t, listener, "x", "-m", "post", "-e", "on"), "posted");
    }
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

static void
moves_blocks(void)
{
    struct testhost *t = open_host();
    static char body[5001];
    REQUIRE(t != NULL);
    for (size_t i = 0; i < sizeof body - 1; i++)
        body[i] = (char)('a' + (i / 64) % 26);
    const char *path = kit_write("body", body);
    static const char *const sizes[] = {"16", "64", "1024"};
    for (size_t i = 0; i < 3; i++) {
        uint32_t before = t->requests;
        const char *text = RUN(t, i % 2, "x", "-m", "put", "-b", sizes[i], "-f", path);
        if (text == NULL)
            break;
        CHECK_HAS(text, "put");
        CHECK_INT(t->requests, before + 1);
        CHECK_INT(nstored, sizeof body - 1);
        CHECK(memcmp(stored, body, sizeof body - 1) == 0);
        text = RUN(t, i % 2, "x", "-b", sizes[i]);
        CHECK_HAS(text, body);
        CHECK_INT(t->requests, before + 2);
    }
    testhost_free(t);
}

static void
waits_for_slow_devices(void)
{
    struct testhost *t = open_host();
    REQUIRE(t != NULL);
    const char *text = RUN(t, 0, "slow", "-v", "3");
    if (text != NULL) {
        CHECK_HAS(text, "at last");
        CHECK_INT(t->requests, 1);
    }
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

static void
observes(void)
{
    struct testhost *t = open_host();
    REQUIRE(t != NULL);
    const char *text = RUN(t, 1, "lamp", "-s", "2");
    if (text != NULL) {
        for (int i = 0; i <= 11; i++) { /* each once, in order */
            char wanted[20];
            snprintf(wanted, sizeof wanted, "v%d;", i);
            const char *at = strstr(text, wanted);
            CHECK_HAS(text, wanted);
            text = at != NULL ? at + strlen(wanted) : text;
            CHECK(strstr(text, wanted) == NULL);
        }
        CHECK_INT(t->abandoned, 1); /* the client says that it ends */
    }
    CHECK_INT(t->open, 0);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(reads_and_writes), KIT(moves_blocks), KIT(waits_for_slow_devices), KIT(observes), {0}};
    return kit_main("coap client", tests, argc, argv);
}
