/* SPDX-License-Identifier: Apache-2.0
 * Any datagram that is kept from libcoap: the answer fits, and goes back to who asked. */
#include "plugins/coap/coap_odd.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t answer[LCOAP_ODD_ROOM];
    if (size < 4 || !lcoap_is_odd(data, size))
        return 0;
    size_t n = lcoap_odd_answer(data, size, answer);
    if (n > sizeof answer || n > size ||
        (n != 0 && memcmp(answer + 4, data + 4, data[0] & 15) != 0))
        abort();
    return 0;
}
