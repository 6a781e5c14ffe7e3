/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_testwire.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
wire_open(const struct testhost *t, unsigned listener, int family)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to = {0};
    in_port_t port = htons((uint16_t)testhost_port(t, listener));
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    to.sa.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        to.in.sin_port = port;
        to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        to.in6.sin6_port = port;
        to.in6.sin6_addr = in6addr_loopback;
    }
    if (connect(fd, &to.sa, family == AF_INET ? sizeof to.in : sizeof to.in6) == 0)
        return fd;
    close(fd);
    return -1;
}

void
wire_begin(struct wire *w, int type, int code, int mid, int token)
{
    memset(w, 0, sizeof *w);
    w->bytes[0] = (uint8_t)(0x40 | type << 4 | (token != 0));
    w->bytes[1] = (uint8_t)code;
    w->bytes[2] = (uint8_t)(mid >> 8);
    w->bytes[3] = (uint8_t)mid;
    w->bytes[4] = (uint8_t)token;
    w->n = token != 0 ? 5 : 4;
}

/* RFC 7252 3.1: the nibble of a delta or a length, and its further bytes. */
static unsigned
nibble(unsigned v, uint8_t *more, size_t *nmore)
{
    *nmore = v < 13 ? 0 : v < 269 ? 1 : 2;
    if (*nmore == 1)
        more[0] = (uint8_t)(v - 13);
    else if (*nmore == 2) {
        more[0] = (uint8_t)((v - 269) >> 8);
        more[1] = (uint8_t)(v - 269);
    }
    return v < 13 ? v : v < 269 ? 13 : 14;
}

void
wire_option(struct wire *w, unsigned number, const void *p, size_t n)
{
    uint8_t delta[2], length[2];
    size_t ndelta, nlength;
    unsigned head = nibble(number - w->last, delta, &ndelta) << 4;
    head |= nibble((unsigned)n, length, &nlength);
    w->bytes[w->n++] = (uint8_t)head;
    memcpy(w->bytes + w->n, delta, ndelta);
    memcpy(w->bytes + w->n + ndelta, length, nlength);
    w->n += ndelta + nlength;
    if (n > 0)
        memcpy(w->bytes + w->n, p, n);
    w->n += n;
    w->last = number;
}

void
wire_uint(struct wire *w, unsigned number, unsigned v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    size_t skip = 0;
    while (skip < 4 && b[skip] == 0)
        skip++;
    wire_option(w, number, b + skip, 4 - skip);
}

void
wire_path(struct wire *w, const char *segment)
{
    wire_option(w, 11, segment, strlen(segment));
}

void
wire_payload(struct wire *w, const void *p, size_t n)
{
    w->bytes[w->n++] = 0xff;
    memcpy(w->bytes + w->n, p, n);
    w->n += n;
}

int
wire_send(int fd, const struct wire *w)
{
    return send(fd, w->bytes, w->n, 0) == (ssize_t)w->n;
}

int
wire_empty(int fd, int type, int mid)
{
    struct wire w;
    wire_begin(&w, type, 0, mid, 0);
    return wire_send(fd, &w);
}

/* Goes over the options; returns the one wanted, and where the payload begins. */
static const uint8_t *
walk(const struct wire *w, unsigned wanted, size_t *ret_n, size_t *ret_payload)
{
    size_t at = 4 + w->ntoken;
    unsigned number = 0;
    const uint8_t *found = NULL;
    while (at < w->n && w->bytes[at] != 0xff) {
        unsigned part[2] = {w->bytes[at] >> 4, w->bytes[at] & 15u};
        at++;
        for (int i = 0; i < 2; i++) {
            if (part[i] == 13)
                part[i] = 13u + w->bytes[at++];
            else if (part[i] == 14) {
                part[i] = 269u + (unsigned)(w->bytes[at] << 8 | w->bytes[at + 1]);
                at += 2;
            }
        }
        number += part[0];
        if (number == wanted && found == NULL) {
            found = w->bytes + at;
            *ret_n = part[1];
        }
        at += part[1];
    }
    *ret_payload = at < w->n ? at + 1 : w->n;
    return found;
}

int
wire_receive(struct testhost *t, int fd, struct wire *w)
{
    size_t n;
    memset(w, 0, sizeof *w);
    for (int i = 0; i < 500; i++) {
        ssize_t got = recv(fd, w->bytes, sizeof w->bytes, 0);
        if (got >= 4) {
            w->n = (size_t)got;
            w->type = w->bytes[0] >> 4 & 3;
            w->ntoken = w->bytes[0] & 15u;
            w->code = w->bytes[1];
            w->mid = w->bytes[2] << 8 | w->bytes[3];
            memcpy(w->token, w->bytes + 4, w->ntoken);
            walk(w, 0, &n, &w->payload);
            return 1;
        }
        testhost_turn(t, 10);
    }
    return 0;
}

int
wire_ask(struct testhost *t, int fd, const struct wire *w, struct wire *ret)
{
    return wire_send(fd, w) && wire_receive(t, fd, ret);
}

int
wire_quiet(struct testhost *t, int fd, int mid)
{
    struct wire w, got;
    wire_begin(&w, CON, CODE(0, 1), mid, 0x7f);
    wire_path(&w, "quiet");
    return wire_ask(t, fd, &w, &got) && got.type == ACK && got.mid == mid && got.token[0] == 0x7f;
}

long
wire_get(const struct wire *w, unsigned number)
{
    size_t n = 0, payload;
    const uint8_t *p = walk(w, number, &n, &payload);
    long v = 0;
    for (size_t i = 0; p != NULL && i < n; i++)
        v = (long)((unsigned long)v << 8 | p[i]);
    return p == NULL ? -1 : v;
}

const char *
wire_text(const struct wire *w)
{
    static char text[2000];
    size_t n = w->n - w->payload;
    memcpy(text, w->bytes + w->payload, n);
    text[n] = '\0';
    return text;
}
