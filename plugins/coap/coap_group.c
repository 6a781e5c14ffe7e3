/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_group.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_answer.h"
#include "plugins/coap/coap_block.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct pending { /* an answer that waits */
    struct pending *next;
    struct lcoap_peer *peer; /* its session is held */
    coap_address_t source;
    lintel_mono due;
    uint64_t key;
    struct lcoap_block block2;
    uint8_t token[8], ntoken;
    lintel_answer answer;
    char payload[];
};

struct lcoap_groups {
    coap_address_t list[LCOAP_MAX_GROUPS];
    uint32_t n;
    const lintel_value *interfaces, *paths; /* of the settings */
    int fd; /* of the listener, once open: holds the memberships, of IPv6 and IPv4 */
    struct pending *pending;
    uint32_t npending;
    uint64_t dropped;
};

/* All CoAP Nodes (RFC 7252 12.8) and all Resource Directories (RFC 9176 9.5). */
static const char *const all_groups[] = {"ff02::fd", "ff05::fd",    "ff02::fe",
                                         "ff05::fe", "224.0.1.187", "224.0.1.190"};

static bool
add_group(struct lcoap_groups *g, const char *text)
{
    coap_address_t *a = &g->list[g->n];
    if (g->n == LCOAP_MAX_GROUPS)
        return false;
    coap_address_init(a);
    if (inet_pton(AF_INET6, text, &a->addr.sin6.sin6_addr) == 1)
        a->addr.sin6.sin6_family = AF_INET6;
    else if (inet_pton(AF_INET, text, &a->addr.sin.sin_addr) == 1)
        a->addr.sin.sin_family = AF_INET;
    else
        return false;
    if (!lcoap_is_group(a))
        return false;
    g->n++;
    return true;
}

static bool
add_groups(struct lcoap_groups *g, const char *text)
{
    if (strcmp(text, "all") != 0)
        return add_group(g, text);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof all_groups / sizeof all_groups[0]; i++)
        ok = add_group(g, all_groups[i]);
    return ok;
}

/* Groups are heard where every address of IPv6 and IPv4 is. */
static bool
hears_all(const struct lcoap_stack *k)
{
    for (uint32_t i = 0; i < k->nlisteners; i++)
        if (k->listeners[i].protocol == COAP_PROTO_UDP &&
            k->listeners[i].address.addr.sa.sa_family == AF_INET6 &&
            coap_address_isany(&k->listeners[i].address))
            return true;
    return false;
}

lintel_status
lcoap_groups_add(struct lcoap_server *s, const lintel_value *groups, const lintel_value *interfaces,
                 const lintel_value *paths, char *err, size_t nerr)
{
    if (groups->len == 0)
        return LINTEL_OK;
    struct lcoap_groups *g = calloc(1, sizeof *g);
    if (g == NULL) {
        snprintf(err, nerr, "out of memory");
        return LINTEL_E_NOMEM;
    }
    s->groups = g;
    g->interfaces = interfaces;
    g->paths = paths;
    g->fd = -1;
    for (uint32_t i = 0; i < groups->len; i++)
        if (!add_groups(g, groups->as.list[i].as.s)) {
            snprintf(err, nerr,
                     "groups: %.60s: \"all\" or the address of a group is wanted, like ff05::fe or "
                     "224.0.1.187, at most %d of them",
                     groups->as.list[i].as.s, LCOAP_MAX_GROUPS);
            return LINTEL_E_CONFIG;
        }
    if (interfaces->len > LCOAP_MAX_GROUP_INTERFACES || paths->len > LCOAP_MAX_GROUP_PATHS) {
        snprintf(err, nerr, "groupInterfaces, groupPaths: more than %d",
                 LCOAP_MAX_GROUP_INTERFACES);
        return LINTEL_E_CONFIG;
    }
    if (!s->unprotected || !hears_all(s->hub)) {
        snprintf(err, nerr,
                 "groups: they are heard where every address is, by everybody on the network: add "
                 "coap://[::]:5683 to `listen`, and write `unprotected: yes`");
        return LINTEL_E_CONFIG;
    }
    return LINTEL_OK;
}

/* libcoap doesn't tell it. Memberships of another socket would do for groups of IPv6, but not for
 * those of IPv4 on a socket of IPv6. */
static int
listener_fd(const struct lcoap_stack *k)
{
    for (uint32_t i = 0; i < k->nsockets; i++)
        if (k->sockets[i].local.addr.sa.sa_family == AF_INET6 &&
            coap_address_isany(&k->sockets[i].local))
            return k->sockets[i].fd;
    return -1;
}

/* Whether the group was joined on the interface; else errno says why not. */
static bool
join(const struct lcoap_groups *g, const coap_address_t *group, unsigned interface)
{
    if (group->addr.sa.sa_family == AF_INET6) {
        struct ipv6_mreq m = {.ipv6mr_multiaddr = group->addr.sin6.sin6_addr,
                              .ipv6mr_interface = interface};
        return setsockopt(g->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m) == 0;
    }
    struct ip_mreqn m = {.imr_multiaddr = group->addr.sin.sin_addr, .imr_ifindex = (int)interface};
    return setsockopt(g->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m) == 0;
}

static void
join_on(const struct lcoap_server *s, unsigned interface, const char *name)
{
    const struct lcoap_groups *g = s->groups;
    for (uint32_t i = 0; i < g->n; i++) {
        char line[200], group[INET6_ADDRSTRLEN] = "?";
        if (join(g, &g->list[i], interface))
            continue;
        int why = errno;
        if (g->list[i].addr.sa.sa_family == AF_INET6)
            inet_ntop(AF_INET6, &g->list[i].addr.sin6.sin6_addr, group, sizeof group);
        else
            inet_ntop(AF_INET, &g->list[i].addr.sin.sin_addr, group, sizeof group);
        snprintf(line, sizeof line, "group %s is not heard on %s: %s", group, name, strerror(why));
        s->host->log(s->host, LINTEL_LOG_WARN, line);
    }
}

/* Those that are up and know multicast. Returns how many. */
static unsigned
join_everywhere(const struct lcoap_server *s)
{
    struct ifaddrs *all = NULL;
    unsigned n = 0;
    struct if_nameindex *names = if_nameindex();
    if (getifaddrs(&all) != 0)
        all = NULL;
    for (struct if_nameindex *i = names; i != NULL && i->if_index != 0; i++) {
        const struct ifaddrs *a = all;
        while (a != NULL && strcmp(a->ifa_name, i->if_name) != 0)
            a = a->ifa_next;
        if (a == NULL || (a->ifa_flags & IFF_UP) == 0 || (a->ifa_flags & IFF_MULTICAST) == 0 ||
            n == LCOAP_MAX_GROUP_INTERFACES)
            continue;
        join_on(s, i->if_index, i->if_name);
        n++;
    }
    if (names != NULL)
        if_freenameindex(names);
    freeifaddrs(all);
    return n;
}

lintel_status
lcoap_groups_join(struct lcoap_server *s, char *err, size_t nerr)
{
    struct lcoap_groups *g = s->groups;
    if (g == NULL)
        return LINTEL_OK;
    g->fd = listener_fd(s->hub);
    if (g->fd < 0) {
        snprintf(err, nerr,
                 "groups: /proc/self/fdinfo can't be read, which tells the listener's socket");
        return LINTEL_E_NOTSUP;
    }
    for (uint32_t i = 0; i < g->interfaces->len; i++) {
        const char *name = g->interfaces->as.list[i].as.s;
        unsigned interface = if_nametoindex(name);
        if (interface == 0) {
            snprintf(err, nerr, "groupInterfaces: there is no interface \"%.40s\"", name);
            return LINTEL_E_FAIL;
        }
        join_on(s, interface, name);
    }
    if (g->interfaces->len == 0 && join_everywhere(s) == 0)
        s->host->log(s->host, LINTEL_LOG_WARN,
                     "groups: no interface is up that knows multicast, so none is heard");
    return LINTEL_OK;
}

static void
drop(struct pending *p)
{
    coap_session_release(p->peer->session);
    free(p);
}

static void on_due(void *arg);

void
lcoap_groups_leave(struct lcoap_server *s)
{
    struct lcoap_groups *g = s->groups;
    if (g == NULL)
        return;
    if (s->loop != NULL)
        s->loop->timer(s->host, 0, on_due, s);
    while (g->pending != NULL) {
        struct pending *p = g->pending;
        g->pending = p->next;
        drop(p);
    }
    g->npending = 0;
    g->fd = -1; /* libcoap closes it */
}

void
lcoap_groups_free(struct lcoap_server *s)
{
    lcoap_groups_leave(s);
    free(s->groups);
    s->groups = NULL;
}

uint64_t
lcoap_groups_dropped(const struct lcoap_server *s)
{
    return s->groups != NULL ? s->groups->dropped : 0;
}

/* The path as the settings write it, "a/b"; false: it can't be written so. */
static bool
path_text(const struct lcoap_request *r, char *buf, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < r->x.npath; i++) {
        const lintel_span *part = &r->x.path[i];
        if (n + part->n + 2 > size || memchr(part->p, '/', part->n) != NULL ||
            memchr(part->p, '\0', part->n) != NULL)
            return false;
        if (i > 0)
            buf[n++] = '/';
        memcpy(buf + n, part->p, part->n);
        n += part->n;
    }
    buf[n] = '\0';
    return true;
}

/* A path of the settings that ends in "*" stands for all that begin so. */
static bool
is_allowed(const struct lcoap_groups *g, const struct lcoap_request *r)
{
    char path[256];
    if (!path_text(r, path, sizeof path))
        return false;
    for (uint32_t i = 0; i < g->paths->len; i++) {
        const char *allowed = g->paths->as.list[i].as.s;
        allowed += *allowed == '/';
        size_t n = strlen(allowed);
        if (n > 0 && allowed[n - 1] == '*' ? strncmp(path, allowed, n - 1) == 0
                                           : strcmp(path, allowed) == 0)
            return true;
    }
    return false;
}

/* Heard by the listener of all addresses, whose local address is of IPv6 or mapped into it. */
static bool
is_heard(const struct lcoap_groups *g, const coap_address_t *local)
{
    struct lcoap_client_key wanted, one;
    lcoap_client_key(local, &wanted);
    for (uint32_t i = 0; local->addr.sa.sa_family == AF_INET6 && i < g->n; i++) {
        lcoap_client_key(&g->list[i], &one);
        if (memcmp(wanted.address, one.address, sizeof one.address) == 0)
            return true;
    }
    return false;
}

/* How good an interface's address is to answer from; 0: not at all. */
static int
rank(const struct ifaddrs *a, bool v4)
{
    if (a->ifa_addr == NULL || a->ifa_addr->sa_family != (v4 ? AF_INET : AF_INET6))
        return 0;
    if (v4)
        return 1;
    struct sockaddr_in6 in6;
    memcpy(&in6, a->ifa_addr, sizeof in6);
    /* Others learn a base by it, so one that is good beyond the link is preferred (RFC 9176 4.1).
     */
    return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? 1 : 2;
}

/* The interface's address to answer from, as the listener of all addresses has it; false: none. */
static bool
source_of(int interface, bool v4, in_port_t port, coap_address_t *ret)
{
    struct ifaddrs *all = NULL;
    char name[IF_NAMESIZE];
    int best = 0;
    if (if_indextoname((unsigned)interface, name) == NULL || getifaddrs(&all) != 0)
        return false;
    coap_address_init(ret);
    ret->size = sizeof ret->addr.sin6;
    ret->addr.sin6.sin6_family = AF_INET6;
    ret->addr.sin6.sin6_port = port;
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        if (strcmp(a->ifa_name, name) != 0 || rank(a, v4) <= best)
            continue;
        coap_address_t found;
        struct lcoap_client_key key;
        coap_address_init(&found);
        memcpy(&found.addr, a->ifa_addr,
               v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        lcoap_client_key(&found, &key);
        memcpy(&ret->addr.sin6.sin6_addr, key.address, sizeof key.address);
        best = rank(a, v4);
    }
    freeifaddrs(all);
    return best > 0;
}

bool
lcoap_group_wants(struct lcoap_peer *peer, const struct lcoap_request *r)
{
    const struct lcoap_server *s = peer->server;
    const coap_address_t *local = &peer->local;
    coap_address_t source;
    if (s->groups == NULL || peer->stack != s->hub || r->x.method != LINTEL_GET ||
        r->block2.num > 0 || !is_heard(s->groups, local) || !is_allowed(s->groups, r) ||
        !source_of(coap_session_get_ifindex(peer->session),
                   IN6_IS_ADDR_V4MAPPED(&local->addr.sin6.sin6_addr), local->addr.sin6.sin6_port,
                   &source))
        return false;
    lcoap_address_origin(COAP_PROTO_UDP, &source, peer->base, sizeof peer->base);
    return true;
}

static void
arm(const struct lcoap_server *s)
{
    lintel_mono at = INT64_MAX;
    for (const struct pending *p = s->groups->pending; p != NULL; p = p->next)
        at = p->due < at ? p->due : at;
    s->loop->timer(s->host, s->groups->pending != NULL ? at : 0, on_due, (void *)(uintptr_t)s);
}

/* libcoap has no function to say from which of our addresses a message leaves: it takes the one
 * that the session's last datagram came to, which stands where this points. */
static void
set_source(coap_session_t *session, const coap_address_t *source)
{
    coap_address_t *local = (coap_address_t *)(uintptr_t)coap_session_get_addr_local(session);
    coap_address_copy(local, source);
}

static void
send_pending(struct pending *p)
{
    struct lcoap_server *s = p->peer->server;
    coap_session_t *session = p->peer->session;
    struct lcoap_answer_how how = {.block2 = p->block2};
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_NON, 0, coap_new_message_id(session),
                                    coap_session_max_pdu_size(session));
    if (lcoap_answer_is_large(
            &p->answer, &(struct lcoap_answer_how){
                            .block2 = p->block2})) { /* further blocks are asked of us alone */
        lcoap_answer_tag(&p->answer);
        lcoap_download_keep(p->peer, p->key, (lintel_span){NULL, 0}, &p->answer,
                            s->host->now(s->host));
        lcoap_io_housekeep(s);
    }
    if (pdu == NULL || !coap_add_token(pdu, p->ntoken, p->token) ||
        !lcoap_answer_write(pdu, &how, &p->answer)) {
        coap_delete_pdu(pdu);
        return;
    }
    coap_address_t before = *coap_session_get_addr_local(session);
    set_source(session, &p->source);
    (void)lcoap_session_send(session, pdu);
    set_source(session, &before);
}

static void
on_due(void *arg)
{
    struct lcoap_server *s = arg;
    struct pending **at = &s->groups->pending;
    lintel_mono now = s->host->now(s->host);
    while (*at != NULL) {
        struct pending *p = *at;
        if (p->due > now) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        s->groups->npending--;
        send_pending(p);
        drop(p);
    }
    arm(s);
}

static lintel_mono
some_leisure(void)
{
    uint32_t r = 0;
    coap_prng(&r, sizeof r);
    return LCOAP_LEISURE / 1000 * (r % 1000 + 1);
}

void
lcoap_group_answer(struct lcoap_exchange *x, const lintel_answer *a)
{
    struct lcoap_server *s = x->peer->server;
    struct lcoap_groups *g = s->groups;
    coap_address_t source;
    const coap_address_t *remote = coap_session_get_addr_remote(x->peer->session);
    if (a->code < LINTEL_CODE(2, 0) || a->code >= LINTEL_CODE(4, 0) || a->payload.n == 0 ||
        lcoap_answer_silenced(x->no_response, a->code) ||
        !source_of(x->interface, IN6_IS_ADDR_V4MAPPED(&remote->addr.sin6.sin6_addr), x->port,
                   &source))
        return;
    struct pending *p = NULL;
    if (g->npending < LCOAP_MAX_GROUP_ANSWERS)
        p = malloc(sizeof *p + a->payload.n);
    if (p == NULL) {
        g->dropped++;
        return;
    }
    *p = (struct pending){.next = g->pending,
                          .peer = x->peer,
                          .source = source,
                          .due = s->host->now(s->host) + some_leisure(),
                          .key = x->key,
                          .block2 = x->block2,
                          .ntoken = x->ntoken,
                          .answer = lcoap_answer_kept(a)};
    memcpy(p->token, x->token, sizeof p->token);
    memcpy(p->payload, a->payload.p, a->payload.n);
    p->answer.payload = (lintel_span){p->payload, a->payload.n};
    coap_session_reference(x->peer->session);
    g->pending = p;
    g->npending++;
    arm(s);
}
