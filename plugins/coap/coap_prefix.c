/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* The digits behind the slash; -1: none, or beyond 128. */
static int
read_length(const char *p)
{
    int v = 0;
    size_t n = strspn(p, "0123456789");
    if (n == 0 || n > 3 || p[n] != '\0')
        return -1;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (p[i] - '0');
    return v <= 128 ? v : -1;
}

/* Why things can't have addresses there; NULL: they can. */
static const char *
judge(const struct in6_addr *a, int length)
{
    static const uint8_t zeros[8];
    if (length > 64)
        return "is longer than /64, which leaves no room for interface identifiers of 64 bits (RFC "
               "4291 2.5.1): write a /64";
    if (length < 16)
        return "is shorter than /16: write the /64 that is routed to this machine";
    for (int bit = length; bit < 128; bit++)
        if (a->s6_addr[bit / 8] & 0x80 >> bit % 8)
            return "has bits behind its length: write it as the router has it, like "
                   "fd00:db8:1:2::/64";
    if (IN6_IS_ADDR_MULTICAST(a))
        return "is multicast";
    if (IN6_IS_ADDR_LINKLOCAL(a))
        return "is link-local, which no router forwards: take a global or a unique local one "
               "(fd00::/8)";
    if (memcmp(a, zeros, sizeof zeros) == 0)
        return "is not of a network: take a global or a unique local one (fd00::/8)";
    return NULL;
}

lintel_status
lcoap_prefix_read(const char *text, struct lcoap_prefix *ret, char *err, size_t nerr)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr a;
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : 0;
    int length = slash != NULL ? read_length(slash + 1) : -1;

    if (length < 0 || n == 0 || n >= sizeof address) {
        snprintf(err, nerr, "prefix: %.60s: an IPv6 prefix like fd00:db8:1:2::/64 is wanted", text);
        return LINTEL_E_CONFIG;
    }
    memcpy(address, text, n);
    address[n] = '\0';
    if (inet_pton(AF_INET6, address, &a) != 1) {
        snprintf(err, nerr, "prefix: %.60s: an IPv6 prefix like fd00:db8:1:2::/64 is wanted", text);
        return LINTEL_E_CONFIG;
    }
    const char *why = judge(&a, length);
    if (why != NULL) {
        snprintf(err, nerr, "prefix: %.60s %s", text, why);
        return LINTEL_E_CONFIG;
    }
    memcpy(ret->bytes, a.s6_addr, sizeof ret->bytes);
    return LINTEL_OK;
}

bool
lcoap_prefix_holds(const struct lcoap_prefix *p, const struct in6_addr *a)
{
    return memcmp(p->bytes, a->s6_addr, sizeof p->bytes) == 0;
}

bool
lcoap_iid_is_reserved(const uint8_t iid[LCOAP_IID_BYTES])
{
    /* The registry "Reserved IPv6 Interface Identifiers": the subnet routers' anycast; IANA's block
     * of Ethernet addresses, in which proxy mobile IPv6 has one; anycast of RFC 2526. */
    static const uint8_t routers[8], ethernet[5] = {0x02, 0x00, 0x5e, 0xff, 0xfe};
    static const uint8_t anycast[7] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(iid, routers, sizeof routers) == 0 ||
           memcmp(iid, ethernet, sizeof ethernet) == 0 ||
           (memcmp(iid, anycast, sizeof anycast) == 0 && iid[7] >= 0x80);
}

size_t
lcoap_iid_label(const struct lcoap_prefix *p, const char *thing, uint32_t counter,
                uint8_t ret[LCOAP_IID_LABEL_MOST])
{
    static const char what[] = "address"; /* other uses of the secret have other words */
    size_t n = strlen(thing), at = sizeof what;
    if (n > LCOAP_IID_NAME_MOST)
        return 0;
    memcpy(ret, what, sizeof what);
    memcpy(ret + at, p->bytes, sizeof p->bytes);
    at += sizeof p->bytes;
    memcpy(ret + at, thing, n + 1);
    at += n + 1;
    ret[at++] = (uint8_t)counter;
    return at;
}

void
lcoap_iid_address(const struct lcoap_prefix *p, const uint8_t derived[32], struct in6_addr *ret)
{
    memcpy(ret->s6_addr, p->bytes, sizeof p->bytes);
    memcpy(ret->s6_addr + sizeof p->bytes, derived, LCOAP_IID_BYTES);
}
