/* SPDX-License-Identifier: Apache-2.0
 * Lookups (RFC 9176 section 6): filters, pages, resolution, the examples of the standard. */
#include <string.h>

#include "core/directory/registry_kit.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define TEMP "tag:example.org,2020:temperature"
#define LIGHT "tag:example.org,2020:light"
#define PLATFORM "tag:example.com,2020:platform"

/* ---- filters --------------------------------------------------------------------------------- */

static void
a_building(struct dir *d)
{
    dir_open(d);
    dir_put(d, "ep=node1&d=floor1&base=coap://[2001:db8::1]&et=" PLATFORM "&foo=1&foo=2",
            "</s/temp>;rt=\"temperature-c core.s\";if=\"sensor\";ct=\"50 60\";obs,"
            "</s/light>;rt=light-lux;if=\"example.regname tag:example.net,2020:sensor\","
            "<http://www.example.com/t123>;anchor=\"/s/temp\";rel=\"describedby next\"",
            0);
    dir_put(d, "ep=node2&d=floor2&base=coap://[2001:db8::2]:61616&bar=1",
            "</s/temp>;rt=\"temperature-c\";if=\"sensor\";title=\"a \\\"b\\\"\"", 0);
    dir_put(d, "ep=meter&d=energy&gw=1", "</d/meter/p/power>;rt=core.power;if=core.s;ct=50",
            LINTEL_REG_OWN);
    dir_put(d, "ep=idle&base=coap://[2001:db8::4]/sub/", "", 0);
    dir_put(d, "ep=lwm2m&base=coap://[2001:db8::5]", "</3/0>;rt=oma.device",
            LINTEL_REG_LWM2M | LINTEL_REG_NO_LINKS);
}

/* Letters for links, in the order of the answer. */
static const char *
letters(const char *answer)
{
    static const char *const targets[] = {
        "<coap://[2001:db8::1]/s/temp>",      "<coap://[2001:db8::1]/s/light>",
        "<http://www.example.com/t123>",      "<coap://[2001:db8::2]:61616/s/temp>",
        "<coap://[fd00::1]/d/meter/p/power>", "<coap://[2001:db8::5]/3/0>"};
    static char out[64];
    size_t n = 0;
    for (const char *p = answer; (p = strchr(p, '<')) != NULL && n < sizeof out - 1; p++) {
        char letter = '?';
        for (size_t i = 0; i < LINTEL_COUNT(targets); i++)
            if (strncmp(p, targets[i], strlen(targets[i])) == 0)
                letter = (char)('a' + i);
        if (strncmp(p, "</rd/", 5) == 0)
            letter = p[5];
        out[n++] = letter;
    }
    out[n] = '\0';
    return out;
}

static void
filters(void)
{
    static const struct {
        const char *query, *resources, *endpoints;
    } cases[] = {
        {"", "abcde", "12345"},
        {"rt=temperature-c", "ad", "12"},
        {"rt=temperature-c core.s", "a", "1"},
        {"rt=temperature-c core.t", "", ""},
        {"rt=temperature*", "ad", "12"},
        {"rt=temperature", "", ""},
        {"RT=temperature-c", "ad", "12"},
        {"rt=core.s", "a", "1"},
        {"rt=core.power", "e", "3"},
        {"rt=core.*", "ae", "12345"}, /* all endpoints are core.rd-ep */
        {"rt=core.p*", "e", "3"},
        {"rt=core.rd-ep", "", "12345"},
        {"rt=*", "abde", "12345"},
        {"rt=oma.device", "", "5"}, /* not shown, but what it is known by */
        {"if=sensor", "ad", "12"},
        {"if=tag:example.net,2020:sensor", "b", "1"},
        {"if=tag:*", "b", "1"},
        {"if=se*", "ad", "12"},
        {"if=core.s", "e", "3"},
        {"ct=60", "a", "1"},
        {"ct=50", "ae", "13"},
        {"ct=50 60", "a", "1"},
        {"rel=next", "c", "1"},
        {"rel=describedby*", "c", "1"},
        {"obs", "a", "1"},
        {"rt", "abde", "12345"},
        {"ct", "ae", "13"},
        {"title=a \"b\"", "d", "2"},
        {"title=a*", "d", "2"},
        {"title=b", "", ""},
        {"ep=node1", "abc", "1"},
        {"ep=node", "", ""},
        {"ep=node*", "abcd", "12"},
        {"ep=nobody", "", ""},
        {"d=floor2", "d", "2"},
        {"d=floor*", "abcd", "12"},
        {"d=", "", ""},
        {"d=*", "abcde", "123"},
        {"et=" PLATFORM, "abc", "1"},
        {"et=tag:*", "abc", "1"},
        {"foo=1", "abc", "1"},
        {"foo=2", "abc", "1"},
        {"foo=3", "", ""},
        {"foo=1&foo=2", "abc", "1"},
        {"bar=1", "d", "2"},
        {"gw=1", "e", "3"},
        {"gw", "e", "3"},
        {"base=coap://[2001:db8::2]:61616", "d", "2"},
        {"base=coap://[2001:db8::*", "abcd", "1245"},
        {"base=coap://[fd00::1]", "e", "3"},
        {"base=coap://[fd00*", "e", "3"},
        {"href=coap://[2001:db8::1]/s/temp", "a", "1"},
        {"href=coap://[2001:db8::1]/s/*", "ab", "1"},
        {"href=coap://[2001:db8::1]/*", "ab", "1"},
        {"href=coap://[2001:db8::*", "abd", "125"},
        {"href=http://www.example.com/t123", "c", "1"},
        {"href=http://www.example.com/*", "c", "1"},
        {"href=coap://[fd00::1]/d/meter/p/power", "e", "3"},
        {"href=coap://[fd00::1]/d/*", "e", "3"},
        {"href=/s/temp", "", ""}, /* links are asked for as URIs */
        {"href=/rd/*", "abcde", "12345"},
        {"href=coap://[fd00::1]/rd/*", "abcde", "12345"},
        {"href=coap://[fd00::1]/*", "abcde", "12345"},
        {"href=*", "abcde", "12345"},
        {"href", "abcde", "12345"},
        {"anchor=coap://[2001:db8::1]/s/temp", "c", "1"},
        {"anchor=coap://[2001:db8::1]/*", "c", "1"},
        {"anchor=/s/temp", "", ""},
        {"anchor", "c", "1"},
        {"ep=node1&rt=temperature-c", "a", "1"},
        {"ep=node1&rt=core.power", "", ""},
        {"rt=temperature-c&if=sensor", "ad", "12"},
        {"rt=temperature-c&if=tag:*", "", "1"}, /* an endpoint by one resource for each */
        {"d=floor1&ct=60&obs", "a", "1"},
        {"nothing=x", "", ""},
        {"nothing", "", ""},
        {"=x", "", ""},
        {"&&rt=light-lux&", "b", "1"},
    };
    struct dir d;
    a_building(&d);
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        for (uint32_t budget = 1; budget <= 100; budget += 99) {
            int ok =
                kit_check_str(letters(dir_look(&d, 1, cases[i].query, budget)), cases[i].resources,
                              cases[i].query, __FILE__, __LINE__, "resources");
            ok &=
                kit_check_str(letters(dir_look(&d, 0, cases[i].query, budget)), cases[i].endpoints,
                              cases[i].query, __FILE__, __LINE__, "endpoints");
            CHECK(ok);
        }
    }
    dir_close(&d);
}

static void
registration_resources_are_targets_too(void)
{
    struct dir d;
    char query[128];
    a_building(&d);
    lintel_format(query, sizeof query, "href=/rd/%016llx", (unsigned long long)d.ids[1]);
    CHECK_STR(letters(dir_look(&d, 1, query, 9)), "d");
    CHECK_STR(letters(dir_look(&d, 0, query, 9)), "2");
    lintel_format(query, sizeof query, "href=/rd/%08llx*", (unsigned long long)d.ids[1] >> 32);
    CHECK_STR(letters(dir_look(&d, 0, query, 9)), "2");
    lintel_format(query, sizeof query, "href=coap://[fd00::1]/rd/%016llx",
                  (unsigned long long)d.ids[0]);
    CHECK_STR(letters(dir_look(&d, 1, query, 9)), "abc");
    d.here = "coap://elsewhere";
    CHECK_STR(letters(dir_look(&d, 1, query, 9)), "");
    CHECK_STR(dir_look(&d, 1, "ep=meter", 9),
              "<coap://elsewhere/d/meter/p/power>;rt=core.power;if=core.s;ct=50");
    CHECK_STR(dir_look(&d, 1, "href=coap://[fd00::1]/d/meter/p/power", 9), "");
    CHECK_HAS(dir_look(&d, 0, "ep=meter", 9), "base=\"coap://elsewhere\"");
    dir_close(&d);
}

static int
not_node1(void *ctx, const struct lintel_registration *reg)
{
    CHECK(ctx == NULL);
    return !lintel_str_eq(reg->ep, "node1");
}

static void
what_may_not_be_seen_is_not_shown(void)
{
    struct dir d;
    struct lintel_lookup l;
    struct lintel_buf out = {0};
    lintel_span query[] = {{"rt=temperature-c", 16}};
    a_building(&d);
    CHECK_INT(lintel_lookup_init(&l, 1, query, 1, d.reason), 0);
    l.visible = not_node1;
    CHECK_INT(lintel_lookup_step(d.r, &l, 100, &out), 0);
    CHECK_STR(letters(lintel_buf_str(&out)), "d");
    CHECK(!lintel_lookup_concerns(d.r, &l, lintel_registry_find(d.r, d.ids[0])));
    CHECK(lintel_lookup_concerns(d.r, &l, lintel_registry_find(d.r, d.ids[1])));
    CHECK(!lintel_lookup_concerns(d.r, &l, lintel_registry_find(d.r, d.ids[2])));
    CHECK(!lintel_lookup_concerns(d.r, &l, lintel_registry_find(d.r, d.ids[3])));
    lintel_buf_fini(&out);
    dir_close(&d);
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void
pages(void)
{
    static const struct {
        const char *query, *resources, *endpoints;
    } cases[] = {
        {"count=0", "", ""},
        {"count=2", "ab", "12"},
        {"page=0&count=2", "ab", "12"},
        {"count=2&page=1", "cd", "34"},
        {"page=2&count=2", "e", "5"},
        {"page=3&count=2", "", ""},
        {"page=1&count=4", "e", "5"},
        {"count=100", "abcde", "12345"},
        {"page=1&count=1&rt=temperature-c", "d", "2"},
        {"page=18446744073709551615&count=18446744073709551615", "", ""},
        {"page=2&count=9223372036854775808", "", ""},
        {"page=0&count=99999999999999999999999", "abcde", "12345"},
        {"page=1", "4.00 page needs count", "4.00 page needs count"},
        {"page=x&count=1", NULL, NULL},
        {"page=&count=1", NULL, NULL},
        {"page&count=1", NULL, NULL},
        {"count=-1", NULL, NULL},
        {"count=0x1", NULL, NULL},
        {"count=1.0", NULL, NULL},
        {"count", NULL, NULL},
        {"count=1&count=2", NULL, NULL},
        {"count=1&page=1&page=2", NULL, NULL},
    };
    struct dir d;
    a_building(&d);
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        for (int resources = 0; resources <= 1; resources++) {
            const char *want = resources ? cases[i].resources : cases[i].endpoints;
            const char *got = dir_look(&d, resources, cases[i].query, 1);
            if (want == NULL)
                CHECK(strncmp(got, "4.00", 4) == 0);
            else
                kit_check_str(want[0] == '4' && want[1] == '.' ? got : letters(got), want,
                              cases[i].query, __FILE__, __LINE__, __func__);
        }
    }
    dir_close(&d);
}

static void
too_many_criteria_are_refused(void)
{
    lintel_span query[LINTEL_LOOKUP_CRITERIA_MOST + 3];
    struct lintel_lookup l;
    char reason[LINTEL_REASON];
    for (size_t i = 0; i < LINTEL_COUNT(query); i++)
        query[i] = (lintel_span){"rt=x", 4};
    query[0] = (lintel_span){"count=1", 7};
    query[1] = (lintel_span){"page=1", 6};
    CHECK_INT(lintel_lookup_init(&l, 1, query, LINTEL_LOOKUP_CRITERIA_MOST + 2, reason), 0);
    CHECK_INT(l.n, LINTEL_LOOKUP_CRITERIA_MOST);
    CHECK_INT(lintel_lookup_init(&l, 1, query, LINTEL_LOOKUP_CRITERIA_MOST + 3, reason), -1);
    CHECK_HAS(reason, "32 criteria");
}

/* Registrations come and go while an answer is made; each is shown whole or not at all. */
static void
an_answer_takes_its_time(void)
{
    struct dir d;
    struct lintel_lookup l;
    struct lintel_buf out = {0};
    dir_open(&d);
    for (char name[] = "ep=a&base=coap://h"; name[3] < 'f'; name[3]++)
        dir_put(&d, name, "</1>,</2>", 0);
    CHECK_INT(lintel_lookup_init(&l, 0, NULL, 0, d.reason), 0);
    CHECK_INT(lintel_lookup_step(d.r, &l, 2, &out), 1); /* a b */
    CHECK_INT(l.given, 2);
    lintel_registry_remove(d.r, d.ids[0]);
    lintel_registry_remove(d.r, d.ids[2]); /* c */
    lintel_registry_remove(d.r, d.ids[3]); /* d: the order closes its gaps */
    dir_put(&d, "ep=f&base=coap://h", "", 0);
    dir_put(&d, "ep=b&base=coap://i", "", 0); /* keeps its place: not shown again */
    while (lintel_lookup_step(d.r, &l, 1, &out))
        ;
    CHECK_INT(l.given, 4);
    CHECK(strstr(lintel_buf_str(&out), "ep=\"a\"") != NULL);
    CHECK(strstr(out.p, "ep=\"c\"") == NULL && strstr(out.p, "ep=\"d\"") == NULL);
    CHECK(strstr(out.p, "ep=\"e\"") < strstr(out.p, "ep=\"f\""));
    lintel_buf_fini(&out);
    dir_close(&d);
}

/* ---- the standard's examples ----------------------------------------------------------------- */

/* RFC 9176 section 5.3.1: the base changes, and what a lookup shows with it. */
static void
example_of_an_update(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=endpoint1&lt=500&base=coap://local-proxy-old.example.com",
            "</sensors/temp>;rt=\"temperature-c\";if=\"sensor\","
            "<http://www.example.com/sensors/temp>;anchor=\"/sensors/temp\";rel=\"describedby\"",
            0);
    CHECK_STR(
        dir_look(&d, 1, "ep=endpoint1", 9),
        "<coap://local-proxy-old.example.com/sensors/temp>;rt=\"temperature-c\";if=\"sensor\","
        "<http://www.example.com/sensors/temp>"
        ";anchor=\"coap://local-proxy-old.example.com/sensors/temp\";rel=\"describedby\"");
    CHECK_INT(dir_update(&d, 1, "base=coaps://new.example.com:5684", NULL), 0);
    CHECK_STR(dir_look(&d, 1, "ep=endpoint1", 9),
              "<coaps://new.example.com:5684/sensors/temp>;rt=\"temperature-c\";if=\"sensor\","
              "<http://www.example.com/sensors/temp>"
              ";anchor=\"coaps://new.example.com:5684/sensors/temp\";rel=\"describedby\"");
    CHECK_STR(dir_look(&d, 1, "href=coap://local-proxy-old.example.com/sensors/temp", 9), "");
    dir_close(&d);
}

/* Section 6.3: empty, then three lights, then empty again. */
static void
example_of_lights(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=thermometer&base=coap://[2001:db8:3::123]:61616", "</temp>;rt=\"" TEMP "\"", 0);
    CHECK_STR(dir_look(&d, 1, "rt=" TEMP, 9),
              "<coap://[2001:db8:3::123]:61616/temp>;rt=\"" TEMP "\"");
    CHECK_STR(dir_look(&d, 1, "rt=" LIGHT, 9), "");
    dir_put(&d, "ep=lights&base=coap://[2001:db8:3::124]",
            "</west>;rt=\"" LIGHT "\",</south>;rt=\"" LIGHT "\",</east>;rt=\"" LIGHT "\"", 0);
    CHECK_STR(dir_look(&d, 1, "rt=" LIGHT, 9), "<coap://[2001:db8:3::124]/west>;rt=\"" LIGHT "\","
                                               "<coap://[2001:db8:3::124]/south>;rt=\"" LIGHT "\","
                                               "<coap://[2001:db8:3::124]/east>;rt=\"" LIGHT "\"");
    lintel_registry_remove(d.r, d.ids[1]);
    CHECK_STR(dir_look(&d, 1, "rt=" LIGHT, 9), "");
    dir_close(&d);
}

/* Section 6.3: pages of five. */
static void
example_of_pages(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=x&base=coap://[2001:db8:3::123]:61616",
            "</res/0>;ct=60,</res/1>;ct=60,</res/2>;ct=60,</res/3>;ct=60,</res/4>;ct=60,"
            "</res/5>;ct=60,</res/6>;ct=60,</res/7>;ct=60,</res/8>;ct=60,</res/9>;ct=60",
            0);
    CHECK_STR(dir_look(&d, 1, "page=0&count=5", 9), "<coap://[2001:db8:3::123]:61616/res/0>;ct=60,"
                                                    "<coap://[2001:db8:3::123]:61616/res/1>;ct=60,"
                                                    "<coap://[2001:db8:3::123]:61616/res/2>;ct=60,"
                                                    "<coap://[2001:db8:3::123]:61616/res/3>;ct=60,"
                                                    "<coap://[2001:db8:3::123]:61616/res/4>;ct=60");
    CHECK_HAS(dir_look(&d, 1, "page=1&count=5", 9),
              "<coap://[2001:db8:3::123]:61616/res/5>;ct=60,");
    CHECK_STR(dir_look(&d, 1, "page=2&count=5", 9), "");
    dir_close(&d);
}

#define SENSORS(base)                                                                              \
    "<" base "/sensors>;ct=40;title=\"Sensor Index\","                                             \
    "<" base "/sensors/temp>;rt=\"temperature-c\";if=\"sensor\","                                  \
    "<" base "/sensors/light>;rt=\"light-lux\";if=\"sensor\","                                     \
    "<http://www.example.com/sensors/t123>;anchor=\"" base "/sensors/temp\";rel=\"describedby\","  \
    "<" base "/t>;anchor=\"" base "/sensors/temp\";rel=\"alternate\""

/* Section 6.3: the sixth answer of RFC 6690 section 5, registered by two endpoints of a kind. */
static void
example_of_sensors(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=sensor1&base=coap://sensor1.example.com&et=" PLATFORM, SENSORS(""), 0);
    dir_put(&d, "ep=other&base=coap://other.example.com", SENSORS(""), 0);
    dir_put(&d, "ep=sensor2&base=coap://sensor2.example.com&et=" PLATFORM, SENSORS(""), 0);
    CHECK_STR(dir_look(&d, 1, "et=" PLATFORM, 9),
              SENSORS("coap://sensor1.example.com") "," SENSORS("coap://sensor2.example.com"));
    dir_close(&d);
}

/* Section 6.4. The lifetime is not shown. */
static void
example_of_endpoints(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=node5&lt=600&base=coap://[2001:db8:3::127]:61616&et=" PLATFORM "&ct=40", "", 0);
    dir_put(&d, "ep=node7&base=coap://[2001:db8:3::129]:61616&et=" PLATFORM "&ct=40&d=floor-3", "",
            0);
    CHECK_STR(dir_look(&d, 0, "et=" PLATFORM, 9),
              "</rd/1>;ep=\"node5\";base=\"coap://[2001:db8:3::127]:61616\";rt=\"core.rd-ep\""
              ";et=\"" PLATFORM "\";ct=\"40\","
              "</rd/2>;ep=\"node7\";d=\"floor-3\";base=\"coap://[2001:db8:3::129]:61616\""
              ";rt=\"core.rd-ep\";et=\"" PLATFORM "\";ct=\"40\"");
    dir_close(&d);
}

/* Section 10.1.2: a commissioning tool registers luminaires, a presence sensor and a group. */
static void
example_of_a_group(void)
{
#define LAMP "</light/left>;rt=\"" LIGHT "\",</light/middle>;rt=\"" LIGHT "\""
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=lm_R2-4-015_wndw&base=coap://[2001:db8:4::1]&d=R2-4-015", LAMP, 0);
    dir_put(&d, "ep=lm_R2-4-015_door&base=coap://[2001:db8:4::2]&d=R2-4-015", LAMP, 0);
    dir_put(&d, "ep=ps_R2-4-015_door&base=coap://[2001:db8:4::3]&d=R2-4-015",
            "</ps>;rt=\"tag:example.com,2020:p-sensor\"", 0);
    dir_put(&d, "ep=grp_R2-4-015&et=core.rd-group&base=coap://[ff05::1]", LAMP, 0);
    CHECK_STR(dir_look(&d, 0, "et=core.rd-group&rt=" LIGHT, 9),
              "</rd/4>;ep=\"grp_R2-4-015\";base=\"coap://[ff05::1]\";rt=\"core.rd-ep\""
              ";et=\"core.rd-group\"");
    CHECK_STR(dir_look(&d, 0, "d=R2-4-015&rt=" LIGHT, 9),
              "</rd/1>;ep=\"lm_R2-4-015_wndw\";d=\"R2-4-015\";base=\"coap://[2001:db8:4::1]\""
              ";rt=\"core.rd-ep\","
              "</rd/2>;ep=\"lm_R2-4-015_door\";d=\"R2-4-015\";base=\"coap://[2001:db8:4::2]\""
              ";rt=\"core.rd-ep\"");
    CHECK_STR(dir_look(&d, 1, "ep=grp_R2-4-015&href=coap://[ff05::1]/light/left", 9),
              "<coap://[ff05::1]/light/left>;rt=\"" LIGHT "\"");
    dir_close(&d);
}

static void
values_with_quotes_come_out_quoted(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=a\"b\\,<&base=coap://h&x=\"&flag", "</t>;title=\"\\\"\";flag", 0);
    CHECK_STR(dir_look(&d, 0, "", 9),
              "</rd/1>;ep=\"a\\\"b\\\\,<\";base=\"coap://h\";rt=\"core.rd-ep\";x=\"\\\"\";flag");
    CHECK_STR(dir_look(&d, 1, "x=\"", 9), "<coap://h/t>;title=\"\\\"\";flag");
    CHECK_STR(dir_look(&d, 1, "flag", 9), "<coap://h/t>;title=\"\\\"\";flag");
    dir_close(&d);
}

struct look {
    struct dir *d;
    const char *query, *want;
};

/* An answer is right, or it is failed. */
static int
look_once(void *ctx)
{
    const struct look *look = ctx;
    struct lintel_lookup l;
    struct lintel_buf out = {0};
    lintel_span query = {look->query, strlen(look->query)};
    kit_memory_is_back();
    CHECK_INT(lintel_lookup_init(&l, 1, &query, 1, look->d->reason), 0);
    l.here = lintel_str(look->d->here);
    kit_memory_fails_from_here();
    CHECK_INT(lintel_lookup_step(look->d->r, &l, 100, &out), 0);
    kit_memory_is_back();
    int whole = !out.failed;
    if (whole)
        CHECK_STR(lintel_buf_str(&out), look->want);
    lintel_buf_fini(&out);
    return whole;
}

static void
memory_runs_out(void)
{
    static const char *const queries[] = {"href=coap://[2001:db8::1]/s/*", "rt=temperature-c",
                                          "href=coap://[fd00::1]/rd/*", "anchor=coap*"};
    struct dir d;
    a_building(&d);
    for (size_t i = 0; i < LINTEL_COUNT(queries); i++) {
        char want[1 << 12];
        lintel_copy(want, sizeof want, dir_look(&d, 1, queries[i], 100));
        struct look look = {&d, queries[i], want};
        kit_each_failure(look_once, &look);
    }
    dir_close(&d);
}

/* A base with a path: references that begin with a slash leave it behind (RFC 3986). */
static void
only_the_origin_of_a_base_counts(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=a&base=coap://h/sub/", "</x/./y/../z>;anchor=\"/\"", 0);
    CHECK_STR(dir_look(&d, 1, "", 9), "<coap://h/x/z>;anchor=\"coap://h/\"");
    CHECK_STR(dir_look(&d, 1, "href=coap://h/x/z", 9), "<coap://h/x/z>;anchor=\"coap://h/\"");
    CHECK_HAS(dir_look(&d, 0, "base=coap://h/sub/", 9), "base=\"coap://h/sub/\"");
    dir_close(&d);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(filters),
                                            KIT(registration_resources_are_targets_too),
                                            KIT(what_may_not_be_seen_is_not_shown),
                                            KIT(pages),
                                            KIT(too_many_criteria_are_refused),
                                            KIT(an_answer_takes_its_time),
                                            KIT(example_of_an_update),
                                            KIT(example_of_lights),
                                            KIT(example_of_pages),
                                            KIT(example_of_sensors),
                                            KIT(example_of_endpoints),
                                            KIT(example_of_a_group),
                                            KIT(values_with_quotes_come_out_quoted),
                                            KIT(only_the_origin_of_a_base_counts),
                                            KIT(memory_runs_out),
                                            {0}};
    return kit_main("lookup", tests, argc, argv);
}
