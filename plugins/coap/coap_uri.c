/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_uri.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const struct lcoap_scheme schemes[] = {
    {"coap://", COAP_PROTO_UDP, 5683}, /* RFC 7252 6.1 */
    {"coaps://", COAP_PROTO_DTLS, 5684},
    {"coap+tcp://", COAP_PROTO_TCP, 5683}, /* RFC 8323 8.1 */
    {"coaps+tcp://", COAP_PROTO_TLS, 5684},
};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

const struct lcoap_scheme *
lcoap_scheme_of_uri(const char *uri)
{
    for (size_t i = 0; i < SCHEMES; i++)
        if (strncmp(uri, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    return NULL;
}

const struct lcoap_scheme *
lcoap_scheme_of(coap_proto_t protocol)
{
    size_t i = 0;
    while (i + 1 < SCHEMES && schemes[i].protocol != protocol)
        i++;
    return &schemes[i];
}

void
lcoap_address_uri(coap_proto_t protocol, const coap_address_t *a, char *buf, size_t n)
{
    char where[64];
    lcoap_address_text(a, where, sizeof where);
    snprintf(buf, n, "%s%s", lcoap_scheme_of(protocol)->prefix, where);
}

void
lcoap_address_origin(coap_proto_t protocol, const coap_address_t *a, char *buf, size_t n)
{
    lcoap_address_uri(protocol, a, buf, n);
    char *port = strrchr(buf, ':');
    if (coap_address_get_port(a) == lcoap_scheme_of(protocol)->port && port != NULL)
        *port = '\0';
}

bool
lcoap_is_loopback(const coap_address_t *a)
{
    const uint8_t *b;
    switch (a->addr.sa.sa_family) {
    case AF_INET: return ntohl(a->addr.sin.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        b = a->addr.sin6.sin6_addr.s6_addr;
        return IN6_IS_ADDR_LOOPBACK(&a->addr.sin6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&a->addr.sin6.sin6_addr) && b[12] == 127);
    default: return false;
    }
}

void
lcoap_address_text(const coap_address_t *a, char *buf, size_t n)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (a->addr.sa.sa_family == AF_INET6) {
        const struct in6_addr *in6 = &a->addr.sin6.sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(in6))
            inet_ntop(AF_INET, &in6->s6_addr[12], host, sizeof host);
        else {
            inet_ntop(AF_INET6, in6, host, sizeof host);
            snprintf(buf, n, "[%s]:%u", host, ntohs(a->addr.sin6.sin6_port));
            return;
        }
    } else
        inet_ntop(AF_INET, &a->addr.sin.sin_addr, host, sizeof host);
    snprintf(buf, n, "%s:%u", host, coap_address_get_port(a));
}

bool
lcoap_is_group(const coap_address_t *a)
{
    switch (a->addr.sa.sa_family) {
    case AF_INET: return ntohl(a->addr.sin.sin_addr.s_addr) >> 28 == 0xe;
    case AF_INET6:
        return IN6_IS_ADDR_MULTICAST(&a->addr.sin6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&a->addr.sin6.sin6_addr) &&
                a->addr.sin6.sin6_addr.s6_addr[12] >> 4 == 0xe);
    default: return false;
    }
}

uint32_t
lcoap_address_scope(const coap_address_t *a)
{
    return a->addr.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->addr.sin6.sin6_addr)
               ? a->addr.sin6.sin6_scope_id
               : 0;
}

void
lcoap_client_key(const coap_address_t *a, struct lcoap_client_key *ret)
{
    memset(ret, 0, sizeof *ret);
    if (a->addr.sa.sa_family == AF_INET6)
        memcpy(ret->address, &a->addr.sin6.sin6_addr, sizeof ret->address);
    else { /* as IPv6 writes it */
        ret->address[10] = ret->address[11] = 0xff;
        memcpy(ret->address + 12, &a->addr.sin.sin_addr, 4);
    }
    ret->scope = lcoap_address_scope(a);
}
