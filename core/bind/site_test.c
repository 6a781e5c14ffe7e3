/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bind/site.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/bind/fake_plugins.h"
#include "core/base/text.h"
#include "tests/kit/kit.h"

static struct lintel_report report;

/* The good site that most tests begin with. */
static const char lintel_yaml[] =
    "hub: { name: plant-7 }\n"
    "buses:\n"
    "  basement:\n"
    "    plugin: fake\n"
    "    host: 127.0.0.1\n"
    "    log: debug\n"
    "  broker: { plugin: pusher, password: 'secret:broker', isolation: 'process:shared' }\n"
    "  line: { plugin: slow, host: /dev/null }\n"
    "transports:\n"
    "  coap: { plugin: serve, listen: ['coap://[::1]:5683'], certificate: hub.pem }\n";
static const char model[] =
    "{ \"info\": {\"title\": \"Energy meter\", \"version\": \"1.0.0\", \"copyright\": \"x\", "
    "\"license\": \"x\"},\n"
    "  \"namespace\": {\"meter\": \"https://example.com/meter\"}, \"defaultNamespace\": "
    "\"meter\",\n"
    "  \"sdfObject\": { \"Meter\": {\n"
    "    \"sdfProperty\": {\n"
    "      \"power\": {\"type\": \"number\", \"unit\": \"W\", \"writable\": false},\n"
    "      \"energy\": {\"type\": \"number\", \"unit\": \"J\", \"writable\": false},\n"
    "      \"exponent\": {\"type\": \"integer\", \"writable\": false},\n"
    "      \"limit\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 100},\n"
    "      \"spare\": {\"type\": \"number\"} },\n"
    "    \"sdfAction\": { \"reset\": {}, \"set\": {\"sdfInputData\": {\"type\": \"integer\"}, "
    "\"sdfOutputData\": {\"type\": \"integer\"}} },\n"
    "    \"sdfEvent\": { \"alarm\": {\"sdfOutputData\": {\"type\": \"integer\"}} } } } }\n";
#define HEAD                                                                                       \
    "info: { title: ACME, version: '1', copyright: x, license: x }\n"                              \
    "namespace: { meter: 'https://example.com/meter' }\n"                                          \
    "defaultNamespace: meter\n"
static const char binding[] = HEAD
    "amend:\n"
    "  - '#/sdfObject/Meter': { 'lintel:device': { fake: { span: 50 } } }\n"
    "  - '#/sdfObject/Meter/sdfProperty/power':\n"
    "      sdfProtocolMap: { fake: { table: input, address: 12, type: f32, poll: 2, deadband: 0.5 "
    "} }\n"
    "  - '#/sdfObject/Meter/sdfProperty/energy':\n"
    "      sdfProtocolMap: { fake: { table: input, address: 72, type: u32, scaleFrom: exponent } "
    "}\n"
    "  - '#/sdfObject/Meter/sdfProperty/exponent':\n"
    "      sdfProtocolMap: { fake: { table: input, address: 74, type: s16, poll: 60, stale: 0 } }\n"
    "  - '#/sdfObject/Meter/sdfProperty/limit':\n"
    "      sdfProtocolMap:\n"
    "        fake: { read: { address: 1, scale: 0.1 }, write: { address: 2, scale: 0.1 } }\n"
    "        pusher: { topic: limit, pointer: /limit }\n"
    "  - '#/sdfObject/Meter/sdfAction/reset': { sdfProtocolMap: { fake: { address: 9 } } }\n"
    "  - '#/sdfObject/Meter/sdfAction/set': { sdfProtocolMap: { fake: { address: 10 } } }\n"
    "  - '#/sdfObject/Meter/sdfEvent/alarm': { sdfProtocolMap: { fake: { address: 11 } } }\n";
static const char things[] =
    "- thingId: main-meter\n"
    "  sdfInstanceOf: { model: acme }\n"
    "  sdfContext: { bus: basement, unit: 1, zone: energy, location: B1/switch room, tags: [elec, "
    "meter] }\n"
    "- thingId: second\n"
    "  sdfInstanceOf: { model: acme }\n"
    "  sdfContext: { bus: basement, unit: 2, span: 7, label: Second meter }\n"
    "- thingId: third\n"
    "  sdfInstanceOf: { model: acme }\n"
    "  sdfContext: { bus: broker }\n";

static const char *
folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    return path;
}

static void
put(const char *site, const char *file, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", site, file);
    kit_write(path, text);
}

static void
put_good(const char *site)
{
    char secret[300];
    put(site, "lintel.yaml", lintel_yaml);
    put(site, "models/meter.sdf.json", model);
    put(site, "bindings/acme.sdf-supplement.yaml", binding);
    put(site, "things/meters.yaml", things);
    snprintf(secret, sizeof secret, "%s/secrets/broker", site);
    chmod(kit_write(secret, "geheim\n"), 0600);
}

/* Recordings are a word each: "fake" is one of that plugin, in which power is 01 34, and 00 0A at
 * second 2. */
static int
player_plugin(const char *file, const void *bytes, size_t n, char *ret, size_t size)
{
    (void)file;
    int known = n == 4 && memcmp(bytes, "fake", 4) == 0;
    (void)lintel_copy(ret, size, known ? "fake" : "this is no recording");
    return known ? 0 : -1;
}

static unsigned plays; /* that have not ended */

static void *
player_play(const struct lintel_play_source *s, struct lintel_report *r)
{
    union {
        const struct lintel_play_source *in;
        void *out;
    } u = {s};
    if (s->settings[0].type != LINTEL_T_INT || s->settings[0].as.i != 3) {
        lintel_error(r, s->place, "unit 3 was recorded");
        return NULL;
    }
    plays++;
    return u.out;
}

static lintel_status
player_value(void *play, uint32_t i, lintel_value *ret, char reason[LINTEL_REASON])
{
    const struct lintel_play_source *s = play;
    if (strcmp(s->profile->bound[i].affordance->name, "power") != 0) {
        (void)lintel_copy(reason, LINTEL_REASON, "the recording does not tell it");
        return LINTEL_E_ADDRESS;
    }
    *ret = (lintel_value){LINTEL_T_BYTES, 2, {.p = s->at == 2 ? "\0\x0a" : "\1\x34"}};
    return LINTEL_OK;
}

static void
player_end(void *play)
{
    (void)play;
    plays--;
}

static const struct lintel_site_player fake_player = {player_plugin, player_play, player_value,
                                                      player_end};

static struct lintel_site *
read_site(const char *site, const struct lintel_site *before, int run_tests)
{
    lintel_report_fini(&report);
    struct lintel_site_source s = {.dir = folder(site),
                                   .plugin = fake_plugin,
                                   .plugin_names = fake_plugin_names,
                                   .before = before,
                                   .run_tests = run_tests,
                                   .player = &fake_player};
    struct lintel_site *ret = lintel_site_read(&s, &report);
    lintel_report_sort(&report);
    return ret;
}

/* All but one, whose name is the context. */
static int
came_with_the_hub(void *ctx, const lintel_plugin *p, const char *file)
{
    (void)file;
    return strcmp(p->name, ctx) != 0;
}

/* Buses, and transports that are not known, get a process of their own unless the site says
 * otherwise. */
static void
where_plugins_run_unless_the_site_says(void)
{
    put_good("whose");
    put("whose", "lintel.yaml",
        "hub: { name: plant-7 }\n"
        "buses:\n"
        "  basement: { plugin: fake, host: 127.0.0.1 }\n"
        "  broker: { plugin: pusher, memory: 64 }\n"
        "  told: { plugin: pusher, isolation: thread }\n"
        "  line: { plugin: slow, host: /dev/null }\n"
        "transports:\n"
        "  coap: { plugin: serve }\n"
        "  caged: { plugin: serve, isolation: process }\n"
        "  inside: { plugin: serve, isolation: thread }\n");
    lintel_report_fini(&report);
    char other[] = "pusher", serve[] = "serve";
    struct lintel_site_source s = {.dir = folder("whose"),
                                   .plugin = fake_plugin,
                                   .plugin_own = came_with_the_hub,
                                   .plugin_ctx = other,
                                   .plugin_names = fake_plugin_names};
    struct lintel_site *site = lintel_site_read(&s, &report);
    REQUIRE(site != NULL && site->nbuses == 4 && site->ntransports == 3);
    CHECK_INT(site->buses[0].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK_INT(site->buses[0].memory, 512);
    CHECK_INT(site->buses[1].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK(site->buses[1].process == NULL);
    CHECK_INT(site->buses[1].memory, 64);
    CHECK_INT(site->buses[2].isolation, LINTEL_ISOLATION_THREAD);
    CHECK_INT(site->buses[3].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK_INT(site->transports[0].isolation, LINTEL_ISOLATION_THREAD);
    CHECK_INT(site->transports[1].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK_INT(site->transports[2].isolation, LINTEL_ISOLATION_THREAD);
    lintel_site_unref(site);
    s.plugin_ctx = serve;
    site = lintel_site_read(&s, &report);
    REQUIRE(site != NULL && site->ntransports == 3);
    CHECK_INT(site->transports[0].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK_INT(site->transports[2].isolation, LINTEL_ISOLATION_THREAD);
    lintel_site_unref(site);
}

static void
print_report(void)
{
    for (uint32_t i = 0; i < report.n; i++)
        printf("  %s:%u:%u: %s\n", report.problems[i].file, report.problems[i].line,
               report.problems[i].column, report.problems[i].text);
}

static const struct lintel_bound *
bound(const struct lintel_profile *p, const char *path)
{
    return lintel_map_get(&p->by_path, path, strlen(path));
}

static void
reads_a_good_site(void)
{
    put_good("good");
    struct lintel_site *site = read_site("good", NULL, 0);
    print_report();
    REQUIRE(site != NULL);
    CHECK_INT(report.n, 0);
    CHECK_STR(site->name, "plant-7");
    REQUIRE(site->nbuses == 3 && site->ntransports == 1 && site->nthings == 3);
    CHECK_STR(site->buses[0].name, "basement");
    CHECK_STR(site->buses[0].settings[0].as.s, "127.0.0.1");
    CHECK_INT(site->buses[0].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK_INT(site->buses[0].log, LINTEL_LOG_DEBUG);
    CHECK_INT(site->buses[0].at.line, 3);
    CHECK_STR(site->buses[1].settings[0].as.s, "geheim");
    CHECK_INT(site->buses[1].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK_STR(site->buses[1].process, "shared");
    CHECK_INT(site->buses[1].log, -1);
    CHECK_INT(site->buses[2].isolation, LINTEL_ISOLATION_PROCESS);
    CHECK(site->buses[2].process == NULL);
    CHECK_STR(site->transports[0].settings[0].as.list[0].as.s, "coap://[::1]:5683");
    const struct lintel_thing *t = &site->things[0];
    CHECK_STR(t->id, "main-meter");
    CHECK_STR(t->zone, "energy");
    CHECK_STR(t->label, "");
    CHECK_STR(t->tags[1], "meter");
    CHECK(t->tags[2] == NULL);
    CHECK_INT(t->settings[0].as.i, 1);
    CHECK_INT(t->settings[1].as.i, 50); /* the binding's */
    CHECK_INT(t[1].settings[1].as.i, 7);
    CHECK_HAS(t->at.file, "good/things/meters.yaml");
    CHECK_INT(t[1].at.line, 4);
    CHECK(t->profile == t[1].profile);
    CHECK(t->profile != t[2].profile);
    lintel_site_unref(site);
}

static void
compiles_a_profile(void)
{
    put_good("good");
    struct lintel_site *site = read_site("good", NULL, 0);
    REQUIRE(site != NULL && site->nthings == 3);
    const struct lintel_profile *p = site->things[0].profile;
    CHECK_STR(p->id, "acme");
    const struct lintel_bound *b = bound(p, "Meter/p/power");
    REQUIRE(b != NULL);
    CHECK_INT(b->mapped, 1);
    CHECK_INT(b->flags, LINTEL_P_READ);
    CHECK_INT(b->poll_ns, 2000000000);
    CHECK_INT(b->stale_ns, 6000000000);
    CHECK_REAL(b->deadband, 0.5);
    CHECK_INT(b->read.addr[0].as.i, 1);
    CHECK_INT(b->read.addr[1].as.i, 12);
    CHECK_INT(lintel_codec_wire_bytes(b->read.codec), 4);
    CHECK(b->write.addr == NULL && b->write.codec == NULL);
    CHECK_INT(b->scale_from, -1);
    b = bound(p, "Meter/p/energy");
    CHECK_STR(p->bound[b->scale_from].affordance->name, "exponent");
    CHECK_INT(b->poll_ns, 10000000000);
    b = bound(p, "Meter/p/exponent");
    CHECK_INT(b->stale_ns, 0);
    b = bound(p, "Meter/p/limit");
    CHECK_INT(b->flags, LINTEL_P_READ | LINTEL_P_WRITE);
    CHECK_INT(b->read.addr[1].as.i, 1);
    CHECK_INT(b->write.addr[1].as.i, 2);
    CHECK_INT(lintel_codec_wire_bytes(b->write.codec), 2); /* holding implies u16 */
    b = bound(p, "Meter/p/spare");
    CHECK_INT(b->mapped, 0);
    CHECK_INT(b->flags, 0);
    CHECK(b->read.addr == NULL);
    b = bound(p, "Meter/a/reset");
    CHECK(b->mapped && b->write.addr != NULL && b->write.codec == NULL && b->read.codec == NULL);
    b = bound(p, "Meter/a/set");
    CHECK(b->write.codec != NULL && b->read.codec != NULL && b->read.addr == b->write.addr);
    b = bound(p, "Meter/e/alarm");
    CHECK_INT(b->flags, LINTEL_P_NOTIFY);
    CHECK(b->read.codec != NULL);
    p = site->things[2].profile;
    b = bound(p, "Meter/p/limit");
    CHECK_INT(b->flags, LINTEL_P_READ | LINTEL_P_WRITE | LINTEL_P_NOTIFY);
    CHECK_INT(b->poll_ns, 0);
    CHECK_INT(b->stale_ns, 0);
    CHECK_INT(bound(p, "Meter/p/power")->mapped, 0);
    lintel_site_unref(site);
}

/* A file of the good site replaced, or one added; what must be said of it. */
struct typo {
    const char *file, *text;
    const char *where; /* the file's end, line and column */
    const char *what;
};
#define AMEND HEAD "amend:\n  - '#/sdfObject/Meter/sdfProperty/power':\n      sdfProtocolMap:\n"
#define THING "- thingId: a\n  sdfInstanceOf: { model: acme }\n"
#define BUS(text)                                                                                  \
    "buses:\n  basement:\n    plugin: fake\n    host: h\n" text "  broker: { plugin: pusher }\n"
static const struct typo typos[] = {
    /* lintel.yaml */
    {"lintel.yaml", "hub: { nmae: x }\n" BUS(""), "lintel.yaml:1:8", "(did you mean \"name\"?)"},
    {"lintel.yaml", "hub: { name: 'a b' }\n" BUS(""), "lintel.yaml:1:14", "SenML names"},
    {"lintel.yaml", "busses: {}\n" BUS(""), "lintel.yaml:1:1",
     "lintel.yaml has no \"busses\" (did you mean \"buses\"?)"},
    {"lintel.yaml", BUS("    hots: x\n"), "lintel.yaml:5:5",
     "a fake bus has no \"hots\" (did you mean \"host\"?)"},
    {"lintel.yaml", BUS("    isolatoin: x\n"), "lintel.yaml:5:5", "(did you mean \"isolation\"?)"},
    {"lintel.yaml", BUS("    memory: 8\n"), "lintel.yaml:5:13", "16 to 1048576"},
    {"lintel.yaml", BUS("    isolation: threat\n"), "lintel.yaml:5:16",
     "(did you mean \"thread\"?)"},
    {"lintel.yaml", BUS("    isolation: 'process:a b'\n"), "lintel.yaml:5:16",
     "behind \"process:\""},
    {"lintel.yaml", BUS("    log: dbug\n"), "lintel.yaml:5:10", "(did you mean \"debug\"?)"},
    {"lintel.yaml", BUS("    port: 70000\n"), "lintel.yaml:5:11",
     "port: \"70000\" is not a whole number from 1 to 65535"},
    {"lintel.yaml", BUS("  extra: { plugin: fkae, host: h }\n"), "lintel.yaml:5:20",
     "(did you mean \"fake\"?)"},
    {"lintel.yaml", BUS("  extra: { host: h }\n"), "lintel.yaml:5:3", "a bus needs \"plugin\""},
    {"lintel.yaml", BUS("  extra: { plugin: fake }\n"), "lintel.yaml:5:3",
     "a fake bus needs \"host\""},
    {"lintel.yaml", BUS("  extra: { plugin: serve }\n"), "lintel.yaml:5:20",
     "belongs under \"transports\""},
    {"lintel.yaml", BUS("  extra:\n"), "lintel.yaml:5:9", "must be a map with a plugin"},
    {"lintel.yaml", BUS("  'a/b': { plugin: pusher }\n"), "lintel.yaml:5:3", "no '/'"},
    {"lintel.yaml", BUS("  extra: { plugin: pusher, password: 'secret:none' }\n"),
     "lintel.yaml:5:38", "there is no"},
    {"lintel.yaml", BUS("") "transports:\n  t: { plugin: fake }\n", "lintel.yaml:7:16",
     "belongs under \"buses\""},
    {"lintel.yaml", BUS("") "transports:\n  t: { plugin: serve, isolation: proces }\n",
     "lintel.yaml:7:34", "(did you mean \"process\"?)"},
    {"lintel.yaml", BUS("") "transports:\n  broker: { plugin: serve }\n", "lintel.yaml:7:3",
     "is taken"},
    {"lintel.yaml", BUS("  basement: { plugin: fake, host: h }\n"), "lintel.yaml:5:3", "twice"},
    {"lintel.yaml", "a: [\n", "lintel.yaml:2:1", ""},
    {"lintel.yaml", "[]\n", "lintel.yaml:1:1", "must be a map"},
    /* things */
    {"things/x.yaml",
     "- thingid: a\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 1 }\n",
     "things/x.yaml:1:3", "a thing has no \"thingid\" (did you mean \"thingId\"?)"},
    {"things/x.yaml",
     "- thingId: a b\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 1 }\n",
     "things/x.yaml:1:12", "\"a b\" can't be a name"},
    {"things/x.yaml",
     "- thingId: _a\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 1 }\n",
     "things/x.yaml:1:12", "the first one a letter or digit"},
    {"things/x.yaml",
     "- thingId: second\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 1 "
     "}\n",
     "things/x.yaml:1:12", "things/meters.yaml:4:12; choose another"},
    {"things/x.yaml",
     "- thingId: a\n  sdfInstanceOf: { model: acmee }\n  sdfContext: { bus: basement, unit: 1 }\n",
     "things/x.yaml:2:27", "(did you mean \"acme\"?)"},
    {"things/x.yaml",
     "- thingId: a\n  sdfInstanceOf: { modle: acme }\n  sdfContext: { bus: basement, unit: 1 }\n",
     "things/x.yaml:2:20", "(did you mean \"model\"?)"},
    {"things/x.yaml", "- thingId: a\n  sdfContext: { bus: basement, unit: 1 }\n",
     "things/x.yaml:1:3", "needs sdfInstanceOf"},
    {"things/x.yaml", THING, "things/x.yaml:1:3", "needs sdfContext"},
    {"things/x.yaml", THING "  sdfContext: { bus: basment, unit: 1 }\n", "things/x.yaml:3:22",
     "no bus \"basment\" (did you mean \"basement\"?)"},
    {"things/x.yaml", THING "  sdfContext: { bus: coap, unit: 1 }\n", "things/x.yaml:3:22",
     "is a transport"},
    {"things/x.yaml", THING "  sdfContext: { bus: basement, unti: 1 }\n", "things/x.yaml:3:32",
     "(did you mean \"unit\"?)"},
    {"things/x.yaml", THING "  sdfContext: { bus: basement, unit: 300 }\n", "things/x.yaml:3:38",
     "from 1 to 247"},
    {"things/x.yaml", THING "  sdfContext: { bus: basement }\n", "things/x.yaml:3:15",
     "needs \"unit\""},
    {"things/x.yaml", THING "  sdfContext: { bus: basement, unit: 1, tags: {a: b} }\n",
     "things/x.yaml:3:47", "list of texts"},
    {"things/x.yaml", "thingId: a\n", "things/x.yaml:1:1", "is a list"},
    {"things/x.yaml", "- just text\n", "things/x.yaml:1:3", "must be a map"},
    /* bindings */
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { tabel: input, address: 1 }\n",
     "acme.sdf-supplement.yaml:7:17", "a fake map has no \"tabel\" (did you mean \"table\"?)"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { address: 1, scael: 2 }\n",
     "acme.sdf-supplement.yaml:7:29", "(did you mean \"scale\"?)"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { address: 1, pol: 2 }\n",
     "acme.sdf-supplement.yaml:7:29", "(did you mean \"poll\"?)"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { address: 1, poll: -2 }\n",
     "acme.sdf-supplement.yaml:7:35", "poll: \"-2\" is not"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { address: 1, type: f33 }\n",
     "acme.sdf-supplement.yaml:7:35", "f3"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { table: inptu, address: 1 }\n",
     "acme.sdf-supplement.yaml:7:24", "(did you mean \"input\"?)"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { table: input }\n",
     "acme.sdf-supplement.yaml:7:9", "a fake map needs \"address\""},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fkae: { address: 1 }\n",
     "acme.sdf-supplement.yaml:7:9", "there is no plugin \"fkae\" (did you mean \"fake\"?)"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { read: { address: 1 }, poll: 3 }\n",
     "acme.sdf-supplement.yaml:7:39", "a map split into read and write has no \"poll\""},
    {"bindings/acme.sdf-supplement.yaml",
     AMEND "        fake: { address: 1, scaleFrom: expnoent }\n", "acme.sdf-supplement.yaml:7:40",
     "(did you mean \"exponent\"?)"},
    {"bindings/acme.sdf-supplement.yaml",
     AMEND "        fake: { address: 1, scaleFrom: exponent }\n", "acme.sdf-supplement.yaml:7:40",
     "is not read over this protocol"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: [1]\n",
     "acme.sdf-supplement.yaml:7:15", "must be a map"},
    {"bindings/acme.sdf-supplement.yaml",
     HEAD "amend:\n  - '#/sdfObject/Meter': { 'lintel:device': { fake: { spna: 5 } } }\n",
     "acme.sdf-supplement.yaml:5:55", "(did you mean \"span\"?)"},
    {"bindings/acme.sdf-supplement.yaml",
     AMEND "        fake: { sdfParameters: { adress: '#/sdfContext/base' } }\n",
     "acme.sdf-supplement.yaml:7:34", "(did you mean \"address\"?)"},
    {"bindings/acme.sdf-supplement.yaml",
     AMEND "        fake: { sdfParameters: { address: base } }\n", "acme.sdf-supplement.yaml:7:43",
     "#/sdfContext/NAME"},
    {"bindings/acme.sdf-supplement.yaml",
     HEAD "amend:\n  - '#/sdfObject/Meter/sdfProperty/powr': { sdfProtocolMap: { fake: { address: "
          "1 } } }\n",
     "acme.sdf-supplement.yaml:5:5", "power"},
    {"bindings/unused.sdf-supplement.yaml", AMEND "        fake: { adress: 1 }\n",
     "unused.sdf-supplement.yaml:7:17", "(did you mean \"address\"?)"},
    {"bindings/meter.sdf-supplement.yaml", binding, "bindings/meter.sdf-supplement.yaml:0:0",
     "the id \"meter\" is taken"},
    {"bindings/acme.sdf-supplement.yaml",
     HEAD "amend:\n  - '#/sdfObject/Meter': { 'lintel:devcie': {} }\n",
     "acme.sdf-supplement.yaml:5:28", "(did you mean \"lintel:device\"?)"},
    {"bindings/acme.sdf-supplement.yaml",
     HEAD "amend:\n  - '#/sdfObject/Meter': { 'lintel:device': { fkae: {} } }\n",
     "acme.sdf-supplement.yaml:5:47", "(did you mean \"fake\"?)"},
    {"bindings/acme.sdf-supplement.yaml", AMEND "        fake: { address: 1 }\nlintel:test: []\n",
     "acme.sdf-supplement.yaml:8:1", "(did you mean \"lintel:tests\"?)"},
    {"bindings/acme.sdf-supplement.yaml",
     AMEND "        fake: { address: 1 }\n      sdfProtocolMpa: {}\n",
     "acme.sdf-supplement.yaml:8:7", "(did you mean \"sdfProtocolMap\"?)"},
    /* models */
    {"models/extra.sdf.json",
     "{ \"sdfObject\": \n { \"A\": { \"sdfProperty\": { \"b\": { \"type\": \"nubmer\" } } } } }",
     "extra.sdf.json:2:", "number"},
    {"models/extra.sdf.json", "{ \"sdfObject\": ", "extra.sdf.json:", "is not closed"},
    {"models/a b.sdf.json", "{}", "a b.sdf.json:0:0", "is an id"},
};

static int
is_reported(const struct typo *t)
{
    for (uint32_t i = 0; i < report.n; i++) {
        char where[600];
        snprintf(where, sizeof where, "%s:%u:%u", report.problems[i].file, report.problems[i].line,
                 report.problems[i].column);
        if (strstr(where, t->where) != NULL && strstr(report.problems[i].text, t->what) != NULL)
            return 1;
    }
    return 0;
}

static void
finds_planted_typos(void)
{
    for (size_t i = 0; i < LINTEL_COUNT(typos); i++) {
        char site[32];
        snprintf(site, sizeof site, "typo%zu", i);
        put_good(site);
        put(site, typos[i].file, typos[i].text);
        struct lintel_site *got = read_site(site, NULL, 0);
        if (!CHECK(got == NULL) || !CHECK(is_reported(&typos[i]))) {
            printf("  typo %zu: wanted %s: %s; got\n", i, typos[i].where, typos[i].what);
            print_report();
        }
        lintel_site_unref(got);
    }
}

static void
tells_all_problems_at_once(void)
{
    put_good("many");
    put("many", "lintel.yaml", BUS("    hots: x\n    prot: 1\n"));
    put("many", "things/x.yaml", "- thingid: a\n- thingId: b\n  sdfContext: { buss: basement }\n");
    put("many", "bindings/acme.sdf-supplement.yaml",
        AMEND "        fake: { tabel: 1, addres: 2 }\n");
    CHECK(read_site("many", NULL, 0) == NULL);
    static const struct typo wanted[] = {
        {NULL, NULL, "lintel.yaml:5:5", "hots"},
        {NULL, NULL, "lintel.yaml:6:5", "prot"},
        {NULL, NULL, "x.yaml:1:3", "thingid"},
        {NULL, NULL, "x.yaml:2:3", "sdfInstanceOf"},
        {NULL, NULL, "x.yaml:3:17", "\"buss\" (did you mean \"bus\"?)"},
        {NULL, NULL, "yaml:7:17", "tabel"},
        {NULL, NULL, "yaml:7:27", "addres"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(wanted); i++)
        if (!CHECK(is_reported(&wanted[i])))
            print_report();
}

static void
missing_folders_are_fine(void)
{
    put("bare", "lintel.yaml", "");
    struct lintel_site *site = read_site("bare", NULL, 0);
    REQUIRE(site != NULL);
    CHECK_INT(report.n, 0);
    CHECK_INT(site->nthings + site->nbuses, 0);
    CHECK_STR(site->name, "hub");
    lintel_site_unref(site);
    CHECK(read_site("nowhere", NULL, 0) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].text, "a site is a folder with a lintel.yaml in it");
}

static void
skips_and_warns(void)
{
    put_good("odd");
    put("odd", "things/.hidden.yaml", "nonsense: [");
    put("odd", "things/meters.yaml~", "nonsense: [");
    put("odd", "things/notes.txt", "nonsense: [");
    put("odd", "things/sub/more.yaml", "nonsense: [");
    put("odd", "things/empty.yaml", "");
    put("odd", "bindings/other.yaml", "nonsense: [");
    char link[600];
    put("odd", "elsewhere",
        "- { thingId: linked, sdfInstanceOf: { model: acme }, sdfContext: { bus: basement, unit: 9 "
        "} }\n");
    snprintf(link, sizeof link, "%s/things/linked.yaml", folder("odd"));
    REQUIRE(symlink("../elsewhere", link) == 0);
    struct lintel_site *site = read_site("odd", NULL, 0);
    REQUIRE(site != NULL);
    CHECK_INT(report.warnings, 3);
    CHECK_INT(site->nthings, 4);
    CHECK_STR(site->things[0].id, "linked");
    lintel_site_unref(site);
    unlink(link);
    REQUIRE(symlink("linked.yaml", link) == 0); /* to itself */
    CHECK(read_site("odd", NULL, 0) == NULL);
    CHECK_INT(report.errors, 1);
    unlink(link);
    REQUIRE((site = read_site("odd", NULL, 0)) != NULL);
    lintel_site_unref(site);
}

static void
other_plugins_stay_unmapped(void)
{
    put_good("unmapped");
    put("unmapped", "bindings/acme.sdf-supplement.yaml",
        AMEND "        knx: { groupAddress: 1/2/3 }\n        pusher: { topic: x }\n");
    struct lintel_site *site = read_site("unmapped", NULL, 0);
    print_report();
    REQUIRE(site != NULL);
    CHECK_INT(report.warnings, 2); /* knx is not installed; fake has nothing */
    CHECK_INT(bound(site->things[0].profile, "Meter/p/power")->mapped, 0);
    CHECK_INT(bound(site->things[2].profile, "Meter/p/power")->mapped, 1);
    lintel_site_unref(site);
}

static void
an_unchanged_site_is_taken_over(void)
{
    put_good("again");
    struct lintel_site *first = read_site("again", NULL, 0);
    REQUIRE(first != NULL);
    struct lintel_site *second = read_site("again", first, 0);
    REQUIRE(second != NULL);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(first->things[i].profile == second->things[i].profile);
        CHECK(memcmp(first->things[i].digest, second->things[i].digest, 16) == 0);
        CHECK(memcmp(first->buses[i].digest, second->buses[i].digest, 16) == 0);
    }
    /* One setting of one thing, one of one bus. */
    put("again", "things/meters.yaml",
        "- thingId: main-meter\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, "
        "unit: 9 }\n"
        "- thingId: second\n"
        "  sdfInstanceOf: { model: acme }\n"
        "  sdfContext: { bus: basement, unit: 2, span: 7, label: Second meter }\n");
    struct lintel_site *third = read_site("again", second, 0);
    REQUIRE(third != NULL);
    CHECK(third->things[0].profile == second->things[0].profile);
    CHECK(memcmp(third->things[0].digest, second->things[0].digest, 16) != 0);
    CHECK(memcmp(third->things[1].digest, second->things[1].digest, 16) == 0);
    lintel_site_unref(second);
    /* The binding: all of its things, no bus. */
    put("again", "bindings/acme.sdf-supplement.yaml", AMEND "        fake: { address: 1 }\n");
    struct lintel_site *fourth = read_site("again", third, 0);
    REQUIRE(fourth != NULL);
    CHECK(fourth->things[0].profile != third->things[0].profile);
    CHECK(memcmp(fourth->things[1].digest, third->things[1].digest, 16) != 0);
    CHECK(memcmp(fourth->buses[0].digest, third->buses[0].digest, 16) == 0);
    /* A secret: its bus. */
    char path[64];
    snprintf(path, sizeof path, "again/secrets/broker");
    chmod(kit_write(path, "anders"), 0600);
    struct lintel_site *fifth = read_site("again", fourth, 0);
    REQUIRE(fifth != NULL);
    CHECK(memcmp(fifth->buses[1].digest, fourth->buses[1].digest, 16) != 0);
    CHECK(memcmp(fifth->buses[0].digest, fourth->buses[0].digest, 16) == 0);
    CHECK(memcmp(fifth->transports[0].digest, first->transports[0].digest, 16) == 0);
    /* What stands in a transport's file: a renewed certificate. */
    put("again", "hub.pem", "old");
    struct lintel_site *sixth = read_site("again", fifth, 0);
    REQUIRE(sixth != NULL);
    CHECK(memcmp(sixth->transports[0].digest, fifth->transports[0].digest, 16) != 0);
    put("again", "hub.pem", "new");
    struct lintel_site *seventh = read_site("again", sixth, 0);
    REQUIRE(seventh != NULL);
    CHECK(memcmp(seventh->transports[0].digest, sixth->transports[0].digest, 16) != 0);
    CHECK(memcmp(seventh->buses[1].digest, sixth->buses[1].digest, 16) == 0);
    lintel_site_unref(sixth);
    lintel_site_unref(seventh);
    lintel_site_unref(first);
    lintel_site_unref(third);
    lintel_site_unref(fourth);
    lintel_site_unref(fifth);
}

static void
secrets_must_be_secret(void)
{
    put_good("leak");
    char path[600];
    snprintf(path, sizeof path, "%s/secrets/broker", folder("leak"));
    REQUIRE(chmod(path, 0644) == 0);
    CHECK(read_site("leak", NULL, 0) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].file, "lintel.yaml");
    CHECK_INT(report.problems[0].line, 7);
    CHECK_HAS(report.problems[0].text, "chmod 600");
    CHECK(strstr(report.problems[0].text, "geheim") == NULL);
}

static void
parameters_come_from_the_thing(void)
{
    put_good("params");
    put("params", "bindings/acme.sdf-supplement.yaml",
        AMEND "        fake: { type: u16, sdfParameters: { address: '#/sdfContext/base', scale: "
              "'#/sdfObject/Meter/sdfContext/ratio' }, scale: 1 }\n");
    put("params", "things/meters.yaml",
        "- thingId: a\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 1, "
        "base: 100 }\n"
        "- thingId: b\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 2, "
        "base: 200 }\n"
        "- thingId: c\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 3, "
        "base: 100 }\n"
        "- thingId: d\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 3, "
        "base: 100, ratio: 10 }\n");
    struct lintel_site *site = read_site("params", NULL, 0);
    print_report();
    REQUIRE(site != NULL && site->nthings == 4);
    CHECK_INT(bound(site->things[0].profile, "Meter/p/power")->read.addr[1].as.i, 100);
    CHECK_INT(bound(site->things[1].profile, "Meter/p/power")->read.addr[1].as.i, 200);
    CHECK(site->things[0].profile == site->things[2].profile);
    CHECK(site->things[0].profile != site->things[3].profile);
    struct lintel_site *again = read_site("params", site, 0);
    REQUIRE(again != NULL);
    CHECK(again->things[1].profile == site->things[1].profile);
    lintel_site_unref(site);
    lintel_site_unref(again);
    put("params", "things/meters.yaml",
        "- thingId: a\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 1 }\n"
        "- thingId: b\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 2, "
        "base: x }\n"
        "- thingId: c\n  sdfInstanceOf: { model: acme }\n  sdfContext: { bus: basement, unit: 2, "
        "bsae: 1 }\n");
    CHECK(read_site("params", NULL, 0) == NULL);
    static const struct typo wanted[] = {
        {NULL, NULL, "meters.yaml:3:15", "needs the entry \"base\""},
        {NULL, NULL, "acme.sdf-supplement.yaml:7:54", "\"x\" is not a whole number"},
        {NULL, NULL, "meters.yaml:6:15", "see there"},
        {NULL, NULL, "meters.yaml:9:41", "(did you mean \"base\"?)"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(wanted); i++)
        if (!CHECK(is_reported(&wanted[i])))
            print_report();
}

#define TESTS(text)                                                                                \
    AMEND "        fake: { address: 5, type: u16, scale: 0.1, invalid: 65535 }\n"                  \
          "  - '#/sdfObject/Meter/sdfProperty/limit':\n      sdfProtocolMap: { fake: { address: "  \
          "6, scale: 0.1 } }\n"                                                                    \
          "lintel:tests:\n" text

static void
runs_the_tests_of_bindings(void)
{
    put_good("tested");
    put("tested", "bindings/acme.sdf-supplement.yaml",
        TESTS(
            "  - title: a\n    given: { fake: { 5: '01 34' } }\n    expect: { power: 30.8 }\n"
            "  - given: { fake: { 5: FFFF, 6: '00 D2' } }\n    expect: { power: null, limit: 21 }\n"
            "  - write: { limit: 21.5 }\n    sends: { fake: { limit: '00 d7' } }\n"));
    struct lintel_site *site = read_site("tested", NULL, 1);
    print_report();
    CHECK(site != NULL);
    lintel_site_unref(site);
    put("tested", "bindings/acme.sdf-supplement.yaml",
        TESTS("  - given: { fake: { 5: '01 34' } }\n    expect: { power: 308 }\n"
              "  - given: { fake: { 5: '01 34' } }\n    expect: { limit: 1 }\n"
              "  - given: { fake: { 5: '01 3' } }\n    expect: { power: 1 }\n"
              "  - given: { fake: { 5: '01 34' } }\n    expect: { powr: 308 }\n"
              "  - given: { fake: { 5: '01 34' } }\n    expect: { spare: 308 }\n"
              "  - givn: { fake: { 5: '01 34' } }\n    expect: { spare: 308 }\n"
              "  - write: { limit: 21.5 }\n    sends: { fake: { limit: '00 d8' } }\n"
              "  - write: { limit: 70000 }\n    sends: { fake: { limit: '00 d8' } }\n"));
    CHECK(read_site("tested", NULL, 1) == NULL);
    static const struct typo wanted[] = {
        {NULL, NULL, "yaml:12:22", "power: expected 308, got 30.8"},
        {NULL, NULL, "yaml:14:22", "limit: nothing is given for its address"},
        {NULL, NULL, "yaml:16:22", "power: hexadecimal is wanted"},
        {NULL, NULL, "yaml:18:15", "(did you mean \"power\"?)"},
        {NULL, NULL, "yaml:20:15", "\"spare\" is not mapped for fake"},
        {NULL, NULL, "yaml:21:5", "(did you mean \"given\"?)"},
        {NULL, NULL, "yaml:24:29", "limit: expected 00 d8, sends 00 D7"},
        {NULL, NULL, "yaml:26:29", "limit: not sent"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(wanted); i++)
        if (!CHECK(is_reported(&wanted[i])))
            print_report();
    site = read_site("tested", NULL, 0); /* reading alone does not run them */
    CHECK(site != NULL);
    lintel_site_unref(site);
}

static void
replays_recordings(void)
{
    put_good("taped");
    put("taped", "bindings/recordings/a.pcapng", "fake");
    put("taped", "bindings/recordings/b.pcapng", "text");
    put("taped", "bindings/acme.sdf-supplement.yaml",
        TESTS(
            "  - replay: recordings/a.pcapng\n    sdfContext: { unit: 3 }\n    expect: { power: "
            "30.8 }\n"
            "  - { replay: recordings/a.pcapng, at: 2, sdfContext: { unit: 3 }, expect: { power: 1 "
            "} }\n"));
    struct lintel_site *site = read_site("taped", NULL, 1);
    CHECK(site != NULL);
    CHECK_INT(report.warnings, 1); /* of another bus; the folder of recordings is no stranger */
    CHECK_INT(plays, 0);
    lintel_site_unref(site);
    put("taped", "bindings/acme.sdf-supplement.yaml",
        TESTS(
            "  - { replay: recordings/a.pcapng, sdfContext: { unit: 3 }, expect: { power: 31 } }\n"
            "  - { replay: recordings/a.pcapng, sdfContext: { unit: 3 }, expect: { limit: 1 } }\n"
            "  - { replay: recordings/a.pcapng, sdfContext: { unit: 4 }, expect: { power: 1 } }\n"
            "  - { replay: recordings/b.pcapng, expect: { power: 1 } }\n"
            "  - { replay: recordings/c.pcapng, expect: { power: 1 } }\n"
            "  - { replay: [ a ], expect: { power: 1 } }\n"
            "  - { replay: recordings/a.pcapng }\n"
            "  - { replay: recordings/a.pcapng, at: -1, expect: { power: 1 } }\n"
            "  - { replay: recordings/a.pcapng, given: { fake: { 5: 1 } }, expect: { power: 1 } "
            "}\n"));
    CHECK(read_site("taped", NULL, 1) == NULL);
    static const struct typo wanted[] = {
        {NULL, NULL, "yaml:11:", "power: expected 31, got 30.8"},
        {NULL, NULL, "yaml:12:", "limit: the recording does not tell it"},
        {NULL, NULL, "yaml:13:15", "unit 3 was recorded"},
        {NULL, NULL, "yaml:14:15", "b.pcapng: this is no recording"},
        {NULL, NULL, "yaml:15:15", "there is no file"},
        {NULL, NULL, "yaml:16:15", "must be the path of a recording"},
        {NULL, NULL, "yaml:17:15", "needs `expect`"},
        {NULL, NULL, "yaml:18:", "at: must be a number of seconds"},
        {NULL, NULL, "yaml:19:15", "no `given` or `sends`"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(wanted); i++)
        if (!CHECK(is_reported(&wanted[i])))
            print_report();
    CHECK_INT(plays, 0);
}

static void
survives_huge_and_deep_files(void)
{
    put_good("huge");
    char path[600];
    snprintf(path, sizeof path, "%s/things/huge.yaml", folder("huge"));
    FILE *f = fopen(path, "wb");
    REQUIRE(f != NULL && ftruncate(fileno(f), 50 * 1024 * 1024) == 0);
    fclose(f);
    CHECK(read_site("huge", NULL, 0) == NULL);
    REQUIRE(report.n == 1);
    CHECK_HAS(report.problems[0].file, "huge.yaml");
    CHECK_HAS(report.problems[0].text, "larger than 32 MiB");
    unlink(path);
    static char deep[100001];
    memset(deep, '[', sizeof deep - 1);
    put("huge", "things/deep.json", deep);
    CHECK(read_site("huge", NULL, 0) == NULL);
    CHECK_HAS(report.problems[0].text, "nested deeper");
    snprintf(path, sizeof path, "%s/things/deep.json", folder("huge"));
    unlink(path);
    snprintf(path, sizeof path, "%s/things/pipe.yaml", folder("huge"));
    REQUIRE(mkfifo(path, 0600) == 0);
    CHECK(read_site("huge", NULL, 0) == NULL);
    CHECK_HAS(report.problems[0].text, "not a regular file");
}

static void
circles_are_refused(void)
{
    put_good("circle");
    put("circle", "models/loop.sdf.json",
        "{ \"info\": {\"title\": \"x\", \"version\": \"1\", \"copyright\": \"x\", \"license\": "
        "\"x\"},\n"
        "  \"namespace\": {\"l\": \"https://example.com/loop\"}, \"defaultNamespace\": \"l\",\n"
        "  \"sdfObject\": { \"A\": { \"sdfRef\": \"#/sdfObject/B\" }, \"B\": { \"sdfRef\": "
        "\"#/sdfObject/A\" } } }");
    CHECK(read_site("circle", NULL, 0) == NULL);
    CHECK(report.n > 0);
    for (uint32_t i = 0; i < report.n; i++)
        CHECK_HAS(report.problems[i].file, "loop.sdf.json");
}

static void
survives_lack_of_memory(void)
{
    put_good("poor");
    put("poor", "bindings/acme.sdf-supplement.yaml",
        TESTS("  - given: { fake: { 5: '01 34' } }\n    expect: { power: 30.8 }\n"
              "  - write: { limit: 21.5 }\n    sends: { fake: { limit: '00 d7' } }\n"));
    struct lintel_site *before = read_site("poor", NULL, 0);
    REQUIRE(before != NULL);
    uint64_t i = 1;
    for (;; i++) {
        struct lintel_report r = {0};
        struct lintel_site_source s = {.dir = folder("poor"),
                                       .plugin = fake_plugin,
                                       .plugin_names = fake_plugin_names,
                                       .before = i % 2 ? before : NULL,
                                       .run_tests = 1};
        if (i % 3 == 2) /* alone, or with all after it */
            lintel_mem_fail_once(i);
        else
            lintel_mem_fail_at(i);
        struct lintel_site *site = lintel_site_read(&s, &r);
        uint64_t struck = lintel_mem_failures();
        lintel_mem_fail_at(0);
        int whole = site != NULL;
        if (!whole && !CHECK(r.errors > 0))
            printf("  allocation %llu: refused without a reason\n", (unsigned long long)i);
        if (whole && (site->nthings != 3 || site->nbuses != 3))
            CHECK(0 && "a site that is not whole");
        lintel_site_unref(site);
        lintel_report_fini(&r);
        if (struck == 0 || i > 100000)
            break;
    }
    CHECK(i > 100 && i < 100000);
    lintel_site_unref(before);
}

static void
prints_schemas(void)
{
    static const char *const which[] = {"lintel.yaml", "binding", "things"};
    const lintel_plugin *all[8];
    uint32_t n = 0;
    for (const char *const *name = fake_plugin_names(NULL); *name != NULL; name++) {
        const char *file;
        all[n++] = fake_plugin(NULL, *name, (struct lintel_place){0}, &file, NULL);
    }
    for (size_t i = 0; i < LINTEL_COUNT(which); i++) {
        for (uint32_t k = 0; k <= n; k += n) {
            struct lintel_buf out = {0};
            json_error_t error;
            CHECK_INT(lintel_schema_print(which[i], all, k, &out), 0);
            json_t *json = json_loads(lintel_buf_str(&out), JSON_REJECT_DUPLICATES, &error);
            if (!CHECK(json != NULL))
                printf("  %s: %s\n", error.text, lintel_buf_str(&out));
            json_decref(json);
            lintel_buf_fini(&out);
        }
    }
    CHECK_INT(lintel_schema_print("models", all, n, &(struct lintel_buf){0}), -1);
}

/* 1,000 things with 100 affordances each. Said, not judged: a test has no clock; tests/bench has.
 */
static void
reads_100000_points(void)
{
    struct lintel_buf b = {0};
    struct timespec from, to;
    put_good("large");
    lintel_buf_adds(
        &b, "{\"namespace\": {\"l\": \"https://example.com/large\"}, \"defaultNamespace\": \"l\",\n"
            "\"sdfObject\": { \"L\": { \"sdfProperty\": {\n");
    for (int i = 0; i < 100; i++)
        lintel_buf_addf(&b, "%s\"p%d\": {\"type\": \"number\", \"unit\": \"W\"}\n", i ? "," : "",
                        i);
    lintel_buf_adds(&b, "} } } }");
    put("large", "models/large.sdf.json", lintel_buf_str(&b));
    lintel_buf_reset(&b);
    lintel_buf_adds(&b,
                    "namespace: { l: 'https://example.com/large' }\ndefaultNamespace: l\namend:\n");
    for (int i = 0; i < 100; i++)
        lintel_buf_addf(&b,
                        "  - '#/sdfObject/L/sdfProperty/p%d': { sdfProtocolMap: { fake: { table: "
                        "input, address: %d, type: f32 } } }\n",
                        i, i * 2);
    put("large", "bindings/l.sdf-supplement.yaml", lintel_buf_str(&b));
    lintel_buf_reset(&b);
    for (int i = 0; i < 1000; i++)
        lintel_buf_addf(&b,
                        "- { thingId: t%d, sdfInstanceOf: { model: l }, sdfContext: { bus: "
                        "basement, unit: %d } }\n",
                        i, i % 247 + 1);
    put("large", "things/l.yaml", lintel_buf_str(&b));
    lintel_buf_fini(&b);
    clock_gettime(CLOCK_MONOTONIC, &from);
    struct lintel_site *site = read_site("large", NULL, 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    REQUIRE(site != NULL);
    CHECK_INT(site->nthings, 1003);
    CHECK_INT(site->things[0].profile->n, 100); /* l.yaml is before meters.yaml */
    for (uint32_t i = 0; i < 1000; i++)
        CHECK(site->things[i].profile == site->things[0].profile);
    printf("  100,000 points read in %.0f ms\n",
           (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
    lintel_site_unref(site);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_a_good_site),
                                            KIT(where_plugins_run_unless_the_site_says),
                                            KIT(compiles_a_profile),
                                            KIT(finds_planted_typos),
                                            KIT(tells_all_problems_at_once),
                                            KIT(missing_folders_are_fine),
                                            KIT(skips_and_warns),
                                            KIT(other_plugins_stay_unmapped),
                                            KIT(an_unchanged_site_is_taken_over),
                                            KIT(secrets_must_be_secret),
                                            KIT(parameters_come_from_the_thing),
                                            KIT(runs_the_tests_of_bindings),
                                            KIT(replays_recordings),
                                            KIT(survives_huge_and_deep_files),
                                            KIT(circles_are_refused),
                                            KIT(survives_lack_of_memory),
                                            KIT(prints_schemas),
                                            KIT(reads_100000_points),
                                            {0}};
    return kit_main("site", tests, argc, argv);
}
