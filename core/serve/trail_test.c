/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/trail.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/serve/fake_store.h"
#include "tests/kit/kit.h"

#define SECOND INT64_C(1000000000)
#define DAY (86400 * SECOND)

static struct {
    struct lintel_loop *loop;
    struct lintel_store *store;
    struct lintel_trail *trail;
    int answers, failed;
    char json[65536];
} h;

static void
take(struct lintel_store *store)
{
    char reason[200] = "";
    h.store = store;
    h.trail = lintel_trail_new(h.loop, store, reason, sizeof reason);
    CHECK_STR(reason, "");
    CHECK(h.trail != NULL);
}

static void
begin(void)
{
    memset(&h, 0, sizeof h);
    h.loop = lintel_loop_new_fake();
    take(fake_store_new());
    lintel_trail_keep(h.trail, 1000000, 0);
}

static void
end(void)
{
    lintel_trail_free(h.trail);
    lintel_loop_free(h.loop);
}

static void
restart(void)
{
    struct lintel_store *copy = fake_store_copy(h.store);
    lintel_trail_free(h.trail);
    take(copy);
}

static void
write_of(const char *who, const char *thing, const char *value)
{
    lintel_trail_command(h.trail, &(struct lintel_record){.who = who,
                                                          .thing = thing,
                                                          .path = "Lamp/p/on",
                                                          .before = "false",
                                                          .value = value,
                                                          .result = "ok",
                                                          .back = value});
}

static void
refusal_from(const char *peer)
{
    lintel_trail_add(h.trail, &(struct lintel_trail_entry){.what = LINTEL_TRAIL_WRITE,
                                                           .refused = 1,
                                                           .who = "",
                                                           .from = peer,
                                                           .result = "may not write"});
}

static void
on_json(void *ctx, struct lintel_buf *json)
{
    CHECK(ctx == &h);
    h.answers++;
    h.failed = json == NULL;
    (void)lintel_copy(h.json, sizeof h.json, json != NULL ? lintel_buf_str(json) : "");
}

static const char *
look(uint32_t count, uint64_t before, const char *thing, const char *who)
{
    struct lintel_trail_query q = {.count = count, .before = before};
    int already = h.answers;
    (void)lintel_copy(q.thing, sizeof q.thing, thing);
    (void)lintel_copy(q.who, sizeof q.who, who);
    CHECK_INT(lintel_trail_look(h.trail, &q, on_json, &h), 0);
    fake_store_settle(h.store); /* the sync; then the scan */
    fake_store_settle(h.store);
    CHECK_INT(h.answers, already + 1);
    return h.json;
}

static uint32_t
entries(const char *json)
{
    uint32_t n = 0;
    while ((json = strstr(json, "{\"number\":")) != NULL) {
        json++;
        n++;
    }
    return n;
}

static uint64_t
kept(void)
{
    struct lintel_trail_stats s;
    lintel_trail_stats(h.trail, &s);
    return s.newest != 0 ? s.newest - s.oldest + 1 : 0;
}

static void
records_who_what_and_how_it_ended(void)
{
    begin();
    write_of("alice from [fe80::1]:5683", "lamp-1", "true");
    lintel_trail_command(h.trail, &(struct lintel_record){.who = "uid 1000",
                                                          .thing = "lamp-1",
                                                          .path = "Lamp/a/blink",
                                                          .action = 1,
                                                          .before = "",
                                                          .value = "3",
                                                          .result = "no answer",
                                                          .back = ""});
    CHECK_STR(look(10, 0, "", ""),
              "[{\"number\":1,\"time\":1767225600.000,\"what\":\"write\",\"refused\":false,"
              "\"who\":\"alice\",\"from\":\"[fe80::1]:5683\",\"thing\":\"lamp-1\","
              "\"path\":\"Lamp/p/on\",\"old\":\"false\",\"new\":\"true\",\"result\":\"ok\","
              "\"read\":\"true\",\"leftOut\":0},"
              "{\"number\":2,\"time\":1767225600.000,\"what\":\"action\",\"refused\":false,"
              "\"who\":\"uid 1000\",\"from\":\"uid 1000\",\"thing\":\"lamp-1\","
              "\"path\":\"Lamp/a/blink\",\"old\":\"\",\"new\":\"3\",\"result\":\"no answer\","
              "\"read\":\"\",\"leftOut\":0}]");
    end();
}

static void
finds_by_thing_and_by_whom(void)
{
    begin();
    for (int i = 0; i < 30; i++) {
        lintel_loop_advance(h.loop, SECOND);
        write_of(i % 3 ? "alice from [::2]:1" : "uid 0", i % 2 ? "lamp-1" : "lamp-2", "true");
    }
    CHECK_INT(entries(look(100, 0, "", "")), 30);
    CHECK_INT(entries(look(100, 0, "lamp-1", "")), 15);
    CHECK_INT(entries(look(100, 0, "", "uid 0")), 10);
    CHECK_INT(entries(look(100, 0, "", "[::2]:1")), 20);
    CHECK_INT(entries(look(100, 0, "lamp-2", "alice")), 10);
    CHECK_INT(entries(look(100, 0, "lamp", "")), 0);
    CHECK_STR(h.json, "[]");
    look(3, 0, "", ""); /* the newest ones, in the order of time */
    CHECK_INT(entries(h.json), 3);
    CHECK_HAS(h.json, "[{\"number\":28,");
    CHECK_HAS(strstr(h.json, "\"number\":29,"), "\"number\":30,");
    look(2, 28, "", "");
    CHECK_HAS(h.json, "[{\"number\":26,");
    CHECK_INT(entries(h.json), 2);
    CHECK_INT(entries(look(100, 1, "", "")), 0);
    end();
}

static void
goes_on_after_a_restart(void)
{
    begin();
    for (int i = 0; i < 5; i++) {
        write_of("alice", "lamp-1", "true");
        lintel_loop_advance(h.loop, DAY);
    }
    restart();
    CHECK_INT(kept(), 5);
    write_of("alice", "lamp-1", "false");
    CHECK_INT(kept(), 6);
    CHECK_INT(entries(look(100, 0, "", "")), 6);
    CHECK_HAS(h.json, "{\"number\":6,");
    restart();
    CHECK_INT(kept(), 6);
    end();
}

static void
is_bounded_by_records(void)
{
    begin();
    lintel_trail_keep(h.trail, 100, 0);
    for (int i = 0; i < 3000; i++) {
        write_of("alice", "lamp-1", "true");
        if (i % 100 == 0)
            lintel_loop_advance(h.loop, DAY);
        CHECK(kept() <= 100);
    }
    CHECK_INT(kept(), 100);
    CHECK_INT(entries(look(10000, 0, "", "")), 100);
    CHECK(fake_store_n(h.store) <= 100 + 3); /* and the days that they are of */
    restart();
    lintel_trail_keep(h.trail, 100, 0);
    CHECK(kept() <= 200); /* what went is not counted in every single step */
    for (int i = 0; i < 20; i++)
        write_of("alice", "lamp-1", "true");
    CHECK_INT(kept(), 100);
    CHECK_INT(entries(look(10000, 0, "", "")), 100);
    lintel_trail_keep(h.trail, 10, 0); /* the site wants less */
    CHECK_INT(kept(), 10);
    CHECK_INT(entries(look(10000, 0, "", "")), 10);
    end();
}

static void
is_bounded_by_days(void)
{
    begin();
    lintel_trail_keep(h.trail, 1000000, 7);
    for (int day = 0; day < 30; day++) {
        for (int i = 0; i < 10; i++)
            write_of("alice", "lamp-1", "true");
        lintel_loop_advance(h.loop, DAY);
    }
    lintel_loop_advance(h.loop, 3600 * SECOND);
    CHECK_INT(kept(), 70); /* seven whole days; today has none yet */
    CHECK_INT(fake_store_n(h.store), 70 + 7);
    lintel_loop_advance(h.loop, 10 * DAY); /* nobody writes: the old ones go all the same */
    CHECK_INT(kept(), 1);
    restart();
    write_of("alice", "lamp-1", "true");
    look(10, 0, "", "");
    CHECK_HAS(h.json, "{\"number\":301,");
    end();
}

static void
refusals_do_not_wash_others_out(void)
{
    struct lintel_trail_stats s;
    char peer[64];
    begin();
    for (int i = 0; i < 1000; i++) { /* one address, many ports */
        snprintf(peer, sizeof peer, "[2001:db8::66]:%d", 1024 + i);
        refusal_from(peer);
    }
    CHECK_INT(kept(), 10);
    lintel_trail_stats(h.trail, &s);
    CHECK_INT(s.left_out, 990);
    refusal_from("[2001:db8::67]:5683"); /* another one still has a say */
    CHECK_INT(kept(), 11);
    lintel_loop_advance(h.loop, 10 * SECOND);
    refusal_from("[2001:db8::66]:1");
    refusal_from("[2001:db8::66]:1");
    CHECK_INT(kept(), 12);
    look(1, 0, "", "");
    CHECK_HAS(h.json, "\"leftOut\":990");
    for (int i = 0; i < 5000; i++) { /* many addresses */
        snprintf(peer, sizeof peer, "[2001:db8::%x]:5683", 0x1000 + i);
        refusal_from(peer);
    }
    CHECK(kept() <= 120);
    for (int i = 0; i < 500; i++) /* writes are always recorded */
        write_of("alice", "lamp-1", "true");
    CHECK(kept() >= 500);
    end();
}

static void
says_when_it_can_not_write(void)
{
    struct lintel_trail_stats s;
    begin();
    write_of("alice", "lamp-1", "true");
    fake_store_full(h.store, 1);
    write_of("alice", "lamp-1", "false");
    lintel_trail_stats(h.trail, &s);
    CHECK_INT(s.lost, 1);
    CHECK_STR(s.trouble, "no space left on device");
    fake_store_full(h.store, 0);
    write_of("alice", "lamp-1", "true");
    CHECK_INT(kept(), 2); /* no gap in the numbers */
    end();
}

static void
ends_what_is_open(void)
{
    struct lintel_trail_query q = {.count = 1};
    begin();
    for (int i = 0; i < 8; i++)
        CHECK_INT(lintel_trail_look(h.trail, &q, on_json, &h), 0);
    CHECK_INT(lintel_trail_look(h.trail, &q, on_json, &h), -1);
    end();
    CHECK_INT(h.answers, 8);
    CHECK_INT(h.failed, 1);
}

static void
cuts_long_texts(void)
{
    static char text[2000];
    memset(text, 'x', sizeof text - 1);
    begin();
    lintel_trail_command(h.trail, &(struct lintel_record){.who = text,
                                                          .thing = text,
                                                          .path = text,
                                                          .before = text,
                                                          .value = text,
                                                          .result = text,
                                                          .back = text});
    CHECK_INT(entries(look(10, 0, "", "")), 1);
    CHECK(strlen(h.json) < LINTEL_TRAIL_TEXTS + 300);
    end();
}

static void
without_a_store(void)
{
    char reason[100];
    struct lintel_trail_query q = {.count = 1};
    memset(&h, 0, sizeof h);
    h.loop = lintel_loop_new_fake();
    h.trail = lintel_trail_new(h.loop, NULL, reason, sizeof reason);
    lintel_trail_keep(h.trail, 10, 1);
    write_of("alice", "lamp-1", "true");
    CHECK_INT(lintel_trail_look(h.trail, &q, on_json, &h), -1);
    lintel_trail_add(NULL, &(struct lintel_trail_entry){.who = "a"});
    end();
}

static void
out_of_memory(void)
{
    begin();
    for (int i = 1; i < 12; i++) {
        lintel_mem_fail_at((uint64_t)i);
        write_of("alice", "lamp-1", "true");
        struct lintel_trail_query q = {.count = 100};
        int open = lintel_trail_look(h.trail, &q, on_json, &h) == 0;
        fake_store_settle(h.store);
        fake_store_settle(h.store);
        lintel_mem_fail_at(0);
        (void)open;
    }
    CHECK(entries(look(100, 0, "", "")) >= 1);
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(records_who_what_and_how_it_ended),
                                            KIT(finds_by_thing_and_by_whom),
                                            KIT(goes_on_after_a_restart),
                                            KIT(is_bounded_by_records),
                                            KIT(is_bounded_by_days),
                                            KIT(refusals_do_not_wash_others_out),
                                            KIT(says_when_it_can_not_write),
                                            KIT(ends_what_is_open),
                                            KIT(cuts_long_texts),
                                            KIT(without_a_store),
                                            KIT(out_of_memory),
                                            {0}};
    return kit_main("trail", tests, argc, argv);
}
