/* SPDX-License-Identifier: Apache-2.0
 * Resources that plugins add to the tree: the plugin's side, and the client's, are the test. */
#include "core/serve/mount.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/serve/codes.h"
#include "core/serve/fake_engine.h"
#include "core/serve/tree.h"
#include "tests/kit/kit.h"

static struct {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_tree *tree;
    /* the plugin */
    int requests, abandoned;
    lintel_ticket ticket;
    char path[64];
    int at_once, late_word; /* answers inside of request(); answers while it is told of the end */
    /* the client */
    int answers;
    lintel_answer got;
    char text[2048];
    size_t n;
} h;

static void
say(uint32_t code, uint32_t flags, const char *text)
{
    const lintel_answer a = {.size = sizeof a,
                             .code = code,
                             .flags = flags,
                             .format = 0,
                             .payload = {text, strlen(text)}};
    lintel_tree_mounted_answer(h.tree, &h, h.ticket, &a);
}

static void
on_request(void *ctx, lintel_ticket ticket, const lintel_exchange *x)
{
    CHECK(ctx == &h);
    h.requests++;
    h.ticket = ticket;
    h.path[0] = '\0';
    for (uint32_t i = 0; i < x->npath; i++) {
        strncat(h.path, "/", 2);
        strncat(h.path, x->path[i].p, x->path[i].n);
    }
    if (h.at_once)
        say(LINTEL_CONTENT, 0, "at once");
}

static void
on_abandoned(void *ctx, lintel_ticket ticket)
{
    CHECK(ctx == &h && ticket == h.ticket);
    h.abandoned++;
    if (h.late_word)
        say(LINTEL_CONTENT, 0, "too late");
}

static const struct lintel_mount_ops ops = {on_request, on_abandoned};

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    CHECK(ctx == &h && cookie == h.text);
    h.answers++;
    h.got = *a;
    h.n = a->payload.n < sizeof h.text ? a->payload.n : sizeof h.text - 1;
    if (h.n != 0)
        memcpy(h.text, a->payload.p, h.n);
    h.text[h.n] = '\0';
}

static lintel_ticket
ask(uint32_t method, const char *first, const char *second, uint32_t flags, int32_t accept)
{
    const lintel_span path[] = {{first, strlen(first)},
                                {second, second == NULL ? 0 : strlen(second)}};
    const lintel_exchange x = {.size = sizeof x,
                               .method = method,
                               .flags = flags,
                               .format = LINTEL_FORMAT_NONE,
                               .path = path,
                               .npath = second != NULL ? 2 : 1,
                               .accept = &accept,
                               .naccept = accept != LINTEL_FORMAT_NONE,
                               .identity = "",
                               .peer = "test",
                               .base = "coap://[::1]",
                               .cookie = h.text};
    return lintel_tree_submit(h.tree, &x, on_answer, &h);
}

static lintel_ticket
get(const char *first, const char *second, uint32_t flags)
{
    return ask(LINTEL_GET, first, second, LINTEL_X_LOOPBACK | flags, LINTEL_FORMAT_NONE);
}

static void
begin(void)
{
    memset(&h, 0, sizeof h);
    h.loop = lintel_loop_new_fake();
    h.engine = fake_engine_new(h.loop);
    h.tree = lintel_tree_new(
        &(struct lintel_tree_source){.engine = h.engine, .loop = h.loop, .hub_name = "plant-7"});
    CHECK(h.tree != NULL);
    CHECK_INT(lintel_tree_mount(h.tree, "lamp", "</lamp>;rt=light;title=\"a lamp\"", &ops, &h),
              LINTEL_OK);
}

static void
end(void)
{
    CHECK_INT(lintel_tree_open(h.tree), 0);
    lintel_tree_free(h.tree);
    fake_engine_free(h.engine);
    lintel_loop_free(h.loop);
}

static void
requests_reach_who_has_mounted(void)
{
    begin();
    h.at_once = 1;
    CHECK_INT(get("lamp", "on", 0), 0);
    CHECK_STR(h.path, "/lamp/on");
    CHECK_INT(h.got.code, LINTEL_CONTENT);
    CHECK_STR(h.text, "at once");
    get("lam", NULL, 0);
    CHECK_INT(h.got.code, LINTEL_NOT_FOUND);
    get("lamps", NULL, 0);
    CHECK_INT(h.got.code, LINTEL_NOT_FOUND);
    get("d", "lamp", 0);
    CHECK_INT(h.got.code, LINTEL_NOT_FOUND);
    CHECK_INT(h.requests, 1);
    h.at_once = 0;
    CHECK(get("lamp", NULL, 0) != 0);
    CHECK_INT(h.answers, 4);
    say(LINTEL_NOT_FOUND, 0, "later");
    CHECK_INT(h.answers, 5);
    CHECK_STR(h.text, "later");
    say(LINTEL_CONTENT, 0, "twice"); /* the exchange has ended */
    CHECK_INT(h.answers, 5);
    end();
}

static void
names_and_links_are_judged(void)
{
    static const char *const own[] = {"d", "models", ".well-known", "hub", "rd", "lamp"};
    begin();
    for (size_t i = 0; i < LINTEL_COUNT(own); i++)
        CHECK_INT(lintel_tree_mount(h.tree, own[i], "", &ops, &h), LINTEL_E_BUSY);
    CHECK_INT(lintel_tree_mount(h.tree, "", "", &ops, &h), LINTEL_E_RANGE);
    CHECK_INT(lintel_tree_mount(h.tree, "a/b", "", &ops, &h), LINTEL_E_RANGE);
    CHECK_INT(lintel_tree_mount(h.tree, "x", "</x", &ops, &h), LINTEL_E_RANGE);
    CHECK_INT(lintel_tree_mount(h.tree, "x", "nonsense", &ops, &h), LINTEL_E_RANGE);
    CHECK_INT(lintel_tree_mount(h.tree, "x", "", &ops, &h), LINTEL_OK);
    get(".well-known", "core", 0);
    CHECK_HAS(h.text, "</lamp>;rt=\"light\";title=\"a lamp\"");
    CHECK(strstr(h.text, "</x>") == NULL);
    end();
}

static void
rights_count_for_it_too(void)
{
    begin();
    ask(LINTEL_GET, "lamp", NULL, 0, LINTEL_FORMAT_NONE); /* who is that? */
    CHECK_INT(h.got.code, LINTEL_UNAUTHORIZED);
    ask(LINTEL_PUT, "lamp", NULL, LINTEL_X_LOOPBACK | LINTEL_X_MULTICAST, LINTEL_FORMAT_NONE);
    CHECK_INT(h.got.code, LINTEL_NOT_ALLOWED);
    CHECK_INT(h.requests, 0);
    end();
}

static void
observers_get_more_and_others_do_not(void)
{
    begin();
    lintel_ticket t = get("lamp", NULL, LINTEL_X_OBSERVE);
    CHECK(t != 0);
    for (int i = 0; i < 3; i++) {
        say(LINTEL_CONTENT, LINTEL_ANSWER_MORE, "on");
        CHECK(h.got.flags & LINTEL_ANSWER_MORE);
    }
    CHECK_INT(lintel_tree_open(h.tree), 1);
    say(LINTEL_NOT_FOUND, LINTEL_ANSWER_MORE, "an error ends it, whatever the plugin says");
    CHECK_INT(h.got.flags, 0);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    CHECK(get("lamp", NULL, 0) != 0);
    say(LINTEL_CONTENT, LINTEL_ANSWER_MORE, "nobody asked for more");
    CHECK_INT(h.got.flags, 0);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    end();
}

static void
answers_are_made_sound(void)
{
    begin();
    CHECK(get("lamp", NULL, 0) != 0);
    lintel_answer a = {.size = offsetof(lintel_answer, location), /* of an older ABI */
                       .code = LINTEL_CONTENT,
                       .format = 50,
                       .netag = 9,
                       .nlocation = 3,
                       .nlocation_query = 4,
                       .payload = {"x", 1}};
    lintel_tree_mounted_answer(h.tree, &h, h.ticket, &a);
    CHECK_INT(h.answers, 1);
    CHECK_INT(h.got.size, sizeof h.got);
    CHECK_INT(h.got.format, 50);
    CHECK_INT(h.got.netag, 0);
    CHECK_INT(h.got.nlocation, 0);
    CHECK_INT(h.got.nlocation_query, 0);
    CHECK_INT(h.got.payload.n, 0);
    /* A request, nothing, a class that no answer has, and a good one behind eight bits. */
    static const uint32_t codes[] = {LINTEL_GET, 0, LINTEL_CODE(3, 0), 256 + LINTEL_CONTENT};
    a.flags = LINTEL_ANSWER_MORE;
    a.format = 65536; /* nor is that a Content-Format */
    for (size_t i = 0; i < LINTEL_COUNT(codes); i++) {
        CHECK(get("lamp", NULL, LINTEL_X_OBSERVE) != 0);
        a.code = codes[i];
        lintel_tree_mounted_answer(h.tree, &h, h.ticket, &a);
        CHECK_INT(h.got.code, LINTEL_INTERNAL);
        CHECK_INT(h.got.format, LINTEL_FORMAT_NONE);
        CHECK_INT(lintel_tree_open(h.tree), 0);
    }
    end();
}

static void
strangers_answer_nothing(void)
{
    int other = 0;
    const lintel_answer a = {.size = sizeof a, .code = LINTEL_CONTENT};
    begin();
    lintel_ticket t = get("lamp", NULL, 0);
    lintel_tree_mounted_answer(h.tree, &other, t, &a);
    lintel_tree_mounted_answer(h.tree, &h, t + 1, &a);
    CHECK_INT(h.answers, 0);
    say(LINTEL_CONTENT, 0, "mine");
    CHECK_INT(h.answers, 1);
    /* An observation of the tree's own is nobody's either. */
    t = get("d", "main-meter", 0);
    lintel_tree_mounted_answer(h.tree, &h, t, &a);
    end();
}

static void
abandoned_is_the_end(void)
{
    begin();
    h.late_word = 1;
    lintel_ticket t = get("lamp", NULL, LINTEL_X_OBSERVE);
    lintel_tree_abandon(h.tree, t);
    CHECK_INT(h.abandoned, 1);
    CHECK_INT(h.answers, 0);
    CHECK_INT(lintel_tree_open(h.tree), 0);
    lintel_tree_abandon(h.tree, t);
    CHECK_INT(h.abandoned, 1);
    end();
}

static void
who_stops_leaves_nothing_open(void)
{
    begin();
    CHECK(get("lamp", NULL, LINTEL_X_OBSERVE) != 0);
    lintel_tree_unmount(h.tree, &h);
    CHECK_INT(h.answers, 1);
    CHECK_INT(h.got.code, LINTEL_UNAVAILABLE);
    CHECK_INT(h.abandoned, 0);
    get("lamp", NULL, 0);
    CHECK_INT(h.got.code, LINTEL_NOT_FOUND);
    say(LINTEL_CONTENT, 0, "too late");
    CHECK_INT(h.answers, 2);
    CHECK_INT(lintel_tree_mount(h.tree, "lamp", "", &ops, &h), LINTEL_OK);
    CHECK(get("lamp", NULL, 0) != 0); /* and the end of the tree ends that */
    lintel_tree_free(h.tree);
    CHECK_INT(h.got.code, LINTEL_UNAVAILABLE);
    CHECK_INT(h.answers, 3);
    fake_engine_free(h.engine);
    lintel_loop_free(h.loop);
}

/* RFC 9290: {-1: title, -4: response code}. */
static void
check_problem(uint32_t code, const char *part)
{
    struct lintel_cbor c = {(const unsigned char *)h.text, h.n};
    struct lintel_str title;
    size_t pairs = 0;
    int64_t key = 0;
    uint64_t value = 0;
    char words[512] = "";
    CHECK_INT(h.got.code, code);
    CHECK_INT(h.got.format, 257);
    CHECK(lintel_cbor_read_map(&c, 2, &pairs) == 0 && pairs == 2);
    CHECK(lintel_cbor_read_int(&c, &key) == 0 && key == -1);
    REQUIRE(lintel_cbor_read_str(&c, &title) == 0 && title.n < sizeof words);
    memcpy(words, title.p, title.n);
    CHECK_HAS(words, part);
    CHECK(lintel_cbor_read_int(&c, &key) == 0 && key == -4);
    CHECK(lintel_cbor_read_uint(&c, 255, &value) == 0 && value == code);
    CHECK_INT(c.left, 0);
}

static void
errors_are_problem_details_for_who_wants_them(void)
{
    begin();
    ask(LINTEL_GET, "d", "nothing", LINTEL_X_LOOPBACK, 257);
    check_problem(LINTEL_NOT_FOUND, "no thing");
    ask(LINTEL_GET, "d", NULL, LINTEL_X_LOOPBACK, 257);
    check_problem(LINTEL_NOT_ACCEPTABLE, "40");
    ask(LINTEL_GET, "d", "nothing", LINTEL_X_LOOPBACK, 50);
    CHECK_INT(h.got.format, LINTEL_FORMAT_NONE);
    /* One that comes later, by the end of the tree. */
    CHECK(ask(LINTEL_GET, "lamp", NULL, LINTEL_X_LOOPBACK, 257) != 0);
    lintel_tree_unmount(h.tree, &h);
    check_problem(LINTEL_UNAVAILABLE, "stopped");
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(requests_reach_who_has_mounted),
                                            KIT(names_and_links_are_judged),
                                            KIT(rights_count_for_it_too),
                                            KIT(observers_get_more_and_others_do_not),
                                            KIT(answers_are_made_sound),
                                            KIT(strangers_answer_nothing),
                                            KIT(abandoned_is_the_end),
                                            KIT(who_stops_leaves_nothing_open),
                                            KIT(errors_are_problem_details_for_who_wants_them),
                                            {0}};
    return kit_main("mount", tests, argc, argv);
}
