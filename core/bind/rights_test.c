/* SPDX-License-Identifier: Apache-2.0
 * identities:, rights: and audit: of lintel.yaml, read from memory. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/bind/fake_plugins.h"
#include "core/bind/site.h"
#include "lintel/transport.h"
#include "tests/kit/kit.h"

static struct lintel_report report;
static const char *text; /* of lintel.yaml */

static int
memory_read(void *ctx, const char *path, size_t most, char **ret, size_t *ret_n,
            struct lintel_report *to)
{
    (void)ctx, (void)most, (void)to;
    if (strcmp(path, "/s/lintel.yaml") != 0)
        return 1;
    *ret = lintel_strdup(text);
    *ret_n = strlen(text);
    return *ret != NULL ? 0 : -1;
}

static int
memory_list(void *ctx, const char *dir, void (*each)(void *arg, const char *name, int is_folder),
            void *arg, struct lintel_report *to)
{
    (void)ctx, (void)dir, (void)each, (void)arg, (void)to;
    return 0;
}

static int
memory_secret(void *ctx, const char *folder, const char *name, char *ret, size_t *ret_n,
              char *reason, size_t size)
{
    static const struct {
        const char *name, *text;
    } secrets[] = {{"lobby", "0x000102030405060708090a0b0c0d0eff"},
                   {"lobby-2", "7hG-e2Qx_94mT!vB"},
                   {"copy", "7hG-e2Qx_94mT!vB"},
                   {"short", "geheim-geheim-x"},
                   {"weak", "aaaaaaaaaaaaaaaa"}};
    (void)ctx, (void)folder;
    for (size_t i = 0; i < LINTEL_COUNT(secrets); i++) {
        if (strcmp(secrets[i].name, name) != 0)
            continue;
        *ret_n = strlen(secrets[i].text);
        memcpy(ret, secrets[i].text, *ret_n + 1);
        return 0;
    }
    (void)lintel_copy(reason, size, "there is no such secret");
    return -1;
}

static struct lintel_site *
read_site(const char *yaml)
{
    static const struct lintel_site_files files = {NULL, memory_read, memory_list, memory_secret};
    const struct lintel_site_source s = {
        .dir = "/s", .plugin = fake_plugin, .plugin_names = fake_plugin_names, .files = &files};
    lintel_report_fini(&report);
    text = yaml;
    return lintel_site_read(&s, &report);
}

static void
print_report(void)
{
    for (uint32_t i = 0; i < report.n; i++)
        printf("  %s:%u:%u: %s\n", report.problems[i].file, report.problems[i].line,
               report.problems[i].column, report.problems[i].text);
}

static uint32_t
may(const struct lintel_site *site, uint32_t flags, const char *identity, const char *authority,
    const char *zone)
{
    const struct lintel_who who = {flags, identity, authority};
    return lintel_rights_of(site->rights, &who, zone);
}

static void
reads_a_table(void)
{
    enum { R = LINTEL_MAY_READ, W = LINTEL_MAY_WRITE, G = LINTEL_MAY_REGISTER };
    uint8_t key[LINTEL_KEY_MOST];
    struct lintel_site *site =
        read_site("identities:\n"
                  "  lobby: { psk: 'secret:lobby', roles: [sensors] }\n"
                  "  hall: { psk: ['secret:lobby-2'], pskIdentity: hall-2, roles: sensors }\n"
                  "  tool: { certificate: tool.example.com, issuer: [CN=A, CN=B] }\n"
                  "rights:\n"
                  "  - { who: [sensors], zones: [rooms], may: [read, register] }\n"
                  "  - { who: [tool, hall], zones: all, may: [read, write] }\n"
                  "  - { who: anybody, zones: ['', public], may: [read, register] }\n"
                  "  - { who: local, zones: all, may: [read, manage] }\n"
                  "audit: { records: 5000, days: 30 }\n");
    print_report();
    REQUIRE(site != NULL);
    CHECK_INT(report.warnings, 0);
    CHECK_INT(site->audit_records, 5000);
    CHECK_INT(site->audit_days, 30);
    CHECK_INT(may(site, LINTEL_X_SECURE, "lobby", "psk", "rooms"), R | G);
    CHECK_INT(may(site, LINTEL_X_SECURE, "lobby", "psk", "plant"), 0);
    CHECK_INT(may(site, LINTEL_X_SECURE, "hall-2", "psk", "rooms"), R | W | G);
    CHECK_INT(may(site, LINTEL_X_SECURE, "hall", "psk", "rooms"), 0);
    CHECK_INT(may(site, LINTEL_X_SECURE, "tool.example.com", "CN=B", "plant"), R | W);
    CHECK_INT(may(site, LINTEL_X_SECURE, "tool.example.com", "CN=C", "plant"), 0);
    CHECK_INT(may(site, LINTEL_X_OPEN, "", "", "public"), R | G);
    CHECK_INT(may(site, LINTEL_X_OPEN, "", "", ""), R | G);
    CHECK_INT(may(site, LINTEL_X_LOOPBACK, "", "", "plant"), R | LINTEL_MAY_MANAGE);
    CHECK_INT(lintel_rights_key(site->rights, "hall-2", 6, key, sizeof key), 16);
    lintel_site_unref(site);
}

static void
has_none_unless_told(void)
{
    struct lintel_site *site = read_site("hub: { name: a }\n");
    REQUIRE(site != NULL);
    CHECK(site->rights == NULL);
    CHECK_INT(site->audit_records, 1000000);
    lintel_site_unref(site);
    site = read_site("rights: []\n");
    REQUIRE(site != NULL && site->rights != NULL);
    CHECK_INT(may(site, LINTEL_X_OPEN, "", "", ""), 0);
    lintel_site_unref(site);
}

struct wrong {
    const char *yaml;
    uint32_t line, column;
    const char *what;
};
#define A "identities:\n  a: { psk: 'secret:lobby' }\n"
static const struct wrong errors[] = {
    {"identities: []\n", 1, 13, "must be a map of names"},
    {"identities: { 'a b': {} }\n", 1, 15, "is no name"},
    {"identities: { anybody: {} }\n", 1, 15, "kept for rows"},
    {"identities: { a: { pks: x } }\n", 1, 20, "(did you mean \"psk\"?)"},
    {"identities: { a: { psk: 'secret:none' } }\n", 1, 25, "no such secret"},
    {"identities: { a: { psk: 'X7hG-e2Qx_94mT!vB' } }\n", 1, 25, "secrets/NAME"},
    {"identities: { a: { psk: 'secret:short' } }\n", 1, 25, "not 15"},
    {"identities: { a: { psk: 'secret:weak' } }\n", 1, 25, "easily guessed"},
    {"identities:\n  a: { psk: 'secret:copy' }\n  b: { psk: [ 'secret:lobby-2' ] }\n", 3, 15,
     "a and b have the same key"},
    {"identities:\n  a: { psk: ['secret:lobby', 'secret:lobby-2'] }\n", 2, 13,
     "a has 2 keys and 0 times pskIdentity"},
    {"identities:\n  a: { pskIdentity: b }\n", 2, 21, "a has 0 keys and 1 times pskIdentity"},
    {"identities:\n  a: { psk: [ 'secret:lobby', 'secret:copy' ], pskIdentity: [x, x] }\n", 2, 31,
     "\"x\" stands for another key of a already"},
    {"identities:\n  a: { issuer: b }\n", 2, 16, "\"certificate\" is missing"},
    {"identities:\n  a: { certificate: c }\n  b: { certificate: [d, c] }\n", 3, 25,
     "stands for a already"},
    {"identities: { a: { roles: ['x y'] } }\n", 1, 28, "roles: \"x y\" is no name"},
    {"identities: { a: { roles: [local] } }\n", 1, 28, "kept for rows"},
    {"identities: { a: { roles: [b] }, b: {} }\n", 1, 34, "is a role already"},
    {"rights: { who: a }\n", 1, 9, "must be a list"},
    {"rights:\n  - { who: local, zone: all, may: read }\n", 2, 19, "(did you mean \"zones\"?)"},
    {"rights:\n  - { who: local, may: read }\n", 2, 5, "needs \"zones\""},
    {A "rights:\n  - { who: [a, sensors], zones: all, may: read }\n", 4, 16,
     "\"sensors\" is neither an identity nor a role of one"},
    {"identities: { a: { roles: [sensors], certificate: c } }\n"
     "rights:\n  - { who: sensor, zones: all, may: read }\n",
     3, 12, "(did you mean \"sensors\"?)"},
    {"rights:\n  - { who: anybody, zones: all, may: [read, wirte] }\n", 2, 45,
     "(did you mean \"write\"?)"},
    {"rights:\n  - { who: anybody, zones: [a], may: manage }\n", 2, 28, "of the hub as a whole"},
    {"audit: { records: 1 }\n", 1, 19, "from 1000 to"},
    {"audit: { record: 1000 }\n", 1, 10, "(did you mean \"records\"?)"},
    {"directory: []\n", 1, 12, "must be a map"},
    {"directory: { polici: open }\n", 1, 14, "(did you mean \"policy\"?)"},
    {"directory: { policy: opn }\n", 1, 22, "(did you mean \"open\"?)"},
    {"directory: { perClient: 0 }\n", 1, 25, "from 1 to"},
    {"directory: { sectors: [a] }\n", 1, 23, "must be a map"},
    {"directory: { sectors: { a: bond } }\n", 1, 28, "(did you mean \"bound\"?)"},
    {"directory: { sectors: { a: [x] } }\n", 1, 28, "is not one of"},
    {"directory: { sector: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
     "}\n",
     1, 22, "can't be a sector"},
    {"directory: { refuse: { who: a } }\n", 1, 22, "must be a list"},
    {"directory: { refuse: [ { who: nobody, links: x } ] }\n", 1, 31, "no identity and no role"},
    {"directory: { refuse: [ { who: anybody } ] }\n", 1, 24, "needs \"links\""},
    {"right: []\n", 1, 1, "(did you mean \"rights\"?)"},
};
static const struct wrong warnings[] = {
    {A, 2, 3, "no rights: they may do nothing"},
    {"identities:\n  a: { roles: x }\nrights: []\n", 2, 3, "nobody can be it"},
    {"rights:\n  - { who: anybody, zones: [rooms], may: read }\n", 2, 29,
     "no thing is in the zone \"rooms\""},
    {"rights:\n  - { who: [], zones: all, may: read }\n", 2, 5, "gives nothing"},
    {"rights:\n  - { who: local, zones: all, may: read }\n", 2, 3, "nobody may manage"},
};

static int
is_reported(const struct wrong *w, enum lintel_severity severity)
{
    for (uint32_t i = 0; i < report.n; i++) {
        const struct lintel_problem *p = &report.problems[i];
        if (p->severity == severity && p->line == w->line && p->column == w->column &&
            strstr(p->text, w->what) != NULL)
            return 1;
    }
    printf("  wanted %u:%u: %s; of\n%s", w->line, w->column, w->what, w->yaml);
    print_report();
    return 0;
}

static void
says_what_is_wrong_and_where(void)
{
    for (size_t i = 0; i < LINTEL_COUNT(errors); i++) {
        CHECK(read_site(errors[i].yaml) == NULL);
        CHECK(is_reported(&errors[i], LINTEL_PROBLEM_ERROR));
        for (uint32_t k = 0; k < report.n; k++)
            CHECK(strstr(report.problems[k].text, "7hG-") == NULL &&
                  strstr(report.problems[k].text, "geheim") == NULL);
    }
    for (size_t i = 0; i < LINTEL_COUNT(warnings); i++) {
        struct lintel_site *site = read_site(warnings[i].yaml);
        CHECK(site != NULL);
        CHECK(is_reported(&warnings[i], LINTEL_PROBLEM_WARNING));
        lintel_site_unref(site);
    }
    lintel_report_fini(&report);
}

/* ---- directory ------------------------------------------------------------------------------- */

static void
reads_the_directory(void)
{
    struct lintel_site *site = read_site("");
    REQUIRE(site != NULL);
    CHECK(site->directory == &lintel_directory_default);
    lintel_site_unref(site);
    site = read_site("directory: {}\n"); /* the table's defaults are those */
    REQUIRE(site != NULL);
    const struct lintel_directory_conf *d = site->directory, *dflt = &lintel_directory_default;
    CHECK(d != dflt && d->sectors == NULL && d->refusals == NULL);
    CHECK_STR(d->sector, dflt->sector);
    CHECK(d->policy == dflt->policy && d->keep == dflt->keep);
    CHECK(d->lwm2m_objects == dflt->lwm2m_objects && d->per_client == dflt->per_client);
    CHECK(d->max_registrations == dflt->max_registrations && d->max_links == dflt->max_links);
    CHECK_INT(d->max_answer, dflt->max_answer);
    lintel_site_unref(site);
    site = read_site("identities:\n  lobby: { psk: \"secret:lobby\", roles: [sensors] }\n"
                     "rights: []\n"
                     "directory:\n  sector: hall\n  policy: open\n  keep: no\n  perClient: 5\n"
                     "  maxAnswer: 2\n  sectors: { plant: bound, lab: first-come }\n  refuse:\n"
                     "    - { who: [sensors, anybody], links: [\"rt=oma.fw*\", \"if=x\"] }\n");
    REQUIRE(site != NULL);
    d = site->directory;
    CHECK_STR(d->sector, "hall");
    CHECK(d->policy == LINTEL_DIRECTORY_OPEN && !d->keep && d->per_client == 5);
    CHECK_INT(d->max_answer, 2 << 20);
    REQUIRE(d->nsectors == 2 && d->nrefusals == 1);
    CHECK_STR(d->sectors[0].name, "plant");
    CHECK(d->sectors[0].policy == LINTEL_DIRECTORY_BOUND);
    CHECK(d->sectors[1].policy == LINTEL_DIRECTORY_FIRST_COME);
    REQUIRE(d->refusals[0].nwho == 2 && d->refusals[0].nlinks == 2);
    CHECK_STR(d->refusals[0].who[0], "sensors");
    CHECK_STR(d->refusals[0].links[1].p, "if=x");
    const struct lintel_who who = {LINTEL_X_SECURE, "lobby", "psk"};
    CHECK(lintel_rights_is(site->rights, &who, "sensors"));
    CHECK(lintel_rights_is(site->rights, &who, "lobby"));
    CHECK(lintel_rights_is(site->rights, &who, "anybody"));
    CHECK(!lintel_rights_is(site->rights, &who, "others"));
    lintel_site_unref(site);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_the_directory),
                                            KIT(reads_a_table),
                                            KIT(has_none_unless_told),
                                            KIT(says_what_is_wrong_and_where),
                                            {0}};
    return kit_main("rights of a site", tests, argc, argv);
}
