/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/pcapng.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/kit/kit.h"

struct seen {
    char comments[400];
    struct lintel_pcapng_packet packets[8];
    char protocols[8][16];
    unsigned char bytes[8][64];
    uint32_t n, stop_at; /* stop_at: ends the reading */
};

static int
on_comment(void *ctx, const char *text, size_t n)
{
    struct seen *s = ctx;
    size_t at = strlen(s->comments);
    (void)lintel_format(s->comments + at, sizeof s->comments - at, "%.*s|", (int)n, text);
    return 0;
}

static int
on_packet(void *ctx, const struct lintel_pcapng_packet *p)
{
    struct seen *s = ctx;
    if (s->n == 8 || p->n > 64 || (s->stop_at != 0 && s->n + 1 == s->stop_at))
        return -1;
    s->packets[s->n] = *p;
    (void)lintel_copy(s->protocols[s->n], 16, p->protocol);
    memcpy(s->bytes[s->n], p->p, p->n);
    s->n++;
    return 0;
}

static int
read_all(const void *p, size_t n, struct seen *s, char reason[LINTEL_PCAPNG_REASON])
{
    *s = (struct seen){.stop_at = s->stop_at};
    reason[0] = '\0';
    return lintel_pcapng_read(p, n, &(struct lintel_pcapng_fns){on_comment, on_packet, s}, reason);
}

static void
make(struct lintel_buf *b)
{
    lintel_pcapng_begin(b,
                        &(struct lintel_pcapng_head){.application = "Lintel 1",
                                                     .comment = "for people",
                                                     .name = "line-1",
                                                     .interface_comment = "{\"bus\":\"line-1\"}"});
    lintel_pcapng_packet(b, &(struct lintel_pcapng_packet){.when = INT64_C(1795725919398379706),
                                                           .protocol = "mbtcp",
                                                           .peer = "192.0.2.7:1502",
                                                           .p = "\1\2\3",
                                                           .n = 3});
    lintel_pcapng_packet(b, &(struct lintel_pcapng_packet){.when = INT64_C(1795725919398379707),
                                                           .incoming = 1,
                                                           .protocol = "mqtt",
                                                           .peer = "[2001:db8::1]:1884",
                                                           .p = "",
                                                           .n = 0,
                                                           .comment = "2 are missing"});
    lintel_pcapng_end(b, INT64_C(1795725919398379707), 4, 2);
}

static void
what_was_written_is_read(void)
{
    struct lintel_buf b = {0};
    static struct seen s;
    char reason[LINTEL_PCAPNG_REASON];
    make(&b);
    REQUIRE(!b.failed);
    CHECK_INT(b.n % 4, 0);
    CHECK_INT(read_all(b.p, b.n, &s, reason), 0);
    CHECK_STR(s.comments, "for people|{\"bus\":\"line-1\"}|");
    REQUIRE(s.n == 2);
    CHECK(s.packets[0].when == INT64_C(1795725919398379706));
    CHECK_INT(s.packets[0].incoming, 0);
    CHECK_STR(s.protocols[0], "mbtcp");
    CHECK_INT(s.packets[0].n, 3);
    CHECK(memcmp(s.bytes[0], "\1\2\3", 3) == 0);
    CHECK_INT(s.packets[1].incoming, 1);
    CHECK_STR(s.protocols[1], "mqtt");
    CHECK_INT(s.packets[1].n, 0);
    lintel_buf_fini(&b);
}

/* Written by hand after the draft: big-endian, microseconds, a block that nobody knows, a packet of
 * Ethernet, one of the upper PDU, no options at the packet. */
static const unsigned char foreign[] =
    {
        0x0a, 0x0d, 0x0d, 0x0a, 0,    0,    0,    0x1c, 0x1a, 0x2b, 0x3c, 0x4d, 0,    1, 0,
        0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0x1c, /* section */
        0,    0,    0,    1,    0,    0,    0,    0x14, 0,    1,    0,    0,    0,    0, 0,
        0,    0,    0,    0,    0x14, /* Ethernet */
        0,    0,    0,    1,    0,    0,    0,    0x14, 0,    0xfc, 0,    0,    0,    0, 0,
        0,    0,    0,    0,    0x14, /* upper PDU */
        0,    0,    0x0b, 0xad, 0,    0,    0,    0x10, 1,    2,    3,    4,    0,    0, 0,
        0x10, /* unknown */
        0,    0,    0,    6,    0,    0,    0,    0x24, 0,    0,    0,    0,    0,    0, 0,
        0,    0,    0,    0,    7,    0,    0,    0,    2,    0,    0,    0,    2,    9, 9,
        0,    0,    0,    0,    0,    0x24, /* of Ethernet */
        0,    0,    0,    6,    0,    0,    0,    0x34, 0,    0,    0,    1,    0,    0, 0,
        1,    0,    0,    0,    2,    0,    0,    0,    0x12, 0,    0,    0,    0x12, 0, 12,
        0,    8,    'm',  'b',  'r',  't',  'u',  0,    0,    0,    0,    0,    0,    0, 0xaa,
        0xbb, 0,    0,    0,    0,    0,    0x34};

static void
others_write_too(void)
{
    static struct seen s;
    char reason[LINTEL_PCAPNG_REASON];
    CHECK_INT(read_all(foreign, sizeof foreign, &s, reason), 0);
    CHECK_STR(reason, "");
    REQUIRE(s.n == 1);
    CHECK(s.packets[0].when == INT64_C(4294967298) * 1000);
    CHECK_STR(s.protocols[0], "mbrtu");
    CHECK_INT(s.packets[0].n, 2);
    CHECK(memcmp(s.bytes[0], "\xaa\xbb", 2) == 0);
}

/* Each cut and each changed byte is either read or told; neither reads beyond the end. */
static void
broken_ones_are_told(void)
{
    struct lintel_buf b = {0};
    static struct seen s;
    char reason[LINTEL_PCAPNG_REASON];
    make(&b);
    CHECK_INT(read_all("", 0, &s, reason), -1);
    CHECK_STR(reason, "byte 0: the file is empty");
    CHECK_INT(read_all("this is a text of some length", 29, &s, reason), -1);
    CHECK_STR(reason, "byte 0: this is no pcapng file");
    unsigned bad = 0;
    for (size_t n = 1; n < b.n; n++) {
        char *part = lintel_alloc(n); /* so that a sanitizer sees what lies behind */
        REQUIRE(part != NULL);
        memcpy(part, b.p, n);
        if (read_all(part, n, &s, reason) != 0) {
            bad++;
            CHECK_HAS(reason, "byte ");
        }
        lintel_free(part);
    }
    CHECK(bad > b.n - 10); /* only at the ends of blocks nothing is missing */
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] = (char)(b.p[i] ^ 0x80);
        (void)read_all(b.p, b.n, &s, reason);
        b.p[i] = (char)(b.p[i] ^ 0x80);
    }
    s.stop_at = 2;
    CHECK_INT(read_all(b.p, b.n, &s, reason), -1);
    CHECK_HAS(reason, "reading was ended");
    CHECK_INT(s.n, 1);
    lintel_buf_fini(&b);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(what_was_written_is_read), KIT(others_write_too), KIT(broken_ones_are_told), {0}};
    return kit_main("pcapng", tests, argc, argv);
}
