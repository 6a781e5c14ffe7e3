/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_fast.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_odd.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_places.h"
#include "plugins/coap/coap_request.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    HEAD = 4,
    PAYLOAD_MARK = 0xff,
    MAX_TOKEN = 8,
    /* Head, token, ETag, Content-Format, Max-Age, mark, one block of payload. */
    ANSWER_BYTES = HEAD + MAX_TOKEN + 9 + 3 + 5 + 1 + (16 << LCOAP_BLOCK_SZX),
    SLOW = 512,     /* requests known to go the long way; a power of two */
    SLOW_TIMES = 16 /* so often; then the tree is asked again whether it can answer at once */
};

struct control { /* room for one address of ours */
    _Alignas(size_t) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* A client and the address of ours that it speaks to. */
struct caller {
    coap_address_t remote, local;
    const struct lcoap_stack *stack; /* NULL: a free place */
    uint32_t flags;
    char text[64], base[80];
};

struct lcoap_fast {
    struct lcoap_server *server;
    struct lcoap_exchange exchange; /* what the tree gives back */
    /* the look */
    uint8_t bytes[LCOAP_LOOK_MOST][LCOAP_LOOK_BYTES];
    struct control control[LCOAP_LOOK_MOST];
    struct mmsghdr messages[LCOAP_LOOK_MOST];
    struct iovec parts[LCOAP_LOOK_MOST];
    struct lcoap_looked looked[LCOAP_LOOK_MOST];
    /* the answers */
    uint8_t answers[LCOAP_LOOK_MOST][ANSWER_BYTES];
    struct mmsghdr out[LCOAP_LOOK_MOST];
    struct iovec out_parts[LCOAP_LOOK_MOST];
    uint32_t nout;
    /* the one that is being answered */
    uint8_t *answer;
    size_t nanswer; /* 0: the long way */
    struct slow {
        uint64_t request; /* a hash; 0: free */
        uint32_t left;
    } slow[SLOW];
    struct caller callers[LCOAP_CALLERS];
};

struct lcoap_fast *
lcoap_fast_new(struct lcoap_server *s)
{
    struct lcoap_fast *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->server = s;
    f->exchange.fast = f;
    return f;
}

void
lcoap_fast_free(struct lcoap_fast *f)
{
    free(f);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Which address of ours the datagram came to: the socket's, or what the kernel says where the
 * socket listens on all. false: it does not say. */
static bool
local_of(const struct lcoap_socket *socket, struct msghdr *m, coap_address_t *ret)
{
    *ret = socket->local;
    if (!coap_address_isany(ret))
        return true;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        /* A socket of IPv6 that also hears IPv4 tells it in both ways; the first kind is meant. */
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            ret->addr.sin6.sin6_addr = info.ipi6_addr;
            return true;
        }
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
            ret->addr.sa.sa_family == AF_INET) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            ret->addr.sin.sin_addr = info.ipi_addr;
            return true;
        }
    }
    return false;
}

/* The answer leaves from the address that was asked. By which interface is the routes' business,
 * but for link-local addresses. */
static void
answer_from(struct msghdr *m, const coap_address_t *local)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (c == NULL)
        return;
    if (c->cmsg_type == IPV6_PKTINFO && local->addr.sa.sa_family == AF_INET6) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else if (c->cmsg_type == IP_PKTINFO && local->addr.sa.sa_family == AF_INET) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        info.ipi_spec_dst = info.ipi_addr;
        info.ipi_ifindex = 0;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
}

static const struct caller *
caller_of(struct lcoap_fast *f, const struct lcoap_stack *k, const coap_address_t *remote,
          const coap_address_t *local)
{
    uint64_t h = lcoap_hash(LCOAP_HASH_START, &remote->addr, remote->size);
    struct caller *c = &f->callers[(h ^ h >> 32) & (LCOAP_CALLERS - 1)];
    if (c->stack == k && coap_address_equals(&c->remote, remote) &&
        coap_address_equals(&c->local, local))
        return c;
    c->stack = k;
    c->remote = *remote;
    c->local = *local;
    c->flags = lcoap_flags_of(k, COAP_PROTO_UDP, local, remote);
    lcoap_address_text(remote, c->text, sizeof c->text);
    lcoap_address_origin(COAP_PROTO_UDP, local, c->base, sizeof c->base);
    return c;
}

/* ---- one request ----------------------------------------------------------------------------- */

/* A confirmable GET without payload, of options that the short way knows. */
static bool
read_request(const uint8_t *p, size_t n, struct lcoap_request *r)
{
    const char *why;
    uint32_t number = 0;
    size_t at = HEAD + (p[0] & 0x0f);
    lcoap_request_begin(r, LINTEL_GET);
    while (at < n) {
        coap_option_t option;
        size_t used = p[at] == PAYLOAD_MARK ? 0 : coap_opt_parse(p + at, n - at, &option);
        if (used == 0)
            return false;
        number += option.delta;
        switch (number) {
        case COAP_OPTION_URI_PATH:
        case COAP_OPTION_URI_QUERY:
        case COAP_OPTION_ACCEPT:
        case COAP_OPTION_ETAG: break;
        default: return false;
        }
        if (lcoap_request_option(r, false, number, option.value, option.length, &why) != 0)
            return false;
        at += used;
    }
    return at == n;
}

static bool
is_candidate(const struct lcoap_fast *f, const uint8_t *p, uint32_t n)
{
    return n >= HEAD && n <= LCOAP_LOOK_BYTES && p[0] >> 6 == 1 &&
           (p[0] >> 4 & 3) == COAP_MESSAGE_CON && p[1] == LINTEL_GET &&
           (p[0] & 0x0f) <= MAX_TOKEN && n >= HEAD + (p[0] & 0x0fu) &&
           f->server->open_mids[p[3]] == 0;
}

static bool
put(struct lcoap_fast *f, uint16_t *last, uint16_t number, const void *p, size_t n)
{
    size_t used = coap_opt_encode(f->answer + f->nanswer, ANSWER_BYTES - f->nanswer,
                                  (uint16_t)(number - *last), p, n);
    f->nanswer += used;
    *last = number;
    return used != 0;
}

static bool
put_number(struct lcoap_fast *f, uint16_t *last, uint16_t number, uint32_t v)
{
    uint8_t b[4];
    return put(f, last, number, b, coap_encode_var_safe(b, sizeof b, v));
}

/* The first answer, and the last one: else the request has gone the long way. */
void
lcoap_fast_answer(struct lcoap_fast *f, const lintel_answer *a)
{
    uint16_t last = 0;
    bool ok = (a->flags & (LINTEL_ANSWER_MORE | LINTEL_ANSWER_ECHO)) == 0 && a->nlocation == 0 &&
              a->netag <= sizeof a->etag && a->payload.n <= 16u << LCOAP_BLOCK_SZX &&
              a->code != LINTEL_CODE(5, 8);
    if (ok && a->netag > 0)
        ok = put(f, &last, COAP_OPTION_ETAG, a->etag, a->netag);
    if (ok && a->format >= 0 && (a->payload.n > 0 || a->code == LINTEL_CODE(2, 5)))
        ok = put_number(f, &last, COAP_OPTION_CONTENT_FORMAT, (uint32_t)a->format);
    if (ok && lcoap_answer_has_max_age(a))
        ok = put_number(f, &last, COAP_OPTION_MAXAGE, a->max_age);
    ok = ok && a->payload.n < ANSWER_BYTES - f->nanswer; /* and the mark before it */
    if (ok && a->payload.n > 0) {
        f->answer[f->nanswer++] = PAYLOAD_MARK;
        memcpy(f->answer + f->nanswer, a->payload.p, a->payload.n);
        f->nanswer += a->payload.n;
    }
    f->answer[1] = (uint8_t)a->code;
    f->nanswer = ok ? f->nanswer : 0;
}

/* Asks the tree. The answer's length; 0: the long way. */
static size_t
serve(struct lcoap_fast *f, const struct lcoap_place *place, struct lcoap_request *r,
      const uint8_t *p, const struct caller *c)
{
    struct lcoap_server *s = f->server;
    size_t ntoken = p[0] & 0x0f;
    f->answer = f->answers[f->nout];
    f->answer[0] = (uint8_t)(1 << 6 | COAP_MESSAGE_ACK << 4 | ntoken);
    f->answer[1] = COAP_EMPTY_CODE;
    memcpy(f->answer + 2, p + 2, 2 + ntoken);
    f->nanswer = HEAD + ntoken;

    r->x.flags |= c->flags | LINTEL_X_AT_ONCE;
    r->x.identity = r->x.authority = "";
    r->x.peer = c->text;
    r->x.base = c->base;
    r->x.thing = lcoap_place_thing(place);
    r->x.cookie = &f->exchange;
    (void)s->tree->submit(s->host, &r->x);
    return f->answer[1] != COAP_EMPTY_CODE ? f->nanswer : 0;
}

/* What the tree can't answer at once, or not in one datagram, it should not be asked for twice each
 * time: a request that went the long way does so for the next times. */
static struct slow *
slow_place(struct lcoap_fast *f, const uint8_t *p, uint32_t n, uint64_t *ret_hash)
{
    size_t head = HEAD + (p[0] & 0x0fu);
    *ret_hash = lcoap_hash(LCOAP_HASH_START, p + head, n - head) | 1;
    return &f->slow[(*ret_hash ^ *ret_hash >> 32) & (SLOW - 1)];
}

static bool
is_slow(struct slow *place, uint64_t hash)
{
    if (place->request != hash)
        return false;
    if (--place->left == 0)
        place->request = 0;
    return true;
}

/* Adds the answer of n bytes in f->answers[f->nout] to a datagram. */
static void
queue_answer(struct lcoap_fast *f, struct msghdr *m, const coap_address_t *local, size_t n)
{
    answer_from(m, local);
    f->out_parts[f->nout] = (struct iovec){f->answers[f->nout], n};
    f->out[f->nout].msg_hdr =
        (struct msghdr){.msg_name = m->msg_name,
                        .msg_namelen = m->msg_namelen,
                        .msg_iov = &f->out_parts[f->nout],
                        .msg_iovlen = 1,
                        .msg_control = m->msg_controllen > 0 ? m->msg_control : NULL,
                        .msg_controllen = m->msg_controllen};
    f->nout++;
}

/* Whether the datagram was answered; the answer stands behind those of before it. */
static bool
try_one(struct lcoap_fast *f, struct lcoap_stack *k, const struct lcoap_socket *socket, uint32_t i)
{
    const struct lcoap_looked *d = &f->looked[i];
    struct msghdr *m = &f->messages[i].msg_hdr;
    struct lcoap_request r;
    coap_address_t local;
    uint64_t hash;

    if (!is_candidate(f, d->bytes, d->n) || !local_of(socket, m, &local) || lcoap_is_group(&local))
        return false;
    struct slow *slow = slow_place(f, d->bytes, d->n, &hash);
    if (is_slow(slow, hash) || !read_request(d->bytes, d->n, &r))
        return false;
    const struct caller *c = caller_of(f, k, &d->from, &local);
    if (c->flags & LINTEL_X_LIMITED)
        return false; /* limits and proofs of address are the long way's */
    size_t n = serve(f, socket->place, &r, d->bytes, c);
    if (n == 0) {
        *slow = (struct slow){hash, SLOW_TIMES};
        return false;
    }
    queue_answer(f, m, &local, n);
    return true;
}

/* Whether it is one that libcoap must not see. Such a one is answered, if at all, from here. */
static bool
try_odd(struct lcoap_fast *f, const struct lcoap_socket *socket, uint32_t i)
{
    const struct lcoap_looked *d = &f->looked[i];
    struct msghdr *m = &f->messages[i].msg_hdr;
    size_t room = d->n < LCOAP_LOOK_BYTES ? d->n : LCOAP_LOOK_BYTES;
    coap_address_t local;

    if (!socket->plain || !lcoap_is_odd(d->bytes, room))
        return false;
    size_t n = lcoap_odd_answer(d->bytes, room, f->answers[f->nout]);
    if (n != 0 && local_of(socket, m, &local) && !lcoap_is_group(&local))
        queue_answer(f, m, &local, n);
    return true;
}

/* ---- a socket -------------------------------------------------------------------------------- */

static int
peek(struct lcoap_fast *f, int fd)
{
    for (uint32_t i = 0; i < LCOAP_LOOK_MOST; i++) {
        coap_address_t *from = &f->looked[i].from;
        f->parts[i] = (struct iovec){f->bytes[i], LCOAP_LOOK_BYTES};
        f->messages[i].msg_hdr = (struct msghdr){.msg_iov = &f->parts[i],
                                                 .msg_iovlen = 1,
                                                 .msg_name = &from->addr,
                                                 .msg_namelen = sizeof from->addr,
                                                 .msg_control = &f->control[i],
                                                 .msg_controllen = sizeof f->control[i]};
    }
    /* From the first on: reading a datagram that is longer than libcoap's buffer moves the offset
     * back by less than looking at it moved it on. MSG_TRUNC makes it pass whole datagrams. */
    setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &(int){0}, sizeof(int));
    int n = recvmmsg(fd, f->messages, LCOAP_LOOK_MOST, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        f->looked[i].bytes = f->bytes[i];
        f->looked[i].n = f->messages[i].msg_len;
        f->looked[i].from.size = f->messages[i].msg_hdr.msg_namelen;
    }
    return n;
}

/* Takes the first n off the queue, unread: they were looked at. A datagram without bytes is shown
 * only once, and none of the n is one: it goes with them, and does not count. */
static void
discard(int fd, uint32_t n)
{
    struct mmsghdr none[LCOAP_LOOK_MOST];
    while (n > 0) {
        memset(none, 0, n * sizeof *none);
        int got = recvmmsg(fd, none, n, MSG_DONTWAIT | MSG_TRUNC, NULL);
        if (got <= 0)
            return;
        for (int i = 0; i < got; i++)
            n -= none[i].msg_len > 0;
    }
}

/* Where the next one stands that libcoap must not see: it waits for the next turn. */
static uint32_t
up_to_odd(const struct lcoap_fast *f, const struct lcoap_socket *socket, uint32_t from, uint32_t n)
{
    while (from < n && !(socket->plain && lcoap_is_odd(f->looked[from].bytes, f->looked[from].n)))
        from++;
    return from;
}

uint32_t
lcoap_fast_look(struct lcoap_fast *f, struct lcoap_stack *k, const struct lcoap_socket *socket,
                const struct lcoap_looked **ret)
{
    int n = peek(f, socket->fd);
    uint32_t served = 0; /* never of what came to a port for DTLS: that is for libcoap to refuse */
    f->nout = 0;
    *ret = f->looked;
    if (n <= 0)
        return 1; /* libcoap finds out what it is */
    while (socket->plain && served < (uint32_t)n &&
           (try_odd(f, socket, served) || try_one(f, k, socket, served)))
        served++;
    if (served != 0)
        discard(socket->fd, served);
    /* What the socket has no room for is lost as on any network; the client asks again. */
    if (f->nout != 0)
        (void)sendmmsg(socket->fd, f->out, f->nout, MSG_DONTWAIT | MSG_NOSIGNAL);
    *ret = f->looked + served;
    return up_to_odd(f, socket, served, (uint32_t)n) - served;
}
