/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/pcapng.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/mem.h"

enum { /* blocks */
       BLOCK_SECTION = 0x0a0d0d0a,
       BLOCK_INTERFACE = 1,
       BLOCK_STATISTICS = 5,
       BLOCK_PACKET = 6
};
enum { /* options, by their block */
       OPTION_END = 0,
       OPTION_COMMENT = 1,
       SECTION_APPLICATION = 4,
       INTERFACE_NAME = 2,
       INTERFACE_DETAIL = 3,
       INTERFACE_RESOLUTION = 9,
       PACKET_FLAGS = 2,
       STATISTICS_RECEIVED = 4,
       STATISTICS_DROPPED = 5
};
enum { /* tags of an exported PDU, all big-endian (Wireshark, epan/exported_pdu.h) */
       TAG_END = 0,
       TAG_DISSECTOR = 12,
       TAG_IPV4_SOURCE = 20,
       TAG_IPV4_TARGET = 21,
       TAG_IPV6_SOURCE = 22,
       TAG_IPV6_TARGET = 23,
       TAG_PORT_TYPE = 24,
       TAG_PORT_SOURCE = 25,
       TAG_PORT_TARGET = 26,
       TAG_DIRECTION = 35
};
enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    LINK_UPPER_PDU = 252,
    PORT_TCP = 2,
    OWN_PORT = 49152, /* not known, and of no use: the dissectors want one */
    FLAG_IN = 1,
    FLAG_OUT = 2,
    TEXT_MOST = 65535,
    NANOSECONDS = 9
};

/* ---- writing --------------------------------------------------------------------------------- */

static void
put32(struct lintel_buf *b, uint32_t v)
{
    lintel_buf_add(b, &v, sizeof v);
}

static void
put16(struct lintel_buf *b, uint16_t v)
{
    lintel_buf_add(b, &v, sizeof v);
}

static void
pad(struct lintel_buf *b, size_t n)
{
    lintel_buf_add(b, "\0\0\0", (4 - n % 4) % 4);
}

static void
option(struct lintel_buf *b, uint16_t code, const void *p, size_t n)
{
    put16(b, code);
    put16(b, (uint16_t)n);
    lintel_buf_add(b, p, n);
    pad(b, n);
}

static void
text_option(struct lintel_buf *b, uint16_t code, const char *s)
{
    size_t n = s != NULL ? strlen(s) : 0;
    if (n != 0)
        option(b, code, s, n < TEXT_MOST ? n : lintel_utf8_valid(s, TEXT_MOST));
}

/* A block's head, and where its length has to be written. */
static size_t
begin(struct lintel_buf *b, uint32_t type)
{
    size_t at = b->n;
    put32(b, type);
    put32(b, 0);
    return at;
}

static void
end(struct lintel_buf *b, size_t at)
{
    option(b, OPTION_END, "", 0);
    uint32_t n = (uint32_t)(b->n - at + 4);
    put32(b, n);
    if (!b->failed)
        memcpy(b->p + at + 4, &n, sizeof n);
}

void
lintel_pcapng_begin(struct lintel_buf *b, const struct lintel_pcapng_head *h)
{
    static const uint8_t resolution = NANOSECONDS;
    size_t at = begin(b, BLOCK_SECTION);
    put32(b, BYTE_ORDER_MAGIC);
    put16(b, 1);
    put16(b, 0);
    put32(b, UINT32_MAX); /* the section's length: not said */
    put32(b, UINT32_MAX);
    text_option(b, OPTION_COMMENT, h->comment);
    text_option(b, SECTION_APPLICATION, h->application);
    end(b, at);
    at = begin(b, BLOCK_INTERFACE);
    put16(b, LINK_UPPER_PDU);
    put16(b, 0);
    put32(b, 0); /* no limit of length */
    text_option(b, OPTION_COMMENT, h->interface_comment);
    text_option(b, INTERFACE_NAME, h->name);
    text_option(b, INTERFACE_DETAIL, h->detail);
    option(b, INTERFACE_RESOLUTION, &resolution, 1);
    end(b, at);
}

static void
tag(struct lintel_buf *b, uint16_t code, const void *p, size_t n)
{
    put16(b, htons(code));
    put16(b, htons((uint16_t)((n + 3) / 4 * 4))); /* the length counts the padding */
    lintel_buf_add(b, p, n);
    pad(b, n);
}

static void
tag32(struct lintel_buf *b, uint16_t code, uint32_t v)
{
    v = htonl(v);
    tag(b, code, &v, sizeof v);
}

/* Address and port of a peer that has them; without, the port that the protocol is known by. */
static void
tag_peer(struct lintel_buf *b, const struct lintel_pcapng_packet *p)
{
    const char *peer = p->peer != NULL ? p->peer : "", *colon = strrchr(peer, ':');
    char host[64];
    unsigned char address[16];
    uint32_t port = strcmp(p->protocol, "mqtt") == 0 ? 1883 : 502;
    size_t n = colon != NULL ? (size_t)(colon - peer) : 0;
    int bracket = n > 2 && peer[0] == '[' && peer[n - 1] == ']';
    uint32_t given = 0;
    for (const char *d = n != 0 ? colon + 1 : ""; *d >= '0' && *d <= '9' && given < 65536; d++)
        given = given * 10 + (uint32_t)(*d - '0');
    if (given > 0 && given < 65536 && strncmp(p->protocol, "mb", 2) != 0)
        port = given; /* Modbus is told by its port, and gateways have others */
    if (n > 0 && n < sizeof host) {
        memcpy(host, peer + bracket, n - 2 * (size_t)bracket);
        host[n - 2 * (size_t)bracket] = '\0';
        if (!bracket && inet_pton(AF_INET, host, address) == 1)
            tag(b, p->incoming ? TAG_IPV4_SOURCE : TAG_IPV4_TARGET, address, 4);
        else if (bracket && inet_pton(AF_INET6, host, address) == 1)
            tag(b, p->incoming ? TAG_IPV6_SOURCE : TAG_IPV6_TARGET, address, 16);
    }
    tag32(b, TAG_PORT_TYPE, PORT_TCP);
    tag32(b, TAG_PORT_SOURCE, p->incoming ? port : OWN_PORT);
    tag32(b, TAG_PORT_TARGET, p->incoming ? OWN_PORT : port);
}

void
lintel_pcapng_packet(struct lintel_buf *b, const struct lintel_pcapng_packet *p)
{
    uint32_t flags = p->incoming ? FLAG_IN : FLAG_OUT;
    size_t at = begin(b, BLOCK_PACKET);
    put32(b, 0);
    put32(b, (uint32_t)((uint64_t)p->when >> 32));
    put32(b, (uint32_t)p->when);
    size_t lengths = b->n;
    put32(b, 0);
    put32(b, 0);
    size_t data = b->n;
    tag(b, TAG_DISSECTOR, p->protocol, strlen(p->protocol));
    tag_peer(b, p);
    tag32(b, TAG_DIRECTION, (uint32_t)p->incoming);
    tag(b, TAG_END, "", 0);
    lintel_buf_add(b, p->p, p->n);
    uint32_t n = (uint32_t)(b->n - data);
    pad(b, n);
    option(b, PACKET_FLAGS, &flags, sizeof flags);
    text_option(b, OPTION_COMMENT, p->comment);
    end(b, at);
    if (!b->failed) {
        memcpy(b->p + lengths, &n, sizeof n);
        memcpy(b->p + lengths + 4, &n, sizeof n);
    }
}

void
lintel_pcapng_end(struct lintel_buf *b, int64_t when, uint64_t received, uint64_t dropped)
{
    size_t at = begin(b, BLOCK_STATISTICS);
    put32(b, 0);
    put32(b, (uint32_t)((uint64_t)when >> 32));
    put32(b, (uint32_t)when);
    option(b, STATISTICS_RECEIVED, &received, sizeof received);
    option(b, STATISTICS_DROPPED, &dropped, sizeof dropped);
    end(b, at);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct interface {
    int link;
    uint8_t resolution;
};

struct reader {
    const unsigned char *p;
    size_t n, at; /* at: of the block */
    const struct lintel_pcapng_fns *fns;
    char *reason;
    int swapped;
    struct interface interfaces[LINTEL_PCAPNG_INTERFACES_MOST];
    uint32_t ninterfaces, npackets;
};

static int
wrong(struct reader *r, const char *what)
{
    (void)lintel_format(r->reason, LINTEL_PCAPNG_REASON, "byte %zu: %s", r->at, what);
    return -1;
}

static uint32_t
get32(const struct reader *r, const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return r->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t
get16(const struct reader *r, const unsigned char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return r->swapped ? __builtin_bswap16(v) : v;
}

/* The options of a block: each goes to fn. */
static int
options(struct reader *r, const unsigned char *p, size_t n,
        int (*fn)(struct reader *r, uint16_t code, const unsigned char *p, size_t n))
{
    while (n >= 4) {
        uint16_t code = get16(r, p), length = get16(r, p + 2);
        size_t whole = 4 + ((size_t)length + 3) / 4 * 4;
        if (code == OPTION_END)
            return 0;
        if (whole > n)
            return wrong(r, "an option is longer than its block");
        int ended = fn(r, code, p + 4, length);
        if (ended != 0)
            return ended;
        p += whole;
        n -= whole;
    }
    return n == 0 ? 0 : wrong(r, "a block ends within an option");
}

static int
on_section_option(struct reader *r, uint16_t code, const unsigned char *p, size_t n)
{
    if (code == OPTION_COMMENT && r->fns->comment(r->fns->ctx, (const char *)p, n) != 0)
        return wrong(r, "reading was ended");
    return 0;
}

static int
on_interface_option(struct reader *r, uint16_t code, const unsigned char *p, size_t n)
{
    if (code == INTERFACE_RESOLUTION && n == 1)
        r->interfaces[r->ninterfaces].resolution = *p;
    return on_section_option(r, code, p, n);
}

static int
on_interface(struct reader *r, const unsigned char *p, size_t n)
{
    if (n < 8)
        return wrong(r, "an interface without a link type");
    if (r->ninterfaces == LINTEL_PCAPNG_INTERFACES_MOST)
        return wrong(r, "more interfaces than can be");
    r->interfaces[r->ninterfaces] = (struct interface){get16(r, p), 6};
    if (options(r, p + 8, n - 8, on_interface_option) != 0)
        return -1;
    r->ninterfaces++;
    return 0;
}

/* Units of a clock as ns: a negative power of ten, or of two where the highest bit is set. -1: none
 * that can be. */
static int
nanoseconds(uint64_t v, uint8_t resolution, int64_t *ret)
{
    unsigned exponent = resolution & 0x7f;
    if (resolution & 0x80) {
        if (exponent > 32 || v >> exponent > INT64_MAX / 1000000000 - 1)
            return -1;
        uint64_t part = v & ((UINT64_C(1) << exponent) - 1);
        *ret = (int64_t)((v >> exponent) * 1000000000 + (part * 1000000000 >> exponent));
        return 0;
    }
    if (exponent > 19)
        return -1;
    for (; exponent > NANOSECONDS; exponent--)
        v /= 10;
    for (; exponent < NANOSECONDS; exponent++) {
        if (v > UINT64_MAX / 10)
            return -1;
        v *= 10;
    }
    if (v > INT64_MAX)
        return -1;
    *ret = (int64_t)v;
    return 0;
}

/* The tags in front of a message, whose direction and dissector are kept. */
static int
read_tags(struct reader *r, const unsigned char **at, size_t *left, char name[LINTEL_PCAPNG_NAME],
          int *incoming)
{
    const unsigned char *p = *at;
    size_t n = *left;
    for (;;) {
        if (n < 4)
            return wrong(r, "a packet ends within its tags");
        unsigned code = (unsigned)p[0] << 8 | p[1], length = (unsigned)p[2] << 8 | p[3];
        p += 4;
        n -= 4;
        if (length > n)
            return wrong(r, "a tag is longer than its packet");
        if (code == TAG_END)
            break;
        if (code == TAG_DISSECTOR && length < LINTEL_PCAPNG_NAME) {
            memcpy(name, p, length);
            name[length] = '\0';
        } else if (code == TAG_DIRECTION && length == 4) {
            *incoming = p[3] != 0;
        }
        p += length;
        n -= length;
    }
    *at = p;
    *left = n;
    return 0;
}

static int
on_packet(struct reader *r, const unsigned char *p, size_t n)
{
    char name[LINTEL_PCAPNG_NAME] = "";
    if (n < 20)
        return wrong(r, "a packet without a head");
    uint32_t interface = get32(r, p), length = get32(r, p + 12);
    uint64_t at = (uint64_t)get32(r, p + 4) << 32 | get32(r, p + 8);
    struct lintel_pcapng_packet packet = {.incoming = 0};
    if (interface >= r->ninterfaces)
        return wrong(r, "a packet of an interface that was not described");
    if (length > n - 20)
        return wrong(r, "a packet is longer than its block");
    if (r->interfaces[interface].link != LINK_UPPER_PDU)
        return 0;
    if (++r->npackets > LINTEL_PCAPNG_PACKETS_MOST)
        return wrong(r, "more packets than can be");
    const unsigned char *data = p + 20;
    size_t left = length;
    if (nanoseconds(at, r->interfaces[interface].resolution, &packet.when) != 0)
        return wrong(r, "a packet's time can't be");
    if (read_tags(r, &data, &left, name, &packet.incoming) != 0)
        return -1;
    packet.protocol = name;
    packet.p = data;
    packet.n = left;
    return r->fns->packet(r->fns->ctx, &packet) != 0 ? wrong(r, "reading was ended") : 0;
}

static int
on_section(struct reader *r, const unsigned char *p, size_t n)
{
    if (n < 16)
        return wrong(r, "a section without a head");
    if (get16(r, p + 4) != 1)
        return wrong(r, "a version of pcapng that is not known");
    r->ninterfaces = 0; /* they are of their section */
    return options(r, p + 16, n - 16, on_section_option);
}

/* The next block: its type and content; 0 at the end. */
static int
next(struct reader *r, uint32_t *ret_type, const unsigned char **ret_p, size_t *ret_n)
{
    uint32_t magic;
    size_t left = r->n - r->at;
    const unsigned char *p = r->p + r->at;
    if (left == 0)
        return 0;
    if (left < 12)
        return wrong(r, "the file ends within a block");
    *ret_type = get32(r, p);
    if (*ret_type == BLOCK_SECTION) {
        memcpy(&magic, p + 8, sizeof magic);
        if (magic != BYTE_ORDER_MAGIC && __builtin_bswap32(magic) != BYTE_ORDER_MAGIC)
            return wrong(r, "this is no pcapng file");
        r->swapped = magic != BYTE_ORDER_MAGIC;
    } else if (r->at == 0) {
        return wrong(r, "this is no pcapng file");
    }
    uint32_t length = get32(r, p + 4);
    if (length < 12 || length % 4 != 0 || length > LINTEL_PCAPNG_BLOCK_MOST)
        return wrong(r, "a block's length can't be");
    if (length > left)
        return wrong(r, "the file ends within a block");
    if (get32(r, p + length - 4) != length)
        return wrong(r, "a block's two lengths differ");
    *ret_p = p + 8;
    *ret_n = length - 12;
    return 1;
}

int
lintel_pcapng_read(const void *p, size_t n, const struct lintel_pcapng_fns *fns,
                   char reason[LINTEL_PCAPNG_REASON])
{
    struct reader r = {.p = p, .n = n, .fns = fns, .reason = reason};
    const unsigned char *content = NULL;
    uint32_t type = 0;
    size_t length = 0;
    int more, failed = 0;
    if (n == 0 || n > LINTEL_PCAPNG_BYTES_MOST)
        return wrong(&r, n == 0 ? "the file is empty" : "the file is too long");
    while (!failed && (more = next(&r, &type, &content, &length)) > 0) {
        if (type == BLOCK_SECTION)
            failed = on_section(&r, content, length);
        else if (type == BLOCK_INTERFACE)
            failed = on_interface(&r, content, length);
        else if (type == BLOCK_PACKET)
            failed = on_packet(&r, content, length);
        r.at += length + 12;
    }
    return failed || more < 0 ? -1 : 0;
}
