/* SPDX-License-Identifier: Apache-2.0
 * Writes, actions and reads on demand, from the call to its one outcome. */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine_kit.h"

enum { R = LINTEL_P_READ, W = LINTEL_P_WRITE };
static const struct kit_point pump[] = {
    {.name = "setpoint",
     .data = LINTEL_DATA_INTEGER,
     .poll = 2,
     .stale = 6,
     .flags = R | W,
     .writable = 1,
     .min = 5,
     .max = 30},
    {.name = "flow", .data = LINTEL_DATA_INTEGER, .poll = 2, .stale = 6, .flags = R},
    {.name = "hours", .data = LINTEL_DATA_INTEGER, .flags = R},
    {.name = "reset", .kind = LINTEL_K_ACTION, .data = LINTEL_DATA_INTEGER, .flags = W},
    {.name = "lamp", .data = LINTEL_DATA_INTEGER, .flags = W | LINTEL_P_NOTIFY, .writable = 1},
};
enum { SETPOINT, FLOW, HOURS, RESET, LAMP, NPOINTS };

struct seen { /* what a caller was told */
    int calls;
    lintel_status status;
    enum lintel_fit fit;
    char detail[200];
    lintel_value value;
};

static void
outcome(void *ctx, const struct lintel_outcome *o)
{
    struct seen *s = ctx;
    s->calls++;
    s->status = o->status;
    s->fit = o->fit;
    s->value = o->value;
    snprintf(s->detail, sizeof s->detail, "%s", o->detail);
}

static char log_text[4096];

static void
log_line(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)level;
    size_t n = strlen(log_text);
    snprintf(log_text + n, sizeof log_text - n, "%s: %s\n", topic, line);
}

static lintel_point_id
point(struct kit_house *h, uint32_t thing, uint32_t i)
{
    return lintel_live_thing_point(h->things[thing], i);
}

static lintel_command
write_int(struct kit_house *h, uint32_t thing, uint32_t i, int64_t v, struct seen *s)
{
    lintel_value value = kit_int(v);
    return lintel_engine_write(h->engine, point(h, thing, i), &value, "uid 1000", outcome, s);
}

static int
start(struct kit_house *h, uint32_t n, uint32_t flags)
{
    log_text[0] = '\0';
    lintel_log_sink(log_line, NULL);
    if (kit_house_new(h, pump, NPOINTS, n, flags) != 0)
        return -1;
    lintel_engine_bus_ready(h->engine, h->bus.bus);
    kit_answer_all(&h->bus, 10);
    return 0;
}

static void
end(struct kit_house *h)
{
    kit_house_free(h);
    lintel_log_sink(NULL, NULL);
}

static void
a_write_is_read_back_and_recorded(void)
{
    struct kit_house h;
    struct seen s = {0};
    REQUIRE(start(&h, 1, 0) == 0);
    CHECK(write_int(&h, 0, SETPOINT, 22, &s) != 0);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_WRITE);
    CHECK_INT(h.bus.open[0]->values[0].as.i, 22);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    CHECK_INT(s.calls, 0);
    REQUIRE(h.bus.nopen == 1); /* the plugin brought no value back */
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_READ);
    CHECK_INT(h.bus.open[0]->n, 1);
    kit_answer(&h.bus, 0, LINTEL_OK, 22);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.status, LINTEL_OK);
    CHECK_INT(s.value.as.i, 22);
    CHECK_INT(kit_reading(&h, 0, SETPOINT).value.as.i, 22);
    CHECK_HAS(log_text, "command: uid 1000 wrote t0/Kit/p/setpoint: 10 -> 22: ok, reads 22\n");
    struct lintel_bus_stats stats;
    lintel_engine_bus_stats(h.engine, h.bus.bus, &stats);
    CHECK_INT(stats.writes, 1);
    end(&h);
}

static void
a_plugins_own_read_back_is_taken(void)
{
    struct kit_house h;
    struct seen s = {0};
    REQUIRE(start(&h, 1, 0) == 0);
    write_int(&h, 0, SETPOINT, 22, &s);
    lintel_sample back = kit_sample(SETPOINT, kit_int(21));
    kit_answer_with(&h.bus, 0, &back, 1);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.value.as.i, 21); /* the truth, not the wish */
    CHECK_INT(kit_reading(&h, 0, SETPOINT).value.as.i, 21);
    CHECK_INT(h.bus.nopen, 0);
    end(&h);
}

static void
the_model_refuses_before_the_bus_sees_it(void)
{
    struct kit_house h;
    struct seen s = {0};
    lintel_value text = kit_str("warm");
    REQUIRE(start(&h, 1, 0) == 0);
    uint32_t before = h.bus.submitted;
    CHECK(write_int(&h, 0, SETPOINT, 31, &s) == 0);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.fit, LINTEL_FIT_RANGE);
    CHECK_INT(s.status, LINTEL_E_RANGE);
    CHECK(s.detail[0] != '\0');
    lintel_engine_write(h.engine, point(&h, 0, SETPOINT), &text, "x", outcome, &s);
    CHECK_INT(s.calls, 2);
    CHECK_INT(s.fit, LINTEL_FIT_TYPE);
    write_int(&h, 0, FLOW, 7, &s);
    CHECK_INT(s.calls, 3);
    CHECK_INT(s.status, LINTEL_E_DENIED);
    CHECK_INT(s.fit, LINTEL_FIT_OK);
    CHECK_STR(s.detail, "read-only");
    lintel_engine_write(h.engine, LINTEL_NO_POINT, &text, "x", outcome, &s);
    CHECK_INT(s.calls, 4);
    CHECK_INT(s.status, LINTEL_E_ADDRESS);
    CHECK_INT(h.bus.submitted, before);
    CHECK_HAS(log_text, "wrote t0/Kit/p/flow: 11 -> 7: read-only");
    end(&h);
}

static void
keep_record(void *ctx, const struct lintel_record *r)
{
    struct lintel_buf *out = ctx;
    lintel_buf_addf(out, "%s %s %s/%s%s: %s -> %s: %s (%s)\n", r->who,
                    r->action ? "invoked" : "wrote", r->thing, r->path,
                    r->refused ? " refused" : "", r->before, r->value, r->result, r->back);
}

struct told {
    const struct lintel_buf *records;
    size_t n; /* bytes of records when the asker was told */
};

static void
note_records(void *ctx, const struct lintel_outcome *o)
{
    struct told *t = ctx;
    (void)o;
    t->n = t->records->n;
}

/* The record comes first: whoever is told may look for it. */
static void
the_recorder_is_told_before_the_asker(void)
{
    struct kit_house h;
    struct lintel_buf out = {0};
    struct told told = {&out, 0};
    lintel_value v = kit_int(22), low = kit_int(7);
    REQUIRE(start(&h, 1, 0) == 0);
    lintel_engine_recorder(h.engine, keep_record, &out);
    lintel_engine_write(h.engine, point(&h, 0, SETPOINT), &v, "bob", note_records, &told);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    kit_answer(&h.bus, 0, LINTEL_OK, 22);
    CHECK(told.n != 0);
    CHECK_INT(told.n, out.n);
    lintel_buf_reset(&out);
    told.n = 0;
    lintel_engine_write(h.engine, point(&h, 0, FLOW), &low, "bob", note_records, &told);
    CHECK(told.n != 0);
    CHECK_INT(told.n, out.n);
    lintel_buf_fini(&out);
    end(&h);
}

/* Each exactly once: done, failed, refused, and of a client that has gone. */
static void
the_recorder_is_told_once(void)
{
    struct kit_house h;
    struct seen s = {0};
    struct lintel_buf out = {0};
    lintel_value three = kit_int(3);
    REQUIRE(start(&h, 1, 0) == 0);
    lintel_engine_recorder(h.engine, keep_record, &out);
    lintel_command gone = write_int(&h, 0, SETPOINT, 22, &s);
    lintel_engine_forget(h.engine, gone);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    kit_answer(&h.bus, 0, LINTEL_OK, 22);
    CHECK_INT(s.calls, 0);
    write_int(&h, 0, FLOW, 7, &s);
    write_int(&h, 0, SETPOINT, 25, &s);
    kit_answer(&h.bus, 0, LINTEL_E_TIMEOUT, 0);
    lintel_engine_read(h.engine, point(&h, 0, HOURS), outcome, &s); /* a read leaves no record */
    kit_answer_all(&h.bus, 5);
    lintel_engine_invoke(h.engine, point(&h, 0, RESET), &three, "bob from [::1]:1", outcome, &s);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    CHECK_STR(lintel_buf_str(&out), "uid 1000 wrote t0/Kit/p/setpoint: 10 -> 22: ok (22)\n"
                                    "uid 1000 wrote t0/Kit/p/flow refused: 11 -> 7: read-only ()\n"
                                    "uid 1000 wrote t0/Kit/p/setpoint: 22 -> 25: no answer ()\n"
                                    "bob from [::1]:1 invoked t0/Kit/a/reset:  -> 3: ok ()\n");
    lintel_buf_fini(&out);
    end(&h);
}

static void
a_null_releases(void)
{
    struct kit_house h;
    struct seen s = {0};
    lintel_value null = {.type = LINTEL_T_NULL};
    REQUIRE(start(&h, 1, 0) == 0);
    lintel_engine_write(h.engine, point(&h, 0, SETPOINT), &null, "x", outcome, &s);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_WRITE);
    CHECK_INT(h.bus.open[0]->values[0].type, LINTEL_T_NULL);
    kit_answer_all(&h.bus, 0);
    CHECK_INT(s.calls, 1);
    end(&h);
}

static void
writes_go_before_polls(void)
{
    struct kit_house h;
    struct seen s = {0};
    REQUIRE(start(&h, 6, LINTEL_PLUGIN_BLOCKING) == 0);
    kit_advance(&h, 2.1); /* polls of all six are due by now */
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_READ);
    write_int(&h, 5, LAMP, 1, &s);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_WRITE);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    CHECK_INT(s.calls, 1); /* it can't be read: done */
    CHECK_INT(s.value.type, LINTEL_T_NULL);
    end(&h);
}

static void
readers_share_one_request(void)
{
    struct kit_house h;
    struct seen s[4] = {{0}};
    REQUIRE(start(&h, 1, 0) == 0);
    CHECK_INT(kit_reading(&h, 0, HOURS).quality, LINTEL_QUALITY_INITIAL);
    lintel_command c = 0;
    for (int i = 0; i < 4; i++) {
        lintel_command r = lintel_engine_read(h.engine, point(&h, 0, HOURS), outcome, &s[i]);
        CHECK(r != 0 && r != c);
        c = r;
    }
    CHECK_INT(h.bus.nopen, 1);
    lintel_engine_forget(h.engine, c);
    kit_answer(&h.bus, 0, LINTEL_OK, 40);
    CHECK_INT(h.bus.nopen, 0);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(s[i].calls, 1);
        CHECK_INT(s[i].value.as.i, 42);
    }
    CHECK_INT(s[3].calls, 0);
    lintel_engine_forget(h.engine, c); /* ended long ago */
    end(&h);
}

static void
a_failed_read_says_why(void)
{
    struct kit_house h;
    struct seen s = {0};
    REQUIRE(start(&h, 1, 0) == 0);
    lintel_engine_read(h.engine, point(&h, 0, HOURS), outcome, &s);
    lintel_sample bad = kit_sample(HOURS, kit_int(0));
    bad.status = LINTEL_E_DEVICE;
    bad.detail = "exception 4";
    kit_answer_with(&h.bus, 0, &bad, 1);
    CHECK_INT(s.status, LINTEL_E_DEVICE);
    CHECK_STR(s.detail, "exception 4");
    CHECK_INT(kit_reading(&h, 0, HOURS).quality, LINTEL_QUALITY_BAD);
    lintel_engine_read(h.engine, point(&h, 0, LAMP), outcome, &s);
    CHECK_INT(s.calls, 2);
    CHECK_INT(s.status, LINTEL_E_NOTSUP);
    lintel_engine_read(h.engine, point(&h, 0, HOURS), outcome, &s);
    kit_answer(&h.bus, 0, LINTEL_E_DENIED, 0);
    CHECK_INT(s.calls, 3);
    CHECK_INT(s.status, LINTEL_E_DENIED);
    end(&h);
}

static void
the_queue_of_a_device_is_bounded(void)
{
    struct kit_house h;
    struct seen s = {0}, last = {0};
    REQUIRE(start(&h, 1, 0) == 0);
    for (int i = 0; i < 65; i++)
        write_int(&h, 0, SETPOINT, 20, &s); /* one under way, 64 wait */
    CHECK_INT(s.calls, 0);
    write_int(&h, 0, SETPOINT, 20, &last);
    CHECK_INT(last.calls, 1);
    CHECK_INT(last.status, LINTEL_E_BUSY);
    kit_advance(&h, 10); /* nobody waits for ever */
    CHECK_INT(s.calls, 64);
    CHECK_INT(s.status, LINTEL_E_TIMEOUT);
    kit_answer_all(&h.bus, 0);
    CHECK_INT(s.calls, 65);
    end(&h);
}

static void
busy_is_tried_once_more(void)
{
    struct kit_house h;
    struct seen s = {0};
    REQUIRE(start(&h, 1, 0) == 0);
    write_int(&h, 0, LAMP, 1, &s);
    kit_answer(&h.bus, 0, LINTEL_E_BUSY, 0);
    CHECK_INT(s.calls, 0);
    CHECK_INT(h.bus.nopen, 0);
    kit_advance(&h, 0.2);
    REQUIRE(h.bus.nopen >= 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_WRITE);
    kit_answer(&h.bus, 0, LINTEL_E_BUSY, 0);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.status, LINTEL_E_BUSY);
    end(&h);
}

static void
insisting_on_a_dead_device_costs_little(void)
{
    struct kit_house h;
    struct seen s = {0};
    REQUIRE(start(&h, 2, LINTEL_PLUGIN_BLOCKING) == 0);
    for (int silent = 0; silent < 2;) { /* the second one answers, and would lose by it */
        while (h.bus.nopen == 0)
            kit_advance(&h, 0.1);
        int first = h.bus.open[0]->slots[0] < NPOINTS;
        kit_advance(&h, first ? 1 : 0.01);
        kit_answer(&h.bus, 0, first ? LINTEL_E_TIMEOUT : LINTEL_OK, 0);
        silent += first;
    }
    kit_answer_all(&h.bus, 0);
    uint32_t before = h.bus.submitted;
    write_int(&h, 0, SETPOINT, 20, &s);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.status, LINTEL_E_TIMEOUT);
    CHECK_HAS(s.detail, "no answer; it is tried again in ");
    lintel_engine_read(h.engine, point(&h, 0, HOURS), outcome, &s);
    CHECK_INT(s.calls, 2);
    CHECK_INT(h.bus.submitted, before);
    kit_advance(&h, 11);
    kit_answer_all(&h.bus, 0);
    write_int(&h, 0, LAMP, 1, &s); /* now it is worth a try */
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_WRITE);
    kit_answer(&h.bus, 0, LINTEL_OK, 0);
    CHECK_INT(s.status, LINTEL_OK);
    kit_answer_all(&h.bus, 0); /* it answers, so all is polled again */
    CHECK_INT(kit_reading(&h, 0, FLOW).quality, LINTEL_QUALITY_GOOD);
    end(&h);
}

static void
actions_take_and_give(void)
{
    struct kit_house h;
    struct seen s = {0};
    lintel_value input = kit_int(3);
    REQUIRE(start(&h, 1, 0) == 0);
    lintel_engine_invoke(h.engine, point(&h, 0, RESET), &input, "uid 0", outcome, &s);
    REQUIRE(h.bus.nopen == 1);
    CHECK_INT(h.bus.open[0]->kind, LINTEL_OP_INVOKE);
    CHECK_INT(h.bus.open[0]->values[0].as.i, 3);
    lintel_sample out = kit_sample(RESET, kit_int(9));
    kit_answer_with(&h.bus, 0, &out, 1);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.status, LINTEL_OK);
    CHECK_INT(s.value.as.i, 9);
    CHECK_HAS(log_text, "uid 0 invoked t0/Kit/a/reset with 3: ok");
    lintel_engine_invoke(h.engine, point(&h, 0, RESET), NULL, "uid 0", outcome, &s);
    CHECK_INT(s.fit, LINTEL_FIT_TYPE);
    lintel_engine_invoke(h.engine, point(&h, 0, FLOW), NULL, "uid 0", outcome, &s);
    CHECK_INT(s.status, LINTEL_E_DENIED);
    CHECK_INT(s.calls, 3);
    end(&h);
}

static void
commands_end_with_their_thing_or_bus(void)
{
    struct kit_house h;
    struct seen s = {0}, t = {0};
    REQUIRE(start(&h, 2, 0) == 0);
    write_int(&h, 0, SETPOINT, 20, &s);
    write_int(&h, 0, SETPOINT, 21, &s);
    write_int(&h, 1, SETPOINT, 20, &t);
    CHECK_INT(h.bus.nopen, 2);
    lintel_engine_remove_thing(h.engine, h.things[0]);
    CHECK_INT(s.calls, 2);
    CHECK_INT(s.status, LINTEL_E_CANCELLED);
    kit_advance(&h, 1);
    kit_answer(&h.bus, 0, LINTEL_OK, 0); /* late: into the void */
    CHECK_INT(h.bus.attached, 1);
    lintel_engine_bus_gone(h.engine, h.bus.bus, LINTEL_E_LINK, "the child has ended");
    CHECK_INT(t.calls, 1);
    CHECK_STR(t.detail, "the child has ended");
    write_int(&h, 1, SETPOINT, 20, &t);
    CHECK_INT(t.calls, 2);
    CHECK_HAS(t.detail, "the bus line does not run: the child has ended");
    end(&h);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(a_write_is_read_back_and_recorded),
        KIT(a_plugins_own_read_back_is_taken),
        KIT(the_model_refuses_before_the_bus_sees_it),
        KIT(the_recorder_is_told_once),
        KIT(the_recorder_is_told_before_the_asker),
        KIT(a_null_releases),
        KIT(writes_go_before_polls),
        KIT(readers_share_one_request),
        KIT(a_failed_read_says_why),
        KIT(the_queue_of_a_device_is_bounded),
        KIT(busy_is_tried_once_more),
        KIT(insisting_on_a_dead_device_costs_little),
        KIT(actions_take_and_give),
        KIT(commands_end_with_their_thing_or_bus),
        {0},
    };
    return kit_main("command", tests, argc, argv);
}
