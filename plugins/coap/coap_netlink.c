/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_netlink.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* As a number of its own: older headers lack it. */
enum { ATTRIBUTE_PROTO = 11 };

static size_t
put_attribute(uint8_t *buf, size_t at, uint16_t type, const void *p, size_t n)
{
    struct rtattr head = {(unsigned short)RTA_LENGTH(n), type};
    memset(buf + at, 0, RTA_SPACE(n));
    memcpy(buf + at, &head, sizeof head);
    memcpy(buf + at + RTA_LENGTH(0), p, n);
    return at + RTA_SPACE(n);
}

/* The head is written last, when the length is known. */
static size_t
finish(uint8_t *buf, size_t n, uint16_t type, uint16_t flags, uint32_t seq)
{
    struct nlmsghdr head = {(uint32_t)n, type, (uint16_t)(NLM_F_REQUEST | flags), seq, 0};
    memcpy(buf, &head, sizeof head);
    return n;
}

static size_t
put_message(uint8_t *buf, uint32_t interface, uint8_t length)
{
    struct ifaddrmsg m = {.ifa_family = AF_INET6,
                          .ifa_prefixlen = length,
                          .ifa_scope = RT_SCOPE_UNIVERSE,
                          .ifa_index = interface};
    memcpy(buf + NLMSG_HDRLEN, &m, sizeof m);
    return NLMSG_HDRLEN + NLMSG_ALIGN(sizeof m);
}

size_t
lcoap_nl_add(uint8_t *buf, uint32_t seq, uint32_t interface, const struct in6_addr *a)
{
    const struct ifa_cacheinfo lifetimes = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};
    const uint32_t flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
    const uint8_t mark = LCOAP_NL_MARK;
    size_t n = put_message(buf, interface, 128);
    n = put_attribute(buf, n, IFA_LOCAL, a, sizeof *a);
    n = put_attribute(buf, n, IFA_ADDRESS, a, sizeof *a);
    n = put_attribute(buf, n, IFA_CACHEINFO, &lifetimes, sizeof lifetimes);
    n = put_attribute(buf, n, IFA_FLAGS, &flags, sizeof flags);
    n = put_attribute(buf, n, ATTRIBUTE_PROTO, &mark, sizeof mark);
    return finish(buf, n, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, seq);
}

size_t
lcoap_nl_remove(uint8_t *buf, uint32_t seq, uint32_t interface, const struct in6_addr *a)
{
    size_t n = put_message(buf, interface, 128);
    n = put_attribute(buf, n, IFA_LOCAL, a, sizeof *a);
    return finish(buf, n, RTM_DELADDR, NLM_F_ACK, seq);
}

size_t
lcoap_nl_list(uint8_t *buf, uint32_t seq, uint32_t interface)
{
    return finish(buf, put_message(buf, interface, 0), RTM_GETADDR, NLM_F_DUMP, seq);
}

static bool
read_address(const uint8_t *p, size_t n, struct lcoap_nl_answer *ret)
{
    struct ifaddrmsg m;
    bool local = false, any = false;
    if (n < NLMSG_ALIGN(sizeof m))
        return false;
    memcpy(&m, p, sizeof m);
    if (m.ifa_family != AF_INET6)
        return false;
    ret->interface = m.ifa_index;
    ret->length = m.ifa_prefixlen;
    ret->flags = m.ifa_flags;
    for (size_t at = NLMSG_ALIGN(sizeof m), step; n - at >= sizeof(struct rtattr); at += step) {
        struct rtattr a;
        memcpy(&a, p + at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > n - at)
            return false;
        const uint8_t *value = p + at + RTA_LENGTH(0);
        size_t len = a.rta_len - RTA_LENGTH(0);
        step = RTA_ALIGN(a.rta_len) < n - at ? RTA_ALIGN(a.rta_len) : n - at;
        /* Of a point-to-point link, IFA_ADDRESS is the other end. */
        if ((a.rta_type == IFA_LOCAL || (a.rta_type == IFA_ADDRESS && !local)) &&
            len == sizeof ret->address) {
            memcpy(&ret->address, value, len);
            local = local || a.rta_type == IFA_LOCAL;
            any = true;
        } else if (a.rta_type == IFA_FLAGS && len == sizeof ret->flags)
            memcpy(&ret->flags, value, len);
        else if (a.rta_type == ATTRIBUTE_PROTO && len == 1)
            ret->mark = value[0];
    }
    return any;
}

/* RESULT and END begin with a negative errno; of END it may be missing. */
static bool
read_error(const uint8_t *p, size_t n, int *ret)
{
    int32_t error;
    if (n < sizeof error)
        return false;
    memcpy(&error, p, sizeof error);
    if (error > 0 || error < -4095) /* MAX_ERRNO */
        return false;
    *ret = -error;
    return true;
}

bool
lcoap_nl_next(const uint8_t *buf, size_t n, size_t *at, struct lcoap_nl_answer *ret)
{
    struct nlmsghdr head;
    if (n < *at || n - *at < sizeof head)
        return false;
    memcpy(&head, buf + *at, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > n - *at)
        return false;
    const uint8_t *body = buf + *at + NLMSG_HDRLEN;
    size_t len = head.nlmsg_len - NLMSG_HDRLEN;
    *at += NLMSG_ALIGN(head.nlmsg_len) < n - *at ? NLMSG_ALIGN(head.nlmsg_len) : n - *at;
    memset(ret, 0, sizeof *ret);
    ret->kind = LCOAP_NL_OTHER;
    ret->seq = head.nlmsg_seq;
    ret->interrupted = (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (head.nlmsg_type == NLMSG_ERROR && read_error(body, len, &ret->error))
        ret->kind = LCOAP_NL_RESULT;
    else if (head.nlmsg_type == NLMSG_DONE) {
        ret->kind = LCOAP_NL_END;
        read_error(body, len, &ret->error);
    } else if (head.nlmsg_type == RTM_NEWADDR && read_address(body, len, ret))
        ret->kind = LCOAP_NL_ADDRESS;
    return true;
}

bool
lcoap_nl_is_ours(const struct lcoap_nl_answer *a, bool marks)
{
    const uint32_t made = IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_DEPRECATED | IFA_F_NOPREFIXROUTE;
    return a->length == 128 && (a->flags & made) == made &&
           (a->mark == LCOAP_NL_MARK || (a->mark == 0 && !marks));
}
