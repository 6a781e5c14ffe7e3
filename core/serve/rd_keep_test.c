/* SPDX-License-Identifier: Apache-2.0
 * What survives a restart: a real file, a real thread that writes it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/serve/rd_kit.h"
#include "core/store/store.h"
#include "tests/kit/kit.h"

static struct lintel_store *store;
static char path[300];

static void
begin(void)
{
    char reason[300] = "";
    k.loop = k.loop != NULL ? k.loop : lintel_loop_new_fake();
    store = lintel_store_open(k.loop, path, "directory 1", reason, sizeof reason);
    CHECK(store != NULL);
    rd_begin_with(store);
    k.who.origin = "coap://[2001:db8::1]";
}

static void
end(void)
{
    struct lintel_loop *loop = k.loop;
    lintel_store_close(store);
    CHECK_INT(lintel_tree_open(k.tree), 0);
    lintel_tree_free(k.tree);
    fake_engine_free(k.engine);
    k.loop = loop;
}

static int
answered(void *ctx)
{
    return k.answers > *(const int *)ctx;
}

/* Asks, and waits for the disk. */
static uint32_t
wait(uint32_t method, const char *uri, const char *payload)
{
    int before = k.answers;
    lintel_ticket t = rd_ask(method, uri, payload);
    CHECK(t != 0 || k.answers > before);
    lintel_loop_until(k.loop, answered, &before, 10 * SECOND);
    return k.code;
}

static void
survives(void)
{
    char where[80], gone[80], expected[300];
    snprintf(path, sizeof path, "%s/a.db", kit_folder());
    begin();
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=a&lt=600&foo=1&et=x", "</a>;rt=t"), IS(201));
    snprintf(where, sizeof where, "%s", k.location);
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=b&lt=10", "</b>"), IS(201));
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=c", "</c>"), IS(201));
    snprintf(gone, sizeof gone, "%s", k.location);
    CHECK_INT(wait(LINTEL_DELETE, gone, NULL), IS(202));
    CHECK_INT(wait(LINTEL_POST, where, NULL), IS(204));
    lintel_tree_thing(k.tree, lintel_engine_thing_at(k.engine, 0), 1);
    rd_advance(20 * SECOND);
    snprintf(expected, sizeof expected, "%s", rd_get("/rd-lookup/ep?ep=a"));
    end();
    begin();
    CHECK_STR(rd_get("/rd-lookup/ep"), expected); /* b has ended; things tell themselves */
    CHECK_STR(rd_get(where), "</a>;rt=t");
    rd_advance(579 * SECOND); /* its time went on */
    CHECK_STR(rd_get("/rd-lookup/ep"), expected);
    rd_advance(2 * SECOND);
    CHECK_STR(rd_get("/rd-lookup/ep"), "");
    end();
    begin();
    CHECK_INT(wait(LINTEL_POST, where, NULL), IS(204)); /* in grace, as before */
    CHECK_INT(rd_code(LINTEL_DELETE, gone, NULL), IS(404));
    rd_advance(9 * 86400 * SECOND);
    end();
    begin();
    CHECK_INT(rd_code(LINTEL_POST, where, NULL), IS(404)); /* forgotten for good */
    end();
    lintel_loop_free(k.loop);
    k.loop = NULL;
}

/* Who registered is remembered too, and limits count on. */
static void
remembers_owners(void)
{
    char where[80];
    snprintf(path, sizeof path, "%s/b.db", kit_folder());
    begin();
    k.who = (struct peer){.origin = "coaps://[2001:db8::1]",
                          .identity = "alice",
                          .authority = "psk",
                          .flags = LINTEL_X_SECURE | LINTEL_X_LOOPBACK,
                          .session = 1};
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=a", "</a>"), IS(201));
    snprintf(where, sizeof where, "%s", k.location);
    k.who = (struct peer){.peer = "[2001:db8::2]:1",
                          .origin = "coap://[2001:db8::2]",
                          .flags = LINTEL_X_OPEN | LINTEL_X_LIMITED};
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=n1", "</a>"), IS(201));
    end();
    begin();
    k.conf.per_client = 1;
    k.who = (struct peer){.peer = "[2001:db8::2]:9",
                          .origin = "coap://[2001:db8::2]",
                          .flags = LINTEL_X_OPEN | LINTEL_X_LIMITED};
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=n2", "</a>"), IS(429));
    k.who = (struct peer){
        .identity = "bob", .authority = "psk", .flags = LINTEL_X_SECURE | LINTEL_X_LOOPBACK};
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(403));
    k.who.identity = "alice";
    k.who.session = 1; /* numbers of sessions begin anew: this is another one */
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(401));
    memcpy(k.who.echo, k.echo, k.who.echo_n = k.echo_n);
    CHECK_INT(wait(LINTEL_DELETE, where, NULL), IS(202));
    end();
    lintel_loop_free(k.loop);
    k.loop = NULL;
}

/* Links that the hub fetches itself are fetched again, though nobody knows any more how the
 * endpoint asked; and before the registration ends, however soon that is. */
static void
fetches_again(void)
{
    char before[300];
    snprintf(path, sizeof path, "%s/d.db", kit_folder());
    begin();
    k.who.session = 9;
    rd_ask(LINTEL_POST, "/.well-known/rd?ep=a&lt=6000", NULL);
    int answers = k.answers;
    rd_reply(IS(205), 40, 600, "e1", "</a>");
    lintel_loop_until(k.loop, answered, &answers, 10 * SECOND);
    k.who.origin = "coap://[2001:db8::2]";
    rd_ask(LINTEL_POST, "/.well-known/rd?ep=b&lt=60", NULL);
    answers = k.answers;
    rd_reply(IS(205), 40, 600, "e2", "</b>");
    lintel_loop_until(k.loop, answered, &answers, 10 * SECOND);
    CHECK_INT(wait(LINTEL_POST, "/rd?ep=c&lt=6000", "</c>"), IS(201));
    snprintf(before, sizeof before, "%s", rd_get("/rd-lookup/res"));
    end();
    begin();
    CHECK_STR(rd_get("/rd-lookup/res"), before);
    CHECK_INT(k.sent, 0);
    rd_advance(31 * SECOND);
    CHECK_INT(k.sent, 1);
    CHECK_STR(k.uri, "coap://[2001:db8::2]/.well-known/core");
    CHECK(k.sent_anyhow && k.sent_session == 0 && k.sent_etag_n == 0);
    rd_reply(IS(205), 40, 600, "e3", "</new>");
    CHECK_STR(rd_get("/rd-lookup/res?ep=b"), "<coap://[2001:db8::2]/new>");
    rd_advance(40 * SECOND);
    CHECK_STR(rd_get("/rd-lookup/res?ep=b"), ""); /* it is not prolonged */
    CHECK_INT(k.sent, 2);
    CHECK_STR(k.uri, "coap://[2001:db8::1]/.well-known/core");
    rd_reply(IS(504), LINTEL_FORMAT_NONE, 0, NULL, NULL); /* it sleeps */
    CHECK_STR(rd_get("/rd-lookup/res?ep=a"), "<coap://[2001:db8::1]/a>");
    k.send_status = LINTEL_E_BUSY;
    rd_advance(121 * SECOND);
    CHECK_INT(k.sent, 2);
    k.send_status = LINTEL_OK;
    rd_advance(61 * SECOND);
    CHECK_INT(k.sent, 3);
    rd_reply(IS(205), 40, 600, "e4", "</awake>");
    CHECK_STR(rd_get("/rd-lookup/res?ep=a"), "<coap://[2001:db8::1]/awake>");
    rd_advance(601 * SECOND);
    CHECK_INT(k.sent, 4);
    CHECK(k.sent_etag_n == 2 && memcmp(k.sent_etag, "e4", 2) == 0);
    rd_reply(IS(203), LINTEL_FORMAT_NONE, 600, "e4", NULL);
    end();
    lintel_loop_free(k.loop);
    k.loop = NULL;
}

static void
not_kept(void)
{
    snprintf(path, sizeof path, "%s/c.db", kit_folder());
    begin();
    k.conf.keep = 0;
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=a", "</a>"), IS(201));
    CHECK_HAS(rd_get("/hub/status"), "\"kept\":false");
    end();
    begin();
    CHECK_STR(rd_get("/rd-lookup/ep"), "");
    CHECK_HAS(rd_get("/hub/status"), "\"kept\":true");
    end();
    lintel_loop_free(k.loop);
    k.loop = NULL;
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(survives), KIT(remembers_owners), KIT(fetches_again), KIT(not_kept), {0}};
    return kit_main("rd_keep", tests, argc, argv);
}
