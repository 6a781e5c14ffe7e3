/* SPDX-License-Identifier: Apache-2.0
 * What a value costs: time through codec and engine, memory of a point. Numbers are printed with
 * their conditions; nothing is judged here. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/engine/subscribe.h"

enum { BATCH = 500 };

struct house {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_bus *bus;
    lintel_plugin plugin;
    struct lintel_profile profile;
    struct lintel_affordance *affordances;
    struct lintel_data data;
    struct lintel_codec *codec;
    struct lintel_thing *confs;
    char (*ids)[24];
    struct lintel_op **open;
    uint32_t nopen, nthings;
};

static double
seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
attach(void *ctx, uint32_t device, const struct lintel_thing *t)
{
    (void)ctx, (void)device, (void)t;
    return 0;
}

static void
detach(void *ctx, uint32_t device)
{
    (void)ctx, (void)device;
}

static int
bind_point(void *ctx, uint32_t slot, uint32_t device, const struct lintel_bound *b,
           const char *name)
{
    (void)ctx, (void)slot, (void)device, (void)b, (void)name;
    return 0;
}

static void
unbind_point(void *ctx, uint32_t slot)
{
    (void)ctx, (void)slot;
}

static int
submit(void *ctx, struct lintel_op *op)
{
    struct house *h = ctx;
    h->open[h->nopen++] = op;
    return 0;
}

static void
must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "engine_bench: %s\n", what);
    exit(1);
}

static struct lintel_codec *
compile(const char *keys, const struct lintel_data *data)
{
    struct lintel_doc *doc = lintel_doc_parse("bench", keys, strlen(keys), NULL);
    must(doc != NULL, "the keys can't be read");
    struct lintel_codec_source s = {
        .doc = doc, .map = doc->root, .data = data, .natural = "u16", .unit_bytes = 2};
    struct lintel_codec *codec = lintel_codec_compile(&s, NULL);
    must(codec != NULL, "the codec can't be compiled");
    lintel_doc_free(doc);
    return codec;
}

/* Things of `each` points: 32-bit floats in two registers, scaled by 0.1, read every 10 s. */
static void
build(struct house *h, uint32_t nthings, uint32_t each)
{
    static const lintel_value no_address;
    *h = (struct house){.nthings = nthings};
    h->data.kind = LINTEL_DATA_NUMBER;
    h->codec = compile("{ type: f32, scale: 0.1 }", &h->data);
    h->affordances = calloc(each, sizeof *h->affordances);
    struct lintel_bound *bound = calloc(each, sizeof *bound);
    h->confs = calloc(nthings, sizeof *h->confs);
    h->ids = calloc(nthings, sizeof *h->ids);
    h->open = calloc(nthings + 1, sizeof(struct lintel_op *));
    must(h->affordances != NULL && bound != NULL && h->confs != NULL && h->ids != NULL &&
             h->open != NULL,
         "out of memory");
    for (uint32_t i = 0; i < each; i++) {
        h->affordances[i] = (struct lintel_affordance){.path = "Meter/p/value",
                                                       .name = "value",
                                                       .kind = LINTEL_K_PROPERTY,
                                                       .readable = 1,
                                                       .data = &h->data};
        bound[i] = (struct lintel_bound){.affordance = &h->affordances[i],
                                         .read = {h->codec, &no_address},
                                         .poll_ns = INT64_C(10000000000),
                                         .stale_ns = INT64_C(30000000000),
                                         .scale_from = -1,
                                         .flags = LINTEL_P_READ,
                                         .mapped = 1};
    }
    h->plugin.size = sizeof h->plugin;
    h->plugin.name = "bench";
    h->profile =
        (struct lintel_profile){.plugin = &h->plugin, .n = each, .bound = bound, .refs = 1};
    for (uint32_t i = 0; i < nthings; i++) {
        snprintf(h->ids[i], sizeof h->ids[i], "meter-%" PRIu32, i);
        h->confs[i] = (struct lintel_thing){.id = h->ids[i], .profile = &h->profile};
    }
    h->loop = lintel_loop_new_fake();
    must(h->loop != NULL, "no loop");
}

static void
run(struct house *h)
{
    struct lintel_bus_port port = {.ctx = h,
                                   .attach = attach,
                                   .detach = detach,
                                   .bind = bind_point,
                                   .unbind = unbind_point,
                                   .submit = submit};
    h->engine = lintel_engine_new(h->loop, 1);
    must(h->engine != NULL, "no engine");
    h->bus = lintel_engine_add_bus(h->engine, "bench", &h->plugin, port);
    must(h->bus != NULL, "no bus");
    for (uint32_t i = 0; i < h->nthings; i++)
        must(lintel_engine_add_thing(h->engine, h->bus, NULL, &h->confs[i]) != NULL, "no thing");
    lintel_engine_bus_ready(h->engine, h->bus);
}

static void
tear_down(struct house *h)
{
    lintel_engine_free(h->engine);
    lintel_loop_free(h->loop);
    lintel_codec_unref(h->codec);
    free(h->affordances);
    free(h->profile.bound);
    free(h->confs);
    free(h->ids);
    free(h->open);
}

static void
fill(lintel_sample *s, unsigned char (*raw)[4], const uint32_t *slots, uint32_t n, uint32_t round)
{
    for (uint32_t i = 0; i < n; i++) {
        float f = (float)(i + round);
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        raw[i][0] = (unsigned char)(bits >> 24);
        raw[i][1] = (unsigned char)(bits >> 16);
        raw[i][2] = (unsigned char)(bits >> 8);
        raw[i][3] = (unsigned char)bits;
        s[i] = (lintel_sample){.point = slots != NULL ? slots[i] : i,
                               .value = {.type = LINTEL_T_BYTES, .len = 4, .as.p = raw[i]}};
    }
}

static void
told(void *ctx, struct lintel_subscription *s, int confirm, int gone)
{
    uint64_t *calls = ctx;
    (void)s, (void)confirm, (void)gone;
    ++*calls;
}

/* Batches of 500 samples of one device, as the answer to a poll. */
static void
updates(const char *what, int changing, int watched)
{
    static lintel_sample s[2][BATCH];
    static unsigned char raw[2][BATCH][4];
    struct house h;
    struct lintel_subscription *subs[BATCH] = {NULL};
    uint64_t calls = 0, n = 0;
    build(&h, 1, BATCH);
    run(&h);
    fill(s[0], raw[0], NULL, BATCH, 0);
    fill(s[1], raw[1], NULL, BATCH, changing ? 1 : 0);
    for (uint32_t i = 0; watched && i < BATCH; i++) {
        lintel_point_id p = i;
        subs[i] = lintel_subscribe(h.engine, &p, 1, NULL, told, &calls);
    }
    double start = seconds(), end = start;
    for (; end - start < 1; end = seconds()) {
        for (int k = 0; k < 100; k++, n += BATCH) {
            lintel_engine_publish(h.engine, h.bus, s[k & 1], BATCH);
            if (watched)
                lintel_loop_advance(h.loop, 0);
        }
    }
    printf("%-44s %8.1f ns a value  %6.2f million/s%s\n", what, (end - start) * 1e9 / (double)n,
           (double)n / (end - start) / 1e6, watched && calls == 0 ? "  (nobody was told!)" : "");
    for (uint32_t i = 0; i < BATCH; i++)
        lintel_unsubscribe(h.engine, subs[i]);
    tear_down(&h);
}

/* Polls of many devices: scheduling, timers and values together. */
static void
polls(uint32_t nthings, uint32_t each)
{
    static lintel_sample s[BATCH];
    static unsigned char raw[BATCH][4];
    struct house h;
    uint64_t n = 0;
    build(&h, nthings, each);
    run(&h);
    double start = seconds();
    for (uint32_t step = 0; step < 400; step++) {
        while (h.nopen > 0) {
            struct lintel_op *op = h.open[--h.nopen];
            fill(s, raw, op->slots, op->n, step);
            n += op->n;
            lintel_engine_complete(h.engine, h.bus, op, LINTEL_OK, s, op->n);
        }
        lintel_loop_advance(h.loop, 100000000);
    }
    double took = seconds() - start;
    printf("polling %6u devices of %4u points           %8.1f ns a value, making the samples "
           "included\n",
           nthings, each, took * 1e9 / (double)n);
    tear_down(&h);
}

static long
resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * 4096;
}

/* In a process of its own, so that memory given back before is not counted as free. */
static void
memory(uint32_t npoints, uint32_t each)
{
    pid_t child = fork();
    if (child != 0) {
        int status = 1;
        must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child failed");
        return;
    }
    struct house h;
    build(&h, npoints / each, each);
    struct mallinfo2 before = mallinfo2();
    long rss = resident();
    run(&h);
    struct mallinfo2 after = mallinfo2();
    size_t used = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    printf("memory of %8u points, %4u a thing          %6.1f bytes a point on the heap, %6.1f "
           "resident\n",
           npoints, each, (double)used / npoints, (double)(resident() - rss) / npoints);
    tear_down(&h);
    exit(0);
}

int
main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("engine: f32 in two registers x 0.1, batches of %d, one core, fake loop\n", (int)BATCH);
    memory(1000000, 100);
    memory(100000, 500);
    memory(100000, 100);
    memory(100000, 10);
    updates("every value changes, nobody watches", 1, 0);
    updates("no value changes", 0, 0);
    updates("every value changes, each has a watcher", 1, 1);
    polls(200, 500);
    polls(10000, 10);
    return 0;
}
