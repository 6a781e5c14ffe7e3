/* SPDX-License-Identifier: Apache-2.0
 * Guests: they ask between the others, and leave no trace. */
#include "core/engine/guest.h"

#include "core/engine/engine_kit.h"

static const struct kit_point points[] = {
    {.name = "a", .data = LINTEL_DATA_ANY, .poll = 1, .flags = LINTEL_P_READ}};

struct visit {
    int done, gone;
    lintel_status status;
    int64_t value, took;
    char detail[100];
};

static void
on_done(void *ctx, const lintel_sample *s, lintel_status status, const char *detail, int64_t took)
{
    struct visit *v = ctx;
    v->done++;
    v->status = status;
    v->value = s != NULL ? s->value.as.i : -1;
    v->took = took;
    (void)lintel_copy(v->detail, sizeof v->detail, detail);
}

static void
on_gone(void *ctx)
{
    ((struct visit *)ctx)->gone++;
}

static const struct lintel_thing thing = {.id = "guest"};
static struct lintel_affordance affordance;
static struct lintel_bound bound = {.affordance = &affordance, .flags = LINTEL_P_READ};

static struct lintel_guest *
invite(struct kit_house *h, struct visit *v, char *reason)
{
    affordance.name = "x";
    *v = (struct visit){0};
    return lintel_engine_guest(h->engine, h->bus.bus,
                               &(struct lintel_guest_source){.thing = &thing,
                                                             .bound = &bound,
                                                             .within_ns = 5000000000,
                                                             .done = on_done,
                                                             .gone = on_gone,
                                                             .ctx = v},
                               reason, 100);
}

/* The place of the guest's request among the open ones of the test's bus. */
static uint32_t
place_of(const struct kit_house *h, const struct lintel_guest *g)
{
    for (uint32_t i = 0; i < h->bus.nopen; i++)
        if (h->bus.open[i] == lintel_guest_op(g))
            return i;
    return UINT32_MAX;
}

static void
one_asks_and_goes(void)
{
    struct kit_house h;
    struct visit v;
    struct lintel_bus_stats before, after;
    char reason[100];
    if (kit_house_new(&h, points, 1, 2, 0) != 0)
        return;
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    kit_advance(&h, 1.5);
    kit_answer_all(&h.bus, 10);
    lintel_engine_bus_stats(h.engine, h.bus.bus, &before);
    uint32_t attached = h.bus.attached, bound_before = h.bus.bound;
    struct lintel_guest *g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    CHECK_INT(h.bus.attached, attached + 1);
    CHECK_INT(h.bus.bound, bound_before + 1);
    CHECK_INT(v.done, 0);
    uint32_t i = place_of(&h, g);
    REQUIRE(i != UINT32_MAX);
    CHECK_INT(h.bus.open[i]->kind, LINTEL_OP_READ);
    CHECK_INT(h.bus.open[i]->n, 1);
    lintel_loop_advance(h.loop, 1000000);
    lintel_sample s = kit_sample(h.bus.open[place_of(&h, g)]->slots[0], kit_int(77));
    kit_answer_with(&h.bus, place_of(&h, g), &s, 1);
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    CHECK_INT(v.value, 77);
    CHECK_INT(v.took, 1000000);
    CHECK_INT(h.bus.attached, attached);
    CHECK_INT(h.bus.bound, bound_before);
    lintel_engine_bus_stats(h.engine, h.bus.bus, &after);
    CHECK_INT(after.things, before.things);
    CHECK_INT(after.points, before.points);
    CHECK_INT(after.requests, before.requests);
    CHECK_INT(after.dropped, before.dropped);
    CHECK_INT(lintel_engine_nthings(h.engine), 2);
    CHECK(lintel_engine_find_thing(h.engine, "guest", 5) == NULL);
    kit_house_free(&h);
}

static void
failures_are_told(void)
{
    struct kit_house h;
    struct visit v;
    char reason[100];
    if (kit_house_new(&h, points, 1, 1, 0) != 0)
        return;
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    struct lintel_guest *g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    kit_answer(&h.bus, place_of(&h, g), LINTEL_E_TIMEOUT, 0);
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    CHECK_INT(v.status, LINTEL_E_TIMEOUT);
    CHECK(v.detail[0] != '\0');
    /* The plugin refuses the point: the reason is its own. */
    g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    uint32_t slot = lintel_guest_op(g)->slots[0];
    lintel_engine_refused_point(h.engine, h.bus.bus, slot, LINTEL_E_CONFIG, "coil 9 is one bit");
    CHECK_INT(v.done, 1);
    CHECK_STR(v.detail, "coil 9 is one bit");
    CHECK_INT(v.gone, 0);
    kit_answer(&h.bus, place_of(&h, g), LINTEL_E_ADDRESS, 0);
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    /* The bus goes while it asks, and takes nobody while it is away. */
    g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    h.bus.nopen = 0;
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_FAIL, "it crashed");
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    CHECK_STR(v.detail, "it crashed");
    CHECK(invite(&h, &v, reason) == NULL);
    CHECK_HAS(reason, "does not run: it crashed");
    CHECK_INT(v.done + v.gone, 0);
    kit_house_free(&h);
}

static void
one_leaves_early(void)
{
    struct kit_house h;
    struct visit v;
    char reason[100];
    if (kit_house_new(&h, points, 1, 1, 0) != 0)
        return;
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    struct lintel_guest *g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    uint32_t i = place_of(&h, g);
    lintel_guest_leave(g);
    CHECK_INT(h.bus.cancelled, 1);
    CHECK_INT(v.gone, 0); /* the port still has the request */
    kit_answer(&h.bus, i, LINTEL_E_CANCELLED, 0);
    CHECK_INT(v.done, 0);
    CHECK_INT(v.gone, 1);
    /* No more at once than can be. */
    static struct visit many[40];
    uint32_t n = 0;
    while (n < 40 && invite(&h, &many[n], reason) != NULL)
        n++;
    CHECK(n > 1 && n < 40);
    CHECK_HAS(reason, "try again");
    while (h.bus.nopen > 0)
        kit_answer(&h.bus, h.bus.nopen - 1, LINTEL_E_CANCELLED, 0);
    kit_house_free(&h);
}

/* What comes by itself is waited for. */
static void
push_is_waited_for(void)
{
    struct kit_house h;
    struct visit v;
    char reason[100];
    if (kit_house_new(&h, points, 1, 1, LINTEL_PLUGIN_PUSH) != 0)
        return;
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    struct lintel_guest *g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    uint32_t i = place_of(&h, g);
    REQUIRE(i != UINT32_MAX);
    CHECK_INT(h.bus.open[i]->kind, LINTEL_OP_SUBSCRIBE);
    uint32_t slot = h.bus.open[i]->slots[0];
    kit_answer_with(&h.bus, i, NULL, 0);
    CHECK_INT(v.done + v.gone, 0);
    lintel_sample s = kit_sample(slot, kit_int(5));
    lintel_engine_publish(h.engine, h.bus.bus, &s, 1);
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    CHECK_INT(v.value, 5);
    /* And not for ever. */
    g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    kit_answer_with(&h.bus, place_of(&h, g), NULL, 0);
    kit_advance(&h, 5.5);
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    CHECK_INT(v.status, LINTEL_E_TIMEOUT);
    CHECK_STR(v.detail, "nothing came in time");
    kit_house_free(&h);
}

/* A guest that listens is nothing to the instance that follows. */
static void
one_that_listens_ends_with_its_plugin(void)
{
    struct kit_house h;
    struct visit v;
    char reason[100];
    if (kit_house_new(&h, points, 1, 1, LINTEL_PLUGIN_PUSH) != 0)
        return;
    lintel_engine_bus_ready(h.engine, h.bus.bus);
    struct lintel_guest *g = invite(&h, &v, reason);
    REQUIRE(g != NULL);
    kit_answer_with(&h.bus, place_of(&h, g), NULL, 0);
    uint32_t attached = h.bus.attached;
    lintel_engine_bus_hold(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 1);
    CHECK_INT(v.done, 0); /* until then it may still hear something */
    lintel_engine_bus_plugin(h.engine, h.bus.bus, kit_plugin(h.kind));
    CHECK_INT(v.done, 1);
    CHECK_INT(v.gone, 1);
    CHECK_INT(v.status, LINTEL_E_CANCELLED);
    CHECK_HAS(v.detail, "exchanged");
    CHECK_INT(h.bus.attached, attached); /* nobody is there to be told */
    lintel_engine_bus_renewed(h.engine, h.bus.bus);
    kit_answer_all(&h.bus, 1);
    kit_house_free(&h);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(one_asks_and_goes),
                                            KIT(failures_are_told),
                                            KIT(one_leaves_early),
                                            KIT(push_is_waited_for),
                                            KIT(one_that_listens_ends_with_its_plugin),
                                            {0}};
    return kit_main("guests", tests, argc, argv);
}
