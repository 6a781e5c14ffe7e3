/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_peer.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_PORT 5683u /* RFC 7252 6.1 */

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

/* host[:port] behind "coap://"; the text is cut into pieces. */
static bool
read_authority(char *text, coap_address_t *ret)
{
    char *host = text, *port;
    unsigned number = DEFAULT_PORT;
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

lintel_status
lcoap_listen_add(struct lcoap_server *s, const char *uri, char *err, size_t nerr)
{
    struct lcoap_listener *l = &s->listeners[s->nlisteners];
    char authority[sizeof l->uri];
    size_t n = strlen(uri);

    if (s->nlisteners == LCOAP_MAX_LISTENERS) {
        snprintf(err, nerr, "listen: more than %d URIs", LCOAP_MAX_LISTENERS);
        return LINTEL_E_CONFIG;
    }
    if (n >= sizeof l->uri) {
        snprintf(err, nerr, "listen: %.40s...: the URI is too long", uri);
        return LINTEL_E_CONFIG;
    }
    memset(l, 0, sizeof *l);
    memcpy(l->uri, uri, n);
    if (strncmp(l->uri, "coaps://", 8) == 0) {
        snprintf(err, nerr,
                 "listen: %s: coaps needs credentials, which come with a later version; "
                 "until then use coap:// on loopback",
                 l->uri);
        return LINTEL_E_NOTSUP;
    }
    if (strncmp(l->uri, "coap://", 7) != 0) {
        snprintf(err, nerr, "listen: %s: a URI like coap://[::1]:5683 is wanted", l->uri);
        return LINTEL_E_CONFIG;
    }
    snprintf(authority, sizeof authority, "%s", l->uri + 7);
    if (!read_authority(authority, &l->address)) {
        snprintf(err, nerr,
                 "listen: %s: an address in figures is wanted, like coap://[::1]:5683 or "
                 "coap://127.0.0.1:5683, without a path",
                 l->uri);
        return LINTEL_E_CONFIG;
    }
    if (coap_is_mcast(&l->address)) {
        snprintf(err, nerr, "listen: %s: groups are not served in this version", l->uri);
        return LINTEL_E_NOTSUP;
    }
    l->loopback = lcoap_is_loopback(&l->address);
    if (!l->loopback && !s->unprotected) {
        snprintf(err, nerr,
                 "listen: %s is open to others than this machine, without encryption and "
                 "without credentials; write `unprotected: yes` beside it if that is wanted, "
                 "or listen on coap://[::1]:5683",
                 l->uri);
        return LINTEL_E_CONFIG;
    }
    s->nlisteners++;
    return LINTEL_OK;
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
is_free(const coap_address_t *a)
{
    const int on = 1;
    int fd = socket(a->addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (a->addr.sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    bool free = bind(fd, &a->addr.sa, a->size) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return free;
}

lintel_status
lcoap_listen_open(struct lcoap_server *s, char *err, size_t nerr)
{
    for (uint32_t i = 0; i < s->nlisteners; i++) {
        if (!is_free(&s->listeners[i].address)) {
            snprintf(err, nerr, "cannot listen on %s: %s", s->listeners[i].uri,
                     errno == EADDRINUSE ? "another program listens there" : strerror(errno));
            return LINTEL_E_FAIL;
        }
    }
    for (uint32_t i = 0; i < s->nlisteners; i++) {
        struct lcoap_listener *l = &s->listeners[i];
        char line[200], where[80];
        errno = 0;
        l->endpoint = coap_new_endpoint(s->context, &l->address, COAP_PROTO_UDP);
        if (l->endpoint == NULL) {
            snprintf(err, nerr, "cannot listen on %s: %s", l->uri,
                     errno != 0 ? strerror(errno) : "libcoap refuses it");
            return LINTEL_E_FAIL;
        }
        coap_address_set_port(&l->address, bound_port(l->endpoint));
        lcoap_address_text(&l->address, where, sizeof where);
        snprintf(line, sizeof line, "listening on coap://%s%s", where,
                 l->loopback ? "" : ", unprotected: open to everybody who reaches it");
        s->host->log(s->host, l->loopback ? LINTEL_LOG_INFO : LINTEL_LOG_WARN, line);
    }
    return LINTEL_OK;
}

const struct lcoap_listener *
lcoap_listener_of(const struct lcoap_server *s, const coap_address_t *local)
{
    const struct lcoap_listener *any = NULL;
    for (uint32_t i = 0; i < s->nlisteners; i++) {
        const struct lcoap_listener *l = &s->listeners[i];
        if (coap_address_equals(&l->address, local))
            return l;
        if (coap_address_isany(&l->address) &&
            coap_address_get_port(&l->address) == coap_address_get_port(local))
            any = l;
    }
    return any;
}
