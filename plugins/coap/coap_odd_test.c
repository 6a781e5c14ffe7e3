/* SPDX-License-Identifier: Apache-2.0
 * Datagrams that are kept from libcoap: which, and what is said to them. */
#include "plugins/coap/coap_odd.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;
static int requests;

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    (void)x;
    requests++;
    testhost_text(t, ticket, LINTEL_CODE(2, 5), 0, "served");
}

static void
odd_ones(void)
{
    static const struct {
        uint8_t head[4];
        size_t n;
        bool odd;
    } all[] = {
        {{0x40, 0x01, 0, 1}, 4, false},  /* CON GET */
        {{0x40, 0x07, 0, 1}, 4, false},  /* CON iPATCH */
        {{0x40, 0x08, 0, 1}, 4, true},   /* CON 0.08 */
        {{0x50, 0x1f, 0, 1}, 4, true},   /* NON 0.31 */
        {{0x40, 0x20, 0, 1}, 4, false},  /* CON 1.00: libcoap's */
        {{0x40, 0x45, 0, 1}, 4, false},  /* CON 2.05 */
        {{0x60, 0x00, 0, 1}, 4, false},  /* ACK */
        {{0x60, 0x45, 0, 1}, 4, false},  /* ACK 2.05 */
        {{0x60, 0x02, 0, 1}, 4, true},   /* ACK POST */
        {{0x70, 0x00, 0, 1}, 4, false},  /* RST */
        {{0x70, 0x02, 0, 1}, 4, true},   /* RST POST */
        {{0x00, 0x01, 0, 1}, 4, true},   /* version 0 */
        {{0xc0, 0x00, 0, 1}, 400, true}, /* version 3 */
        {{0xc0, 0x00, 0, 1}, 3, false},  /* no header */
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        CHECK_INT(lcoap_is_odd(all[i].head, all[i].n), all[i].odd);
}

static void
answers(void)
{
    static const uint8_t con[] = {0x42, 0x09, 0x12, 0x34, 0xaa, 0xbb, 0xb4, 't', 'e', 's', 't'},
                         non[] = {0x58, 0x1f, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8},
                         cut[] = {0x48, 0x1f, 0x12, 0x34, 1, 2}, nine[] = {0x49, 0x1f, 0, 1},
                         ack[] = {0x60, 0x02, 0, 1}, version[] = {0xc0, 0x01, 0, 1};
    uint8_t got[LCOAP_ODD_ROOM];
    size_t n = lcoap_odd_answer(con, sizeof con, got);
    CHECK(n == 6 && memcmp(got, "\x62\x85\x12\x34\xaa\xbb", 6) == 0);
    n = lcoap_odd_answer(non, sizeof non, got);
    CHECK(n == 12 && memcmp(got, "\x58\x85\x12\x34\1\2\3\4\5\6\7\x08", 12) == 0);
    CHECK_INT(lcoap_odd_answer(cut, sizeof cut, got), 0);
    CHECK_INT(lcoap_odd_answer(nine, sizeof nine, got), 0);
    CHECK_INT(lcoap_odd_answer(ack, sizeof ack, got), 0);
    CHECK_INT(lcoap_odd_answer(version, sizeof version, got), 0);
    CHECK_INT(lcoap_odd_answer(version, 3, got), 0);
}

/* All wait at once: what is odd is taken out, the rest is served in its order. */
static void
among_others(void)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    static const struct {
        int type, code, wanted; /* 0: nothing comes */
    } all[] = {{CON, CODE(0, 9), CODE(4, 5)},  {CON, CODE(0, 1), CODE(2, 5)},
               {ACK, CODE(0, 2), 0},           {RST, CODE(0, 3), 0},
               {NON, CODE(0, 1), CODE(2, 5)},  {CON, CODE(0, 31), CODE(4, 5)},
               {NON, CODE(0, 12), CODE(4, 5)}, {CON, CODE(0, 2), CODE(2, 5)}};
    struct testhost_settings s = {.listen = listen};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    REQUIRE(t != NULL);
    CHECK_INT(testhost_start(t), LINTEL_OK);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w;
    requests = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        wire_begin(&w, all[i].type, all[i].code, 100 + (int)i, 0x20 + (int)i);
        wire_path(&w, "lamp");
        CHECK(wire_send(fd, &w));
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].wanted == 0)
            continue;
        REQUIRE(wire_receive(t, fd, &w));
        CHECK_INT(w.token[0], 0x20 + i);
        CHECK_INT(w.code, all[i].wanted);
        CHECK_INT(w.type, all[i].type == CON ? ACK : NON);
        if (all[i].type == CON)
            CHECK_INT(w.mid, 100 + i);
    }
    CHECK_INT(requests, 3);
    CHECK(wire_quiet(t, fd, 200));
    close(fd);
    testhost_free(t);
}

/* A response that nobody asked for. */
static void
strange_responses(void)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings s = {.listen = listen};
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    REQUIRE(t != NULL);
    CHECK_INT(testhost_start(t), LINTEL_OK);
    int fd = wire_open(t, 0, AF_INET6);
    struct wire w;
    wire_begin(&w, CON, CODE(2, 5), 9, 0x33);
    CHECK(wire_send(fd, &w));
    REQUIRE(wire_receive(t, fd, &w));
    CHECK_INT(w.type, RST);
    CHECK_INT(w.mid, 9);
    CHECK_INT(w.n, 4);
    close(fd);
    testhost_free(t);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(odd_ones), KIT(answers), KIT(among_others), KIT(strange_responses), {0}};
    return kit_main("odd", tests, argc, argv);
}
