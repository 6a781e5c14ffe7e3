/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plug/told.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/bind/tables.h"
#include "core/plug/inspect.h"
#include "core/plug/library.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

static const lintel_field bus[] = {
    {.name = "line", .help = "A line.", .dflt = "a", .type = LINTEL_T_STR, .flags = LINTEL_F_FILE},
    {.name = "speed", .help = "A speed.", .min = -0.1, .max = 1e300, .type = LINTEL_T_REAL},
    {0}};
static const lintel_field address[] = {{.name = "at",
                                        .help = "Where.",
                                        .choices = "coil|holding",
                                        .natural = "bool|u16",
                                        .unit = "ms",
                                        .type = LINTEL_T_INT,
                                        .flags = LINTEL_F_REQUIRED},
                                       {0}};

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    (void)h, (void)v, (void)self;
    return LINTEL_OK;
}

static lintel_plugin
good(void)
{
    return (lintel_plugin){.size = sizeof(lintel_plugin),
                           .flags = LINTEL_PLUGIN_PUSH,
                           .needs = LINTEL_NEED_SERIAL,
                           .unit_bytes = 2,
                           .name = "p",
                           .version = "1",
                           .summary = "s",
                           .natural = "u16",
                           .bus = bus,
                           .address = address,
                           .create = create,
                           .destroy = free};
}

/* What is told of one plugin. */
static void
tell(struct lintel_buf *b, const lintel_plugin *p)
{
    const lintel_plugin *const plugins[] = {p};
    lintel_buf_reset(b);
    lintel_told_write(b, &(lintel_entry){LINTEL_ENTRY_MAGIC, sizeof(lintel_entry), LINTEL_ABI_MAJOR,
                                         LINTEL_ABI_MINOR, sizeof *p, 1, plugins});
}

/* Why it is refused; "" if it is not. */
static const char *
refusal(const void *p, size_t n)
{
    static char reason[512];
    struct lintel_arena *a = lintel_arena_new();
    reason[0] = '\0';
    const lintel_entry *e = lintel_told_read(p, n, a, reason, sizeof reason);
    CHECK_INT(e == NULL, reason[0] != '\0');
    lintel_arena_free(a);
    return reason;
}

static const char *
refusal_of(const lintel_plugin *p)
{
    struct lintel_buf b = {0};
    tell(&b, p);
    const char *ret = refusal(b.p, b.n);
    lintel_buf_fini(&b);
    return ret;
}

/* ---- what is true ---------------------------------------------------------------------------- */

static void
check_same(const lintel_entry *code, const lintel_entry *told)
{
    struct lintel_buf a = {0}, b = {0};
    lintel_inspect_entry(code, "x.so", &a);
    lintel_inspect_entry(told, "x.so", &b);
    CHECK_STR(lintel_buf_str(&a), lintel_buf_str(&b));
    lintel_buf_fini(&a);
    lintel_buf_fini(&b);
    for (uint32_t i = 0; i < code->nplugins; i++) {
        const lintel_plugin *p = code->plugins[i], *q = told->plugins[i];
        CHECK(lintel_plugin_same_tables(p, q)); /* also what is not printed */
        CHECK_INT(p->needs, q->needs);
        CHECK_INT(p->flags, q->flags);
        CHECK_INT(LINTEL_HAS(p, extension), LINTEL_HAS(q, extension));
        CHECK(q->read == NULL && q->start == NULL && q->create != p->create);
    }
}

/* All plugins of this tree. */
static void
tables_survive(void)
{
    static const char *const files[] = {
        "coap/coap",           "file/file",       "modbus/modbus",      "mqtt/mqtt",
        "plugtest/plugtest",   "fake/fake",       "fake/fake-blocking", "fake/fake-transport",
        "fake/escape-network", "fake/faulty-none"};
    const char *build = getenv("LINTEL_BUILDDIR");
    int n = 0;
    for (size_t i = 0; i < LINTEL_COUNT(files); i++) {
        char path[1100], reason[512] = "";
        struct lintel_buf b = {.limit = LINTEL_TOLD_MOST};
        struct lintel_arena *a = lintel_arena_new();
        snprintf(path, sizeof path, "%s/plugins/%s.so", build != NULL ? build : ".", files[i]);
        const lintel_entry *code = lintel_load_file(path, reason, sizeof reason);
        if (code != NULL) { /* some are not built everywhere */
            lintel_told_write(&b, code);
            CHECK(!b.failed);
            const lintel_entry *told = lintel_told_read(b.p, b.n, a, reason, sizeof reason);
            CHECK_STR(reason, "");
            if (told != NULL)
                check_same(code, told);
            n++;
        }
        lintel_arena_free(a);
        lintel_buf_fini(&b);
    }
    CHECK(n >= 6);
}

static void
what_is_missing_stays_missing(void)
{
    lintel_plugin p = good();
    struct lintel_buf b = {0};
    char reason[512] = "";
    struct lintel_arena *a = lintel_arena_new();
    tell(&b, &p);
    const lintel_entry *e = lintel_told_read(b.p, b.n, a, reason, sizeof reason);
    CHECK_STR(reason, "");
    REQUIRE(e != NULL);
    const lintel_plugin *q = e->plugins[0];
    CHECK(lintel_plugin_same_tables(&p, q));
    CHECK(q->device == NULL && q->address != NULL);
    CHECK(q->extension == NULL);
    CHECK(q->address[0].dflt == NULL);
    CHECK_STR(q->bus[0].dflt, "a");
    CHECK(q->bus[1].min == -0.1 && q->bus[1].max == 1e300);
    CHECK(q->bus[2].name == NULL);
    lintel_arena_free(a);
    lintel_buf_fini(&b);
}

/* ---- lies ------------------------------------------------------------------------------------ */

static void
tables_are_judged_as_ever(void)
{
    static const lintel_field twice[] = {bus[0], bus[0], {0}};
    lintel_plugin p = good();
    CHECK_STR(refusal_of(&p), "");
    p.name = "P q";
    CHECK_HAS(refusal_of(&p), "a plugin's name is \"P q\"");
    p = good();
    p.bus = NULL;
    CHECK_HAS(refusal_of(&p), "lacks a table of settings");
    p.bus = twice;
    CHECK_HAS(refusal_of(&p), "its name stands in the table twice");
    p = good();
    p.version = NULL;
    CHECK_HAS(refusal_of(&p), "lacks a version");
    p = good();
    p.flags = LINTEL_PLUGIN_TRANSPORT;
    CHECK_HAS(refusal_of(&p), "is a transport with neither the extension");
}

static void
lies_are_refused(void)
{
    static char much[LINTEL_TOLD_TEXT_MOST + 2];
    static lintel_field many[LINTEL_TOLD_ROWS_MOST + 2];
    lintel_field odd[] = {bus[1], {0}};
    lintel_plugin p = good();
    memset(much, 'x', sizeof much - 1);
    p.summary = much;
    CHECK_HAS(refusal_of(&p), "a text has more than 8192 bytes");
    p.summary = "\xff\xfe";
    CHECK_HAS(refusal_of(&p), "a text is missing, or is no UTF-8");
    p = good();
    for (int i = 0; i <= LINTEL_TOLD_ROWS_MOST; i++)
        many[i] = bus[0];
    p.bus = many;
    CHECK_HAS(refusal_of(&p), "a table has more than 256 rows");
    p.bus = odd;
    odd[0].max = (double)NAN;
    CHECK_HAS(refusal_of(&p), "a limit is no finite number");
    odd[0].max = (double)INFINITY;
    CHECK_HAS(refusal_of(&p), "a limit is no finite number");
    odd[0] = bus[1];
    odd[0].type = 77;
    CHECK(strcmp(refusal_of(&p), "") != 0);
    odd[0] = bus[1];
    odd[0].help = NULL;
    CHECK(strcmp(refusal_of(&p), "") != 0);
}

static void
bytes_are_refused(void)
{
    lintel_plugin p = good();
    struct lintel_buf b = {0};
    tell(&b, &p);
    for (size_t n = 0; n < b.n; n++) /* cut anywhere */
        CHECK_HAS(refusal(b.p, n), "can't be read");
    lintel_buf_addc(&b, '\0');
    CHECK_HAS(refusal(b.p, b.n), "there is more than that");
    b.n--;
    /* A NUL inside of a text. */
    char *at = memmem(b.p, b.n, "A line.", 7);
    REQUIRE(at != NULL);
    at[2] = '\0';
    CHECK_HAS(refusal(b.p, b.n), "a text is missing");
    lintel_buf_reset(&b);
    lintel_cbor_array(&b, 3);
    lintel_cbor_uint(&b, 1);
    lintel_cbor_uint(&b, UINT64_MAX);
    CHECK_HAS(refusal(b.p, b.n), "a number is missing, or too large");
    lintel_buf_reset(&b);
    lintel_cbor_array(&b, 3);
    lintel_cbor_uint(&b, 1);
    lintel_cbor_uint(&b, 1);
    lintel_cbor_array(&b, (size_t)1 << 40);
    CHECK_HAS(refusal(b.p, b.n), "it has no plugin, or more than 64");
    lintel_buf_reset(&b);
    lintel_cbor_array(&b, 3);
    lintel_cbor_uint(&b, 7); /* of another ABI */
    lintel_cbor_uint(&b, 0);
    lintel_cbor_array(&b, 0);
    CHECK_HAS(refusal(b.p, b.n), "it has no plugin");
    lintel_buf_fini(&b);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct lintel_buf told;

static int
read_once(void *ctx)
{
    char reason[512];
    struct lintel_arena *a = lintel_arena_new();
    (void)ctx;
    const lintel_entry *e =
        a != NULL ? lintel_told_read(told.p, told.n, a, reason, sizeof reason) : NULL;
    int ok = e != NULL && strcmp(e->plugins[0]->name, "p") == 0;
    if (a != NULL && e == NULL)
        CHECK(lintel_arena_failed(a) || lintel_mem_failures() != 0);
    lintel_arena_free(a);
    return ok;
}

static void
each_allocation_may_fail(void)
{
    lintel_plugin p = good();
    tell(&told, &p);
    kit_each_failure(read_once, NULL);
    lintel_buf_fini(&told);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(tables_survive),
                                            KIT(what_is_missing_stays_missing),
                                            KIT(tables_are_judged_as_ever),
                                            KIT(lies_are_refused),
                                            KIT(bytes_are_refused),
                                            KIT(each_allocation_may_fail),
                                            {0}};
    return kit_main("told", tests, argc, argv);
}
