/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_uri.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_peer.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Digits only, up to the end. */
static bool
read_port(const char *p, unsigned *ret)
{
    unsigned v = 0;
    size_t n = strspn(p, "0123456789");
    if (n == 0 || n > 5 || p[n] != '\0')
        return false;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (unsigned)(p[i] - '0');
    *ret = v;
    return v <= 65535;
}

bool
lcoap_authority_read(char *text, unsigned number, coap_address_t *ret)
{
    char *host = text, *port;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM}, *found = NULL;

    if (*host == '[') {
        host++;
        port = strchr(host, ']');
        if (port == NULL)
            return false;
        *port++ = '\0';
        hints.ai_family = AF_INET6;
    } else {
        port = host + strcspn(host, ":");
        hints.ai_family = AF_INET;
    }
    if (*port == ':') {
        *port = '\0';
        if (!read_port(port + 1, &number))
            return false;
    } else if (*port != '\0')
        return false;
    if (getaddrinfo(host, NULL, &hints, &found) != 0 || found == NULL)
        return false;
    coap_address_init(ret);
    bool ok = found->ai_addrlen <= sizeof ret->addr;
    if (ok) {
        memcpy(&ret->addr, found->ai_addr, found->ai_addrlen);
        ret->size = found->ai_addrlen;
        coap_address_set_port(ret, (uint16_t)number);
    }
    freeaddrinfo(found);
    return ok;
}

static lintel_status
append(struct lcoap_stack *k, const struct lcoap_listener *l, char *err, size_t nerr)
{
    struct lcoap_listener *more = realloc(k->listeners, (k->nlisteners + 1) * sizeof *more);
    if (more == NULL) {
        snprintf(err, nerr, "out of memory");
        return LINTEL_E_NOMEM;
    }
    k->listeners = more;
    more[k->nlisteners++] = *l;
    return LINTEL_OK;
}

lintel_status
lcoap_listen_add(struct lcoap_stack *k, const char *uri, char *err, size_t nerr)
{
    struct lcoap_listener listener = {0}, *l = &listener;
    char authority[sizeof l->uri];
    size_t n = strlen(uri);

    if (k->nlisteners == LCOAP_MAX_LISTENERS) {
        snprintf(err, nerr, "listen: more than %d URIs", LCOAP_MAX_LISTENERS);
        return LINTEL_E_CONFIG;
    }
    if (n >= sizeof l->uri) {
        snprintf(err, nerr, "listen: %.40s...: the URI is too long", uri);
        return LINTEL_E_CONFIG;
    }
    memcpy(l->uri, uri, n);
    const struct lcoap_scheme *scheme = lcoap_scheme_of_uri(l->uri);
    if (scheme == NULL) {
        snprintf(err, nerr,
                 "listen: %s: a URI like coap://[::1]:5683 is wanted; its scheme is coap, coaps, "
                 "coap+tcp or coaps+tcp",
                 l->uri);
        return LINTEL_E_CONFIG;
    }
    l->protocol = scheme->protocol;
    l->secure = lcoap_is_secure(l->protocol);
    snprintf(authority, sizeof authority, "%s", l->uri + strlen(scheme->prefix));
    if (!lcoap_authority_read(authority, scheme->port, &l->address)) {
        snprintf(err, nerr,
                 "listen: %s: an address in figures is wanted, like coap://[::1]:5683 or "
                 "coap://127.0.0.1:5683, without a path",
                 l->uri);
        return LINTEL_E_CONFIG;
    }
    if (lcoap_is_group(&l->address)) {
        snprintf(err, nerr,
                 "listen: %s is a group: listen on coap://[::]:5683, and name it in `groups`",
                 l->uri);
        return LINTEL_E_NOTSUP;
    }
    l->loopback = lcoap_is_loopback(&l->address);
    if (!l->loopback && !l->secure && !k->server->unprotected) {
        snprintf(err, nerr,
                 "listen: %s is open to others than this machine, without encryption and "
                 "without credentials; listen on coaps://, write `unprotected: yes` beside it if "
                 "open is what is wanted, or listen on coap://[::1]:5683",
                 l->uri);
        return LINTEL_E_CONFIG;
    }
    for (uint32_t i = 0; i < k->nlisteners; i++)
        if (coap_address_get_port(&l->address) != 0 &&
            lcoap_is_stream(l->protocol) == lcoap_is_stream(k->listeners[i].protocol) &&
            coap_address_equals(&l->address, &k->listeners[i].address)) {
            snprintf(err, nerr, "listen: %s wants the port of %s; give it another", l->uri,
                     k->listeners[i].uri);
            return LINTEL_E_CONFIG;
        }
    return append(k, l, err, nerr);
}

/* The port that the kernel gave, from "[::1]:40312 UDP". */
static uint16_t
bound_port(const coap_endpoint_t *e)
{
    const char *text = coap_endpoint_str(e);
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    return colon != NULL ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

/* libcoap binds with SO_REUSEADDR, which for UDP lets two programs share a port, and the later one
 * takes the datagrams of both. So whether it is free is asked before, without that option. */
static bool
is_free(const struct lcoap_listener *l)
{
    const coap_address_t *a = &l->address;
    const bool stream = lcoap_is_stream(l->protocol);
    const int on = 1;
    int fd = socket(a->addr.sa.sa_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (stream) /* which, here, only passes over connections that have ended */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->addr.sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    bool free = bind(fd, &a->addr.sa, a->size) == 0 && (!stream || listen(fd, 1) == 0);
    int why = errno;
    close(fd);
    errno = why;
    return free;
}

static lintel_status
open_listener(struct lcoap_stack *k, struct lcoap_listener *l, char *err, size_t nerr)
{
    errno = 0;
    l->endpoint = coap_new_endpoint(k->context, &l->address, l->protocol);
    if (l->endpoint == NULL) {
        snprintf(err, nerr, "cannot listen on %s: %s", l->uri,
                 errno != 0 ? strerror(errno) : "libcoap refuses it");
        return LINTEL_E_FAIL;
    }
    coap_address_set_port(&l->address, bound_port(l->endpoint));
    lcoap_io_listens(k, l);
    return LINTEL_OK;
}

static bool
is_open(const struct lcoap_listener *l)
{
    return !l->loopback && !l->secure;
}

static void
tell(const struct lcoap_stack *k, const struct lcoap_listener *l)
{
    const lintel_host *h = k->server->host;
    char line[200], uri[80];
    lcoap_address_uri(l->protocol, &l->address, uri, sizeof uri);
    snprintf(line, sizeof line, "listening on %s%s", uri,
             is_open(l) ? ", unprotected: open to everybody who reaches it" : "");
    h->log(h, is_open(l) ? LINTEL_LOG_WARN : LINTEL_LOG_INFO, line);
}

lintel_status
lcoap_listen_open(struct lcoap_stack *k, char *err, size_t nerr)
{
    lintel_status st = LINTEL_OK;
    for (uint32_t i = 0; i < k->nlisteners; i++) {
        if (!is_free(&k->listeners[i])) {
            snprintf(err, nerr, "cannot listen on %s: %s", k->listeners[i].uri,
                     errno == EADDRINUSE ? "another program listens there" : strerror(errno));
            return LINTEL_E_FAIL;
        }
    }
    for (uint32_t i = 0; i < k->nlisteners && st == LINTEL_OK; i++) {
        st = open_listener(k, &k->listeners[i], err, nerr);
        if (st == LINTEL_OK)
            tell(k, &k->listeners[i]);
    }
    return st;
}

static void
remove_listener(struct lcoap_stack *k, uint32_t i)
{
    k->listeners[i] = k->listeners[--k->nlisteners];
}

/* Whether the port is free is not asked: the address is there for the thing alone, and a wildcard
 * listener of the hub would count as taking it. */
lintel_status
lcoap_listen_at(struct lcoap_stack *k, struct lcoap_place *place, coap_proto_t protocol,
                const coap_address_t *a, char *err, size_t nerr)
{
    struct lcoap_listener l = {
        .protocol = protocol, .address = *a, .place = place, .secure = lcoap_is_secure(protocol)};
    lcoap_address_uri(protocol, a, l.uri, sizeof l.uri);
    lintel_status st = append(k, &l, err, nerr);
    if (st != LINTEL_OK)
        return st;
    st = open_listener(k, &k->listeners[k->nlisteners - 1], err, nerr);
    if (st != LINTEL_OK)
        remove_listener(k, k->nlisteners - 1);
    return st;
}

void
lcoap_listen_leave(struct lcoap_stack *k, const struct lcoap_place *place)
{
    for (uint32_t i = k->nlisteners; i-- > 0;)
        if (k->listeners[i].place == place) {
            coap_free_endpoint(k->listeners[i].endpoint);
            remove_listener(k, i);
        }
    lcoap_io_unlistens(k, place);
}

void
lcoap_listen_free(struct lcoap_stack *k)
{
    free(k->listeners);
    k->listeners = NULL;
    k->nlisteners = 0;
}

bool
lcoap_listen_is_secure(const struct lcoap_stack *k)
{
    for (uint32_t i = 0; i < k->nlisteners; i++)
        if (k->listeners[i].secure)
            return true;
    return false;
}

const struct lcoap_listener *
lcoap_listener_of(const struct lcoap_stack *k, coap_proto_t protocol, const coap_address_t *local)
{
    const struct lcoap_listener *any = NULL;
    for (uint32_t i = 0; i < k->nlisteners; i++) {
        const struct lcoap_listener *l = &k->listeners[i];
        if (l->protocol != protocol)
            continue;
        if (coap_address_equals(&l->address, local))
            return l;
        if (coap_address_isany(&l->address) &&
            coap_address_get_port(&l->address) == coap_address_get_port(local))
            any = l;
    }
    return any;
}
