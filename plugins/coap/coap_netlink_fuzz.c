/* SPDX-License-Identifier: Apache-2.0
 * Any datagram as an answer of the kernel: the walk ends, and moves on with each message. */
#include "plugins/coap/coap_netlink.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lcoap_nl_answer a;
    size_t at = 0, before = 0;
    while (lcoap_nl_next(data, size, &at, &a)) {
        if (at <= before || at > size)
            abort();
        before = at;
        if (a.error < 0 || a.error > 4095)
            abort();
        for (size_t i = 0; i < sizeof a.address; i++)
            sink += a.address.s6_addr[i];
        sink += lcoap_nl_is_ours(&a, true) + lcoap_nl_is_ours(&a, false);
    }
    return 0;
}
