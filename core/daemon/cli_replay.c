/* SPDX-License-Identifier: Apache-2.0
 * lintel replay: a recording played on the fake clock, against the bindings of a site. Nothing is
 * connected to, no hub is asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/bind/files.h"
#include "core/daemon/cli.h"
#include "core/daemon/site_source.h"
#include "core/model/unit.h"
#include "core/plug/deck.h"
#include "core/plug/taped.h"
#include "core/serve/format.h"

enum { LINE_BYTES = 16, MISSED_MOST = 1000, CELL = 400 };

struct replay {
    struct cli *c;
    const char *file;
    int quiet;
    struct lintel_site *site;
    const struct lintel_port *conf;
    struct lintel_tape *tape;
    struct lintel_loop *loop;
    struct lintel_deck *deck;
    struct lintel_engine *engine;
    struct lintel_bus *bus;
    lintel_mono *refreshed; /* by point: when its value was shown last */
    uint32_t npoints;
    uint64_t exchanges, nmissed, refused;
    json_t *missed; /* hexadecimal -> how often */
};

/* ---- what is shown --------------------------------------------------------------------------- */

static void
hex(struct lintel_buf *b, const lintel_tap *t)
{
    const unsigned char *p = t->p;
    for (uint32_t i = 0; i < t->n; i++)
        lintel_buf_addf(b, "%s%02x", i != 0 ? " " : "", p[i]);
}

/* "   12.345 > 00 01 .." in lines that fit a terminal. */
static void
on_message(void *ctx, const lintel_tap *t)
{
    struct replay *r = ctx;
    const unsigned char *p = t->p;
    r->exchanges += t->flow == LINTEL_TAP_OUT;
    if (r->quiet || r->c->json)
        return;
    printf("%10.3f %c", (double)(t->when - r->tape->first) / 1e9,
           t->flow == LINTEL_TAP_OUT ? '>' : '<');
    for (uint32_t i = 0; i < t->n; i++)
        printf("%s%02x", i != 0 && i % LINE_BYTES == 0 ? "\n             " : " ", p[i]);
    putchar('\n');
}

static void
on_missed(void *ctx, const lintel_tap *question)
{
    struct replay *r = ctx;
    struct lintel_buf b = {0};
    r->nmissed++;
    hex(&b, question);
    if (!r->quiet && !r->c->json)
        printf("%10s ! this is not in the recording\n", "");
    const char *key = lintel_buf_str(&b);
    key = strlen(key) > 3 * (size_t)question->serial ? key + 3 * (size_t)question->serial : key;
    json_int_t before = json_integer_value(json_object_get(r->missed, key));
    if (before != 0 || json_object_size(r->missed) < MISSED_MOST)
        json_object_set_new(r->missed, key, json_integer(before + 1));
    lintel_buf_fini(&b);
}

/* A point's name, value and unit, and whether people can rely on it. */
static void
describe(const struct replay *r, uint32_t p, char name[CELL], char value[CELL], char why[CELL])
{
    struct lintel_reading reading;
    struct lintel_buf text = {0};
    const struct lintel_bound *b = lintel_engine_bound(r->engine, p);
    const struct lintel_live_thing *t = lintel_engine_thing_of(r->engine, p);
    const char *unit = b->affordance->data != NULL ? b->affordance->data->unit : NULL;
    lintel_engine_reading(r->engine, p, &reading);
    (void)lintel_format(name, CELL, "%s/%s", lintel_live_thing_conf(t)->id, b->affordance->name);
    lintel_format_write(&text, LINTEL_FORMAT_TEXT, &reading.value);
    int none = reading.value.type == LINTEL_T_NULL;
    (void)lintel_format(value, CELL, "%s%s%s", none ? "-" : lintel_buf_str(&text),
                        unit != NULL && !none ? " " : "", unit != NULL && !none ? unit : "");
    (void)cli_tame(value);
    if (reading.quality == LINTEL_QUALITY_GOOD)
        why[0] = '\0';
    else
        (void)lintel_format(why, CELL, "%s%s%s", lintel_quality_name(reading.quality),
                            reading.detail != NULL ? ": " : "",
                            reading.detail != NULL ? reading.detail : "");
    (void)cli_tame(why);
    lintel_buf_fini(&text);
}

static int
is_shown(const struct replay *r, uint32_t p)
{
    const struct lintel_bound *b =
        lintel_engine_thing_of(r->engine, p) != NULL ? lintel_engine_bound(r->engine, p) : NULL;
    return b != NULL && b->mapped && b->read.codec != NULL &&
           b->affordance->kind != LINTEL_K_ACTION;
}

/* What the last answer was made of. */
static void
show_values(struct replay *r)
{
    char name[CELL], value[CELL], why[CELL];
    for (uint32_t p = 0; p < r->npoints; p++) {
        struct lintel_reading reading;
        if (!is_shown(r, p))
            continue;
        lintel_engine_reading(r->engine, p, &reading);
        if (reading.refreshed == r->refreshed[p])
            continue;
        r->refreshed[p] = reading.refreshed;
        if (r->quiet || r->c->json)
            continue;
        describe(r, p, name, value, why);
        printf("%13s%s = %s%s%s\n", "", name, value, *why ? "  " : "", why);
    }
}

/* ---- between the deck and the engine --------------------------------------------------------- */

static void
on_done(void *ctx, struct lintel_op *op, lintel_status status, const lintel_sample *s, uint32_t n)
{
    struct replay *r = ctx;
    lintel_engine_complete(r->engine, r->bus, op, status, s, n);
    show_values(r);
}

static void
on_publish(void *ctx, const lintel_sample *s, uint32_t n)
{
    struct replay *r = ctx;
    if (r->bus == NULL)
        return;
    lintel_engine_publish(r->engine, r->bus, s, n);
    show_values(r);
}

static void
on_link(void *ctx, lintel_status status, const char *detail)
{
    struct replay *r = ctx;
    if (r->bus != NULL)
        lintel_engine_link(r->engine, r->bus, status, detail);
}

static void
on_device(void *ctx, uint32_t device, lintel_status status, const char *detail)
{
    struct replay *r = ctx;
    if (r->bus != NULL)
        lintel_engine_device(r->engine, r->bus, device, status, detail);
}

static void
on_refused(void *ctx, int is_device, uint32_t id, lintel_status status, const char *why)
{
    struct replay *r = ctx;
    r->refused++;
    if (is_device)
        lintel_engine_refused_device(r->engine, r->bus, id, status, why);
    else
        lintel_engine_refused_point(r->engine, r->bus, id, status, why);
}

/* ---- the run --------------------------------------------------------------------------------- */

static int
add_things(struct replay *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->site->nthings; i++) {
        const struct lintel_thing *t = &r->site->things[i];
        if (strcmp(t->bus, r->conf->name) != 0)
            continue;
        struct lintel_live_thing *live = lintel_engine_add_thing(r->engine, r->bus, r->site, t);
        if (live == NULL) {
            cli_say("out of memory");
            return -1;
        }
        r->npoints = lintel_live_thing_point(live, 0) + t->profile->n;
        n++;
    }
    if (n == 0)
        cli_say("the site has no thing on the bus \"%s\"", r->conf->name);
    r->refreshed = lintel_alloc_array(r->npoints + 1, sizeof *r->refreshed);
    return n != 0 && r->refreshed != NULL ? 0 : -1;
}

static int
play(struct replay *r, const lintel_plugin *code, const lintel_value *settings)
{
    static const struct lintel_deck_fns fns = {.done = on_done,
                                               .publish = on_publish,
                                               .link = on_link,
                                               .device = on_device,
                                               .refused = on_refused,
                                               .message = on_message,
                                               .missed = on_missed};
    char reason[LINTEL_DECK_REASON];
    r->loop = lintel_loop_new_fake();
    r->engine = r->loop != NULL ? lintel_engine_new(r->loop, 1) : NULL;
    if (r->engine == NULL) {
        cli_say("out of memory");
        return -1;
    }
    lintel_loop_fake_wall(r->loop, r->tape->first);
    r->deck = lintel_deck_new(&(struct lintel_deck_source){.loop = r->loop,
                                                           .plugin = code,
                                                           .settings = settings,
                                                           .tape = r->tape,
                                                           .fns = &fns,
                                                           .ctx = r},
                              reason);
    if (r->deck == NULL) {
        cli_say("%s", reason);
        return -1;
    }
    r->bus =
        lintel_engine_add_bus(r->engine, r->conf->name, r->conf->plugin, lintel_deck_port(r->deck));
    if (r->bus == NULL || add_things(r) != 0)
        return -1;
    lintel_engine_bus_ready(r->engine, r->bus);
    lintel_engine_link(r->engine, r->bus, LINTEL_OK, "");
    lintel_loop_advance(r->loop, r->tape->last - r->tape->first + 1);
    show_values(r);
    return 0;
}

static void
stop(struct replay *r)
{
    /* Open requests end without the deck, which then can go. */
    if (r->bus != NULL)
        lintel_engine_bus_gone(r->engine, r->bus, LINTEL_E_CANCELLED, "the recording has ended");
    lintel_deck_free(r->deck);
    lintel_engine_free(r->engine);
    lintel_loop_free(r->loop);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A value that the bindings could make nothing of; what the device itself refused is as it was. */
static int
is_misfit(const struct lintel_reading *r)
{
    return r->quality == LINTEL_QUALITY_BAD &&
           (r->status == LINTEL_E_TYPE || r->status == LINTEL_E_RANGE ||
            r->status == LINTEL_E_PROTO || r->status == LINTEL_E_FAIL ||
            r->status == LINTEL_E_CONFIG);
}

static uint32_t
count_misfits(const struct replay *r)
{
    uint32_t n = 0;
    struct lintel_reading reading;
    for (uint32_t p = 0; p < r->npoints; p++) {
        if (!is_shown(r, p))
            continue;
        lintel_engine_reading(r->engine, p, &reading);
        n += is_misfit(&reading) != 0;
    }
    return n;
}

static json_t *
values_json(const struct replay *r)
{
    json_t *rows = json_array();
    for (uint32_t p = 0; p < r->npoints; p++) {
        struct lintel_reading reading;
        struct lintel_buf text = {0};
        if (!is_shown(r, p))
            continue;
        const struct lintel_bound *b = lintel_engine_bound(r->engine, p);
        lintel_engine_reading(r->engine, p, &reading);
        lintel_format_write(&text, LINTEL_FORMAT_JSON, &reading.value);
        json_t *value = json_loads(lintel_buf_str(&text), JSON_DECODE_ANY, NULL);
        const char *unit = b->affordance->data != NULL ? b->affordance->data->unit : NULL;
        json_t *row =
            json_pack("{s:s,s:s,s:o,s:s,s:s,s:s}", "thing",
                      lintel_live_thing_conf(lintel_engine_thing_of(r->engine, p))->id, "path",
                      b->affordance->path, "value", value != NULL ? value : json_null(), "unit",
                      unit != NULL ? unit : "", "quality", lintel_quality_name(reading.quality),
                      "detail", reading.detail != NULL ? reading.detail : "");
        json_array_append_new(rows, row);
        lintel_buf_fini(&text);
    }
    return rows;
}

static void
print_values(const struct replay *r)
{
    static const struct lintel_column columns[] = {{"POINT", LINTEL_COLUMN_WHOLE, 0},
                                                   {"VALUE", LINTEL_COLUMN_WHOLE, 0},
                                                   {"WHY NOT", LINTEL_COLUMN_WRAP, 0},
                                                   {0}};
    struct lintel_table *t = lintel_table_new(columns);
    char name[CELL], value[CELL], why[CELL];
    for (uint32_t p = 0; p < r->npoints; p++) {
        if (!is_shown(r, p))
            continue;
        describe(r, p, name, value, why);
        lintel_table_row(t, (const char *[]){name, value, why});
    }
    printf("%sAt the end:\n\n", r->quiet ? "" : "\n");
    lintel_table_print(t, stdout);
}

static void
print_missed(const struct replay *r)
{
    const char *key;
    json_t *n;
    if (json_object_size(r->missed) == 0)
        return;
    puts("\nAsked for, but not in the recording:\n");
    json_object_foreach(r->missed, key, n)
        printf("%6lld x %s\n", (long long)json_integer_value(n), key);
    puts("\nRecord longer than the slowest poll of the bus, so that everything is asked once.");
}

static int
report(const struct replay *r)
{
    uint32_t misfits = count_misfits(r);
    double seconds = (double)(r->tape->last - r->tape->first) / 1e9;
    int good = misfits == 0 && r->nmissed == 0 && r->refused == 0;
    if (r->c->json) {
        json_t *all = json_pack("{s:s,s:f,s:I,s:O,s:i,s:I,s:b,s:o}", "bus", r->conf->name,
                                "seconds", seconds, "exchanges", (json_int_t)r->exchanges, "missed",
                                r->missed, "misfits", (int)misfits, "refused",
                                (json_int_t)r->refused, "fits", good, "values", values_json(r));
        cli_print_json(all);
        json_decref(all);
    } else {
        print_values(r);
        print_missed(r);
        printf("\n%s: %.0f s, %llu questions asked\n%s\n", r->file, seconds,
               (unsigned long long)r->exchanges,
               good ? "All of it fits." : "Not all of it fits, see above.");
    }
    return good ? CLI_OK : CLI_FAILED;
}

/* ---- what is replayed on what ---------------------------------------------------------------- */

static void
say_problems(const struct lintel_report *report)
{
    struct lintel_buf place = {0};
    for (uint32_t i = 0; i < report->n; i++) {
        if (report->problems[i].severity != LINTEL_PROBLEM_ERROR)
            continue;
        lintel_buf_reset(&place);
        lintel_problem_place(&report->problems[i], &place);
        cli_say("%s: %s", lintel_buf_str(&place),
                report->problems[i].text != NULL ? report->problems[i].text : "");
    }
    lintel_buf_fini(&place);
}

static struct lintel_tape *
read_tape(const char *file)
{
    char *bytes = NULL, reason[LINTEL_TAPE_REASON];
    size_t n = 0;
    struct lintel_report problems = {0};
    int missing =
        lintel_disk_files.read(NULL, file, LINTEL_PCAPNG_BYTES_MOST, &bytes, &n, &problems);
    if (missing > 0)
        cli_say("there is no file %s", file);
    say_problems(&problems);
    lintel_report_fini(&problems);
    struct lintel_tape *t = missing == 0 ? lintel_tape_read(file, bytes, n, reason) : NULL;
    if (missing == 0 && t == NULL)
        cli_say("%s: %s", file, reason);
    if (t != NULL && t->n == 0) {
        cli_say("%s: nothing is recorded there", file);
        lintel_tape_free(t);
        t = NULL;
    }
    lintel_free(bytes);
    return t;
}

/* The site's bus that was recorded, or that --bus names. */
static const struct lintel_port *
find_bus(const struct replay *r, const char *name)
{
    const char *plugin = lintel_tape_about(r->tape, "plugin");
    if (name == NULL)
        name = lintel_tape_about(r->tape, "bus");
    for (uint32_t i = 0; i < r->site->nbuses; i++) {
        const struct lintel_port *p = &r->site->buses[i];
        if (strcmp(p->name, name) != 0)
            continue;
        if (*plugin == '\0' || strcmp(p->plugin->name, plugin) == 0)
            return p;
        cli_say("%s was recorded from the plugin %s, but the bus \"%s\" runs %s", r->file, plugin,
                name, p->plugin->name);
        return NULL;
    }
    cli_say("the site %s has no bus \"%s\"; say which one by --bus NAME", r->site->dir, name);
    return NULL;
}

static int
run(struct replay *r, const char *dir, const char *bus)
{
    struct lintel_site_reader reader;
    struct lintel_report problems = {0};
    struct lintel_arena *arena = lintel_arena_new();
    char reason[600];
    int status = CLI_FAILED;
    if (arena == NULL || lintel_site_reader_init(&reader, &r->c->paths, dir) != 0) {
        lintel_arena_free(arena);
        cli_say("out of memory");
        return CLI_FAILED;
    }
    r->site = lintel_site_read(&reader.source, &problems);
    if (r->site == NULL)
        say_problems(&problems);
    r->conf = r->site != NULL ? find_bus(r, bus) : NULL;
    if (r->conf != NULL) {
        /* As it was recorded: a serial line's frames are others than those of TCP. */
        const lintel_value *settings =
            lintel_tape_settings(r->tape, r->conf->plugin, arena, &problems);
        /* That is what it was asked for: this process is no hub, and has no device. */
        const lintel_plugin *code =
            lintel_loader_code(reader.loader, r->conf->plugin, 1, reason, sizeof reason);
        if (code == NULL)
            cli_say("plugin \"%s\" can't be run here: %s", r->conf->plugin->name, reason);
        else if (play(r, code, settings != NULL ? settings : r->conf->settings) == 0)
            status = report(r);
        stop(r);
    }
    lintel_site_unref(r->site);
    lintel_site_reader_fini(&reader);
    lintel_report_fini(&problems);
    lintel_arena_free(arena);
    return status;
}

int
cli_replay(struct cli *c)
{
    struct replay r = {.c = c, .quiet = cli_take_flag(c, "--quiet")};
    const char *bus = NULL;
    if (cli_option(c, "--bus", &bus) < 0 || cli_options_left(c))
        return CLI_USAGE;
    if (c->argc < 1 || c->argc > 2) {
        cli_say(
            "replay takes a recording and the folder of a site: lintel replay line-1.pcapng DIR");
        return CLI_USAGE;
    }
    r.file = c->argv[0];
    if ((r.tape = read_tape(r.file)) == NULL)
        return CLI_FAILED;
    r.missed = json_object();
    lintel_log_level(LINTEL_LOG_ERROR); /* what devices did is shown with their values */
    int status = run(&r, c->argc > 1 ? c->argv[1] : "/etc/lintel", bus);
    json_decref(r.missed);
    lintel_tape_free(r.tape);
    lintel_free(r.refreshed);
    return status;
}
