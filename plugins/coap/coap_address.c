/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_address.h"
#include "plugins/coap/coap_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
    DATAGRAM = 32768, /* the kernel makes none larger for a list */
    ROOM = 1 << 20,   /* for the answers to a batch */
    LIST_TRIES = 4
};

/* IFA_PROTO came with Linux 5.18. */
static bool
kernel_marks(void)
{
    struct utsname u;
    unsigned major = 0, minor = 0;
    if (uname(&u) != 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
        return false;
    return major > 5 || (major == 5 && minor >= 18);
}

int
lcoap_addresses_open(struct lcoap_addresses *a, const char *interface)
{
    const int on = 1, room = ROOM;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    *a = (struct lcoap_addresses){.fd = -1, .interface = if_nametoindex(interface)};
    if (a->interface == 0)
        return ENODEV;
    a->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (a->fd < 0)
        return errno;
    /* Connected, it hears of nobody but the kernel. The options only save work. */
    if (connect(a->fd, (struct sockaddr *)&kernel, sizeof kernel) != 0) {
        int error = errno;
        lcoap_addresses_close(a);
        return error;
    }
    (void)setsockopt(a->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    (void)setsockopt(a->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    (void)setsockopt(a->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    a->marks = kernel_marks();
    return 0;
}

void
lcoap_addresses_close(struct lcoap_addresses *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}

int
lcoap_address_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct in6_addr));
}

/* Answers that were left by a request that failed. */
static void
drain(const struct lcoap_addresses *a)
{
    uint8_t byte;
    while (recv(a->fd, &byte, 1, 0) >= 0 || errno == ENOBUFS || errno == EINTR)
        continue;
}

/* 0, or errno. */
static int
ask(const struct lcoap_addresses *a, const uint8_t *request, size_t n)
{
    while (send(a->fd, request, n, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

struct listing {
    struct in6_addr *list;
    uint32_t n, room;
    bool interrupted, ended;
    int error;
};

static void
take(struct listing *l, const struct in6_addr *a)
{
    if (l->n == l->room) {
        uint32_t room = l->room != 0 ? l->room * 2 : 256;
        struct in6_addr *more =
            room <= LCOAP_ADDRESSES_MOST ? realloc(l->list, room * sizeof *more) : NULL;
        if (more == NULL) {
            l->error = ENOMEM;
            return;
        }
        l->list = more;
        l->room = room;
    }
    l->list[l->n++] = *a;
}

/* One time through the kernel's list. */
static void
list_once(struct lcoap_addresses *a, const struct lcoap_prefix *p, struct listing *l)
{
    uint8_t request[LCOAP_NL_REQUEST_MOST];
    uint8_t *buf = malloc(DATAGRAM);
    drain(a);
    size_t n = lcoap_nl_list(request, ++a->seq, a->interface);
    l->error = buf == NULL ? ENOMEM : ask(a, request, n);
    while (l->error == 0 && !l->ended) {
        struct lcoap_nl_answer answer;
        size_t at = 0;
        ssize_t got = recv(a->fd, buf, DATAGRAM, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            l->error = errno;
            break;
        }
        while (l->error == 0 && lcoap_nl_next(buf, (size_t)got, &at, &answer)) {
            if (answer.seq != a->seq)
                continue;
            l->interrupted = l->interrupted || answer.interrupted;
            if (answer.kind == LCOAP_NL_RESULT || answer.kind == LCOAP_NL_END) {
                l->error = answer.error;
                l->ended = true;
            } else if (answer.kind == LCOAP_NL_ADDRESS && answer.interface == a->interface &&
                       lcoap_prefix_holds(p, &answer.address) &&
                       lcoap_nl_is_ours(&answer, a->marks))
                take(l, &answer.address);
        }
    }
    free(buf);
}

int
lcoap_addresses_list(struct lcoap_addresses *a, const struct lcoap_prefix *p, struct in6_addr **ret,
                     uint32_t *ret_n)
{
    struct listing l = {0};
    for (int i = 0; i < LIST_TRIES; i++) {
        l.n = 0;
        l.interrupted = l.ended = false;
        list_once(a, p, &l);
        if (l.error != 0 || !l.interrupted)
            break;
    }
    if (l.error == 0 && l.interrupted)
        l.error = EAGAIN;
    if (l.error != 0) {
        free(l.list);
        return l.error;
    }
    if (l.n > 0)
        qsort(l.list, l.n, sizeof *l.list, lcoap_address_order);
    *ret = l.list;
    *ret_n = l.n;
    return 0;
}

typedef size_t write_request(uint8_t *buf, uint32_t seq, uint32_t interface,
                             const struct in6_addr *a);

static void
change(struct lcoap_addresses *a, write_request *write, const struct in6_addr *list, uint32_t n,
       int *results)
{
    uint8_t requests[LCOAP_ADDRESS_BATCH * LCOAP_NL_REQUEST_MOST], buf[4096];
    uint32_t first = a->seq + 1, missing = n;
    size_t len = 0;

    drain(a);
    for (uint32_t i = 0; i < n; i++)
        len += write(requests + len, ++a->seq, a->interface, &list[i]);
    int error = ask(a, requests, len);
    for (uint32_t i = 0; i < n; i++)
        results[i] = error != 0 ? error : ETIMEDOUT; /* until its answer is seen */
    while (error == 0 && missing > 0) {
        struct lcoap_nl_answer answer;
        size_t at = 0;
        ssize_t got = recv(a->fd, buf, sizeof buf, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        while (lcoap_nl_next(buf, (size_t)got, &at, &answer))
            if (answer.kind == LCOAP_NL_RESULT && answer.seq - first < n) {
                results[answer.seq - first] = answer.error;
                missing--;
            }
    }
}

void
lcoap_addresses_add(struct lcoap_addresses *a, const struct in6_addr *list, uint32_t n,
                    int *results)
{
    change(a, lcoap_nl_add, list, n, results);
}

void
lcoap_addresses_remove(struct lcoap_addresses *a, const struct in6_addr *list, uint32_t n,
                       int *results)
{
    change(a, lcoap_nl_remove, list, n, results);
}
