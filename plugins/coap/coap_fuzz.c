/* SPDX-License-Identifier: Apache-2.0
 * The whole transport over a loopback socket: an input is a script of datagrams, acknowledgements,
 * resets, answers of the tree, requests of the hub's own and what answers them, and time that
 * passes. Whatever comes, the server serves on, forgets everything when its time is over, and tells
 * the end of each request once. */
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_testhost.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const lintel_entry lintel_plugin_entry;

enum { DATAGRAM = 0, ACKNOWLEDGE, RESET, ANSWER, LAST_ANSWER, TIME, SEND, RESPOND, OPS };
static uint8_t script_answer; /* how the tree answers next */
static uint64_t session;      /* of the client */
static unsigned sent, replied;
static uint8_t asked[12]; /* head and token of the hub's last request */
static size_t nasked;

static void
reply(struct testhost *t, lintel_ticket ticket, const lintel_answer *a)
{
    static volatile unsigned sink;
    (void)t, (void)ticket;
    replied++;
    for (size_t i = 0; i < a->payload.n; i++)
        sink = sink + (unsigned char)a->payload.p[i];
}

/* The hub asks the client for something. */
static void
send_request(struct testhost *t, int fd, uint8_t how)
{
    static const int32_t accept[] = {40};
    struct sockaddr_in6 me;
    socklen_t n = sizeof me;
    char uri[60];
    if (getsockname(fd, (struct sockaddr *)&me, &n) != 0)
        abort();
    snprintf(uri, sizeof uri, "coap://[::1]:%u/%s", ntohs(me.sin6_port), (how & 1) ? "a?b" : "");
    lintel_exchange x = {.size = sizeof x,
                         .method = 1 + how % 7,
                         .format = (how & 8) ? 50 : LINTEL_FORMAT_NONE,
                         .accept = accept,
                         .naccept = how >> 7,
                         .payload = {uri, (how & 8) ? 10 : 0},
                         .session = session};
    sent += t->transport->send(t->self, uri, &x, how) == LINTEL_OK;
}

/* A response to the hub's last request: type and code, then options and payload as they come. */
static void
respond(int fd, uint8_t how, const uint8_t *data, size_t n)
{
    uint8_t m[300];
    if (nasked < 4)
        return;
    memcpy(m, asked, nasked);
    m[0] = (uint8_t)((m[0] & 0xcf) | (how & 0x30));
    m[1] = n > 0 ? data[0] : 0x45;
    if ((how & 0x30) != 0x20)
        m[3] ^= how;
    if (n > 1)
        memcpy(m + nasked, data + 1, n - 1);
    send(fd, m, nasked + (n > 1 ? n - 1 : 0), 0);
}

/* Now, now and more, or later: small and large. */
static void
answer(struct testhost *t, lintel_ticket ticket, uint8_t how, bool more)
{
    static char body[0x70 * 27];
    lintel_answer a = {.size = sizeof a,
                       .code = (how & 0x80) ? LINTEL_CODE(4, 4) : LINTEL_CODE(2, 5),
                       .flags = (more ? LINTEL_ANSWER_MORE : 0u) |
                                ((how & 4) ? LINTEL_ANSWER_CONFIRM : 0u),
                       .format = how & 0x3f,
                       .netag = how & 3,
                       .payload = {body, (size_t)(how & 0x70) * 27}};
    testhost_answer(t, ticket, &a);
}

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    session = x->session;
    if ((script_answer & 3) != 3)
        answer(t, ticket, script_answer, (x->flags & LINTEL_X_OBSERVE) && (script_answer & 1));
}

static void
drain(struct testhost *t, int fd, uint16_t *mid)
{
    uint8_t m[2000];
    testhost_turn(t, 0);
    testhost_turn(t, 0);
    ssize_t n;
    while ((n = recv(fd, m, sizeof m, MSG_DONTWAIT)) >= 4) {
        if (m[1] >= 1 && m[1] < 32 && n >= 4 + (m[0] & 15) && (m[0] & 15) <= 8) {
            nasked = 4 + (size_t)(m[0] & 15);
            memcpy(asked, m, nasked);
        }
        if ((m[0] >> 4 & 3) < 2) /* neither ACK nor RST */
            *mid = (uint16_t)(m[2] << 8 | m[3]);
    }
}

static int
open_client(const struct testhost *t)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                              .sin6_port = htons((uint16_t)testhost_port(t, 0))};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        abort();
    return fd;
}

struct counts {
    uint32_t open, observers, mids, noted, flights;
};

static void
count(const struct lcoap_exchange *x, struct counts *ret)
{
    for (; x != NULL; x = x->next) {
        ret->open += !x->settled;
        ret->observers += x->observe;
        ret->mids += x->counted;
        ret->noted += x->noted;
        ret->flights += x->in_flight;
    }
}

/* What the server counts is what there is. */
static void
check_counts(const struct lcoap_server *s)
{
    struct counts all = {0};
    uint32_t mids = 0;
    for (const struct lcoap_peer *p = s->hub->peers; p != NULL; p = p->next) {
        struct counts of_peer = {0};
        count(p->open, &of_peer);
        count(p->observations, &of_peer);
        if (p->nopen != of_peer.open || p->nflights != of_peer.flights)
            abort();
        count(p->open, &all);
        count(p->observations, &all);
    }
    for (int i = 0; i < 256; i++)
        mids += s->open_mids[i];
    if (s->nopen != all.open || s->nobservers != all.observers || mids != all.mids ||
        s->hub->nnotes != all.noted || s->nflights != all.flights)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings settings = {.listen = listen, .max_body = 4096, .max_observers = 8};
    if (size > 0 && data[0] >= 128) { /* as of clients that nobody knows */
        settings.more[0].name = "limitAll";
        settings.more[0].i = 1;
    }
    session = sent = replied = 0;
    nasked = 0;
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &settings, tree, NULL, 0);
    uint16_t mid = 0;
    if (t == NULL || testhost_start(t) != LINTEL_OK)
        abort();
    t->reply = reply;
    const struct lcoap_server *s = t->self;
    int fd = open_client(t);
    t->at_once = size % 2 == 0; /* half of all inputs by the short way */
    for (size_t at = 0; at + 2 <= size;) {
        unsigned op = data[at] % OPS;
        uint8_t arg = data[at + 1];
        at += 2;
        if (op == DATAGRAM) {
            size_t n = arg < size - at ? arg : size - at;
            send(fd, data + at, n, 0);
            at += n;
        } else if (op == ACKNOWLEDGE || op == RESET) {
            uint8_t m[4] = {op == RESET ? 0x70 : 0x60, 0, (uint8_t)(mid >> 8), (uint8_t)mid};
            send(fd, m, sizeof m, 0);
        } else if (op == TIME)
            t->ahead += (lintel_mono)arg * LCOAP_SECOND;
        else if (op == SEND)
            send_request(t, fd, arg);
        else if (op == RESPOND) {
            size_t n = size - at < 40 ? size - at : 40;
            respond(fd, arg, data + at, n);
            at += n;
        } else {
            script_answer = arg;
            for (lintel_ticket k = t->last > 8 ? t->last - 8 : 0; k <= t->last; k++)
                answer(t, k, arg, op == ANSWER);
        }
        drain(t, fd, &mid);
        check_counts(s);
    }
    for (int i = 0; i < 16; i++) { /* what waits for a lost message goes on when that is given up */
        t->ahead += 2 * LCOAP_EXCHANGE_LIFETIME;
        drain(t, fd, &mid);
    }
    if (s->transfer_bytes != 0 || lcoap_replies_count(s->replies) != 0)
        abort();
    if (sent != replied)
        abort();
    close(fd);
    testhost_free(t);
    return 0;
}
