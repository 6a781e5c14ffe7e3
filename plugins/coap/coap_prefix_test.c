/* SPDX-License-Identifier: Apache-2.0
 * Prefixes, interface identifiers, and the messages of rtnetlink. */
#include "plugins/coap/coap_netlink.h"
#include "plugins/coap/coap_prefix.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

static void
reads_prefixes(void)
{
    static const struct {
        const char *text, *first; /* NULL: refused */
        const char *says;
    } cases[] = {
        {"fd00:db8:1:2::/64", "fd00:db8:1:2::", NULL},
        {"2001:db8::/32", "2001:db8::", NULL}, /* its first /64 */
        {"2001:db8:0:ff00::/56", "2001:db8:0:ff00::", NULL},
        {"fd00::/65", NULL, "longer than /64"},
        {"fd00::/128", NULL, "longer than /64"},
        {"fd00::/15", NULL, "shorter than /16"},
        {"fd00:db8:1:2::1/64", NULL, "bits behind its length"},
        {"2001:db8:0:ff80::/56", NULL, "bits behind its length"},
        {"fe80::/64", NULL, "link-local"},
        {"ff02::/16", NULL, "multicast"},
        {"::/64", NULL, "not of a network"},
        {"::ffff:0:0/64", NULL, "bits behind its length"},
        {"fd00::", NULL, "a prefix like"},
        {"fd00::/", NULL, "a prefix like"},
        {"fd00::/x", NULL, "a prefix like"},
        {"fd00::/129", NULL, "a prefix like"},
        {"fd00::/0064", NULL, "a prefix like"},
        {"/64", NULL, "a prefix like"},
        {"", NULL, "a prefix like"},
        {"192.0.2.0/24", NULL, "a prefix like"},
        {"fd00:db8:1:2:3:4:5:6:7::/64", NULL, "a prefix like"},
        {"a-text-that-is-longer-than-any-address-of-ipv6-can-ever-be-written/64", NULL, "like"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lcoap_prefix p = {{0}};
        struct in6_addr a;
        char err[300] = "";
        lintel_status st = lcoap_prefix_read(cases[i].text, &p, err, sizeof err);
        CHECK_INT(st, cases[i].first != NULL ? LINTEL_OK : LINTEL_E_CONFIG);
        if (cases[i].first == NULL) {
            const char *says = strcmp(cases[i].says, "a prefix like") == 0
                                   ? "an IPv6 prefix like fd00:db8:1:2::/64 is wanted"
                                   : cases[i].says;
            CHECK_HAS(err, "prefix: ");
            CHECK_HAS(err, says);
            continue;
        }
        CHECK_INT(inet_pton(AF_INET6, cases[i].first, &a), 1);
        CHECK(memcmp(p.bytes, &a, sizeof p.bytes) == 0);
        CHECK(lcoap_prefix_holds(&p, &a));
        a.s6_addr[7] ^= 1;
        CHECK(!lcoap_prefix_holds(&p, &a));
    }
}

static void
avoids_reserved_identifiers(void)
{
    static const struct {
        uint8_t iid[8];
        int reserved;
    } cases[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0}, 1},
        {{0, 0, 0, 0, 0, 0, 0, 1}, 0},
        {{0x02, 0, 0x5e, 0xff, 0xfe, 0, 0, 0}, 1},
        {{0x02, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13}, 1},
        {{0x02, 0, 0x5e, 0xff, 0xfe, 0xff, 0xff, 0xff}, 1},
        {{0x02, 0, 0x5e, 0xff, 0xff, 0, 0, 0}, 0},
        {{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 0},
        {{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80}, 1},
        {{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_INT(lcoap_iid_is_reserved(cases[i].iid), cases[i].reserved);
}

/* Nothing that differs may come to the same label. */
static void
labels_differ(void)
{
    const struct lcoap_prefix one = {{0xfd, 0, 0, 0, 0, 0, 0, 1}};
    const struct lcoap_prefix two = {{0xfd, 0, 0, 0, 0, 0, 0, 2}};
    uint8_t labels[6][LCOAP_IID_LABEL_MOST];
    size_t n[6], count = 0;
    char name[LCOAP_IID_NAME_MOST + 2];
    n[count] = lcoap_iid_label(&one, "lamp", 0, labels[count]), count++;
    n[count] = lcoap_iid_label(&two, "lamp", 0, labels[count]), count++;
    n[count] = lcoap_iid_label(&one, "lamp", 1, labels[count]), count++;
    n[count] = lcoap_iid_label(&one, "lamp1", 0, labels[count]), count++;
    n[count] = lcoap_iid_label(&one, "", 1, labels[count]), count++;
    n[count] = lcoap_iid_label(&one, "", 0, labels[count]), count++;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(n[i] != n[k] || memcmp(labels[i], labels[k], n[i]) != 0);
    memset(name, 'a', sizeof name);
    name[LCOAP_IID_NAME_MOST] = '\0';
    CHECK(lcoap_iid_label(&one, name, 7, labels[0]) <= LCOAP_IID_LABEL_MOST);
    CHECK(lcoap_iid_label(&one, name, 7, labels[0]) > LCOAP_IID_NAME_MOST);
    name[LCOAP_IID_NAME_MOST] = 'a';
    name[LCOAP_IID_NAME_MOST + 1] = '\0';
    CHECK_INT(lcoap_iid_label(&one, name, 7, labels[0]), 0);
}

static void
makes_addresses(void)
{
    const struct lcoap_prefix p = {{0xfd, 0, 0x0d, 0xb8, 0, 1, 0, 2}};
    const uint8_t derived[32] = {0xa1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct in6_addr a;
    char text[INET6_ADDRSTRLEN];
    lcoap_iid_address(&p, derived, &a);
    CHECK_STR(inet_ntop(AF_INET6, &a, text, sizeof text), "fd00:db8:1:2:a102:304:506:708");
}

/* Byte by byte, as rtnetlink(7) and <linux/if_addr.h> have it. Little-endian machines only differ
 * in the order of numbers, which are written as such. */
static void
writes_requests(void)
{
    uint8_t buf[LCOAP_NL_REQUEST_MOST], again[LCOAP_NL_REQUEST_MOST];
    struct nlmsghdr head;
    struct ifaddrmsg m;
    struct in6_addr a;
    CHECK_INT(inet_pton(AF_INET6, "fd00::a1b2", &a), 1);
    size_t n = lcoap_nl_add(buf, 7, 3, &a);
    CHECK(n <= sizeof buf && n % NLMSG_ALIGNTO == 0);
    memcpy(&head, buf, sizeof head);
    CHECK_INT(head.nlmsg_len, n);
    CHECK_INT(head.nlmsg_type, RTM_NEWADDR);
    CHECK_INT(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    CHECK_INT(head.nlmsg_seq, 7);
    memcpy(&m, buf + NLMSG_HDRLEN, sizeof m);
    CHECK_INT(m.ifa_family, AF_INET6);
    CHECK_INT(m.ifa_prefixlen, 128);
    CHECK_INT(m.ifa_index, 3);
    int seen = 0;
    for (size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof m); at < n;) {
        struct rtattr r;
        uint32_t v = 0;
        struct ifa_cacheinfo lifetimes;
        memcpy(&r, buf + at, sizeof r);
        REQUIRE(r.rta_len >= sizeof r && r.rta_len <= n - at);
        const uint8_t *p = buf + at + sizeof r;
        seen |= 1 << r.rta_type;
        if (r.rta_type == IFA_LOCAL || r.rta_type == IFA_ADDRESS)
            CHECK(r.rta_len == sizeof r + 16 && memcmp(p, &a, 16) == 0);
        else if (r.rta_type == IFA_FLAGS) {
            memcpy(&v, p, sizeof v);
            CHECK_INT(v, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
        } else if (r.rta_type == IFA_CACHEINFO) {
            memcpy(&lifetimes, p, sizeof lifetimes);
            CHECK_INT(lifetimes.ifa_prefered, 0); /* deprecated */
            CHECK_INT(lifetimes.ifa_valid, 0xffffffff);
        } else {
            CHECK_INT(r.rta_type, 11); /* IFA_PROTO */
            CHECK_INT(r.rta_len, sizeof r + 1);
            CHECK_INT(p[0], LCOAP_NL_MARK);
        }
        at += RTA_ALIGN(r.rta_len);
    }
    CHECK_INT(seen,
              1 << IFA_LOCAL | 1 << IFA_ADDRESS | 1 << IFA_FLAGS | 1 << IFA_CACHEINFO | 1 << 11);

    n = lcoap_nl_remove(again, 8, 3, &a);
    memcpy(&head, again, sizeof head);
    CHECK_INT(head.nlmsg_len, n);
    CHECK_INT(head.nlmsg_type, RTM_DELADDR);
    CHECK_INT(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    n = lcoap_nl_list(again, 9, 3);
    memcpy(&head, again, sizeof head);
    CHECK_INT(head.nlmsg_len, n);
    CHECK_INT(head.nlmsg_type, RTM_GETADDR);
    CHECK_INT(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
}

/* Puts a message of the kernel's together. */
static size_t
put_answer(uint8_t *buf, size_t at, uint16_t type, uint16_t flags, uint32_t seq, const void *body,
           size_t n)
{
    struct nlmsghdr head = {(uint32_t)(NLMSG_HDRLEN + n), type, flags, seq, 99};
    memset(buf + at, 0, NLMSG_ALIGN(head.nlmsg_len));
    memcpy(buf + at, &head, sizeof head);
    memcpy(buf + at + NLMSG_HDRLEN, body, n);
    return at + NLMSG_ALIGN(head.nlmsg_len);
}

static void
reads_answers(void)
{
    uint8_t buf[1024], request[LCOAP_NL_REQUEST_MOST];
    struct lcoap_nl_answer a;
    struct in6_addr address;
    int32_t done = 0, denied = -EPERM, wrong = 5;
    size_t n = 0, at = 0;
    CHECK_INT(inet_pton(AF_INET6, "fd00::a1b2", &address), 1);
    size_t len = lcoap_nl_add(request, 1, 3, &address);
    n = put_answer(buf, n, NLMSG_ERROR, 0, 1, &done, sizeof done);
    n = put_answer(buf, n, NLMSG_ERROR, 0, 2, &denied, sizeof denied);
    n = put_answer(buf, n, NLMSG_ERROR, 0, 3, &wrong, sizeof wrong); /* no errno */
    n = put_answer(buf, n, NLMSG_ERROR, 0, 4, &done, 2);             /* cut short */
    n = put_answer(buf, n, RTM_NEWADDR, NLM_F_MULTI | NLM_F_DUMP_INTR, 5, request + NLMSG_HDRLEN,
                   len - NLMSG_HDRLEN);
    n = put_answer(buf, n, RTM_NEWADDR, NLM_F_MULTI, 6, request + NLMSG_HDRLEN, 6);
    n = put_answer(buf, n, NLMSG_DONE, NLM_F_MULTI, 7, &done, sizeof done);
    n = put_answer(buf, n, RTM_NEWLINK, 0, 8, &done, sizeof done);

    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_RESULT && a.seq == 1 && a.error == 0);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_RESULT && a.seq == 2 && a.error == EPERM);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_OTHER && a.seq == 3);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_OTHER && a.seq == 4);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_ADDRESS && a.seq == 5 && a.interrupted);
    CHECK(a.interface == 3 && a.length == 128 && a.mark == LCOAP_NL_MARK);
    CHECK_INT(a.flags, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
    CHECK(memcmp(&a.address, &address, sizeof address) == 0);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_OTHER && a.seq == 6);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_END && a.seq == 7);
    CHECK(lcoap_nl_next(buf, n, &at, &a));
    CHECK(a.kind == LCOAP_NL_OTHER && a.seq == 8);
    CHECK(!lcoap_nl_next(buf, n, &at, &a));

    struct nlmsghdr head = {.nlmsg_len = 4096, .nlmsg_type = NLMSG_ERROR}; /* beyond the end */
    memcpy(buf, &head, sizeof head);
    at = 0;
    CHECK(!lcoap_nl_next(buf, n, &at, &a));
    head.nlmsg_len = 8; /* shorter than itself */
    memcpy(buf, &head, sizeof head);
    CHECK(!lcoap_nl_next(buf, n, &at, &a));
}

static void
knows_its_own(void)
{
    struct lcoap_nl_answer a = {.length = 128,
                                .mark = LCOAP_NL_MARK,
                                .flags = IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_DEPRECATED |
                                         IFA_F_NOPREFIXROUTE};
    CHECK(lcoap_nl_is_ours(&a, true));
    CHECK(lcoap_nl_is_ours(&a, false));
    a.mark = 0; /* by hand, or by a kernel without marks */
    CHECK(!lcoap_nl_is_ours(&a, true));
    CHECK(lcoap_nl_is_ours(&a, false));
    a.mark = 4; /* somebody else's */
    CHECK(!lcoap_nl_is_ours(&a, true));
    CHECK(!lcoap_nl_is_ours(&a, false));
    a.mark = LCOAP_NL_MARK;
    a.length = 64;
    CHECK(!lcoap_nl_is_ours(&a, true));
    a.length = 128;
    a.flags &= ~(uint32_t)IFA_F_DEPRECATED;
    CHECK(!lcoap_nl_is_ours(&a, true));
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_prefixes),  KIT(avoids_reserved_identifiers),
                                            KIT(labels_differ),   KIT(makes_addresses),
                                            KIT(writes_requests), KIT(reads_answers),
                                            KIT(knows_its_own),   {0}};
    return kit_main("coap prefix", tests, argc, argv);
}
