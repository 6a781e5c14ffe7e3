/* SPDX-License-Identifier: Apache-2.0
 * A whole hub in this process, with real threads and files, whose memory runs out while it starts:
 * it says so and nothing is left, or it runs, and then it serves. The same for `lintel plugin
 * reload`. */
#include "core/daemon/hub.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/daemon/hub_priv.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define REAL_S INT64_C(1000000000)

static struct lintel_paths paths;
static char site_dir[512], state_dir[512];

static void
swallow(void *ctx, int32_t level, const char *topic, const char *line)
{
    (void)ctx, (void)level, (void)topic, (void)line;
}

static void
make_site(void)
{
    const char *build = getenv("LINTEL_BUILDDIR"), *source = getenv("LINTEL_SRCDIR");
    build = build != NULL ? build : ".";
    source = source != NULL ? source : ".";
    char plugins[1200];
    snprintf(plugins, sizeof plugins, "%s/plugins/fake", build);
    setenv("LINTEL_PLUGIN_PATH", plugins, 1);
    lintel_format(paths.plugins, sizeof paths.plugins, "%s/plugins", build);
    lintel_format(paths.schemas, sizeof paths.schemas, "%s/schemas", source);
    lintel_format(paths.bindings, sizeof paths.bindings, "%s/bindings", source);
    lintel_format(paths.host, sizeof paths.host, "%s/bin/lintel-host", build);
    kit_write("site/lintel.yaml", "hub: { name: short }\n"
                                  "buses: { line: { plugin: fake, isolation: thread } }\n"
                                  "identities: { alice: {} }\n"
                                  "rights:\n"
                                  "  - { who: local, zones: all, may: [manage] }\n"
                                  "  - { who: alice, zones: all, may: [read] }\n");
    kit_write(
        "site/models/box.sdf.yaml",
        "info: { title: Box, version: '1.0.0', license: CC0-1.0 }\n"
        "namespace: { box: 'https://example.com/models/box' }\n"
        "defaultNamespace: box\n"
        "sdfObject: { Box: { sdfProperty: { count: { type: integer, writable: false } } } }\n");
    kit_write("site/bindings/fake-box.sdf-supplement.yaml",
              "info: { title: 'Fake box', version: '1.0.0' }\n"
              "namespace: { box: 'https://example.com/models/box' }\n"
              "defaultNamespace: box\n"
              "amend:\n"
              "  - '#/sdfObject/Box/sdfProperty/count': { sdfProtocolMap: { fake: { kind: counter, "
              "poll: 0.01 } } }\n");
    kit_write("site/things/boxes.yaml",
              "- { thingId: a, sdfInstanceOf: { model: fake-box }, sdfContext: { bus: line } }\n");
    lintel_format(site_dir, sizeof site_dir, "%s/site", kit_folder());
    lintel_format(state_dir, sizeof state_dir, "%s/state", kit_folder());
    mkdir(state_dir, 0700);
}

static int
has_value(void *ctx)
{
    struct lintel_hub *h = ctx;
    struct lintel_live_thing *t = lintel_engine_find_thing(h->engine, "a", 1);
    struct lintel_reading reading;
    if (t == NULL)
        return 0;
    lintel_engine_reading(h->engine, lintel_live_thing_point(t, 0), &reading);
    return reading.quality == LINTEL_QUALITY_GOOD;
}

static unsigned
descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d != NULL && readdir(d) != NULL)
        n++;
    if (d != NULL)
        closedir(d);
    return n;
}

/* Started, it has a value soon; a bus or a thing that memory was short for is missing, and comes by
 * itself. */
static int
start_once(void *ctx)
{
    struct lintel_report report = {0};
    unsigned before = descriptors();
    struct lintel_loop *loop = lintel_loop_new();
    struct lintel_hub *h =
        loop == NULL ? NULL
                     : lintel_hub_new(&(struct lintel_hub_source){loop, &paths, site_dir, state_dir,
                                                                  kit_folder()},
                                      &report);
    int *missing = ctx;
    kit_memory_is_back();
    CHECK(loop == NULL || h != NULL || report.errors != 0);
    if (h != NULL && lintel_engine_find_thing(h->engine, "a", 1) == NULL && missing != NULL)
        ++*missing;
    if (h != NULL)
        CHECK(lintel_loop_until(loop, has_value, h, 20 * REAL_S));
    int whole = h != NULL;
    lintel_hub_free(h);
    lintel_loop_free(loop);
    lintel_report_fini(&report);
    CHECK(missing == NULL || descriptors() == before);
    return whole;
}

static void
memory_runs_out_while_it_starts(void)
{
    int missing = 0;
    alarm(300); /* some two thousand starts, with threads and files: on a busy machine that takes */
    make_site();
    lintel_log_sink(swallow, NULL);
    start_once(NULL); /* makes the files of the state folder, and loads plugins */
    uint64_t n = kit_each_failure(start_once, &missing);
    lintel_log_sink(NULL, NULL);
    printf("  %llu allocations; without a thing after %d starts\n", (unsigned long long)n, missing);
}

/* ---- new code for a bus ---------------------------------------------------------------------- */

struct renewed {
    struct lintel_loop *loop;
    struct lintel_hub *hub;
    int done;
    uint32_t code;
};

static void
on_renewed(void *ctx, const lintel_answer *a)
{
    struct renewed *r = ctx;
    r->done++;
    r->code = a->code;
}

static int
is_renewed(void *ctx)
{
    const struct renewed *r = ctx;
    return r->done != 0 && r->hub->renewals == NULL;
}

static int
reload_once(void *ctx)
{
    struct renewed *r = ctx;
    const lintel_exchange x = {.size = sizeof x, .method = LINTEL_POST};
    const struct lintel_bus_call call = {
        .bus = "line", .verb = "reload", .who = "test", .x = &x, .done = on_renewed, .done_ctx = r};
    kit_memory_is_back();
    CHECK(lintel_loop_until(r->loop, has_value, r->hub, 20 * REAL_S));
    r->done = 0;
    kit_memory_fails_from_here();
    void *work = hub_bus(r->hub, &call);
    kit_memory_is_back();
    CHECK(work == NULL ? r->done == 1 : r->done == 0);
    CHECK(lintel_loop_until(r->loop, is_renewed, r, 20 * REAL_S));
    CHECK_INT(r->done, 1);
    return r->code >> 5 == 2;
}

/* Whoever asks for it is told once, and the bus goes on. */
static void
memory_runs_out_at_a_reload(void)
{
    struct lintel_report report = {0};
    struct renewed r = {.loop = lintel_loop_new()};
    make_site();
    lintel_log_sink(swallow, NULL);
    r.hub = lintel_hub_new(
        &(struct lintel_hub_source){r.loop, &paths, site_dir, state_dir, kit_folder()}, &report);
    REQUIRE(r.hub != NULL);
    kit_each_failure(reload_once, &r);
    lintel_hub_free(r.hub);
    lintel_loop_free(r.loop);
    lintel_report_fini(&report);
    lintel_log_sink(NULL, NULL);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(memory_runs_out_while_it_starts), KIT(memory_runs_out_at_a_reload), {0}};
    return kit_main("hub", tests, argc, argv);
}
