/* SPDX-License-Identifier: Apache-2.0
 * The tree on the real engine: what a client sees of a bus whose plugin is the test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine_kit.h"
#include "core/serve/tree.h"

#define IS(dotted) ((unsigned)(dotted) / 100 * 32 + (unsigned)(dotted) % 100)

static const struct kit_point points[] = {
    {.name = "power", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 6, .flags = LINTEL_P_READ},
    {.name = "limit",
     .data = LINTEL_DATA_INTEGER,
     .poll = 60,
     .stale = 180,
     .writable = 1,
     .max = 100,
     .flags = LINTEL_P_READ | LINTEL_P_WRITE},
    {.name = "counter", .data = LINTEL_DATA_INTEGER, .flags = LINTEL_P_READ},
    {.name = "pressed",
     .kind = LINTEL_K_EVENT,
     .data = LINTEL_DATA_INTEGER,
     .flags = LINTEL_P_NOTIFY},
};
enum { POWER, LIMIT, COUNTER, PRESSED, NPOINTS };

struct client { /* one exchange of a client, with what came last */
    int answers;
    uint32_t code, flags;
    char text[512];
    lintel_ticket ticket;
};
static struct kit_house house;
static struct lintel_tree *tree;
static char senml[NPOINTS][32];

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    struct client *c = cookie;
    CHECK(ctx == NULL);
    c->answers++;
    c->code = a->code;
    c->flags = a->flags;
    snprintf(c->text, sizeof c->text, "%.*s", (int)a->payload.n,
             a->payload.n == 0 ? "" : a->payload.p);
}

static struct client
ask(struct client *c, uint32_t method, const char *name, uint32_t flags, int32_t accept,
    const char *text)
{
    lintel_span path[] = {{"d", 1}, {"t0", 2}, {"Kit", 3}, {"p", 1}, {name, strlen(name)}};
    lintel_span query = {text, text == NULL ? 0 : strlen(text)};
    int is_query = text != NULL && strncmp(text, "c.", 2) == 0;
    if (strcmp(name, "pressed") == 0)
        path[3].p = "e";
    lintel_exchange x = {.size = sizeof x,
                         .method = method,
                         .flags = flags | LINTEL_X_LOOPBACK,
                         .format = LINTEL_FORMAT_NONE,
                         .path = path,
                         .npath = 5,
                         .accept = &accept,
                         .naccept = 1,
                         .query = &query,
                         .nquery = (uint32_t)is_query,
                         .identity = "uid 7",
                         .peer = "",
                         .base = "",
                         .cookie = c};
    if (!is_query && text != NULL)
        x.payload = query;
    *c = (struct client){0};
    c->ticket = lintel_tree_submit(tree, &x, on_answer, NULL);
    return *c;
}

static void
get(struct client *c, const char *name)
{
    ask(c, LINTEL_GET, name, 0, 50, NULL);
}

static void
begin(void)
{
    CHECK_INT(kit_house_new(&house, points, NPOINTS, 1, 0), 0);
    struct lintel_profile *profile = kit_profile(house.kind);
    for (uint32_t i = 0; i < NPOINTS; i++) {
        const struct lintel_affordance *a = profile->bound[i].affordance;
        snprintf(senml[i], sizeof senml[i], "Kit/%s", a->name);
        ((struct lintel_affordance *)(uintptr_t)a)->senml = senml[i];
        CHECK_INT(lintel_map_put(&profile->by_path, a->path, strlen(a->path), &profile->bound[i]),
                  0);
    }
    tree = lintel_tree_new(&(struct lintel_tree_source){
        .engine = house.engine, .loop = house.loop, .hub_name = "hub"});
    CHECK(tree != NULL);
}

static void
end(void)
{
    CHECK_INT(lintel_tree_open(tree), 0);
    CHECK_INT(lintel_subscriptions(house.engine), 0);
    lintel_tree_free(tree);
    lintel_map_fini(&kit_profile(house.kind)->by_path);
    kit_house_free(&house);
}

/* Whatever is asked is answered, and subscriptions are judged, which is at the turn's end. */
static void
answer_all(int64_t base)
{
    kit_answer_all(&house.bus, base);
    kit_advance(&house, 0);
}

static void
ready(void)
{
    lintel_engine_bus_ready(house.engine, house.bus.bus);
    answer_all(20); /* power 20, limit 21, counter 22 .. */
}

static void
reads(void)
{
    struct client a, b;
    begin();
    get(&a, "power");
    CHECK_INT(a.code, IS(503));
    CHECK_HAS(a.text, "the bus line does not run");
    ready();
    get(&a, "power");
    CHECK_INT(a.code, IS(205));
    CHECK_STR(a.text, "20");
    get(&a, "counter"); /* two ask, the device is asked once */
    get(&b, "counter");
    CHECK(a.ticket != 0 && b.ticket != 0);
    CHECK_INT(house.bus.nopen, 1);
    kit_answer(&house.bus, 0, LINTEL_OK, 5);
    CHECK_STR(a.text, "7");
    CHECK_STR(b.text, "7");
    get(&a, "counter");
    kit_answer(&house.bus, 0, LINTEL_E_DEVICE, 0);
    CHECK_INT(a.code, IS(502));
    get(&a, "counter");
    lintel_tree_abandon(tree, a.ticket);
    kit_answer_all(&house.bus, 5);
    CHECK_INT(a.answers, 0);
    end();
}

static void
writes(void)
{
    struct client c;
    begin();
    ready();
    uint32_t before = house.bus.submitted;
    ask(&c, LINTEL_PUT, "limit", 0, 50, "101");
    CHECK_INT(c.code, IS(422));
    CHECK_HAS(c.text, "100");
    ask(&c, LINTEL_PUT, "limit", 0, 50, "1.5");
    CHECK_INT(c.code, IS(400));
    ask(&c, LINTEL_PUT, "power", 0, 50, "1");
    CHECK_INT(c.code, IS(405));
    CHECK_INT(house.bus.submitted, before); /* the bus saw nothing of it */
    ask(&c, LINTEL_PUT, "limit", 0, 50, "50");
    REQUIRE(house.bus.nopen == 1);
    CHECK_INT(house.bus.open[0]->kind, LINTEL_OP_WRITE);
    CHECK_INT(house.bus.open[0]->values[0].as.i, 50);
    CHECK_INT(c.answers, 0);
    answer_all(49);
    CHECK_INT(c.answers, 1);
    CHECK_INT(c.code, IS(204));
    ask(&c, LINTEL_PUT, "limit", 0, 50, "60");
    kit_answer(&house.bus, 0, LINTEL_E_TIMEOUT, 0);
    kit_answer_all(&house.bus, 0);
    CHECK_INT(c.code, IS(504));
    end();
}

static void
observed(void)
{
    struct client bare, pack, c;
    begin();
    ready();
    ask(&bare, LINTEL_GET, "power", LINTEL_X_OBSERVE, 50, "c.st=10");
    ask(&pack, LINTEL_GET, "power", LINTEL_X_OBSERVE, 110, NULL);
    CHECK_STR(bare.text, "20");
    CHECK_HAS(pack.text, "\"bn\":\"hub:t0/\",\"n\":\"Kit/power\",\"v\":20,");
    CHECK_INT(bare.flags & pack.flags, LINTEL_ANSWER_MORE);
    kit_advance(&house, 2.5);
    answer_all(25); /* not enough for c.st */
    CHECK_INT(bare.answers, 1);
    CHECK_INT(pack.answers, 2);
    kit_advance(&house, 2.5);
    answer_all(31);
    CHECK_INT(bare.answers, 2);
    CHECK_STR(bare.text, "31");
    int told = pack.answers;
    for (int i = 0; i < 10; i++) { /* the device falls silent */
        kit_advance(&house, 1);
        while (house.bus.nopen > 0)
            kit_answer(&house.bus, 0, LINTEL_E_TIMEOUT, 0);
    }
    CHECK_INT(bare.answers, 2); /* no error: the observation survives */
    CHECK_INT(pack.answers, told + 1);
    CHECK_HAS(pack.text, "\"quality\":\"stale\"");
    get(&c, "power");
    CHECK_INT(c.code, IS(504));
    CHECK_HAS(c.text, "stale for ");
    CHECK_HAS(c.text, ", last 31: ");
    for (int i = 0; i < 120; i++) {
        kit_advance(&house, 1);
        answer_all(90);
    }
    CHECK_STR(bare.text, "90");
    CHECK(strstr(pack.text, "quality") == NULL);
    ask(&c, LINTEL_GET, "power", LINTEL_X_OBSERVE, 50, "c.pmax=1");
    lintel_tree_abandon(tree, c.ticket);
    ask(&c, LINTEL_GET, "power", LINTEL_X_OBSERVE, 50, "c.pmxa=1");
    CHECK_INT(c.code, IS(400));
    CHECK_HAS(c.text, "did you mean c.pmax?");
    lintel_tree_abandon(tree, bare.ticket);
    lintel_tree_abandon(tree, pack.ticket);
    end();
}

static void
removed(void)
{
    struct client watch, wait, write, event;
    begin();
    ready();
    ask(&watch, LINTEL_GET, "power", LINTEL_X_OBSERVE, 50, NULL);
    ask(&event, LINTEL_GET, "pressed", LINTEL_X_OBSERVE, 50, NULL);
    CHECK_STR(event.text, "null");
    get(&wait, "counter");
    ask(&write, LINTEL_PUT, "limit", 0, 50, "5");
    CHECK_INT(lintel_tree_open(tree), 4);
    lintel_engine_remove_thing(house.engine, house.things[0]);
    CHECK_INT(watch.code, IS(404));
    CHECK_INT(watch.flags, 0);
    CHECK_INT(event.code, IS(404));
    CHECK_INT(wait.code, IS(503));
    CHECK_INT(write.code, IS(503));
    get(&wait, "power");
    CHECK_INT(wait.code, IS(404));
    end();
}

/* A thing in the place of another one: who observes goes on, and hears of no error. */
static void
replaced(void)
{
    struct client watch, pack, event, read, write, other;
    begin();
    ready();
    ask(&watch, LINTEL_GET, "power", LINTEL_X_OBSERVE, 50, "c.st=5");
    ask(&pack, LINTEL_GET, "power", LINTEL_X_OBSERVE, 110, NULL);
    ask(&event, LINTEL_GET, "pressed", LINTEL_X_OBSERVE, 50, NULL);
    get(&read, "counter");
    ask(&write, LINTEL_PUT, "limit", 0, 50, "5");
    CHECK_INT(lintel_tree_open(tree), 5);
    int events = event.answers;
    struct lintel_thing conf = house.confs[0];
    struct lintel_live_thing *now =
        lintel_engine_replace_thing(house.engine, house.things[0], NULL, &conf);
    REQUIRE(now != NULL);
    CHECK_INT(read.code, IS(503));
    CHECK_INT(write.code, IS(503));
    CHECK_INT(event.answers, events); /* nothing was pressed */
    CHECK_INT(lintel_tree_open(tree), 3);
    CHECK_INT(lintel_subscriptions(house.engine), 3);
    get(&other, "power"); /* with the value of before */
    CHECK_INT(other.code, IS(205));
    CHECK_STR(other.text, "20");
    kit_answer_all(&house.bus,
                   0); /* what the old one has under way ends, and the new one is asked */
    answer_all(0);
    kit_advance(&house, 3);
    answer_all(70);
    const int64_t power = lintel_live_thing_point(now, POWER);
    CHECK_INT(watch.code, IS(205));
    CHECK_INT(watch.flags, LINTEL_ANSWER_MORE);
    CHECK_INT(strtol(watch.text, NULL, 10), 70 + power);
    CHECK_INT(pack.code, IS(205));
    CHECK_HAS(pack.text, "\"n\":\"Kit/power\"");
    const lintel_sample press =
        kit_sample((uint32_t)power + PRESSED, kit_int(1)); /* slots and points are alike here */
    lintel_engine_publish(house.engine, house.bus.bus, &press, 1);
    kit_advance(&house, 0);
    CHECK_INT(event.code, IS(205));
    CHECK_STR(event.text, "1");
    lintel_tree_abandon(tree, watch.ticket);
    lintel_tree_abandon(tree, pack.ticket);
    lintel_tree_abandon(tree, event.ticket);
    house.things[0] = now;
    end();
}

/* What the new one does not have ends as if the thing had gone. */
static void
replaced_by_less(void)
{
    static const struct kit_point less[] = {
        {.name = "power", .data = LINTEL_DATA_STRING, .poll = 2, .flags = LINTEL_P_READ}};
    struct client watch, judged, event;
    begin();
    ready();
    ask(&watch, LINTEL_GET, "limit", LINTEL_X_OBSERVE, 50, NULL);
    ask(&judged, LINTEL_GET, "power", LINTEL_X_OBSERVE, 50, "c.gt=5");
    ask(&event, LINTEL_GET, "pressed", LINTEL_X_OBSERVE, 50, NULL);
    struct kit_kind *kind = kit_kind_new(less, 1, 0);
    struct lintel_profile *profile = kit_profile(kind);
    const struct lintel_affordance *a = profile->bound[0].affordance;
    ((struct lintel_affordance *)(uintptr_t)a)->senml = senml[0];
    CHECK_INT(lintel_map_put(&profile->by_path, a->path, strlen(a->path), &profile->bound[0]), 0);
    struct lintel_thing conf = {.id = "t0", .bus = "line", .zone = "", .profile = profile};
    house.things[0] = lintel_engine_replace_thing(house.engine, house.things[0], NULL, &conf);
    CHECK_INT(watch.code, IS(404));
    CHECK_INT(watch.flags, 0);
    CHECK_INT(judged.code, IS(404)); /* a text is not greater than 5 */
    CHECK_INT(event.code, IS(404));
    kit_answer_all(&house.bus, 0);
    lintel_engine_remove_thing(house.engine, house.things[0]);
    kit_advance(&house, 0);
    lintel_map_fini(&profile->by_path);
    kit_kind_free(kind);
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads),   KIT(writes),   KIT(observed),
                                            KIT(removed), KIT(replaced), KIT(replaced_by_less),
                                            {0}};
    lintel_log_level(0);
    return kit_main("live", tests, argc, argv);
}
