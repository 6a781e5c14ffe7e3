/* SPDX-License-Identifier: Apache-2.0
 * Addresses of this machine, added, listed and removed by rtnetlink(7). A request is carried out
 * before its call returns, and its answer waits then: nothing here waits for anybody but the
 * kernel. */
#ifndef LINTEL_COAP_ADDRESS_H
#define LINTEL_COAP_ADDRESS_H
#include "plugins/coap/coap_prefix.h"

enum { LCOAP_ADDRESS_BATCH = 64, LCOAP_ADDRESSES_MOST = 1 << 18 };

struct lcoap_addresses {
    int fd;             /* -1: not open */
    uint32_t interface; /* its number */
    uint32_t seq;       /* of the last request */
    bool marks;         /* the kernel keeps marks of origin */
};

/* All return 0 or an errno. ENODEV: there is no such interface. */
int lcoap_addresses_open(struct lcoap_addresses *a, const char *interface);
void lcoap_addresses_close(struct lcoap_addresses *a);
/* Ours on the interface below the prefix, sorted by lcoap_address_order(); free() it. */
int lcoap_addresses_list(struct lcoap_addresses *a, const struct lcoap_prefix *p,
                         struct in6_addr **ret, uint32_t *ret_n);
/* At most LCOAP_ADDRESS_BATCH at once. What became of each stands in `results`: 0 or an errno. */
void lcoap_addresses_add(struct lcoap_addresses *a, const struct in6_addr *list, uint32_t n,
                         int *results);
void lcoap_addresses_remove(struct lcoap_addresses *a, const struct in6_addr *list, uint32_t n,
                            int *results);
/* For qsort() and bsearch(). */
int lcoap_address_order(const void *a, const void *b);
#endif
