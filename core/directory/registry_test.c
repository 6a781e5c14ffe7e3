/* SPDX-License-Identifier: Apache-2.0
 * Registrations: what is taken, what is refused, what happens to them in time. Lookups:
 * lookup_test.
 */
#include "core/directory/registry.h"

#include <string.h>

#include "core/base/cbor.h"
#include "core/directory/registry_kit.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

#define HOUR 3600.0

static struct lintel_registry_stats
stats(struct dir *d)
{
    struct lintel_registry_stats s;
    lintel_registry_stats(d->r, &s);
    return s;
}

static void
registering_twice_keeps_the_place(void)
{
    struct dir d;
    dir_open(&d);
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h&lt=60&et=x", "</t>", 0), 1);
    CHECK_INT(dir_put(&d, "ep=b&base=coap://h", "</t>", 0), 2);
    CHECK_STR(dir_told(&d), "+a +b");
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h", "</u>", 0), 1);
    CHECK_STR(dir_told(&d), "~a(was) ~a");
    CHECK_INT(lintel_registry_find(d.r, d.ids[0])->lt, 90000);
    CHECK_STR(dir_look(&d, 0, "", 100), "</rd/1>;ep=\"a\";base=\"coap://h\";rt=\"core.rd-ep\","
                                        "</rd/2>;ep=\"b\";base=\"coap://h\";rt=\"core.rd-ep\"");
    CHECK_STR(dir_look(&d, 1, "ep=a", 100), "<coap://h/u>");
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h&lt=7", "</u>", 0), 1);
    CHECK_STR(dir_told(&d), ""); /* a mere refresh */
    CHECK_INT(lintel_registry_find(d.r, d.ids[0])->lt, 7);
    CHECK_INT(stats(&d).active, 2);
    CHECK_INT(stats(&d).links, 2);
    CHECK_INT(lintel_registry_remove(d.r, d.ids[0]), 0);
    CHECK_INT(lintel_registry_remove(d.r, d.ids[0]), -1);
    CHECK_STR(dir_told(&d), "-a");
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h", "", 0), 3); /* another one now */
    dir_close(&d);
}

static void
sectors_are_apart(void)
{
    struct dir d;
    dir_open(&d);
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h", "", 0), 1);
    CHECK_INT(dir_put(&d, "ep=a&d=x&base=coap://h", "", 0), 2);
    CHECK_INT(dir_put(&d, "ep=a&d=y&base=coap://h", "", 0), 3);
    CHECK_INT(dir_put(&d, "ep=a&d=x&base=coap://i", "", 0), 2);
    CHECK_INT(lintel_registry_find_name(d.r, lintel_str("a"), lintel_str("y"))->id == d.ids[2], 1);
    CHECK(lintel_registry_find_name(d.r, lintel_str("a"), lintel_str("z")) == NULL);
    CHECK(lintel_registry_find_name(d.r, lintel_str("ax"), lintel_str("")) == NULL);
    dir_close(&d);
}

static void
ids_are_not_guessed(void)
{
    struct dir d, e;
    dir_open(&d);
    dir_open(&e);
    dir_put(&d, "ep=a&base=coap://h", "", 0);
    dir_put(&d, "ep=b&base=coap://h", "", 0);
    dir_put(&e, "ep=z&base=coap://h", "", 0);
    CHECK(d.ids[0] != 0 && d.ids[0] != d.ids[1] && d.ids[0] - d.ids[1] != 1);
    CHECK(d.ids[0] == e.ids[0]); /* of the seed alone, not of names */
    dir_close(&d);
    dir_close(&e);
}

static void
lifetimes_end_and_begin_again(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=a&base=coap://h&lt=2", "</t>;rt=x", 0);
    dir_put(&d, "ep=own", "</o>", LINTEL_REG_OWN);
    dir_told(&d);
    const struct lintel_registration *a = lintel_registry_find(d.r, d.ids[0]);
    dir_wait(&d, 1.999);
    CHECK(lintel_registration_is_active(a, d.now));
    dir_wait(&d, 0.001);
    CHECK(!lintel_registration_is_active(a, d.now));
    CHECK_STR(dir_told(&d), "-a");
    CHECK_STR(dir_look(&d, 1, "rt=x", 100), "");
    CHECK_STR(dir_look(&d, 1, "", 100), "<coap://[fd00::1]/o>");
    CHECK_INT(stats(&d).active, 1);
    CHECK_INT(stats(&d).grace, 1);
    CHECK_INT(stats(&d).links, 1);
    dir_wait(&d, 1);
    CHECK_INT(dir_update(&d, 1, "", NULL), 0);
    CHECK_STR(dir_told(&d), "+a");
    CHECK_STR(dir_look(&d, 1, "rt=x", 100), "<coap://h/t>;rt=x");
    CHECK_STR(dir_look(&d, 1, "", 100), "<coap://h/t>;rt=x,<coap://[fd00::1]/o>");
    dir_wait(&d, 2);
    CHECK_STR(dir_told(&d), "-a");
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h&lt=2", "</t>", 0), 1); /* its id came back */
    CHECK_STR(dir_told(&d), "+a");
    dir_wait(&d, 2);
    dir_wait(&d, 24 * HOUR - 0.001);
    CHECK(lintel_registry_find(d.r, d.ids[0]) != NULL);
    dir_wait(&d, 0.001);
    CHECK(lintel_registry_find(d.r, d.ids[0]) == NULL);
    CHECK_INT(d.forgotten, 1);
    CHECK_INT(dir_update(&d, 1, "", NULL), -1);
    CHECK_INT(lintel_registry_expire(d.r, d.now) == INT64_MAX, 1);
    dir_close(&d);
}

/* Many that end at the same moment end in several calls, so that the loop goes on between them. */
static void
ends_come_some_at_a_time(void)
{
    enum { MANY = 1000 };
    struct dir d;
    char ep[16];
    int calls = 0, is_new;
    dir_open(&d);
    for (int i = 0; i < MANY; i++) {
        lintel_format(ep, sizeof ep, "e%d", i);
        struct lintel_reg_input in = {
            .ep = lintel_str(ep), .base = lintel_str("coap://h"), .lt = 1};
        CHECK(lintel_registry_put(d.r, &in, d.now, &is_new, d.reason) != NULL);
    }
    d.now += INT64_C(1000000000);
    CHECK(lintel_registry_expire(d.r, d.now) <= d.now);
    CHECK(stats(&d).grace > 0 && stats(&d).active > 0);
    while (lintel_registry_expire(d.r, d.now) <= d.now && calls < MANY)
        calls++;
    CHECK_INT(stats(&d).grace, MANY);
    CHECK(calls > 1);
    dir_close(&d);
}

static void
grace_grows_with_the_lifetime(void)
{
    static const struct {
        const char *query;
        double lt, grace;
    } cases[] = {{"ep=a&base=coap://h&lt=1", 1, 24 * HOUR},
                 {"ep=a&base=coap://h&lt=172800", 48 * HOUR, 48 * HOUR},
                 {"ep=a&base=coap://h&lt=4294967295", 4294967295.0, 7 * 24 * HOUR}};
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        struct dir d;
        dir_open(&d);
        CHECK_INT(dir_put(&d, cases[i].query, "", 0), 1);
        dir_wait(&d, cases[i].lt - 1);
        CHECK_INT(stats(&d).active, 1);
        dir_wait(&d, 1);
        CHECK_INT(stats(&d).grace, 1);
        dir_wait(&d, cases[i].grace - 1);
        CHECK_INT(d.forgotten, 0);
        dir_wait(&d, 1);
        CHECK_INT(d.forgotten, 1);
        dir_close(&d);
    }
}

static void
time_does_not_overflow(void)
{
    struct dir d;
    dir_open(&d);
    d.now = INT64_MAX - 5;
    CHECK_INT(dir_put(&d, "ep=a&base=coap://h&lt=4294967295", "", 0), 1);
    CHECK_INT(lintel_registry_find(d.r, d.ids[0])->expires == INT64_MAX, 1);
    CHECK_INT(lintel_registry_expire(d.r, INT64_MAX - 1) == INT64_MAX, 1);
    CHECK_INT(stats(&d).active, 1);
    dir_close(&d);
}

static void
updates_change_what_they_name(void)
{
    struct dir d;
    dir_open(&d);
    dir_put(&d, "ep=a&source=coap://h&lt=60&et=x&et=y&foo=1", "</t>;rt=x", 0);
    dir_told(&d);
    uint64_t state = lintel_registry_find(d.r, d.ids[0])->state;
    CHECK_INT(dir_update(&d, 1, "source=coap://h", NULL), 0);
    CHECK_STR(dir_told(&d), "");
    CHECK(lintel_registry_find(d.r, d.ids[0])->state > state);
    CHECK_INT(lintel_registry_find(d.r, d.ids[0])->lt, 60);
    CHECK_INT(dir_update(&d, 1, "source=coap://i&ET=z", NULL), 0);
    CHECK_STR(dir_told(&d), "~a(was) ~a");
    CHECK_STR(dir_look(&d, 0, "", 9),
              "</rd/1>;ep=\"a\";base=\"coap://i\";rt=\"core.rd-ep\";foo=\"1\";ET=\"z\"");
    CHECK_STR(dir_look(&d, 0, "et=x", 9), "");
    CHECK_INT(dir_update(&d, 1, "base=coap://j", NULL), 0); /* given: sources count no more */
    CHECK_INT(dir_update(&d, 1, "source=coap://k", NULL), 0);
    CHECK_STR(dir_look(&d, 1, "", 9), "<coap://j/t>;rt=x");
    CHECK_INT(dir_update(&d, 1, "lt=5", "</u>;rt=y,</v>"), 0);
    CHECK_STR(dir_look(&d, 1, "", 9), "<coap://j/u>;rt=y,<coap://j/v>");
    CHECK_STR(dir_look(&d, 1, "rt=x", 9), "");
    CHECK_INT(stats(&d).links, 2);
    dir_told(&d);
    CHECK_INT(dir_update(&d, 1, "page=5", NULL), -1);
    CHECK_INT(dir_update(&d, 1, "base=coap:x", NULL), -1);
    CHECK_INT(dir_update(&d, 1, "", "<x>"), -1);
    CHECK_STR(dir_told(&d), "");
    CHECK_STR(dir_look(&d, 1, "", 9), "<coap://j/u>;rt=y,<coap://j/v>");
    dir_wait(&d, 5);
    CHECK_INT(dir_update(&d, 1, "foo=2", NULL), 0); /* from grace, with another content */
    CHECK_STR(dir_told(&d), "-a +a");
    CHECK_STR(dir_look(&d, 1, "foo=2", 9), "<coap://j/u>;rt=y,<coap://j/v>");
    dir_close(&d);
}

static void
too_many_attributes_are_refused(void)
{
    struct dir d;
    struct lintel_buf query = {0};
    dir_open(&d);
    lintel_buf_adds(&query, "ep=a&base=coap://h");
    for (int i = 0; i < LINTEL_REG_ATTRS_MOST; i++)
        lintel_buf_addf(&query, "&x%d=1", i);
    CHECK_INT(dir_put(&d, lintel_buf_str(&query), "", 0), 1);
    CHECK_INT(dir_update(&d, 1, "y=1", NULL), -1);
    CHECK_INT(dir_update(&d, 1, "x0=2", NULL), 0);
    lintel_buf_adds(&query, "&y=1");
    CHECK_INT(dir_put(&d, lintel_buf_str(&query), "", 0), 0);
    CHECK_STR(d.reason, "too many parameters");
    lintel_buf_fini(&query);
    dir_close(&d);
}

static void
names_have_limits(void)
{
    static const struct {
        const char *name;
        int ok;
    } cases[] = {
        {"a", 1},
        {"", 1},
        {"123456789012345678901234567890123456789012345678901234567890123", 1},
        {"1234567890123456789012345678901234567890123456789012345678901234", 0},
        {"1234567890123456789012345678901234567890123456789012345678901\xc3\xa4", 1},
        {"12345678901234567890123456789012345678901234567890123456789012\xc3\xa4", 0},
        {"a\x1f", 0},
        {"a\x7f", 0},
        {"a\xc2\x80", 0},
        {"a\xc2\x85", 0},
        {"a\xc2\x9f", 0},
        {"a\xc2\xa0", 1},
        {"a\xc2", 0},
        {"a\xff", 0},
        {"a\"b,;<>", 1},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++)
        CHECK_INT(lintel_reg_is_name(lintel_str(cases[i].name)), cases[i].ok);
    CHECK(!lintel_reg_is_name((struct lintel_str){"a\0b", 3}));
    struct dir d;
    dir_open(&d);
    CHECK_INT(dir_put(&d, "ep=&base=coap://h", "", 0), 0);
    CHECK_INT(dir_put(&d, "base=coap://h", "", 0), 0);
    CHECK_HAS(d.reason, "ep must be 1 to 63 bytes");
    CHECK_INT(dir_put(&d, "ep=a&d=\x01&base=coap://h", "", 0), 0);
    CHECK_HAS(d.reason, "d must be");
    dir_close(&d);
}

static void
bases_are_judged(void)
{
    static const struct {
        const char *base, *why; /* NULL: it is one */
    } cases[] = {
        {"coap://[2001:db8::1]", NULL},
        {"coap://[2001:db8::1]:61616", NULL},
        {"coaps+tcp://host.example.com:5684", NULL},
        {"coap://192.0.2.1/", NULL},
        {"coap://[fe80::1]", NULL},
        {"", "absolute URI"},
        {"/x", "absolute URI"},
        {"coap:x", "absolute URI"},
        {"//h", "absolute URI"},
        {"coap://", "no host"},
        {"coap://:5683", "no host"},
        {"coap://h?x", "no query"},
        {"coap://h#x", "no fragment"},
        {"coap://[fe80::1%25eth0]", "zone id"},
        {"coap://[fe80::1%eth0]", "zone id"},
        {"coap://[fe80::1", "no ']'"},
        {"coap://[fe80::g]", "no IPv6 address"},
        {"coap://[]", "no IPv6 address"},
        {"coap://[::1]x", "only a port"},
        {"coap://h:65536", "port is none"},
        {"coap://h:5a", "port is none"},
        {"coap://h:", "port is missing"},
        {"coap://h/ä", "can't stand in a URI"},
    };
    char reason[LINTEL_REASON];
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        reason[0] = '\0';
        int got = lintel_reg_check_base(lintel_str(cases[i].base), reason);
        CHECK_INT(got, cases[i].why == NULL ? 0 : -1);
        CHECK_HAS(reason, cases[i].why == NULL ? "" : cases[i].why);
    }
    char longest[LINTEL_REG_BASE_MOST + 2] = "coap://";
    memset(longest + 7, 'a', LINTEL_REG_BASE_MOST - 6);
    CHECK_INT(lintel_reg_check_base((struct lintel_str){longest, LINTEL_REG_BASE_MOST}, reason), 0);
    CHECK_INT(lintel_reg_check_base((struct lintel_str){longest, LINTEL_REG_BASE_MOST + 1}, reason),
              -1);
}

static void
links_must_be_of_the_limited_format(void)
{
    static const struct {
        const char *links;
        int at; /* -1: taken */
        const char *why;
    } cases[] = {
        {"", -1, ""},
        {" \n", -1, ""},
        {"</>", -1, ""},
        {"</a/b?c=d#e>;title=\"a, b; \\\"c\\\"\"", -1, ""},
        {"<coap://h/x>,<urn:a:b>,<tel:+1>", -1, ""},
        {"</a>;title=\"\xc3\xa4\"", -1, ""},
        {"</a>;anchor=\"/b\"", -1, ""},
        {"</a>;anchor=\"coap://h\"", -1, ""},
        {"<temp>", 0, "begins with one '/'"},
        {"</a>,<temp>", 5, "begins with one '/'"},
        {"<//host/x>", 0, "begins with one '/'"},
        {"</a/..//x>", 0, "begins with one '/'"},
        {"<>", 0, "begins with one '/'"},
        {"<?x>", 0, "begins with one '/'"},
        {"<coap:>", 0, "must be a URI"},
        {"</a%2>", 0, "must be a URI"},
        {"</\xc3\xa4>", 0, "must be a URI"},
        {"</a>;anchor=\"b\"", 0, "anchor"},
        {"</a>;anchor=\"\"", 0, "anchor"},
        {"</a>;anchor", 0, "anchor"},
        {"</a>;anchor=\"//b\"", 0, "anchor"},
        {"</a>;title=\"\xff\"", 12, "UTF-8"},
        {"</a>;rt=", 8, "no value"},
        {"</a", 3, "no '>'"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        char reason[LINTEL_REASON] = "";
        size_t at = 0;
        int got = lintel_reg_check_links(lintel_str(cases[i].links), &at, reason);
        CHECK_INT(got, cases[i].at < 0 ? 0 : -1);
        CHECK_HAS(reason, cases[i].why);
        if (cases[i].at >= 0)
            CHECK_INT(at, cases[i].at);
    }
}

static void
links_have_limits(void)
{
    struct lintel_buf b = {0};
    char reason[LINTEL_REASON];
    size_t at;
    for (int i = 0; i < LINTEL_REG_LINKS_MOST; i++)
        lintel_buf_adds(&b, i == 0 ? "</a>" : ",</a>");
    CHECK_INT(lintel_reg_check_links((struct lintel_str){b.p, b.n}, &at, reason), 0);
    lintel_buf_adds(&b, ",</b>");
    CHECK_INT(lintel_reg_check_links((struct lintel_str){b.p, b.n}, &at, reason), -1);
    CHECK_STR(reason, "more than 1000 links");
    lintel_buf_reset(&b);
    while (b.n <= LINTEL_REG_BYTES_MOST)
        lintel_buf_addf(&b, "%s</%0*d>", b.n == 0 ? "" : ",", 1000, 1);
    CHECK_INT(lintel_reg_check_links((struct lintel_str){b.p, b.n}, &at, reason), -1);
    CHECK_HAS(reason, "65536 bytes");
    lintel_buf_fini(&b);
}

static void
attributes_have_limits(void)
{
    static const char *const bad[] = {"page=1", "count=1", "rt=x",  "href=x", "anchor=x",
                                      "if=x",   "rel=x",   "RT=x",  "=x",     "a b=x",
                                      "a\"=x",  "x=\x01",  "x=\xff"};
    struct dir d;
    char query[2048];
    dir_open(&d);
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        lintel_format(query, sizeof query, "ep=a&base=coap://h&%s", bad[i]);
        CHECK_INT(dir_put(&d, query, "", 0), 0);
    }
    lintel_format(query, sizeof query, "ep=a&base=coap://h&x=%0*d", LINTEL_REG_ATTR_MOST + 1, 1);
    CHECK_INT(dir_put(&d, query, "", 0), 0);
    CHECK_HAS(d.reason, "longer than 1024 bytes");
    lintel_format(query, sizeof query, "ep=a&base=coap://h&x=%0*d", LINTEL_REG_ATTR_MOST, 1);
    CHECK_INT(dir_put(&d, query, "", 0), 1);
    dir_close(&d);
}

static void
links_come_back_as_registered(void)
{
    static const char *const docs[] = {
        "</a>;rt=x;ct=40;obs;title=\"q \\\"w\\\" \\\\\";sz=\"0\",<coap://h/x?y#z>;anchor=\"/a\"",
        "</>;if=\"a b\";empty=\"\";x=1;x=2"};
    struct dir d;
    struct lintel_buf out = {0};
    dir_open(&d);
    for (size_t i = 0; i < LINTEL_COUNT(docs); i++) {
        dir_put(&d, "ep=a&base=coap://h", docs[i], 0);
        lintel_registration_links(lintel_registry_find(d.r, d.ids[0]), &out);
        CHECK_STR(lintel_buf_str(&out), docs[i]);
        lintel_buf_reset(&out);
    }
    dir_put(&d, "ep=a&base=coap://h", " </x/../a/./b?c/../d> ; rt = x ;RT=y,\n</c>;ct=1;ct=2", 0);
    lintel_registration_links(lintel_registry_find(d.r, d.ids[0]), &out);
    CHECK_STR(lintel_buf_str(&out), "</a/b?c/../d>;rt=x,</c>;ct=1");
    lintel_buf_fini(&out);
    dir_close(&d);
}

static void
attributes_are_told(void)
{
    struct dir d;
    struct lintel_link_attr attr;
    dir_open(&d);
    dir_put(&d, "ep=a&base=coap://h&et=x&flag&et=y", "", 0);
    const struct lintel_registration *reg = lintel_registry_find(d.r, d.ids[0]);
    CHECK(lintel_registration_attr(reg, 0, &attr) && lintel_str_eq(attr.value, "x"));
    CHECK(lintel_registration_attr(reg, 1, &attr) && attr.value.p == NULL);
    CHECK(lintel_str_eq(attr.name, "flag"));
    CHECK(lintel_registration_attr(reg, 2, &attr) && lintel_str_eq(attr.value, "y"));
    CHECK(!lintel_registration_attr(reg, 3, &attr));
    dir_close(&d);
}

/* A registration as bytes, with these packed links. */
static void
kept_with(struct lintel_buf *out, uint32_t nlinks, const char *links, size_t n)
{
    static const char *const texts[] = {"node1", "", "coap://h", "psk:a"};
    lintel_buf_reset(out);
    lintel_cbor_array(out, 12);
    lintel_cbor_uint(out, 2);
    for (size_t i = 0; i < LINTEL_COUNT(texts); i++)
        lintel_cbor_str(out, texts[i], strlen(texts[i]));
    lintel_cbor_uint(out, 60); /* lt, flags, state, never ends */
    lintel_cbor_uint(out, 0);
    lintel_cbor_uint(out, 1);
    lintel_cbor_null(out);
    lintel_cbor_array(out, 0);
    lintel_cbor_uint(out, nlinks);
    lintel_cbor_bytes(out, links, n);
}

/* What the disk holds is judged like what comes over the net. */
static void
kept_links_are_judged(void)
{
#define PACKED(n, text) n, text, sizeof text - 1
    static const struct {
        uint32_t nlinks;
        const char *links;
        size_t n;
        const char *reason, *doc;
    } cases[] = {
        {PACKED(0, ""), NULL, ""},
        {PACKED(1, "\0\2\2/a\2\x20\1rtx\3\0\0obs"), NULL, "</a>;rt=x;obs"},
        {PACKED(1, "\0\2\1/a\1\x40\2x\"\\"), NULL, "</a>;x=\"\\\"\\\\\""},
        {PACKED(2, "\0\2\0/a\0\5\0/.a/b"), NULL, "</a>,</.a/b>"},
        {PACKED(1, ""), "link 0", NULL},
        {PACKED(1, "\0\3\0/a"), "link 0", NULL},         /* cut */
        {PACKED(1, "\0\2\0/a\0"), "behind", NULL},       /* too long */
        {PACKED(2, "\0\2\0/a\0\2\1/b"), "link 1", NULL}, /* no attribute there */
        {PACKED(1, "\0\2\x21/a"), "link 0", NULL},       /* 33 attributes */
        {PACKED(1, "\0\2\0//"), "target", NULL},
        {PACKED(1, "\0\1\0a"), "target", NULL},
        {PACKED(1, "\0\7\0/a/../b"), "link 0", NULL},      /* dots */
        {PACKED(1, "\0\2\1/a\0\x20\1x"), "link 0", NULL},  /* no name */
        {PACKED(1, "\0\2\1/a\1\x20\1 x"), "link 0", NULL}, /* a blank as name */
        {PACKED(1, "\0\2\1/a\1\0\1xy"), "link 0", NULL},   /* none, but of one byte */
        {PACKED(1, "\0\2\1/a\1\x20\0x"), "link 0", NULL},  /* bare, but empty */
        {PACKED(1, "\0\2\1/a\1\x20\1x,"), "link 0", NULL}, /* bare, but no token */
        {PACKED(1, "\0\2\1/a\1\x60\1xy"), "link 0", NULL}, /* no such kind */
        {PACKED(1, "\0\2\1/a\1\x40\1x\0"), "link 0", NULL},
        {PACKED(1, "\0\2\1/a\1\x40\1x\x80"), "link 0", NULL}, /* no UTF-8 */
        {PACKED(1, "\0\2\2/a\2\x20\1rtx\2\x20\1RTy"), "link 0", NULL},
        {PACKED(1, "\0\2\1/a\6\0\0anchor"), "anchor", NULL},
        {PACKED(1, "\0\2\1/a\6\x40\1anchorx"), "anchor", NULL},
        {PACKED(1, "\0\2\1/a\6\x40\4anchor/x/."), "link 0", NULL},
    };
    for (size_t i = 0; i < LINTEL_COUNT(cases); i++) {
        struct dir d;
        struct lintel_buf kept = {0}, doc = {0};
        char reason[LINTEL_REASON] = "";
        dir_open(&d);
        kept_with(&kept, cases[i].nlinks, cases[i].links, cases[i].n);
        int got = lintel_registry_unpack(d.r, 7, kept.p, kept.n, d.now, 1, reason);
        CHECK_INT(got, cases[i].doc == NULL ? -1 : 0);
        if (cases[i].doc == NULL)
            CHECK_HAS(reason, cases[i].reason);
        else
            lintel_registration_links(lintel_registry_find(d.r, 7), &doc);
        CHECK_STR(lintel_buf_str(&doc), cases[i].doc == NULL ? "" : cases[i].doc);
        lintel_buf_fini(&kept);
        lintel_buf_fini(&doc);
        dir_close(&d);
    }
#undef PACKED
}

/* A registration is taken, changed, packed, taken back and looked up: each whole, or not at all. */
static int
live_once(void *ctx)
{
    struct lintel_registry_source source = {.seed = 7};
    struct lintel_registry *r = lintel_registry_new(&source), *again = NULL;
    struct lintel_reg_input in = {.ep = lintel_str("node1"),
                                  .base = lintel_str("coap://h"),
                                  .lt = 60,
                                  .links = lintel_str("</a>;rt=\"x y\",</b>;title=\"\\\"q\"")};
    struct lintel_reg_update u = {.links = lintel_str("</c>;rt=z,</d>,</e>;rt=z")};
    struct lintel_registry_stats stats;
    struct lintel_buf packed = {0};
    char reason[LINTEL_REASON] = "";
    (void)ctx;
    const struct lintel_registration *reg =
        r != NULL ? lintel_registry_put(r, &in, 1, NULL, reason) : NULL;
    int done = reg != NULL;
    CHECK(r == NULL || done == (reason[0] == '\0'));
    uint64_t id = done ? reg->id : 0;
    if (done && lintel_registry_update(r, id, &u, 2, reason) != 0)
        done = 0;
    if (id != 0) {
        lintel_registry_stats(r, &stats);
        CHECK_INT(stats.active, 1);
        CHECK_INT(stats.links, done ? 3 : 2);
        reg = lintel_registry_find(r, id);
        lintel_registration_pack(reg, 2, 2, &packed);
        again = lintel_registry_new(&source);
    }
    done = done && again != NULL && !packed.failed &&
           lintel_registry_unpack(again, id, packed.p, packed.n, 2, 2, reason) == 0;
    if (again != NULL) {
        lintel_registry_stats(again, &stats);
        CHECK_INT(stats.active, done);
        CHECK_INT(stats.links, done ? 3 : 0);
    }
    lintel_buf_fini(&packed);
    lintel_registry_free(again);
    lintel_registry_free(r);
    return done;
}

static void
memory_runs_out(void)
{
    CHECK(kit_each_failure(live_once, NULL) > 10);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(registering_twice_keeps_the_place),
                                            KIT(sectors_are_apart),
                                            KIT(memory_runs_out),
                                            KIT(ids_are_not_guessed),
                                            KIT(lifetimes_end_and_begin_again),
                                            KIT(ends_come_some_at_a_time),
                                            KIT(grace_grows_with_the_lifetime),
                                            KIT(time_does_not_overflow),
                                            KIT(updates_change_what_they_name),
                                            KIT(too_many_attributes_are_refused),
                                            KIT(names_have_limits),
                                            KIT(bases_are_judged),
                                            KIT(links_must_be_of_the_limited_format),
                                            KIT(links_have_limits),
                                            KIT(attributes_have_limits),
                                            KIT(links_come_back_as_registered),
                                            KIT(attributes_are_told),
                                            KIT(kept_links_are_judged),
                                            {0}};
    return kit_main("registry", tests, argc, argv);
}
