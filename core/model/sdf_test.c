/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/sdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "lintel/plugin.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define HEAD "info: {title: t, version: '1', license: Apache-2.0}\n"
#define NS "namespace: {x: 'https://x.example/m'}\ndefaultNamespace: x\n"

static struct lintel_models *models;
static struct lintel_report report;
static struct lintel_buf said;

static void
start(void)
{
    models = lintel_models_new();
}

static void
stop(void)
{
    lintel_models_free(models);
    lintel_report_fini(&report);
    lintel_buf_fini(&said);
}

/* All problems so far as one text; they are forgotten. */
static const char *
problems(void)
{
    lintel_report_sort(&report);
    lintel_buf_reset(&said);
    for (uint32_t i = 0; i < report.n; i++)
        lintel_buf_addf(&said, "%s:%u:%u: %s%s\n", report.problems[i].file, report.problems[i].line,
                        report.problems[i].column,
                        report.problems[i].severity == LINTEL_PROBLEM_WARNING ? "warning: " : "",
                        report.problems[i].text);
    lintel_report_fini(&report);
    return lintel_buf_str(&said);
}

static int
add(const char *id, const char *text)
{
    char file[64];
    snprintf(file, sizeof file, "%s.sdf.json", id);
    struct lintel_doc *doc = lintel_doc_parse(file, text, strlen(text), &report);
    return doc == NULL ? -2 : lintel_models_add(models, id, doc, &report);
}

static int
supplement(const char *id, const char *text)
{
    char file[64];
    snprintf(file, sizeof file, "%s.sup.yaml", id);
    struct lintel_doc *doc = lintel_doc_parse(file, text, strlen(text), &report);
    return doc == NULL ? -2 : lintel_models_add_supplement(models, id, doc, &report);
}

static struct lintel_model *
resolve(const char *name)
{
    return lintel_models_resolve(models, name, (struct lintel_place){"things.yaml", 3, 9}, &report);
}

static const char meter[] =
    "{ \"info\": {\"title\": \"Energy meter\", \"version\": \"1.0.0\", \"license\": "
    "\"Apache-2.0\"},\n"
    "  \"namespace\": {\"meter\": \"https://example.com/models/meter\"}, \"defaultNamespace\": "
    "\"meter\",\n"
    "  \"sdfObject\": { \"EnergyMeter\": { \"sdfProperty\": {\n"
    "    \"activePower\":  {\"type\": \"number\", \"unit\": \"W\",  \"writable\": false},\n"
    "    \"energyImport\": {\"type\": \"number\", \"unit\": \"J\",  \"writable\": false} } } } }\n";

static const char acme[] =
    "info: { title: \"ACME EM-1 over Modbus\", version: \"1.0.0\" }\n"
    "namespace: { meter: \"https://example.com/models/meter\" }\n"
    "defaultNamespace: meter\n"
    "amend:\n"
    "  - \"#/sdfObject/EnergyMeter/sdfProperty/activePower\":\n"
    "      sdfProtocolMap: { modbus: { table: input, address: 12, type: f32, poll: 2 } }\n"
    "  - \"#/sdfObject/EnergyMeter\": { \"lintel:device\": { modbus: { maxRegisters: 50 } } }\n"
    "lintel:tests:\n"
    "  - expect: { activePower: null }\n";

static void
reads_a_model(void)
{
    start();
    CHECK_INT(add("energy-meter", meter), 0);
    struct lintel_model *m = resolve("energy-meter");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    CHECK_STR(m->id, "energy-meter");
    CHECK_STR(m->title, "Energy meter");
    CHECK_STR(m->version, "1.0.0");
    CHECK_STR(m->namespace_uri, "https://example.com/models/meter");
    CHECK_INT(m->n, 2);
    const struct lintel_affordance *a = &m->affordances[0];
    CHECK_STR(a->path, "EnergyMeter/p/activePower");
    CHECK_STR(a->senml, "EnergyMeter/activePower");
    CHECK_STR(a->name, "activePower");
    CHECK_STR(a->pointer, "/sdfObject/EnergyMeter/sdfProperty/activePower");
    CHECK_STR(a->global,
              "https://example.com/models/meter#/sdfObject/EnergyMeter/sdfProperty/activePower");
    CHECK_INT(a->kind, LINTEL_K_PROPERTY);
    CHECK_INT(a->readable, 1);
    CHECK_INT(a->writable, 0);
    CHECK_INT(a->observable, 1);
    CHECK_INT(a->data->kind, LINTEL_DATA_NUMBER);
    CHECK_STR(a->data->unit, "W");
    CHECK(a->protocol_map == NULL);
    CHECK_INT(a->at.line, 4);
    CHECK_INT(a->at.column, 5);
    CHECK(lintel_model_find(m, "energyImport") == &m->affordances[1]);
    CHECK(lintel_model_find(m, "EnergyMeter/p/energyImport") == &m->affordances[1]);
    CHECK(lintel_model_find(m, "x") == NULL);
    struct lintel_model *again = resolve("energy-meter");
    CHECK(again == m);
    stop();
    CHECK_STR(m->affordances[1].name, "energyImport"); /* outlives the set */
    lintel_model_unref(again);
    lintel_model_unref(m);
}

static void
applies_a_supplement(void)
{
    start();
    CHECK_INT(supplement("acme-em1", acme), 0);
    CHECK_INT(add("energy-meter", meter), 0);
    struct lintel_model *m = resolve("acme-em1");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    CHECK_STR(m->title, "ACME EM-1 over Modbus");
    CHECK_STR(m->file, "acme-em1.sup.yaml");
    const struct lintel_affordance *a = lintel_model_find(m, "activePower");
    REQUIRE(a != NULL && a->protocol_map != NULL);
    CHECK_STR(a->map_doc->file, "acme-em1.sup.yaml");
    CHECK_STR(a->at.file, "energy-meter.sdf.json");
    const struct lintel_node *modbus = lintel_node_get(a->protocol_map, "modbus");
    struct lintel_place at = lintel_node_place(a->map_doc, lintel_node_get(modbus, "address"));
    CHECK_INT(at.line, 6);
    CHECK_INT(at.column, 58);
    CHECK(lintel_model_find(m, "energyImport")->protocol_map == NULL);
    const struct lintel_node *device =
        lintel_model_extra(m, "/sdfObject/EnergyMeter/lintel:device");
    REQUIRE(device != NULL);
    CHECK_STR(lintel_model_doc(m, device)->file, "acme-em1.sup.yaml");
    const struct lintel_node *tests = lintel_model_extra(m, "/lintel:tests");
    REQUIRE(tests != NULL);
    CHECK(lintel_node_is_null(
        lintel_node_get(lintel_node_get(tests->child, "expect"), "activePower")));
    CHECK(lintel_model_extra(m, "/lintel:none") == NULL);
    const struct lintel_node *log = lintel_model_extra(m, "/info/augmentationLog/0");
    REQUIRE(log != NULL);
    CHECK_STR(log->text.p, "acme-em1");
    CHECK_STR(lintel_model_extra(m, "/info/originalSdfModel")->text.p,
              "https://example.com/models/meter");
    lintel_model_unref(m);
    stop();
}

/* The older form, a map; and steps that build on one another. */
static void
applies_in_order(void)
{
    start();
    CHECK_INT(add("m", HEAD NS "sdfObject: {O: {sdfProperty: {a: {type: number, minimum: 1}}}}\n"),
              0);
    CHECK_INT(supplement("old",
                         HEAD NS "map:\n"
                                 "  '#/sdfObject/O/sdfProperty': {b: {type: boolean}}\n"
                                 "  '#/sdfObject/O/sdfProperty/b': {label: B, type: string}\n"
                                 "  '#/sdfObject/O/sdfProperty/a': {minimum: null}\n"),
              0);
    struct lintel_model *m = resolve("old");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL && m->n == 2);
    CHECK_STR(lintel_model_find(m, "b")->label, "B");
    CHECK_INT(lintel_model_find(m, "b")->data->kind, LINTEL_DATA_STRING);
    CHECK_INT(lintel_model_find(m, "a")->data->flags & LINTEL_DATA_MIN, 0);
    lintel_model_unref(m);
    CHECK_INT(supplement("wrong",
                         HEAD NS "amend:\n"
                                 "  - '#/sdfObject/O/sdfProperty/c': {label: C}\n"
                                 "  - '#/sdfObject/O/sdfProperty': {c: {type: boolean}}\n"),
              0);
    CHECK(resolve("wrong") == NULL);
    CHECK_STR(problems(),
              "wrong.sup.yaml:5:5: there is no \"c\" in \"#/sdfObject/O/sdfProperty\" (did you "
              "mean \"a\"?)\n");
    stop();
}

/* References in a Supplement: its own prefixes, and what is being amended. A Supplement goes before
 * a model of the same id. */
static void
follows_references_of_supplements(void)
{
    start();
    CHECK_INT(add("m", HEAD NS "sdfObject: {O: {sdfData: {d: {type: integer, unit: s}}, "
                               "sdfProperty: {a: {label: A}}}}\n"),
              0);
    CHECK_INT(add("lib", HEAD
                  "namespace: {l: 'https://l.example/'}\ndefaultNamespace: l\n"
                  "sdfProperty: {t: {type: number, unit: Cel, sdfProtocolMap: {fake: {n: 1}}}}\n"),
              0);
    CHECK_INT(supplement(
                  "m", HEAD
                  "namespace: {x: 'https://x.example/m', lib: 'https://l.example/'}\n"
                  "defaultNamespace: x\n"
                  "amend:\n"
                  "  - '#/sdfObject/O/sdfProperty/a': {sdfRef: 'lib:#/sdfProperty/t', maximum: 9}\n"
                  "  - '#/sdfObject/O/sdfProperty': {b: {sdfRef: '#/sdfObject/O/sdfData/d'}}\n"),
              0);
    struct lintel_model *m = resolve("m");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL && m->n == 2);
    const struct lintel_affordance *a = lintel_model_find(m, "a"), *b = lintel_model_find(m, "b");
    CHECK_STR(a->label, "A");
    CHECK_STR(a->data->unit, "Cel");
    CHECK_REAL(a->data->max, 9);
    REQUIRE(a->protocol_map != NULL);
    CHECK_STR(a->map_doc->file, "lib.sdf.json");
    CHECK_STR(b->data->unit, "s");
    CHECK_STR(b->at.file, "m.sup.yaml");
    lintel_model_unref(m);
    stop();
}

/* Things of two models in one device; groups that are not amended are not the device's. */
static void
joins_models(void)
{
    start();
    CHECK_INT(
        add("a", HEAD NS "sdfObject: {A: {sdfProperty: {a: {}}}, Other: {sdfProperty: {o: {}}}}\n"),
        0);
    CHECK_INT(add("b", HEAD "namespace: {y: 'https://y.example/'}\ndefaultNamespace: y\n"
                            "sdfObject: {B: {sdfProperty: {b: {}}}}\n"),
              0);
    CHECK_INT(supplement("both",
                         HEAD "namespace: {x: 'https://x.example/m', y: 'https://y.example/'}\n"
                              "defaultNamespace: x\n"
                              "amend:\n"
                              "  - '#/sdfObject/A/sdfProperty/a': {label: L}\n"
                              "    'y:#/sdfObject/B/sdfProperty/b': {label: M}\n"),
              0);
    struct lintel_model *m = resolve("both");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    CHECK_INT(m->n, 2);
    CHECK_STR(lintel_model_find(m, "b")->label, "M");
    CHECK_STR(lintel_model_find(m, "b")->global, "https://y.example/#/sdfObject/B/sdfProperty/b");
    lintel_model_unref(m);
    m = resolve("https://x.example/m#/sdfObject/Other");
    REQUIRE(m != NULL);
    CHECK_INT(m->n, 1);
    CHECK_STR(m->affordances[0].name, "o");
    lintel_model_unref(m);
    m = resolve("https://x.example/m");
    REQUIRE(m != NULL);
    CHECK_INT(m->n, 2);
    lintel_model_unref(m);
    stop();
}

static void
follows_references(void)
{
    start();
    CHECK_INT(add("cap", "info: {title: Switch}\n"
                         "namespace: {cap: 'https://example.com/capability/cap'}\n"
                         "defaultNamespace: cap\n"
                         "sdfObject:\n"
                         "  Switch:\n"
                         "    sdfRequired: ['#/sdfObject/Switch/sdfProperty/value']\n"
                         "    sdfProperty: {value: {type: boolean, description: d}}\n"
                         "    sdfAction: {on: {}, off: {}, toggle: {}}\n"),
              0);
    CHECK_INT(add("basic", "info: {title: Basic}\n"
                           "namespace: {cap: 'https://example.com/capability/cap',\n"
                           "            me: 'https://me.example/x#'}\n"
                           "defaultNamespace: me\n"
                           "sdfObject:\n"
                           "  BasicSwitch:\n"
                           "    sdfRef: 'cap:#/sdfObject/Switch'\n"
                           "    sdfAction: {toggle: null}\n"
                           "    sdfProperty: {value: {label: V}}\n"
                           "  Copy: {sdfProperty: {v: {sdfRef: "
                           "'#/sdfObject/BasicSwitch/sdfProperty/value', type: integer}}}\n"),
              0);
    struct lintel_model *m = resolve("basic");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    struct lintel_buf json = {0};
    lintel_node_json(lintel_model_extra(m, "/sdfObject"), &json);
    CHECK_STR(
        lintel_buf_str(&json),
        "{\"BasicSwitch\":{\"sdfRequired\":[\"#/sdfObject/Switch/sdfProperty/value\"],"
        "\"sdfProperty\":{\"value\":{\"type\":\"boolean\",\"description\":\"d\",\"label\":\"V\"}},"
        "\"sdfAction\":{\"on\":{},\"off\":{}}},"
        "\"Copy\":{\"sdfProperty\":{\"v\":{\"label\":\"V\",\"type\":\"integer\"}}}}");
    lintel_buf_fini(&json);
    CHECK_INT(lintel_model_find(m, "value")->required, 1);
    CHECK_INT(lintel_model_find(m, "on")->required, 0);
    CHECK_STR(lintel_model_find(m, "on")->global,
              "https://me.example/x#/sdfObject/BasicSwitch/sdfAction/on");
    CHECK_STR(lintel_model_find(m, "on")->at.file, "cap.sdf.json");
    lintel_model_unref(m);
    stop();
}

struct bad {
    const char *text, *reason;
};

static void
refuses_bad_references(void)
{
    static const struct bad bad[] = {
        {"sdfData: {a: {sdfRef: '#/sdfData/a'}}",
         ":4:23: the reference \"#/sdfData/a\" leads back"},
        {"sdfData: {a: {sdfRef: '#/sdfData/b'}, b: {sdfRef: '#/sdfData/a'}}",
         "leads back to itself"},
        {"sdfObject: {A: {sdfData: {d: {sdfRef: '#/sdfObject/A'}}}}", "leads back to itself"},
        {"sdfData: {alpha: {}, b: {sdfRef: '#/sdfData/alpa'}}",
         ":4:34: there is no \"alpa\" in \"#/sdfData\" (did you mean \"alpha\"?)"},
        {"sdfData: {b: {sdfRef: 'q:#/sdfData/alpa'}}", "\"q\" is no prefix"},
        {"sdfData: {b: {sdfRef: 'y:#/sdfData/a'}}",
         "no model has the namespace https://y.example/m"},
        {"sdfData: {b: {sdfRef: '#'}}", "not a whole document"},
        {"sdfData: {b: {sdfRef: '#/sdfData/~2'}}", "is no name like"},
        {"sdfData: {b: {sdfRef: true}}", "\"sdfRef\" takes a name"},
        {"sdfObject: {O: {sdfProperty: {p: {sdfRef: '#/sdfObject'}}}}", "leads back to itself"},
        {"sdfData: {d: {const: 1, 'x:y': {type: 5}}}\n"
         "sdfObject: {O: {sdfProperty: {p: {sdfRef: '#/sdfData/d/x:y'}}}}",
         "\"type\" takes a text"},
        {"sdfObject: {O: {sdfRequired: [nothing]}}",
         "names \"nothing\", which is not in this group"},
        {"sdfObject: {O: {sdfRequired: ['#/sdfObject/O/sdfProperty/x'], sdfProperty: {y: {}}}}",
         "there is no \"x\" in"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        struct lintel_buf text = {0};
        start();
        lintel_buf_addf(&text, "%s", HEAD);
        lintel_buf_adds(&text, "namespace: {x: 'https://x.example/m', y: 'https://y.example/m'}\n"
                               "defaultNamespace: x\n");
        lintel_buf_adds(&text, bad[i].text);
        int added = add("m", lintel_buf_str(&text));
        CHECK(added != 0 || resolve("m") == NULL);
        CHECK_HAS(problems(), bad[i].reason);
        lintel_buf_fini(&text);
        stop();
    }
}

/* Each definition refers to the one before it twice: 2^40 nodes. */
static void
refuses_what_explodes(void)
{
    struct lintel_buf text = {0};
    start();
    lintel_buf_adds(&text, HEAD NS "sdfData:\n  d0: {type: object, properties: {}}\n");
    for (int i = 1; i <= 25; i++)
        lintel_buf_addf(&text,
                        "  d%d: {type: object, properties: {a: {sdfRef: '#/sdfData/d%d'}, "
                        "b: {sdfRef: '#/sdfData/d%d'}}}\n",
                        i, i - 1, i - 1);
    CHECK_INT(add("m", lintel_buf_str(&text)), 0);
    CHECK(resolve("m") == NULL);
    CHECK_HAS(problems(), "expand to more than 2000000 values");
    /* A long chain is deep. */
    lintel_buf_reset(&text);
    lintel_buf_adds(&text, HEAD NS "sdfData:\n  d0: {type: number}\n");
    for (int i = 1; i <= 200; i++)
        lintel_buf_addf(&text, "  d%d: {sdfRef: '#/sdfData/d%d'}\n", i, i - 1);
    CHECK_INT(add("m", lintel_buf_str(&text)), 0);
    CHECK(resolve("m") == NULL);
    CHECK_HAS(problems(), "go deeper than 64 levels");
    lintel_buf_fini(&text);
    stop();
}

static void
finds_planted_typos(void)
{
    static const struct bad bad[] = {
        {"sdfObject: {O: {sdfProperty: {p: {typ: number}}}}",
         "m.sdf.json:4:35: unknown quality \"typ\" (did you mean \"type\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {writeable: false}}}}", "(did you mean \"writable\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {type: nmber}}}}",
         "m.sdf.json:4:41: unknown type \"nmber\" (did you mean \"number\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {unit: Celsius}}}}",
         "m.sdf.json:4:41: unknown unit \"Celsius\" (did you mean \"Cel\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {unit: kwh}}}}", "(did you mean \"kWh\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {unit: furlong}}}}", "unknown unit \"furlong\"; take"},
        {"sdfObjct: {}", "unknown quality \"sdfObjct\" (did you mean \"sdfObject\"?)"},
        {"sdfObject: {O: {sdfPropertys: {}}}", "(did you mean \"sdfProperty\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {writable: 'false'}}}}", "takes true or false"},
        {"sdfObject: {O: {sdfProperty: {p: {minimum: low}}}}", "\"minimum\" takes a number"},
        {"sdfObject: {O: {sdfProperty: {p: {minimum: 5, maximum: 4}}}}", "no number lies between"},
        {"sdfObject: {O: {sdfProperty: {p: {enum: [1]}}}}", "\"enum\" takes texts only"},
        {"sdfObject: {O: {sdfProperty: {p: {enum: [a, b, a]}}}}", "\"a\" stands twice"},
        {"sdfObject: {O: {sdfProperty: {p: {pattern: 'a(?=b)'}}}}",
         "groups that begin with (? are not supported"},
        {"sdfObject: {O: {sdfProperty: {p: {type: integer, const: 1.5}}}}",
         "1.5 is not an integer"},
        {"sdfObject: {O: {sdfProperty: {'a:b': {}}}}", "the name \"a:b\" can't be"},
        {"sdfObject: {O: {sdfProperty: [a]}}", "\"sdfProperty\" takes a map"},
        {"sdfObject: {O: {sdfObject: {}}}", "\"sdfObject\" can't stand here"},
        {"sdfObject: {O: {sdfProperty: {p: {format: datetime}}}}", "(did you mean \"date-time\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {type: object, properties: {abc: {}}, required: "
         "[abd]}}}}",
         "\"properties\" has no \"abd\" (did you mean \"abc\"?)"},
        {"sdfObject: {O: {sdfProperty: {p: {sdfChoice: {a: {typ: string}}}}}}", "\"typ\""},
        {"sdfObject: {O: {sdfAction: {a: {sdfInputDate: {}}}}}",
         "(did you mean \"sdfInputData\"?)"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        struct lintel_buf text = {0};
        start();
        lintel_buf_addf(&text, "%s%s%s\n", HEAD, NS, bad[i].text);
        CHECK_INT(add("m", lintel_buf_str(&text)), -1);
        CHECK_HAS(problems(), bad[i].reason);
        lintel_buf_fini(&text);
        stop();
    }
    start();
    CHECK_INT(add("m", "info: {features: [teleport]}\n"), -1);
    CHECK_HAS(problems(), "feature \"teleport\", which is not known");
    CHECK_INT(add("m", HEAD "namespace: {meter: 'https://x'}\ndefaultNamespace: metr\n"), -1);
    CHECK_HAS(
        problems(),
        "m.sdf.json:3:19: the namespace map has no prefix \"metr\" (did you mean \"meter\"?)");
    stop();
}

static void
warns(void)
{
    start();
    CHECK_INT(add("m",
                  "sdfObject: {O: {sdfProperty: {p: {colourfulness: 1, 'acme:x': 2, $comment: c,\n"
                  "  type: integer, default: x}}, unit: W}}\n"),
              0);
    const char *text = problems();
    CHECK_HAS(text, "m.sdf.json:1:1: warning: no \"info\"");
    CHECK_HAS(text, "1:35: warning: unknown quality \"colourfulness\"");
    CHECK_HAS(text, "warning: \"unit\" means nothing here");
    CHECK_HAS(text, "2:27: warning: \"default\" does not fit: \"x\" is not an integer");
    CHECK(strstr(text, "acme:x") == NULL && strstr(text, "comment") == NULL);
    struct lintel_model *m = resolve("m");
    CHECK(m != NULL);
    CHECK_STR(problems(), ""); /* once is enough */
    lintel_model_unref(m);
    stop();
}

static void
finds_typos_in_supplements(void)
{
    static const struct bad bad[] = {
        {"amend: [{'#/sdfObject/EnergyMetr/sdfProperty/a': {}}]",
         "(did you mean \"EnergyMeter\"?)"},
        {"amend: [{'#/sdfObject/EnergyMeter/sdfProperty/activePowr': {}}]",
         "there is no \"activePowr\" in \"#/sdfObject/EnergyMeter/sdfProperty\" (did you mean "
         "\"activePower\"?)"},
        {"amend: [{'#/sdfObject/EnergyMeter/sdfPropertie/a': {}}]",
         "\"sdfPropertie\" can't stand there (did you mean \"sdfProperty\"?)"},
        {"amend: [{'#/sdfObject/EnergyMeter/sdfProperty/activePower': {sdfProtocolMpa: {}}}]",
         "(did you mean \"sdfProtocolMap\"?)"},
        {"amnd: []", "(did you mean \"amend\"?)"},
        {"{}", "\"amend\" is missing"},
        {"amend: {}", "\"amend\" takes a list"},
        {"amend: [1]", "\"amend\" takes a list of maps"},
        {"amend: []\nmap: {}", "can't stand beside each other"},
        {"amend: []", "nothing is amended"},
        {"amend: [{'#/sdfObject/EnergyMeter': 5}]", "an amendment takes a map"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        struct lintel_buf text = {0};
        start();
        CHECK_INT(add("energy-meter", meter), 0);
        if (bad[i].text[0] != '{')
            lintel_buf_adds(&text, HEAD "namespace: {m: 'https://example.com/models/meter'}\n"
                                        "defaultNamespace: m\n");
        lintel_buf_adds(&text, bad[i].text);
        int added = supplement("s", lintel_buf_str(&text));
        CHECK(added != 0 || resolve("s") == NULL);
        CHECK_HAS(problems(), bad[i].reason);
        lintel_buf_fini(&text);
        stop();
    }
    start();
    CHECK_INT(add("energy-meter", meter), 0);
    CHECK_INT(supplement("acme-em1", HEAD "amend: [{'#/sdfObject/X': {}}]\n"), 0);
    CHECK(resolve("acme-em1") == NULL);
    CHECK_HAS(problems(), "no \"defaultNamespace\"");
    CHECK(resolve("acme-em") == NULL);
    CHECK_STR(
        problems(),
        "things.yaml:3:9: no model and no binding \"acme-em\" (did you mean \"acme-em1\"?)\n");
    CHECK(resolve("https://example.com/models/metr") == NULL);
    CHECK_HAS(problems(), "(did you mean \"https://example.com/models/meter\"?)");
    CHECK(resolve("https://example.com/models/meter#/sdfObject/EnergyMetr") == NULL);
    CHECK_HAS(problems(), "(did you mean \"EnergyMeter\"?)");
    CHECK(resolve("https://example.com/models/meter#/sdfData/x") == NULL);
    CHECK(problems()[0] != '\0');
    const char *const *ids = lintel_models_ids(models);
    CHECK_STR(ids[0], "acme-em1");
    CHECK_STR(ids[1], "energy-meter");
    CHECK(ids[2] == NULL);
    stop();
}

static void
says_what_is_defined_twice(void)
{
    start();
    CHECK_INT(add("a", HEAD NS "sdfObject: {O: {}}\n"), 0);
    CHECK_INT(add("b", HEAD NS "sdfObject: {O: {}}\n"), 0);
    CHECK(resolve("https://x.example/m#/sdfObject/O") == NULL);
    CHECK_HAS(problems(), "is defined twice: in a.sdf.json and in b.sdf.json");
    CHECK_INT(add("b", HEAD NS "sdfObject: {P: {}}\n"), 0); /* the same id again replaces */
    struct lintel_model *m = resolve("https://x.example/m#/sdfObject/O");
    CHECK(m != NULL);
    lintel_model_unref(m);
    stop();
}

static void
makes_paths(void)
{
    static const struct {
        const char *pointer, *path, *senml;
    } expected[] = {
        {"/sdfThing/house/sdfObject/p/sdfProperty/p", "house/~p/p/p", "house/p/p"},
        {"/sdfThing/house/sdfObject/12/sdfEvent/e", "house/~12/e/e", "house/12/e"},
        {"/sdfThing/house/sdfThing/flat/sdfAction/a-b", "house/flat/a/a-b", "house/flat/a-b"},
        {"/sdfThing/house/sdfProperty/own_x.y", "house/p/own_x5Fx.y", "house/own_x5Fx.y"},
        {"/sdfObject/td/sdfProperty/warning~1danger alarm", "~td/p/warning_x2Fdanger_x20alarm",
         "td/warning_x2Fdanger_x20alarm"},
        {"/sdfObject/td/sdfProperty/~0", "~td/p/_x7E", "td/_x7E"},
        {"/sdfObject/td/sdfProperty/..", "~td/p/_x2E.", "td/_x2E."},
        {"/sdfObject/.well-known/sdfProperty/\u00fc", "~.well-known/p/_xC3_xBC",
         ".well-known/_xC3_xBC"},
    };
    start();
    CHECK_INT(
        add("m", HEAD NS
            "sdfThing: {house: {sdfObject: {p: {sdfProperty: {p: {}}}, '12': {sdfEvent: {e: "
            "{}}}},\n"
            "  sdfThing: {flat: {sdfAction: {a-b: {}}}}, sdfProperty: {own_x.y: {}}}}\n"
            "sdfObject: {td: {sdfProperty: {'warning/danger alarm': {}, '~': {}, '..': {}}},\n"
            "  .well-known: {sdfProperty: {\u00fc: {}}}}\n"
            "sdfProperty: {template: {}}\n"),
        0);
    struct lintel_model *m = resolve("m");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    CHECK_INT(m->n, LINTEL_COUNT(expected));
    for (uint32_t i = 0; i < m->n && i < LINTEL_COUNT(expected); i++) {
        CHECK_STR(m->affordances[i].pointer, expected[i].pointer);
        CHECK_STR(m->affordances[i].path, expected[i].path);
        CHECK_STR(m->affordances[i].senml, expected[i].senml);
    }
    CHECK_STR(m->affordances[4].global,
              "https://x.example/m#/sdfObject/td/sdfProperty/warning~1danger%20alarm");
    CHECK(lintel_model_extra(m, "/sdfObject/td/sdfProperty/warning~1danger alarm") != NULL);
    lintel_model_unref(m);
    stop();
}

static void
marks_what_is_required(void)
{
    start();
    CHECK_INT(
        add("m", HEAD NS
            "sdfObject: {O: {sdfRequired: [a, '#/sdfObject/O/sdfEvent/a%2Fb'],\n"
            "  sdfProperty: {a: {}, b: {}, c: {sdfRequired: [true]}, d: {sdfRequired: [b]}},\n"
            "  sdfAction: {a: {}}, sdfEvent: {e: {}, 'a/b': {}}}}\n"),
        0);
    struct lintel_model *m = resolve("m");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    static const int required[] = {1, 1, 1, 0, 1, 0, 1};
    CHECK_INT(m->n, LINTEL_COUNT(required));
    for (uint32_t i = 0; i < m->n; i++)
        CHECK_INT(m->affordances[i].required, required[i]);
    lintel_model_unref(m);
    stop();
}

static void
reads_actions_and_events(void)
{
    start();
    CHECK_INT(
        add("m", HEAD NS
            "sdfObject: {O: {sdfAction: {go: {sdfInputData: {type: object, required: [speed],\n"
            "     properties: {speed: {type: number}, note: {type: string}}},\n"
            "     sdfOutputData: {type: boolean}}, stop: {}},\n"
            "  sdfEvent: {pressed: {sdfOutputData: {enum: [single, double]}}}}}\n"),
        0);
    struct lintel_model *m = resolve("m");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL && m->n == 3);
    const struct lintel_affordance *go = &m->affordances[0];
    REQUIRE(go->input != NULL && go->input->nmembers == 2);
    CHECK_STR(go->input->members[0].name, "speed");
    CHECK_INT(go->input->members[0].required, 1);
    CHECK_INT(go->input->members[1].required, 0);
    CHECK_INT(go->output->kind, LINTEL_DATA_BOOLEAN);
    CHECK(m->affordances[1].input == NULL);
    CHECK_STR(m->affordances[2].data->choices[1], "double");
    lintel_model_unref(m);
    stop();
}

static int
resolve_once(void *ctx)
{
    (void)ctx;
    start();
    int done =
        models != NULL && add("energy-meter", meter) == 0 && supplement("acme-em1", acme) == 0;
    struct lintel_model *m = done ? resolve("acme-em1") : NULL;
    kit_memory_is_back();
    CHECK(models == NULL || m != NULL || report.errors != 0);
    done = m != NULL;
    uint32_t bound = 0;
    for (uint32_t i = 0; done && i < m->n; i++) {
        CHECK(m->affordances[i].global != NULL);
        bound += m->affordances[i].protocol_map != NULL;
    }
    static uint32_t wanted; /* of the first that was whole: no other has less */
    if (done && wanted == 0)
        wanted = bound;
    CHECK(!done || (bound != 0 && bound == wanted));
    lintel_model_unref(m);
    stop();
    report = (struct lintel_report){0};
    said = (struct lintel_buf){0};
    return done;
}

static void
survives_lack_of_memory(void)
{
    kit_each_failure(resolve_once, NULL);
}

/* No step is quadratic: 100,000 properties, all references and all amended, within the test's 60 s.
 */
static void
reads_large_models(void)
{
    enum { MANY = 100000 };
    struct lintel_buf text = {0}, sup = {0};
    start();
    lintel_buf_adds(&text, HEAD NS "sdfObject: {O: {sdfRequired: [p0], sdfProperty: {\n");
    lintel_buf_adds(&sup, HEAD NS "amend:\n");
    for (int i = 0; i < MANY; i++) {
        lintel_buf_addf(&text, "p%d: {sdfRef: '#/sdfData/d', label: l%d},\n", i, i);
        lintel_buf_addf(
            &sup, "- {'#/sdfObject/O/sdfProperty/p%d': {sdfProtocolMap: {fake: {a: %d}}}}\n", i, i);
    }
    lintel_buf_adds(&text, "}}}\nsdfData: {d: {type: number, unit: W}}\n");
    clock_t begin = clock();
    CHECK_INT(add("m", lintel_buf_str(&text)), 0);
    CHECK_INT(supplement("s", lintel_buf_str(&sup)), 0);
    clock_t added = clock();
    struct lintel_model *m = resolve("s");
    CHECK_STR(problems(), "");
    REQUIRE(m != NULL);
    CHECK_INT(m->n, MANY);
    CHECK(lintel_model_find(m, "p99999")->protocol_map != NULL);
    printf("  %d properties: read in %.2f s, resolved in %.2f s of processor time, %zu MiB\n", MANY,
           (double)(added - begin) / CLOCKS_PER_SEC, (double)(clock() - added) / CLOCKS_PER_SEC,
           lintel_arena_bytes(m->doc->arena) >> 20);
    lintel_model_unref(m);
    lintel_buf_fini(&text);
    lintel_buf_fini(&sup);
    stop();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_a_model),
                                            KIT(applies_a_supplement),
                                            KIT(applies_in_order),
                                            KIT(follows_references_of_supplements),
                                            KIT(joins_models),
                                            KIT(follows_references),
                                            KIT(refuses_bad_references),
                                            KIT(refuses_what_explodes),
                                            KIT(finds_planted_typos),
                                            KIT(warns),
                                            KIT(finds_typos_in_supplements),
                                            KIT(says_what_is_defined_twice),
                                            KIT(makes_paths),
                                            KIT(marks_what_is_required),
                                            KIT(reads_actions_and_events),
                                            KIT(survives_lack_of_memory),
                                            KIT(reads_large_models),
                                            {0}};
    return kit_main("sdf", tests, argc, argv);
}
