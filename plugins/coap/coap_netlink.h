/* SPDX-License-Identifier: Apache-2.0
 * Messages of rtnetlink(7) about IPv6 addresses: requests written, answers read, with every length
 * checked. Pure: no I/O, no state. */
#ifndef LINTEL_COAP_NETLINK_H
#define LINTEL_COAP_NETLINK_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LCOAP_NL_REQUEST_MOST = 128, /* bytes of one request */
    LCOAP_NL_MARK = 76           /* the origin that our addresses carry (IFA_PROTO, Linux 5.18) */
};

/* Each writes one request into LCOAP_NL_REQUEST_MOST bytes and returns its length. An address is a
 * /128, without duplicate address detection, and deprecated: no program takes it as source unless
 * it asks for it (RFC 4862 5.5.4). */
size_t lcoap_nl_add(uint8_t *buf, uint32_t seq, uint32_t interface, const struct in6_addr *a);
size_t lcoap_nl_remove(uint8_t *buf, uint32_t seq, uint32_t interface, const struct in6_addr *a);
size_t lcoap_nl_list(uint8_t *buf, uint32_t seq, uint32_t interface);

enum lcoap_nl_kind {
    LCOAP_NL_OTHER,   /* of no interest */
    LCOAP_NL_RESULT,  /* of a request */
    LCOAP_NL_ADDRESS, /* one of a list */
    LCOAP_NL_END      /* of a list */
};
struct lcoap_nl_answer {
    enum lcoap_nl_kind kind;
    uint32_t seq;
    int error;                 /* RESULT, END: an errno; 0: done */
    bool interrupted;          /* addresses came or went while they were listed: list them again */
    uint32_t interface, flags; /* ADDRESS: IFA_F_ */
    uint8_t length, mark;      /* of the prefix; who made it, 0: not said */
    struct in6_addr address;
};
/* The next answer of a datagram of n bytes, from *at on, which moves. False: no more, or the rest
 * makes no sense. */
bool lcoap_nl_next(const uint8_t *buf, size_t n, size_t *at, struct lcoap_nl_answer *ret);

/* Whether this hub, or an earlier one that was killed, made the address. `marks`: the kernel keeps
 * marks; where not, the way it was made must do. */
bool lcoap_nl_is_ours(const struct lcoap_nl_answer *a, bool marks);
#endif
